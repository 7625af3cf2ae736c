//! Periods, groups and changes.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use chrono::{
    DateTime, Datelike as _, Months, NaiveDate, NaiveTime, Offset as _, TimeDelta, TimeZone as _, Utc, Weekday,
};
use chrono_tz::Tz;
use finops_contract::ErrorCode;
use finops_contract::costs::Dimension;
use rust_decimal::{Decimal, RoundingStrategy};
use sqlx::{Postgres, QueryBuilder};

use crate::platform::clock::{END_OF_DAYS, FIRST_DAY};
use crate::platform::http::{ApiError, ApiResult};

/// The longest period of one query, in days: three years and a leap day.
const MAX_DAYS: i64 = 1_096;
/// Days of the trend when none are asked for.
const TREND_DAYS: u64 = 30;

/// The years whose months are looked at for zones with half hours.
const YEARS_OF_ZONES: RangeInclusive<i32> = 2020..=2040;

/// Whose days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(Tz);

impl Days {
    /// The bill's.
    pub const UTC: Self = Self(Tz::UTC);

    /// An organization's own: those of its zone, or the bill's where that has days that do not begin with an hour of UTC
    /// (India's), because sums are kept by the hour.
    pub fn of(zone: &str) -> Self {
        let Ok(days) = zone.parse().map(Self) else { return Self::UTC };
        let mut months =
            YEARS_OF_ZONES.flat_map(|year| (1..=12).filter_map(move |month| NaiveDate::from_ymd_opt(year, month, 1)));
        if months.all(|first| days.begins_with_an_hour(first)) { days } else { Self::UTC }
    }

    /// Those of a zone that a caller names.
    ///
    /// # Errors
    /// `validation_failed` at `/tz`.
    pub(super) fn named(zone: &str) -> ApiResult<Self> {
        let unknown = || ApiError::field("/tz", "time_zone", "must be an IANA time zone, such as Asia/Seoul");
        zone.parse().map(Self).map_err(|_| unknown())
    }

    /// The zone's name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Whether every day of a period begins at a whole hour of UTC: sums are kept by the hour.
    pub(super) fn are_whole_hours(self, period: Period) -> bool {
        self == Self::UTC || period.each().all(|day| self.begins_with_an_hour(day))
    }

    fn begins_with_an_hour(self, day: NaiveDate) -> bool {
        self.0.offset_from_utc_datetime(&day.and_time(NaiveTime::MIN)).fix().local_minus_utc() % 3_600 == 0
    }

    /// The day that a moment is in.
    pub fn day(self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.0).date_naive()
    }

    /// When a day begins. Where clocks are turned at midnight: at the first of two midnights, at one o'clock where there is
    /// none.
    pub fn start(self, day: NaiveDate) -> DateTime<Utc> {
        let midnight = day.and_time(NaiveTime::MIN);
        // No clock was ever turned by more than a day, and by a day only where one was left out.
        let mut hours = (0..=48).map(|half| midnight + TimeDelta::minutes(30 * half));
        let first = hours.find_map(|local| self.0.from_local_datetime(&local).earliest());
        first.map_or_else(|| midnight.and_utc(), |at| at.with_timezone(&Utc))
    }

    /// The start of a day, as SQL.
    pub(super) fn push_start(self, sql: &mut QueryBuilder<Postgres>, day: NaiveDate) {
        sql.push_bind(self.start(day));
    }

    /// The day of an hour, as SQL. The database's sessions are in UTC, which is the fastest to compute.
    pub(super) fn push_day(self, sql: &mut QueryBuilder<Postgres>, hour: &str) {
        if self == Self::UTC {
            sql.push(hour).push("::date");
            return;
        }
        sql.push("(").push(hour).push(" AT TIME ZONE ").push_bind(self.name()).push(")::date");
    }
}

/// Days: `from` inclusive, `to` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
}

impl Period {
    /// Reads two ends, each a date or a time: a time within a day takes the whole day.
    ///
    /// # Errors
    /// `validation_failed` for what is neither, `range_too_large`.
    pub(super) fn parse(from: &str, to: &str, days: Days) -> ApiResult<Self> {
        Self::new(day(from, "/from", false, days)?, day(to, "/to", true, days)?)
    }

    /// # Errors
    /// `range_too_large` when it is empty, reversed, longer than three years, or outside of this century.
    pub(super) fn new(from: NaiveDate, to: NaiveDate) -> ApiResult<Self> {
        let period = Self { from, to };
        let known = from >= FIRST_DAY && to <= END_OF_DAYS;
        if known && (1..=MAX_DAYS).contains(&period.days()) { Ok(period) } else { Err(ErrorCode::RangeTooLarge.into()) }
    }

    /// The trend's: as asked for, else the last thirty whole days.
    ///
    /// # Errors
    /// `range_too_large`.
    pub(super) fn trend(from: Option<NaiveDate>, to: Option<NaiveDate>, today: NaiveDate) -> ApiResult<Self> {
        let to = to.unwrap_or(today);
        Self::new(from.unwrap_or_else(|| back(to, TREND_DAYS)), to)
    }

    pub(super) fn days(self) -> i64 {
        (self.to - self.from).num_days()
    }

    /// Its days in order.
    pub(super) fn each(self) -> impl Iterator<Item = NaiveDate> {
        self.from.iter_days().take_while(move |day| *day < self.to)
    }

    /// The same and a day at each end.
    pub(super) fn widened(self) -> Self {
        Self { from: back(self.from, 1), to: self.to.succ_opt().unwrap_or(self.to) }
    }

    /// As many days before it.
    fn before(self) -> Self {
        let days = u64::try_from(self.days()).unwrap_or_default();
        Self { from: back(self.from, days), to: self.from }
    }
}

fn back(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(chrono::Days::new(days)).unwrap_or(day)
}

fn day(text: &str, pointer: &str, end: bool, days: Days) -> ApiResult<NaiveDate> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day);
    }
    let at: DateTime<Utc> = text
        .parse()
        .map_err(|_| ApiError::field(pointer, "date", "must be a date like 2026-11-01 or an RFC 3339 time"))?;
    let at = at.with_timezone(&days.0);
    let day = at.date_naive();
    // An end within a day takes that day with it.
    let more = u64::from(end && at.time() != NaiveTime::MIN);
    day.checked_add_days(chrono::Days::new(more)).ok_or_else(|| ErrorCode::RangeTooLarge.into())
}

/// A period and the one it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) now: Period,
    pub(super) before: Period,
}

/// The periods of the summary, as of a UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Periods {
    pub(super) yesterday: Compared,
    pub(super) last_week: Compared,
    pub(super) last_month: Compared,
    pub(super) month_to_date: Compared,
    pub(super) trend: Compared,
    /// The day that has begun, beside yesterday.
    pub(super) today: Compared,
    /// The seven days before yesterday: what is usual.
    pub(super) usual: Period,
}

impl Periods {
    pub(super) fn new(today: NaiveDate, trend: Period) -> Self {
        let with_before = |now: Period| Compared { now, before: now.before() };
        let yesterday = Period { from: back(today, 1), to: today };
        let monday = today.week(Weekday::Mon).first_day();
        let first = today.with_day(1).unwrap_or(today);
        let month = |back: u32| first.checked_sub_months(Months::new(back)).unwrap_or(first);
        let so_far = Period { from: first, to: today };
        // The 31st has no counterpart in a month of 30 days: the whole of that month is compared then.
        let same_days = chrono::Days::new(u64::try_from(so_far.days()).unwrap_or_default());
        let same_end = month(1).checked_add_days(same_days).unwrap_or(first).min(first);
        Self {
            yesterday: with_before(yesterday),
            last_week: with_before(Period { from: back(monday, 7), to: monday }),
            last_month: Compared {
                now: Period { from: month(1), to: first },
                before: Period { from: month(2), to: month(1) },
            },
            month_to_date: Compared { now: so_far, before: Period { from: month(1), to: same_end } },
            trend: with_before(trend),
            today: with_before(Period {
                from: today,
                to: today.checked_add_days(chrono::Days::new(1)).unwrap_or(today),
            }),
            usual: Period { from: back(today, 8), to: back(today, 1) },
        }
    }

    /// All of them, in the order in which their sums are asked for.
    pub(super) fn all(&self) -> [Period; 12] {
        let [a, b, c, d, e] = [self.yesterday, self.last_week, self.last_month, self.month_to_date, self.trend];
        [
            a.now,
            a.before,
            b.now,
            b.before,
            c.now,
            c.before,
            d.now,
            d.before,
            e.now,
            e.before,
            self.usual,
            self.today.now,
        ]
    }

    /// From the first day of any to the last of any.
    pub(super) fn hull(&self) -> Period {
        let all = self.all();
        let from = all.iter().map(|period| period.from).min().unwrap_or_default();
        let to = all.iter().map(|period| period.to).max().unwrap_or_default();
        Period { from, to }
    }
}

/// What to group by, in the order of the answer's fields.
///
/// # Errors
/// `validation_failed` for a name that is no dimension.
pub(super) fn group_by(text: Option<&str>) -> ApiResult<BTreeSet<Dimension>> {
    let names = text.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            Dimension::from_name(name).ok_or_else(|| {
                let all: Vec<_> = Dimension::ALL.iter().map(|dimension| dimension.name()).collect();
                ApiError::field("/groupBy", "unknown", format!("must be some of: {}", all.join(", ")))
            })
        })
        .collect()
}

/// A change in percent with one fraction digit, away from zero at the half; nothing without a base to compare with.
pub(super) fn change_percent(now: Decimal, before: Option<Decimal>) -> Option<String> {
    let before = before.filter(|before| !before.is_zero())?;
    let change = now.checked_sub(before)?.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(before.abs())?;
    Some(format!("{:.1}", change.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn period(from: &str, to: &str) -> Period {
        Period { from: date(from), to: date(to) }
    }

    #[test]
    fn a_time_takes_its_whole_utc_day() {
        let parse = |from, to| Period::parse(from, to, Days::UTC).unwrap();
        assert_eq!(parse("2026-11-01", "2026-11-02"), period("2026-11-01", "2026-11-02"));
        assert_eq!(parse("2026-11-01T05:00:00+09:00", "2026-11-02T00:00:00Z"), period("2026-10-31", "2026-11-02"));
        assert_eq!(parse("2026-11-01T10:00:00Z", "2026-11-02T00:00:01Z"), period("2026-11-01", "2026-11-03"));
        for (from, to) in [
            ("2026-11-02", "2026-11-02"),
            ("2026-11-03", "2026-11-02"),
            ("2020-01-01", "2026-01-01"),
            ("-5000-01-01", "-4999-01-01"),
            ("0001-01-01", "0001-01-02"),
        ] {
            assert_eq!(Period::parse(from, to, Days::UTC).unwrap_err().code, ErrorCode::RangeTooLarge, "{from} {to}");
        }
        for bad in ["", "yesterday", "2026-13-01", "2026-11-01T10:00"] {
            assert_eq!(
                Period::parse(bad, "2026-11-02", Days::UTC).unwrap_err().code,
                ErrorCode::ValidationFailed,
                "{bad}"
            );
        }
    }

    #[test]
    fn a_local_day_is_the_zones_and_must_begin_with_an_hour() {
        let seoul = Days::named("Asia/Seoul").unwrap();
        let local = Period::parse("2026-11-01T15:00:00Z", "2026-11-03T14:59:59Z", seoul).unwrap();
        assert_eq!(local, period("2026-11-02", "2026-11-04"));
        let whole = |zone: &str| Days::named(zone).unwrap().are_whole_hours(local);
        assert!(whole("Asia/Seoul") && whole("America/New_York") && whole("UTC"));
        assert!(!whole("Asia/Kolkata") && !whole("Asia/Kathmandu"));
        for bad in ["", "Mars/Olympus", "+09:00", "UTC'"] {
            assert!(Days::named(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_day_begins_where_the_clocks_say_so() {
        for (zone, day, start) in [
            ("Asia/Seoul", "2026-11-02", "2026-11-01T15:00:00Z"),
            ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z"),
            ("Europe/Berlin", "2026-03-30", "2026-03-29T22:00:00Z"),
            ("America/New_York", "2026-11-02", "2026-11-02T05:00:00Z"),
            // Clocks are turned at midnight: forward, so that there is none, and back to it.
            ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"),
            ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"),
            ("UTC", "2026-11-02", "2026-11-02T00:00:00Z"),
        ] {
            let days = Days::of(zone);
            assert_eq!(days.start(date(day)), start.parse::<DateTime<Utc>>().unwrap(), "{zone} {day}");
            assert_eq!(days.name(), zone);
        }
        for zone in ["Asia/Kolkata", "Australia/Lord_Howe", "Mars/Olympus", ""] {
            assert_eq!(Days::of(zone), Days::UTC, "{zone}");
        }
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let periods = Periods::new(date("2026-03-20"), period("2026-02-18", "2026-03-20"));
        assert_eq!(periods.yesterday.now, period("2026-03-19", "2026-03-20"));
        assert_eq!(periods.last_week.now, period("2026-03-09", "2026-03-16"));
        assert_eq!(periods.last_week.before, period("2026-03-02", "2026-03-09"));
        assert_eq!(periods.last_month.now, period("2026-02-01", "2026-03-01"));
        assert_eq!(periods.last_month.before, period("2026-01-01", "2026-02-01"));
        assert_eq!(periods.month_to_date.now, period("2026-03-01", "2026-03-20"));
        assert_eq!(periods.month_to_date.before, period("2026-02-01", "2026-02-20"));
        assert_eq!(periods.usual, period("2026-03-12", "2026-03-19"));
        let monday = Periods::new(date("2026-03-16"), period("2026-03-01", "2026-03-16"));
        assert_eq!(monday.last_week.now, period("2026-03-09", "2026-03-16"));
        let end = Periods::new(date("2026-03-31"), period("2026-03-01", "2026-03-31"));
        assert_eq!(end.month_to_date.before, period("2026-02-01", "2026-03-01"), "February has no 30th");
    }

    #[test]
    fn changes_are_percentages_with_one_digit() {
        let change = |now: &str, before: &str| change_percent(now.parse().unwrap(), Some(before.parse().unwrap()));
        assert_eq!(change("112", "100").as_deref(), Some("12.0"));
        assert_eq!(change("742", "50").as_deref(), Some("1384.0"));
        assert_eq!(change("100.25", "100").as_deref(), Some("0.3"));
        assert_eq!(change("50", "100").as_deref(), Some("-50.0"));
        assert_eq!(change("1", "-1").as_deref(), Some("200.0"));
        assert_eq!(change("1", "0"), None);
        assert_eq!(change_percent(Decimal::ONE, None), None);
    }

    proptest! {
        #[test]
        fn a_moment_is_in_the_day_that_began_last(
            zone in proptest::sample::select(vec![
                "Asia/Seoul", "Europe/Berlin", "America/New_York", "Africa/Cairo", "America/Havana", "Pacific/Auckland", "Asia/Beirut",
            ]),
            minutes in 0i64..10_000_000,
        ) {
            let days = Days::of(zone);
            let at = "2020-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes);
            let day = days.day(at);
            prop_assert!(days.start(day) <= at && at < days.start(day + chrono::Days::new(1)));
            prop_assert_eq!(days.day(days.start(day)), day);
        }

        #[test]
        fn periods_touch_and_end_before_today(offset in 0u64..3_000) {
            let today = date("2024-01-01") + chrono::Days::new(offset);
            let periods = Periods::new(today, Period::trend(None, None, today).unwrap());
            for compared in [periods.yesterday, periods.last_week, periods.last_month, periods.trend] {
                prop_assert_eq!(compared.before.to, compared.now.from);
                prop_assert!(compared.now.to <= today && compared.now.days() > 0 && compared.before.days() > 0);
            }
            prop_assert_eq!(periods.last_week.now.days(), 7);
            prop_assert_eq!(periods.last_week.now.from.weekday(), Weekday::Mon);
            prop_assert_eq!(periods.last_month.now.from.day(), 1);
            prop_assert!(periods.month_to_date.before.days() <= periods.month_to_date.now.days().max(0));
        }
    }
}
