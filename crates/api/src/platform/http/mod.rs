//! HTTP as every feature sees it: who asks ([`Ctx`]), what they send ([`extract`]), and how it fails ([`ApiError`]).

pub mod assets;
pub mod ctx;
pub mod cursor;
pub mod docs;
pub mod error;
pub mod extract;
pub mod idempotency;
pub mod middleware;
pub mod routes;

pub use ctx::{Actor, Ctx, Keyed};
pub use error::{ApiError, ApiResult, is_busy};
pub use extract::{Json, Path, Query, RawJson};
