//! `/organization/projects/{id}/api_keys` and the one implementation of [`ProjectControls`]; limits are in `limits`.

use async_trait::async_trait;
use reqwest::Url;
use serde::Deserialize;

use super::client::OpenAiClient;
use super::wire::{Deleted, List, Seconds, said};
use crate::capabilities::{
    ApiKeyPage, Cursor, ProjectApiKey, ProjectControls, RateLimit, RateLimitPage, RateLimitUpdate, SpendLimit,
    SpendScope,
};
use crate::error::{ProviderError, Resource};
use crate::http::Answer;

#[async_trait]
impl ProjectControls for OpenAiClient {
    async fn list_project_api_keys(
        &self,
        project_id: &str,
        page: Option<&Cursor>,
    ) -> Result<ApiKeyPage, ProviderError> {
        let mut url = self.list_url(&["organization", "projects", project_id, "api_keys"], page)?;
        // Without it keys whose owner has left the project are not listed, and those are the ones to worry about.
        url.query_pairs_mut().append_pair("owner_project_access", "any");
        read_keys(&self.get(url, Resource::Project).await?)
    }

    async fn delete_project_api_key(&self, project_id: &str, key_id: &str) -> Result<(), ProviderError> {
        let url = self.url(&["organization", "projects", project_id, "api_keys", key_id])?;
        let done: Deleted = self.delete(url, Resource::ApiKey).await?.json("API key deletion")?;
        if done.deleted {
            Ok(())
        } else {
            Err(ProviderError::malformed("API key deletion: not deleted, without a reason"))
        }
    }

    async fn list_rate_limits(&self, project_id: &str, page: Option<&Cursor>) -> Result<RateLimitPage, ProviderError> {
        self.rate_limits(project_id, page).await
    }

    async fn update_rate_limit(
        &self,
        project_id: &str,
        rate_limit_id: &str,
        update: &RateLimitUpdate,
    ) -> Result<RateLimit, ProviderError> {
        self.change_rate_limit(project_id, rate_limit_id, update).await
    }

    async fn get_spend_limit(&self, scope: &SpendScope) -> Result<Option<SpendLimit>, ProviderError> {
        self.spend_limit(scope).await
    }

    async fn set_spend_limit(&self, scope: &SpendScope, threshold_cents: u64) -> Result<SpendLimit, ProviderError> {
        self.change_spend_limit(scope, threshold_cents).await
    }

    async fn delete_spend_limit(&self, scope: &SpendScope) -> Result<bool, ProviderError> {
        self.remove_spend_limit(scope).await
    }
}

impl OpenAiClient {
    pub(super) fn list_url(&self, segments: &[&str], page: Option<&Cursor>) -> Result<Url, ProviderError> {
        let mut url = self.url(segments)?;
        url.query_pairs_mut().append_pair("limit", "100");
        if let Some(page) = page {
            url.query_pairs_mut().append_pair("after", page.as_str());
        }
        Ok(url)
    }
}

fn read_keys(answer: &Answer) -> Result<ApiKeyPage, ProviderError> {
    let list: List<WireKey> = answer.json("project API keys")?;
    let next = list.next(|key| &key.id)?;
    Ok(ApiKeyPage { keys: list.data.into_iter().map(ProjectApiKey::from).collect(), next })
}

#[derive(Deserialize)]
struct WireKey {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    redacted_value: Option<String>,
    #[serde(default)]
    created_at: Option<Seconds>,
    #[serde(default)]
    last_used_at: Option<Seconds>,
    #[serde(default)]
    owner_project_access: Option<String>,
    #[serde(default)]
    owner: Option<WireOwner>,
}

#[derive(Deserialize)]
struct WireOwner {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    user: Option<WirePerson>,
    #[serde(default)]
    service_account: Option<WirePerson>,
}

#[derive(Deserialize)]
struct WirePerson {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

impl From<WireKey> for ProjectApiKey {
    fn from(wire: WireKey) -> Self {
        let (service_account, person) = match wire.owner {
            None => (false, None),
            Some(owner) => {
                let service = owner.kind.as_deref() == Some("service_account") || owner.service_account.is_some();
                (service, owner.service_account.or(owner.user))
            }
        };
        let (owner_id, owner_name) = person.map_or((None, None), |person| (said(person.id), said(person.name)));
        Self {
            id: wire.id,
            name: said(wire.name),
            redacted_value: said(wire.redacted_value),
            created_at: wire.created_at.map(|at| at.0),
            last_used_at: wire.last_used_at.map(|at| at.0),
            owner_has_access: wire.owner_project_access.map(|access| access == "active"),
            service_account,
            owner_id,
            owner_name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_keys_of_people_and_service_accounts() {
        let read = |body: &str| {
            read_keys(&Answer { headers: Default::default(), body: body.to_owned() }).unwrap().keys.remove(0)
        };
        let key = read(include_str!("../../tests/data/openai.get.projects.project_id.api_keys.json"));
        assert_eq!((key.id.as_str(), key.redacted_value.as_deref()), ("key_abc", Some("sk-abc...def")));
        assert_eq!(
            (key.service_account, key.owner_has_access, key.owner_name.as_deref()),
            (false, Some(true), Some("First Last"))
        );
        let key = read(
            r#"{"data":[{"id":"k","last_used_at":null,"owner":{"type":"service_account","service_account":{"id":"sa_1","name":"bot"}}}]}"#,
        );
        assert_eq!((key.service_account, key.owner_id.as_deref(), key.last_used_at), (true, Some("sa_1"), None));
    }
}
