//! Pricing past events anew, and what has no price yet.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Amount;
use crate::costs::Named;

/// `POST /api/prices/reprice`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[cfg_attr(feature = "server", schema(example = json!({
    "from": "2026-03-01T00:00:00Z", "to": "2026-03-20T00:00:00Z", "provider": "openai", "apply": false
})))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RepriceRequest {
    /// Events since this time, …
    pub from: DateTime<Utc>,
    /// … and before this one; at most 400 days after it.
    pub to: DateTime<Utc>,
    /// Only of this provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 64), custom(function = "crate::teams::not_blank")))]
    pub provider: Option<String>,
    /// Only of this model, as the caller or as the book names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 200), custom(function = "crate::teams::not_blank")))]
    pub model: Option<String>,
    /// Whether events are priced anew; else only the difference is worked out.
    #[serde(default)]
    pub apply: bool,
}

/// Where pricing events anew stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RepriceState {
    /// It has begun, or will in a moment.
    Running,
    /// It went through all of the events.
    Done,
    /// It gave up half-way. What it has done so far is whole; asked for again, it begins anew.
    Failed,
}

/// Pricing the events of some time anew, or working out what that would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Reprice {
    /// Its id.
    pub id: Uuid,
    /// Events since this time, …
    pub from: DateTime<Utc>,
    /// … and before this one.
    pub to: DateTime<Utc>,
    /// Only of this provider.
    pub provider: Option<String>,
    /// Only of this model.
    pub model: Option<String>,
    /// Whether the events are changed.
    pub apply: bool,
    /// Where it stands.
    pub state: RepriceState,
    /// What it came to so far.
    pub totals: RepriceSums,
    /// Always `USD`.
    pub currency: String,
    /// Who asked for it.
    #[cfg_attr(feature = "server", schema(example = "finops@example.com"))]
    pub requested_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was done.
    pub finished_at: Option<DateTime<Utc>>,
}

/// What pricing events anew comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RepriceSums {
    /// Events that were looked at.
    pub events: i64,
    /// Events whose cost, or how it is found, changes.
    pub changed: i64,
    /// Their cost before.
    pub cost_before: Amount,
    /// Their cost after.
    pub cost_after: Amount,
    /// Events without a price before.
    pub unpriced_before: i64,
    /// Events without a price after.
    pub unpriced_after: i64,
}

/// The difference of one model in one project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RepriceDifference {
    /// The provider.
    pub provider: String,
    /// The model, as the caller names it.
    pub model: String,
    /// The project; null for none.
    pub project: Option<Named>,
    /// What it comes to.
    pub sums: RepriceSums,
}

/// One pricing anew, with the difference by model and project: the largest first, at most 1,000.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RepriceReport {
    /// The whole.
    pub reprice: Reprice,
    /// By model and project.
    pub differences: Vec<RepriceDifference>,
}

/// A model with events that have no price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UnpricedModel {
    /// The provider.
    pub provider: String,
    /// The model, as the caller names it.
    pub model: String,
    /// Events without a price.
    pub events: i64,
    /// The hour of the first of them.
    pub first_seen: DateTime<Utc>,
    /// The hour of the last of them.
    pub last_seen: DateTime<Utc>,
    /// Why a call of it has no price even now: `unknown_model` and the like. Null where the book has one by now, and
    /// pricing anew may help, or where single events lack what a price is of.
    #[cfg_attr(feature = "server", schema(example = "unknown_model"))]
    pub reason: Option<String>,
}

/// `GET /api/prices/unpriced`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnpricedQuery {
    /// Since when; 30 days ago by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// Until when; now by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
}
