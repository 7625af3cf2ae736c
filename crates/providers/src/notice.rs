//! What is told to people and machines, whoever carries it, and what became of one attempt to tell it.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::scrub;
use crate::guard::Refused;

/// One message to one channel. Every client takes from it what its vendor has a place for; texts come in the
/// recipient's language, and what is too long for a vendor is cut there, with an ellipsis. Its JSON form is for keeping it until
/// it is sent; no vendor sees that.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Notice {
    /// Names the delivery, the same on every attempt: the webhook's `webhook-id`, Resend's `Idempotency-Key`, the
    /// mail's `Message-ID`. 1 to 256 letters, digits, `_` and `-`.
    pub id: String,
    /// What it does to the incident of `dedup_key`.
    pub stage: Stage,
    /// How bad it is.
    pub severity: Severity,
    /// Names what the message is about, the same for all messages about it; at most 255 bytes.
    pub dedup_key: String,
    /// Who or what speaks, such as the organization's name: PagerDuty's `source`.
    pub source: String,
    /// One line that says it all: the mail's subject, Slack's header, the SMS.
    pub subject: String,
    /// The message in plain text, paragraphs separated by empty lines.
    pub text: String,
    /// The same for mail programs; None sends the text alone.
    pub html: Option<String>,
    /// Figures beside the text. The HTML has them in its own way.
    pub facts: Vec<Fact>,
    /// What can be done next, the most important first. The HTML has them in its own way; an SMS has the first one.
    pub links: Vec<Link>,
    /// The same for programs.
    pub event: Event,
}

/// What a message does to its incident. Only PagerDuty keeps incidents; the others just tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Opens it, or adds to it.
    Trigger,
    /// Somebody is at it.
    Acknowledge,
    /// It is over.
    Resolve,
}

/// How bad it is, in PagerDuty's four steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For information.
    Info,
    /// Look at it soon.
    Warning,
    /// Something failed or was exceeded.
    Error,
    /// Act now.
    Critical,
}

impl Severity {
    /// `info`, `warning`, `error`, `critical`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// A figure with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Such as `Spent`.
    pub label: String,
    /// Such as `$742.00`.
    pub value: String,
}

/// Something to click.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it does, such as `Block now`.
    pub label: String,
    /// An absolute `http(s)` URL.
    pub url: String,
    /// How it looks.
    pub style: LinkStyle,
}

/// How a link looks where that can be said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkStyle {
    /// Like the others.
    #[default]
    Plain,
    /// The expected next step.
    Primary,
    /// It stops something.
    Danger,
}

/// The message for programs. A webhook's body is `{"type", "timestamp", "data"}`, as Standard Webhooks recommends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Such as `alert.triggered`.
    pub kind: String,
    /// When it happened, which is not when it is sent.
    pub occurred_at: DateTime<Utc>,
    /// Amounts in it are strings.
    pub data: serde_json::Value,
}

impl Notice {
    /// Checks what goes into headers and keys.
    ///
    /// # Errors
    /// [`NotifyError::Permanent`] when `id` or `dedup_key` is not what their descriptions say, or there is no subject.
    pub fn check(&self) -> Result<(), NotifyError> {
        let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if !(1..=256).contains(&self.id.len()) || !self.id.bytes().all(letter) {
            return Err(NotifyError::invalid("the delivery's id is not one"));
        }
        if !(1..=255).contains(&self.dedup_key.len()) {
            return Err(NotifyError::invalid("the dedup key is empty or longer than 255 bytes"));
        }
        if self.title(1).is_empty() {
            return Err(NotifyError::invalid("the message has no subject"));
        }
        Ok(())
    }

    /// All of it in plain text: the text, the figures and the links.
    pub(crate) fn plain(&self) -> String {
        let facts: Vec<String> = self.facts.iter().map(|fact| format!("{}: {}", fact.label, fact.value)).collect();
        let links: Vec<String> = self.links.iter().map(|link| format!("{}: {}", link.label, link.url)).collect();
        let parts = [self.text.trim().to_owned(), facts.join("\n"), links.join("\n")];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
    }

    /// The subject on one line, at most `limit` characters.
    pub(crate) fn title(&self, limit: usize) -> String {
        let words: Vec<&str> = self.subject.split(|c: char| c.is_whitespace() || c.is_control()).collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        cut(&words.join(" "), limit)
    }
}

/// The first `limit` characters; when that is not all, the last one is an ellipsis.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// Limits of one attempt.
#[derive(Debug, Clone)]
pub struct NotifyPolicy {
    /// From looking the name up to the last byte of the answer. Default 15 s.
    pub timeout: Duration,
    /// The clock, for `webhook-timestamp`, a mail's date, and `Retry-After` dates.
    pub now: fn() -> SystemTime,
}

impl Default for NotifyPolicy {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(15), now: SystemTime::now }
    }
}

/// The vendor took the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// What the vendor calls it, for its support and its logs; None when it does not say.
    pub id: Option<String>,
}

/// What the other side said, scrubbed of secrets and cut short. For operators and the delivery's history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// HTTP status or SMTP reply code; None when there was no answer.
    pub status: Option<u16>,
    /// The vendor's own code, or ours, such as `timeout`.
    pub code: Option<String>,
    /// In the vendor's words, at most 300 characters.
    pub message: Option<String>,
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let status = self.status.map(|status| format!("status {status}"));
        let parts: Vec<&str> = [&status, &self.code, &self.message].into_iter().flatten().map(String::as_str).collect();
        f.write_str(&parts.join(": "))
    }
}

impl Said {
    pub(crate) fn status(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// Ours alone: the other side said nothing.
    pub(crate) fn nothing(code: &str) -> Self {
        Self { code: Some(code.to_owned()), ..Self::default() }
    }

    pub(crate) fn code(mut self, code: &str, secret: &str) -> Self {
        self.code = kept(code, secret, 64);
        self
    }

    pub(crate) fn message(mut self, message: &str, secret: &str) -> Self {
        self.message = kept(message, secret, 300);
        self
    }
}

fn kept(text: &str, secret: &str, limit: usize) -> Option<String> {
    Some(scrub(text, secret, limit)).filter(|text| !text.is_empty())
}

/// An attempt that did not deliver, sorted by what to do next. Never holds a credential or an address of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// The same attempt may succeed later. It may also have arrived, where the answer was lost.
    #[error("not delivered yet ({said})")]
    Later {
        /// Why.
        said: Said,
        /// How long the other side asks to wait at least.
        retry_after: Option<Duration>,
    },
    /// This message, or this recipient, will never be taken.
    #[error("refused for good ({said})")]
    Permanent {
        /// Why.
        said: Said,
    },
    /// The channel's credential is wrong, revoked, or may not do this: no message will pass until somebody acts.
    #[error("credential refused ({said})")]
    Credentials {
        /// Why.
        said: Said,
    },
    /// The other side is gone or wants nothing more: the channel is to be disabled.
    #[error("destination gone ({said})")]
    Gone {
        /// Why.
        said: Said,
    },
    /// Our own guard does not let us go there. Nothing was sent.
    #[error("destination refused: {0}")]
    Destination(#[from] Refused),
}

impl NotifyError {
    /// A stable code to store, translate and show. Never changes once released.
    pub fn user_reason(&self) -> &'static str {
        match self {
            Self::Later { said: Said { status: Some(429), .. }, .. } => "rate_limited",
            Self::Later { .. } => "unavailable",
            Self::Permanent { .. } => "rejected",
            Self::Credentials { .. } => "unauthorized",
            Self::Gone { .. } => "gone",
            Self::Destination(_) => "refused_destination",
        }
    }

    /// Whether to try again.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Later { .. })
    }

    /// What the other side said; None when it was never asked.
    pub fn said(&self) -> Option<&Said> {
        match self {
            Self::Later { said, .. } | Self::Permanent { said } | Self::Credentials { said } | Self::Gone { said } => {
                Some(said)
            }
            Self::Destination(_) => None,
        }
    }

    /// How long to wait at least.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Later { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What was asked of us is not valid; nothing was sent.
    pub(crate) fn invalid(reason: &str) -> Self {
        Self::Permanent { said: Said { message: Some(reason.to_owned()), ..Said::nothing("invalid_request") } }
    }

    pub(crate) fn later(code: &str) -> Self {
        Self::Later { said: Said::nothing(code), retry_after: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_by_characters() {
        assert_eq!(cut("한국어 예산", 6), "한국어 예산");
        assert_eq!(cut("한국어 예산", 4), "한국어…");
        assert_eq!(cut("", 3), "");
    }

    #[test]
    fn reasons_are_stable() {
        let said = Said::status(429);
        for (error, reason, transient) in [
            (NotifyError::Later { said: said.clone(), retry_after: None }, "rate_limited", true),
            (NotifyError::later("timeout"), "unavailable", true),
            (NotifyError::invalid("x"), "rejected", false),
            (NotifyError::Credentials { said: said.clone() }, "unauthorized", false),
            (NotifyError::Gone { said: said.clone() }, "gone", false),
            (NotifyError::Destination(Refused::Address), "refused_destination", false),
        ] {
            assert_eq!((error.user_reason(), error.is_transient()), (reason, transient), "{error}");
        }
        let said = said.code("too_many", "").message("Slow down, key-1.", "key-1");
        assert_eq!(
            NotifyError::Gone { said }.to_string(),
            "destination gone (status 429: too_many: Slow down, [redacted].)"
        );
    }
}
