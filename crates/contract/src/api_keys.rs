//! Keys of our own API, for SDKs and clients.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::projects::Environment;

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Reporting usage.
    Ingest,
    /// Reading costs, projects, teams, usage and prices.
    Read,
    /// Asking whether a call may be made.
    Guard,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Ingest, Self::Read, Self::Guard];

    /// The stable name, as in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Guard => "guard",
        }
    }

    /// The scope with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// Whether a key opens anything now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ApiKeyState {
    /// It works.
    Active,
    /// Its time is over.
    Expired,
    /// Its project was deleted, or whoever made it is gone or may not see that much any more.
    Stopped,
    /// It was stopped in an emergency, until somebody lifts that.
    Blocked,
}

/// Whoever made a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyMaker {
    /// Their account.
    pub id: Uuid,
    /// Their name.
    pub name: String,
}

/// A key. Its text never comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// Its id. Rotating keeps it.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// The key with all but its ends hidden.
    #[cfg_attr(feature = "server", schema(example = "fin_…a1B2"))]
    pub masked: String,
    /// Its last four characters.
    #[cfg_attr(feature = "server", schema(example = "a1B2"))]
    pub last4: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// The only project that it sees; everything if there is none.
    pub project_id: Option<Uuid>,
    /// That project's name.
    #[cfg_attr(feature = "server", schema(example = "chatbot-experiment"))]
    pub project_name: Option<String>,
    /// Where the usage that it reports comes from; its project's environment if there is none.
    pub environment: Option<Environment>,
    /// Requests it may make in a minute; unlimited if there is none.
    #[cfg_attr(feature = "server", schema(example = 1000))]
    pub quota_per_minute: Option<u32>,
    /// Whether it opens anything now.
    pub state: ApiKeyState,
    /// Who made it. It can never do more than they can.
    pub created_by: ApiKeyMaker,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last given another text.
    pub rotated_at: Option<DateTime<Utc>>,
    /// Until when the text that it had before works too.
    pub overlap_until: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// `POST /api/api-keys`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateApiKeyRequest {
    /// What it is for, 1 to 100 characters.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 100), custom(function = "crate::teams::not_blank")))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 100, example = "chatbot in production"))]
    pub name: String,
    /// What it may be used for, at least one.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 3)))]
    #[cfg_attr(feature = "server", schema(min_items = 1, max_items = 3))]
    pub scopes: Vec<Scope>,
    /// The only project that it sees. Only administrators may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<Uuid>,
    /// Where the usage that it reports comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// Requests it may make in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(range(min = 1, max = 10_000_000)))]
    #[cfg_attr(feature = "server", schema(minimum = 1, maximum = 10_000_000, example = 1000))]
    pub quota_per_minute: Option<u32>,
    /// When it ends by itself; never if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(example = "2099-12-31T00:00:00Z"))]
    pub expires_at: Option<DateTime<Utc>>,
}

/// `POST /api/api-keys/{apiKeyId}/rotate`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateApiKeyRequest {
    /// How many hours the old text works beside the new one, 0 to 720; 24 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(range(min = 0, max = 720)))]
    #[cfg_attr(feature = "server", schema(minimum = 0, maximum = 720, example = 24))]
    pub overlap_hours: Option<u16>,
}

/// A new key, or a new text for one. The only answer that holds it.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatedApiKey {
    /// The key as it is listed.
    #[serde(flatten)]
    pub api_key: ApiKey,
    /// Its text. Keep it: it is not shown again.
    #[cfg_attr(feature = "server", schema(format = "password", example = "fin_the-text-of-the-key-shown-this-once"))]
    pub key: String,
}
