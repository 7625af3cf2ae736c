//! Projects: what costs are attributed to, by the Project ID that the provider knows them under.

mod directory;
mod domain;
mod members;
mod owners;
mod routes;
mod service;
mod store;
mod suspension;

pub use directory::{Directory, Place, directory};
pub use owners::{Owners, owners};
pub use routes::routes;
pub use service::{require, seen};
pub use store::{Attribution, attributions};
pub use suspension::{Returned, return_id, suspend_id};
