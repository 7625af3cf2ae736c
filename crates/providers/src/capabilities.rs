//! What a provider can do for us, in our words. The shapes follow OpenAI's organization admin API, the richest of the
//! providers (its OpenAPI file, commit f85dbe2); another provider leaves None what it does not have.

use async_trait::async_trait;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use crate::error::ProviderError;
use crate::notice::{Delivered, Notice, NotifyError};

/// An opaque mark of where the next page starts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor(String);

impl Cursor {
    /// Takes a cursor as the provider gave it, or as it was stored.
    ///
    /// # Errors
    /// [`ProviderError::BrokenPaging`] when it is empty or longer than 4096 bytes.
    pub fn new(value: impl Into<String>) -> Result<Self, ProviderError> {
        let value = value.into();
        if value.is_empty() || value.len() > 4096 {
            return Err(ProviderError::BrokenPaging { reason: "cursor empty or too long" });
        }
        Ok(Self(value))
    }

    /// The provider's own text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The provider's bill, by UTC day.
#[async_trait]
pub trait CostSource: Send + Sync {
    /// Gives one page of daily costs, in order, so that the caller can store while paging. Use
    /// [`CostPages`](crate::CostPages) to walk all pages with loops and repetitions guarded against.
    ///
    /// # Errors
    /// Any [`ProviderError`]; [`InvalidRequest`](ProviderError::InvalidRequest) without calling when the query is not
    /// valid (see [`CostQuery::validate`]).
    async fn costs_page(&self, query: &CostQuery, page: Option<&Cursor>) -> Result<CostPage, ProviderError>;
}

/// Which costs. The answer is always grouped by project, line item and API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostQuery {
    /// First day, inclusive. Must be a UTC midnight: from any other time the first bucket would be part of a day.
    pub start: DateTime<Utc>,
    /// End, exclusive; None means up to now.
    pub end: Option<DateTime<Utc>>,
    /// Only these projects (the provider's ids); empty means the whole organization, unattributed costs included.
    pub project_ids: Vec<String>,
    /// Buckets (days) a page, 1 to 180.
    pub limit: u16,
}

impl CostQuery {
    /// Checks what the provider would answer wrongly rather than refuse.
    ///
    /// # Errors
    /// [`ProviderError::InvalidRequest`] when `start` is no UTC midnight, `end` is not after it, or `limit` is
    /// outside 1 to 180.
    pub fn validate(&self) -> Result<(), ProviderError> {
        let reason = if !is_midnight(self.start) {
            "start must be a UTC midnight"
        } else if self.end.is_some_and(|end| end <= self.start) {
            "end must be after start"
        } else if !(1..=180).contains(&self.limit) {
            "limit must be 1 to 180"
        } else {
            return Ok(());
        };
        Err(ProviderError::InvalidRequest { reason })
    }
}

pub(crate) fn is_midnight(time: DateTime<Utc>) -> bool {
    time.time() == NaiveTime::MIN
}

/// One page of daily costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostPage {
    /// Days, as the provider ordered them.
    pub buckets: Vec<CostBucket>,
    /// Where the next page starts; None on the last one.
    pub next: Option<Cursor>,
}

/// One UTC day. A day without costs is a bucket without lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostBucket {
    /// A UTC midnight, inclusive.
    pub start: DateTime<Utc>,
    /// Exclusive; the next midnight, or earlier when the query ended within the day.
    pub end: DateTime<Utc>,
    /// What was billed, one line a combination of project, line item and API key.
    pub lines: Vec<CostLine>,
}

impl CostBucket {
    /// A day at most, starting at a UTC midnight.
    pub(crate) fn is_daily(&self) -> bool {
        is_midnight(self.start) && self.end > self.start && self.end - self.start <= TimeDelta::days(1)
    }
}

/// One billed amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostLine {
    /// In `currency`'s main unit, exact; negative for credits.
    pub amount: Decimal,
    /// Upper-case ISO 4217.
    pub currency: String,
    /// What it was for; None when the provider did not say.
    pub line_item: Option<LineItem>,
    /// The provider's project id; None for what belongs to no project.
    pub project_id: Option<String>,
    /// The provider's id of the API key used; None when unknown.
    pub api_key_id: Option<String>,
    /// How much, in `quantity_unit`; None when not given, or not exactly representable (it is not money).
    pub quantity: Option<Decimal>,
    /// The provider's unit, such as `tokens` or `duration_seconds`.
    pub quantity_unit: Option<String>,
}

/// What a cost was for, as the provider words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineItem {
    /// The provider's text, untouched.
    pub raw: String,
    /// `gpt-5.4-2026-03-05` of `gpt-5.4-2026-03-05, cached input`; None when the text has no such part.
    pub model: Option<String>,
    /// `cached input` of the same; None when the text has no such part.
    pub kind: Option<String>,
}

impl LineItem {
    /// Splits at the last `", "`.
    pub fn parse(raw: impl Into<String>) -> Self {
        let raw = raw.into();
        let (model, kind) = raw
            .rsplit_once(", ")
            .map(|(model, kind)| (model.trim().to_owned(), kind.trim().to_owned()))
            .filter(|(model, kind)| !model.is_empty() && !kind.is_empty())
            .unzip();
        Self { raw, model, kind }
    }
}

/// The provider's projects.
#[async_trait]
pub trait ProjectDirectory: Send + Sync {
    /// Gives one page of the organization's projects; [`all_projects`](crate::all_projects) gives all of them.
    ///
    /// # Errors
    /// Any [`ProviderError`].
    async fn list_projects(&self, include_archived: bool, page: Option<&Cursor>) -> Result<ProjectPage, ProviderError>;

    /// Gives one project, archived or not.
    ///
    /// # Errors
    /// [`NotFound`](ProviderError::NotFound) when it does not exist or the key's organization does not own it.
    async fn get_project(&self, project_id: &str) -> Result<Project, ProviderError>;
}

/// One page of projects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectPage {
    /// As the provider ordered them.
    pub projects: Vec<Project>,
    /// Where the next page starts; None on the last one.
    pub next: Option<Cursor>,
}

/// A project at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Such as `proj_abc`.
    pub id: String,
    /// The provider's display name.
    pub name: Option<String>,
    /// The provider's word, such as `active` or `archived`.
    pub status: Option<String>,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was archived; None while it is in use.
    pub archived_at: Option<DateTime<Utc>>,
}

/// What proving an admin key found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The provider account the key belongs to: the `openai-organization` answer header, else the id of the oldest
    /// project; None when there is neither. For noticing that two keys open the same account.
    pub account: Option<String>,
    /// Projects seen, archived ones included; they end at the first 100 unless all were needed for `account`. A project
    /// belongs to one account, so they tell whether an account was only named differently.
    pub projects: Vec<String>,
}

/// What can be done to a project at the provider, most of it reversible.
#[async_trait]
pub trait ProjectControls: Send + Sync {
    /// Gives one page of a project's API keys, whoever owns them.
    ///
    /// # Errors
    /// [`NotFound`](ProviderError::NotFound) when the project does not exist.
    async fn list_project_api_keys(&self, project_id: &str, page: Option<&Cursor>)
    -> Result<ApiKeyPage, ProviderError>;

    /// Deletes a key of a project. There is no undo. A `NotFound` may also mean that an earlier attempt whose answer
    /// was lost had succeeded: treat it as done.
    ///
    /// # Errors
    /// [`Rejected`](ProviderError::Rejected) (400) for a service account's key, [`NotFound`](ProviderError::NotFound).
    async fn delete_project_api_key(&self, project_id: &str, key_id: &str) -> Result<(), ProviderError>;

    /// Gives one page of a project's rate limits, one for each model.
    ///
    /// # Errors
    /// [`NotFound`](ProviderError::NotFound) when the project does not exist.
    async fn list_rate_limits(&self, project_id: &str, page: Option<&Cursor>) -> Result<RateLimitPage, ProviderError>;

    /// Changes the given limits of one model in one project and gives the result: the reversible way to stop it.
    ///
    /// # Errors
    /// [`InvalidRequest`](ProviderError::InvalidRequest) when `update` is empty; [`Rejected`](ProviderError::Rejected)
    /// when the provider refuses the value; [`NotFound`](ProviderError::NotFound).
    async fn update_rate_limit(
        &self,
        project_id: &str,
        rate_limit_id: &str,
        update: &RateLimitUpdate,
    ) -> Result<RateLimit, ProviderError>;

    /// Gives the hard spend limit, or None when none is set (the provider answers alike for an unknown project).
    ///
    /// # Errors
    /// Any [`ProviderError`] but `NotFound`.
    async fn get_spend_limit(&self, scope: &SpendScope) -> Result<Option<SpendLimit>, ProviderError>;

    /// Creates or replaces the hard spend limit: `threshold_cents` US cents a calendar month, at least 1.
    ///
    /// # Errors
    /// [`InvalidRequest`](ProviderError::InvalidRequest) for 0; [`NotFound`](ProviderError::NotFound) for an unknown project.
    async fn set_spend_limit(&self, scope: &SpendScope, threshold_cents: u64) -> Result<SpendLimit, ProviderError>;

    /// Removes the hard spend limit; false when there was none.
    ///
    /// # Errors
    /// Any [`ProviderError`] but `NotFound`.
    async fn delete_spend_limit(&self, scope: &SpendScope) -> Result<bool, ProviderError>;
}

/// One page of a project's API keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyPage {
    /// As the provider ordered them.
    pub keys: Vec<ProjectApiKey>,
    /// Where the next page starts; None on the last one.
    pub next: Option<Cursor>,
}

/// A project's API key, as far as the provider shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectApiKey {
    /// The id that cost and usage lines carry.
    pub id: String,
    /// The name its maker gave it.
    pub name: Option<String>,
    /// Masked by the provider, such as `sk-abc...def`.
    pub redacted_value: Option<String>,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last used; None when never.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Whether its owner still has access to the project; None when not said.
    pub owner_has_access: Option<bool>,
    /// Whether a service account owns it: such keys cannot be deleted through the API.
    pub service_account: bool,
    /// The owner's id at the provider.
    pub owner_id: Option<String>,
    /// The owner's name at the provider.
    pub owner_name: Option<String>,
}

/// One page of a project's rate limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimitPage {
    /// As the provider ordered them.
    pub limits: Vec<RateLimit>,
    /// Where the next page starts; None on the last one.
    pub next: Option<Cursor>,
}

/// How much of one model a project may use. What the provider does not limit is None.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// Such as `rl-gpt-5.4`.
    pub id: String,
    /// The model limited.
    pub model: String,
    /// The numbers.
    pub limits: RateLimitUpdate,
}

/// The numbers of a rate limit. In an update, None leaves a number as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateLimitUpdate {
    /// Requests a minute.
    pub max_requests_per_1_minute: Option<u64>,
    /// Tokens a minute.
    pub max_tokens_per_1_minute: Option<u64>,
    /// Images a minute.
    pub max_images_per_1_minute: Option<u64>,
    /// Megabytes of audio a minute.
    pub max_audio_megabytes_per_1_minute: Option<u64>,
    /// Requests a day.
    pub max_requests_per_1_day: Option<u64>,
    /// Input tokens in batches a day.
    pub batch_1_day_max_input_tokens: Option<u64>,
}

/// What a spend limit applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpendScope {
    /// The whole organization of the key.
    Organization,
    /// One project, by the provider's id.
    Project(String),
}

/// The provider's own hard limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendLimit {
    /// In hundredths of `currency`.
    pub threshold_cents: u64,
    /// Upper-case ISO 4217; only USD so far.
    pub currency: String,
    /// The provider's word; only `month` so far.
    pub interval: String,
    /// Whether the provider refuses calls right now; None when not said.
    pub enforcing: Option<bool>,
}

/// One channel: a way to tell somebody, set up with its credential and its recipient.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Makes one attempt. Whether and when to make another is the caller's business, by what the error says; nothing is
    /// repeated here, so that each attempt can have its line in the delivery's history.
    ///
    /// # Errors
    /// Why it was not delivered, sorted by what to do next.
    async fn notify(&self, notice: &Notice) -> Result<Delivered, NotifyError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_items_split_at_the_last_comma() {
        let parts = |raw: &str| {
            let item = LineItem::parse(raw);
            assert_eq!(item.raw, raw);
            (item.model, item.kind)
        };
        let both = |model: &str, kind: &str| (Some(model.to_owned()), Some(kind.to_owned()));
        assert_eq!(parts("gpt-5.4-2026-03-05, cached input"), both("gpt-5.4-2026-03-05", "cached input"));
        assert_eq!(parts("ft:gpt-4o, acme, output"), both("ft:gpt-4o, acme", "output"));
        for raw in ["web search tool calls", "", ", input", "model, ", "a,b"] {
            assert_eq!(parts(raw), (None, None), "{raw}");
        }
    }

    #[test]
    fn cost_queries_are_checked() {
        let start = DateTime::from_timestamp(1_782_432_000, 0).unwrap();
        let good = CostQuery { start, end: None, project_ids: vec![], limit: 180 };
        assert_eq!(good.validate(), Ok(()));
        for bad in [
            CostQuery { start: start + TimeDelta::seconds(1), ..good.clone() },
            CostQuery { start: start + TimeDelta::nanoseconds(1), ..good.clone() },
            CostQuery { end: Some(start), ..good.clone() },
            CostQuery { limit: 0, ..good.clone() },
            CostQuery { limit: 181, ..good.clone() },
        ] {
            assert_eq!(bad.validate().unwrap_err().user_reason(), "invalid_request");
        }
    }
}
