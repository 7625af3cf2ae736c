//! Accounts: registering, signing in, staying signed in, inviting others.
//!
//! A session is a family of refresh tokens. Access tokens name their session, so ending it ends them too, at once.

mod domain;
mod routes;
mod service;
mod store;

pub use routes::routes;
pub use store::{end_sessions, home, prune_sessions};
