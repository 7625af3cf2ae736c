//! The guard: whether an AI call may be made, by hard budgets and blocks. The circuit breaker in front of everybody's calls.
//!
//! It answers from memory. What an organization's budgets and blocks are and how they stand is read as one snapshot
//! (`snapshot`), five times in two seconds while somebody asks (`watch`), so that all replicas have agreed within a second of any
//! commit. What is decided from it is pure (`domain`).
//!
//! What must not be spent twice is held: a reservation is a row, taken under a lock of the organization that all replicas
//! share, in a group with others' (`reserve`). It counts until it is released or its time is over, or until it was settled
//! *and* the figures were read after that. Whoever settles has reported the call before, so its cost takes the place of what
//! was held, and there is no moment at which it counts for nothing. For a moment it may count twice, which is the safe side.
//!
//! While the database is away, figures are believed for [`BELIEVED`], and told to API keys that were in force as lately; after
//! that the setting `GUARD_ON_DATABASE_LOSS` has the word (`caller`, `watch`). Reservations need the database at once.

mod caller;
mod domain;
mod reserve;
mod routes;
mod service;
mod snapshot;
mod store;
mod watch;

use chrono::TimeDelta;

pub use routes::routes;
pub use service::Guard;

/// How old figures and what is known of API keys may be while the database is away.
const BELIEVED: TimeDelta = TimeDelta::seconds(30);
