//! AI calls one by one: what each used and cost, found by what is known of it, and as they come in.

mod drawer;
mod empty;
mod filter;
mod log;
mod model;
pub mod page;
mod search;
mod table;
mod wording;

pub use page::EventsPage;
pub use wording::{cost, state_badge};
