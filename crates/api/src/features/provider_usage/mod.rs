//! What providers measured, minutes after it happened: what shows a runaway hours before the bill does, without any SDK.
//!
//! Every minute each account's meters are asked by minute, project, key, model, batch and tier. A minute is replaced as a
//! whole by what the provider says of it now, priced by the organization's book, attributed by Project ID, and summed up by
//! hour and by day, all in one transaction. Hours are asked for again until they have been still for long enough
//! ([`domain::STILL`]). Usage is a ledger of its own: it stands in for the bill where that has not come yet, and is never
//! added to it.

mod attribution;
mod domain;
mod error;
mod jobs;
mod lease;
mod measure;
mod page;
pub mod rollups;
mod service;
mod status;
mod store;

pub use attribution::attribute;
pub use jobs::jobs;
pub use status::{of_team, reach, whole_days};
