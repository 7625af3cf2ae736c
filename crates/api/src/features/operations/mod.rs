//! Operations: is it alive, can it work, what does it measure.

mod jobs;
mod routes;

pub use jobs::jobs;
pub use routes::{api_routes, routes};
