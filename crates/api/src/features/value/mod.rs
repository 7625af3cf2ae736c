//! What came of the money: a project's cost beside the outcomes and feedback scores of its calls.
//!
//! The cost is what the costs say ([`costs::spending()`](crate::features::costs::spending())), outcomes and scores come from
//! `usage_outcome_sums`, by the days of the organization's calendar. What no outcome was recorded of is not known: it is not
//! without success. [`of_projects`] is the same of all projects, by which
//! the weekly report compares them.

mod domain;
mod intents;
mod routes;
mod service;
mod store;
mod total;
mod worth;

pub use domain::{CallSums, Tally, cost_per_success, percent_of, score_per_dollar};
pub use routes::routes;
pub use total::Total;
pub use worth::{Worth, of_projects};
