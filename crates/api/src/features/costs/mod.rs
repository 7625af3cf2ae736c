//! What it cost: queries over the bill, and the summary that the home and project pages begin with.
//!
//! Sums by project, team, provider and day come from the rollup `billed_daily`; what only single lines know (line item,
//! model, API key) comes from `billed_costs`. Both say the same: a test compares them.

mod actions;
mod domain;
mod facts;
mod query;
mod routes;
mod scope;
mod summary;

pub use routes::routes;
