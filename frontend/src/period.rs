//! The period that cost pages look at. Billed days are UTC days, so the period's days are too.

use chrono::{Datelike, Days, Months, NaiveDate};
use leptos::prelude::*;

use crate::reactive::memo;
use crate::storage;
use crate::url::{use_param, use_set_params};

/// The most days that the service gives at once: three years.
pub const MOST_DAYS: i64 = 1_096;

/// Days from the first, inclusive, to the day after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last.
    pub to: NaiveDate,
}

impl Period {
    /// How many days.
    pub fn days(self) -> i64 {
        (self.to - self.from).num_days()
    }

    /// The last day.
    pub fn last(self) -> NaiveDate {
        self.to.pred_opt().unwrap_or(self.to)
    }

    /// `from=…&to=…`.
    pub fn query(self) -> String {
        format!("from={}&to={}", self.from, self.to)
    }
}

/// A period that moves with today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// The last seven whole days.
    Week,
    /// The last thirty.
    #[default]
    Month,
    /// The last ninety.
    Quarter,
    /// From the first of this month to yesterday; on the first, that day.
    ThisMonth,
    /// The calendar month before this one.
    LastMonth,
}

impl Preset {
    /// All, in the order in which they are offered.
    pub const ALL: [Preset; 5] = [Preset::Week, Preset::Month, Preset::Quarter, Preset::ThisMonth, Preset::LastMonth];

    /// The name that is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Preset::Week => "7d",
            Preset::Month => "30d",
            Preset::Quarter => "90d",
            Preset::ThisMonth => "month",
            Preset::LastMonth => "last-month",
        }
    }

    /// Its days, as of a day.
    pub fn period(self, today: NaiveDate) -> Period {
        let back = |days| today.checked_sub_days(Days::new(days)).unwrap_or(today);
        let first = today.with_day(1).unwrap_or(today);
        match self {
            Preset::Week => Period { from: back(7), to: today },
            Preset::Month => Period { from: back(30), to: today },
            Preset::Quarter => Period { from: back(90), to: today },
            Preset::ThisMonth if today == first => Period { from: first, to: first.succ_opt().unwrap_or(first) },
            Preset::ThisMonth => Period { from: first, to: today },
            Preset::LastMonth => Period { from: first.checked_sub_months(Months::new(1)).unwrap_or(first), to: first },
        }
    }

    fn stored() -> Preset {
        let name = storage::get("period");
        Preset::ALL.into_iter().find(|preset| Some(preset.name()) == name.as_deref()).unwrap_or_default()
    }
}

/// The period of a URL, if it names one that makes sense.
fn parse(from: Option<&str>, to: Option<&str>) -> Option<Period> {
    let (from, to) = (from?.parse().ok()?, to?.parse().ok()?);
    (from < to).then_some(Period { from, to })
}

/// Today in UTC.
pub fn today() -> NaiveDate {
    crate::format::time::today("UTC").parse().unwrap_or_default()
}

/// The period of the page: the URL's, else the preset that was chosen last.
pub fn use_period() -> Memo<Period> {
    let (from, to) = (use_param("from"), use_param("to"));
    memo(move |_| {
        let explicit = from.with(|from| to.with(|to| parse(from.as_deref(), to.as_deref())));
        explicit.unwrap_or_else(|| Preset::stored().period(today()))
    })
}

/// Chooses a period: it goes to the URL, and a preset is remembered too.
pub fn use_set_period() -> impl Fn(Period, Option<Preset>) + Clone + Send + Sync + 'static {
    let set = use_set_params();
    move |period, preset| {
        if let Some(preset) = preset {
            storage::set("period", preset.name());
        }
        let (from, to) = (period.from.to_string(), period.to.to_string());
        set(&[("from", Some(&from)), ("to", Some(&to)), ("cursor", None)], false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn presets_end_before_today() {
        let today = day("2026-03-15");
        assert_eq!(Preset::Week.period(today), Period { from: day("2026-03-08"), to: today });
        assert_eq!(Preset::Month.period(today).days(), 30);
        assert_eq!(Preset::ThisMonth.period(today), Period { from: day("2026-03-01"), to: today });
        assert_eq!(Preset::LastMonth.period(today), Period { from: day("2026-02-01"), to: day("2026-03-01") });
    }

    #[test]
    fn no_preset_is_empty() {
        for preset in Preset::ALL {
            assert!(preset.period(day("2026-01-01")).days() > 0, "{preset:?}");
        }
        assert_eq!(Preset::LastMonth.period(day("2026-01-01")).from, day("2025-12-01"));
    }

    #[test]
    fn a_url_that_makes_no_sense_is_no_period() {
        assert!(parse(Some("2026-03-02"), Some("2026-03-02")).is_none());
        assert!(parse(Some("2026-03-02"), Some("x")).is_none());
        assert!(parse(Some("2026-03-02"), None).is_none());
        assert_eq!(parse(Some("2026-03-01"), Some("2026-03-03")).unwrap().last(), day("2026-03-02"));
    }
}
