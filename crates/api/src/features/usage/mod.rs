//! Usage events: AI calls as SDKs, OpenTelemetry and others report them, priced, attributed and summed up as they come.
//!
//! Every way in ends in [`Ingest`]: what is told is read (`incoming`, field by field, with a code for each mistake),
//! split into disjoint kinds (`tokens`), placed and priced (`ingest`), and stored once, with its sums, in a group with
//! others (`commit`). The answer comes after the commit.

mod cloudevents;
mod commit;
mod domain;
pub mod histogram;
mod imports;
mod incoming;
mod ingest;
mod insert;
mod otlp;
mod raw;
mod reject;
mod reprice;
mod rollups;
mod routes;
mod store;
mod tail;
mod tokens;
mod unpriced;
mod vendor;

pub use ingest::Ingest;
pub use reprice::{Wish as RepriceWish, request as request_reprice};
pub use routes::{root_routes, routes};

use crate::platform::jobs::JobsBuilder;
use crate::platform::state::State;

/// This feature's jobs.
#[must_use]
pub fn jobs(builder: JobsBuilder, state: &State, ingest: &Ingest) -> JobsBuilder {
    let builder = reprice::jobs(builder, state);
    imports::jobs(builder, state, ingest)
}
