//! Cost analysis: what costs are made of, as a chart, as a table and as a file.

pub mod breakdown;
mod export;
pub mod filters;
pub mod model;
pub mod page;
pub mod table;
pub mod wording;

pub use breakdown::Breakdown;
pub use page::ExplorePage;
