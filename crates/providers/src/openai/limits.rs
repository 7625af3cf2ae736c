//! Rate limits of a project and spend limits: OpenAI's own ways to stop someone.

use serde::{Deserialize, Serialize};

use super::client::OpenAiClient;
use super::wire::{Count, Deleted, List, currency};
use crate::capabilities::{Cursor, RateLimit, RateLimitPage, RateLimitUpdate, SpendLimit, SpendScope};
use crate::error::{ProviderError, Resource};
use crate::http::Answer;

impl OpenAiClient {
    pub(super) async fn rate_limits(
        &self,
        project_id: &str,
        page: Option<&Cursor>,
    ) -> Result<RateLimitPage, ProviderError> {
        let url = self.list_url(&["organization", "projects", project_id, "rate_limits"], page)?;
        read_rate_limits(&self.get(url, Resource::Project).await?)
    }

    pub(super) async fn change_rate_limit(
        &self,
        project_id: &str,
        rate_limit_id: &str,
        update: &RateLimitUpdate,
    ) -> Result<RateLimit, ProviderError> {
        if *update == RateLimitUpdate::default() {
            return Err(ProviderError::InvalidRequest { reason: "the update changes nothing" });
        }
        let url = self.url(&["organization", "projects", project_id, "rate_limits", rate_limit_id])?;
        let answer = self.post(url, json(&WireUpdate::from(update))?, Resource::RateLimit).await?;
        answer.json::<WireRateLimit>("rate limit").map(RateLimit::from)
    }

    pub(super) async fn spend_limit(&self, scope: &SpendScope) -> Result<Option<SpendLimit>, ProviderError> {
        match self.get(self.url(&segments(scope))?, Resource::SpendLimit).await {
            Ok(answer) => read_spend_limit(&answer).map(Some),
            Err(ProviderError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn change_spend_limit(
        &self,
        scope: &SpendScope,
        threshold_cents: u64,
    ) -> Result<SpendLimit, ProviderError> {
        if threshold_cents == 0 {
            return Err(ProviderError::InvalidRequest { reason: "a spend limit is at least one cent" });
        }
        let names = match scope {
            SpendScope::Organization => Resource::Endpoint,
            SpendScope::Project(_) => Resource::Project,
        };
        let body = json(&WireSpendUpdate { threshold_amount: threshold_cents, currency: "USD", interval: "month" })?;
        read_spend_limit(&self.post(self.url(&segments(scope))?, body, names).await?)
    }

    pub(super) async fn remove_spend_limit(&self, scope: &SpendScope) -> Result<bool, ProviderError> {
        match self.delete(self.url(&segments(scope))?, Resource::SpendLimit).await {
            Ok(answer) => answer.json::<Deleted>("spend limit deletion").map(|done| done.deleted),
            Err(ProviderError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn segments(scope: &SpendScope) -> Vec<&str> {
    match scope {
        SpendScope::Organization => vec!["organization", "spend_limit"],
        SpendScope::Project(id) => vec!["organization", "projects", id, "spend_limit"],
    }
}

fn json(body: &impl Serialize) -> Result<String, ProviderError> {
    serde_json::to_string(body).map_err(|_| ProviderError::InvalidRequest { reason: "the request could not be built" })
}

fn read_rate_limits(answer: &Answer) -> Result<RateLimitPage, ProviderError> {
    let list: List<WireRateLimit> = answer.json("rate limits")?;
    let next = list.next(|limit| &limit.id)?;
    Ok(RateLimitPage { limits: list.data.into_iter().map(RateLimit::from).collect(), next })
}

fn read_spend_limit(answer: &Answer) -> Result<SpendLimit, ProviderError> {
    let wire: WireSpendLimit = answer.json("spend limit")?;
    Ok(SpendLimit {
        threshold_cents: wire.threshold_amount.0,
        currency: currency(&wire.currency)?,
        interval: wire.interval,
        enforcing: wire.enforcement.and_then(|enforcement| enforcement.status).map(|status| status == "enforcing"),
    })
}

#[derive(Deserialize)]
struct WireRateLimit {
    id: String,
    model: String,
    #[serde(default)]
    max_requests_per_1_minute: Option<Count>,
    #[serde(default)]
    max_tokens_per_1_minute: Option<Count>,
    #[serde(default)]
    max_images_per_1_minute: Option<Count>,
    #[serde(default)]
    max_audio_megabytes_per_1_minute: Option<Count>,
    #[serde(default)]
    max_requests_per_1_day: Option<Count>,
    #[serde(default)]
    batch_1_day_max_input_tokens: Option<Count>,
}

impl From<WireRateLimit> for RateLimit {
    fn from(wire: WireRateLimit) -> Self {
        let number = |count: Option<Count>| count.map(|count| count.0);
        Self {
            id: wire.id,
            model: wire.model,
            limits: RateLimitUpdate {
                max_requests_per_1_minute: number(wire.max_requests_per_1_minute),
                max_tokens_per_1_minute: number(wire.max_tokens_per_1_minute),
                max_images_per_1_minute: number(wire.max_images_per_1_minute),
                max_audio_megabytes_per_1_minute: number(wire.max_audio_megabytes_per_1_minute),
                max_requests_per_1_day: number(wire.max_requests_per_1_day),
                batch_1_day_max_input_tokens: number(wire.batch_1_day_max_input_tokens),
            },
        }
    }
}

#[derive(Serialize)]
struct WireUpdate {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_requests_per_1_minute: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens_per_1_minute: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_images_per_1_minute: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_audio_megabytes_per_1_minute: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_requests_per_1_day: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_1_day_max_input_tokens: Option<u64>,
}

impl From<&RateLimitUpdate> for WireUpdate {
    fn from(update: &RateLimitUpdate) -> Self {
        Self {
            max_requests_per_1_minute: update.max_requests_per_1_minute,
            max_tokens_per_1_minute: update.max_tokens_per_1_minute,
            max_images_per_1_minute: update.max_images_per_1_minute,
            max_audio_megabytes_per_1_minute: update.max_audio_megabytes_per_1_minute,
            max_requests_per_1_day: update.max_requests_per_1_day,
            batch_1_day_max_input_tokens: update.batch_1_day_max_input_tokens,
        }
    }
}

#[derive(Serialize)]
struct WireSpendUpdate {
    threshold_amount: u64,
    currency: &'static str,
    interval: &'static str,
}

#[derive(Deserialize)]
struct WireSpendLimit {
    threshold_amount: Count,
    currency: String,
    interval: String,
    #[serde(default)]
    enforcement: Option<WireEnforcement>,
}

#[derive(Deserialize)]
struct WireEnforcement {
    #[serde(default)]
    status: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Answer {
        Answer { headers: Default::default(), body: body.to_owned() }
    }

    #[test]
    fn reads_the_published_examples() {
        let page =
            read_rate_limits(&answer(include_str!("../../tests/data/openai.get.projects.project_id.rate_limits.json")))
                .unwrap();
        let limit = &page.limits[0];
        assert_eq!((limit.id.as_str(), limit.model.as_str()), ("rl-ada", "ada"));
        assert_eq!((limit.limits.max_requests_per_1_minute, limit.limits.max_requests_per_1_day), (Some(600), None));
        let spend =
            read_spend_limit(&answer(include_str!("../../tests/data/openai.get.projects.project_id.spend_limit.json")))
                .unwrap();
        assert_eq!(
            spend,
            SpendLimit {
                threshold_cents: 10_000,
                currency: "USD".into(),
                interval: "month".into(),
                enforcing: Some(true)
            }
        );
    }

    #[test]
    fn an_update_sends_only_what_it_changes() {
        let update = RateLimitUpdate { max_requests_per_1_minute: Some(0), ..RateLimitUpdate::default() };
        assert_eq!(json(&WireUpdate::from(&update)).unwrap(), r#"{"max_requests_per_1_minute":0}"#);
    }
}
