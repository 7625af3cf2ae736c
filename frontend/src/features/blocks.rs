//! Emergency blocks: what stops, who stopped it, and how it goes on.

mod acts;
pub mod banner;
mod detail;
mod dialog;
mod model;
pub mod page;
mod preview;
mod wording;

pub use banner::BlockBanner;
pub use page::{BlockPage, BlocksPage};
