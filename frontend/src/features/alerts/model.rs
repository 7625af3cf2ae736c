//! What alerts and deliveries mean. Pure.

use finops_contract::alerts::{Alert, AlertLink};
use finops_contract::channels::{Channel, ChannelState};
use finops_contract::deliveries::{Delivery, DeliveryStatus};
use rust_decimal::Decimal;

use crate::format::number::grouped;
use crate::order::{folded, sort_by};

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

/// The channels with a text in their name or their address, those that need somebody first.
pub(super) fn found(channels: Vec<Channel>, text: &str) -> Vec<Channel> {
    let wanted = folded(text.trim());
    let is_wanted = |channel: &Channel| {
        let reached =
            [&channel.name].into_iter().chain(&channel.masked).chain(&channel.addresses).chain(&channel.numbers);
        reached.into_iter().any(|one| folded(one).contains(&wanted))
    };
    let mut found: Vec<_> = channels.into_iter().filter(is_wanted).collect();
    sort_by(&mut found, |a, b| rank(a).cmp(&rank(b)));
    found
}

/// What is given up, what fails, everything else.
fn rank(channel: &Channel) -> u8 {
    match channel.health.state {
        _ if !channel.enabled => 2,
        ChannelState::Disabled => 0,
        ChannelState::Failing => 1,
        ChannelState::Ok => 2,
    }
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
    fn channels_are_found_by_what_is_known_of_them_and_trouble_comes_first() {
        let channel = |name: &str, state: &str, enabled: bool, address: &str| -> Channel {
            serde_json::from_str(&format!(
                r#"{{"id":"01936f00-0000-7000-8000-000000000001","type":"email","name":"{name}","locale":"ko","team":null,
                "enabled":{enabled},"builtIn":false,"addresses":["{address}"],"numbers":[],"smtp":null,"masked":null,
                "health":{{"state":"{state}","since":null,"reason":null}},"formerSecretUntil":null,
                "createdAt":"2026-11-01T00:00:00Z","updatedAt":"2026-11-01T00:00:00Z"}}"#
            ))
            .unwrap()
        };
        let all = vec![
            channel("Finance", "ok", true, "f@example.com"),
            channel("off", "failing", false, "o@example.com"),
            channel("ops", "failing", true, "ops@example.com"),
            channel("pager", "disabled", true, "p@example.net"),
        ];
        let names = |text: &str| found(all.clone(), text).into_iter().map(|one| one.name).collect::<Vec<_>>();
        assert_eq!(names(""), ["pager", "ops", "Finance", "off"]);
        assert_eq!(names(" FIN "), ["Finance"]);
        assert_eq!(names("example.net"), ["pager"]);
        assert!(names("nobody").is_empty());
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
