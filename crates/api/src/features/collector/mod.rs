//! The collector: brings the providers' bills in, day by day and team by team, and keeps what they said before.
//!
//! A bill belongs to the provider's account behind a team's key and is stored once, however many teams hold a key to it.
//! Each page of days is one transaction: its lines, the revisions of what was restated, the rollup, and how far the
//! collection is. A worker stores only while it holds the team's lease, so one that was killed, or that wakes late,
//! changes nothing about how the rows end.

mod accounts;
mod attribution;
mod batch;
mod domain;
mod error;
mod import;
mod jobs;
mod lease;
mod page;
pub mod rollups;
mod routes;
mod service;
pub mod setup;
mod status;
mod store;

pub use accounts::{account_of, note_account};
pub use attribution::{Attributed, Registration, attribute, is_attributing, require_attributed, require_unclaimed};
pub use batch::{Caller, collectable, daily};
pub use error::describe;
pub use jobs::{jobs, request};
pub use routes::routes;
pub use status::{Lag, follow_key, lag};
pub use store::{hold_attribution, share_attribution};
