//! The way to the first cost and the first event.

mod model;
pub mod page;

pub use page::SetupPage;
