//! The collector: what it did for a team, and the daily batch.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::money::Amount;

/// Where a team's collection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CollectionStatus {
    /// The team has no active admin key.
    NotConfigured,
    /// It has never run.
    NeverRun,
    /// Waits for a worker, or for its next attempt.
    Queued,
    /// A worker is at it.
    Running,
    /// The last run brought everything in.
    Healthy,
    /// The last run failed; what was collected before is kept.
    Failed,
}

/// Why a collection failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CollectionError {
    /// Stable: `unauthorized`, `rate_limited`, `unavailable`, `malformed`, `admin_key_missing`, `decryption_failed`, …
    #[cfg_attr(feature = "server", schema(example = "unauthorized"))]
    pub code: String,
    /// For people, in the language of `Accept-Language`, with what to check.
    pub message: String,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// A Project ID in the bill that no project of ours has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UnattributedProject {
    /// The Project ID, null for cost that the provider assigns to no project.
    pub openai_project_id: Option<String>,
    /// What the bill holds for it over the last 30 days.
    pub cost: Amount,
    /// ISO 4217.
    pub currency: String,
    /// The last UTC day on which it cost something.
    pub last_day: NaiveDate,
}

/// `GET /api/teams/{teamId}/collection`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TeamCollection {
    /// The team.
    pub team_id: Uuid,
    /// Where it stands.
    pub status: CollectionStatus,
    /// When the last run began.
    pub last_run_at: Option<DateTime<Utc>>,
    /// When the last run succeeded.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Why the last run failed; null after a success.
    pub last_error: Option<CollectionError>,
    /// When the next daily run is due.
    pub next_run_at: DateTime<Utc>,
    /// UTC days that the current or last run covers.
    pub days_total: i32,
    /// UTC days of it that are stored.
    pub days_done: i32,
    /// Every UTC day before this one is settled: not expected to change any more.
    pub settled_before: Option<NaiveDate>,
    /// What the bill holds for Project IDs that no project has.
    pub unattributed: Vec<UnattributedProject>,
    /// How the provider's usage is polled; null while the account behind the key is not known.
    #[serde(default)]
    pub usage: Option<UsagePolling>,
}

/// Where the poll of an account's usage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UsagePollingStatus {
    /// It has never run.
    NeverRun,
    /// A worker is at it.
    Running,
    /// The last run brought everything in.
    Healthy,
    /// The last run failed; what was stored before is kept.
    Failed,
}

/// How the provider's usage is brought in, by the minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UsagePolling {
    /// Where it stands.
    pub status: UsagePollingStatus,
    /// When the last run began.
    pub last_run_at: Option<DateTime<Utc>>,
    /// When the last run succeeded.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Why the last run failed; null after a success.
    pub last_error: Option<CollectionError>,
    /// Every minute before this one is stored.
    pub polled_through: Option<DateTime<Utc>>,
}

/// The query of the daily batch.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DailyBatchQuery {
    /// The UTC day to collect up to and including; yesterday by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<NaiveDate>,
}

/// The answer of `GET|POST /api/cron/daily-batch`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DailyBatchReport {
    /// Whether every team's collection succeeded.
    pub success: bool,
    /// Cost lines seen for the first time.
    pub records_created: i64,
    /// Cost lines whose amount the provider restated.
    pub records_updated: i64,
    /// The UTC day it collected up to and including.
    pub date: NaiveDate,
    /// Milliseconds.
    pub duration: i64,
    /// `costs_v1`.
    pub api_version: String,
    /// What happened for each team with an active admin key.
    pub teams: Vec<TeamBatchReport>,
}

/// One team's part of the daily batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TeamBatchReport {
    /// The team.
    pub team_id: Uuid,
    /// Its name.
    pub team_name: String,
    /// Whether its collection succeeded.
    pub success: bool,
    /// Cost lines seen for the first time.
    pub records_created: i64,
    /// Cost lines whose amount the provider restated.
    pub records_updated: i64,
    /// Cost lines of Project IDs that no project has; kept, and shown as unattributed.
    pub records_unattributed: i64,
    /// Why it failed.
    pub error: Option<CollectionError>,
    /// What did not fail, but deserves a look.
    pub notices: Vec<CollectionNotice>,
}

/// Something about a collection that is no failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CollectionNotice {
    /// Stable: `no_project_ids`, `unknown_project_ids`, `no_usage_data`.
    #[cfg_attr(feature = "server", schema(example = "unknown_project_ids"))]
    pub code: String,
    /// For people, in the language of `Accept-Language`.
    pub message: String,
}

/// The query of `POST /api/costs/import`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CostImportQuery {
    /// The team whose costs they were; what belongs to no project of ours is shown with it.
    pub team_id: Uuid,
}

/// `POST /api/costs/import`: what became of a file of legacy rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CostImportReport {
    /// Rows stored for the first time.
    pub records_created: i64,
    /// Rows that replaced one with the same key.
    pub records_updated: i64,
    /// Rows that were already stored the same.
    pub records_unchanged: i64,
    /// `usage_v1`.
    pub api_version: String,
}
