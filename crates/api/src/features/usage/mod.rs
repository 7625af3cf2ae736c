//! Usage events: AI calls as SDKs, OpenTelemetry and others report them, priced, attributed and summed up as they come.
//!
//! Every way in ends in [`Ingest`]: what is told is read (`incoming`, field by field, with a code for each mistake),
//! split into disjoint kinds (`tokens`), placed and priced (`ingest`), and stored once, with its sums, in a group with
//! others (`commit`). The answer comes after the commit. Sums are proved and mended by `verify`; what is kept no longer
//! goes by `retention`. What is told of calls later, or of none, is `outcomes`.

mod cloudevents;
mod commit;
mod domain;
mod fold;
pub mod histogram;
mod imports;
mod incoming;
mod ingest;
mod insert;
mod jobs;
mod otlp;
mod outcomes;
mod prompts;
mod raw;
mod reject;
mod reprice;
mod retention;
mod rollups;
mod routes;
mod rows;
mod store;
mod tail;
mod tokens;
mod unpriced;
mod vendor;
pub mod verify;

pub use fold::{Waiting, waiting};
pub use ingest::Ingest;
pub use jobs::jobs;
pub use reprice::{Wish as RepriceWish, request as request_reprice};
pub use routes::{root_routes, routes};
