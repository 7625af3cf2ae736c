//! What is secret about a channel, as one document.

use std::borrow::Cow;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

/// What opens a channel. Only what its type needs is there.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    /// Slack's, or a webhook's.
    pub(super) url: Option<SecretString>,
    /// PagerDuty's.
    pub(super) routing_key: Option<SecretString>,
    /// What a webhook's requests are signed with.
    pub(super) secret: Option<SecretString>,
    /// What they were signed with before.
    pub(super) former_secret: Option<SecretString>,
    /// The mail server's.
    pub(super) password: Option<SecretString>,
    /// Of an account at who carries messages.
    pub(super) account_key: Option<SecretString>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    url: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    routing_key: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    secret: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    former_secret: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    password: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    account_key: Option<Cow<'a, str>>,
}

impl Kept {
    /// Whether there is nothing to keep.
    pub(super) fn is_empty(&self) -> bool {
        let all = [&self.url, &self.routing_key, &self.secret, &self.former_secret, &self.password, &self.account_key];
        all.iter().all(|one| one.is_none())
    }

    /// The document, to be sealed.
    ///
    /// # Errors
    /// None that texts can cause.
    pub(super) fn write(&self) -> serde_json::Result<SecretString> {
        fn text(secret: &Option<SecretString>) -> Option<Cow<'_, str>> {
            secret.as_ref().map(|secret| Cow::Borrowed(secret.expose_secret()))
        }
        let document = Document {
            url: text(&self.url),
            routing_key: text(&self.routing_key),
            secret: text(&self.secret),
            former_secret: text(&self.former_secret),
            password: text(&self.password),
            account_key: text(&self.account_key),
        };
        serde_json::to_string(&document).map(Into::into)
    }

    /// Reads an opened document.
    ///
    /// # Errors
    /// When it is none of ours.
    pub(super) fn read(text: &SecretString) -> serde_json::Result<Self> {
        let document: Document<'_> = serde_json::from_str(text.expose_secret())?;
        let secret = |text: Option<Cow<'_, str>>| text.map(|text| SecretString::from(text.into_owned()));
        Ok(Self {
            url: secret(document.url),
            routing_key: secret(document.routing_key),
            secret: secret(document.secret),
            former_secret: secret(document.former_secret),
            password: secret(document.password),
            account_key: secret(document.account_key),
        })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::Kept;

    #[test]
    fn what_is_kept_is_read_back_and_not_shown() {
        let kept = Kept {
            url: Some("https://hooks.example.com/\"quoted\"".into()),
            password: Some("p\\w".into()),
            ..Kept::default()
        };
        let text = kept.write().unwrap();
        let read = Kept::read(&text).unwrap();
        assert_eq!(read.url.unwrap().expose_secret(), "https://hooks.example.com/\"quoted\"");
        assert_eq!(read.password.unwrap().expose_secret(), "p\\w");
        assert!(read.routing_key.is_none() && read.secret.is_none());
        assert!(!kept.is_empty() && Kept::default().is_empty());
        assert!(!format!("{kept:?}").contains("quoted"));
    }
}
