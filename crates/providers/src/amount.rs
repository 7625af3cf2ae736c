//! Exact decimals from the text of a JSON literal.
//!
//! Money never passes through a float. Providers write one amount in many ways: `0.06`, `"12.50"`, `1.5e-7`, and the
//! Decimal128 renderings `0E-6176` and `0.003627500000000000000000000000000000`, the last two of which
//! `rust_decimal`'s own parser refuses. Here zero and trailing zeros are normalised first, then the value is taken
//! exactly or refused; it is never rounded.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde_json::value::RawValue;

/// The most digits a `Decimal` can hold (its mantissa has 96 bits).
const MAX_DIGITS: usize = 29;
/// The most decimal places a `Decimal` can hold.
const MAX_SCALE: i64 = 28;
/// Longer literals are not amounts; reading stops before looking at them.
const MAX_LITERAL: usize = 16 * 1024;
/// Exponents are clamped here: far beyond what can be held, far below what could overflow.
const EXPONENT_CLAMP: i64 = 1 << 32;

/// Why a literal is not an amount. Carries lengths only, never the literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not a decimal literal: empty, `NaN`, `Infinity`, `1_000`, `0x10`, `true`, …
    #[error("literal of {length} bytes is not a decimal number")]
    NotANumber {
        /// Bytes in the literal.
        length: usize,
    },
    /// A number, but one that cannot be held exactly in 28 decimal places and 96 bits.
    #[error("literal of {length} bytes cannot be represented exactly")]
    NotExact {
        /// Bytes in the literal.
        length: usize,
    },
}

/// Reads a decimal literal exactly: optional sign, digits, optional fraction, optional exponent.
///
/// The result has the smallest scale that holds the value (`12.50` is read as `12.5`), and zero is always plain `0`,
/// whatever its sign or exponent. Takes time linear in the literal and allocates nothing.
///
/// # Errors
/// [`AmountError::NotANumber`] for anything else, [`AmountError::NotExact`] when the value does not fit.
pub fn parse_decimal(literal: &str) -> Result<Decimal, AmountError> {
    let length = literal.len();
    let not_exact = AmountError::NotExact { length };
    if length > MAX_LITERAL {
        return Err(not_exact);
    }
    let parts = Parts::split(literal.trim_ascii()).ok_or(AmountError::NotANumber { length })?;
    let Some(significant) = parts.significant() else {
        return Ok(Decimal::ZERO);
    };
    if significant.count > MAX_DIGITS {
        return Err(not_exact);
    }
    let exponent = parts.exponent.saturating_add(significant.exponent);
    let mantissa = parts.mantissa(&significant);
    let (mantissa, scale) = if exponent > 0 {
        let power = u32::try_from(exponent).ok().and_then(|e| 10_i128.checked_pow(e)).ok_or(not_exact)?;
        (mantissa.checked_mul(power).ok_or(not_exact)?, 0)
    } else if exponent >= -MAX_SCALE {
        (mantissa, exponent.unsigned_abs() as u32)
    } else {
        return Err(not_exact);
    };
    let signed = if parts.negative { -mantissa } else { mantissa };
    Decimal::try_from_i128_with_scale(signed, scale).map_err(|_| not_exact)
}

/// Reads an amount from a JSON value that is a number or a string holding a number.
///
/// # Errors
/// As [`parse_decimal`]; every other kind of JSON value is [`AmountError::NotANumber`].
pub fn parse_json_decimal(value: &RawValue) -> Result<Decimal, AmountError> {
    let text = value.get();
    let literal: Cow<'_, str> = match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        None => Cow::Borrowed(text),
        Some(plain) if !plain.contains('\\') => Cow::Borrowed(plain),
        Some(_) => serde_json::from_str::<String>(text)
            .map(Cow::Owned)
            .map_err(|_| AmountError::NotANumber { length: text.len() })?,
    };
    parse_decimal(&literal)
}

/// Reads a whole number, `0` to `i64::MAX` and below zero alike, from a JSON number or string (`5`, `"5"`, `5.0`).
///
/// # Errors
/// [`AmountError::NotANumber`] for other values, [`AmountError::NotExact`] for fractions and what exceeds an `i64`.
pub(crate) fn parse_json_integer(value: &RawValue) -> Result<i64, AmountError> {
    let decimal = parse_json_decimal(value)?;
    let not_exact = AmountError::NotExact { length: value.get().len() };
    if decimal.scale() != 0 {
        return Err(not_exact);
    }
    i64::try_from(decimal.mantissa()).map_err(|_| not_exact)
}

/// A literal taken apart; all slices hold ASCII digits only.
struct Parts<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

/// Where the digits that count lie, over `whole` and `fraction` read as one run.
struct Significant {
    first: usize,
    last: usize,
    count: usize,
    /// The power of ten of the last of them, before the literal's own exponent.
    exponent: i64,
}

impl<'a> Parts<'a> {
    fn split(literal: &'a str) -> Option<Self> {
        let (negative, rest) = sign(literal.as_bytes());
        let (whole, rest) = digits(rest)?;
        let (fraction, rest) = match rest.split_first() {
            Some((b'.', rest)) => digits(rest)?,
            _ => (&rest[..0], rest),
        };
        let exponent = match rest.split_first() {
            None => 0,
            Some((b'e' | b'E', rest)) => {
                let (negative, rest) = sign(rest);
                let (exponent, rest) = digits(rest)?;
                if !rest.is_empty() {
                    return None;
                }
                let size = exponent.iter().fold(0_i64, |sum, d| (sum * 10 + i64::from(d - b'0')).min(EXPONENT_CLAMP));
                if negative { -size } else { size }
            }
            Some(_) => return None,
        };
        Some(Self { negative, whole, fraction, exponent })
    }

    fn run(&self) -> impl DoubleEndedIterator<Item = u8> + use<'_> {
        self.whole.iter().chain(self.fraction).copied()
    }

    /// None when every digit is zero.
    fn significant(&self) -> Option<Significant> {
        let first = self.run().position(|d| d != b'0')?;
        let length = self.whole.len() + self.fraction.len();
        let last = length - 1 - self.run().rev().position(|d| d != b'0')?;
        let exponent = self.whole.len() as i64 - 1 - last as i64;
        Some(Significant { first, last, count: last - first + 1, exponent })
    }

    /// At most 29 digits, so this fits easily.
    fn mantissa(&self, significant: &Significant) -> i128 {
        self.run()
            .skip(significant.first)
            .take(significant.last + 1 - significant.first)
            .fold(0_i128, |sum, d| sum * 10 + i128::from(d - b'0'))
    }
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    }
}

/// One digit or more, and what follows them.
fn digits(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(literal: &str) -> String {
        parse_decimal(literal).unwrap_or_else(|e| panic!("{literal}: {e}")).to_string()
    }

    #[test]
    fn reads_what_providers_send() {
        for (literal, expected) in [
            ("0.06", "0.06"),
            ("12.50", "12.5"),
            ("0E-6176", "0"),
            ("-0E+6111", "0"),
            ("-0", "0"),
            ("0.003627500000000000000000000000000000", "0.0036275"),
            ("0.007605000000000000000000000000000000", "0.007605"),
            ("-4.20", "-4.2"),
            ("1.5e-7", "0.00000015"),
            ("2.5E3", "2500"),
            ("1200e-2", "12"),
            ("+7", "7"),
            (" 7 ", "7"),
            ("0000000000000000000000000000000000000000012.5", "12.5"),
            ("1e28", "10000000000000000000000000000"),
            ("1e-28", "0.0000000000000000000000000001"),
            ("79228162514264337593543950335", "79228162514264337593543950335"),
            ("100000000000000000000000000000000000000e-38", "1"),
        ] {
            assert_eq!(read(literal), expected, "{literal}");
        }
    }

    #[test]
    fn refuses_what_is_no_number() {
        for literal in [
            "", " ", "-", "+", ".", ".5", "5.", "1.e3", "e5", "1e", "1e+", "1e5.0", "1,5", "1_000", "0x10", "NaN",
            "nan", "Infinity", "-inf", "true", "null", "1 2", "--1", "１２", "[1]", "{}", "$5", "1.2.3",
        ] {
            assert_eq!(parse_decimal(literal), Err(AmountError::NotANumber { length: literal.len() }), "{literal}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_hold_instead_of_rounding() {
        for literal in [
            "1e400",
            "1e-400",
            "-1e999999999999999999999999999999",
            "1e-999999999999999999999999999999",
            "1e29",
            "1e-29",
            "79228162514264337593543950336",
            "0.12345678901234567890123456789",
            "123456789012345678901234567890",
        ] {
            assert_eq!(parse_decimal(literal), Err(AmountError::NotExact { length: literal.len() }), "{literal}");
        }
        let long = "1".repeat(1_000_000);
        assert_eq!(parse_decimal(&long), Err(AmountError::NotExact { length: 1_000_000 }));
    }

    #[test]
    fn reads_json_numbers_and_strings_only() {
        let read = |json: &str| parse_json_decimal(serde_json::from_str::<&RawValue>(json).unwrap());
        assert_eq!(read("0E-6176"), Ok(Decimal::ZERO));
        assert_eq!(read("\"12.50\""), Ok(Decimal::new(125, 1)));
        assert_eq!(read(r#""1\u0032.5""#), Ok(Decimal::new(125, 1)));
        for json in ["null", "true", "[]", "{}", "\"\"", "\"abc\"", r#""\"5\"""#] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn reads_whole_numbers() {
        let read = |json: &str| parse_json_integer(serde_json::from_str::<&RawValue>(json).unwrap());
        assert_eq!(read("1730419200"), Ok(1_730_419_200));
        assert_eq!(read("\"5\""), Ok(5));
        assert_eq!(read("5.0"), Ok(5));
        assert_eq!(read("-5"), Ok(-5));
        for json in ["5.5", "1e25", "9223372036854775808", "null", "\"x\""] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    /// The value of a literal as plain decimal text without needless zeros, worked out on strings alone.
    fn plain(negative: bool, whole: &str, fraction: &str, exponent: i32) -> String {
        let point = whole.len() as i32 + exponent;
        let mut digits = format!("{whole}{fraction}");
        let mut point = point;
        while point <= 0 {
            digits.insert(0, '0');
            point += 1;
        }
        while (digits.len() as i32) < point {
            digits.push('0');
        }
        let (left, right) = digits.split_at(point as usize);
        let left = left.trim_start_matches('0');
        let right = right.trim_end_matches('0');
        let left = if left.is_empty() { "0" } else { left };
        let number = if right.is_empty() { left.to_owned() } else { format!("{left}.{right}") };
        if negative && number != "0" { format!("-{number}") } else { number }
    }

    proptest! {
        #[test]
        fn equals_a_decimal_worked_out_on_strings(
            negative: bool,
            whole in "[0-9]{1,20}",
            fraction in "[0-9]{0,24}0{0,20}",
            exponent in -40_i32..40,
            upper: bool,
        ) {
            let sign = if negative { "-" } else { "" };
            let dot = if fraction.is_empty() { "" } else { "." };
            let e = if upper { "E" } else { "e" };
            let literal = format!("{sign}{whole}{dot}{fraction}{e}{exponent}");
            let expected = plain(negative, &whole, &fraction, exponent);
            match parse_decimal(&literal) {
                Ok(value) => prop_assert_eq!(value.to_string(), expected),
                Err(AmountError::NotExact { length }) => {
                    prop_assert_eq!(length, literal.len());
                    // rust_decimal rounds what it cannot hold; exactly held values come back unchanged.
                    let held = Decimal::from_str_exact(&expected).is_ok_and(|v| v.to_string() == expected);
                    prop_assert!(!held, "{} was refused but fits", literal);
                }
                Err(AmountError::NotANumber { .. }) => prop_assert!(false, "{} is a number", literal),
            }
        }

        #[test]
        fn every_decimal_comes_back(mantissa in -79_228_162_514_264_337_593_543_950_335_i128..=79_228_162_514_264_337_593_543_950_335, scale in 0_u32..=28) {
            let value = Decimal::from_i128_with_scale(mantissa, scale);
            prop_assert_eq!(parse_decimal(&value.to_string()), Ok(value));
        }

        #[test]
        fn never_panics(text in ".{0,64}") {
            let _ = parse_decimal(&text);
        }
    }
}
