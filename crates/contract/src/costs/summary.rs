//! What the home and project pages show first: periods beside those before them, the trend, and what is worth doing.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Basis, BasisCost, CostState, CostTotal, Freshness, Named, Settlement, is_zero};
use crate::money::Amount;

/// `GET /api/costs/summary`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CostSummaryQuery {
    /// Only this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<Uuid>,
    /// Only this team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<Uuid>,
    /// First day of the trend, inclusive; 30 days back by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// Day after the last of the trend, exclusive; today by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<NaiveDate>,
}

/// A period beside the one before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PeriodCost {
    /// The first day, inclusive.
    pub from: NaiveDate,
    /// The day after the last, exclusive.
    pub to: NaiveDate,
    /// What it cost.
    pub cost: Amount,
    /// What the period before cost; null unless both periods are complete.
    pub previous_cost: Option<Amount>,
    /// The change in percent, one fraction digit; null without a base to compare with.
    #[cfg_attr(feature = "server", schema(example = "12.4"))]
    pub change_percent: Option<String>,
    /// What moved it most.
    pub driver: Option<CostDriver>,
    /// Whether it may still change.
    pub settlement: Settlement,
    /// Whether anything was collected for it. `false` means unknown, not zero.
    pub has_data: bool,
    /// Whether every account was collected for every day of it. If not, `cost` is what is known, and there may be more.
    #[serde(default)]
    pub complete: bool,
    /// The ledger it comes from.
    #[serde(default)]
    pub basis: Basis,
    /// What is known of it.
    #[serde(default)]
    pub state: CostState,
    /// Its parts, where it comes from several ledgers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_basis: Vec<BasisCost>,
    /// Calls in it that have no price: it cost at least `cost`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced: i64,
}

/// The project that moved a period's cost most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CostDriver {
    /// The project; null for what is unattributed.
    pub project: Option<Named>,
    /// How much more (or less) it cost than in the period before.
    pub delta: Amount,
    /// The model whose cost moved most within it.
    pub model: Option<String>,
}

/// One point of a trend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TrendPoint {
    /// The UTC day.
    pub day: NaiveDate,
    /// What it cost; null when nothing is known of that day.
    pub cost: Option<Amount>,
    /// Whether it may still change.
    pub settlement: Settlement,
    /// The ledger it comes from.
    #[serde(default)]
    pub basis: Basis,
    /// Calls in it that have no price: it cost at least `cost`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced: i64,
}

/// A project among the dearest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProjectCost {
    /// The project; null for what is unattributed.
    pub project: Option<Named>,
    /// The team that owns it.
    pub team: Option<Named>,
    /// What it cost over the trend's period.
    pub cost: Amount,
    /// What it cost over the same number of days before.
    pub previous_cost: Option<Amount>,
    /// The change in percent, one fraction digit.
    pub change_percent: Option<String>,
    /// What it cost on each day of the trend's period, in order; null where that is not known.
    pub trend: Vec<Option<Amount>>,
    /// The ledger `cost` comes from.
    #[serde(default)]
    pub basis: Basis,
    /// Calls in it that have no price: it cost at least `cost`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced: i64,
}

/// Something worth doing now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NextAction {
    /// What: `review_spike`, `attribute_costs`, `fix_collection`, `register_admin_key`, `register_project_id`.
    #[cfg_attr(feature = "server", schema(example = "review_spike"))]
    pub code: String,
    /// The money at stake, where there is any.
    pub amount: Option<Amount>,
    /// The change in percent, for a spike.
    pub change_percent: Option<String>,
    /// The project it is about.
    pub project: Option<Named>,
    /// The team it is about.
    pub team: Option<Named>,
}

/// The answer of `GET /api/costs/summary`: what the home and project pages show first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CostSummary {
    /// The currency of every figure here; costs in other currencies are in `otherCurrencies`.
    #[cfg_attr(feature = "server", schema(example = "USD"))]
    pub currency: String,
    /// Sums of the trend's period in currencies other than `currency`.
    pub other_currencies: Vec<CostTotal>,
    /// The ledger the figures come from.
    pub basis: Basis,
    /// The zone in which billed days run: `UTC`.
    pub day_zone: String,
    /// The UTC day that has begun: no bill has it yet.
    #[serde(default)]
    pub today: Option<PeriodCost>,
    /// The last whole UTC day.
    pub yesterday: PeriodCost,
    /// The seven days, Monday to Sunday, before this week.
    pub last_week: PeriodCost,
    /// The calendar month before this one.
    pub last_month: PeriodCost,
    /// From the first of this month to yesterday, beside the same days of last month.
    pub month_to_date: PeriodCost,
    /// Day by day.
    pub trend: Vec<TrendPoint>,
    /// The five dearest projects over the trend's period.
    pub top_projects: Vec<ProjectCost>,
    /// What belongs to no project over the trend's period.
    pub unattributed: Amount,
    /// The sum over the trend's period.
    pub total: Amount,
    /// At most three things worth doing, the weightiest first.
    pub next_actions: Vec<NextAction>,
    /// How fresh it is.
    pub freshness: Freshness,
}
