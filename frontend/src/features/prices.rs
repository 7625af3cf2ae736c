//! The price book: what models cost, what was negotiated, and pricing past events anew.

pub mod book;
pub mod changes;
mod draft;
pub mod entry;
pub mod form;
mod model;
pub mod overrides;
pub mod page;
pub mod provider;
pub mod report;
pub mod reprice;
pub mod unpriced;
pub mod versions;
mod wording;

pub use page::PriceBookPage;
