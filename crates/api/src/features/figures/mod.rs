//! An organization's figures for Prometheus: what it spent, on what, how its budgets stand.
//!
//! They are a tenant's own, so they are behind an API key (`/api/metrics`) and not among the platform's (`/metrics`, which
//! anybody may scrape who reaches it). All of them are gauges of the month that runs, but for tokens: bills are restated, and
//! a counter must not go backwards. What is billed in another currency is converted by the rate that held on its day; what
//! has none is told beside, in its own (`finops_cost_unconverted`), and never added. Names that callers make up (services,
//! learners) are bounded: those that cost most have a line each, the rest are `other`.

mod dollars;
mod render;
mod routes;
mod store;

pub use render::Figures;
pub use routes::routes;
