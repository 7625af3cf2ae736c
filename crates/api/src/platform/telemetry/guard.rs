//! What the guard measures.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CheckLabels {
    outcome: &'static str,
}

/// Counters of one process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct GuardMetrics {
    checks: Family<CheckLabels, Counter>,
    seconds: Histogram,
    snapshot_age: Gauge<f64, AtomicU64>,
}

impl GuardMetrics {
    /// Shows them.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            checks: Family::default(),
            seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 16)),
            snapshot_age: Gauge::default(),
        };
        registry.register("guard_checks", "Checks answered, by their answer", metrics.checks.clone());
        registry.register("guard_check_seconds", "Time of a check", metrics.seconds.clone());
        registry.register(
            "guard_snapshot_age_seconds",
            "Age of the oldest figures that checks are answered from",
            metrics.snapshot_age.clone(),
        );
        metrics
    }

    /// Counts and times an answered check: `allowed`, `budget_exceeded`, `blocked`, `throttled`, `degraded`, `error`.
    pub fn check(&self, outcome: &'static str, took: Duration) {
        self.checks.get_or_create(&CheckLabels { outcome }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// Takes over how old the oldest figures in use are.
    pub fn snapshot_age(&self, age: Duration) {
        self.snapshot_age.set(age.as_secs_f64());
    }
}
