//! What an alert says, without a language. Pure.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use finops_contract::alerts::{AlertBudget, AlertCause, AlertKind, AlertSeverity, Compared, Grown, UnpricedCalls};
use finops_contract::budgets::{AlertAction, AlertBasis, BudgetKind, BudgetPeriod, Enforcement, NamedScope, ScopeType};
use finops_contract::channels::ChannelType;
use finops_contract::costs::Named;
use finops_contract::{Amount, Percent};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::features::costs::{Grew, Growth};
use crate::platform::clock::Clock;

/// Days before a day that say what is usual.
const WEEK: usize = 7;

/// What was found, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Facts {
    /// The organization's name.
    pub(super) organization: String,
    /// The day in its calendar on which it was raised.
    pub(super) today: NaiveDate,
    pub(super) team: Option<Named>,
    pub(super) project: Option<Named>,
    pub(super) scope: Option<NamedScope>,
    pub(super) budget: Option<AlertBudget>,
    pub(super) compared: Option<Compared>,
    pub(super) cause: Option<AlertCause>,
    pub(super) unpriced: Option<UnpricedCalls>,
    /// What can be stopped, the most likely first.
    pub(super) target: Option<Target>,
    /// Whether spending was stopped with it.
    pub(super) blocked: bool,
}

/// Something that can be stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    /// `project` or `admin_key`.
    pub(super) kind: String,
    pub(super) id: Uuid,
}

impl Facts {
    /// Of calls without a price.
    pub(super) fn unpriced(organization: &str, today: NaiveDate, calls: UnpricedCalls) -> Self {
        Self {
            organization: organization.to_owned(),
            today,
            team: None,
            project: None,
            scope: None,
            budget: None,
            compared: None,
            cause: None,
            unpriced: Some(calls),
            target: None,
            blocked: false,
        }
    }

    /// What a message looks like, for who wants to see one.
    pub(super) fn example(organization: &str, today: NaiveDate, clock: &Clock) -> Self {
        let dollars = |dollars: i64| Amount::from(Decimal::from(dollars));
        let calls = UnpricedCalls { provider: String::new(), model: String::new(), calls: 0 };
        Self {
            scope: Some(NamedScope { kind: ScopeType::Organization, id: None, name: None, deleted: false }),
            budget: Some(AlertBudget {
                id: clock.new_id(),
                name: organization.to_owned(),
                kind: BudgetKind::Limit,
                period: BudgetPeriod::Daily,
                from: today,
                to: today.succ_opt().unwrap_or(today),
                enforcement: Enforcement::Soft,
                threshold: Percent(Decimal::ONE_HUNDRED),
                basis: AlertBasis::Actual,
                action: AlertAction::Both,
                amount: dollars(500),
                figure: dollars(742),
                percent: Percent(Decimal::new(1_484, 1)),
                currency: "USD".into(),
            }),
            compared: Some(Compared {
                day: today,
                spent: dollars(742),
                usual: dollars(50),
                change: Some(Percent(Decimal::from(1_384))),
                currency: "USD".into(),
            }),
            unpriced: None,
            ..Self::unpriced(organization, today, calls)
        }
    }
}

/// How bad it is that a threshold was crossed. A forecast is not spent yet.
pub(super) fn severity(threshold: Percent, basis: AlertBasis) -> AlertSeverity {
    let at_least = |percent: i64| threshold.0 >= Decimal::from(percent);
    match basis {
        AlertBasis::Forecast if at_least(100) => AlertSeverity::Warning,
        AlertBasis::Forecast => AlertSeverity::Info,
        AlertBasis::Actual if at_least(100) => AlertSeverity::Critical,
        AlertBasis::Actual if at_least(90) => AlertSeverity::Error,
        AlertBasis::Actual if at_least(75) => AlertSeverity::Warning,
        AlertBasis::Actual => AlertSeverity::Info,
    }
}

/// Where an action is told. A block is told as well.
pub(super) const fn channels(action: AlertAction) -> &'static [ChannelType] {
    match action {
        AlertAction::Email => &[ChannelType::Email],
        AlertAction::Slack => &[ChannelType::Slack],
        AlertAction::Webhook => &[ChannelType::Webhook],
        AlertAction::Sms => &[ChannelType::Sms],
        AlertAction::Pagerduty => &[ChannelType::Pagerduty],
        AlertAction::Both => &[ChannelType::Email, ChannelType::Slack],
        // What stops by itself, at night too, is what people are on call for. Webhooks hear of every stop anyway.
        AlertAction::Block => &[ChannelType::Email, ChannelType::Slack, ChannelType::Sms, ChannelType::Pagerduty],
    }
}

/// How the latest known day of a period compares with the week before it. Nothing where nothing is known of the period.
pub(super) fn compare(days: &BTreeMap<NaiveDate, Decimal>, from: NaiveDate, currency: &str) -> Option<Compared> {
    let (day, spent) = days.range(from..).next_back()?;
    let week_ago = day.checked_sub_days(chrono::Days::new(WEEK as u64))?;
    let before: Vec<Decimal> = days.range(week_ago..*day).map(|(_, spent)| *spent).collect();
    let sum: Decimal = before.iter().sum();
    let usual = sum.checked_div(Decimal::from(before.len())).unwrap_or_default().round_dp(6);
    let change = (spent - usual).checked_div(usual).and_then(|part| part.checked_mul(Decimal::ONE_HUNDRED));
    let whole = |change: Decimal| Percent(change.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero));
    Some(Compared {
        day: *day,
        spent: Amount::from(*spent),
        usual: usual.into(),
        change: change.map(whole),
        currency: currency.to_owned(),
    })
}

/// What grew, as an alert tells it: the project only where the alert is not about one.
pub(super) fn cause(growth: Growth, about_project: bool) -> AlertCause {
    let grown = |grew: Grew| Grown { id: grew.id, name: grew.name, cost: grew.cost.into(), usual: grew.usual.into() };
    AlertCause {
        calls: growth.calls,
        usual_calls: growth.usual_calls,
        project: growth.project.filter(|_| !about_project).map(grown),
        model: growth.model.map(grown),
        api_key: growth.api_key.map(grown),
        service: growth.service.map(grown),
    }
}

/// What another alert about the same is known by.
pub(super) fn unpriced_key(provider: &str, model: &str) -> String {
    let key = format!("{}:{provider}:{model}", AlertKind::Unpriced.name());
    // Names of models are as long as callers like.
    key.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(spent: &[(&str, i64)]) -> BTreeMap<NaiveDate, Decimal> {
        spent.iter().map(|(day, spent)| (day.parse().unwrap(), Decimal::from(*spent))).collect()
    }

    #[test]
    fn a_day_is_compared_with_the_known_days_of_the_week_before() {
        let known = days(&[("2026-11-10", 9_999), ("2026-11-18", 40), ("2026-11-20", 60), ("2026-11-25", 742)]);
        let compared = compare(&known, "2026-11-25".parse().unwrap(), "USD").unwrap();
        assert_eq!((compared.spent, compared.usual), (Decimal::from(742).into(), Decimal::from(50).into()));
        assert_eq!(compared.change, Some(Percent(Decimal::from(1384))));
    }

    #[test]
    fn what_is_usual_may_be_nothing() {
        let from = "2026-11-25".parse().unwrap();
        assert_eq!(compare(&days(&[("2026-11-24", 3)]), from, "USD"), None);
        let compared = compare(&days(&[("2026-11-24", 0), ("2026-11-25", 3)]), from, "USD").unwrap();
        assert_eq!((compared.usual, compared.change), (Amount::default(), None));
        let compared = compare(&days(&[("2026-11-24", 4), ("2026-11-25", 3)]), from, "USD").unwrap();
        assert_eq!(compared.change, Some(Percent(Decimal::from(-25))));
    }

    #[test]
    fn spending_is_worse_than_a_forecast() {
        let severity = |threshold: i64, basis| severity(Percent(Decimal::from(threshold)), basis);
        assert_eq!(severity(100, AlertBasis::Actual), AlertSeverity::Critical);
        assert_eq!(severity(99, AlertBasis::Actual), AlertSeverity::Error);
        assert_eq!(severity(50, AlertBasis::Actual), AlertSeverity::Info);
        assert_eq!(severity(120, AlertBasis::Forecast), AlertSeverity::Warning);
    }
}
