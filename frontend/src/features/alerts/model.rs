//! What alerts and deliveries mean. Pure.

use finops_contract::alerts::{Alert, AlertLink};
use finops_contract::deliveries::{Delivery, DeliveryStatus};
use rust_decimal::Decimal;

use crate::format::number::grouped;

/// How many times as much as usual, never more than it is: `15`, `2.4`. Nothing where that says nothing: without
/// anything usual, or for no more than that.
pub(super) fn times(now: Decimal, usual: Decimal) -> Option<String> {
    if usual <= Decimal::ZERO || now <= usual {
        return None;
    }
    let ratio = now.checked_div(usual)?;
    let places = if ratio < Decimal::TEN { 1 } else { 0 };
    let cut = ratio.trunc_with_scale(places).normalize();
    (cut > Decimal::ONE).then(|| grouped(&cut.to_string()))
}

/// Where an alert's next step of this kind leads.
pub(super) fn link<'a>(alert: &'a Alert, action: &str) -> Option<&'a str> {
    let found: Option<&AlertLink> = alert.links.iter().find(|link| link.action == action);
    // A path within the app, whatever it was sent as.
    found.map(|link| link.path.as_str()).filter(|path| path.starts_with('/') && !path.starts_with("//"))
}

/// Whether a message can be sent again.
pub(super) fn is_resendable(delivery: &Delivery) -> bool {
    delivery.status == DeliveryStatus::Dead
}

/// Lines of a field that takes several things: by line, or with commas or semicolons between them.
pub(super) fn lines(text: &str) -> Vec<String> {
    let parts = text.split(['\n', ',', ';']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multiple_is_never_more_than_it_is() {
        let times = |now: i64, usual: i64| times(now.into(), usual.into());
        assert_eq!(times(45_000, 3_000).as_deref(), Some("15"));
        assert_eq!(times(1_599, 100).as_deref(), Some("15"));
        assert_eq!(times(249, 100).as_deref(), Some("2.4"));
        assert_eq!(times(3_000_000, 1).as_deref(), Some("3,000,000"));
        for (now, usual) in [(0, 0), (5, 0), (100, 100), (104, 100), (3, 5)] {
            assert_eq!(times(now, usual), None);
        }
    }

    #[test]
    fn a_field_of_several_is_read_as_it_is_pasted() {
        assert_eq!(
            lines(" a@example.com, b@example.com;\n\n c@example.com \n"),
            ["a@example.com", "b@example.com", "c@example.com"]
        );
        assert!(lines(" \n , ").is_empty());
    }
}
