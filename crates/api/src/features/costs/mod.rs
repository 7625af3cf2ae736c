//! What it cost: queries over the ledgers, and the summary that the home and project pages begin with.
//!
//! Sums by project, team, provider and day come from the rollups `billed_daily` and `provider_usage_daily`; what only single
//! lines know (line item, model, API key) comes from `billed_costs` and `provider_usage_hourly`. Both say the same: a test
//! compares them. Events come from `usage_sums`. [`ledgers`] decides whose word counts. What others need to know of it (what
//! somebody spent, day by day) they ask [`spending()`], of many at once [`Spenders`], of all projects
//! [`spending_of_projects`].

mod actions;
mod counts;
mod domain;
mod events;
mod facts;
mod growth;
mod ledgers;
mod parts;
mod query;
mod routes;
mod scope;
mod spenders;
mod spending;
mod summary;

pub use domain::Days;
pub use facts::missing_days;
pub use growth::{Grew, Growth, growth};
pub use parts::Parts;
pub use routes::routes;
pub use spenders::{Spenders, SpentByAll, fingerprint, mark};
pub use spending::{ProviderCost, Spender, Spending, Spent, by_provider, spending, spending_of_projects};
