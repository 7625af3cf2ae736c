//! Budgets: an amount a period for a scope, the thresholds at which somebody is told, and how it stands.
//!
//! A period is one of the organization's calendar: its days, its weeks from Monday, its months, the quarters and years of
//! its fiscal calendar. Spending is what the costs say of it: of every project, provider and day one ledger has the word.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::costs::{Basis, BasisCost, CostState};
use crate::fx_rates::FxRate;
use crate::money::{Amount, Percent};
use crate::projects::Environment;

names! {
    /// What a budget is about.
    ScopeType {
        /// Everything.
        Organization = "organization",
        /// What a team's projects cost, and what its keys bring in beside them.
        Team = "team",
        /// One project.
        Project = "project",
        /// A service of the organization's own system, by the events that name it.
        Service = "service",
        /// A learner, by the events that name them.
        Learner = "learner",
        /// The projects of an environment, and events of no project that name it.
        Environment = "environment",
    }
    /// How long a budget's amount lasts.
    BudgetPeriod {
        /// A day of the organization's zone.
        Daily = "daily",
        /// Monday to Sunday.
        Weekly = "weekly",
        /// A calendar month.
        Monthly = "monthly",
        /// Three months, counted from the month in which the fiscal year starts.
        Quarterly = "quarterly",
        /// A fiscal year.
        Yearly = "yearly",
    }
    /// What happens once it is spent.
    Enforcement {
        /// Somebody is told.
        Soft = "soft",
        /// Spending stops: the guard refuses. Told by e-mail and in Slack, unless a threshold of 100 says otherwise.
        Hard = "hard",
    }
    /// What a threshold is a percentage of the amount of.
    AlertBasis {
        /// What was spent.
        Actual = "actual",
        /// What will have been spent at the period's end, as it goes on now.
        Forecast = "forecast",
    }
    /// What happens when a threshold is crossed.
    AlertAction {
        /// An e-mail.
        Email = "email",
        /// A message in Slack.
        Slack = "slack",
        /// A signed webhook.
        Webhook = "webhook",
        /// A text message.
        Sms = "sms",
        /// An incident in PagerDuty.
        Pagerduty = "pagerduty",
        /// An e-mail and a message in Slack.
        Both = "both",
        /// Spending is stopped, until somebody lifts that; told by e-mail, Slack, text message and PagerDuty.
        Block = "block",
    }
    /// Where it was set.
    BudgetKind {
        /// A budget.
        Budget = "budget",
        /// A project's cost threshold, daily or weekly.
        Limit = "limit",
    }
    /// How a budget stands in the period that runs: the first of these that it is.
    BudgetState {
        /// All of it is spent, or more.
        Over = "over",
        /// It will be before the period ends, as things go on.
        Breaches = "breaches",
        /// A threshold is reached.
        Reached = "reached",
        /// Nothing is known.
        Unknown = "unknown",
        /// What is known is within the amount, and not all is known.
        Partial = "partial",
        /// All is known, and it is within the amount.
        Fine = "fine",
    }
    /// What a list of budgets tells beside them.
    BudgetInclude {
        /// How each stands in the period that runs.
        Standing = "standing",
    }
}

/// What a budget is about, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BudgetScope {
    /// What kind of thing.
    #[serde(rename = "type")]
    pub kind: ScopeType,
    /// The team's or project's id, the service's, learner's or environment's name; nothing for the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(example = "0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718"))]
    pub id: Option<String>,
}

/// What a budget is about, with the name that people know it by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NamedScope {
    /// What kind of thing.
    #[serde(rename = "type")]
    pub kind: ScopeType,
    /// The team's or project's id, the service's, learner's or environment's name; null for the organization.
    #[cfg_attr(feature = "server", schema(example = "0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718"))]
    pub id: Option<String>,
    /// The team's or project's name now; null for what is its own name.
    pub name: Option<String>,
    /// Whether the team or project was deleted.
    #[serde(default)]
    pub deleted: bool,
}

/// A threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BudgetAlert {
    /// Percent of the amount: more than 0, at most 1,000, with at most two decimal places. `100` and `"100"` are both read.
    pub threshold: Percent,
    /// What happens then.
    #[serde(rename = "type")]
    pub action: AlertAction,
    /// Of what is spent, or of the forecast; `actual` by default.
    #[serde(default = "actual")]
    pub basis: AlertBasis,
}

const fn actual() -> AlertBasis {
    AlertBasis::Actual
}

const fn soft() -> Enforcement {
    Enforcement::Soft
}

fn dollars() -> String {
    "USD".into()
}

/// `POST /api/budgets` and `PUT /api/budgets/{budgetId}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[cfg_attr(feature = "server", schema(example = json!({
    "name": "AI in 2026", "scope": {"type": "organization"}, "amount": "1000", "currency": "USD", "period": "monthly",
    "enforcement": "soft", "alerts": [{"threshold": "50", "type": "email"}, {"threshold": "80", "type": "both"},
        {"threshold": "100", "type": "both", "basis": "forecast"}]
})))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BudgetRequest {
    /// 1 to 100 characters.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 100), custom(function = "crate::teams::not_blank")))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 100))]
    pub name: String,
    /// What it is about. It stays: another scope is another budget.
    pub scope: BudgetScope,
    /// More than 0, below 10¹², with at most six decimal places.
    pub amount: Amount,
    /// `USD`, or a currency of which an exchange rate is stored; `USD` by default.
    #[serde(default = "dollars")]
    #[cfg_attr(feature = "server", schema(pattern = "^[A-Z]{3}$"))]
    pub currency: String,
    /// How long the amount lasts.
    pub period: BudgetPeriod,
    /// What happens once it is spent; `soft` by default.
    #[serde(default = "soft")]
    pub enforcement: Enforcement,
    /// The thresholds, ascending, at most twenty. The same percentage may be there once of what is spent and once of the
    /// forecast.
    #[serde(default)]
    pub alerts: Vec<BudgetAlert>,
}

/// A budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// Its id.
    pub id: Uuid,
    /// Where it was set.
    pub kind: BudgetKind,
    /// Its name; a cost threshold's is its project's.
    #[cfg_attr(feature = "server", schema(example = "Staging"))]
    pub name: String,
    /// What it is about.
    pub scope: NamedScope,
    /// How much may be spent in a period.
    pub amount: Amount,
    /// In which currency.
    pub currency: String,
    /// The exchange rate that held when the amount was set, and holds for as long as the amount does; null for `USD`.
    pub fx: Option<FxRate>,
    /// How long the amount lasts.
    pub period: BudgetPeriod,
    /// What happens once it is spent.
    pub enforcement: Enforcement,
    /// The thresholds, ascending.
    pub alerts: Vec<BudgetAlert>,
    /// Counts amounts: with another amount, currency or period its thresholds start anew.
    #[cfg_attr(feature = "server", schema(example = 1))]
    pub revision: i32,
    /// Since when that amount holds.
    pub revised_at: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When anything about it changed last.
    pub updated_at: DateTime<Utc>,
    /// How it stands: in lists that were asked for with `include=standing`, left out everywhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<BudgetStanding>,
}

/// `GET /api/budgets`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BudgetsQuery {
    /// How many items, 1 to 200; 50 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(minimum = 1, maximum = 200))]
    pub limit: Option<u16>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only those about such a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(inline))]
    pub scope_type: Option<ScopeType>,
    /// Only this team's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<Uuid>,
    /// Only this project's own; of several, comma-separated, at most 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(example = "0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718"))]
    pub project_id: Option<String>,
    /// Only budgets, or only cost thresholds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(inline))]
    pub kind: Option<BudgetKind>,
    /// Only those that stand so now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(inline))]
    pub state: Option<BudgetState>,
    /// `standing`: how each stands too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(inline))]
    pub include: Option<BudgetInclude>,
}

/// How a budget stands in the period that runs, in its own currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BudgetStanding {
    /// In one word. What does not add up exactly is `unknown`.
    pub state: BudgetState,
    /// What was spent.
    pub current: PeriodSpend,
    /// What will have been spent at the period's end, at the rate of the last days: at least this where `current` is not
    /// complete. Null where nothing says so.
    pub forecast: Option<Amount>,
    /// The day of this period on which the amount was spent, or will be: none before today, unless it is spent.
    pub breach_date: Option<NaiveDate>,
    /// As of when.
    pub as_of: DateTime<Utc>,
}

/// What an environment's budget usually is. Its fields are those of `POST /api/budgets`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BudgetTemplate {
    /// Which environment.
    pub environment: Environment,
    /// What it is about.
    pub scope: BudgetScope,
    /// The amount; null where there is no usual one, and it must be said.
    #[cfg_attr(feature = "server", schema(example = "500.000000"))]
    pub amount: Option<Amount>,
    /// Always `USD`.
    pub currency: String,
    /// How long the amount lasts.
    pub period: BudgetPeriod,
    /// What happens once it is spent.
    pub enforcement: Enforcement,
    /// The thresholds.
    pub alerts: Vec<BudgetAlert>,
}

/// A project's cost threshold, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CostThreshold {
    /// More than 0, below 10¹², with at most six decimal places.
    pub amount: Amount,
    /// `USD`, or a currency of which an exchange rate is stored; `USD` by default.
    #[serde(default = "dollars")]
    #[cfg_attr(feature = "server", schema(pattern = "^[A-Z]{3}$"))]
    pub currency: String,
    /// What happens once it is reached; `both` by default.
    #[serde(default = "both", rename = "type")]
    pub action: AlertAction,
    /// Whether spending stops then; `soft` by default.
    #[serde(default = "soft")]
    pub enforcement: Enforcement,
}

const fn both() -> AlertAction {
    AlertAction::Both
}

/// `PUT /api/projects/{projectId}/cost-thresholds`. What is left out or null is no threshold from now on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[cfg_attr(feature = "server", schema(example = json!({
    "daily": {"amount": "500", "type": "both"}, "weekly": {"amount": "2000", "type": "slack", "enforcement": "soft"}
})))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CostThresholdsRequest {
    /// How much the project may cost a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily: Option<CostThreshold>,
    /// How much it may cost from Monday to Sunday.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly: Option<CostThreshold>,
}

/// A project's cost thresholds: budgets of the kind `limit`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CostThresholds {
    /// How much the project may cost a day.
    pub daily: Option<Budget>,
    /// How much it may cost from Monday to Sunday.
    pub weekly: Option<Budget>,
}

/// An amount in a currency that could not be converted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Unconverted {
    /// How much.
    pub cost: Amount,
    /// Of which no exchange rate is stored for the day, or one before.
    #[cfg_attr(feature = "server", schema(example = "EUR"))]
    pub currency: String,
}

/// What was spent in a period, in the budget's currency, with what is not known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PeriodSpend {
    /// Its first day.
    pub from: NaiveDate,
    /// The day after its last.
    pub to: NaiveDate,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it is over.
    pub ends_at: DateTime<Utc>,
    /// The amount that held at its end, or holds now; null where the budget had none for such a period.
    pub amount: Option<Amount>,
    /// What was spent: at least this, where something is unknown. Null where nothing is known.
    pub spent: Option<Amount>,
    /// Percent of the amount, never more than it is.
    pub percent: Option<Percent>,
    /// The ledger it comes from.
    pub basis: Basis,
    /// What is known of it.
    pub state: CostState,
    /// The parts, where it comes from several ledgers.
    pub by_basis: Vec<BasisCost>,
    /// Calls in it that have no price.
    #[cfg_attr(feature = "server", schema(example = 0))]
    pub unpriced: i64,
    /// What was billed in a currency of which no exchange rate is stored for its day, or one before.
    pub unconverted: Vec<Unconverted>,
    /// Days before today of which nothing is known.
    #[cfg_attr(feature = "server", schema(example = 0))]
    pub unknown_days: i64,
    /// Whether all of it is known: no call without a price, nothing unconverted, no unknown day.
    pub complete: bool,
}

/// A day of the running period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DaySpend {
    /// The day.
    pub day: NaiveDate,
    /// What was spent on it; null where nothing is known.
    pub spent: Option<Amount>,
}

/// Where a threshold stands in the running period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThresholdStanding {
    /// Percent of the amount.
    pub threshold: Percent,
    /// What happens then.
    #[serde(rename = "type")]
    pub action: AlertAction,
    /// Of what is spent, or of the forecast.
    pub basis: AlertBasis,
    /// How much that is.
    pub amount: Amount,
    /// Whether it is reached as things are now.
    pub reached: bool,
    /// When that was noticed.
    pub crossed_at: Option<DateTime<Utc>>,
}

/// `GET /api/budgets/{budgetId}/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BudgetStatus {
    /// The budget.
    pub budget: Budget,
    /// The zone of its days: the organization's, or `UTC` where that has days that begin within an hour. What is billed has
    /// UTC days, and counts on the day of its date.
    #[cfg_attr(feature = "server", schema(example = "Asia/Seoul"))]
    pub time_zone: String,
    /// The currency of every figure here.
    pub currency: String,
    /// How it stands, in one word.
    pub state: BudgetState,
    /// The period that runs.
    pub current: PeriodSpend,
    /// What is left of the amount; less than zero once more is spent.
    pub remaining: Option<Amount>,
    /// What is spent a day: the mean of the last seven whole days, from the first of them on which anything was spent; of
    /// today so far where there is none.
    pub burn_rate_per_day: Option<Amount>,
    /// What will have been spent at the period's end, at that rate: at least this where `current` is not complete. Days
    /// before today of which nothing is known (`current.unknownDays`) are not estimated.
    pub forecast: Option<Amount>,
    /// That, in percent of the amount.
    pub forecast_percent: Option<Percent>,
    /// The day of this period on which the amount was spent, or will be: none before today, unless it is spent.
    pub breach_date: Option<NaiveDate>,
    /// The thresholds.
    pub thresholds: Vec<ThresholdStanding>,
    /// Day by day, up to today.
    pub days: Vec<DaySpend>,
    /// The twelve periods before, the latest first.
    pub history: Vec<PeriodSpend>,
    /// As of when.
    pub as_of: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::{
        AlertAction, AlertBasis, BudgetInclude, BudgetKind, BudgetPeriod, BudgetRequest, BudgetState, Enforcement,
        ScopeType,
    };

    #[test]
    fn what_callers_of_the_guides_send_is_read() {
        let json = r#"{"name": "a", "scope": {"type": "project", "id": "x"}, "amount": 1000, "period": "monthly",
            "alerts": [{"threshold": 50, "type": "email"}, {"threshold": "99.5", "type": "both"}]}"#;
        let request: BudgetRequest = serde_json::from_str(json).unwrap();
        assert_eq!((request.currency.as_str(), request.enforcement), ("USD", Enforcement::Soft));
        assert_eq!((request.scope.kind, request.amount.to_string().as_str()), (ScopeType::Project, "1000.000000"));
        let alerts: Vec<_> =
            request.alerts.iter().map(|alert| (alert.threshold.to_string(), alert.action, alert.basis)).collect();
        assert_eq!(
            alerts,
            [
                ("50".into(), AlertAction::Email, AlertBasis::Actual),
                ("99.5".into(), AlertAction::Both, AlertBasis::Actual)
            ]
        );
    }

    #[test]
    fn names_in_json_are_names_in_the_database() {
        macro_rules! check {
            ($($kind:ident),+) => {$(
                for one in $kind::ALL {
                    assert_eq!(serde_json::to_value(one).unwrap(), one.name());
                    assert_eq!($kind::from_name(one.name()), Some(*one));
                }
            )+};
        }
        check!(ScopeType, BudgetPeriod, Enforcement, AlertBasis, AlertAction, BudgetKind, BudgetState, BudgetInclude);
    }
}
