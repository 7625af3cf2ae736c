//! Outcomes that are told by themselves: of calls, once they are known, and of what no single call stands for.
//!
//! What came of a call is what its event said, until something is told of it; then the latest counts, outcome and score each
//! for itself ([`domain::Counting`]). Whatever that changes is added to the sums with it, in one transaction, as events add
//! theirs. An outcome may be told before its call is reported: it stands for itself until then, and [`jobs`] brings the two
//! together.

mod domain;
mod jobs;
mod routes;
mod service;
mod store;

pub(super) use jobs::Match;
pub(super) use routes::routes;
pub(super) use store::forget;
