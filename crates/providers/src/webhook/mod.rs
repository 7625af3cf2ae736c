//! Our own webhooks, signed by Standard Webhooks 1.0.

mod signature;

use async_trait::async_trait;
use chrono::SecondsFormat;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;

use crate::capabilities::Notifier;
use crate::error::ProviderError;
use crate::guard::GuardedClient;
use crate::notice::{Delivered, Notice, NotifyError, NotifyPolicy};
use crate::post::{self, JSON, Post};

pub use signature::WebhookSecret;

/// Sends signed events to a tenant's endpoint, through the guard. While a secret rotates, each attempt carries a
/// signature by every secret, so receivers may change theirs at any moment.
#[derive(Clone)]
pub struct SignedWebhook {
    http: GuardedClient,
    url: SecretString,
    secrets: Vec<WebhookSecret>,
    policy: NotifyPolicy,
}

impl std::fmt::Debug for SignedWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedWebhook").finish_non_exhaustive()
    }
}

impl SignedWebhook {
    /// Takes the guarded client, the endpoint's URL and its secrets, the newest first.
    ///
    /// # Errors
    /// [`ProviderError::InvalidRequest`] when the guard refuses the URL as it stands ([`Guard::check_url`] says why) or
    /// there is no secret.
    ///
    /// [`Guard::check_url`]: crate::Guard::check_url
    pub fn new(http: GuardedClient, url: SecretString, secrets: Vec<WebhookSecret>) -> Result<Self, ProviderError> {
        let invalid = |reason| ProviderError::InvalidRequest { reason };
        if secrets.is_empty() {
            return Err(invalid("a webhook without a secret"));
        }
        let reason = "the webhook's URL is not one that we may call";
        http.guard().check_url(url.expose_secret()).map_err(|_| invalid(reason))?;
        Ok(Self { http, url, secrets, policy: NotifyPolicy::default() })
    }

    /// The same client under other limits.
    #[must_use]
    pub fn with_policy(self, policy: NotifyPolicy) -> Self {
        Self { policy, ..self }
    }

    fn headers(&self, id: &str, body: &str) -> Option<HeaderMap> {
        let since = (self.policy.now)().duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?;
        let timestamp = since.as_secs();
        let signatures: Vec<String> =
            self.secrets.iter().map(|secret| secret.sign(id, timestamp, body.as_bytes())).collect();
        Some(HeaderMap::from_iter([
            (HeaderName::from_static("webhook-id"), HeaderValue::from_str(id).ok()?),
            (HeaderName::from_static("webhook-timestamp"), HeaderValue::from(timestamp)),
            (HeaderName::from_static("webhook-signature"), HeaderValue::from_str(&signatures.join(" ")).ok()?),
        ]))
    }
}

#[async_trait]
impl Notifier for SignedWebhook {
    async fn notify(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        notice.check()?;
        let (url, http) = self.http.admit(self.url.expose_secret())?;
        let body = post::json(&Body {
            kind: &notice.event.kind,
            timestamp: notice.event.occurred_at.to_rfc3339_opts(SecondsFormat::Millis, true),
            data: &notice.event.data,
        })?;
        let headers =
            self.headers(&notice.id, &body).ok_or_else(|| NotifyError::invalid("the request could not be built"))?;
        let reply = post::post(http, &self.policy, Post { url, headers, content_type: JSON, body }).await?;
        if reply.status.is_success() {
            return Ok(Delivered { id: None });
        }
        // A receiver's mistake is mended by its owner while the schedule runs, so nothing is final but 410. Its words are
        // kept: they are the only hint its owner has.
        let said = reply.said().message(&reply.body, "");
        Err(if reply.status == 410 { NotifyError::Gone { said } } else { reply.later(said) })
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
    data: &'a Value,
}
