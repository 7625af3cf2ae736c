//! Blocks: emergency stops of an Admin key, a project or an API key. Each is made with a reason, is on record, and can be
//! lifted, which puts everything back as it was.

mod preview;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::audit::Actor;
use crate::costs::Named;

pub use preview::{
    BlockPreview, BlockedApiKey, BlockedProject, BlockedService, BlockedUsage, NotStopped, PreviewBlockRequest,
    ProviderPreview,
};

names! {
    /// What is stopped.
    BlockTargetType {
        /// A team's Admin key, and with it all projects of the team.
        AdminKey = "admin_key",
        /// One project.
        Project = "project",
        /// A key of our own API.
        ApiKey = "api_key",
    }
    /// How far.
    BlockMode {
        /// Nothing passes.
        Stop = "stop",
        /// So many calls a minute pass the guard. Nothing else changes.
        Throttle = "throttle",
    }
    /// What waits for a second person.
    BlockQuestion {
        /// Whether it is to be in force.
        Block = "block",
        /// Whether it is to be lifted.
        Lift = "lift",
    }
    /// How far along it is.
    BlockStatus {
        /// It waits for a second person, and is not in force.
        Requested = "requested",
        /// It is in force.
        Active = "active",
        /// It was in force, and is not any more.
        Lifted = "lifted",
        /// It never was in force.
        Declined = "declined",
    }
    /// Who stopped it.
    BlockCause {
        /// A person.
        Manual = "manual",
        /// A budget's threshold with the action `block`. Only an administrator lifts it.
        Budget = "budget",
    }
    /// How a block ended.
    BlockEnding {
        /// Somebody lifted or declined it.
        Lifted = "lifted",
        /// What it stopped was deleted or revoked.
        Deleted = "deleted",
        /// A stop took the place of a throttle, or a budget's stop that of a request.
        Replaced = "replaced",
    }
    /// What lifting put back.
    BlockRestoration {
        /// The project has its Project ID again; what came in meanwhile becomes its own.
        ProjectIdReturned = "project_id_returned",
        /// Another project has the Project ID by now, and keeps it.
        ProjectIdTaken = "project_id_taken",
        /// The Admin key is used again.
        KeyActivated = "key_activated",
        /// The team has another active Admin key by now, which stays the active one.
        KeyReplaced = "key_replaced",
        /// There was nothing to put back.
        Nothing = "nothing",
    }
    /// How a project is stopped at the provider.
    ProviderStopMeans {
        /// The project's hard spend limit is one US cent a month.
        SpendLimit = "spend_limit",
        /// Every rate limit of the project is the least that the provider takes.
        RateLimits = "rate_limits",
    }
    /// How far a stop at the provider is.
    ProviderStopState {
        /// It is being stopped.
        Clamping = "clamping",
        /// It is stopped.
        Clamped = "clamped",
        /// Its limits are being put back.
        Restoring = "restoring",
        /// Its limits are as they were.
        Restored = "restored",
        /// The last attempt failed, see `errorCode`. It is tried again until it succeeds.
        Failed = "failed",
    }
    /// What a block does not stop.
    StillRuns {
        /// Calls that are made with the provider's own key go on, because the provider is not told.
        ProviderKeys = "provider_keys",
        /// The least spend limit that the provider takes is a US cent a month.
        LeastLimit = "least_limit",
        /// The provider does not know the project: no Project ID is registered.
        NoProjectId = "no_project_id",
        /// Programs that do not ask the guard before a call.
        Unguarded = "unguarded",
        /// Calls within the limit.
        WithinLimit = "within_limit",
        /// What programs report is still stored: what happened, happened.
        Reports = "reports",
        /// Programs with other keys of the same projects.
        OtherApiKeys = "other_api_keys",
        /// Other providers than OpenAI.
        OtherProviders = "other_providers",
    }
}

/// What to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlockTarget {
    /// What kind of thing.
    #[serde(rename = "type")]
    pub kind: BlockTargetType,
    /// Its id.
    pub id: Uuid,
}

/// What is stopped, with the name that people know it by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BlockedTarget {
    /// What kind of thing.
    #[serde(rename = "type")]
    pub kind: BlockTargetType,
    /// Its id.
    pub id: Uuid,
    /// A project's or an API key's name; an Admin key with all but its ends hidden.
    #[cfg_attr(feature = "server", schema(example = "chatbot-experiment"))]
    pub name: String,
    /// Whether it was deleted or revoked.
    #[serde(default)]
    pub deleted: bool,
}

/// `POST /api/blocks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateBlockRequest {
    /// What to stop.
    pub target: BlockTarget,
    /// Why, for whoever asks later: 1 to 1,000 characters.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 1000), custom(function = "is_said")))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 1000, example = "An endless loop, it seems"))]
    pub reason: String,
    /// How far.
    pub mode: BlockMode,
    /// Calls a minute that pass: of a throttle, and only of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(range(min = 1, max = 1_000_000)))]
    #[cfg_attr(feature = "server", schema(minimum = 1, maximum = 1_000_000, example = json!(null)))]
    pub limit_per_minute: Option<u32>,
    /// The alert that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(example = json!(null)))]
    pub alert_id: Option<Uuid>,
    /// Whether to stop it at the provider as well; what the team allows by default. A throttle, an API key, and the
    /// projects of a team that does not allow it cannot be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(example = json!(null)))]
    pub at_provider: Option<bool>,
}

/// `POST /api/blocks/{blockId}/approve`.
///
/// It names the question it answers: what was asked may have been answered, and another asked, since somebody last looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApproveBlockRequest {
    /// What is approved.
    pub question: BlockQuestion,
}

/// `POST /api/blocks/{blockId}/decline`. It names the question it answers, as an approval does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeclineBlockRequest {
    /// What is declined.
    pub question: BlockQuestion,
    /// Why: 1 to 1,000 characters.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 1000), custom(function = "is_said")))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 1000, example = "It is not needed any more"))]
    pub reason: String,
}

/// `POST /api/blocks/{blockId}/lift`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LiftBlockRequest {
    /// Why: 1 to 1,000 characters.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 1000), custom(function = "is_said")))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 1000, example = "The loop is mended"))]
    pub reason: String,
}

/// Refuses a text that is only white space.
#[cfg(feature = "server")]
fn is_said(text: &str) -> Result<(), validator::ValidationError> {
    if text.trim().is_empty() { Err(validator::ValidationError::new("blank")) } else { Ok(()) }
}

/// How one Project ID stands at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProviderStop {
    /// The Project ID.
    #[cfg_attr(feature = "server", schema(example = "proj_abc123"))]
    pub openai_project_id: String,
    /// How far it is.
    pub state: ProviderStopState,
    /// Whether it is to be stopped. While another block in force holds the same Project ID, it stays so after the lift.
    pub wanted: bool,
    /// How it is stopped, once that is known.
    pub means: Option<ProviderStopMeans>,
    /// Why the last attempt failed: `unauthorized`, `unavailable`, `rate_limited`, `rejected`, `project_not_found`,
    /// `admin_key_missing`, `encryption_unavailable`, …
    #[cfg_attr(feature = "server", schema(example = json!(null)))]
    pub error_code: Option<String>,
    /// The same for people, in the caller's language.
    #[cfg_attr(feature = "server", schema(example = json!(null)))]
    pub error: Option<String>,
    /// Attempts in a row that failed.
    #[cfg_attr(feature = "server", schema(example = 0))]
    pub failures: i32,
    /// Limits that somebody changed at the provider while it was stopped: they were left as they are.
    #[cfg_attr(feature = "server", schema(example = 0))]
    pub left_alone: i32,
    /// Since when it is like this.
    pub changed_at: DateTime<Utc>,
}

/// A lift that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LiftRequest {
    /// Who asks for it.
    pub by: Option<Named>,
    /// When they asked.
    pub at: DateTime<Utc>,
    /// Why.
    #[cfg_attr(feature = "server", schema(example = "The loop is mended"))]
    pub reason: String,
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// Its id.
    pub id: Uuid,
    /// What is stopped.
    pub target: BlockedTarget,
    /// Its team now, if it has one.
    pub team: Option<Named>,
    /// How far.
    pub mode: BlockMode,
    /// Calls a minute that pass a throttle.
    #[cfg_attr(feature = "server", schema(example = json!(null)))]
    pub limit_per_minute: Option<u32>,
    /// How far along it is.
    pub status: BlockStatus,
    /// Who stopped it.
    pub cause: BlockCause,
    /// Why.
    #[cfg_attr(feature = "server", schema(example = "An endless loop, it seems"))]
    pub reason: String,
    /// The alert that led to it.
    pub alert_id: Option<Uuid>,
    /// The budget that stopped it.
    pub budget_id: Option<Uuid>,
    /// Who asked for it; null for a budget.
    pub requested_by: Option<Named>,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// The second person, who approved or declined it.
    pub decided_by: Option<Named>,
    /// Since when it is, or was, in force.
    pub activated_at: Option<DateTime<Utc>>,
    /// A lift that waits for a second person. The block is in force until then.
    pub lift_request: Option<LiftRequest>,
    /// Who lifted it.
    pub lifted_by: Option<Named>,
    /// When.
    pub lifted_at: Option<DateTime<Utc>>,
    /// Why.
    #[cfg_attr(feature = "server", schema(example = json!(null)))]
    pub lift_reason: Option<String>,
    /// How it ended, once it has.
    pub ended: Option<BlockEnding>,
    /// What lifting put back, once it has.
    pub restoration: Option<BlockRestoration>,
    /// The Project ID that a project's block took out of collection.
    #[cfg_attr(feature = "server", schema(example = "proj_abc123"))]
    pub openai_project_id: Option<String>,
    /// Whether it is stopped at the provider as well.
    pub at_provider: bool,
    /// How that stands, by Project ID.
    pub provider: Vec<ProviderStop>,
    /// Whether the caller may approve or decline what waits: the block while it is `requested`, else the `liftRequest`.
    pub may_approve: bool,
    /// Whether the caller may lift it, or ask for that.
    pub may_lift: bool,
}

/// What happened to a block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BlockEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: Actor,
    /// What: `block.create`, `block.approve`, `block.decline`, `block.request_lift`, `block.decline_lift`, `block.lift`,
    /// `block.provider_clamped`, `block.provider_restored`, `block.provider_failed`.
    #[cfg_attr(feature = "server", schema(example = "block.create"))]
    pub action: String,
    /// Why, where somebody said.
    #[cfg_attr(feature = "server", schema(example = "An endless loop, it seems"))]
    pub reason: Option<String>,
    /// What was before, as in the audit log.
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub before: Option<serde_json::Value>,
    /// What is since.
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub after: Option<serde_json::Value>,
}

/// `GET /api/blocks/{blockId}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BlockDetail {
    /// The block as it is listed.
    #[serde(flatten)]
    pub block: Block,
    /// What happened to it, the newest first; at most 200.
    pub history: Vec<BlockEntry>,
}

/// `GET /api/blocks`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlocksQuery {
    /// How many items, 1 to 200; 50 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(minimum = 1, maximum = 200))]
    pub limit: Option<u16>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only those that far along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<BlockStatus>,
    /// Only of such things.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_type: Option<BlockTargetType>,
    /// Only of this thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<Uuid>,
    /// Only those that concern this project: its own, its team's, and its API keys'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<Uuid>,
    /// Only of this team's things.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<Uuid>,
}
