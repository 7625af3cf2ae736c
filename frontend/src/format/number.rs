//! Pure number formatting. Korean and English agree on `1,234.5`.

/// Digits in groups of three: `1234567.5` → `1,234,567.5`. Takes a decimal number's text, sign allowed.
pub fn grouped(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("−", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut out = String::with_capacity(text.len() + whole.len() / 3 + 2);
    out.push_str(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A percentage: whole numbers from 10 up, one digit below, and never `0%` for what is not zero.
pub fn percent(value: f64) -> String {
    let magnitude = value.abs();
    let sign = if value < 0.0 { "−" } else { "" };
    if magnitude == 0.0 {
        "0%".to_owned()
    } else if magnitude < 0.1 {
        format!("{sign}<0.1%")
    } else if magnitude < 9.95 {
        let text = format!("{magnitude:.1}");
        format!("{sign}{}%", text.strip_suffix(".0").unwrap_or(&text))
    } else {
        format!("{sign}{}%", grouped(&format!("{magnitude:.0}")))
    }
}

/// Rounds a decimal number's text to `digits` after the point, halves away from zero, without leaving text.
/// `text` must be plain digits with at most one point, as the contract's decimals are; no sign.
pub(crate) fn round(text: &str, digits: usize) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut all: Vec<u8> = whole.bytes().chain(fraction.bytes().chain(std::iter::repeat(b'0')).take(digits)).collect();
    let up = fraction.as_bytes().get(digits).is_some_and(|next| *next >= b'5');
    let mut carry = up;
    for digit in all.iter_mut().rev() {
        if !carry {
            break;
        }
        carry = *digit == b'9';
        *digit = if carry { b'0' } else { *digit + 1 };
    }
    if carry {
        all.insert(0, b'1');
    }
    let split = all.len() - digits;
    let text = |bytes: &[u8]| bytes.iter().map(|b| char::from(*b)).collect::<String>();
    let whole = text(&all[..split]);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    if digits == 0 { whole.to_owned() } else { format!("{whole}.{}", text(&all[split..])) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped() {
        assert_eq!(grouped("0"), "0");
        assert_eq!(grouped("999"), "999");
        assert_eq!(grouped("1000"), "1,000");
        assert_eq!(grouped("-1234567.891"), "−1,234,567.891");
        assert_eq!(grouped("123456789012345678901234567890"), "123,456,789,012,345,678,901,234,567,890");
    }

    #[test]
    fn rounding_is_half_away_from_zero_and_carries() {
        assert_eq!(round("12.345", 2), "12.35");
        assert_eq!(round("12.344999999999999999999", 2), "12.34");
        assert_eq!(round("9.999", 2), "10.00");
        assert_eq!(round("999.5", 0), "1000");
        assert_eq!(round("0.1", 6), "0.100000");
        assert_eq!(round("007", 2), "7.00");
    }

    #[test]
    fn a_percentage_keeps_what_matters() {
        assert_eq!(percent(12.34), "12%");
        assert_eq!(percent(9.96), "10%");
        assert_eq!(percent(3.0), "3%");
        assert_eq!(percent(-3.12), "−3.1%");
        assert_eq!(percent(0.04), "<0.1%");
        assert_eq!(percent(0.0), "0%");
        assert_eq!(percent(1234.0), "1,234%");
    }
}
