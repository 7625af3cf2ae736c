//! Weeks, and what is compared. Pure.

use chrono::{Datelike, Days, NaiveDate};
use finops_contract::reports::{ReportEffect, WeekCost, WeeklyReport};

/// The Monday of a day's week.
fn monday(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))).unwrap_or(day)
}

/// The Monday of the last week that is over.
pub(super) fn last_week(today: NaiveDate) -> NaiveDate {
    before(monday(today))
}

/// The week that an address names; the last whole one where it names none, or one that is not over.
pub(super) fn chosen(param: Option<&str>, today: NaiveDate) -> NaiveDate {
    let last = last_week(today);
    param.and_then(|text| text.parse().ok()).map_or(last, |day| monday(day).min(last))
}

/// The Monday before.
pub(super) fn before(week: NaiveDate) -> NaiveDate {
    week.checked_sub_days(Days::new(7)).unwrap_or(week)
}

/// The Monday after.
pub(super) fn after(week: NaiveDate) -> NaiveDate {
    week.checked_add_days(Days::new(7)).unwrap_or(week)
}

/// Why a week is not compared with the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Uncompared {
    /// Not all of it is known.
    Unknown,
    /// Not all of the one before is known.
    BeforeUnknown,
    /// The one before cost nothing.
    BeforeNothing,
}

/// Why there is no change, where there is none.
pub(super) fn uncompared(total: &WeekCost) -> Option<Uncompared> {
    match (total.change_percent, total.previous_cost, total.complete) {
        (Some(_), ..) => None,
        (None, Some(_), _) => Some(Uncompared::BeforeNothing),
        (None, None, true) => Some(Uncompared::BeforeUnknown),
        (None, None, false) => Some(Uncompared::Unknown),
    }
}

/// Whether there is nothing to report of a week.
pub(super) fn is_silent(report: &WeeklyReport) -> bool {
    report.total.cost.is_none()
        && report.total.unconverted.is_empty()
        && report.measured == 0
        && report.not_measured_count == 0
        && report.alerts_raised == 0
        && report.blocks.is_empty()
}

/// What became of a week's report, if it was sent.
pub(super) fn of_week(effects: &[ReportEffect], week: NaiveDate) -> Option<&ReportEffect> {
    effects.iter().find(|effect| effect.week == week)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn no_week_is_offered_that_is_not_over() {
        let today = day("2026-11-25");
        assert_eq!(last_week(today), day("2026-11-16"));
        // On a Monday the week that ended yesterday, on a Sunday the one before.
        assert_eq!(last_week(day("2026-11-23")), day("2026-11-16"));
        assert_eq!(last_week(day("2026-11-22")), day("2026-11-09"));
        for (param, week) in [
            (None, "2026-11-16"),
            (Some("2026-11-11"), "2026-11-09"),
            (Some("2026-12-31"), "2026-11-16"),
            (Some("2026-11-25"), "2026-11-16"),
            (Some("soon"), "2026-11-16"),
        ] {
            assert_eq!(chosen(param, today), day(week), "{param:?}");
        }
        assert_eq!((before(day("2026-11-16")), after(day("2026-11-16"))), (day("2026-11-09"), day("2026-11-23")));
    }

    #[test]
    fn why_there_is_no_change_is_known() {
        let total = |previous: &str, change: &str, complete: bool| -> WeekCost {
            serde_json::from_str(&format!(
                r#"{{"cost":"1","basis":"billed","state":"billed","byBasis":[],"unpriced":0,"unknownDays":0,"unconverted":[],
                "complete":{complete},"previousCost":{previous},"changePercent":{change}}}"#
            ))
            .unwrap()
        };
        assert_eq!(uncompared(&total("\"1\"", "\"0\"", true)), None);
        assert_eq!(uncompared(&total("\"0\"", "null", true)), Some(Uncompared::BeforeNothing));
        assert_eq!(uncompared(&total("null", "null", true)), Some(Uncompared::BeforeUnknown));
        assert_eq!(uncompared(&total("null", "null", false)), Some(Uncompared::Unknown));
    }
}
