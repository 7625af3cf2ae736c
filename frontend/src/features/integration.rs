//! How a program reports its AI calls: snippets that work when they are pasted, and the first event as it comes in.

mod guarded;
mod key;
pub mod page;
mod snippets;
mod waiting;

pub use page::IntegrationPage;
