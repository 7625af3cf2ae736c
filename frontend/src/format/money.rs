//! Money as text, from the exact decimal strings of the contract, never through a float.

use super::number::{grouped, round};

/// An amount cut into the parts that are styled apart: `−` `$` `12.35` `USD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// `−` for a negative amount, `<` for one below what can be shown, else empty.
    pub sign: &'static str,
    /// The narrow symbol; empty for a currency without one.
    pub symbol: &'static str,
    /// The digits, grouped.
    pub digits: String,
    /// The ISO 4217 code.
    pub code: String,
}

impl Parts {
    /// Everything but the code: `$12.35`.
    pub fn amount(&self) -> String {
        format!("{}{}{}", self.sign, self.symbol, self.digits)
    }
}

impl std::fmt::Display for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}{} {}", self.sign, self.symbol, self.digits, self.code)
    }
}

/// How many digits the currency's smallest coin has.
fn minor_digits(currency: &str) -> usize {
    match currency {
        "KRW" | "JPY" | "VND" | "CLP" => 0,
        _ => 2,
    }
}

fn symbol(currency: &str) -> &'static str {
    match currency {
        "USD" | "CAD" | "AUD" | "SGD" | "HKD" | "TWD" => "$",
        "KRW" => "₩",
        "EUR" => "€",
        "GBP" => "£",
        "JPY" | "CNY" => "¥",
        "INR" => "₹",
        "VND" => "₫",
        _ => "",
    }
}

/// An amount as people read it: two digits for dollars, none for won, six for less than the smallest coin, so that
/// nothing that cost something ever reads as zero. `amount` is a plain decimal number; other text is shown as it is.
pub fn parts(amount: &str, currency: &str) -> Parts {
    let code = currency.to_owned();
    let symbol = symbol(currency);
    let (negative, digits) = amount.strip_prefix('-').map_or((false, amount), |rest| (true, rest));
    if !is_plain(digits) {
        return Parts { sign: "", symbol: "", digits: amount.to_owned(), code };
    }
    let sign = if negative && !is_zero(digits) { "−" } else { "" };
    let minor = minor_digits(currency);
    if is_zero(digits) || !below_smallest_coin(digits, minor) {
        return Parts { sign, symbol, digits: grouped(&round(digits, minor)), code };
    }
    let six = round(digits, 6);
    if is_zero(&six) {
        return Parts { sign: "<", symbol, digits: "0.000001".to_owned(), code };
    }
    Parts { sign, symbol, digits: six, code }
}

/// [`parts`] as one text: `$12.35 USD`.
pub fn text(amount: &str, currency: &str) -> String {
    parts(amount, currency).to_string()
}

/// Every digit that there is: `$12.345678 USD`. For tables of evidence and for tooltips.
pub fn exact(amount: &str, currency: &str) -> String {
    let trimmed = if amount.contains('.') { amount.trim_end_matches('0').trim_end_matches('.') } else { amount };
    let wanted = minor_digits(currency);
    let have = trimmed.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let mut digits = trimmed.to_owned();
    if have < wanted {
        if have == 0 {
            digits.push('.');
        }
        digits.push_str(&"0".repeat(wanted - have));
    }
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("−", rest));
    format!("{sign}{}{} {currency}", symbol(currency), grouped(digits))
}

fn is_plain(digits: &str) -> bool {
    let mut points = 0;
    !digits.is_empty()
        && digits.bytes().all(|b| {
            points += usize::from(b == b'.');
            b.is_ascii_digit() || b == b'.'
        })
        && points <= 1
        && digits.as_bytes()[0] != b'.'
}

fn is_zero(digits: &str) -> bool {
    digits.bytes().all(|b| b == b'0' || b == b'.')
}

/// Whether the first `minor` digits after the point, and all before it, are zeros.
fn below_smallest_coin(digits: &str, minor: usize) -> bool {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    is_zero(whole) && fraction.bytes().take(minor).all(|b| b == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_have_two_digits_and_their_code() {
        assert_eq!(text("12.345678", "USD"), "$12.35 USD");
        assert_eq!(text("1234567.005", "USD"), "$1,234,567.01 USD");
        assert_eq!(text("0", "USD"), "$0.00 USD");
        assert_eq!(text("0.000000", "USD"), "$0.00 USD");
        assert_eq!(text("-3.5", "USD"), "−$3.50 USD");
    }

    #[test]
    fn what_cost_something_is_never_zero() {
        assert_eq!(text("0.003500", "USD"), "$0.003500 USD");
        assert_eq!(text("0.009999999", "USD"), "$0.010000 USD");
        assert_eq!(text("0.00000004", "USD"), "<$0.000001 USD");
        assert_eq!(text("0.42", "KRW"), "₩0.420000 KRW");
        assert_eq!(text("0.01", "USD"), "$0.01 USD");
    }

    #[test]
    fn won_have_no_coins() {
        assert_eq!(text("1234567.6", "KRW"), "₩1,234,568 KRW");
        assert_eq!(exact("1234567.6", "KRW"), "₩1,234,567.6 KRW");
    }

    #[test]
    fn digits_beyond_a_float_stay_exact() {
        assert_eq!(text("90071992547409931234.56", "USD"), "$90,071,992,547,409,931,234.56 USD");
        assert_eq!(exact("0.123456789012345678", "USD"), "$0.123456789012345678 USD");
        assert_eq!(exact("12", "USD"), "$12.00 USD");
        assert_eq!(exact("12.500", "USD"), "$12.50 USD");
    }

    #[test]
    fn what_is_no_number_is_shown_as_it_is() {
        assert_eq!(text("n/a", "USD"), "n/a USD");
        assert_eq!(text("1e5", "XTS"), "1e5 XTS");
    }
}
