//! The collector's jobs: every day for every team, and when somebody asks.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::admin_keys::Provider;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::attribution::Attribute;
use super::service::{self, Target};
use crate::features::{admin_keys, organizations};
use crate::platform::clock::Clock;
use crate::platform::db::{OrganizationId, Tx};
use crate::platform::http::{Actor, Ctx};
use crate::platform::jobs::{Cadence, JobContext, JobHandler, JobOutcome, JobsBuilder, NewJob, Schedule, queue};
use crate::platform::state::State;

/// One team's collection.
pub(super) const COLLECT: &str = "collect_costs";
/// What puts every team's collection into the queue.
const DAILY: &str = "daily_batch";
/// How often one collection is tried before its failure waits for the next day: half a minute, doubled up to an hour,
/// which makes most of a night. A provider's outage is rarely over in minutes.
const ATTEMPTS: i32 = 16;
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);
/// The longest wait that a provider may ask for: nobody's clock is to stop a bill for days.
const LONGEST_ASKED: Duration = Duration::from_secs(6 * 3_600);
/// When a team that another worker is at is looked at again.
const BUSY: Duration = Duration::from_secs(2);

/// This feature's jobs: at 00:00 UTC, which is 09:00 in Korea, every team's; and what registering a Project ID leaves.
pub fn jobs(builder: JobsBuilder, state: &State) -> JobsBuilder {
    builder
        .handler(Daily { state: state.clone() })
        .handler(Collect { state: state.clone() })
        .handler(Attribute { state: state.clone() })
        .schedule(Schedule { job: DAILY, cadence: Cadence::Daily { hour: 0, minute: 0 } })
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    team_id: Uuid,
    through: Option<NaiveDate>,
}

/// Puts a team's collection into the queue, in the transaction that makes it worth while; nudge the jobs after that.
/// `slot` tells it from other requests: two with the same are one.
///
/// # Errors
/// The database's.
pub async fn request(tx: &mut Tx, ctx: &Ctx, team: Uuid, slot: &str) -> sqlx::Result<()> {
    let payload = Payload { team_id: team, through: None };
    enqueue(tx, &ctx.clock, ctx.organization, &payload, slot).await
}

async fn enqueue(
    tx: &mut Tx,
    clock: &Clock,
    organization: OrganizationId,
    payload: &Payload,
    slot: &str,
) -> sqlx::Result<()> {
    let job = NewJob {
        organization_id: Some(organization),
        name: COLLECT,
        slot,
        payload: json!(payload),
        run_at: None,
        max_attempts: ATTEMPTS,
    };
    queue::enqueue(tx, clock, job).await.map(drop)
}

struct Daily {
    state: State,
}

impl Daily {
    async fn enqueue_all(&self, through: NaiveDate) -> sqlx::Result<usize> {
        let mut count = 0;
        let mut tx = self.state.db.background().platform().await?;
        let organizations = organizations::ids(&mut tx).await?;
        tx.commit().await?;
        for organization in organizations {
            let mut tx = self.state.db.background().tenant(organization).await?;
            for team in admin_keys::teams_with_active_keys(&mut tx, organization, Provider::Openai).await? {
                let payload = Payload { team_id: team.id, through: Some(through) };
                enqueue(&mut tx, &self.state.clock, organization, &payload, &format!("{}:{through}", team.id)).await?;
                count += 1;
            }
            tx.commit().await?;
        }
        self.state.nudge.nudge();
        Ok(count)
    }
}

#[async_trait]
impl JobHandler for Daily {
    fn name(&self) -> &'static str {
        DAILY
    }

    async fn run(&self, job: &JobContext) -> JobOutcome {
        // The slot is the midnight that ended the day, however late the job runs.
        let midnight = job.slot.parse::<DateTime<Utc>>().ok().and_then(|at| at.date_naive().pred_opt());
        let Some(through) = midnight else { return JobOutcome::dead("the slot is not a time") };
        match self.enqueue_all(through).await {
            Ok(teams) => JobOutcome::Done(json!({"teams": teams, "date": through})),
            Err(error) => JobOutcome::retry(error),
        }
    }
}

struct Collect {
    state: State,
}

fn wait_after(attempt: i32) -> Duration {
    let doublings = u32::try_from(attempt - 1).unwrap_or_default().min(16);
    (FIRST_WAIT * 2_u32.pow(doublings)).min(LONGEST_WAIT)
}

#[async_trait]
impl JobHandler for Collect {
    fn name(&self) -> &'static str {
        COLLECT
    }

    async fn run(&self, job: &JobContext) -> JobOutcome {
        let (Ok(payload), Some(organization)) = (job.payload::<Payload>(), job.organization_id) else {
            return JobOutcome::dead("the payload is not a collection");
        };
        let ctx = Ctx::trusted(Actor::System { job: COLLECT }, organization, self.state.clock.clone());
        let target = Target { team: payload.team_id, through: payload.through };
        match service::collect(&self.state, &ctx, target, job.lost()).await {
            Ok(tally) => JobOutcome::Done(json!({
                "recordsCreated": tally.created, "recordsUpdated": tally.updated, "recordsUnattributed": tally.unattributed,
            })),
            Err(super::error::CollectError::Busy) => JobOutcome::Reschedule { after: BUSY },
            Err(super::error::CollectError::Interrupted) => JobOutcome::interrupted(),
            Err(error) if error.is_transient() => {
                let after = error.retry_after().unwrap_or_else(|| wait_after(job.attempt)).min(LONGEST_ASKED);
                JobOutcome::Retry { error: error.code().to_owned(), after: Some(after) }
            }
            Err(error) => JobOutcome::dead(error.code()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_of_outage_is_outlasted_and_a_day_is_not() {
        let waits: Vec<_> = (1..ATTEMPTS).map(wait_after).collect();
        assert_eq!((waits[0], waits[1], waits[14]), (FIRST_WAIT, FIRST_WAIT * 2, LONGEST_WAIT));
        let hours = waits.iter().sum::<Duration>().as_secs() / 3_600;
        assert!((8..12).contains(&hours), "{hours} hours");
    }
}
