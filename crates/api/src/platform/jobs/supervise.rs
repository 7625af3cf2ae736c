//! One attempt at one job: the handler in a task of its own, so that its panics and its stalls are its own, and beside
//! it what keeps the lease, listens for the end of the process, and writes down how it went.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;

use super::lease::{self, Claimed, End};
use super::runner::{Shared, Stop};
use super::{JobContext, JobOutcome};
use crate::platform::db::OrganizationId;

pub(super) struct Attempt {
    shared: Arc<Shared>,
    job: Claimed,
    owner: Uuid,
    claimed_at: Instant,
    lost: watch::Sender<bool>,
}

/// How the handler ended, or why it is not waited for any longer.
enum Ended {
    Returned(Result<JobOutcome, JoinError>),
    OutOfTime { lease_lost: bool },
}

/// The least wait of a job that was put off, or it spins.
const LEAST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait that a provider can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(7 * 24 * 3600);
/// Between two tries to reach a database that does not answer.
const DATABASE_RETRY: Duration = Duration::from_millis(500);
/// What people see of a panic. Its message is in the log only: it was not written for them.
const PANICKED: &str = "the job panicked";

impl Attempt {
    pub(super) fn new(shared: Arc<Shared>, job: Claimed, owner: Uuid, claimed_at: Instant) -> Self {
        Self { shared, job, owner, claimed_at, lost: watch::Sender::new(false) }
    }

    /// Runs to its end, or shortly past the time by which everything must have stopped.
    pub(super) async fn run(self, stop: Stop) {
        let job = &self.job;
        let span = tracing::info_span!("job", job.id = %job.id, job.name, job.slot, job.attempt = job.attempts);
        self.run_in_span(stop).instrument(span).await;
    }

    async fn run_in_span(self, stop: Stop) {
        let metrics = Arc::clone(&self.shared.metrics);
        let _running = metrics.running(&self.job.name);
        let Some(handler) = self.shared.handlers.get(self.job.name.as_str()).map(Arc::clone) else { return };
        let context = self.context();
        let mut task = JoinSet::new();
        task.spawn(async move { handler.run(&context).await }.in_current_span());
        let end = match self.watch(&mut task, stop).await {
            Ended::Returned(outcome) => self.end(outcome),
            Ended::OutOfTime { lease_lost } => {
                task.abort_all();
                // Let go of what it holds first; a handler that blocks its thread is not waited for.
                tokio::time::timeout(LEAST_WAIT, task.join_next()).await.ok();
                if lease_lost {
                    return;
                }
                End::Queued { after: Duration::ZERO, error: None, counts: false }
            }
        };
        if self.write(&end).await {
            self.report(&end);
        }
    }

    fn context(&self) -> JobContext {
        JobContext {
            id: self.job.id,
            organization_id: self.job.organization_id.map(OrganizationId),
            slot: self.job.slot.clone(),
            payload: self.job.payload.clone(),
            attempt: self.job.attempts,
            max_attempts: self.job.max_attempts,
            lease_owner: self.owner,
            lost: self.lost.subscribe(),
        }
    }

    /// Waits for the handler, keeping its lease, and no longer than it may take after it was told to stop.
    async fn watch(&self, task: &mut JoinSet<JobOutcome>, mut stop: Stop) -> Ended {
        let mut lease = pin!(self.keep_lease());
        let (mut lease_lost, mut stopping) = (false, false);
        let mut deadline: Option<Instant> = None;
        loop {
            let until = tokio::select! {
                biased;
                Some(outcome) = task.join_next() => return Ended::Returned(outcome),
                () = reached(deadline) => return Ended::OutOfTime { lease_lost },
                () = &mut lease, if !lease_lost => {
                    lease_lost = true;
                    self.shared.metrics.count(&self.job.name, |counters| &counters.lost);
                    tracing::warn!("the lease was lost");
                    Instant::now() + self.shared.settings.grace
                }
                until = stopped(&mut stop), if !stopping => {
                    stopping = true;
                    until
                }
            };
            deadline = Some(deadline.map_or(until, |deadline| deadline.min(until)));
            self.lost.send_replace(true);
        }
    }

    /// Extends the lease for as long as it can; returns when it is lost.
    async fn keep_lease(&self) {
        let settings = &self.shared.settings;
        let mut valid_until = self.claimed_at + settings.lease;
        let mut next = settings.heartbeat;
        loop {
            tokio::time::sleep_until((Instant::now() + next).min(valid_until)).await;
            // Measured before it is sent: the lease in the database lasts longer than what is counted on here.
            let sent = Instant::now();
            next = match tokio::time::timeout_at(valid_until.max(sent + DATABASE_RETRY), self.extend()).await {
                Ok(Ok(true)) => {
                    valid_until = sent + settings.lease;
                    settings.heartbeat
                }
                Ok(Ok(false)) => return,
                // The handler is in a transaction that holds the row: nobody can take the job meanwhile.
                Ok(Err(error)) if is_locked(&error) => {
                    valid_until = Instant::now() + settings.lease;
                    Duration::ZERO
                }
                _ if Instant::now() >= valid_until => return,
                _ => DATABASE_RETRY,
            };
        }
    }

    async fn extend(&self) -> sqlx::Result<bool> {
        let mut tx = self.shared.db.background().platform().await?;
        let held = lease::extend(&mut tx, self.job.id, self.owner, self.shared.settings.lease).await?;
        tx.commit().await?;
        Ok(held)
    }

    fn end(&self, outcome: Result<JobOutcome, JoinError>) -> End {
        let interrupted = *self.lost.borrow();
        match outcome {
            Ok(JobOutcome::Done(result)) => End::Succeeded(result),
            Ok(JobOutcome::Dead { error }) => End::Dead(error),
            Ok(JobOutcome::Reschedule { after }) => {
                let after = if interrupted { after } else { after.max(LEAST_WAIT) };
                End::Queued { after: after.min(LONGEST_WAIT), error: None, counts: false }
            }
            // It was told to stop; that it did not succeed is not its fault.
            Ok(JobOutcome::Retry { error, after }) if interrupted => {
                let after = after.unwrap_or_default().min(LONGEST_WAIT);
                End::Queued { after, error: Some(error), counts: false }
            }
            Ok(JobOutcome::Retry { error, after }) => self.failed(error, after),
            Err(_) => self.failed(PANICKED.to_owned(), None),
        }
    }

    fn failed(&self, error: String, after: Option<Duration>) -> End {
        if self.job.attempts >= self.job.max_attempts {
            return End::Dead(error);
        }
        let after = after.unwrap_or_else(|| self.shared.settings.backoff.delay(self.job.attempts)).min(LONGEST_WAIT);
        End::Queued { after, error: Some(error), counts: true }
    }

    /// Writes the end down, if the job is still this worker's. A database that is away for a moment must not make a
    /// job that is done run again.
    async fn write(&self, end: &End) -> bool {
        let give_up = Instant::now() + self.shared.settings.lease;
        loop {
            match self.finish(end).await {
                Ok(true) => return true,
                Ok(false) => {
                    tracing::warn!("the job ended after another worker had taken it over; nothing was written");
                    return false;
                }
                Err(error) if Instant::now() >= give_up => {
                    tracing::error!(%error, "the end of the job could not be written; it will run again");
                    return false;
                }
                Err(_) => tokio::time::sleep(DATABASE_RETRY).await,
            }
        }
    }

    async fn finish(&self, end: &End) -> sqlx::Result<bool> {
        let mut tx = self.shared.db.background().platform().await?;
        let written = lease::finish(&mut tx, self.job.id, self.owner, end).await?;
        tx.commit().await?;
        Ok(written)
    }

    fn report(&self, end: &End) {
        let (metrics, name) = (&self.shared.metrics, self.job.name.as_str());
        match end {
            End::Succeeded(_) => {
                metrics.count(name, |counters| &counters.succeeded);
                tracing::info!("job done");
            }
            End::Queued { counts: false, after, .. } => {
                metrics.count(name, |counters| &counters.rescheduled);
                tracing::info!(?after, "job put off");
            }
            End::Queued { counts: true, after, error } => {
                metrics.count(name, |counters| &counters.failed);
                tracing::warn!(?after, error = error.as_deref(), "job failed; it will be tried again");
            }
            End::Dead(error) => {
                metrics.count(name, |counters| &counters.failed);
                metrics.count(name, |counters| &counters.dead);
                tracing::error!(error, "job failed for good");
            }
        }
    }
}

fn is_locked(error: &sqlx::Error) -> bool {
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    error.as_database_error().and_then(|error| error.code()).as_deref() == Some(LOCK_NOT_AVAILABLE)
}

async fn reached(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Waits for the process to end; returns by when. A runner whose last handle is gone ends now.
async fn stopped(stop: &mut Stop) -> Instant {
    stop.wait_for(Option::is_some).await.ok().and_then(|until| *until).unwrap_or_else(Instant::now)
}
