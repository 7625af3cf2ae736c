//! Prometheus metrics.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actix_web::http::Method;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

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
    job: String,
    outcome: String,
}

/// A gauge with a fraction.
type FloatGauge = Gauge<f64, AtomicU64>;

/// Everything `/metrics` shows. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    jobs: Family<JobLabels, Counter>,
    jobs_waiting: Gauge,
    jobs_oldest_seconds: FloatGauge,
    collector_lag_seconds: FloatGauge,
    collections_failing: Gauge,
    db_connections: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("finops");
        let requests = Family::<RequestLabels, Counter>::default();
        let durations: Family<RouteLabels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.5, 11)));
        let jobs = Family::<JobLabels, Counter>::default();
        let (jobs_waiting, collections_failing, db_connections) =
            (Gauge::default(), Gauge::default(), Gauge::default());
        let (jobs_oldest_seconds, collector_lag_seconds) = (FloatGauge::default(), FloatGauge::default());
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version that runs", build);
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_duration_seconds", "Time to answer", durations.clone());
        registry.register("jobs", "Job attempts ended, by outcome", jobs.clone());
        registry.register("jobs_waiting", "Jobs that are due and wait for a worker", jobs_waiting.clone());
        registry.register(
            "jobs_oldest_waiting_seconds",
            "How long the oldest due job has waited",
            jobs_oldest_seconds.clone(),
        );
        registry.register(
            "collector_lag_seconds",
            "Age of the oldest last successful collection among teams with an active admin key",
            collector_lag_seconds.clone(),
        );
        registry.register("collections_failing", "Teams whose last collection failed", collections_failing.clone());
        registry.register("db_connections", "Open database connections of this process", db_connections.clone());
        Self {
            registry: Arc::new(registry),
            requests,
            durations,
            jobs,
            jobs_waiting,
            jobs_oldest_seconds,
            collector_lag_seconds,
            collections_failing,
            db_connections,
        }
    }
}

/// What `/metrics` reads from the database when it is asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backlog {
    /// Jobs that are due.
    pub jobs_waiting: i64,
    /// How long the oldest of them has waited, in seconds.
    pub jobs_oldest_seconds: f64,
    /// Age of the oldest last successful collection, in seconds.
    pub collector_lag_seconds: f64,
    /// Teams whose last collection failed.
    pub collections_failing: i64,
}

impl Metrics {
    /// Counts one answered request. The route is the pattern, so that ids do not become labels.
    pub fn request(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let (method, route) = (method.to_string(), route.to_owned());
        let labels = RequestLabels { method: method.clone(), route: route.clone(), status };
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&RouteLabels { method, route }).observe(took.as_secs_f64());
    }

    /// Counts one ended attempt of a job.
    pub fn job(&self, job: &str, outcome: &str) {
        self.jobs.get_or_create(&JobLabels { job: job.into(), outcome: outcome.into() }).inc();
    }

    /// Takes over what the database knows.
    pub fn backlog(&self, backlog: Backlog, connections: u32) {
        self.jobs_waiting.set(backlog.jobs_waiting);
        self.jobs_oldest_seconds.set(backlog.jobs_oldest_seconds);
        self.collector_lag_seconds.set(backlog.collector_lag_seconds);
        self.collections_failing.set(backlog.collections_failing);
        self.db_connections.set(i64::from(connections));
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
