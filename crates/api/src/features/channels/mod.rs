//! Channels: where messages go, of the whole organization or of one team.
//!
//! What opens a channel is one secret of `platform::crypto`: a small JSON document with its URL, keys or password. Addresses
//! that tenants give pass the guard when they are stored, and once more, looked up, whenever something is sent.
//!
//! The service's own settings may name three more ([`built_in`]): they belong to the organization that the first account
//! founded, their secrets stay in the environment, and nobody changes them here.
//!
//! `deliveries` sends: it asks for [`places`] to send to, for what makes a channel [`ready`], and says how it went ([`note`]).

mod built_in;
mod domain;
mod health;
mod kept;
mod open;
mod reading;
mod routes;
mod service;
mod store;

pub use finops_contract::channels::{Channel, ChannelType};
pub use health::{Sign, note};
pub use open::{Ready, Unopened, ready};
pub use routes::routes;
pub use store::{Place, find, place, places};

use crate::platform::jobs::JobsBuilder;
use crate::platform::state::State;

/// This feature's background work.
#[must_use]
pub fn jobs(builder: JobsBuilder, state: &State) -> JobsBuilder {
    builder.reconciler(built_in::BuiltInChannels::new(state.clone()))
}
