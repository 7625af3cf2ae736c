//! JSON over plain HTTP on loopback: all that filling the demo and waiting for a server need.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body; `Null` when it is empty or not JSON.
    pub(crate) body: Value,
}

impl Answer {
    /// The body of a success.
    ///
    /// # Errors
    /// For any status but 2xx, with the problem's words.
    pub(crate) fn success(self, what: &str) -> Result<Value> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        let text = |name: &str| self.body.get(name).and_then(Value::as_str).unwrap_or_default();
        anyhow::bail!("{what}: the service answered {} {} {}", self.status, text("code"), text("detail"))
    }

    /// The machine-readable code of a problem, or nothing.
    pub(crate) fn code(&self) -> &str {
        self.body.get("code").and_then(Value::as_str).unwrap_or_default()
    }
}

/// A server on loopback.
pub(crate) struct Client {
    agent: ureq::Agent,
    base: String,
    token: Option<String>,
}

impl Client {
    /// A client of the server at `base`, such as `http://127.0.0.1:8080`.
    pub(crate) fn new(base: &str) -> Self {
        Self::patient(base, Duration::from_secs(30))
    }

    /// The same, waiting up to `limit` for an answer.
    pub(crate) fn patient(base: &str, limit: Duration) -> Self {
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).proxy(None).timeout_global(Some(limit)).build();
        Self { agent: config.into(), base: base.trim_end_matches('/').to_owned(), token: None }
    }

    /// Sends this access token from now on.
    pub(crate) fn authorize(&mut self, token: &str) {
        self.token = Some(format!("Bearer {token}"));
    }

    /// One request; `body` is sent as JSON.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let body = body.map(serde_json::to_string).transpose()?;
        self.ask(method, path, body.map(|text| ("application/json", text)))
    }

    /// Posts a text of some other kind.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) fn upload(&self, path: &str, kind: &str, text: &str) -> Result<Answer> {
        self.ask("POST", path, Some((kind, text.to_owned())))
    }

    fn ask(&self, method: &str, path: &str, body: Option<(&str, String)>) -> Result<Answer> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("accept", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", token);
        }
        let sent = match body {
            Some((kind, text)) => self.agent.run(request.header("content-type", kind).body(text)?),
            None => self.agent.run(request.body(())?),
        };
        let mut answer = sent.with_context(|| format!("no answer to {method} {path}"))?;
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        Ok(Answer { status: answer.status().as_u16(), body: serde_json::from_str(&text).unwrap_or(Value::Null) })
    }
}
