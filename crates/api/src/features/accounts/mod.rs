//! Accounts: registering, signing in, staying signed in, inviting others.
//!
//! A session is a family of refresh tokens. Access tokens name their session, so ending it ends them too, at once.

mod domain;
mod invitations;
mod routes;
mod service;
mod sessions;
mod store;

pub use routes::routes;
pub use sessions::{end_sessions, prune_sessions};
pub use store::home;
