//! The provider's error answers.

use serde_json::{Value, json};

use crate::faults::ErrorShape;

/// An error answer.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) message: String,
    kind: &'static str,
    param: Option<String>,
    code: Option<String>,
}

impl ApiError {
    fn new(status: u16, message: String) -> Self {
        Self { status, message, kind: "invalid_request_error", param: None, code: None }
    }

    fn code(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    fn param(mut self, param: &str) -> Self {
        self.param = Some(param.to_owned());
        self
    }

    /// 400 about one parameter.
    pub(crate) fn invalid(param: &str, message: String, code: &str) -> Self {
        Self::new(400, message).param(param).code(code)
    }

    /// 400 about what is asked as a whole.
    pub(crate) fn refused(message: &str) -> Self {
        Self::new(400, message.to_owned())
    }

    /// 404 for something that this organization does not have.
    pub(crate) fn missing(what: &str, id: &str) -> Self {
        Self::new(404, format!("{what} with id '{id}' not found.")).code("not_found")
    }

    /// 404 for a limit that was never set.
    pub(crate) fn no_limit() -> Self {
        Self::new(404, "No spend limit is configured.".to_owned()).code("spend_limit_not_found")
    }

    /// 404 or 405 for a URL that does not exist.
    pub(crate) fn unknown_url(method: &str, path: &str) -> Self {
        Self::new(404, format!("Invalid URL ({method} {path})")).code("unknown_url")
    }

    /// 401 without a key.
    pub(crate) fn no_key() -> Self {
        let message = "You didn't provide an API key. You need to provide your API key in an Authorization header \
            using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";
        Self::new(401, message.to_owned())
    }

    /// 401 for a key that is unknown or revoked; like the provider's, the message repeats the key's ends.
    pub(crate) fn invalid_key(key: &str) -> Self {
        let tail: String = key.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
        let head: String = key.chars().take(8).collect();
        let message = format!(
            "Incorrect API key provided: {head}***{tail}. You can find your API key at \
            https://platform.openai.com/account/api-keys."
        );
        Self::new(401, message).code("invalid_api_key")
    }

    /// 403 for a key without a scope.
    pub(crate) fn missing_scope(scope: &str) -> Self {
        Self::new(
            403,
            format!(
                "You have insufficient permissions for this operation. Missing scopes: {scope}. Check that you have \
                the correct role in your organization, and if you're using a restricted API key, that it has the \
                necessary scopes."
            ),
        )
    }

    /// The error that a status fault stands for.
    pub(crate) fn of_status(
        status: u16,
        key: &str,
        waits: bool,
        code: Option<String>,
        message: Option<String>,
    ) -> Self {
        let mut error = match status {
            401 => Self::invalid_key(key),
            403 => Self::missing_scope("api.usage.read"),
            404 => Self::missing("Object", "unknown").code("not_found"),
            429 if waits => Self::new(429, "Rate limit reached for organization. Please try again later.".to_owned())
                .code("rate_limit_exceeded"),
            429 => Self::new(
                429,
                "You exceeded your current quota, please check your plan and billing details.".to_owned(),
            )
            .code("insufficient_quota"),
            500.. => {
                Self::new(status, "The server had an error while processing your request. Sorry about that!".to_owned())
            }
            _ => Self::new(status, "The request was rejected.".to_owned()),
        };
        match status {
            429 => error.kind = if waits { "requests" } else { "insufficient_quota" },
            500.. => error.kind = "server_error",
            _ => {}
        }
        error.code = code.or(error.code);
        error.message = message.unwrap_or(error.message);
        error
    }

    /// The body in one of the shapes observed.
    pub(crate) fn body(&self, shape: ErrorShape) -> Value {
        match shape {
            ErrorShape::Object => json!({ "error": {
                "message": self.message, "type": self.kind, "param": self.param, "code": self.code,
            }}),
            ErrorShape::Text => json!({ "error": self.message }),
            ErrorShape::Bare => json!({ "code": self.status, "message": self.message }),
        }
    }
}
