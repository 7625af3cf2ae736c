//! What operators see: logs and metrics.

pub mod logs;
pub mod metrics;

pub use metrics::Metrics;
