//! A sum of decimals that loses nothing. A `Decimal` holds 28 digits and rounds what does not fit; a sum of many amounts,
//! large ones beside tiny ones, may need more.

use std::fmt;

use rust_decimal::Decimal;
use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::{Postgres, Type};

use super::{BASE, NEGATIVE};

/// The most decimal places that a `Decimal` has.
const PLACES: u32 = 28;
/// Units of the last place in one.
const ONE: i128 = 10_i128.pow(PLACES);
/// So many digits of a `numeric` make up the places.
const GROUPS: usize = 7;

/// An exact sum: a `numeric` to PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    whole: i128,
    /// In units of the last place, below a whole one and not negative.
    rest: i128,
}

impl Total {
    /// Adds one more. A `Decimal` is below 10^29, so billions of them fit.
    pub fn add(&mut self, amount: Decimal) {
        let one = 10_i128.pow(amount.scale());
        let (whole, fraction) = (amount.mantissa() / one, amount.mantissa() % one);
        self.whole += whole;
        self.rest += fraction * (ONE / one);
        if self.rest < 0 {
            self.rest += ONE;
            self.whole -= 1;
        } else if self.rest >= ONE {
            self.rest -= ONE;
            self.whole += 1;
        }
    }

    /// The sign, and what it is the sign of.
    fn parts(self) -> (bool, u128, u128) {
        let (whole, rest) = match (self.whole < 0, self.rest) {
            (true, 0) | (false, _) => (self.whole, self.rest),
            (true, rest) => (self.whole + 1, ONE - rest),
        };
        (self.whole < 0, whole.unsigned_abs(), rest.unsigned_abs())
    }
}

impl Type<Postgres> for Total {
    fn type_info() -> PgTypeInfo {
        Decimal::type_info()
    }
}

impl Encode<'_, Postgres> for Total {
    /// As `numeric_recv` reads it: the count of digits, the first digit's place, the sign, the decimal places that are
    /// shown, and the digits, largest first. [numeric.c](https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/numeric.c)
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let (is_negative, mut whole, mut rest) = self.parts();
        // From the last digit of the places to the first of what is whole.
        let mut digits = [0_u16; GROUPS + 10];
        for digit in &mut digits[..GROUPS] {
            *digit = u16::try_from(rest % BASE)?;
            rest /= BASE;
        }
        for digit in &mut digits[GROUPS..] {
            *digit = u16::try_from(whole % BASE)?;
            whole /= BASE;
        }
        let first = digits.iter().rposition(|digit| *digit != 0).unwrap_or(GROUPS);
        let last = digits.iter().position(|digit| *digit != 0).unwrap_or(GROUPS).min(first);
        let weight = i16::try_from(first)? - i16::try_from(GROUPS)?;
        let shown = digits[..GROUPS].iter().position(|digit| *digit != 0).map_or(0, |last| {
            let zeros = (0..4).take_while(|zeros| digits[last] % 10_u16.pow(*zeros + 1) == 0).count();
            (GROUPS - last) * 4 - zeros
        });
        buffer.extend(u16::try_from(first - last + 1)?.to_be_bytes());
        buffer.extend(weight.to_be_bytes());
        buffer.extend(if is_negative { NEGATIVE } else { 0 }.to_be_bytes());
        buffer.extend(u16::try_from(shown)?.to_be_bytes());
        digits[last..=first].iter().rev().for_each(|digit| buffer.extend(digit.to_be_bytes()));
        Ok(IsNull::No)
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (is_negative, whole, rest) = self.parts();
        let (sign, places) = (if is_negative { "-" } else { "" }, format!("{rest:028}"));
        match places.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            places => write!(f, "{sign}{whole}.{places}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::Total;

    fn total(amounts: &[&str]) -> String {
        let mut total = Total::default();
        amounts.iter().for_each(|amount| total.add(Decimal::from_str_exact(amount).unwrap()));
        total.to_string()
    }

    #[test]
    fn nothing_is_rounded() {
        assert_eq!(total(&["999999999.999999999999999999"; 1_000]), "999999999999.999999999999999");
        let wide = total(&["10000000000", "0.0000000000000000000000000001"]);
        assert_eq!(wide, "10000000000.0000000000000000000000000001");
        assert_eq!(total(&["-1.5", "0.25"]), "-1.25");
        assert_eq!(total(&["-0.25", "0.25"]), "0");
        assert_eq!(total(&["-1", "-1.00"]), "-2");
        assert_eq!(total(&[]), "0");
    }

    proptest! {
        #[test]
        fn it_is_the_sum_of_integers(amounts in prop::collection::vec(-1_000_000_000_i64..1_000_000_000, 0..40), places in 0..9_u32) {
            let mut total = Total::default();
            amounts.iter().for_each(|amount| total.add(Decimal::new(*amount, places)));
            let expected = Decimal::new(amounts.iter().sum(), places).normalize();
            prop_assert_eq!(total.to_string(), expected.to_string());
        }
    }
}
