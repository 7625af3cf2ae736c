//! The service's API: one client, and one file a feature with the calls it makes. Only contract types cross it.

pub mod client;
pub mod error;
pub mod stream;

pub use client::{delete, get, patch, post, post_empty, put};
pub use error::ApiError;
