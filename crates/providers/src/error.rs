//! What can go wrong when talking to a provider, sorted by what the caller can do about it.

use std::time::Duration;

/// A call to a provider that did not succeed.
///
/// No variant ever holds a key, a header or a raw body: text that came from the provider has been scrubbed of
/// anything that looks like a secret and cut short.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider understood and refused (a 4xx not listed below). 401 and 403 alike mean the key is wrong, revoked
    /// or lacks the scope: see [`is_unauthorized`](Self::is_unauthorized).
    #[error("provider refused with status {status}{}{}", detail(" ", code.as_deref()), detail(": ", message.as_deref()))]
    Rejected {
        /// HTTP status.
        status: u16,
        /// The provider's own error code, such as `invalid_api_key`.
        code: Option<String>,
        /// The provider's own words, scrubbed and at most 300 characters. For operators; not for end users.
        message: Option<String>,
    },
    /// What the call named does not exist, or this key may not see it.
    #[error("{resource} not found at the provider")]
    NotFound {
        /// What kind of thing was named.
        resource: Resource,
    },
    /// Too many requests, and the wait asked for is longer than the policy allows or the attempts are used up.
    #[error("provider rate limit reached")]
    RateLimited {
        /// How long the provider asked to wait; None when it did not say (the account may have to act).
        retry_after: Option<Duration>,
    },
    /// No usable answer: 5xx, 408, no connection, connection cut, timeout.
    #[error("provider unavailable: {reason}")]
    Unavailable {
        /// Short and fixed, such as `status 503` or `timeout`.
        reason: String,
    },
    /// An answer that is not what the interface promises: HTML, a redirect, truncated JSON, wrong types, an amount
    /// that cannot be read exactly, token parts that exceed their whole.
    #[error("provider answer malformed: {reason}")]
    Malformed {
        /// Where and how, in our words; never quotes the body.
        reason: String,
    },
    /// The answer exceeds the size the policy allows; reading stopped there.
    #[error("provider answer larger than {limit} bytes")]
    TooLarge {
        /// The cap, in bytes.
        limit: usize,
    },
    /// The pages do not make one finite list: a cursor is missing or repeated, a page came twice, or there are too many.
    #[error("provider paging broken: {reason}")]
    BrokenPaging {
        /// In our words.
        reason: &'static str,
    },
    /// The call was never made: what the caller asked for is not valid.
    #[error("invalid request to provider: {reason}")]
    InvalidRequest {
        /// In our words.
        reason: &'static str,
    },
}

/// What a call named, for [`ProviderError::NotFound`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// A provider project (`proj_…`), or something below it when the provider does not say which part is missing.
    Project,
    /// A key of a project.
    ApiKey,
    /// A rate limit of a project.
    RateLimit,
    /// A spend limit.
    SpendLimit,
    /// The endpoint itself: the base URL is probably wrong.
    Endpoint,
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Project => "project",
            Self::ApiKey => "API key",
            Self::RateLimit => "rate limit",
            Self::SpendLimit => "spend limit",
            Self::Endpoint => "endpoint",
        })
    }
}

impl ProviderError {
    /// Whether the same call may succeed later without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable { .. } | Self::Rejected { status: 409, .. })
    }

    /// Whether the key itself was refused: wrong, revoked, or without the scope (401 and 403 alike).
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Rejected { status: 401 | 403, .. })
    }

    /// A stable code to store, translate and show. Never changes once released.
    pub fn user_reason(&self) -> &'static str {
        match self {
            Self::Rejected { status: 401 | 403, .. } => "unauthorized",
            Self::Rejected { .. } => "rejected",
            Self::NotFound { resource: Resource::Project } => "project_not_found",
            Self::NotFound { resource: Resource::ApiKey } => "api_key_not_found",
            Self::NotFound { resource: Resource::RateLimit } => "rate_limit_not_found",
            Self::NotFound { resource: Resource::SpendLimit } => "spend_limit_not_found",
            Self::NotFound { resource: Resource::Endpoint } => "endpoint_not_found",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable { .. } => "unavailable",
            Self::Malformed { .. } => "malformed",
            Self::TooLarge { .. } => "too_large",
            Self::BrokenPaging { .. } => "broken_paging",
            Self::InvalidRequest { .. } => "invalid_request",
        }
    }

    pub(crate) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed { reason: reason.into() }
    }

    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into() }
    }
}

fn detail(separator: &str, text: Option<&str>) -> String {
    text.map(|text| format!("{separator}{text}")).unwrap_or_default()
}

/// Text from a provider made fit to keep: the key in use and everything that looks like a key (`sk-…`, `Bearer …`) is
/// replaced, control characters become spaces, and at most `limit` characters remain.
///
/// OpenAI's own 401 repeats the key, masked in the middle; other servers may repeat it whole.
pub(crate) fn scrub(text: &str, secret: &str, limit: usize) -> String {
    // Cut before scanning, generously, so that a huge message costs nothing; the final cut comes last, because
    // cutting first could leave the head of a secret that is no longer recognised.
    let head: String = text.chars().take(limit * 4 + 1024).collect();
    let head = if secret.is_empty() { head } else { head.replace(secret, "[redacted]") };
    let mut words = Vec::new();
    let mut hide_next = false;
    for word in head.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        let secret_like = word.contains("sk-") || hide_next;
        hide_next = word.to_ascii_lowercase().ends_with("bearer");
        words.push(if secret_like { "[redacted]" } else { word });
    }
    words.join(" ").chars().take(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrubbing_removes_keys_whole_masked_and_cut() {
        let key = "canary-0123456789";
        assert_eq!(scrub("Incorrect key canary-0123456789.", key, 300), "Incorrect key [redacted].");
        assert_eq!(
            scrub("Incorrect API key provided: sk-admin-****cdef. See", key, 300),
            "Incorrect API key provided: [redacted] See"
        );
        assert_eq!(scrub("sent Bearer abc\u{0}\n ok", key, 300), "sent Bearer [redacted] ok");
        let long = format!("{}{key}", "x".repeat(295));
        assert!(!scrub(&long, key, 300).contains("canar"));
        assert_eq!(scrub("한국어 오류", "", 3), "한국어");
    }

    #[test]
    fn reasons_are_stable_and_transience_is_right() {
        let rejected = |status| ProviderError::Rejected { status, code: None, message: None };
        for (error, reason, transient) in [
            (rejected(401), "unauthorized", false),
            (rejected(403), "unauthorized", false),
            (rejected(400), "rejected", false),
            (rejected(409), "rejected", true),
            (ProviderError::NotFound { resource: Resource::Project }, "project_not_found", false),
            (ProviderError::NotFound { resource: Resource::Endpoint }, "endpoint_not_found", false),
            (ProviderError::RateLimited { retry_after: None }, "rate_limited", true),
            (ProviderError::unavailable("timeout"), "unavailable", true),
            (ProviderError::malformed("x"), "malformed", false),
            (ProviderError::TooLarge { limit: 1 }, "too_large", false),
            (ProviderError::BrokenPaging { reason: "x" }, "broken_paging", false),
            (ProviderError::InvalidRequest { reason: "x" }, "invalid_request", false),
        ] {
            assert_eq!(error.user_reason(), reason);
            assert_eq!(error.is_transient(), transient, "{error}");
        }
        let shown = ProviderError::Rejected { status: 400, code: Some("bad".into()), message: Some("No.".into()) };
        assert_eq!(shown.to_string(), "provider refused with status 400 bad: No.");
        assert_eq!(rejected(403).to_string(), "provider refused with status 403");
    }
}
