//! Which week, and when its report is due. Pure.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc, Weekday};
use chrono_tz::Tz;
use finops_contract::budgets::BudgetPeriod;
use finops_contract::organizations::Organization;

use crate::features::budgets::{Calendar, Span};
use crate::platform::clock::{END_OF_DAYS, FIRST_DAY};
use crate::platform::http::{ApiError, ApiResult};

/// The hour of Monday at which the report is sent.
const HOUR: u32 = 9;
/// How long a bill that is still to come is waited for: where nine o'clock is midnight of UTC, the batch begins just then.
pub(super) const PATIENCE: TimeDelta = TimeDelta::minutes(30);

/// The week that is asked for: the one that a day is in, which must be over, or the last one that is.
///
/// # Errors
/// `validation_failed` at `/week`.
pub(super) fn week(asked: Option<NaiveDate>, calendar: Calendar, now: DateTime<Utc>) -> ApiResult<Span> {
    let today = calendar.today(now);
    let running = calendar.period(BudgetPeriod::Weekly, today);
    let Some(day) = asked else { return Ok(before(running)) };
    if day < FIRST_DAY || day >= END_OF_DAYS || day >= running.from {
        return Err(ApiError::field("/week", "not_over", "must be a day of a week that is over"));
    }
    Ok(calendar.period(BudgetPeriod::Weekly, day))
}

/// The seven days before a week.
pub(super) fn before(week: Span) -> Span {
    Span { from: shifted(week.from, -7), to: week.from }
}

/// The seven days after a week.
pub(super) fn after(week: Span) -> Span {
    Span { from: week.to, to: shifted(week.to, 7) }
}

fn shifted(day: NaiveDate, days: i64) -> NaiveDate {
    day.checked_add_signed(TimeDelta::days(days)).unwrap_or(day)
}

/// A report that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// The week that it is about.
    pub(super) week: Span,
    /// Since when.
    pub(super) since: DateTime<Utc>,
}

/// The report that an organization is to be sent now: from nine o'clock on Monday until that day is over. Nothing where it is
/// another day, and of a week in which there was no organization yet.
pub(super) fn due(organization: &Organization, now: DateTime<Utc>) -> Option<Due> {
    let zone: Tz = organization.time_zone.parse().unwrap_or(Tz::UTC);
    let monday = now.with_timezone(&zone).date_naive();
    if monday.weekday() != Weekday::Mon {
        return None;
    }
    let days = Calendar::of(organization).days();
    // Where costs have UTC days instead of the zone's, the week may be over later.
    let over = days.start(monday);
    let since = nine(zone, monday).max(over);
    let week = before(Span { from: monday, to: shifted(monday, 7) });
    (now >= since && organization.created_at < over).then_some(Due { week, since })
}

/// Nine o'clock of a day; where clocks leave that out, as soon as there is one.
fn nine(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    let nine = day.and_time(NaiveTime::from_hms_opt(HOUR, 0, 0).unwrap_or_default());
    let mut times = (0..=6).map(|half| nine + TimeDelta::minutes(30 * half));
    let first = times.find_map(|local| zone.from_local_datetime(&local).earliest());
    first.map_or_else(|| nine.and_utc(), |at| at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organization(zone: &str, created: &str) -> Organization {
        Organization {
            id: uuid::Uuid::nil(),
            name: "Example Inc.".into(),
            time_zone: zone.into(),
            currency: "USD".into(),
            fiscal_year_start_month: 1,
            retention_days: 90,
            two_person_blocks: false,
            created_at: created.parse().unwrap(),
        }
    }

    fn at(zone: &str, now: &str) -> Option<(String, String)> {
        let due = due(&organization(zone, "2026-01-01T00:00:00Z"), now.parse().unwrap())?;
        Some((due.week.from.to_string(), due.since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)))
    }

    #[test]
    fn it_is_due_on_monday_at_nine_until_the_day_is_over() {
        let some = |week: &str, since: &str| Some((week.to_owned(), since.to_owned()));
        for (zone, now, found) in [
            ("Asia/Seoul", "2026-03-22T23:59:59Z", None),
            ("Asia/Seoul", "2026-03-23T00:00:00Z", some("2026-03-16", "2026-03-23T00:00:00Z")),
            ("Asia/Seoul", "2026-03-23T14:59:59Z", some("2026-03-16", "2026-03-23T00:00:00Z")),
            ("Asia/Seoul", "2026-03-23T15:00:00Z", None),
            // Nine o'clock is another hour of UTC after the clocks were turned on Sunday.
            ("Europe/Berlin", "2026-03-23T08:00:00Z", some("2026-03-16", "2026-03-23T08:00:00Z")),
            ("Europe/Berlin", "2026-03-30T06:59:59Z", None),
            ("Europe/Berlin", "2026-03-30T07:00:00Z", some("2026-03-23", "2026-03-30T07:00:00Z")),
            ("Europe/Berlin", "2026-10-26T07:59:59Z", None),
            ("Europe/Berlin", "2026-10-26T08:00:00Z", some("2026-10-19", "2026-10-26T08:00:00Z")),
            ("America/New_York", "2026-03-09T13:00:00Z", some("2026-03-02", "2026-03-09T13:00:00Z")),
            ("America/New_York", "2026-11-02T14:00:00Z", some("2026-10-26", "2026-11-02T14:00:00Z")),
            // India's days are UTC's, which were over before; Adelaide's are over later than nine.
            ("Asia/Kolkata", "2026-03-23T03:30:00Z", some("2026-03-16", "2026-03-23T03:30:00Z")),
            ("Australia/Adelaide", "2026-03-22T23:30:00Z", None),
            ("Australia/Adelaide", "2026-03-23T00:00:00Z", some("2026-03-16", "2026-03-23T00:00:00Z")),
            ("Nowhere/Else", "2026-03-23T09:00:00Z", some("2026-03-16", "2026-03-23T09:00:00Z")),
        ] {
            assert_eq!(at(zone, now), found, "{zone} at {now}");
        }
    }

    #[test]
    fn who_was_not_there_in_that_week_has_no_report_of_it() {
        let now = "2026-03-23T01:00:00Z".parse().unwrap();
        let founded = |created: &str| due(&organization("Asia/Seoul", created), now).is_some();
        assert!(founded("2026-03-22T14:59:59Z") && !founded("2026-03-22T15:00:00Z"));
    }

    #[test]
    fn a_week_is_the_calendars_and_over() {
        let calendar = Calendar::of(&organization("Asia/Seoul", "2026-01-01T00:00:00Z"));
        let now = "2026-03-22T14:59:59Z".parse().unwrap();
        let from = |asked: Option<&str>, now| week(asked.map(|day| day.parse().unwrap()), calendar, now).unwrap().from;
        assert_eq!(from(None, now).to_string(), "2026-03-09", "Sunday is not over in Seoul");
        assert_eq!(from(None, now + TimeDelta::seconds(1)).to_string(), "2026-03-16");
        assert_eq!(from(Some("2026-03-15"), now).to_string(), "2026-03-09");
        for day in ["2026-03-16", "2026-03-22", "2027-01-01", "1999-12-31", "2100-01-01"] {
            assert!(week(Some(day.parse().unwrap()), calendar, now).is_err(), "{day}");
        }
    }
}
