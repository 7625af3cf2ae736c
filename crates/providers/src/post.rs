//! One attempt to hand a message over by HTTP. When to try again is the caller's business, who knows the schedule.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::BaseUrl;
use crate::error::ProviderError;
use crate::guard;
use crate::http::{read, retry_after};
use crate::notice::{NotifyError, NotifyPolicy, Said};

/// Answers are read this far: the words that matter come first.
const BODY_CAP: usize = 64 * 1024;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// A POST, with its credential in `headers`, marked sensitive.
pub(crate) struct Post {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) content_type: HeaderValue,
    pub(crate) body: String,
}

/// An answer, whatever it says.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// What could be read of it, made UTF-8.
    pub(crate) body: String,
    retry_after: Option<Duration>,
}

impl Reply {
    /// The body, when it is a JSON object of that form.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Option<T> {
        // serde would read an array as a struct's fields in order.
        if self.body.trim_start().starts_with('{') { serde_json::from_str(&self.body).ok() } else { None }
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The answer's status, to be told with the vendor's words.
    pub(crate) fn said(&self) -> Said {
        Said::status(self.status.as_u16())
    }

    /// To be tried again, no earlier than the vendor asks.
    pub(crate) fn later(&self, said: Said) -> NotifyError {
        NotifyError::Later { said, retry_after: self.retry_after }
    }

    /// What a status means where the vendor has no rule of its own. A redirect is not followed: whoever meant it may
    /// have mended it by the next attempt.
    pub(crate) fn verdict(&self, said: Said) -> NotifyError {
        match self.status.as_u16() {
            401 | 403 => NotifyError::Credentials { said },
            410 => NotifyError::Gone { said },
            ..=399 | 408 | 425 | 429 | 500.. => self.later(said),
            _ => NotifyError::Permanent { said },
        }
    }
}

/// Sends it once, within the policy's time.
pub(crate) async fn post(http: &reqwest::Client, policy: &NotifyPolicy, post: Post) -> Result<Reply, NotifyError> {
    let attempt = async {
        let request = http.post(post.url).headers(post.headers).header(CONTENT_TYPE, post.content_type).body(post.body);
        let mut response = request.send().await.map_err(|error| transport(&error))?;
        let retry_after = retry_after(response.headers(), (policy.now)());
        let (status, headers) = (response.status(), response.headers().clone());
        // The status has decided. A body that breaks off loses its words, not the fact that the message was taken.
        let body = read(&mut response, BODY_CAP).await.map(|(body, _)| body).unwrap_or_default();
        Ok(Reply { status, headers, body: String::from_utf8_lossy(&body).into_owned(), retry_after })
    };
    tokio::time::timeout(policy.timeout, attempt).await.unwrap_or_else(|_| Err(NotifyError::later("timeout")))
}

/// A failure below HTTP. The error's own text is dropped: it names the URL, which for webhooks is a secret.
fn transport(error: &reqwest::Error) -> NotifyError {
    if let Some(refused) = guard::refusal(error) {
        return NotifyError::Destination(refused);
    }
    if error.is_builder() {
        return NotifyError::invalid("the request could not be built");
    }
    NotifyError::later(match () {
        () if error.is_timeout() => "timeout",
        () if error.is_connect() => "no_connection",
        () => "connection_lost",
    })
}

/// A credential as a header value that no log shows.
pub(crate) fn credential(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A key as a bearer.
pub(crate) fn bearer(key: &SecretString) -> Result<HeaderValue, ProviderError> {
    let key = plain(key)?;
    credential(&format!("Bearer {key}")).ok_or(BAD_KEY)
}

const BAD_KEY: ProviderError =
    ProviderError::InvalidRequest { reason: "the key holds characters that a key cannot have" };

/// A key's text, when it can be one.
pub(crate) fn plain(key: &SecretString) -> Result<&str, ProviderError> {
    let key = key.expose_secret();
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) { Err(BAD_KEY) } else { Ok(key) }
}

/// The URL of an endpoint.
pub(crate) fn endpoint(base: &BaseUrl, segments: &[&str]) -> Result<Url, NotifyError> {
    base.join(segments).map_err(|_| NotifyError::invalid("the endpoint's URL could not be built"))
}

/// A body's text.
pub(crate) fn json(body: &impl Serialize) -> Result<String, NotifyError> {
    serde_json::to_string(body).map_err(|_| NotifyError::invalid("the request could not be built"))
}
