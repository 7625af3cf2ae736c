//! A sum of decimals that loses nothing. A `Decimal` holds 28 digits and rounds what does not fit; a sum of many amounts,
//! large ones beside tiny ones, may need more.

use std::fmt;

use rust_decimal::Decimal;

/// The most decimal places that a `Decimal` has.
const PLACES: u32 = 28;
/// Units of the last place in one.
const ONE: i128 = 10_i128.pow(PLACES);

/// An exact sum. Written as PostgreSQL reads a `numeric`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    whole: i128,
    /// In units of the last place, below a whole one and not negative.
    rest: i128,
}

impl Total {
    /// Adds one more. A `Decimal` is below 10^29, so billions of them fit.
    pub(super) fn add(&mut self, amount: Decimal) {
        let (whole, fraction) = (amount.trunc(), amount.fract());
        let rest = self.rest + fraction.mantissa() * 10_i128.pow(PLACES - fraction.scale());
        self.whole += whole.mantissa() / 10_i128.pow(whole.scale()) + rest.div_euclid(ONE);
        self.rest = rest.rem_euclid(ONE);
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, whole, rest) = match (self.whole < 0, self.rest) {
            (true, 0) => ("-", -self.whole, 0),
            (true, rest) => ("-", -self.whole - 1, ONE - rest),
            (false, rest) => ("", self.whole, rest),
        };
        let digits = format!("{rest:028}");
        match digits.trim_end_matches('0') {
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
