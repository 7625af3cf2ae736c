//! The organization's calendar: which period a day is in, when it begins and when it is over. Pure.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc, Weekday};
use finops_contract::budgets::BudgetPeriod;
use finops_contract::organizations::Organization;

use crate::features::costs::Days;

/// Whose days and years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    days: Days,
    /// The month in which the fiscal year starts, 1 to 12.
    fiscal_start: u8,
}

/// A period, in days: `from` inclusive, `to` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Its first day.
    pub from: NaiveDate,
    /// The day after its last.
    pub to: NaiveDate,
}

impl Span {
    /// Its days in order.
    pub fn each(self) -> impl Iterator<Item = NaiveDate> {
        self.from.iter_days().take_while(move |day| *day < self.to)
    }
}

impl Calendar {
    /// An organization's.
    pub fn of(organization: &Organization) -> Self {
        Self {
            days: Days::of(&organization.time_zone),
            fiscal_start: organization.fiscal_year_start_month.clamp(1, 12),
        }
    }

    /// Its days.
    pub const fn days(self) -> Days {
        self.days
    }

    /// The day that it is.
    pub fn today(self, now: DateTime<Utc>) -> NaiveDate {
        self.days.day(now)
    }

    /// When a period begins and is over.
    pub fn bounds(self, span: Span) -> (DateTime<Utc>, DateTime<Utc>) {
        (self.days.start(span.from), self.days.start(span.to))
    }

    /// The period that a day is in.
    pub fn period(self, period: BudgetPeriod, day: NaiveDate) -> Span {
        let first = day.with_day(1).unwrap_or(day);
        // Months since the fiscal year began.
        let into = (first.month() + 12 - u32::from(self.fiscal_start)) % 12;
        let months = |back: u32, long: u32| {
            let from = first.checked_sub_months(Months::new(back)).unwrap_or(first);
            Span { from, to: from.checked_add_months(Months::new(long)).unwrap_or(NaiveDate::MAX) }
        };
        let days = |from: NaiveDate, long: u64| Span {
            from,
            to: from.checked_add_days(chrono::Days::new(long)).unwrap_or(NaiveDate::MAX),
        };
        match period {
            BudgetPeriod::Daily => days(day, 1),
            BudgetPeriod::Weekly => days(day.week(Weekday::Mon).first_day(), 7),
            BudgetPeriod::Monthly => months(0, 1),
            BudgetPeriod::Quarterly => months(into % 3, 3),
            BudgetPeriod::Yearly => months(into, 12),
        }
    }

    /// A period and those before it, the latest first.
    pub fn back(self, period: BudgetPeriod, day: NaiveDate) -> impl Iterator<Item = Span> {
        std::iter::successors(Some(self.period(period, day)), move |span| {
            span.from.pred_opt().map(|day| self.period(period, day))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn calendar(zone: &str, fiscal_start: u8) -> Calendar {
        Calendar { days: Days::of(zone), fiscal_start }
    }

    #[test]
    fn periods_are_the_calendars() {
        use BudgetPeriod::{Daily, Monthly, Quarterly, Weekly, Yearly};
        for (fiscal, period, day, from, to) in [
            (1, Daily, "2026-12-31", "2026-12-31", "2027-01-01"),
            (1, Weekly, "2026-03-20", "2026-03-16", "2026-03-23"),
            (1, Weekly, "2026-03-22", "2026-03-16", "2026-03-23"),
            (1, Weekly, "2026-01-01", "2025-12-29", "2026-01-05"),
            (1, Monthly, "2026-01-31", "2026-01-01", "2026-02-01"),
            (1, Monthly, "2024-02-29", "2024-02-01", "2024-03-01"),
            (1, Quarterly, "2026-11-25", "2026-10-01", "2027-01-01"),
            (1, Yearly, "2024-02-29", "2024-01-01", "2025-01-01"),
            (4, Yearly, "2026-03-31", "2025-04-01", "2026-04-01"),
            (4, Yearly, "2026-04-01", "2026-04-01", "2027-04-01"),
            (4, Quarterly, "2026-03-31", "2026-01-01", "2026-04-01"),
            // A fiscal year from February has quarters of its own.
            (2, Quarterly, "2026-01-31", "2025-11-01", "2026-02-01"),
            (2, Quarterly, "2026-02-01", "2026-02-01", "2026-05-01"),
            (12, Yearly, "2026-11-30", "2025-12-01", "2026-12-01"),
        ] {
            let found = calendar("Asia/Seoul", fiscal).period(period, date(day));
            assert_eq!(found, Span { from: date(from), to: date(to) }, "{period:?} of {day}, from month {fiscal}");
        }
    }

    #[test]
    fn a_day_is_as_long_as_the_clocks_make_it() {
        let hours = |zone, day| {
            let calendar = calendar(zone, 1);
            let (start, end) = calendar.bounds(calendar.period(BudgetPeriod::Daily, date(day)));
            (end - start).num_hours()
        };
        assert_eq!(hours("Europe/Berlin", "2026-03-29"), 23);
        assert_eq!(hours("Europe/Berlin", "2026-10-25"), 25);
        assert_eq!(hours("America/New_York", "2026-03-08"), 23);
        assert_eq!(hours("America/New_York", "2026-11-01"), 25);
        assert_eq!(hours("America/New_York", "2026-11-02"), 24);
        assert_eq!(hours("Asia/Seoul", "2026-03-29"), 24);
        let berlin = calendar("Europe/Berlin", 1);
        let (start, end) = berlin.bounds(berlin.period(BudgetPeriod::Monthly, date("2026-03-15")));
        let times = ["2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"].map(|text| text.parse::<DateTime<Utc>>().unwrap());
        assert_eq!([start, end], times);
        assert_eq!(berlin.today(times[1]), date("2026-04-01"));
        assert_eq!(berlin.today(times[1] - chrono::TimeDelta::seconds(1)), date("2026-03-31"));
    }

    proptest! {
        #[test]
        fn periods_touch_and_hold_their_day(
            zone in proptest::sample::select(vec!["Asia/Seoul", "Europe/Berlin", "America/New_York", "America/Havana", "UTC"]),
            fiscal in 1u8..=12,
            at in proptest::sample::select(BudgetPeriod::ALL),
            offset in 0u64..10_000,
        ) {
            let calendar = calendar(zone, fiscal);
            let day = date("2010-01-01") + chrono::Days::new(offset);
            let spans: Vec<_> = calendar.back(at, day).take(14).collect();
            prop_assert!(spans[0].from <= day && day < spans[0].to);
            for pair in spans.windows(2) {
                prop_assert_eq!(pair[1].to, pair[0].from);
                prop_assert_eq!(calendar.bounds(pair[1]).1, calendar.bounds(pair[0]).0);
            }
            for span in spans {
                prop_assert!(span.each().all(|day| calendar.period(at, day) == span));
                let (start, end) = calendar.bounds(span);
                prop_assert!(start < end && calendar.today(start) == span.from);
                if at == BudgetPeriod::Weekly {
                    prop_assert_eq!(span.from.weekday(), Weekday::Mon);
                } else if at == BudgetPeriod::Yearly {
                    prop_assert_eq!((span.from.month(), span.from.day()), (u32::from(fiscal), 1));
                }
            }
        }
    }
}
