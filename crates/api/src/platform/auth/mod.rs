//! Who somebody is, and what they may do.

pub mod accounts;
pub mod api_keys;
mod common_passwords;
pub mod passwords;
pub mod permission;
pub mod rate_limit;
pub mod tokens;

pub use api_keys::{ApiKeyIdentity, ApiKeys, Scopes};
pub use common_passwords::is_common;
pub use passwords::Passwords;
pub use permission::Permission;
pub use tokens::{OpaqueToken, Tokens};
