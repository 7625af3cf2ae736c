//! What a block would do, before anybody makes it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{BlockMode, BlockTarget, BlockedTarget, ProviderStopMeans, StillRuns};
use crate::costs::Named;
use crate::money::Amount;
use crate::projects::Environment;

/// `POST /api/blocks/preview`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreviewBlockRequest {
    /// What would be stopped.
    pub target: BlockTarget,
    /// How far; `stop` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<BlockMode>,
    /// Whether the provider would be told; what the team allows by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_provider: Option<bool>,
}

/// Calls and what they cost, as far as they are metered: the provider's own measurements where there are any, else what
/// programs reported. Bills know no hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BlockedUsage {
    /// Calls.
    #[cfg_attr(feature = "server", schema(example = 45_000))]
    pub calls: i64,
    /// What they cost, in US dollars: at least this, where some have no price.
    pub cost: Amount,
    /// Always `USD`.
    #[cfg_attr(feature = "server", schema(example = "USD"))]
    pub currency: String,
    /// Calls among them that have no price.
    #[cfg_attr(feature = "server", schema(example = 0))]
    pub unpriced: i64,
}

/// A service that would get no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BlockedService {
    /// Its name.
    #[cfg_attr(feature = "server", schema(example = "tutor-svc"))]
    pub name: String,
    /// Calls that it reported in the last 30 days.
    #[cfg_attr(feature = "server", schema(example = 45_000))]
    pub calls: i64,
    /// The hour of its last call.
    pub last_call_at: DateTime<Utc>,
}

/// A project that would be stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BlockedProject {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    #[cfg_attr(feature = "server", schema(example = "chatbot-experiment"))]
    pub name: String,
    /// Where it runs.
    pub environment: Environment,
    /// Its Project ID at OpenAI, if one is registered.
    #[cfg_attr(feature = "server", schema(example = "proj_abc123"))]
    pub openai_project_id: Option<String>,
    /// The last 24 hours.
    pub day: BlockedUsage,
    /// The last seven days.
    pub week: BlockedUsage,
    /// The services that called in the last 30 days, the busiest first; at most 20.
    pub services: Vec<BlockedService>,
}

/// An API key that would be refused, or whose program would be told `blocked` by the guard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BlockedApiKey {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    #[cfg_attr(feature = "server", schema(example = "tutor-svc SDK"))]
    pub name: String,
    /// Whether every request with it is refused; else only the guard refuses, and its reports are still stored.
    pub refused: bool,
    /// Calls that were reported with it for these projects in the last 30 days.
    #[cfg_attr(feature = "server", schema(example = 45_000))]
    pub calls: i64,
    /// When it was last used.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What would happen at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProviderPreview {
    /// Whether the team allows it (`allowProviderStops`).
    pub allowed: bool,
    /// Whether the provider would be told.
    pub will_clamp: bool,
    /// How, in this order: the second where the account does not have the first. Empty when it would not be told.
    pub means: Vec<ProviderStopMeans>,
    /// The Project IDs that would be stopped there.
    #[cfg_attr(feature = "server", schema(example = json!(["proj_abc123"])))]
    pub openai_project_ids: Vec<String>,
}

/// What goes on, said to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NotStopped {
    /// What, for programs.
    pub code: StillRuns,
    /// The same for people, in the caller's language.
    #[cfg_attr(feature = "server", schema(example = "Calls with the provider's own keys go on."))]
    pub text: String,
}

/// What a block would do. Nothing is changed by asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BlockPreview {
    /// What would be stopped.
    pub target: BlockedTarget,
    /// Its team, if it has one.
    pub team: Option<Named>,
    /// How far.
    pub mode: BlockMode,
    /// The block that is in the way, in force or waiting for a second person: this one would be answered `already_blocked`. A
    /// throttle is not in the way of a stop.
    pub block_id: Option<Uuid>,
    /// The projects that would get no answer, the dearest of the week first.
    pub projects: Vec<BlockedProject>,
    /// All of them in the last 24 hours; of an API key what was reported with it.
    pub day: BlockedUsage,
    /// The same in the last seven days.
    pub week: BlockedUsage,
    /// API keys that it concerns, the busiest first; at most 50.
    pub api_keys: Vec<BlockedApiKey>,
    /// What would happen at the provider.
    pub provider: ProviderPreview,
    /// Whom it concerns: the people of the team, and who runs the organization.
    pub people: Vec<Named>,
    /// What is not stopped.
    pub not_stopped: Vec<NotStopped>,
    /// Whether a second person must approve before it is in force, and before it is lifted (`twoPersonBlocks`).
    pub needs_approval: bool,
    /// Whether the caller may make it.
    pub may_block: bool,
    /// Who may lift it: those who run the organization; of an API key also whoever blocked their own.
    pub lifted_by: Vec<Named>,
}
