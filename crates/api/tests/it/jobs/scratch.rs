//! A database of its own for one test, and handlers made of closures.

use std::future::Future;

use async_trait::async_trait;
use finops_api::platform::clock::Clock;
use finops_api::platform::db::{Db, OrganizationId};
use finops_api::platform::jobs::{JobContext, JobHandler, JobOutcome, Jobs, JobsBuilder, NewJob, queue};
use finops_contract::jobs::Job;
use serde_json::Value;
use uuid::Uuid;

use crate::support::Database;

/// A migrated database, dropped with this.
pub(super) struct Scratch {
    pub(super) clock: Clock,
    database: Database,
}

impl Scratch {
    pub(super) async fn new() -> Self {
        Self { clock: Clock::system(), database: Database::new().await }
    }

    /// Pools as one replica has them.
    pub(super) fn db(&self) -> Db {
        self.database.db()
    }

    /// A replica.
    pub(super) fn replica(&self) -> JobsBuilder {
        Jobs::builder(self.db(), self.clock.clone())
    }

    /// A replica that runs one kind of job.
    pub(super) fn runs<F, R>(&self, name: &'static str, run: F) -> Jobs
    where
        F: Fn(JobContext) -> R + Send + Sync + 'static,
        R: Future<Output = JobOutcome> + Send + 'static,
    {
        self.replica().handler(Work { name, run }).build().expect("a runner")
    }

    /// Runs a statement that moves the database's times.
    pub(super) async fn sql(&self, statement: &'static str) -> u64 {
        self.database.sql(statement).await
    }

    pub(super) async fn organization(&self) -> OrganizationId {
        self.database.organization(&self.clock).await
    }

    pub(super) async fn enqueue(&self, job: NewJob<'_>) -> Uuid {
        let mut tx = self.db().platform().await.expect("a transaction");
        let enqueued = queue::enqueue(&mut tx, &self.clock, job).await.expect("enqueued");
        tx.commit().await.expect("committed");
        enqueued.id
    }

    pub(super) async fn job(&self, id: Uuid) -> Job {
        let mut tx = self.db().platform().await.expect("a transaction");
        queue::get(&mut tx, id).await.expect("an answer").expect("a job")
    }

    /// Seconds from the database's now until the job may run.
    pub(super) async fn waits(&self, id: Uuid) -> f64 {
        sqlx::query_scalar("SELECT extract(epoch FROM run_at - now())::float8 FROM jobs WHERE id = $1")
            .bind(id)
            .fetch_one(&mut self.database.owner().await)
            .await
            .expect("a job")
    }
}

/// A handler made of a closure.
pub(super) struct Work<F> {
    pub(super) name: &'static str,
    pub(super) run: F,
}

#[async_trait]
impl<F, R> JobHandler for Work<F>
where
    F: Fn(JobContext) -> R + Send + Sync,
    R: Future<Output = JobOutcome> + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn max_attempts(&self) -> i32 {
        3
    }

    async fn run(&self, job: &JobContext) -> JobOutcome {
        (self.run)(job.clone()).await
    }
}

/// A job of this name and slot, for no organization, due at once, with three attempts.
pub(super) fn new_job<'a>(name: &'a str, slot: &'a str) -> NewJob<'a> {
    NewJob { organization_id: None, name, slot, payload: Value::Null, run_at: None, max_attempts: 3 }
}
