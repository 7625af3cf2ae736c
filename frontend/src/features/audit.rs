//! The audit log: who changed what, and when.

mod model;
pub mod page;
pub mod table;

pub use page::AuditPage;
