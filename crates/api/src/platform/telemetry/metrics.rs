//! Prometheus metrics.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::http::Method;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::deliveries::DeliveryMetrics;
use super::guard::GuardMetrics;
use super::usage::UsageMetrics;
use crate::platform::jobs::{JobCounters, JobMetrics};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    method: String,
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct JobLabels {
    job: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct JobEventLabels {
    job: &'static str,
    event: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ConnectionLabels {
    state: &'static str,
}

/// A gauge with a fraction, which can say that it does not know.
pub(super) type FloatGauge = Gauge<f64, AtomicU64>;

/// Not measured yet is not zero.
pub(super) fn unknown() -> FloatGauge {
    let gauge = FloatGauge::default();
    gauge.set(f64::NAN);
    gauge
}

/// Everything `/metrics` shows. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    jobs: Arc<OnceLock<Arc<JobMetrics>>>,
    collector_lag_seconds: FloatGauge,
    collections_failing: FloatGauge,
    connections: Family<ConnectionLabels, Gauge>,
    api_key_lookups: Counter,
    /// What sending messages counts.
    pub deliveries: DeliveryMetrics,
    /// What the way in of usage events counts.
    pub usage: UsageMetrics,
    /// What the guard counts.
    pub guard: GuardMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("finops");
        let requests = Family::<RequestLabels, Counter>::default();
        let durations: Family<RouteLabels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.5, 11)));
        let jobs = Arc::new(OnceLock::new());
        let (collector_lag_seconds, collections_failing) = (unknown(), unknown());
        let connections = Family::<ConnectionLabels, Gauge>::default();
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version that runs", build);
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_duration_seconds", "Time to answer", durations.clone());
        registry.register(
            "collector_lag_seconds",
            "Age of the oldest last successful collection among teams with an active admin key",
            collector_lag_seconds.clone(),
        );
        registry.register("collections_failing", "Teams whose last collection failed", collections_failing.clone());
        registry.register("db_connections", "Database connections of this process", connections.clone());
        let api_key_lookups = Counter::default();
        registry.register("api_key_lookups", "Times the database was asked about an API key", api_key_lookups.clone());
        let deliveries = DeliveryMetrics::register(&mut registry);
        let usage = UsageMetrics::register(&mut registry);
        let guard = GuardMetrics::register(&mut registry);
        registry.register_collector(Box::new(JobsCollector(Arc::clone(&jobs))));
        let registry = Arc::new(registry);
        Self {
            registry,
            requests,
            durations,
            jobs,
            collector_lag_seconds,
            collections_failing,
            connections,
            api_key_lookups,
            deliveries,
            usage,
            guard,
        }
    }
}

impl Metrics {
    /// Counts one answered request. The route is the pattern, so that ids do not become labels.
    pub fn request(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let (method, route) = (method.to_string(), route.to_owned());
        let labels = RequestLabels { method: method.clone(), route: route.clone(), status };
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&RouteLabels { method, route }).observe(took.as_secs_f64());
    }

    /// Shows what this process's runner counts, from now on.
    pub fn watch_jobs(&self, jobs: Arc<JobMetrics>) {
        // A process has one runner; of a second one nothing is shown.
        let _ = self.jobs.set(jobs);
    }

    /// Takes over how the collector stands: the age of the oldest last success, in seconds, and the teams whose last
    /// collection failed.
    pub fn collections(&self, oldest_success_seconds: i64, failing: i64) {
        self.collector_lag_seconds.set(oldest_success_seconds as f64);
        self.collections_failing.set(failing as f64);
    }

    /// Counts how often the database is asked about an API key.
    pub fn api_key_lookups(&self) -> Counter {
        self.api_key_lookups.clone()
    }

    /// Takes over how many database connections are open, and how many of them idle.
    pub fn connections(&self, open: u32, idle: usize) {
        let idle = i64::try_from(idle).unwrap_or(i64::MAX);
        let set = |state, count| self.connections.get_or_create(&ConnectionLabels { state }).set(count);
        set("idle", idle);
        set("used", i64::from(open).saturating_sub(idle));
    }

    /// The text that Prometheus scrapes (OpenMetrics 1.0).
    ///
    /// # Errors
    /// When a label cannot be written, which would be a bug.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

/// Reads the runner's counts when it is asked.
#[derive(Debug)]
struct JobsCollector(Arc<OnceLock<Arc<JobMetrics>>>);

/// Reads one counter.
type Event = (&'static str, fn(&JobCounters) -> &AtomicU64);
/// A gauge's name, what it says, and how it is read.
type Level = (&'static str, &'static str, fn(&JobCounters) -> &AtomicI64);

const EVENTS: [Event; 6] = [
    ("claimed", |job| &job.claimed),
    ("succeeded", |job| &job.succeeded),
    ("failed", |job| &job.failed),
    ("rescheduled", |job| &job.rescheduled),
    ("lost", |job| &job.lost),
    ("dead", |job| &job.dead),
];

const LEVELS: [Level; 3] = [
    ("jobs_running", "Attempts running in this process", |job| &job.running),
    ("jobs_due", "Queued jobs of all replicas whose time has come", |job| &job.due),
    ("jobs_oldest_due_seconds", "How long the oldest of them has waited", |job| &job.oldest_due_seconds),
];

impl Collector for JobsCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(jobs) = self.0.get() else { return Ok(()) };
        let help = "What happened to jobs in this process";
        let mut events = encoder.encode_descriptor("job_events", help, None, MetricType::Counter)?;
        for (job, counters) in jobs.iter() {
            for (event, read) in EVENTS {
                let count = ConstCounter::new(read(counters).load(Ordering::Relaxed));
                count.encode(events.encode_family(&JobEventLabels { job, event })?)?;
            }
        }
        for (name, help, read) in LEVELS {
            let mut levels = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (job, counters) in jobs.iter() {
                let level = ConstGauge::new(read(counters).load(Ordering::Relaxed));
                level.encode(levels.encode_family(&JobLabels { job })?)?;
            }
        }
        Ok(())
    }
}
