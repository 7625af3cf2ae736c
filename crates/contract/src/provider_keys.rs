//! People's own keys at providers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyService {
    /// OpenAI: `sk-…`.
    Openai,
    /// Anthropic: `sk-ant-…`.
    Anthropic,
    /// Google AI Studio: `AIza…` or `AQ.…`.
    GoogleAi,
    /// AWS Bedrock: a Bedrock API key `ABSK…`, or `access key id:secret access key`.
    AwsBedrock,
}

impl KeyService {
    /// Every service.
    pub const ALL: [Self; 4] = [Self::Openai, Self::Anthropic, Self::GoogleAi, Self::AwsBedrock];

    /// The stable name, as in JSON, in addresses and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::GoogleAi => "google_ai",
            Self::AwsBedrock => "aws_bedrock",
        }
    }

    /// The service with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }
}

/// A stored key. The key itself never comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProviderKey {
    /// Whose key it is.
    pub service: KeyService,
    /// The key with all but its ends hidden.
    #[cfg_attr(feature = "server", schema(example = "sk-…abc1"))]
    pub masked: String,
    /// Its last four characters.
    #[cfg_attr(feature = "server", schema(example = "abc1"))]
    pub last4: String,
    /// When the first key of this service was stored.
    pub created_at: DateTime<Utc>,
    /// When another one last took its place.
    pub replaced_at: Option<DateTime<Utc>>,
}

/// `POST /api/user/api-keys`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreProviderKeyRequest {
    /// Whose key it is.
    pub service: KeyService,
    /// The key as the provider showed it.
    #[cfg_attr(feature = "server", schema(format = "password", example = "sk-the-key-as-openai-showed-it"))]
    pub key: String,
}
