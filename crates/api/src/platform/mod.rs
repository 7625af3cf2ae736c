//! What every feature stands on. Knows no feature.

pub mod auth;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod db;
pub mod exact;
pub mod group_commit;
pub mod http;
pub mod jobs;
pub mod lease;
pub mod letter;
pub mod notifiers;
pub mod outbound;
pub mod providers;
pub mod snapshots;
pub mod state;
pub mod stopping;
pub mod telemetry;
pub mod words;
