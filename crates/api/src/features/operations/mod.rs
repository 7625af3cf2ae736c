//! Operations: is it alive, can it work, what does it measure.

mod routes;

pub use routes::routes;
