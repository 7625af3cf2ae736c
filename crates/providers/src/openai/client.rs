//! The client: where to, with which key, under which policy.

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};

use crate::base::BaseUrl;
use crate::error::{ProviderError, Resource};
use crate::http::{self, Answer, Call, CallPolicy};

/// Talks to one OpenAI organization with its admin key. Cheap to make; make one a key.
///
/// Implements [`CostSource`](crate::CostSource), [`UsageSource`](crate::UsageSource),
/// [`ProjectDirectory`](crate::ProjectDirectory) and [`ProjectControls`](crate::ProjectControls).
#[derive(Clone)]
pub struct OpenAiClient {
    http: reqwest::Client,
    base: BaseUrl,
    key: SecretString,
    policy: CallPolicy,
}

impl std::fmt::Debug for OpenAiClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAiClient").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl OpenAiClient {
    /// Takes the guarded HTTP client (it must not follow redirects), the base URL (`https://api.openai.com/v1`) and
    /// an admin key. Nothing is called.
    ///
    /// # Errors
    /// [`ProviderError::InvalidRequest`] when the base URL is not plain `http(s)://host…/path`, or the key is empty or
    /// holds characters that a header cannot.
    pub fn new(http: reqwest::Client, base_url: &str, key: SecretString) -> Result<Self, ProviderError> {
        let base = BaseUrl::parse(base_url)?;
        let client = Self { http, base, key, policy: CallPolicy::default() };
        client.headers()?;
        Ok(client)
    }

    /// The same client under other limits.
    #[must_use]
    pub fn with_policy(mut self, policy: CallPolicy) -> Self {
        self.policy = policy;
        self
    }

    pub(super) fn policy(&self) -> &CallPolicy {
        &self.policy
    }

    fn headers(&self) -> Result<HeaderMap, ProviderError> {
        let bad_key = ProviderError::InvalidRequest { reason: "the key holds characters that a key cannot have" };
        let key = self.key.expose_secret();
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(bad_key);
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| bad_key)?;
        value.set_sensitive(true);
        Ok(HeaderMap::from_iter([(AUTHORIZATION, value), (ACCEPT, HeaderValue::from_static("application/json"))]))
    }

    /// The URL of an endpoint. Each segment is one path segment whatever it holds.
    pub(super) fn url(&self, segments: &[&str]) -> Result<Url, ProviderError> {
        self.base.join(segments)
    }

    pub(super) async fn get(&self, url: Url, names: Resource) -> Result<Answer, ProviderError> {
        self.send(Call { method: Method::GET, url, json: None, names }).await
    }

    pub(super) async fn post(&self, url: Url, json: String, names: Resource) -> Result<Answer, ProviderError> {
        self.send(Call { method: Method::POST, url, json: Some(json), names }).await
    }

    pub(super) async fn delete(&self, url: Url, names: Resource) -> Result<Answer, ProviderError> {
        self.send(Call { method: Method::DELETE, url, json: None, names }).await
    }

    async fn send(&self, call: Call) -> Result<Answer, ProviderError> {
        http::send(&self.http, &self.policy, &self.headers()?, self.key.expose_secret(), &call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "the guarded client is the service's; nothing is called here")]
    fn client(base: &str, key: &str) -> Result<OpenAiClient, ProviderError> {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        OpenAiClient::new(http, base, SecretString::from(key))
    }

    #[test]
    fn bases_and_keys_are_checked_without_repeating_them() {
        assert!(client("https://api.openai.com/v1", "sk-admin-abc").is_ok());
        for base in [
            "",
            "api.openai.com",
            "ftp://h/v1",
            "file:///etc",
            "https://u:canary@h/v1",
            "https://h/v1?key=canary",
            "https://h/v1#canary",
            "data:text/plain,canary",
        ] {
            let error = client(base, "sk-admin-abc").unwrap_err();
            assert_eq!(error.user_reason(), "invalid_request", "{base}");
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
        for key in ["", "canary key", "canary\n", "canary\u{0}", "canarý"] {
            let error = client("https://h/v1", key).unwrap_err();
            assert_eq!(error.user_reason(), "invalid_request");
            assert!(!format!("{error} {error:?}").contains("canar"));
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", client("https://h/v1", "canary").unwrap());
        assert!(shown.contains("https://h/v1") && !shown.contains("canary"), "{shown}");
    }

    #[test]
    fn ids_stay_within_their_path_segment() {
        for base in ["https://h/v1", "https://h/v1/"] {
            let client = client(base, "k").unwrap();
            let url = |id: &str| client.url(&["organization", "projects", id]).map(|url| url.to_string());
            assert_eq!(url("proj_a").unwrap(), "https://h/v1/organization/projects/proj_a");
            assert_eq!(url("a/../b?c#d").unwrap(), "https://h/v1/organization/projects/a%2F..%2Fb%3Fc%23d");
            for bad in ["", ".", "..", "a\nb", &"x".repeat(257)] {
                assert_eq!(url(bad).unwrap_err().user_reason(), "invalid_request", "{bad}");
            }
        }
    }
}
