//! The organization: its settings and its people.

mod domain;
mod routes;
mod store;

pub use routes::routes;
pub use store::{find, ids, list};
