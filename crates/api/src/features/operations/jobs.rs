//! What is forgotten in time, so that tables of passing things stay small.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::json;

use crate::features::accounts;
use crate::platform::auth::rate_limit;
use crate::platform::http::idempotency;
use crate::platform::jobs::{Cadence, JobContext, JobHandler, JobOutcome, JobsBuilder, Schedule, queue};
use crate::platform::state::State;

/// The name of the job.
const NAME: &str = "maintenance";
/// How often it runs.
const EVERY: Duration = Duration::from_secs(3600);
/// How long ended jobs can be looked at.
const KEEP_JOBS: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long an expired session is kept: longer than the longest access token lasts.
const KEEP_SESSIONS: TimeDelta = TimeDelta::days(2);
/// Every bucket is full again after this.
const KEEP_BUCKETS: TimeDelta = TimeDelta::hours(1);

/// This feature's jobs.
#[must_use]
pub fn jobs(builder: JobsBuilder, state: &State) -> JobsBuilder {
    builder.handler(Maintenance(state.clone())).schedule(Schedule { job: NAME, cadence: Cadence::Every(EVERY) })
}

/// Forgets ended jobs, expired sessions, answers kept for repetition, and rate-limit buckets that are full again.
struct Maintenance(State);

impl Maintenance {
    async fn forget(&self) -> sqlx::Result<serde_json::Value> {
        let (db, now) = (self.0.db.background(), self.0.clock.now());
        let mut jobs = 0;
        loop {
            let mut tx = db.platform().await?;
            let deleted = queue::prune(&mut tx, KEEP_JOBS).await?;
            tx.commit().await?;
            jobs += deleted;
            if deleted == 0 {
                break;
            }
        }
        let mut tx = db.platform().await?;
        let sessions = accounts::prune_sessions(&mut tx, now - KEEP_SESSIONS).await?;
        tx.commit().await?;
        let answers = idempotency::prune(&self.0.db, now).await?;
        let mut tx = db.platform().await?;
        let buckets = rate_limit::prune(&mut tx, now - KEEP_BUCKETS).await?;
        tx.commit().await?;
        Ok(json!({"jobs": jobs, "sessions": sessions, "answers": answers, "buckets": buckets}))
    }
}

#[async_trait]
impl JobHandler for Maintenance {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn run(&self, _: &JobContext) -> JobOutcome {
        self.forget().await.map_or_else(JobOutcome::retry, JobOutcome::Done)
    }
}
