//! Decimals that leave the database, sums and products of them: exact, or refused.
//!
//! `NUMERIC` holds any number of digits and [`Decimal`] 28. sqlx's own conversion, and the operators of decimals, round what
//! does not fit without a word. A sum that is stored and never looked at here need not fit: [`Total`].

mod total;

use rust_decimal::Decimal;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgHasArrayType, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::{Decode, Postgres, Type};

pub use total::Total;

/// Digits of PostgreSQL's `numeric` have this base, …
const BASE: u128 = 10_000;
/// … and below zero it has this sign.
const NEGATIVE: u16 = 0x4000;

/// A number that cannot be held exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number has more digits than can be held exactly")]
pub struct Inexact;

/// A `NUMERIC` that is read as it is stored, or not at all: the type of every amount, quantity and sum in a query's answer
/// (`sum(amount) AS "cost!: Exact"`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact(pub Decimal);

impl Type<Postgres> for Exact {
    fn type_info() -> PgTypeInfo {
        Decimal::type_info()
    }
}

impl PgHasArrayType for Exact {
    fn array_type_info() -> PgTypeInfo {
        Decimal::array_type_info()
    }
}

impl Decode<'_, Postgres> for Exact {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let number = match value.format() {
            PgValueFormat::Binary => read(value.as_bytes()?)?,
            PgValueFormat::Text => Decimal::from_str_exact(value.as_str()?).map_err(|_| Inexact)?,
        };
        Ok(Self(number))
    }
}

/// Reads PostgreSQL's binary form: how many digits to the base of ten thousand, the first one's weight, the sign, the scale
/// that is shown, the digits; all of 16 bits. Whatever is no number has another sign.
fn read(bytes: &[u8]) -> Result<Decimal, Inexact> {
    let words: Vec<u16> = bytes.chunks_exact(2).map(|word| u16::from_be_bytes([word[0], word[1]])).collect();
    let [count, weight, sign, _shown, digits @ ..] = words.as_slice() else { return Err(Inexact) };
    if usize::from(*count) != digits.len() || ![0, NEGATIVE].contains(sign) {
        return Err(Inexact);
    }
    let mut mantissa: u128 = 0;
    for digit in digits {
        mantissa = mantissa.checked_mul(BASE).and_then(|value| value.checked_add(u128::from(*digit))).ok_or(Inexact)?;
    }
    if mantissa == 0 {
        return Ok(Decimal::ZERO);
    }
    let weight = i32::from(i16::from_be_bytes(weight.to_be_bytes()));
    let mut exponent = 4 * (weight + 1 - i32::from(*count));
    while exponent < 0 && mantissa.is_multiple_of(10) {
        mantissa /= 10;
        exponent += 1;
    }
    if exponent > 0 {
        let power = 10_u128.checked_pow(exponent.unsigned_abs()).ok_or(Inexact)?;
        mantissa = mantissa.checked_mul(power).ok_or(Inexact)?;
        exponent = 0;
    }
    let mantissa = i128::try_from(mantissa).map_err(|_| Inexact)?;
    let mantissa = if *sign == NEGATIVE { -mantissa } else { mantissa };
    Decimal::try_from_i128_with_scale(mantissa, exponent.unsigned_abs()).map_err(|_| Inexact)
}

/// Adds exactly.
///
/// # Errors
/// [`Inexact`] when the sum cannot be held.
pub fn add(a: Decimal, b: Decimal) -> Result<Decimal, Inexact> {
    let sum = |a: Decimal, b: Decimal| {
        let scale = a.scale().max(b.scale());
        let aligned = |n: Decimal| n.mantissa().checked_mul(10_i128.checked_pow(scale - n.scale())?);
        Decimal::try_from_i128_with_scale(aligned(a)?.checked_add(aligned(b)?)?, scale).ok()
    };
    // Zeros at the end may be what does not fit; mostly there are none.
    sum(a, b).or_else(|| sum(a.normalize(), b.normalize())).ok_or(Inexact)
}

/// Multiplies exactly.
///
/// # Errors
/// [`Inexact`] when the product cannot be held.
pub fn multiply(a: Decimal, b: Decimal) -> Result<Decimal, Inexact> {
    let mantissas = |a: Decimal, b: Decimal| Some((a.mantissa().checked_mul(b.mantissa())?, a.scale() + b.scale()));
    let (mut mantissa, mut scale) =
        mantissas(a, b).or_else(|| mantissas(a.normalize(), b.normalize())).ok_or(Inexact)?;
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_| Inexact)
}

/// Makes sure that whatever these numbers, or some of them, add up to or differ by can be held exactly, so that they may be
/// added and subtracted as decimals are.
///
/// # Errors
/// [`Inexact`] when not.
pub fn hold_sums(numbers: impl IntoIterator<Item = Decimal>) -> Result<(), Inexact> {
    let numbers: Vec<Decimal> = numbers.into_iter().map(|number| number.normalize()).collect();
    let scale = numbers.iter().map(Decimal::scale).max().unwrap_or_default();
    let mut sum: i128 = 0;
    for number in numbers {
        let power = 10_i128.checked_pow(scale - number.scale()).ok_or(Inexact)?;
        let aligned = number.mantissa().abs().checked_mul(power).ok_or(Inexact)?;
        sum = sum.checked_add(aligned).ok_or(Inexact)?;
    }
    Decimal::try_from_i128_with_scale(sum, scale).map(drop).map_err(|_| Inexact)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    fn numeric(weight: i16, sign: u16, digits: &[u16]) -> Result<Decimal, Inexact> {
        let count = u16::try_from(digits.len()).unwrap();
        let words = [&[count, u16::from_be_bytes(weight.to_be_bytes()), sign, 0], digits].concat();
        read(&words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>())
    }

    #[test]
    fn postgresqls_numbers_are_read_as_they_are() {
        for (weight, sign, digits, expected) in [
            (0, 0, &[][..], "0"),
            (0, 0, &[1], "1"),
            (1, NEGATIVE, &[12, 3400], "-123400"),
            (3, 0, &[5], "5000000000000"),
            (-1, 0, &[100], "0.01"),
            (-5, 0, &[1], "0.00000000000000000001"),
            (2, 0, &[709, 9999, 9999, 9999, 9999, 9999, 9997, 8700], "70999999999.999999999999999787"),
            (0, 0, &[1, 5000, 0, 0, 0, 0, 0, 0, 0], "1.5"),
        ] {
            assert_eq!(numeric(weight, sign, digits).unwrap(), decimal(expected), "{expected}");
        }
    }

    #[test]
    fn what_cannot_be_held_is_refused_never_rounded() {
        let long = [869, 9999, 9999, 9999, 9999, 9999, 9997, 3900];
        assert_eq!(numeric(2, 0, &long), Err(Inexact), "29 digits beyond the mantissa");
        assert_eq!(numeric(-8, 0, &[1]), Err(Inexact), "32 digits after the point");
        assert_eq!(numeric(8, 0, &[1]), Err(Inexact), "33 before it");
        assert_eq!(numeric(0, 0, &[9999; 12]), Err(Inexact));
        for sign in [0xC000, 0xD000, 0xF000] {
            assert_eq!(numeric(0, sign, &[]), Err(Inexact), "not a number, or an infinite one");
        }
        assert_eq!(read(&[0, 1]), Err(Inexact));
    }

    #[test]
    fn sums_are_exact_or_refused() {
        assert_eq!(add(decimal("0.1"), decimal("0.2")), Ok(decimal("0.3")));
        let (large, small) = (decimal("79228162514264337593543950335"), decimal("0.1"));
        assert_ne!(large + small - large, small, "why there is a function for it");
        assert_eq!(add(large, small), Err(Inexact));
        assert_eq!(add(large, Decimal::ONE), Err(Inexact));
        assert_eq!(add(decimal("1.10"), decimal("-0.10")), Ok(Decimal::ONE));
        assert_eq!(add(decimal("10000000000"), decimal("0.0000000000000000000000000001")), Err(Inexact));
        assert_eq!(add(large, decimal("0.0")), Ok(large), "zeros at the end are no digits");
        assert_eq!(hold_sums([large, -large]), Err(Inexact), "their difference could not be held");
        assert_eq!(hold_sums([]), Ok(()));
    }

    #[test]
    fn products_are_exact_or_refused() {
        let tiny = decimal("0.000000000000001");
        assert_eq!(multiply(tiny, tiny), Err(Inexact), "30 decimal places");
        assert_eq!(multiply(tiny, decimal("10000")).unwrap().to_string(), "0.00000000001");
        assert_eq!(multiply(Decimal::MAX, decimal("2")), Err(Inexact));
        assert_eq!(multiply(Decimal::ZERO, tiny), Ok(Decimal::ZERO));
        assert_eq!(multiply(decimal("1.0000000000000000000000000000"), Decimal::MAX), Ok(Decimal::MAX));
    }

    proptest! {
        #[test]
        fn products_and_sums_are_those_of_integers(a in 0..1_000_000_000_i64, b in 0..1_000_000_000_i64, s in 0..10_u32, t in 0..10_u32) {
            let (x, y) = (Decimal::new(a, s), Decimal::new(b, t));
            let mut scaled = multiply(x, y).unwrap();
            scaled.rescale(s + t);
            prop_assert_eq!(scaled.mantissa(), i128::from(a) * i128::from(b));
            prop_assert_eq!(add(x, y).unwrap() - x, y);
        }
    }
}
