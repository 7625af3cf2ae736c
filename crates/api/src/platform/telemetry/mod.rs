//! What operators see: logs and metrics.

mod deliveries;
mod guard;
pub mod logs;
pub mod metrics;
mod usage;

pub use deliveries::DeliveryMetrics;
pub use guard::GuardMetrics;
pub use metrics::Metrics;
pub use usage::UsageMetrics;
