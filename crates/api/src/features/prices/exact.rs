//! Sums and products of decimals that are exact or refused. `rust_decimal`'s own operators round what does not fit.

use rust_decimal::Decimal;

/// The most decimal places that a `Decimal` holds.
const MAX_SCALE: u32 = 28;

/// The exact product; nothing if it has more digits than can be held.
pub(super) fn product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (mut mantissa, mut scale) = (a.mantissa().checked_mul(b.mantissa())?, a.scale() + b.scale());
    if mantissa == 0 {
        return Some(Decimal::ZERO);
    }
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    if scale > MAX_SCALE {
        return None;
    }
    Decimal::try_from_i128_with_scale(mantissa, scale).ok()
}

/// The exact sum; nothing if it has more digits than can be held.
pub(super) fn sum(a: Decimal, b: Decimal) -> Option<Decimal> {
    let scale = a.scale().max(b.scale());
    let raised = |n: Decimal| n.mantissa().checked_mul(10_i128.checked_pow(scale - n.scale())?);
    let total = raised(a)?.checked_add(raised(b)?)?;
    Decimal::try_from_i128_with_scale(total, scale).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::{product, sum};

    fn decimal(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    #[test]
    fn what_cannot_be_held_is_refused_and_not_rounded() {
        let tiny = decimal("0.000000000000001");
        assert_eq!(product(tiny, tiny), None, "30 decimal places");
        assert_eq!(product(tiny, decimal("10000")).unwrap().to_string(), "0.00000000001");
        assert_eq!(product(Decimal::MAX, decimal("2")), None);
        assert_eq!(sum(Decimal::MAX, decimal("1")), None);
        assert_eq!(sum(decimal("10000000000"), decimal("0.0000000000000000000000000001")), None);
        assert_eq!(product(Decimal::ZERO, tiny), Some(Decimal::ZERO));
    }

    proptest! {
        #[test]
        fn products_and_sums_are_those_of_integers(a in 0..1_000_000_000_i64, b in 0..1_000_000_000_i64, s in 0..10_u32, t in 0..10_u32) {
            let (x, y) = (Decimal::new(a, s), Decimal::new(b, t));
            let exact = product(x, y).unwrap();
            let mut scaled = exact;
            scaled.rescale(s + t);
            prop_assert_eq!(scaled.mantissa(), i128::from(a) * i128::from(b));
            let total = sum(x, y).unwrap();
            prop_assert_eq!(total - x, y);
        }
    }
}
