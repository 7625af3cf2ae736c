//! How budgets stand, and what of that is drawn. Pure.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use finops_contract::budgets::{Budget, BudgetStatus};
use finops_contract::{Amount, Percent};
use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};
use uuid::Uuid;

use crate::format::number::grouped;
use crate::ui::chart::{Place, Plot, Series};

/// A bar is no longer than this many percent, so that the amount can still be seen on it.
const LONGEST: Decimal = Decimal::from_parts(200, 0, 0, false, 0);

/// A percentage, never more than it is: 99.99 is not yet 100.
pub fn percent_text(percent: Percent) -> String {
    let value = percent.0;
    if value > Decimal::ZERO && value < Decimal::new(1, 1) {
        return "<0.1%".to_owned();
    }
    let places = if value.abs() < Decimal::TEN { 1 } else { 0 };
    let cut = value.round_dp_with_strategy(places, RoundingStrategy::ToNegativeInfinity).normalize();
    format!("{}%", grouped(&cut.to_string()))
}

/// How much of a budget is spent, where that is known.
pub fn share(budget: &Budget) -> Option<Percent> {
    budget.standing.as_ref()?.current.percent
}

/// Of the budgets of each project the one that is nearest to its limit.
pub(super) fn nearest(budgets: &[Budget]) -> BTreeMap<Uuid, Budget> {
    let mut nearest: BTreeMap<Uuid, Budget> = BTreeMap::new();
    for budget in budgets {
        let Some(project) = budget.scope.id.as_deref().and_then(|id| id.parse().ok()) else { continue };
        // What is unknown comes before nothing and after everything that is known.
        if nearest.get(&project).is_none_or(|known| share(known) < share(budget)) {
            nearest.insert(project, budget.clone());
        }
    }
    nearest
}

/// What a bar shows, in percent of its length.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Meter {
    /// How much is spent.
    pub(super) fill: f64,
    /// Where thresholds are.
    pub(super) marks: Vec<f64>,
    /// Where the amount is, unless that is the bar's end.
    pub(super) amount: Option<f64>,
}

/// The bar of what is spent, as long as the amount or what goes beyond it.
pub(super) fn meter(percent: Option<Percent>, thresholds: &[Percent]) -> Meter {
    let all = thresholds.iter().copied().chain(percent).map(|percent| percent.0);
    let end = all.fold(Decimal::ONE_HUNDRED, Decimal::max).min(LONGEST);
    let at = |percent: Decimal| (percent / end * Decimal::ONE_HUNDRED).to_f64().unwrap_or_default().clamp(0.0, 100.0);
    let is_within = |percent: &&Percent| percent.0 < end && percent.0 != Decimal::ONE_HUNDRED;
    Meter {
        fill: percent.map(|percent| at(percent.0)).unwrap_or_default(),
        marks: thresholds.iter().filter(is_within).map(|percent| at(percent.0)).collect(),
        amount: (end > Decimal::ONE_HUNDRED).then(|| at(Decimal::ONE_HUNDRED)),
    }
}

/// What is left of the amount at the end of each day of the period, beside an even pace and the forecast. `names` are of
/// these three. Nothing for a period of one day.
pub(super) fn burn_down(status: &BudgetStatus, names: [&str; 3]) -> Option<Plot> {
    let (first, end) = (status.current.from, status.current.to);
    let days: Vec<NaiveDate> = first.iter_days().take_while(|day| *day < end).collect();
    if days.len() < 2 {
        return None;
    }
    let amount = status.budget.amount.0;
    let left = left(status, amount, days.len());
    // The last day that there is anything of is today, which is not over.
    let today = status.days.len().saturating_sub(1);
    let place = |(index, day): (usize, &NaiveDate)| Place { day: day.to_string(), moving: index >= today };
    let series =
        |key: &str, name: &str, colour, values| Series { key: key.to_owned(), name: name.to_owned(), colour, values };
    let [left_name, pace_name, forecast_name] = names;
    let mut all = vec![series("left", left_name, 1, left)];
    all.extend(forecast(status, amount, today, days.len()).map(|values| series("forecast", forecast_name, 4, values)));
    all.push(series("pace", pace_name, 0, pace(amount, days.len())));
    Some(Plot {
        places: days.iter().enumerate().map(place).collect(),
        series: all,
        currency: status.currency.clone(),
        of: 0,
        apart: true,
    })
}

/// What is left of the amount. A day of which nothing is known is a gap, and takes nothing off.
fn left(status: &BudgetStatus, amount: Decimal, count: usize) -> Vec<Option<Decimal>> {
    let mut left = Some(amount);
    let mut values: Vec<_> = status
        .days
        .iter()
        .map(|day| {
            let spent = day.spent?;
            left = left.and_then(|left| left.checked_sub(spent.0));
            left
        })
        .collect();
    values.resize(count, None);
    values
}

fn pace(amount: Decimal, count: usize) -> Vec<Option<Decimal>> {
    let all = Decimal::from(count);
    (1..=count).map(|day| amount.checked_mul(Decimal::from(count - day) / all).map(|left| left.round_dp(6))).collect()
}

/// From what is left now straight to what will be.
fn forecast(status: &BudgetStatus, amount: Decimal, today: usize, count: usize) -> Option<Vec<Option<Decimal>>> {
    let (spent, total) = (status.current.spent?.0, status.forecast?.0);
    let steps = count.checked_sub(today + 1).filter(|steps| *steps > 0)?;
    let (now, more) = (amount.checked_sub(spent)?, total.checked_sub(spent)?);
    let at = |step: usize| now.checked_sub(more.checked_mul(Decimal::from(step) / Decimal::from(steps))?);
    let line = (0..=steps).map(|step| at(step).map(|left| left.round_dp(6)));
    Some(std::iter::repeat_n(None, today).chain(line).collect())
}

/// An amount as people type it.
pub(super) fn read_amount(text: &str) -> Option<Amount> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, ',' | '$' | '₩' | '€')).collect();
    let amount: Amount = plain.parse().ok()?;
    let fits = amount.0 > Decimal::ZERO && amount.0 < Decimal::from(1_000_000_000_000_u64);
    (fits && amount.0.normalize().scale() <= 6).then_some(amount)
}

/// A threshold as people type it.
pub(super) fn read_percent(text: &str) -> Option<Percent> {
    let amount: Amount = text.trim().trim_end_matches('%').trim_end().parse().ok()?;
    let fits = amount.0 > Decimal::ZERO && amount.0 <= Decimal::ONE_THOUSAND && amount.0.normalize().scale() <= 2;
    fits.then_some(Percent(amount.0))
}

/// The last day of a period that ends before `to`.
pub(super) fn last_day(to: NaiveDate) -> NaiveDate {
    to.checked_sub_days(Days::new(1)).unwrap_or(to)
}

#[cfg(test)]
mod tests {
    use finops_contract::budgets::{BudgetStanding, BudgetState};

    use super::*;

    fn percent(text: &str) -> Percent {
        Percent(text.parse().unwrap())
    }

    /// Ten days of March, three of which are over or running.
    fn status() -> BudgetStatus {
        let json = r#"{
            "budget": {"id":"01936f00-0000-7000-8000-0000000000b1","kind":"budget","name":"a","scope":{"type":"organization","id":null,"name":null},
                "amount":"100","currency":"USD","fx":null,"period":"monthly","enforcement":"soft","alerts":[],"revision":1,
                "revisedAt":"2026-03-01T00:00:00Z","createdAt":"2026-03-01T00:00:00Z","updatedAt":"2026-03-01T00:00:00Z"},
            "timeZone":"Asia/Seoul","currency":"USD","state":"partial",
            "current":{"from":"2026-03-01","to":"2026-03-06","startsAt":"2026-02-28T15:00:00Z","endsAt":"2026-03-05T15:00:00Z","amount":"100",
                "spent":"40","percent":"40","basis":"billed","state":"billed","byBasis":[],"unpriced":0,"unconverted":[],"unknownDays":1,"complete":false},
            "remaining":"60","burnRatePerDay":"20","forecast":"100","forecastPercent":"100","breachDate":null,"thresholds":[],
            "days":[{"day":"2026-03-01","spent":"30"},{"day":"2026-03-02","spent":null},{"day":"2026-03-03","spent":"10"}],
            "history":[],"asOf":"2026-03-03T03:00:00Z"}"#;
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_percentage_is_never_more_than_it_is() {
        for (value, text) in [
            ("0", "0%"),
            ("0.05", "<0.1%"),
            ("9.99", "9.9%"),
            ("74.2", "74%"),
            ("99.99", "99%"),
            ("100", "100%"),
            ("1384.5", "1,384%"),
            ("-0.34", "−0.4%"),
        ] {
            assert_eq!(percent_text(percent(value)), text, "{value}");
        }
    }

    #[test]
    fn a_bar_is_as_long_as_the_amount_or_what_goes_beyond_it() {
        let thresholds = [percent("50"), percent("90"), percent("100")];
        assert_eq!(
            meter(Some(percent("74")), &thresholds),
            Meter { fill: 74.0, marks: vec![50.0, 90.0], amount: None }
        );
        assert_eq!(meter(Some(percent("125")), &[]), Meter { fill: 100.0, marks: vec![], amount: Some(80.0) });
        assert_eq!(
            meter(Some(percent("1384")), &[percent("50"), percent("500")]),
            Meter { fill: 100.0, marks: vec![25.0], amount: Some(50.0) }
        );
        assert_eq!(meter(None, &[percent("120")]).fill, 0.0);
    }

    #[test]
    fn what_is_left_goes_down_and_a_day_of_which_nothing_is_known_is_a_gap() {
        let plot = burn_down(&status(), ["left", "pace", "forecast"]).unwrap();
        let whole = |values: &[Option<Decimal>]| {
            values.iter().map(|value| value.map(|value| value.to_i64().unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(whole(&plot.series[0].values), [Some(70), None, Some(60), None, None]);
        assert_eq!(whole(&plot.series[1].values), [None, None, Some(60), Some(30), Some(0)]);
        assert_eq!(whole(&plot.series[2].values), [Some(80), Some(60), Some(40), Some(20), Some(0)]);
        let moving: Vec<_> = plot.places.iter().map(|place| place.moving).collect();
        assert_eq!(moving, [false, false, true, true, true]);
    }

    #[test]
    fn without_a_pace_there_is_no_forecast_and_a_day_has_no_chart() {
        let blind = BudgetStatus { forecast: None, ..status() };
        assert_eq!(burn_down(&blind, ["", "", ""]).unwrap().series.len(), 2);
        let mut day = status();
        day.current.to = "2026-03-02".parse().unwrap();
        assert_eq!(burn_down(&day, ["", "", ""]), None);
    }

    #[test]
    fn of_several_budgets_the_one_that_is_nearest_to_its_limit_is_shown() {
        let listed = |project: u128, spent: Option<&str>| {
            let status = status();
            let mut budget = status.budget;
            budget.scope.id = Some(Uuid::from_u128(project).to_string());
            budget.name = spent.unwrap_or("unknown").to_owned();
            let mut current = status.current;
            current.percent = spent.map(percent);
            let standing = BudgetStanding {
                state: BudgetState::Fine,
                current,
                forecast: None,
                breach_date: None,
                as_of: status.as_of,
            };
            Budget { standing: Some(standing), ..budget }
        };
        let all =
            [listed(1, Some("9")), listed(1, None), listed(1, Some("80")), listed(1, Some("10")), listed(2, None)];
        let nearest = nearest(&all);
        let names: Vec<_> = nearest.iter().map(|(id, one)| (id.as_u128(), one.name.as_str())).collect();
        assert_eq!(names, [(1, "80"), (2, "unknown")]);
    }

    #[test]
    fn what_is_typed_is_read_as_it_was_meant() {
        for (typed, amount) in
            [("1000", "1000.000000"), ("$1,234.5", "1234.500000"), (" ₩ 1,300,000 ", "1300000.000000")]
        {
            assert_eq!(read_amount(typed).unwrap().to_string(), amount);
        }
        for bad in ["", "0", "-1", "1000000000000", "0.0000001", "many"] {
            assert_eq!(read_amount(bad), None, "{bad}");
        }
        assert_eq!(read_percent(" 99.5 % ").unwrap().to_string(), "99.5");
        for bad in ["", "0", "1000.01", "50.001", "half"] {
            assert_eq!(read_percent(bad), None, "{bad}");
        }
    }
}
