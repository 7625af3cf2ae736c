//! What operators see: logs and metrics.

pub mod logs;
pub mod metrics;
mod usage;

pub use metrics::Metrics;
pub use usage::UsageMetrics;
