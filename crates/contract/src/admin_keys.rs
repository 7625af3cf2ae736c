//! Admin keys: a provider's organization-level keys, stored encrypted, shown only as `last4`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An AI vendor whose bill is collected with an admin key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// OpenAI, through its organization admin API.
    Openai,
}

impl Provider {
    /// The stable name, as in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
        }
    }

    /// The provider with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        (name == Self::Openai.name()).then_some(Self::Openai)
    }
}

/// What the provider said of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// Not asked yet, or the provider did not answer. The collector asks again.
    Pending,
    /// It works.
    Verified,
    /// The provider has refused it since it was registered.
    Rejected,
}

impl Verification {
    /// The stable name, as in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Verified => "verified",
            Self::Rejected => "rejected",
        }
    }

    /// The state with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Pending, Self::Verified, Self::Rejected].into_iter().find(|state| state.name() == name)
    }
}

/// A registered admin key. The key itself never comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AdminKey {
    /// Its id.
    pub id: Uuid,
    /// Whose key it is.
    pub provider: Provider,
    /// Always `admin`.
    #[cfg_attr(feature = "server", schema(example = "admin"))]
    pub key_type: String,
    /// The key with all but its ends hidden.
    #[cfg_attr(feature = "server", schema(example = "sk-admin-…abc1"))]
    pub masked: String,
    /// Its last four characters.
    #[cfg_attr(feature = "server", schema(example = "abc1"))]
    pub last4: String,
    /// Whether the collector uses it.
    pub is_active: bool,
    /// What the provider said of it.
    pub verification: Verification,
    /// Why it is rejected or still pending, as a stable code of the collector.
    pub verification_reason: Option<String>,
    /// When the provider last confirmed it.
    pub last_verified_at: Option<DateTime<Utc>>,
    /// When the collector last used it.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When it was last replaced by a new one.
    pub rotated_at: Option<DateTime<Utc>>,
}

/// `POST /api/teams/{teamId}/admin-keys`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterAdminKeyRequest {
    /// Whose key it is.
    pub provider: Provider,
    /// The key: `sk-admin-…`, or `sk-proj-…` with admin scope.
    #[cfg_attr(feature = "server", schema(format = "password", example = "sk-admin-the-key-as-openai-showed-it"))]
    pub key: String,
}

/// `POST /api/teams/{teamId}/admin-keys/{keyId}/rotate`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateAdminKeyRequest {
    /// The key that takes its place.
    #[cfg_attr(feature = "server", schema(format = "password", example = "sk-admin-the-new-key-as-openai-showed-it"))]
    pub key: String,
}

/// The answer to a registered or rotated key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RegisteredAdminKey {
    /// The key as it is listed.
    pub admin_key: AdminKey,
    /// For people, in the language of `Accept-Language`.
    #[cfg_attr(feature = "server", schema(example = "Admin API Key가 등록되었습니다 (ends with ...abc1)"))]
    pub message: String,
}
