//! Writing one amount the ways the provider was seen to write it.

use rust_decimal::Decimal;

use super::spec::AmountStyle;

/// Significant digits of a Decimal128.
const SIGNIFICANT: usize = 34;

/// The JSON text of `amount`; `word` (a hash of the row) picks among the spellings of a mixed style.
pub(crate) fn literal(amount: Decimal, style: AmountStyle, word: u64) -> String {
    let amount = amount.normalize();
    match style {
        AmountStyle::Number => amount.to_string(),
        AmountStyle::String => format!("\"{}\"", two_decimals(amount)),
        AmountStyle::Decimal128 if word & 1 == 0 => decimal128(amount),
        AmountStyle::Decimal128 => format!("\"{}\"", decimal128(amount)),
        AmountStyle::Mixed => match word % 8 {
            0..=3 => amount.to_string(),
            4 | 5 => format!("\"{}\"", two_decimals(amount)),
            6 => decimal128(amount),
            _ => format!("\"{}\"", decimal128(amount)),
        },
    }
}

fn two_decimals(amount: Decimal) -> String {
    if amount.scale() >= 2 { amount.to_string() } else { format!("{amount:.2}") }
}

fn decimal128(amount: Decimal) -> String {
    if amount.is_zero() {
        return "0E-6176".to_owned();
    }
    let mut text = amount.to_string();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.trim_start_matches('0').len();
    if !text.contains('.') {
        text.push('.');
    }
    text.extend(std::iter::repeat_n('0', SIGNIFICANT.saturating_sub(significant)));
    text
}

#[cfg(test)]
mod tests {
    use super::{AmountStyle, Decimal, literal};

    #[test]
    fn amounts_are_written_as_observed() {
        let amount: Decimal = "0.0036275".parse().unwrap();
        assert_eq!(literal(amount, AmountStyle::Number, 0), "0.0036275");
        assert_eq!(literal(amount, AmountStyle::Decimal128, 0), "0.003627500000000000000000000000000000");
        assert_eq!(literal(amount, AmountStyle::Decimal128, 1), "\"0.003627500000000000000000000000000000\"");
        assert_eq!(literal(Decimal::ZERO, AmountStyle::Decimal128, 0), "0E-6176");
        assert_eq!(literal("12.5".parse().unwrap(), AmountStyle::String, 0), "\"12.50\"");
        assert_eq!(literal("-3".parse().unwrap(), AmountStyle::String, 0), "\"-3.00\"");
        assert_eq!(literal("-3".parse().unwrap(), AmountStyle::Decimal128, 0), format!("-3.{}", "0".repeat(33)));
    }
}
