//! Emergency blocks: what stops, who stopped it, and how it goes on.

pub mod acts;
pub mod banner;
pub mod detail;
pub mod dialog;
mod model;
pub mod page;
pub mod preview;
mod wording;

pub use banner::BlockBanner;
pub use page::{BlockPage, BlocksPage};
pub use preview::names_text;
