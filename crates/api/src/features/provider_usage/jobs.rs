//! The poll, and what is forgotten in time.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures_util::{StreamExt as _, stream};
use serde_json::json;

use super::attribution::Attribute;
use super::domain::hour;
use super::error::PollError;
use super::service::{self, Target};
use super::store;
use crate::features::organizations;
use crate::features::prices::Books;
use crate::platform::jobs::{Cadence, JobContext, JobHandler, JobOutcome, JobsBuilder, Schedule, queue};
use crate::platform::state::State;

/// Every account's poll.
pub(super) const POLL: &str = "poll_usage";
/// Forgetting minutes.
const PRUNE: &str = "prune_provider_usage";
/// Accounts at once: enough to hide the provider's waits, few enough to leave connections for everybody else.
const AT_ONCE: usize = 3;
/// How long a poll's job is kept: there is one every minute.
const KEEP_POLLS: Duration = Duration::from_secs(3_600);

/// This feature's jobs. An interval of zero polls nothing.
#[must_use]
pub fn jobs(builder: JobsBuilder, state: &State, books: &Books) -> JobsBuilder {
    let builder = builder
        .handler(Poll { state: state.clone(), books: books.clone() })
        .handler(Attribute { state: state.clone() })
        .handler(Prune(state.clone()))
        .schedule(Schedule { job: PRUNE, cadence: Cadence::Daily { hour: 3, minute: 30 } });
    match state.config.usage_poll_interval {
        0 => builder,
        seconds => {
            builder.schedule(Schedule { job: POLL, cadence: Cadence::Every(Duration::from_secs(u64::from(seconds))) })
        }
    }
}

struct Poll {
    state: State,
    books: Books,
}

impl Poll {
    async fn targets(&self) -> sqlx::Result<Vec<Target>> {
        let mut tx = self.state.db.background().platform().await?;
        let organizations = organizations::ids(&mut tx).await?;
        queue::forget(&mut tx, POLL, KEEP_POLLS).await?;
        tx.commit().await?;
        let mut targets = Vec::new();
        for organization in organizations {
            targets.extend(service::accounts(&self.state, organization).await?);
        }
        Ok(targets)
    }
}

#[async_trait]
impl JobHandler for Poll {
    fn name(&self) -> &'static str {
        POLL
    }

    /// The next minute's poll brings in what this one could not.
    fn max_attempts(&self) -> i32 {
        1
    }

    async fn run(&self, job: &JobContext) -> JobOutcome {
        let targets = match self.targets().await {
            Ok(targets) => targets,
            Err(error) => return JobOutcome::retry(error),
        };
        let accounts = targets.len();
        let outcomes: Vec<_> = stream::iter(targets)
            .map(|target| async move { service::poll(&self.state, &self.books, &target, job.lost()).await })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        if job.is_lost() {
            return JobOutcome::interrupted();
        }
        // An account's failure is written beside the account, and shown there.
        let failed = |outcome: &&Result<usize, PollError>| {
            outcome.as_ref().is_err_and(|error| !matches!(error, PollError::Busy | PollError::Interrupted))
        };
        let failed = outcomes.iter().filter(failed).count();
        let changed: usize = outcomes.into_iter().flatten().sum();
        JobOutcome::Done(json!({"accounts": accounts, "failed": failed, "minutesChanged": changed}))
    }
}

/// Forgets minutes that are older than the organization keeps its events. Their hourly sums stay.
struct Prune(State);

impl Prune {
    async fn forget(&self) -> sqlx::Result<u64> {
        let db = self.0.db.background();
        let mut tx = db.platform().await?;
        let organizations = organizations::ids(&mut tx).await?;
        tx.commit().await?;
        let mut lines = 0;
        for id in organizations {
            let mut tx = db.tenant(id).await?;
            if let Some(organization) = organizations::find(&mut tx, id).await? {
                let keep = TimeDelta::days(i64::from(organization.retention_days));
                lines += store::prune(&mut tx, id, hour(self.0.clock.now() - keep)).await?;
            }
            tx.commit().await?;
        }
        Ok(lines)
    }
}

#[async_trait]
impl JobHandler for Prune {
    fn name(&self) -> &'static str {
        PRUNE
    }

    async fn run(&self, _: &JobContext) -> JobOutcome {
        self.forget().await.map_or_else(JobOutcome::retry, |lines| JobOutcome::Done(json!({"lines": lines})))
    }
}
