//! Where clients of the providers come from.

use finops_providers::{CallPolicy, OpenAiClient, ProviderError};
use secrecy::SecretString;

use super::config::Config;
use super::outbound;

/// Makes clients of the providers, all over one guarded HTTP client.
#[derive(Clone, Debug)]
pub struct Providers {
    http: reqwest::Client,
    openai_base_url: String,
    interactive: CallPolicy,
    background: CallPolicy,
}

impl Providers {
    /// Clients of the base URLs that the operator configured.
    ///
    /// # Errors
    /// When the TLS backend cannot be set up.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            http: outbound::operator_client()?,
            openai_base_url: config.openai_base_url.clone(),
            interactive: CallPolicy::interactive(),
            background: CallPolicy::default(),
        })
    }

    /// The same with other patience, for tests.
    #[must_use]
    pub fn with_policy(self, policy: CallPolicy) -> Self {
        Self { interactive: policy.clone(), background: policy, ..self }
    }

    /// The guarded client itself, for other addresses that the operator gives.
    pub const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// A client for somebody who waits for the answer.
    ///
    /// # Errors
    /// When the key cannot be a header.
    pub fn openai_interactive(&self, key: SecretString) -> Result<OpenAiClient, ProviderError> {
        Ok(OpenAiClient::new(self.http.clone(), &self.openai_base_url, key)?.with_policy(self.interactive.clone()))
    }

    /// A client for work in the background.
    ///
    /// # Errors
    /// When the key cannot be a header.
    pub fn openai_background(&self, key: SecretString) -> Result<OpenAiClient, ProviderError> {
        Ok(OpenAiClient::new(self.http.clone(), &self.openai_base_url, key)?.with_policy(self.background.clone()))
    }
}
