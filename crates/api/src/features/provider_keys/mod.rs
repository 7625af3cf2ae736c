//! People's own keys at providers: one a service, stored encrypted, never shown again.

mod domain;
mod routes;
mod service;
mod store;

pub use routes::routes;
pub use store::forget;
