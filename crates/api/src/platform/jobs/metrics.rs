//! What the runner counts, for `/metrics` to read.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::queue::Backlog;

/// The counts of every registered job, by name. The counters are this process's; the gauges say of what they are.
#[derive(Debug, Default)]
pub struct JobMetrics(BTreeMap<&'static str, JobCounters>);

/// The counts of the jobs of one name.
#[derive(Debug, Default)]
pub struct JobCounters {
    /// Attempts begun.
    pub claimed: AtomicU64,
    /// Jobs done.
    pub succeeded: AtomicU64,
    /// Attempts failed, the last ones included.
    pub failed: AtomicU64,
    /// Attempts that ended without counting: put off, or released at shutdown.
    pub rescheduled: AtomicU64,
    /// Attempts whose worker, here or elsewhere, lost its lease, as seen by this process.
    pub lost: AtomicU64,
    /// Jobs given up.
    pub dead: AtomicU64,
    /// Gauge: attempts running in this process.
    pub running: AtomicI64,
    /// Gauge: queued jobs of all replicas whose time has come, measured every 15 s.
    pub due: AtomicI64,
    /// Gauge: seconds that the oldest of them has waited.
    pub oldest_due_seconds: AtomicI64,
}

impl JobMetrics {
    pub(super) fn new(names: impl IntoIterator<Item = &'static str>) -> Self {
        Self(names.into_iter().map(|name| (name, JobCounters::default())).collect())
    }

    /// Every job's counts.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &JobCounters)> {
        self.0.iter().map(|(name, counters)| (*name, counters))
    }

    /// The counts of one name; none if this process does not run it.
    pub fn get(&self, name: &str) -> Option<&JobCounters> {
        self.0.get(name)
    }

    pub(super) fn count(&self, name: &str, counter: impl Fn(&JobCounters) -> &AtomicU64) {
        if let Some(counters) = self.get(name) {
            counter(counters).fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn set_backlog(&self, backlog: &[Backlog]) {
        for (name, counters) in self.iter() {
            let found = backlog.iter().find(|backlog| backlog.name == name);
            counters.due.store(found.map_or(0, |backlog| backlog.due), Ordering::Relaxed);
            let oldest = found.map_or(0, |backlog| backlog.oldest_due_seconds);
            counters.oldest_due_seconds.store(oldest, Ordering::Relaxed);
        }
    }

    /// Counts an attempt as running until the guard is dropped.
    pub(super) fn running(&self, name: &str) -> Option<Running<'_>> {
        let gauge = &self.get(name)?.running;
        gauge.fetch_add(1, Ordering::Relaxed);
        Some(Running(gauge))
    }
}

pub(super) struct Running<'a>(&'a AtomicI64);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
