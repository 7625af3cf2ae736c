//! Alerts: what somebody should know of, raised once, told through channels, acknowledged, resolved.
//!
//! A reconciler holds budgets against spending (`evaluate`) whenever either changed, by the rows of `budget_checks`, and every
//! `BUDGET_CHECK_INTERVAL`, because days pass by themselves. A threshold that is reached is crossed ([`budgets::cross`]), and
//! the one who crossed it writes the alert, its deliveries and, where the threshold says so, its block in the same
//! transaction. What it says (`find`, `message`) is found out then and stays: an alert tells how things were.

mod domain;
mod due;
mod ending;
mod evaluate;
mod find;
mod message;
mod routes;
mod service;
mod store;
mod telling;
mod unpriced;
mod wording;

use crate::platform::jobs::JobsBuilder;
use crate::platform::state::State;

pub use routes::routes;
pub use store::raised_between;

/// This feature's reconciler.
#[must_use]
pub fn jobs(builder: JobsBuilder, state: &State) -> JobsBuilder {
    builder.reconciler(evaluate::Evaluator::new(state))
}
