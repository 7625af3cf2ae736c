//! Deliveries: what was told, to whom, and what became of it, attempt by attempt.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::Locale;
use crate::channels::ChannelType;
use crate::costs::Named;

names! {
    /// How far a message is.
    DeliveryStatus {
        /// It goes out next.
        Pending = "pending",
        /// It is going out now.
        Sending = "sending",
        /// The other side has taken it.
        Delivered = "delivered",
        /// It was not taken yet, and is tried again at `nextAttemptAt`.
        Retrying = "retrying",
        /// It was given up. It can be sent again.
        Dead = "dead",
        /// It waits to be told together with others of its kind, or alone if there are none, at `nextAttemptAt`.
        Held = "held",
        /// It was told in the digest `digestId`.
        Digested = "digested",
    }
    /// How an attempt ended.
    AttemptOutcome {
        /// It is going on.
        Sending = "sending",
        /// The other side took it.
        Delivered = "delivered",
        /// It did not, or could not be reached.
        Failed = "failed",
        /// Whoever made it is gone. What came of it is not known; another was made under the same id.
        Interrupted = "interrupted",
    }
}

/// One message to one channel, number or person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Its id, which receivers see as well: `webhook-id`, `Idempotency-Key`, `Message-ID`.
    pub id: Uuid,
    /// How it goes out.
    #[serde(rename = "type")]
    pub channel_type: ChannelType,
    /// The channel; null for a mail to a person.
    pub channel: Option<Named>,
    /// The person's address, or the number of an SMS channel; null for the other channels.
    #[cfg_attr(feature = "server", schema(example = "finops@example.com"))]
    pub recipient: Option<String>,
    /// The language that it is in.
    pub locale: Locale,
    /// What it tells of: `alert.triggered`, `alert.acknowledged`, `alert.resolved`, `block.requested`, `block.active`,
    /// `block.declined`, `block.lift_requested`, `block.lift_declined`, `block.lifted`, `block.provider_failed`,
    /// `report.weekly`, `alert.test`, `channel.test`, `digest`, …
    #[cfg_attr(feature = "server", schema(example = "alert.triggered"))]
    pub kind: String,
    /// The alert that it tells of.
    pub alert_id: Option<Uuid>,
    /// Its first line.
    #[cfg_attr(feature = "server", schema(example = "[Marketing] Daily limit of $500 exceeded - now $742 (148%)"))]
    pub subject: String,
    /// How far it is.
    pub status: DeliveryStatus,
    /// Why the last attempt failed, or why it was given up or not sent: `rate_limited`, `unavailable`, `rejected`, `unauthorized`,
    /// `gone`, `refused_destination`, `channel_not_configured`, `channel_disabled`, `encryption_unavailable`, `decryption_failed`;
    /// null when nothing failed.
    #[cfg_attr(feature = "server", schema(example = "unavailable"))]
    pub reason: Option<String>,
    /// Whether it went to the administrators by mail because there was no channel of the kind that was wanted.
    pub fallback: bool,
    /// Attempts so far.
    #[cfg_attr(feature = "server", schema(example = 1))]
    pub attempts: i32,
    /// When it is tried next; null when it is not.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// The digest that it was told in.
    pub digest_id: Option<Uuid>,
    /// When there was something to tell.
    pub created_at: DateTime<Utc>,
    /// When it was delivered, digested or given up.
    pub finished_at: Option<DateTime<Utc>>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeliveryAttempt {
    /// Counts from 1.
    #[cfg_attr(feature = "server", schema(example = 1))]
    pub number: i32,
    /// When it began.
    pub at: DateTime<Utc>,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Why it failed: see `Delivery`.
    #[cfg_attr(feature = "server", schema(example = "unavailable"))]
    pub reason: Option<String>,
    /// The other side's HTTP status or SMTP reply code.
    #[cfg_attr(feature = "server", schema(example = 503))]
    pub status: Option<i32>,
    /// The other side's own code, or ours, such as `timeout`.
    #[cfg_attr(feature = "server", schema(example = "timeout"))]
    pub code: Option<String>,
    /// What the other side said, at most 300 characters, without secrets.
    #[cfg_attr(feature = "server", schema(example = "Service Unavailable"))]
    pub said: Option<String>,
    /// What the other side calls the message.
    #[cfg_attr(feature = "server", schema(example = "SM0123456789abcdef0123456789abcdef"))]
    pub provider_id: Option<String>,
    /// How long it took, in milliseconds; null while it goes on and where that is not known.
    #[cfg_attr(feature = "server", schema(example = 240))]
    pub duration_ms: Option<i64>,
    /// How long the other side asked us to wait, in seconds.
    #[cfg_attr(feature = "server", schema(example = 30))]
    pub retry_after: Option<i64>,
}

/// A delivery with its text and its attempts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeliveryDetail {
    /// The delivery as it is listed.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// What it says, in plain text.
    #[cfg_attr(feature = "server", schema(example = "chatbot-experiment: $742 today, 1,384% more than usual ($50)."))]
    pub text: String,
    /// Its attempts, the first one first.
    pub history: Vec<DeliveryAttempt>,
}

/// `GET /api/deliveries`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeliveriesQuery {
    /// How many items, 1 to 200; 50 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(minimum = 1, maximum = 200))]
    pub limit: Option<u16>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only to this channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<Uuid>,
    /// Only those that tell of this alert, in a digest as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<Uuid>,
    /// Only those that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<DeliveryStatus>,
}
