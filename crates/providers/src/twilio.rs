//! SMS through Twilio.
//!
//! Source of the formats: twilio/twilio-oai at d50069b (MIT), and Twilio's list of error codes.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::base::BaseUrl;
use crate::capabilities::Notifier;
use crate::error::ProviderError;
use crate::notice::{Delivered, Notice, NotifyError, NotifyPolicy, cut};
use crate::post::{self, FORM, Post, Reply};

/// Most that Twilio takes. Counted in UTF-16 units, as an SMS that is not plain Latin is sent.
const BODY: usize = 1600;
/// A text that says it all fits into a few segments; a longer subject is not one.
const TEXT: usize = 300;

/// Sends an SMS to one number. Twilio knows no idempotency: an attempt whose answer was lost may have sent.
#[derive(Clone)]
pub struct TwilioSms {
    http: reqwest::Client,
    base: BaseUrl,
    account_sid: String,
    token: SecretString,
    authorization: HeaderValue,
    from: String,
    to: String,
    policy: NotifyPolicy,
}

impl std::fmt::Debug for TwilioSms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TwilioSms").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl TwilioSms {
    /// Takes an HTTP client that does not follow redirects, the base URL (`https://api.twilio.com`), the account
    /// (`AC…`) with its token, the sender (a number, a sender's name, or a messaging service `MG…`) and one recipient's
    /// number (`+` and digits). A channel of several numbers is several of these: one may be refused alone.
    ///
    /// # Errors
    /// [`ProviderError::InvalidRequest`] when one of them is not what it should be.
    pub fn new(
        http: reqwest::Client,
        base_url: &str,
        account_sid: &str,
        token: SecretString,
        from: &str,
        to: &str,
    ) -> Result<Self, ProviderError> {
        let invalid = |reason| ProviderError::InvalidRequest { reason };
        if !Self::is_account(account_sid) {
            return Err(invalid("the account is not a Twilio account SID"));
        }
        if !Self::is_sender(from) {
            return Err(invalid("the sender is not a number, a name or a messaging service"));
        }
        if !is_number(to) {
            return Err(invalid("the recipient is not a telephone number with country code"));
        }
        let basic = STANDARD.encode(format!("{account_sid}:{}", post::plain(&token)?));
        let authorization =
            post::credential(&format!("Basic {basic}")).ok_or(invalid("the token cannot be a header"))?;
        let (base, policy) = (BaseUrl::parse(base_url)?, NotifyPolicy::default());
        let (account_sid, from, to) = (account_sid.to_owned(), from.to_owned(), to.to_owned());
        Ok(Self { http, base, account_sid, token, authorization, from, to, policy })
    }

    /// Whether a text is an account's SID: `AC` and 32 hexadecimal digits.
    pub fn is_account(text: &str) -> bool {
        is_sid(text, "AC")
    }

    /// Whether a text may be a sender: a number, a sender's name, or a messaging service (`MG…`).
    pub fn is_sender(text: &str) -> bool {
        !text.is_empty() && text.len() <= 64 && !text.chars().any(char::is_control)
    }

    /// The same client under other limits.
    #[must_use]
    pub fn with_policy(self, policy: NotifyPolicy) -> Self {
        Self { policy, ..self }
    }

    fn refusal(&self, reply: &Reply) -> NotifyError {
        let words: Words = reply.json().unwrap_or_default();
        let secret = self.token.expose_secret();
        let code = words.code.map(|code| code.to_string()).unwrap_or_default();
        let said = reply.said().code(&code, secret).message(&words.message.unwrap_or_default(), secret);
        match words.code {
            // Wrong token, unknown or suspended account, a test credential, a sender that is not the account's.
            Some(20003 | 20005 | 20008 | 20404 | 21606 | 21659) => NotifyError::Credentials { said },
            // The recipient answered STOP.
            Some(21610) => NotifyError::Gone { said },
            // Too many requests, the sender's queue is full.
            Some(20429 | 21611) => reply.later(said),
            _ => reply.verdict(said),
        }
    }
}

/// `AC` or `MG` and 32 hexadecimal digits.
fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// E.164.
fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

/// The subject and the first link; what does not fit is cut off the subject, never off the link.
fn text(notice: &Notice) -> String {
    let units = |text: &str| text.encode_utf16().count();
    let subject = notice.title(TEXT);
    match notice.links.first().filter(|link| units(&link.url) + 2 * TEXT < BODY) {
        Some(link) => format!("{subject}\n{}", link.url),
        None => cut(&subject, BODY / 2),
    }
}

#[async_trait]
impl Notifier for TwilioSms {
    async fn notify(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        notice.check()?;
        let sender = if is_sid(&self.from, "MG") { "MessagingServiceSid" } else { "From" };
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("To", &self.to)
            .append_pair(sender, &self.from)
            .append_pair("Body", &text(notice))
            .finish();
        let url = post::endpoint(&self.base, &["2010-04-01", "Accounts", &self.account_sid, "Messages.json"])?;
        let headers = HeaderMap::from_iter([(AUTHORIZATION, self.authorization.clone())]);
        let reply = post::post(&self.http, &self.policy, Post { url, headers, content_type: FORM, body }).await?;
        if !reply.status.is_success() {
            return Err(self.refusal(&reply));
        }
        let taken: Taken = reply.json().ok_or_else(|| reply.later(reply.said().code("unexpected_answer", "")))?;
        Ok(Delivered { id: Some(taken.sid) })
    }
}

#[derive(Deserialize)]
struct Taken {
    sid: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Words {
    code: Option<u32>,
    message: Option<String>,
}
