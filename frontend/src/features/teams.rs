//! Teams: who belongs to them, their admin keys, and how their collection stands.

pub mod collection;
pub mod connect;
pub mod form;
pub mod keys;
pub mod list;
pub mod members;
pub mod model;
pub mod page;
pub mod projects;
pub mod settings;
pub mod unattributed;

pub use list::TeamsPage;
pub use page::TeamPage;
