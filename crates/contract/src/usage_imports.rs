//! Files of usage events, and how far they are.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ImportFormat {
    /// An event in JSON a line.
    Ndjson,
    /// A line of names, and an event a line below it.
    Csv,
}

impl ImportFormat {
    /// The name in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Ndjson, Self::Csv].into_iter().find(|format| format.name() == name)
    }
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// More of the file may come, from `receivedBytes` on.
    Uploading,
    /// All of it is here and waits.
    Queued,
    /// Its events are being stored.
    Running,
    /// Every line is stored or refused.
    Done,
    /// It could not go on; its job can be retried.
    Failed,
    /// Somebody ended it, or nobody went on with it. What was stored stays.
    Cancelled,
}

impl ImportState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Uploading, Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// The name in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// `POST /api/usage/imports`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateUsageImportRequest {
    /// How the file is written.
    pub format: ImportFormat,
    /// What it is called, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 200)), schema(min_length = 1, max_length = 200))]
    pub name: Option<String>,
}

/// `PUT /api/usage/imports/{importId}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UploadQuery {
    /// Where in the unpacked file this part begins: the import's `receivedBytes`. 0 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Whether the file ends with this part; it does by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete: Option<bool>,
}

/// A file of usage events, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UsageImport {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub name: Option<String>,
    /// How it is written.
    pub format: ImportFormat,
    /// How far it is.
    pub state: ImportState,
    /// Whole lines that have arrived, in unpacked bytes. A broken upload goes on from here.
    pub received_bytes: u64,
    /// Lines that have arrived, blank ones and a line of names left out.
    pub lines: u64,
    /// Of these, how many are stored, known or refused by now.
    pub processed: u64,
    /// Events that are stored.
    pub accepted: u64,
    /// Events that were stored before.
    pub duplicates: u64,
    /// Lines that were not taken.
    pub rejected: u64,
    /// The first of those, up to 1,000; empty in lists.
    pub rejects: Vec<RejectedLine>,
    /// Why it could not go on.
    pub error: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When the file was here as a whole.
    pub uploaded_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// A line that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RejectedLine {
    /// Its number in the file, from 1.
    pub line: u64,
    /// Why, as in problems.
    #[cfg_attr(feature = "server", schema(example = "quantity_invalid"))]
    pub code: String,
    /// JSON pointer into the event; in CSV `/` and the column's name.
    #[cfg_attr(feature = "server", schema(example = "/promptTokens"))]
    pub pointer: String,
    /// The same for people.
    pub message: String,
}
