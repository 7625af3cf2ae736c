//! AI calls as callers report them, and as they are stored.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::costs::{CostState, Named};
use crate::money::Amount;
use crate::projects::Environment;
use crate::units::UnitKind;

/// The most events a batch may have.
pub const MAX_BATCH: usize = 1_000;

/// One AI call, as `POST /api/usage/track` takes it.
///
/// This is the form that is documented; the service also reads the snake_case spelling of every field, numbers as
/// strings, a vendor's `usage` object as it is, and keeps fields it does not know in `metadata`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UsageEventRequest {
    /// The caller's id of this call. Sent again it is stored once. Without one, `responseId` is taken; without either
    /// the service makes one, and a repetition cannot be told from another call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The provider's id of its answer, such as `chatcmpl-…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_id: Option<String>,
    /// The project, by our id or by its Project ID at OpenAI. A key that is bound to a project needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// Where it ran; the key's or the project's environment by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// The caller's own service or feature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The AI vendor; worked out from the model where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model, as the caller or the vendor names it.
    pub model: String,
    /// When the call was made; now by default. At most 5 minutes ahead and 30 days back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<DateTime<Utc>>,
    /// All input tokens: cached ones, cache writes and audio included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// All output tokens: reasoning and audio included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
    /// All tokens. Alone it says how many, but not what they cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<u64>,
    /// The input tokens that came from a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    /// The input tokens that were written to a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
    /// The output tokens that the model thought with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// The input tokens that were audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_input_tokens: Option<u64>,
    /// The output tokens that were audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_output_tokens: Option<u64>,
    /// Images made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<u64>,
    /// Seconds of audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_seconds: Option<Amount>,
    /// Characters spoken or read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<u64>,
    /// Searches made for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searches: Option<u64>,
    /// A vendor's `usage` object as it is in the vendor's answer, instead of the counts above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub usage: Option<serde_json::Value>,
    /// What the caller says it cost, in US dollars. Kept beside our own figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Amount>,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_time: Option<u32>,
    /// `success`, `error`, …, or an HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The caller's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The end user or end customer; `endUserId` is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learner_id: Option<String>,
    /// The conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// What kind of task it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_type: Option<String>,
    /// What it was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// How good it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback_score: Option<Amount>,
    /// Who is to bear it: department, team, purpose, client, campaign.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cost_allocation: BTreeMap<String, String>,
    /// Free words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The provider's tier: `standard`, `batch`, `flex`, `priority`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// The provider's region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whatever else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub metadata: Option<serde_json::Value>,
}

/// `POST /api/usage/bulk`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UsageBatchRequest {
    /// At most 1,000.
    pub events: Vec<UsageEventRequest>,
}

/// How an event was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// Stored.
    Accepted,
    /// It was stored before, with the same body.
    Duplicate,
}

/// The answer to one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UsageReceipt {
    /// Its id: the caller's, or the one we made.
    pub event_id: String,
    /// How it was taken.
    pub status: Taken,
    /// What it cost by the price book; null when it has no price there.
    pub cost: Option<Amount>,
    /// `USD`.
    #[cfg_attr(feature = "server", schema(example = "USD"))]
    pub currency: String,
    /// What is known of the cost.
    pub state: CostState,
}

/// An event of a batch that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RejectedEvent {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// Why, as in problems.
    #[cfg_attr(feature = "server", schema(example = "quantity_invalid"))]
    pub code: String,
    /// JSON pointer into the request.
    #[cfg_attr(feature = "server", schema(example = "/events/3/promptTokens"))]
    pub pointer: String,
    /// The same for people.
    pub message: String,
}

/// The answer to a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UsageBatchAnswer {
    /// Events that are stored now.
    pub accepted: usize,
    /// Events that were stored before.
    pub duplicates: usize,
    /// Events that were not taken.
    pub rejected: Vec<RejectedEvent>,
}

/// What was asked and answered in a call, of a project that stores it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UsagePrompt {
    /// The event's id.
    pub event_id: String,
    /// When it came in. It is deleted 30 days later at the latest.
    pub received_at: DateTime<Utc>,
    /// `prompt` as it was told, whatever its shape.
    #[cfg_attr(feature = "server", schema(value_type = Option<serde_json::Value>, example = "Explain photosynthesis."))]
    pub prompt: Option<Box<RawValue>>,
    /// `completion` as it was told.
    #[cfg_attr(feature = "server", schema(value_type = Option<serde_json::Value>, example = "Plants turn light into sugar."))]
    pub completion: Option<Box<RawValue>>,
    /// `messages` as they were told.
    #[cfg_attr(feature = "server", schema(value_type = Option<serde_json::Value>))]
    pub messages: Option<Box<RawValue>>,
}

names! {
    /// How an event came in.
    EventSource {
        /// The API for single events and batches.
        Api = "api",
        /// An OpenTelemetry span.
        Otlp = "otlp",
        /// A CloudEvent.
        Cloudevents = "cloudevents",
        /// An imported file.
        Import = "import",
    }
}

/// A stored event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UsageEvent {
    /// Its id.
    pub event_id: String,
    /// When the call was made.
    pub timestamp: DateTime<Utc>,
    /// When it came in.
    pub received_at: DateTime<Utc>,
    /// How it came in: `api`, `otlp`, `cloudevents`, `import`.
    #[cfg_attr(feature = "server", schema(example = "api"))]
    pub source: String,
    /// The project; null for what belongs to none.
    pub project: Option<Named>,
    /// Where it ran.
    pub environment: Option<Environment>,
    /// The caller's own service.
    pub service: Option<String>,
    /// The AI vendor.
    pub provider: String,
    /// The model as it was told.
    pub model: String,
    /// How much of each kind of unit; the kinds do not overlap.
    #[cfg_attr(feature = "server", schema(value_type = std::collections::BTreeMap<String, Amount>))]
    pub units: BTreeMap<UnitKind, Amount>,
    /// Tokens of which it was not said whether they went in or came out.
    pub unsplit_tokens: Option<u64>,
    /// What it cost by the price book; null when it has no price there.
    pub cost: Option<Amount>,
    /// `USD`.
    pub currency: String,
    /// What is known of the cost.
    pub state: CostState,
    /// How the model's name became an entry of the price book, or why it did not.
    pub resolution: Option<String>,
    /// What the caller says it cost.
    pub reported_cost: Option<Amount>,
    /// How long it took, in milliseconds.
    pub response_time: Option<u32>,
    /// What the caller said of its success.
    pub status: Option<String>,
    /// Whether it failed.
    pub failed: bool,
    /// The caller's user.
    pub user_id: Option<String>,
    /// The end user or end customer.
    pub learner_id: Option<String>,
    /// The conversation.
    pub session_id: Option<String>,
    /// What kind of task it was.
    pub task_type: Option<String>,
    /// What it was for.
    pub intent: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
    /// How good it was.
    pub feedback_score: Option<Amount>,
    /// The API key it came with.
    pub api_key_id: Option<Uuid>,
    /// The provider's tier.
    pub service_tier: Option<String>,
    /// The provider's region.
    pub region: Option<String>,
    /// The address the caller named.
    pub ip: Option<String>,
    /// The user agent the caller named.
    pub user_agent: Option<String>,
    /// Free words.
    pub tags: Vec<String>,
    /// Who is to bear it.
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub cost_allocation: Option<serde_json::Value>,
    /// Whatever else was told.
    #[cfg_attr(feature = "server", schema(value_type = Option<Object>))]
    pub metadata: Option<serde_json::Value>,
}

/// `GET /api/usage-events`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UsageEventsQuery {
    /// The first moment, inclusive; a day back by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// The moment after the last, exclusive; now by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
    /// Only this project; `none` for what belongs to no project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// Only this environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// Only this vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Only this model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Only this service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Only this learner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learner_id: Option<String>,
    /// Only this user of the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Only this conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Only this kind of task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_type: Option<String>,
    /// Only this API key of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_id: Option<Uuid>,
    /// Only with this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only `estimated`, `unpriced` or `free` ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<CostState>,
    /// Only failed ones, or only others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<bool>,
    /// Only those that came in this way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(inline))]
    pub source: Option<EventSource>,
    /// How many, 1 to 200; 50 by default. The latest come first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(minimum = 1, maximum = 200))]
    pub limit: Option<u16>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
