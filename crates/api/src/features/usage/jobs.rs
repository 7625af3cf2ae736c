//! What usage events need besides being stored: their sums folded, partitions for the days that come, and an end for those
//! that are kept no longer.

use async_trait::async_trait;
use serde_json::json;

use super::fold::Fold;
use super::{Ingest, imports, outcomes, reprice, retention};
use crate::platform::jobs::{Cadence, JobContext, JobHandler, JobOutcome, JobsBuilder, Schedule};
use crate::platform::state::State;

/// Makes partitions ahead.
const PARTITIONS: &str = "usage_partitions";
/// Deletes what is kept no longer.
const RETENTION: &str = "usage_retention";

/// This feature's jobs.
#[must_use]
pub fn jobs(builder: JobsBuilder, state: &State, ingest: &Ingest) -> JobsBuilder {
    let builder = reprice::jobs(builder, state);
    imports::jobs(builder, state, ingest)
        .handler(Partitions(state.clone()))
        .handler(Retention(state.clone()))
        .reconciler(Fold(state.db.clone()))
        .reconciler(outcomes::Match { db: state.db.clone(), clock: state.clock.clone() })
        .schedule(Schedule { job: PARTITIONS, cadence: Cadence::Daily { hour: 12, minute: 0 } })
        .schedule(Schedule { job: RETENTION, cadence: Cadence::Daily { hour: 2, minute: 0 } })
}

struct Partitions(State);

#[async_trait]
impl JobHandler for Partitions {
    fn name(&self) -> &'static str {
        PARTITIONS
    }

    async fn run(&self, _: &JobContext) -> JobOutcome {
        let made = retention::make_ahead(&self.0.db, self.0.clock.today()).await;
        made.map_or_else(JobOutcome::retry, |made| JobOutcome::Done(json!({"made": made})))
    }
}

struct Retention(State);

#[async_trait]
impl JobHandler for Retention {
    fn name(&self) -> &'static str {
        RETENTION
    }

    async fn run(&self, job: &JobContext) -> JobOutcome {
        match retention::forget(&self.0.db, &self.0.clock, &|| job.is_lost()).await {
            Ok(forgotten) if forgotten.interrupted => JobOutcome::interrupted(),
            Ok(forgotten) => JobOutcome::Done(json!(forgotten)),
            Err(error) => JobOutcome::retry(error),
        }
    }
}
