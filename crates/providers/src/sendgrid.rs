//! Mail through SendGrid.
//!
//! Source of the formats: twilio/sendgrid-oai at dbe0e0d (MIT).

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lettre::message::Mailbox;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::capabilities::Notifier;
use crate::error::ProviderError;
use crate::mail::{MailApi, MailRoute, SUBJECT};
use crate::notice::{Delivered, Notice, NotifyError, NotifyPolicy};
use crate::post::Reply;

/// Sends mail with one SendGrid key. SendGrid knows no idempotency: an attempt whose answer was lost may have sent.
#[derive(Clone, Debug)]
pub struct SendGridMailer(MailApi);

impl SendGridMailer {
    /// Takes an HTTP client that does not follow redirects, the base URL (`https://api.sendgrid.com`, in the EU
    /// `https://api.eu.sendgrid.com`), a key, and who writes to whom.
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
        let first = words.errors.into_iter().next().unwrap_or_default();
        let secret = self.0.secret();
        let code = first.field.filter(|field| field != "null").unwrap_or_default();
        let said = reply.said().code(&code, secret).message(&first.message.unwrap_or_default(), secret);
        match reply.verdict(said) {
            NotifyError::Later { said, retry_after: None } if reply.status == 429 => {
                NotifyError::Later { said, retry_after: until_reset(reply, (self.0.policy.now)()) }
            }
            verdict => verdict,
        }
    }
}

/// SendGrid's 429 says in `X-RateLimit-Reset`, in Unix seconds, when it is over.
fn until_reset(reply: &Reply, now: SystemTime) -> Option<Duration> {
    let at = Duration::from_secs(reply.header("x-ratelimit-reset")?.parse().ok()?);
    SystemTime::UNIX_EPOCH.checked_add(at).map(|at| at.duration_since(now).unwrap_or_default())
}

#[async_trait]
impl Notifier for SendGridMailer {
    async fn notify(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        notice.check()?;
        // SendGrid refuses a part without text, and HTML before plain text.
        let plain = notice.plain();
        let parts = [("text/plain", Some(plain.as_str())), ("text/html", notice.html.as_deref())];
        let content = parts.into_iter().filter_map(|(kind, value)| Some(Content { kind, value: value? }));
        let mail = Mail {
            personalizations: [Personalization {
                to: self.0.route.to.iter().map(Address::from).collect(),
                custom_args: Arguments { notice_id: &notice.id },
            }],
            from: Address::from(&self.0.route.from),
            subject: notice.title(SUBJECT),
            content: content.filter(|part| !part.value.is_empty()).collect(),
            headers: Headers { automatic: "auto-generated" },
        };
        let reply = self.0.post(&["v3", "mail", "send"], [], &mail).await?;
        match reply.status.as_u16() {
            202 => Ok(Delivered { id: reply.header("x-message-id").map(str::to_owned) }),
            // Another success is not SendGrid's: 200 is its sandbox, which sends nothing.
            200..300 => Err(reply.later(reply.said().code("unexpected_answer", ""))),
            _ => Err(self.refusal(&reply)),
        }
    }
}

#[derive(Serialize)]
struct Mail<'a> {
    personalizations: [Personalization<'a>; 1],
    from: Address<'a>,
    subject: String,
    content: Vec<Content<'a>>,
    headers: Headers,
}

#[derive(Serialize)]
struct Personalization<'a> {
    to: Vec<Address<'a>>,
    /// Comes back in SendGrid's event webhooks and its activity feed.
    custom_args: Arguments<'a>,
}

#[derive(Serialize)]
struct Arguments<'a> {
    notice_id: &'a str,
}

#[derive(Serialize)]
struct Address<'a> {
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

impl<'a> From<&'a Mailbox> for Address<'a> {
    fn from(mailbox: &'a Mailbox) -> Self {
        Self { email: mailbox.email.as_ref(), name: mailbox.name.as_deref() }
    }
}

#[derive(Serialize)]
struct Content<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
struct Headers {
    /// Keeps out-of-office replies away (RFC 3834).
    #[serde(rename = "Auto-Submitted")]
    automatic: &'static str,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Words {
    errors: Vec<Word>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Word {
    message: Option<String>,
    field: Option<String>,
}
