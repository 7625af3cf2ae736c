//! What came of the money: a project's cost beside the outcomes and feedback scores of its calls.
//!
//! The cost is what the costs say ([`costs::spending()`](crate::features::costs::spending())), outcomes and scores come from
//! `usage_outcome_sums`, by the days of the organization's calendar. What no outcome was recorded of is not known: it is not
//! without success. [`Tally`] and its ratios are also what the weekly report compares projects by.

mod domain;
mod routes;
mod service;
mod store;

pub use domain::{CallSums, Tally, cost_per_success, percent_of};
pub use routes::routes;
