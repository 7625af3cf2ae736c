//! Blocks: emergency stops of an Admin key, a project or an API key, by a person or by a budget, that put everything back
//! when they are lifted.
//!
//! What is in force is the table's word, read by others through the view `blocks_in_force`; whoever refuses a call asks that.
//! A stop of a project takes its Project ID out of collection ([`projects::suspend_id`]), one of an Admin key deactivates it,
//! one of an API key has it refused everywhere (`platform::auth::api_keys`). All of that is one transaction with the block
//! and its audit row; the audit log is the block's history. A throttle is the guard's alone.
//!
//! At the provider limits are clamped where the team allows it: outside any transaction, by a job that brings each Project
//! ID to where the blocks in force want it ([`provider`]). What was there is written down before it is changed, and put
//! back exactly, or left alone where somebody else has changed it meanwhile.
//!
//! For whoever raises alarms: [`stop_for_budget`], in the transaction that notices; nudge the jobs after the commit.
//!
//! [`projects::suspend_id`]: crate::features::projects::suspend_id

mod automatic;
mod domain;
mod effects;
mod endings;
mod list;
mod news;
mod preview;
mod provider;
mod remembered;
mod routes;
mod service;
mod stops;
mod store;
mod targets;

pub use automatic::{BudgetStop, Stopped, stop_for_budget, tell_of_stops};
pub use domain::Target;
pub use endings::{end_with, end_with_team, require_movable, require_unblocked};
pub use provider::jobs;
pub use routes::routes;
pub use store::{stopped_between, stopped_with};
