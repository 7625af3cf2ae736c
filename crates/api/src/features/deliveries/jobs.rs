//! Sending, and forgetting what was sent long ago.

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::json;

use super::sender::Sender;
use super::{claim, store};
use crate::features::organizations;
use crate::platform::jobs::{Cadence, JobContext, JobHandler, JobOutcome, JobsBuilder, Schedule};
use crate::platform::state::State;

/// The name of the job that forgets.
const RETENTION: &str = "deliveries_retention";
/// How long a delivery can be looked at.
const KEPT: TimeDelta = TimeDelta::days(90);
/// Rows that one transaction deletes at most.
const SLICE: i64 = 5_000;

/// This feature's background work.
#[must_use]
pub fn jobs(builder: JobsBuilder, state: &State) -> JobsBuilder {
    builder
        .reconciler(Sender::new(state.clone()))
        .handler(Retention(state.clone()))
        .schedule(Schedule { job: RETENTION, cadence: Cadence::Daily { hour: 2, minute: 30 } })
}

struct Retention(State);

impl Retention {
    /// Deletes what is old enough; nothing when it was interrupted.
    async fn forget(&self, job: &JobContext) -> sqlx::Result<Option<u64>> {
        let (db, now) = (self.0.db.background(), self.0.clock.now());
        let mut tx = db.platform().await?;
        claim::forget_rests(&mut tx, now).await?;
        let organizations = organizations::ids(&mut tx).await?;
        tx.commit().await?;
        let mut forgotten = 0;
        for organization in organizations {
            loop {
                if job.is_lost() {
                    return Ok(None);
                }
                let mut tx = db.tenant(organization).await?;
                let deleted = store::forget(&mut tx, organization, now - KEPT, SLICE).await?;
                tx.commit().await?;
                forgotten += deleted;
                if deleted == 0 {
                    break;
                }
            }
        }
        Ok(Some(forgotten))
    }
}

#[async_trait]
impl JobHandler for Retention {
    fn name(&self) -> &'static str {
        RETENTION
    }

    async fn run(&self, job: &JobContext) -> JobOutcome {
        match self.forget(job).await {
            Ok(Some(forgotten)) => JobOutcome::Done(json!({ "deliveries": forgotten })),
            Ok(None) => JobOutcome::interrupted(),
            Err(error) => JobOutcome::retry(error),
        }
    }
}
