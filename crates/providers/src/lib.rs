//! Typed clients of the outside world.
//!
//! A provider is used through small capability traits ([`CostSource`], [`UsageSource`], [`ProjectDirectory`],
//! [`ProjectControls`]) as `Arc<dyn _>`; [`openai::OpenAiClient`] implements all of them. Vendor wire types stay
//! private, money is exact ([`amount`]), and every call follows one discipline ([`CallPolicy`]): time and size caps,
//! retries with jitter that honour `Retry-After`, and errors ([`ProviderError`]) that say what the caller can do and
//! never carry a secret.
//!
//! This crate reads no clock but the one in the policy, no environment, and depends on nothing else of ours. The
//! caller brings the guarded `reqwest::Client`, the base URL and the key.

pub mod amount;
mod capabilities;
mod error;
mod http;
pub mod openai;
mod pager;
mod usage;

pub use capabilities::{
    ApiKeyPage, CostBucket, CostLine, CostPage, CostQuery, CostSource, Cursor, LineItem, Project, ProjectApiKey,
    ProjectControls, ProjectDirectory, ProjectPage, RateLimit, RateLimitPage, RateLimitUpdate, SpendLimit, SpendScope,
    Verification,
};
pub use error::{ProviderError, Resource};
pub use http::CallPolicy;
pub use openai::OpenAiClient;
pub use pager::{CostPages, UsagePages, all_project_api_keys, all_projects, all_rate_limits};
pub use usage::{
    BucketWidth, TokenUsage, UsageBucket, UsageKind, UsageLine, UsageMeasure, UsagePage, UsageQuery, UsageSource,
};
