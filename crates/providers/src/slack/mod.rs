//! Slack's incoming webhooks.

mod blocks;

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;

use crate::capabilities::Notifier;
use crate::error::ProviderError;
use crate::guard::GuardedClient;
use crate::notice::{Delivered, Notice, NotifyError, NotifyPolicy};
use crate::post::{self, JSON, Post, Reply};

/// The fallback text is what notifications show.
const FALLBACK: usize = 300;

/// Posts to one incoming webhook. Its URL comes from a tenant, and it is the credential: it goes through the guard and
/// into no error. Slack takes about one message a second for each.
#[derive(Clone)]
pub struct SlackWebhook {
    http: GuardedClient,
    url: SecretString,
    policy: NotifyPolicy,
}

impl std::fmt::Debug for SlackWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SlackWebhook").finish_non_exhaustive()
    }
}

impl SlackWebhook {
    /// Takes the guarded client and the webhook's URL (`https://hooks.slack.com/services/…`).
    ///
    /// # Errors
    /// [`ProviderError::InvalidRequest`] when the guard refuses the URL as it stands; [`Guard::check_url`] says why.
    ///
    /// [`Guard::check_url`]: crate::Guard::check_url
    pub fn new(http: GuardedClient, url: SecretString) -> Result<Self, ProviderError> {
        let reason = "the webhook's URL is not one that we may call";
        http.guard().check_url(url.expose_secret()).map_err(|_| ProviderError::InvalidRequest { reason })?;
        Ok(Self { http, url, policy: NotifyPolicy::default() })
    }

    /// The same client under other limits.
    #[must_use]
    pub fn with_policy(self, policy: NotifyPolicy) -> Self {
        Self { policy, ..self }
    }
}

/// Slack answers in plain text, one word, labelled HTML.
fn refusal(reply: &Reply) -> NotifyError {
    let word = reply.body.trim();
    let known = !word.is_empty() && word.len() <= 64 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let said = if known { reply.said().code(word, "") } else { reply.said() };
    match (reply.status.as_u16(), word) {
        // The webhook, its app, its channel or its workspace is no more.
        (400.., "no_service" | "no_service_id" | "no_team" | "team_disabled" | "channel_is_archived") => {
            NotifyError::Gone { said }
        }
        (400.., "invalid_token" | "no_active_hooks" | "action_prohibited" | "posting_to_general_channel_denied") => {
            NotifyError::Credentials { said }
        }
        // Other 4xx are final, whatever their number; the rest passes.
        _ => reply.verdict(said),
    }
}

#[async_trait]
impl Notifier for SlackWebhook {
    async fn notify(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        notice.check()?;
        let (url, http) = self.http.admit(self.url.expose_secret())?;
        let message = Message { text: blocks::escape(&notice.title(FALLBACK)), blocks: blocks::of(notice) };
        let body = post::json(&message)?;
        let request = Post { url, headers: HeaderMap::new(), content_type: JSON, body };
        let reply = post::post(http, &self.policy, request).await?;
        match (reply.status.as_u16(), reply.body.trim()) {
            (200, "ok") => Ok(Delivered { id: None }),
            (200..300, _) => Err(reply.later(reply.said().code("unexpected_answer", ""))),
            _ => Err(refusal(&reply)),
        }
    }
}

#[derive(Serialize)]
struct Message {
    text: String,
    blocks: Vec<Value>,
}
