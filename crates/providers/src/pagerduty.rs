//! PagerDuty's Events API v2: incidents opened, taken and closed.

use async_trait::async_trait;
use chrono::SecondsFormat;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::BaseUrl;
use crate::capabilities::Notifier;
use crate::error::ProviderError;
use crate::notice::{Delivered, Notice, NotifyError, NotifyPolicy, Stage, cut};
use crate::post::{self, JSON, Post, Reply};

const SUMMARY: usize = 1024;
const CLIENT: &str = "FinOps for AI";
/// An event is at most 512 KB in all; a text this long is read by nobody at night.
const TEXT: usize = 4000;

/// Sends events to one integration. PagerDuty folds what has the same dedup key into one incident, so a repeated
/// attempt rings nobody twice.
#[derive(Clone)]
pub struct PagerDutyEvents {
    http: reqwest::Client,
    base: BaseUrl,
    routing_key: SecretString,
    policy: NotifyPolicy,
}

impl std::fmt::Debug for PagerDutyEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PagerDutyEvents").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl PagerDutyEvents {
    /// Takes an HTTP client that does not follow redirects, the base URL (`https://events.pagerduty.com`) and an
    /// integration's routing key.
    ///
    /// # Errors
    /// [`ProviderError::InvalidRequest`] when the base URL is none or the key is not 32 letters and digits.
    pub fn new(http: reqwest::Client, base_url: &str, routing_key: SecretString) -> Result<Self, ProviderError> {
        let key = routing_key.expose_secret();
        if key.len() != 32 || !key.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(ProviderError::InvalidRequest { reason: "the routing key is not 32 letters and digits" });
        }
        Ok(Self { http, base: BaseUrl::parse(base_url)?, routing_key, policy: NotifyPolicy::default() })
    }

    /// The same client under other limits.
    #[must_use]
    pub fn with_policy(self, policy: NotifyPolicy) -> Self {
        Self { policy, ..self }
    }

    fn refusal(&self, reply: &Reply) -> NotifyError {
        let words: Words = reply.json().unwrap_or_default();
        let first = words.errors.into_iter().next().or(words.message).unwrap_or_default();
        let secret = self.routing_key.expose_secret();
        let said = reply.said().code(&words.status.unwrap_or_default(), secret).message(&first, secret);
        // An unknown key is a 400 like any other mistake; only the words tell.
        if reply.status == 400 && first.to_ascii_lowercase().replace('_', " ").contains("routing key") {
            return NotifyError::Credentials { said };
        }
        reply.verdict(said)
    }

    fn event<'a>(&'a self, notice: &'a Notice) -> Event<'a> {
        let (event_action, full) = match notice.stage {
            Stage::Trigger => ("trigger", true),
            Stage::Acknowledge => ("acknowledge", false),
            Stage::Resolve => ("resolve", false),
        };
        let links = notice.links.iter().map(|link| EventLink { href: &link.url, text: &link.label });
        Event {
            routing_key: self.routing_key.expose_secret(),
            event_action,
            dedup_key: &notice.dedup_key,
            client: full.then_some(CLIENT),
            client_url: notice.links.first().filter(|_| full).map(|link| link.url.as_str()),
            links: links.filter(|_| full).collect(),
            payload: full.then(|| payload(notice)),
        }
    }
}

fn payload(notice: &Notice) -> Payload<'_> {
    let mut details: Map<String, Value> =
        notice.facts.iter().map(|fact| (fact.label.clone(), Value::from(fact.value.clone()))).collect();
    details.insert("text".to_owned(), Value::from(cut(&notice.text, TEXT)));
    Payload {
        summary: notice.title(SUMMARY),
        // PagerDuty refuses a blank one.
        source: Some(notice.source.as_str()).filter(|source| !source.trim().is_empty()).unwrap_or(CLIENT),
        severity: notice.severity.as_str(),
        timestamp: notice.event.occurred_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        class: &notice.event.kind,
        custom_details: details,
    }
}

#[async_trait]
impl Notifier for PagerDutyEvents {
    async fn notify(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        notice.check()?;
        let url = post::endpoint(&self.base, &["v2", "enqueue"])?;
        let body = post::json(&self.event(notice))?;
        let request = Post { url, headers: HeaderMap::new(), content_type: JSON, body };
        let reply = post::post(&self.http, &self.policy, request).await?;
        match reply.status.as_u16() {
            202 => Ok(Delivered { id: reply.json::<Taken>().and_then(|taken| taken.dedup_key) }),
            200..300 => Err(reply.later(reply.said().code("unexpected_answer", ""))),
            _ => Err(self.refusal(&reply)),
        }
    }
}

#[derive(Serialize)]
struct Event<'a> {
    routing_key: &'a str,
    event_action: &'static str,
    dedup_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<EventLink<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Payload<'a>>,
}

#[derive(Serialize)]
struct EventLink<'a> {
    href: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct Payload<'a> {
    summary: String,
    source: &'a str,
    severity: &'static str,
    timestamp: String,
    class: &'a str,
    custom_details: Map<String, Value>,
}

#[derive(Deserialize)]
struct Taken {
    dedup_key: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Words {
    status: Option<String>,
    message: Option<String>,
    errors: Vec<String>,
}
