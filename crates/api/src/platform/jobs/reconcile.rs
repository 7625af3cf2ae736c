//! Work without an input: bring what is stored in line, again and again.
//!
//! Unlike a job it is no row in the database. Every replica does it, on a timer and when it is nudged; what only one may
//! do at a time it guards by a lock of its own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::JobMetrics;
use super::runner::Stop;

/// What brings something in line.
#[async_trait]
pub trait Reconciler: Send + Sync {
    /// What it is called in logs and metrics. Stable, and no job's.
    fn name(&self) -> &'static str;

    /// How long after the end of a pass the next one begins, if nobody nudges.
    fn period(&self) -> Duration;

    /// Returns when a pass should begin before its time. Never, unless somebody nudges it.
    async fn woken(&self) {
        std::future::pending().await
    }

    /// Whether a pass that is under way when the process stops ends soon by itself: it is waited for until the deadline, and
    /// dropped only then.
    fn ends_by_itself(&self) -> bool {
        false
    }

    /// Brings everything in line. Idempotent: a pass that failed, or was dropped half-way, is followed by another.
    ///
    /// # Errors
    /// Why it could not. It is logged, and tried again.
    async fn pass(&self) -> anyhow::Result<()>;
}

/// Runs passes until the process stops. A pass that is under way then is dropped, at once or at the deadline: what it had not
/// committed is undone.
pub(super) async fn repeat(reconciler: Arc<dyn Reconciler>, metrics: Arc<JobMetrics>, mut stop: Stop) {
    let name = reconciler.name();
    while stop.borrow().is_none() {
        let mut passing = std::pin::pin!(pass(Arc::clone(&reconciler), &metrics));
        let stopped = tokio::select! {
            stopped = stop.wait_for(Option::is_some) => Some(stopped.ok().and_then(|until| *until)),
            () = &mut passing => None,
        };
        if let Some(until) = stopped {
            if let Some(until) = until.filter(|_| reconciler.ends_by_itself()) {
                let _ = tokio::time::timeout_at(until, passing).await;
            }
            return;
        }
        tokio::select! {
            _ = stop.wait_for(Option::is_some) => return,
            () = reconciler.woken() => {}
            () = tokio::time::sleep(reconciler.period()) => {}
        }
    }
    tracing::debug!(name, "stopped");
}

/// One pass, in a task of its own, so that its panics are its own.
pub(super) async fn pass(reconciler: Arc<dyn Reconciler>, metrics: &JobMetrics) {
    let name = reconciler.name();
    let _running = metrics.running(name);
    metrics.count(name, |counters| &counters.claimed);
    let mut task = JoinSet::new();
    task.spawn(async move { reconciler.pass().await }.instrument(tracing::info_span!("reconcile", name)));
    match task.join_next().await {
        Some(Ok(Ok(()))) => metrics.count(name, |counters| &counters.succeeded),
        Some(Ok(Err(error))) => {
            metrics.count(name, |counters| &counters.failed);
            tracing::warn!(name, %error, "a pass failed; it will be tried again");
        }
        // The panic itself is in the log.
        Some(Err(_)) | None => metrics.count(name, |counters| &counters.failed),
    }
}
