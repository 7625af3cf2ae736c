//! What sending messages measures.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::metrics::{FloatGauge, unknown};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct DeliveryLabels {
    channel_type: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AttemptLabels {
    channel_type: &'static str,
}

/// Counters of one process, and how far behind all of them are. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DeliveryMetrics {
    deliveries: Family<DeliveryLabels, Counter>,
    attempts: Family<AttemptLabels, Histogram, fn() -> Histogram>,
    waiting: FloatGauge,
    oldest: FloatGauge,
}

impl DeliveryMetrics {
    /// Shows them.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let attempts: Family<AttemptLabels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.01, 2.0, 12)));
        let metrics = Self { deliveries: Family::default(), attempts, waiting: unknown(), oldest: unknown() };
        registry.register("deliveries", "Messages by what became of them", metrics.deliveries.clone());
        registry.register("delivery_attempt_seconds", "Time of an attempt to send", metrics.attempts.clone());
        registry.register(
            "deliveries_waiting",
            "Messages of all organizations that are not finished",
            metrics.waiting.clone(),
        );
        registry.register(
            "delivery_oldest_seconds",
            "How long the longest due of them is overdue; 0 when none is",
            metrics.oldest.clone(),
        );
        metrics
    }

    /// Counts what became of messages: `delivered`, `retried` (an attempt failed, and another follows), `dead`, `digested`.
    pub fn deliveries(&self, channel_type: &'static str, outcome: &'static str, count: u64) {
        self.deliveries.get_or_create(&DeliveryLabels { channel_type, outcome }).inc_by(count);
    }

    /// Measures an attempt.
    pub fn attempt(&self, channel_type: &'static str, took: Duration) {
        self.attempts.get_or_create(&AttemptLabels { channel_type }).observe(took.as_secs_f64());
    }

    /// Takes over how many messages are not finished, and for how long the first of them has been due.
    pub fn backlog(&self, waiting: i64, oldest_seconds: i64) {
        self.waiting.set(waiting as f64);
        self.oldest.set(oldest_seconds as f64);
    }
}
