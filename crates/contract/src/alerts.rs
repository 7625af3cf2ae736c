//! Alerts: what somebody should know of, raised once, acknowledged, resolved.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::budgets::{AlertAction, AlertBasis, BudgetKind, BudgetPeriod, Enforcement, NamedScope};
use crate::costs::Named;
use crate::money::{Amount, Percent};

names! {
    /// What an alert is about.
    AlertKind {
        /// A budget's, or a cost threshold's, threshold was crossed.
        Budget = "budget",
        /// Calls came in that have no price.
        Unpriced = "unpriced",
    }
    /// How bad it is.
    AlertSeverity {
        /// For information.
        Info = "info",
        /// Look at it soon.
        Warning = "warning",
        /// Something was exceeded.
        Error = "error",
        /// Act now.
        Critical = "critical",
    }
    /// How far it is dealt with.
    AlertStatus {
        /// Nobody is at it.
        Open = "open",
        /// Somebody is.
        Acknowledged = "acknowledged",
        /// It is over.
        Resolved = "resolved",
    }
    /// Why a budget's alert is over by itself.
    AlertEnd {
        /// Its period is over.
        PeriodOver = "period_over",
        /// The budget has other periods by now, or the organization's calendar has.
        PeriodChanged = "period_changed",
        /// The same threshold was crossed anew, of another amount.
        AmountChanged = "amount_changed",
        /// The threshold is not reached any more, or is gone.
        BelowThreshold = "below_threshold",
        /// The budget is gone.
        BudgetDeleted = "budget_deleted",
    }
}

/// The budget that an alert is about, as it was then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlertBudget {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    #[cfg_attr(feature = "server", schema(example = "chatbot-experiment"))]
    pub name: String,
    /// A budget, or a cost threshold.
    pub kind: BudgetKind,
    /// How long its amount lasts.
    pub period: BudgetPeriod,
    /// The period's first day.
    pub from: NaiveDate,
    /// The day after its last.
    pub to: NaiveDate,
    /// What happens once it is spent.
    pub enforcement: Enforcement,
    /// The threshold that was crossed, in percent of the amount.
    pub threshold: Percent,
    /// Whether what was spent crossed it, or the forecast.
    pub basis: AlertBasis,
    /// What that threshold does.
    pub action: AlertAction,
    /// How much may be spent.
    pub amount: Amount,
    /// How much was spent, or is forecast.
    pub figure: Amount,
    /// That, in percent of the amount.
    pub percent: Percent,
    /// Of both amounts.
    pub currency: String,
}

/// How a day compares with the days before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    /// The day: the latest of the period of which anything is known.
    pub day: NaiveDate,
    /// What was spent on it.
    pub spent: Amount,
    /// The mean of the days of the week before it of which anything is known, rounded to six decimal places.
    pub usual: Amount,
    /// How much more than usual, in whole percent of that; less than zero for less; null where usual is nothing.
    pub change: Option<Percent>,
    /// Of both amounts.
    pub currency: String,
}

/// What grew most, as far as calls tell: by the provider's usage or by events, whichever counted more of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlertCause {
    /// Calls on that day.
    #[cfg_attr(feature = "server", schema(example = 45_000))]
    pub calls: i64,
    /// The mean of the week before, over its days with any.
    #[cfg_attr(feature = "server", schema(example = 3_000))]
    pub usual_calls: i64,
    /// The project that grew most, where it is not the alert's own.
    pub project: Option<Grown>,
    /// The model that grew most.
    pub model: Option<Grown>,
    /// The API key that grew most: the provider's, or ours.
    pub api_key: Option<Grown>,
    /// The service that grew most.
    pub service: Option<Grown>,
}

/// What grew, and by how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Grown {
    /// Its id, or its name where that is all there is.
    #[cfg_attr(feature = "server", schema(example = "gpt-5"))]
    pub id: String,
    /// Its name, or its id where it has none.
    #[cfg_attr(feature = "server", schema(example = "gpt-5"))]
    pub name: String,
    /// What it cost on that day, in US dollars.
    pub cost: Amount,
    /// The mean of the week before, over the days on which there were calls; rounded to six decimal places.
    pub usual: Amount,
}

/// Calls without a price, of one provider's model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UnpricedCalls {
    /// The provider.
    #[cfg_attr(feature = "server", schema(example = "openai"))]
    pub provider: String,
    /// The model.
    #[cfg_attr(feature = "server", schema(example = "gpt-9-preview"))]
    pub model: String,
    /// How many calls of the last seven days.
    #[cfg_attr(feature = "server", schema(example = 120))]
    pub calls: i64,
}

/// Something to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlertLink {
    /// What it does, for programs: `block`, `prices`, `open`.
    #[cfg_attr(feature = "server", schema(example = "block"))]
    pub action: String,
    /// The page of the app, without the host.
    #[cfg_attr(feature = "server", schema(example = "/block/project:0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718"))]
    pub path: String,
}

/// Who did something to an alert, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlertMark {
    /// When.
    pub at: DateTime<Utc>,
    /// Who; null for what went away by itself.
    pub by: Option<Named>,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Its id.
    pub id: Uuid,
    /// What it is about.
    pub kind: AlertKind,
    /// How bad it is.
    pub severity: AlertSeverity,
    /// How far it is dealt with.
    pub status: AlertStatus,
    /// One line that says it all, in the caller's language.
    #[cfg_attr(feature = "server", schema(example = "[Marketing] daily limit of $500 exceeded: $742 now (148%)"))]
    pub subject: String,
    /// What else there is to say, in the caller's language.
    pub text: String,
    /// The team it is about, if it is about one.
    pub team: Option<Named>,
    /// The project it is about, if it is about one.
    pub project: Option<Named>,
    /// What a budget's alert is about.
    pub scope: Option<NamedScope>,
    /// The budget, of a budget's alert.
    pub budget: Option<AlertBudget>,
    /// Compared with usual.
    pub compared: Option<Compared>,
    /// The likely cause.
    pub cause: Option<AlertCause>,
    /// The model, of an alert about calls without a price.
    pub unpriced: Option<UnpricedCalls>,
    /// What to do next, the most important first.
    pub links: Vec<AlertLink>,
    /// When it was raised.
    pub raised_at: DateTime<Utc>,
    /// Who is at it.
    pub acknowledged: Option<AlertMark>,
    /// Who ended it.
    pub resolved: Option<AlertMark>,
    /// Why a budget's alert is over by itself; null where somebody ended it.
    pub resolved_because: Option<AlertEnd>,
}

/// `GET /api/alerts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlertsQuery {
    /// How many items, 1 to 200; 50 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(minimum = 1, maximum = 200))]
    pub limit: Option<u16>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only those that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<AlertStatus>,
    /// Only those that bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(inline))]
    pub severity: Option<AlertSeverity>,
    /// Only this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<AlertKind>,
    /// Only those of this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<Uuid>,
    /// Only those of this budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_id: Option<Uuid>,
}

/// What raises an alert besides budgets, and what it does then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlertRule {
    /// What is looked for.
    pub kind: AlertKind,
    /// Whether it is.
    pub enabled: bool,
    /// How somebody is told.
    #[serde(rename = "type")]
    pub action: AlertAction,
}

/// `PUT /api/alerts/rules`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[cfg_attr(feature = "server", schema(example = json!({"kind": "unpriced", "enabled": true, "type": "slack"})))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlertRuleRequest {
    /// What is looked for: `unpriced`. What budgets raise is set by their thresholds.
    pub kind: AlertKind,
    /// Whether it is looked for.
    pub enabled: bool,
    /// How somebody is told; not `block`.
    #[serde(rename = "type")]
    pub action: AlertAction,
}

/// `POST /api/alerts/test`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[cfg_attr(feature = "server", schema(example = json!({"budgetId": "0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718"})))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestAlertRequest {
    /// The budget whose message is sent as if its highest threshold had been crossed now; an example without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_id: Option<Uuid>,
    /// Only to this channel; else to all that the threshold's action names, and to all there are for the example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<Uuid>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TestAlertAnswer {
    /// How many deliveries are on their way: see `GET /api/deliveries`.
    #[cfg_attr(feature = "server", schema(example = 2))]
    pub deliveries: u64,
    /// The message's first line, in the caller's language.
    pub subject: String,
}
