//! Projects: what costs are attributed to.

pub mod detail;
pub mod form;
mod guarded;
pub mod keys;
pub mod members;
pub mod model;
pub mod page;
pub mod picker;
mod record;
pub mod settings;
mod table;
pub mod value;
mod value_model;
mod value_table;

pub use detail::ProjectPage;
pub use page::ProjectsPage;
