//! The audit log: every change, in the transaction that makes it.
//!
//! Other features call [`record`]; nobody else writes the table, and the database lets nobody change it.

mod routes;
mod store;

pub use routes::routes;
pub use store::{Change, history, record};
