//! How every vendor is called: one attempt with a time and a size cap, and retries that honour what the vendor asks.
//!
//! Redirects, proxies and which addresses may be reached are the injected `reqwest::Client`'s business.

use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{ProviderError, Resource, scrub};

/// Error bodies are read this far; what comes after cannot change how the error is treated.
const ERROR_BODY_CAP: usize = 64 * 1024;
const MESSAGE_CHARS: usize = 300;
const CODE_CHARS: usize = 64;

/// Limits of one call: how long, how often, how much.
#[derive(Debug, Clone)]
pub struct CallPolicy {
    /// Time for one attempt, from connecting to the last byte of the body. Default 30 s.
    pub timeout: Duration,
    /// Attempts in all, the first included. Default 3.
    pub attempts: u32,
    /// The first backoff's upper bound; doubles with every retry. Default 0.5 s.
    pub base: Duration,
    /// No backoff of our own is longer. Default 8 s.
    pub max: Duration,
    /// A provider that asks for a longer wait gets none: the call gives up at once. Default 120 s.
    pub max_retry_after: Duration,
    /// Most bytes of an answer that are read. Default 32 MiB.
    pub max_body_bytes: usize,
    /// The clock, for `Retry-After` dates and for choosing a settled day.
    pub now: fn() -> SystemTime,
}

impl Default for CallPolicy {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            attempts: 3,
            base: Duration::from_millis(500),
            max: Duration::from_secs(8),
            max_retry_after: Duration::from_secs(120),
            max_body_bytes: 32 * 1024 * 1024,
            now: SystemTime::now,
        }
    }
}

impl CallPolicy {
    /// For calls a person is waiting for: the two attempts and the wait between them end within 9 s.
    pub fn interactive() -> Self {
        Self {
            timeout: Duration::from_secs(4),
            attempts: 2,
            max: Duration::from_millis(500),
            max_retry_after: Duration::from_secs(1),
            ..Self::default()
        }
    }

    /// For tests: the same behaviour with waits of a few milliseconds.
    pub fn fast() -> Self {
        Self {
            timeout: Duration::from_secs(2),
            base: Duration::from_millis(1),
            max: Duration::from_millis(4),
            ..Self::default()
        }
    }
}

/// One request, repeatable.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) json: Option<String>,
    /// What a 404 means here.
    pub(crate) names: Resource,
}

/// A successful answer's header and body; the body is UTF-8 and is not HTML.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// Parses the body. `what` names it in the error.
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self, what: &str) -> Result<T, ProviderError> {
        // serde would read an array as a struct's fields in order.
        if !self.body.trim_start().starts_with('{') {
            return Err(ProviderError::malformed(format!("{what}: not a JSON object")));
        }
        // serde_json's own message may quote the body: only its kind and place are kept.
        serde_json::from_str(&self.body).map_err(|e| {
            let kind = match e.classify() {
                serde_json::error::Category::Eof => "truncated JSON",
                serde_json::error::Category::Data => "a field of the wrong type or missing",
                _ => "not JSON",
            };
            ProviderError::malformed(format!("{what}: {kind} at line {} column {}", e.line(), e.column()))
        })
    }
}

/// An attempt that failed, and whether trying again makes sense.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: ProviderError,
    pub(crate) retry: bool,
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    fn last(error: ProviderError) -> Self {
        Self { error, retry: false, retry_after: None }
    }

    fn again(error: ProviderError) -> Self {
        Self { error, retry: true, retry_after: None }
    }
}

/// Makes calls. `headers` carries the credential, marked sensitive; `secret` is what must not come back in errors.
pub(crate) async fn send(
    http: &reqwest::Client,
    policy: &CallPolicy,
    headers: &HeaderMap,
    secret: &str,
    call: &Call,
) -> Result<Answer, ProviderError> {
    with_retries(policy, || async {
        tokio::time::timeout(policy.timeout, attempt(http, policy, headers, secret, call))
            .await
            .unwrap_or_else(|_| Err(Failure::again(ProviderError::unavailable("timeout"))))
    })
    .await
}

/// Runs `attempt` until it succeeds, fails for good, asks for too long a wait, or the attempts are used up.
async fn with_retries<T, F, Fut>(policy: &CallPolicy, attempt: F) -> Result<T, ProviderError>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, Failure>>,
{
    let mut made = 1;
    loop {
        let failure = match attempt().await {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        let too_long = failure.retry_after.is_some_and(|asked| asked > policy.max_retry_after);
        if !failure.retry || too_long || made >= policy.attempts {
            return Err(failure.error);
        }
        let wait = failure.retry_after.filter(|asked| !asked.is_zero()).unwrap_or_else(|| backoff(policy, made));
        tracing::debug!(
            reason = failure.error.user_reason(),
            attempt = made,
            wait_ms = wait.as_millis() as u64,
            "provider call will be retried"
        );
        tokio::time::sleep(wait).await;
        made += 1;
    }
}

/// Full jitter: anything from nothing to `base × 2^(made − 1)`, capped at `max`.
fn backoff(policy: &CallPolicy, made: u32) -> Duration {
    let doubled = policy.base.saturating_mul(1_u32.checked_shl(made - 1).unwrap_or(u32::MAX));
    doubled.min(policy.max).mul_f64(fastrand::f64())
}

async fn attempt(
    http: &reqwest::Client,
    policy: &CallPolicy,
    headers: &HeaderMap,
    secret: &str,
    call: &Call,
) -> Result<Answer, Failure> {
    let mut request = http.request(call.method.clone(), call.url.clone()).headers(headers.clone());
    if let Some(json) = &call.json {
        request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(json.clone());
    }
    let mut response = request.send().await.map_err(|e| transport(&e))?;
    let status = response.status();
    if status.is_success() {
        refuse_html(response.headers())?;
        let too_large = Failure::last(ProviderError::TooLarge { limit: policy.max_body_bytes });
        let (body, whole) = read(&mut response, policy.max_body_bytes).await?;
        if !whole {
            return Err(too_large);
        }
        return Ok(Answer { headers: response.headers().clone(), body: text(body)? });
    }
    if status.is_redirection() || status.is_informational() {
        let reason = format!("unexpected status {}", status.as_u16());
        return Err(Failure::last(ProviderError::malformed(reason)));
    }
    let retry_after = retry_after(response.headers(), (policy.now)());
    // The status alone decides how the error is treated, so a body that cannot be read loses only its words.
    let body = read(&mut response, ERROR_BODY_CAP).await.map(|(body, _)| body).unwrap_or_default();
    Err(refusal(status, retry_after, &body, secret, call.names))
}

/// A failure below HTTP. The error's own text is dropped: it names the URL and, through proxies, more.
fn transport(error: &reqwest::Error) -> Failure {
    if error.is_builder() {
        return Failure::last(ProviderError::InvalidRequest { reason: "the request could not be built" });
    }
    if error.is_redirect() {
        return Failure::last(ProviderError::malformed("unexpected redirect"));
    }
    let reason = match () {
        () if error.is_timeout() => "timeout",
        () if error.is_connect() => "no connection",
        () => "connection lost",
    };
    Failure::again(ProviderError::unavailable(reason))
}

fn refuse_html(headers: &HeaderMap) -> Result<(), Failure> {
    // Only what is certainly not JSON is refused here: providers mislabel JSON as text, and proxies drop the header.
    let html = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().contains("html"));
    if html { Err(Failure::last(ProviderError::malformed("HTML instead of JSON"))) } else { Ok(()) }
}

/// The body up to `cap` bytes, and whether that is all of it. Never holds more than the cap and one chunk.
pub(crate) async fn read(response: &mut reqwest::Response, cap: usize) -> Result<(Vec<u8>, bool), Failure> {
    let announced = response.content_length().unwrap_or(0);
    if announced > cap as u64 {
        return Ok((Vec::new(), false));
    }
    let mut body = Vec::with_capacity((announced as usize).min(1024 * 1024));
    while let Some(chunk) = response.chunk().await.map_err(|e| transport(&e))? {
        let room = cap - body.len();
        if chunk.len() > room {
            body.extend_from_slice(&chunk[..room]);
            return Ok((body, false));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body, true))
}

fn text(body: Vec<u8>) -> Result<String, Failure> {
    let malformed = |reason: &str| Failure::last(ProviderError::malformed(reason));
    let mut body = String::from_utf8(body).map_err(|_| malformed("not UTF-8"))?;
    if body.starts_with('\u{feff}') {
        body.drain(..'\u{feff}'.len_utf8());
    }
    match body.trim_start().chars().next() {
        None => Err(malformed("empty body")),
        Some('<') => Err(malformed("HTML instead of JSON")),
        Some(_) => Ok(body),
    }
}

/// What a 4xx or 5xx means.
fn refusal(status: StatusCode, retry_after: Option<Duration>, body: &[u8], secret: &str, names: Resource) -> Failure {
    let status = status.as_u16();
    let (code, message) = words(body, secret);
    match status {
        404 => Failure::last(ProviderError::NotFound { resource: names }),
        429 => Failure { error: ProviderError::RateLimited { retry_after }, retry: true, retry_after },
        408 | 500.. => {
            let error = ProviderError::unavailable(format!("status {status}"));
            Failure { error, retry: true, retry_after }
        }
        _ => Failure { error: ProviderError::Rejected { status, code, message }, retry: status == 409, retry_after },
    }
}

/// The provider's code and message, from any of the shapes seen: `{"error":{…}}`, `{"error":"text"}`,
/// `{"code":404,"message":…}`. Anything else (HTML, nothing) has neither.
fn words(body: &[u8], secret: &str) -> (Option<String>, Option<String>) {
    #[derive(Deserialize)]
    struct Outer<'a> {
        #[serde(borrow, default)]
        error: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow, default)]
        code: Option<&'a RawValue>,
        #[serde(borrow, default)]
        message: Option<&'a RawValue>,
        #[serde(borrow, default, rename = "type")]
        kind: Option<&'a RawValue>,
    }
    let Ok(body) = std::str::from_utf8(body) else { return (None, None) };
    let inner = serde_json::from_str::<Outer<'_>>(body).ok().and_then(|outer| outer.error).map_or(body, RawValue::get);
    if let Ok(text) = serde_json::from_str::<String>(inner) {
        return (None, kept(&text, secret, MESSAGE_CHARS));
    }
    // serde would read an array as the struct's fields in order.
    let object = inner.trim_start().starts_with('{');
    let Some(inner) = serde_json::from_str::<Inner<'_>>(inner).ok().filter(|_| object) else { return (None, None) };
    let code = inner.code.and_then(scalar).or_else(|| inner.kind.and_then(scalar));
    (
        code.and_then(|code| kept(&code, secret, CODE_CHARS)),
        inner.message.and_then(scalar).and_then(|message| kept(&message, secret, MESSAGE_CHARS)),
    )
}

/// A JSON string's text or a number's literal.
fn scalar(value: &RawValue) -> Option<String> {
    let text = value.get();
    match text.as_bytes().first()? {
        b'"' => serde_json::from_str(text).ok(),
        b'-' | b'0'..=b'9' => Some(text.to_owned()),
        _ => None,
    }
}

fn kept(text: &str, secret: &str, limit: usize) -> Option<String> {
    Some(scrub(text, secret, limit)).filter(|text| !text.is_empty())
}

/// How long the provider asks to wait: `retry-after-ms`, else `Retry-After` in seconds or as an HTTP date.
/// A date in the past asks for nothing.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let seconds = |text: &str, unit: f64| {
        text.parse::<f64>()
            .ok()
            .filter(|n| *n >= 0.0)
            .map(|n| Duration::try_from_secs_f64(n / unit).unwrap_or(Duration::MAX))
    };
    if let Some(wait) = header("retry-after-ms").and_then(|text| seconds(text, 1000.0)) {
        return Some(wait);
    }
    let text = header(RETRY_AFTER.as_str())?;
    seconds(text, 1.0).or_else(|| {
        let date = httpdate::parse_http_date(text).ok()?;
        Some(date.duration_since(now).unwrap_or_default())
    })
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
