//! The job that goes through the events.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{slice, store};
use crate::features::prices::{Book, Books};
use crate::features::{audit, budgets};
use crate::platform::db::OrganizationId;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::{Actor, ApiError, Ctx};
use crate::platform::jobs::{JobContext, JobHandler, JobOutcome, JobsBuilder};
use crate::platform::state::State;

/// The name of the job.
pub(super) const NAME: &str = "reprice";
/// Events of one transaction: some hundred milliseconds, in which the hourly sums of at most that many rows are held.
const SLICE: i64 = 1_000;

/// The job that prices events anew.
#[must_use]
pub(in crate::features::usage) fn jobs(builder: JobsBuilder, state: &State) -> JobsBuilder {
    builder.handler(Repricer(state.clone()))
}

/// What it is given.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    reprice_id: Uuid,
}

struct Repricer(State);

/// How a slice ended.
enum Step {
    Further,
    Done,
    /// Somebody else has the job by now.
    Lost,
}

impl Repricer {
    async fn run(&self, job: &JobContext, organization: OrganizationId, id: Uuid) -> Result<JobOutcome, ApiError> {
        let state = &self.0;
        // The prices that hold now, for the whole of the run: looked up anew, not what the process happens to keep.
        let book = Books::new(state.db.clone(), state.clock.clone()).of(organization).await?;
        loop {
            if job.is_lost() {
                return Ok(JobOutcome::interrupted());
            }
            match self.step(job, &book, organization, id).await? {
                Step::Further => {}
                Step::Done => return Ok(JobOutcome::Done(json!({"repriceId": id}))),
                Step::Lost => return Ok(JobOutcome::interrupted()),
            }
        }
    }

    async fn step(
        &self,
        job: &JobContext,
        book: &Book,
        organization: OrganizationId,
        id: Uuid,
    ) -> Result<Step, ApiError> {
        let state = &self.0;
        let mut tx = state.db.background().tenant(organization).await?;
        if !job.still_mine(&mut tx).await? {
            return Ok(Step::Lost);
        }
        let Some(run) = store::run(&mut tx, organization, id).await?.filter(|run| !run.done) else {
            return Ok(Step::Done);
        };
        let events = store::events(&mut tx, organization, &run, SLICE).await?;
        let outcome = slice::reprice(book, &run.wish, &events)?;
        let last = events.last().map(|event| (event.occurred_at, event.event_key));
        store::add(&mut tx, organization, id, outcome.differences.iter()).await?;
        store::advance(&mut tx, organization, id, last, state.clock.now()).await?;
        if last.is_none() && run.wish.apply {
            let ctx = Ctx::trusted(Actor::System { job: NAME }, organization, state.clock.clone());
            let one = Keyset { limit: 1, after: None };
            let report = store::list(&mut tx, organization, Some(id), &one).await?.pop();
            let totals = report.map(|report| report.totals).unwrap_or_default();
            let change = audit::Change::new("price.repriced", id, run.wish.name());
            let before = json!({"cost": totals.cost_before, "unpriced": totals.unpriced_before});
            let after = json!({"cost": totals.cost_after, "unpriced": totals.unpriced_after, "events": totals.changed});
            audit::record(&mut tx, &ctx, change.before(before).after(after)).await?;
        }
        if run.wish.apply {
            store::correct(&mut tx, organization, &outcome.corrections).await?;
            // Last: these rows are what whoever stores events waits for.
            outcome.sums.add(&mut tx, organization).await?;
            budgets::check_soon(&mut tx, organization).await?;
        }
        tx.commit().await?;
        Ok(if last.is_some() { Step::Further } else { Step::Done })
    }
}

#[async_trait]
impl JobHandler for Repricer {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn run(&self, job: &JobContext) -> JobOutcome {
        let (Ok(payload), Some(organization)) = (job.payload::<Payload>(), job.organization_id) else {
            return JobOutcome::dead("the payload is not a pricing anew");
        };
        match Self::run(self, job, organization, payload.reprice_id).await {
            Ok(outcome) => outcome,
            Err(error) => JobOutcome::retry(error),
        }
    }
}
