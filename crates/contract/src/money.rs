//! Exact money.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An exact amount of money or any other exact decimal, without its currency.
///
/// Written as a decimal string with at least six fraction digits and never an exponent (`"0.003500"`). Read from a
/// string or a JSON number, from the literal's text: no value passes through a float. Needs `serde_json` as the format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(pub Decimal);

/// The fraction digits that every amount is written with, enough for a sub-cent price to be seen.
const MIN_SCALE: u32 = 6;
/// The longest decimal literal that is read: 28 digits, sign, point and zeros that carry no value.
const MAX_LITERAL: usize = 64;

/// The text is not a decimal that can be held exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an exact decimal of at most 28 digits")]
pub struct AmountError;

impl Amount {
    /// Zero.
    pub const ZERO: Self = Self(Decimal::ZERO);
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.0.normalize();
        if short.scale() >= MIN_SCALE { write!(f, "{short}") } else { write!(f, "{short:.6}") }
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // rust_decimal reads `1_000`, which is no JSON number and nobody's money.
        if text.len() > MAX_LITERAL || text.contains('_') {
            return Err(AmountError);
        }
        let exact =
            if text.contains(['e', 'E']) { Decimal::from_scientific(text) } else { Decimal::from_str_exact(text) };
        exact.map(Self).map_err(|_| AmountError)
    }
}

impl From<Decimal> for Amount {
    fn from(value: Decimal) -> Self {
        Self(value)
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        Self(iter.map(|amount| amount.0).sum())
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The raw text is the only place where a JSON number is still what its author wrote.
        let raw = <Box<serde_json::value::RawValue>>::deserialize(deserializer)?;
        let text = raw.get();
        match serde_json::from_str::<&str>(text) {
            Ok(inner) => inner.parse(),
            Err(_) => text.parse(),
        }
        .map_err(de::Error::custom)
    }
}

/// An exact percentage. Read as an [`Amount`] is, and written as a decimal string without trailing zeros (`"99.5"`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(pub Decimal);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Amount::deserialize(deserializer).map(|amount| Self(amount.0))
    }
}

#[cfg(feature = "server")]
mod schema {
    use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

    impl utoipa::PartialSchema for super::Amount {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some("Exact decimal, at least six fraction digits, no exponent."))
                .pattern(Some(r"^-?\d+(\.\d+)?$"))
                .examples(["12.345678"])
                .into()
        }
    }

    impl utoipa::ToSchema for super::Amount {
        fn name() -> std::borrow::Cow<'static, str> {
            "Amount".into()
        }
    }

    impl utoipa::PartialSchema for super::Percent {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some("Exact percentage, no exponent."))
                .pattern(Some(r"^-?\d+(\.\d+)?$"))
                .examples(["74.2"])
                .into()
        }
    }

    impl utoipa::ToSchema for super::Percent {
        fn name() -> std::borrow::Cow<'static, str> {
            "Percent".into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Amount, Percent};

    fn read(json: &str) -> Result<Amount, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn writes_six_digits_and_never_fewer_than_needed() {
        for (given, shown) in [
            ("0.0035", "0.003500"),
            ("12.5", "12.500000"),
            ("0.00000001", "0.00000001"),
            ("-3", "-3.000000"),
            ("1.10000000000", "1.100000"),
        ] {
            assert_eq!(given.parse::<Amount>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn reads_numbers_and_strings_from_their_text() {
        // 0.1 + 0.2 as floats is the classic way to be caught.
        assert_eq!(read("0.30000000000000004").unwrap().to_string(), "0.30000000000000004");
        assert_eq!(read("\"0.1\"").unwrap(), read("0.1").unwrap());
        assert_eq!(read("1.5e-7").unwrap().to_string(), "0.00000015");
    }

    #[test]
    fn refuses_what_it_cannot_hold_exactly() {
        for bad in [
            "1e400",
            "\"NaN\"",
            "\"Infinity\"",
            "\"\"",
            "\"1_000\"",
            "null",
            "\"0.12345678901234567890123456789012345\"",
            "true",
        ] {
            assert!(read(bad).is_err(), "{bad} was read");
        }
    }

    #[test]
    fn a_percentage_has_the_digits_that_it_needs() {
        for (given, shown) in [("50", "50"), ("\"99.50\"", "99.5"), ("100.00", "100"), ("0.01", "0.01")] {
            assert_eq!(serde_json::from_str::<Percent>(given).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn survives_a_round_trip() {
        let amount: Amount = "79228162514264.337593543950335".parse().unwrap();
        assert_eq!(read(&serde_json::to_string(&amount).unwrap()).unwrap(), amount);
    }
}
