//! Keys of our own API, for SDKs and clients: made, rotated and revoked here, told apart by `platform::auth::ApiKeys`.
//!
//! A key is shown once and stored as a hash. It is never wider than its maker: what they cannot see any more, it does not
//! open any more (the view `api_keys_in_force`).

mod domain;
mod routes;
mod service;
mod store;

pub use routes::routes;
