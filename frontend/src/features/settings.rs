//! The organization's settings and people, and one's own account.

pub mod invitations;
pub mod members;
mod model;
pub mod organization;
pub mod page;
pub mod profile;
pub mod security;

pub use page::SettingsPage;
