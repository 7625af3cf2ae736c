//! Mail through Resend.
//!
//! Source of the formats: resend/resend-openapi at fd6f395 (MIT), and the errors that Resend documents.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::capabilities::Notifier;
use crate::error::ProviderError;
use crate::mail::{MailApi, MailRoute, SUBJECT};
use crate::notice::{Delivered, Notice, NotifyError, NotifyPolicy};
use crate::post::Reply;

/// A used-up quota does not come back within minutes.
const QUOTA_WAIT: Duration = Duration::from_secs(3600);

/// Sends mail with one Resend key. A repeated attempt within a day sends nothing twice: the notice's id is the
/// idempotency key.
#[derive(Clone, Debug)]
pub struct ResendMailer(MailApi);

impl ResendMailer {
    /// Takes an HTTP client that names itself (Resend refuses requests without `User-Agent`) and does not follow
    /// redirects, the base URL (`https://api.resend.com`), a key, and who writes to whom.
    ///
    /// # Errors
    /// [`ProviderError::InvalidRequest`] when the base URL or the key is none.
    pub fn new(
        http: reqwest::Client,
        base_url: &str,
        key: SecretString,
        route: MailRoute,
    ) -> Result<Self, ProviderError> {
        MailApi::new(http, base_url, key, route).map(Self)
    }

    /// The same client under other limits.
    #[must_use]
    pub fn with_policy(mut self, policy: NotifyPolicy) -> Self {
        self.0.policy = policy;
        self
    }

    fn refusal(&self, reply: &Reply) -> NotifyError {
        let words: Words = reply.json().unwrap_or_default();
        let secret = self.0.secret();
        let said = reply.said().code(&words.name, secret).message(&words.message, secret);
        match (reply.status.as_u16(), words.name.as_str()) {
            (409, "concurrent_idempotent_requests") => reply.later(said),
            (429, "daily_quota_exceeded" | "monthly_quota_exceeded") => {
                let later = reply.later(said.clone());
                NotifyError::Later { said, retry_after: later.retry_after().max(Some(QUOTA_WAIT)) }
            }
            _ => reply.verdict(said),
        }
    }
}

#[async_trait]
impl Notifier for ResendMailer {
    async fn notify(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        notice.check()?;
        let mail = Mail {
            from: self.0.route.from.to_string(),
            to: self.0.route.to.iter().map(ToString::to_string).collect(),
            subject: notice.title(SUBJECT),
            text: &notice.plain(),
            html: notice.html.as_deref(),
            headers: Headers { automatic: "auto-generated", reference: &notice.id },
        };
        let id = HeaderValue::from_str(&notice.id).map_err(|_| NotifyError::invalid("the delivery's id is not one"))?;
        let reply = self.0.post(&["emails"], [(HeaderName::from_static("idempotency-key"), id)], &mail).await?;
        if !reply.status.is_success() {
            return Err(self.refusal(&reply));
        }
        // A page of some proxy's in the way is no acceptance.
        let taken: Taken = reply.json().ok_or_else(|| reply.later(reply.said().code("unexpected_answer", "")))?;
        Ok(Delivered { id: Some(taken.id) })
    }
}

#[derive(Serialize)]
struct Mail<'a> {
    from: String,
    to: Vec<String>,
    subject: String,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<&'a str>,
    headers: Headers<'a>,
}

#[derive(Serialize)]
struct Headers<'a> {
    /// Keeps out-of-office replies away (RFC 3834).
    #[serde(rename = "Auto-Submitted")]
    automatic: &'a str,
    #[serde(rename = "X-Entity-Ref-ID")]
    reference: &'a str,
}

#[derive(Deserialize)]
struct Taken {
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Words {
    name: String,
    message: String,
}
