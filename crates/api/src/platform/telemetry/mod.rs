//! What operators see: logs and metrics.

mod deliveries;
pub mod logs;
pub mod metrics;
mod usage;

pub use deliveries::DeliveryMetrics;
pub use metrics::Metrics;
pub use usage::UsageMetrics;
