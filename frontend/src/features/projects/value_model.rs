//! What the value tab shows, before it is shown. Pure.

use finops_contract::value::{DayValue, ProjectValue, Value};

use crate::features::budgets::Sure;
use crate::ui::chart::{Place, Plot, Series};

/// The most days that the service tells the value of.
pub(super) const MOST_DAYS: i64 = 366;

/// What is drawn day by day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PerDay {
    /// The cost.
    Cost,
    /// What a success cost.
    Success,
}

impl PerDay {
    /// Both, in the order in which they are offered.
    pub(super) const ALL: [PerDay; 2] = [PerDay::Cost, PerDay::Success];

    /// Its name in the control.
    pub(super) const fn name(self) -> &'static str {
        match self {
            PerDay::Cost => "cost",
            PerDay::Success => "success",
        }
    }

    /// The one of this name; the cost for any other.
    pub(super) fn from_name(name: &str) -> PerDay {
        if name == PerDay::Success.name() { PerDay::Success } else { PerDay::Cost }
    }
}

/// How sure a cost is, of which all is known or not.
pub(super) const fn sure(complete: bool) -> Sure {
    if complete { Sure::Exactly } else { Sure::AtLeast }
}

/// Whether nothing at all is known of a project in a period.
pub(super) fn is_silent(value: &ProjectValue) -> bool {
    let Value { cost, calls, outcomes, feedback_scores, .. } = &value.total;
    cost.is_none() && calls.is_none() && *outcomes == 0 && *feedback_scores == 0 && value.unconverted.is_empty()
}

/// The days as one line. A day of which it is not known is a gap; the one that is not over may still move.
pub(super) fn per_day(days: &[DayValue], today: &str, per: PerDay, name: &str) -> Plot {
    let of = |value: &Value| match per {
        PerDay::Cost => value.cost,
        PerDay::Success => value.cost_per_success,
    };
    let place = |day: &DayValue| {
        let day = day.day.to_string();
        Place { moving: day.as_str() >= today, day }
    };
    let series = Series {
        key: per.name().to_owned(),
        name: name.to_owned(),
        colour: 1,
        values: days.iter().map(|day| of(&day.value).map(|amount| amount.0)).collect(),
    };
    Plot {
        places: days.iter().map(place).collect(),
        series: vec![series],
        currency: "USD".to_owned(),
        of: 1,
        // What a success cost on one day is no part of what it cost on all.
        apart: per == PerDay::Success,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: &str, cost: Option<&str>, per_success: Option<&str>) -> DayValue {
        let amount = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let value = Value { cost: amount(cost), cost_per_success: amount(per_success), ..Value::default() };
        DayValue { day: day.parse().unwrap(), value }
    }

    #[test]
    fn a_day_without_success_is_a_gap_and_today_may_move() {
        let days = [
            day("2026-11-22", Some("4"), Some("0.5")),
            day("2026-11-23", Some("2"), None),
            day("2026-11-24", None, None),
        ];
        let costs = per_day(&days, "2026-11-24", PerDay::Cost, "cost");
        assert_eq!(costs.series[0].values, [Some(4.into()), Some(2.into()), None]);
        assert_eq!(costs.places.iter().map(|place| place.moving).collect::<Vec<_>>(), [false, false, true]);
        let successes = per_day(&days, "2026-11-24", PerDay::Success, "success");
        assert_eq!(successes.series[0].values, [Some("0.5".parse().unwrap()), None, None]);
        assert!(successes.apart && !costs.apart);
    }

    #[test]
    fn a_cost_or_a_call_or_an_outcome_is_something() {
        let silent: ProjectValue = serde_json::from_str(
            r#"{"project":{"id":"00000000-0000-0000-0000-00000000000a","name":"a"},"from":"2026-11-01","to":"2026-11-02",
            "timeZone":"UTC","total":{"cost":null,"basis":"billed","state":"billed","unpriced":0,"calls":null,"failedCalls":null,
            "outcomes":0,"successes":null,"failures":null,"successRate":null,"costPerSuccess":null,"feedbackScores":0,
            "feedbackMean":null},"byBasis":[],"unconverted":[],"unknownDays":1,"complete":false,"byTaskType":[],"byModel":[],
            "byDay":[]}"#,
        )
        .unwrap();
        assert!(is_silent(&silent));
        let mut called = silent.clone();
        called.total.calls = Some(1);
        let mut scored = silent;
        scored.total.feedback_scores = 1;
        assert!(!is_silent(&called) && !is_silent(&scored));
    }
}
