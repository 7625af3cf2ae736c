//! Admin keys: a team's organization-level keys at a provider, stored encrypted, never shown again.

mod domain;
mod routes;
mod service;
mod store;

pub use routes::routes;
pub use service::{KeyProblem, OpenKey, note_use, open, open_active, register, settle, switch};
pub use store::{ActiveKey, CollectedTeam, active, is_in_use, teams_with_active_keys};
