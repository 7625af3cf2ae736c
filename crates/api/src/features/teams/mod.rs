//! Teams: they own projects and admin keys, and say who sees them.

mod members;
mod routes;
mod store;
mod visibility;

pub use finops_contract::teams::Team;
pub(crate) use members::group_members;
pub use routes::{routes, seen};
pub use store::{all, find, require};
pub use visibility::{Visibility, visibility};
