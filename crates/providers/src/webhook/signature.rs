//! Secrets and signatures of Standard Webhooks.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::error::ProviderError;

const PREFIX: &str = "whsec_";

/// A webhook's secret: 24 to 64 bytes, as text in base64 after `whsec_`.
#[derive(Clone)]
pub struct WebhookSecret(hmac::Key);

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret")
    }
}

impl WebhookSecret {
    /// Reads a secret's text; the prefix may be missing.
    ///
    /// # Errors
    /// [`ProviderError::InvalidRequest`] when it is not base64 of 24 to 64 bytes.
    pub fn parse(text: &SecretString) -> Result<Self, ProviderError> {
        let text = text.expose_secret();
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text)).ok();
        let bytes = bytes.filter(|bytes| (24..=64).contains(&bytes.len()));
        let bytes = bytes.ok_or(ProviderError::InvalidRequest { reason: "the webhook's secret is not one" })?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The text of a new secret, made of the caller's random bytes: to be shown once and kept encrypted.
    pub fn text(bytes: &[u8; 32]) -> SecretString {
        format!("{PREFIX}{}", STANDARD.encode(bytes)).into()
    }

    /// One signature, `v1,…`. `timestamp` is the attempt's, in Unix seconds.
    pub(super) fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let mut signing = hmac::Context::with_key(&self.0);
        signing.update(format!("{id}.{timestamp}.").as_bytes());
        signing.update(body);
        format!("v1,{}", STANDARD.encode(signing.sign()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Vector {
        secret: String,
        #[serde(rename = "webhook-id")]
        id: String,
        #[serde(rename = "webhook-timestamp")]
        timestamp: String,
        body: String,
        #[serde(rename = "webhook-signature")]
        signature: String,
    }

    #[test]
    fn the_published_vector_is_met() {
        let text = include_str!("../../tests/data/standard-webhooks.vector.json");
        let vector: Vector = serde_json::from_str(text).unwrap();
        let secret = WebhookSecret::parse(&vector.secret.into()).unwrap();
        let timestamp = vector.timestamp.parse().unwrap();
        assert_eq!(secret.sign(&vector.id, timestamp, vector.body.as_bytes()), vector.signature);
        assert_ne!(secret.sign(&vector.id, timestamp + 1, vector.body.as_bytes()), vector.signature);
    }

    #[test]
    fn secrets_are_read_back_and_checked() {
        let text = WebhookSecret::text(&[7; 32]);
        assert!(text.expose_secret().starts_with("whsec_BwcHBwcH"));
        assert!(WebhookSecret::parse(&text).is_ok());
        for bad in
            ["", "whsec_", "whsec_!!!!", &format!("whsec_{}", STANDARD.encode([1; 23])), &STANDARD.encode([1; 65])]
        {
            let error = WebhookSecret::parse(&SecretString::from(bad)).unwrap_err();
            assert_eq!(error.user_reason(), "invalid_request", "{bad}");
        }
        assert_eq!(format!("{:?}", WebhookSecret::parse(&text).unwrap()), "WebhookSecret");
    }
}
