//! When reports are sent: every organization's in a job of its own, so that one that fails stops no other.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::NaiveDate;
use finops_contract::organizations::Organization;
use serde_json::json;

use super::domain::{self, Due, PATIENCE};
use super::service::{self, Sent};
use crate::features::prices::Books;
use crate::features::{costs, deliveries, organizations};
use crate::platform::db::OrganizationId;
use crate::platform::http::{Actor, ApiResult, Ctx};
use crate::platform::jobs::queue::{self, NewJob};
use crate::platform::jobs::{JobContext, JobHandler, JobOutcome, JobsBuilder, Reconciler};
use crate::platform::state::State;

/// Looks whose report is due.
const LOOK: &str = "weekly_reports";
/// Sends one.
const SEND: &str = "weekly_report";
/// How often is looked.
const PERIOD: Duration = Duration::from_secs(60);
/// Organizations that are read at once.
const PAGE: i64 = 500;
/// Attempts at one report.
const ATTEMPTS: i32 = 10;

/// This feature's background work.
#[must_use]
pub fn jobs(builder: JobsBuilder, state: &State, books: &Books) -> JobsBuilder {
    let look = Look { state: state.clone(), seen: Mutex::default() };
    builder.reconciler(look).handler(Send { state: state.clone(), books: books.clone() })
}

/// Makes a job of every report that is due. Its slot is the organization and the week, so all replicas make one.
struct Look {
    state: State,
    /// The weeks whose jobs this process has seen made: nothing is left to do about them.
    seen: Mutex<HashMap<OrganizationId, NaiveDate>>,
}

impl Look {
    async fn look(&self) -> anyhow::Result<()> {
        let mut after = None;
        loop {
            let mut tx = self.state.db.background().platform().await?;
            let page = organizations::list(&mut tx, after, PAGE).await?;
            tx.commit().await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            for organization in &page {
                self.make(organization).await;
            }
        }
    }

    /// Makes an organization's job, if its report is due. Whatever fails is left to the next pass, and stops no other.
    async fn make(&self, organization: &Organization) {
        let id = OrganizationId(organization.id);
        let Some(due) = domain::due(organization, self.state.clock.now()) else { return };
        if self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&id) == Some(&due.week.from) {
            return;
        }
        match self.enqueue(id, due).await {
            Ok(true) => {
                self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(id, due.week.from);
            }
            Ok(false) => tracing::debug!(organization = %id, "the weekly report waits for the bill"),
            Err(error) => tracing::warn!(organization = %id, %error, "the weekly report could not be put in"),
        }
    }

    /// False while the bill of the week's last day may still come.
    async fn enqueue(&self, organization: OrganizationId, due: Due) -> sqlx::Result<bool> {
        let mut tx = self.state.db.background().tenant(organization).await?;
        let last = (due.week.to.pred_opt().unwrap_or(due.week.to), due.week.to);
        let is_early = self.state.clock.now() < due.since + PATIENCE;
        if is_early && !costs::missing_days(&mut tx, organization, last).await?.is_empty() {
            return Ok(false);
        }
        let job = NewJob {
            organization_id: Some(organization),
            name: SEND,
            slot: &format!("{organization}/{}", due.week.from),
            payload: json!({}),
            run_at: None,
            max_attempts: ATTEMPTS,
        };
        let made = queue::enqueue(&mut tx, &self.state.clock, job).await?;
        tx.commit().await?;
        if made.created {
            self.state.nudge.nudge();
        }
        Ok(true)
    }
}

#[async_trait]
impl Reconciler for Look {
    fn name(&self) -> &'static str {
        LOOK
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    async fn pass(&self) -> anyhow::Result<()> {
        self.look().await
    }
}

struct Send {
    state: State,
    books: Books,
}

impl Send {
    /// Sends the report that is due now; nothing, where none is any more: it is late, and on the app's page.
    async fn send(&self, organization: OrganizationId) -> ApiResult<Option<Sent>> {
        let state = &self.state;
        let ctx = Ctx::trusted(Actor::System { job: SEND }, organization, state.clock.clone());
        // Before the transaction: prices are read in one of their own.
        let book = self.books.of(organization).await?;
        let mut tx = state.db.background().tenant(organization).await?;
        let found = organizations::find(&mut tx, organization).await?;
        let Some(due) = found.and_then(|found| domain::due(&found, ctx.now())) else { return Ok(None) };
        let sent = service::send(state, &mut tx, &ctx, &book, due.week).await?;
        tx.commit().await?;
        deliveries::nudge(state);
        Ok(Some(sent))
    }
}

#[async_trait]
impl JobHandler for Send {
    fn name(&self) -> &'static str {
        SEND
    }

    async fn run(&self, job: &JobContext) -> JobOutcome {
        let Some(organization) = job.organization_id else { return JobOutcome::dead("for no organization") };
        match self.send(organization).await {
            Ok(Some(Sent::To(recipients))) => {
                if !self.state.notifiers.has_mail() {
                    tracing::warn!(%organization, "the weekly report has no way to go: no mail is set up");
                }
                JobOutcome::Done(json!({"recipients": recipients}))
            }
            Ok(Some(Sent::Nobody)) => JobOutcome::Done(json!({"recipients": 0})),
            Ok(Some(Sent::Before)) => JobOutcome::Done(json!({"sent": "before"})),
            Ok(None) => JobOutcome::Done(json!({"late": true})),
            Err(error) => JobOutcome::retry(error),
        }
    }
}
