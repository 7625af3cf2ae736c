//! What the mail services have in common: who writes to whom, and by HTTP how.

use lettre::message::Mailbox;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::base::BaseUrl;
use crate::error::ProviderError;
use crate::notice::{NotifyError, NotifyPolicy};
use crate::post::{self, JSON, Post, Reply};

/// Longest subject, in characters: more is not shown anywhere.
pub(crate) const SUBJECT: usize = 250;

/// Sender and recipients. The recipients see each other; whom that must not happen to gets a client of their own.
#[derive(Debug, Clone)]
pub struct MailRoute {
    pub(crate) from: Mailbox,
    pub(crate) to: Vec<Mailbox>,
}

impl MailRoute {
    /// Takes addresses as `mail@example.com` or `Name <mail@example.com>`; who comes twice is written to once.
    ///
    /// # Errors
    /// [`ProviderError::InvalidRequest`] when one is none, or there are no recipients or more than 50.
    pub fn new<S: AsRef<str>>(from: &str, to: impl IntoIterator<Item = S>) -> Result<Self, ProviderError> {
        let parse = |text: &str| text.trim().parse::<Mailbox>().ok();
        let invalid = |reason| ProviderError::InvalidRequest { reason };
        let from = parse(from).ok_or(invalid("the sender is not a mail address"))?;
        let mut recipients: Vec<Mailbox> = Vec::new();
        for text in to {
            let mailbox = parse(text.as_ref()).ok_or(invalid("a recipient is not a mail address"))?;
            let address = |mailbox: &Mailbox| mailbox.email.to_string().to_ascii_lowercase();
            if !recipients.iter().any(|known| address(known) == address(&mailbox)) {
                recipients.push(mailbox);
            }
        }
        if !(1..=50).contains(&recipients.len()) {
            return Err(invalid("a mail has 1 to 50 recipients"));
        }
        Ok(Self { from, to: recipients })
    }
}

/// A service's API for mail, with a key of it.
#[derive(Clone)]
pub(crate) struct MailApi {
    pub(crate) route: MailRoute,
    pub(crate) policy: NotifyPolicy,
    http: reqwest::Client,
    base: BaseUrl,
    key: SecretString,
    authorization: HeaderValue,
}

impl std::fmt::Debug for MailApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailApi").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl MailApi {
    /// Takes an HTTP client that does not follow redirects, the base URL, a key, and who writes to whom.
    ///
    /// # Errors
    /// [`ProviderError::InvalidRequest`] when the base URL or the key is none.
    pub(crate) fn new(
        http: reqwest::Client,
        base_url: &str,
        key: SecretString,
        route: MailRoute,
    ) -> Result<Self, ProviderError> {
        let (base, authorization) = (BaseUrl::parse(base_url)?, post::bearer(&key)?);
        Ok(Self { route, policy: NotifyPolicy::default(), http, base, key, authorization })
    }

    /// What must not be told, should an answer repeat it.
    pub(crate) fn secret(&self) -> &str {
        self.key.expose_secret()
    }

    /// Posts a mail to an endpoint.
    ///
    /// # Errors
    /// When no answer came.
    pub(crate) async fn post(
        &self,
        path: &[&str],
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
        mail: &impl Serialize,
    ) -> Result<Reply, NotifyError> {
        let url = post::endpoint(&self.base, path)?;
        let mut all = HeaderMap::from_iter([(AUTHORIZATION, self.authorization.clone())]);
        all.extend(headers);
        let body = post::json(mail)?;
        post::post(&self.http, &self.policy, Post { url, headers: all, content_type: JSON, body }).await
    }
}

#[cfg(test)]
mod tests {
    use super::MailRoute;

    #[test]
    fn addresses_are_parsed_and_told_apart() {
        let route = MailRoute::new("FinOps <a@example.com>", ["b@example.com", "B <B@example.com>", "c@example.com"]);
        let to: Vec<String> = route.unwrap().to.iter().map(ToString::to_string).collect();
        assert_eq!(to, ["b@example.com", "c@example.com"]);
        for (from, to) in
            [("a", vec!["b@example.com"]), ("a@example.com", vec![]), ("a@example.com", vec!["b\r\nBcc: c@d"])]
        {
            assert_eq!(MailRoute::new(from, to).unwrap_err().user_reason(), "invalid_request");
        }
        assert!(MailRoute::new("a@example.com", (0..51).map(|n| format!("u{n}@example.com"))).is_err());
    }
}
