//! Teams: they own projects and admin keys, and say who sees them.

mod routes;
mod store;
mod visibility;

pub use routes::{routes, seen};
pub use store::{find, require};
pub use visibility::{Visibility, visibility};
