//! Typed clients of the outside world.
//!
//! A provider is used through small capability traits ([`CostSource`], [`UsageSource`], [`ProjectDirectory`],
//! [`ProjectControls`]) as `Arc<dyn _>`; [`openai::OpenAiClient`] implements all of them. Whoever tells people something is
//! a [`Notifier`], one file or folder each, and where tenants say whither, a [`Guard`] decides. Vendor wire types stay
//! private, money is exact ([`amount`]), and every call follows one discipline ([`CallPolicy`]): time and size caps,
//! retries with jitter that honour `Retry-After`, and errors ([`ProviderError`]) that say what the caller can do and
//! never carry a secret.
//!
//! This crate reads no clock but the one in the policy, no environment, and depends on nothing else of ours. The
//! caller brings the guarded `reqwest::Client`, the base URL and the key.

pub mod amount;
mod base;
mod capabilities;
mod error;
mod guard;
mod http;
mod mail;
mod notice;
pub mod openai;
mod pager;
mod pagerduty;
mod post;
mod resend;
mod sendgrid;
mod slack;
mod smtp;
mod twilio;
mod usage;
mod webhook;

pub use capabilities::{
    ApiKeyPage, CostBucket, CostLine, CostPage, CostQuery, CostSource, Cursor, LineItem, Notifier, Project,
    ProjectApiKey, ProjectControls, ProjectDirectory, ProjectPage, RateLimit, RateLimitPage, RateLimitUpdate,
    SpendLimit, SpendScope, Verification,
};
pub use error::{ProviderError, Resource};
pub use guard::{Guard, GuardedClient, Refused};
pub use http::CallPolicy;
pub use mail::MailRoute;
pub use notice::{Delivered, Event, Fact, Link, LinkStyle, Notice, NotifyError, NotifyPolicy, Said, Severity, Stage};
pub use openai::OpenAiClient;
pub use pager::{CostPages, UsagePages, all_project_api_keys, all_projects, all_rate_limits};
pub use pagerduty::PagerDutyEvents;
pub use resend::ResendMailer;
pub use sendgrid::SendGridMailer;
pub use slack::SlackWebhook;
pub use smtp::{SmtpMailer, SmtpSecurity, SmtpServer};
pub use twilio::TwilioSms;
pub use usage::{
    BucketWidth, TokenUsage, UsageBucket, UsageKind, UsageLine, UsageMeasure, UsagePage, UsageQuery, UsageSource,
};
pub use webhook::{SignedWebhook, WebhookSecret};
