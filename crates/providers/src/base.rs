//! A vendor's base URL, as the operator configured it.

use reqwest::Url;

use crate::error::ProviderError;

/// A plain `http(s)://host…/path`.
#[derive(Clone)]
pub(crate) struct BaseUrl(Url);

impl BaseUrl {
    /// Refuses anything beyond a path: it would end up in logs (user info) or be lost (query, fragment).
    pub(crate) fn parse(text: &str) -> Result<Self, ProviderError> {
        let bad = ProviderError::InvalidRequest { reason: "the base URL is not a plain http(s) URL" };
        let url = Url::parse(text).map_err(|_| bad.clone())?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if plain { Ok(Self(url)) } else { Err(bad) }
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The URL of an endpoint. Each segment is one path segment whatever it holds.
    pub(crate) fn join(&self, segments: &[&str]) -> Result<Url, ProviderError> {
        let invalid = |reason| ProviderError::InvalidRequest { reason };
        for segment in segments {
            let dots = matches!(*segment, "." | "..");
            if segment.is_empty() || segment.len() > 256 || dots || segment.chars().any(char::is_control) {
                return Err(invalid("an id is empty, too long or not an id"));
            }
        }
        let mut url = self.0.clone();
        url.path_segments_mut()
            .map_err(|()| invalid("the base URL is not a plain http(s) URL"))?
            .pop_if_empty()
            .extend(segments);
        Ok(url)
    }
}
