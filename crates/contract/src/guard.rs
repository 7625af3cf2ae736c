//! The guard: whether a call may be made, asked before it is.
//!
//! Costs here are US dollars where nothing else is said, as prices are; budgets are told in their own currency, by the
//! exchange rate that they keep.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::budgets::{BudgetKind, BudgetPeriod, Enforcement, ScopeType};
use crate::errors::Problem;
use crate::money::{Amount, Percent};
use crate::projects::Environment;

/// The longest name of a service, a learner, a model or a provider, in characters, as events have them.
#[cfg(feature = "server")]
const MAX_NAME: u64 = 256;

names! {
    /// What a block stops.
    GuardBlockTarget {
        /// A team's Admin key: all of the team's projects.
        AdminKey = "admin_key",
        /// A project.
        Project = "project",
        /// An API key.
        ApiKey = "api_key",
    }
    /// Who stopped something.
    GuardBlockCause {
        /// A person.
        Manual = "manual",
        /// A hard budget.
        Budget = "budget",
    }
}

/// `POST /api/guard/check`: a call that is about to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[cfg_attr(feature = "server", schema(example = json!({
    "projectId": "0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718", "service": "chatbot", "model": "gpt-4o", "provider": "openai",
    "learnerId": "learner-42", "estimatedCost": "0.012"
})))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuardCheckRequest {
    /// The project, by our id or its Project ID at OpenAI, as events name it. May be left out with an API key that is bound
    /// to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(max = MAX_NAME)))]
    #[cfg_attr(feature = "server", schema(max_length = 256))]
    pub project_id: Option<String>,
    /// The service of the organization's own system that makes the call, as its event will name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = MAX_NAME)))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 256))]
    pub service: Option<String>,
    /// The model. No budget or block is about models: it decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = MAX_NAME)))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 256))]
    pub model: Option<String>,
    /// The vendor of the model. It decides nothing either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = MAX_NAME)))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 256))]
    pub provider: Option<String>,
    /// The environment that the event will name. What a project's calls cost counts for the project's own environment
    /// whatever they name, so it decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// The learner for whom the call is made, as its event will name them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = MAX_NAME)))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 256))]
    pub learner_id: Option<String>,
    /// What the call will cost at most, in US dollars: from 0, below 10¹², with at most twelve decimal places. Without it a
    /// hard budget refuses once its amount is spent; with it, as soon as the call does not fit into what is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_cost: Option<Amount>,
    /// Whether `estimatedCost` is to be held until the call has been reported: then no other caller can spend it, on no
    /// replica. False by default.
    #[serde(default)]
    pub reserve: bool,
    /// How long it is held at most, in minutes, 1 to 60; 10 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(range(min = 1, max = 60)))]
    #[cfg_attr(feature = "server", schema(minimum = 1, maximum = 60))]
    pub reserve_minutes: Option<u8>,
}

/// How a budget or cost threshold that covers the call stands in the period that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GuardBudget {
    /// Its id.
    pub id: Uuid,
    /// Whether it is a budget, or a project's cost threshold.
    pub kind: BudgetKind,
    /// Its name.
    #[cfg_attr(feature = "server", schema(example = "Staging"))]
    pub name: String,
    /// What kind of thing it is about.
    pub scope_type: ScopeType,
    /// Whether it refuses calls (`hard`), or only tells somebody.
    pub enforcement: Enforcement,
    /// How long its amount lasts.
    pub period: BudgetPeriod,
    /// When the period that runs is over, and all of the amount is there again.
    pub period_ends_at: DateTime<Utc>,
    /// How much may be spent in a period.
    pub amount: Amount,
    /// What was spent in the period that runs: at least this, where something is unknown. Null where nothing is known.
    pub spent: Option<Amount>,
    /// What is held for calls under way.
    pub reserved: Amount,
    /// The amount without what is spent and held; below zero once that is more. Null where nothing is known to be spent.
    pub remaining: Option<Amount>,
    /// What is spent, in percent of the amount, never more than it is. Null where nothing is known.
    pub percent: Option<Percent>,
    /// Of all these amounts.
    #[cfg_attr(feature = "server", schema(example = "USD"))]
    pub currency: String,
}

/// The call may be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GuardAnswer {
    /// The hard budgets and the cost thresholds that cover the call and that the caller may see, the tightest first: the
    /// one of which least is left.
    pub budgets: Vec<GuardBudget>,
    /// The soft ones that are used up: nobody is stopped by them.
    pub warnings: Vec<GuardBudget>,
    /// When the figures and blocks were read. Usually a few tenths of a second ago; more while the database is away.
    pub as_of: DateTime<Utc>,
    /// Whether nothing was compared with anything: the database has been away for longer than figures are believed, and the
    /// operator chose `GUARD_ON_DATABASE_LOSS=open`.
    #[cfg_attr(feature = "server", schema(example = false))]
    pub degraded: bool,
    /// What is held, if that was asked for. Null otherwise, and while `degraded`.
    pub reservation_id: Option<Uuid>,
    /// When it is held no longer, whatever happens.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What stops a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GuardBlock {
    /// The block's id.
    pub id: Uuid,
    /// What it stops.
    pub target_type: GuardBlockTarget,
    /// Who set it.
    pub cause: GuardBlockCause,
    /// Since when.
    pub since: DateTime<Utc>,
    /// How many calls a minute pass; null where none does.
    #[cfg_attr(feature = "server", schema(example = 60))]
    pub limit_per_minute: Option<u32>,
}

/// What a refusal tells beside what every problem does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GuardRefusal {
    /// With `budget_exceeded`: the budget into which the call does not fit. Left out where the caller may not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<GuardBudget>,
    /// With `budget_exceeded`: when that budget's period is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_ends_at: Option<DateTime<Utc>>,
    /// With `blocked` and `throttled`: the block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<GuardBlock>,
    /// When the figures and blocks were read; left out where nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<DateTime<Utc>>,
}

/// The body of a refusal: a problem with the code `budget_exceeded`, `blocked`, `throttled` or `guard_unavailable`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct GuardProblem {
    /// What every problem tells.
    #[serde(flatten)]
    pub problem: Problem,
    /// What this one tells.
    #[serde(flatten)]
    pub refusal: GuardRefusal,
}

/// `POST /api/guard/reservations/{reservationId}/settle`: the call was made, and its event reported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[cfg_attr(feature = "server", schema(example = json!({"cost": "0.0093"})))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettleReservationRequest {
    /// What it cost, in US dollars, if that is known; the estimate by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Amount>,
}
