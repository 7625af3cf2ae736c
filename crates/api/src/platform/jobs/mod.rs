//! Background work, in the service's own process, safe with many replicas.
//!
//! A job is a row. Any replica turns a due [`Schedule`] into one, any feature [`queue::enqueue`]s one in its own
//! transaction, and any replica claims it: in one short transaction with `SKIP LOCKED`, under a lease on the database's
//! time. The handler runs outside any transaction while heartbeats extend the lease; the end is written only by the
//! worker that still holds it.
//!
//! Invariant: a job may run more than once (a worker dies, or freezes and wakes late). A handler that must not write
//! twice asks [`JobContext::still_mine`] in the transaction it writes in; unique constraints are the real guard.
//!
//! What has no input and is never done is a [`Reconciler`] instead.
//!
//! Nobody listens on the database: a nudge in the same process and a poll once a second are enough, and work behind any
//! connection pooler.

mod backoff;
mod lease;
mod metrics;
pub mod queue;
mod reconcile;
mod runner;
mod schedule;
mod supervise;

use std::time::Duration;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgConnection;
use tokio::sync::watch;
use uuid::Uuid;

pub use self::backoff::Backoff;
pub use self::metrics::{JobCounters, JobMetrics};
pub use self::queue::{Enqueued, NewJob};
pub use self::reconcile::Reconciler;
pub use self::runner::{Jobs, JobsBuilder, JobsHandle, Nudge, Settings};
pub use self::schedule::{Cadence, Schedule};

use super::db::OrganizationId;

/// What runs the jobs of one name.
#[async_trait]
pub trait JobHandler: Send + Sync {
    /// The jobs it runs. Stable: rows in the database carry it.
    fn name(&self) -> &'static str;

    /// Attempts that a job made by a [`Schedule`] may take; at least 1.
    fn max_attempts(&self) -> i32 {
        5
    }

    /// Does the work, outside any transaction but its own. A panic counts as a failed attempt. Once
    /// [`JobContext::lost`] has fired it has a few seconds to return, then it is dropped at its next await.
    async fn run(&self, job: &JobContext) -> JobOutcome;
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum JobOutcome {
    /// The work is done; what it reports is shown in the API.
    Done(Value),
    /// It failed and may work later. Dead once the attempts are used up.
    Retry {
        /// Why; shown in the API, so no secrets.
        error: String,
        /// Not before this long from now; the backoff decides if none. A provider's `Retry-After` goes here.
        after: Option<Duration>,
    },
    /// It could not begin, or was interrupted: once more, without counting as an attempt.
    Reschedule {
        /// Not before this long from now; at least a second, except at shutdown.
        after: Duration,
    },
    /// It failed for good.
    Dead {
        /// Why; shown in the API, so no secrets.
        error: String,
    },
}

impl JobOutcome {
    /// What to return after [`JobContext::lost`]: whoever takes over starts at once.
    pub const fn interrupted() -> Self {
        Self::Reschedule { after: Duration::ZERO }
    }

    /// A failure that the backoff spaces out.
    pub fn retry(error: impl ToString) -> Self {
        Self::Retry { error: error.to_string(), after: None }
    }

    /// A failure for good.
    pub fn dead(error: impl ToString) -> Self {
        Self::Dead { error: error.to_string() }
    }
}

/// The job that a handler is running.
#[derive(Clone, Debug)]
pub struct JobContext {
    /// Its id.
    pub id: Uuid,
    /// The organization it works for, if it works for one.
    pub organization_id: Option<OrganizationId>,
    /// What makes it this run and no other. A scheduled job's is the time it stands for, in RFC 3339.
    pub slot: String,
    /// What it was given.
    pub payload: Value,
    /// Which attempt this is, from 1.
    pub attempt: i32,
    /// Attempts allowed.
    pub max_attempts: i32,
    lease_owner: Uuid,
    lost: watch::Receiver<bool>,
}

impl JobContext {
    /// The payload as a type.
    ///
    /// # Errors
    /// The payload does not have that shape. It never will, so the job is [`JobOutcome::Dead`].
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.payload)
    }

    /// Whether this is the last attempt.
    pub fn is_last_attempt(&self) -> bool {
        self.attempt >= self.max_attempts
    }

    /// Returns when the work should stop: the lease was lost, or the process is shutting down.
    pub async fn lost(&self) {
        // The sender is gone only together with the supervisor, which is as good a reason.
        self.lost.clone().wait_for(|lost| *lost).await.ok();
    }

    /// Whether [`Self::lost`] has fired.
    pub fn is_lost(&self) -> bool {
        *self.lost.borrow() || self.lost.has_changed().is_err()
    }

    /// Whether this worker still holds the job; if so, nobody else can take it before the transaction ends. Ask in each
    /// transaction that writes, and write nothing if not.
    ///
    /// The transaction must see the job: its organization's scope or the platform's. Keep it short, as heartbeats wait
    /// for it.
    ///
    /// # Errors
    /// The database failed, or the row was locked for longer than `lock_timeout`.
    pub async fn still_mine(&self, conn: &mut PgConnection) -> sqlx::Result<bool> {
        sqlx::query_scalar!(
            "SELECT id FROM jobs WHERE id = $1 AND lease_owner = $2 FOR UPDATE",
            self.id,
            self.lease_owner
        )
        .fetch_optional(conn)
        .await
        .map(|row| row.is_some())
    }
}
