//! The way to the first cost.

mod model;
pub mod page;

pub use page::SetupPage;
