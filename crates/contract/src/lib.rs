//! What the service and its callers agree on: DTOs, the money type, and the table of error codes.
//!
//! Compiles to wasm32 for the app. The feature `server` adds OpenAPI schemas and field validation, and nothing else.
//!
//! Conventions, true for every type here: JSON in camelCase, ids are UUIDv7, times are RFC 3339 in UTC, money is an
//! exact decimal string beside its ISO 4217 currency, requests refuse fields they do not know.

#[macro_use]
mod names;

pub mod accounts;
pub mod admin_keys;
pub mod alerts;
pub mod api_keys;
pub mod audit;
pub mod blocks;
pub mod budgets;
pub mod channels;
pub mod collector;
pub mod costs;
pub mod deliveries;
pub mod errors;
pub mod fx_rates;
pub mod guard;
pub mod jobs;
pub mod money;
pub mod organizations;
pub mod page;
pub mod prices;
pub mod projects;
pub mod provider_keys;
pub mod reports;
pub mod reprices;
pub mod teams;
pub mod units;
pub mod usage;
pub mod usage_imports;
pub mod value;

pub use errors::{ErrorCode, FieldError, Problem};
pub use money::{Amount, Percent};
pub use page::{ListQuery, Page};
pub use units::{Quantities, UnitKind};
