//! Stores the events of files, slice by slice.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use finops_contract::ErrorCode;
use finops_contract::usage_imports::{ImportFormat, ImportState};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::super::commit::Outcome;
use super::super::domain::{Event, Source};
use super::super::ingest::Ingest;
use super::super::routes::conflict;
use super::store::{self, Filter, Import, Slice, Tally};
use super::upload;
use crate::features::organizations;
use crate::platform::db::{OrganizationId, Tx};
use crate::platform::http::{ApiError, ApiResult, Ctx};
use crate::platform::jobs::{Cadence, JobContext, JobHandler, JobOutcome, JobsBuilder, NewJob, Schedule, queue};
use crate::platform::state::State;

const IMPORT: &str = "import_usage";
const FORGET: &str = "forget_usage_uploads";
/// A file of an hour meets more than one restart.
const ATTEMPTS: i32 = 25;
/// How often it is looked for uploads with which nobody goes on, and when that is so.
const FORGET_EVERY: Duration = Duration::from_secs(24 * 3_600);
const ABANDONED: TimeDelta = TimeDelta::days(7);
/// States in which slices are taken. One that failed goes on when its job is retried.
const OPEN: [ImportState; 3] = [ImportState::Queued, ImportState::Running, ImportState::Failed];

/// The jobs of imports.
#[must_use]
pub(in crate::features::usage) fn jobs(builder: JobsBuilder, state: &State, ingest: &Ingest) -> JobsBuilder {
    builder
        .handler(ImportUsage { state: state.clone(), ingest: ingest.clone() })
        .handler(Forget { state: state.clone() })
        .schedule(Schedule { job: FORGET, cadence: Cadence::Every(FORGET_EVERY) })
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    import_id: Uuid,
}

/// Puts the storing of a file's events into the queue, in the transaction that has its end; nudge the jobs after that.
pub(super) async fn request(tx: &mut Tx, ctx: &Ctx, import_id: Uuid) -> sqlx::Result<()> {
    let job = NewJob {
        organization_id: Some(ctx.organization),
        name: IMPORT,
        slot: &import_id.to_string(),
        payload: json!(Payload { import_id }),
        run_at: None,
        max_attempts: ATTEMPTS,
    };
    queue::enqueue(tx, &ctx.clock, job).await.map(drop)
}

struct ImportUsage {
    state: State,
    ingest: Ingest,
}

/// Why an attempt ended before its file did.
enum Stopped {
    /// Somebody else runs this now, or the process stops.
    Interrupted,
    /// There is no such import, or it was cancelled.
    Gone,
    Failed(ApiError),
}

impl From<sqlx::Error> for Stopped {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ApiError> for Stopped {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl ImportUsage {
    async fn take_all(&self, job: &JobContext, organization: OrganizationId, id: Uuid) -> Result<(), Stopped> {
        loop {
            if job.is_lost() {
                return Err(Stopped::Interrupted);
            }
            let Some((import, slice)) = self.begin(job, organization, id).await? else { return Ok(()) };
            let tally = self.take(&import, &slice).await?;
            let mut tx = self.begin_held(job, organization).await?;
            let now = self.state.clock.now();
            store::end_slice(&mut tx, organization, id, slice.number, &tally, now).await?;
            tx.commit().await?;
        }
    }

    /// A transaction in which nobody else runs this job.
    async fn begin_held(&self, job: &JobContext, organization: OrganizationId) -> Result<Tx, Stopped> {
        let mut tx = self.state.db.background().tenant(organization).await?;
        if job.still_mine(&mut tx).await? { Ok(tx) } else { Err(Stopped::Interrupted) }
    }

    /// The next slice; after the last one the import is done.
    async fn begin(
        &self,
        job: &JobContext,
        organization: OrganizationId,
        id: Uuid,
    ) -> Result<Option<(Import, Slice)>, Stopped> {
        let (mut tx, now) = (self.begin_held(job, organization).await?, self.state.clock.now());
        let open = (&OPEN[..], ImportState::Running);
        if !store::enter_state(&mut tx, organization, id, open, None, now).await? {
            return Err(Stopped::Gone);
        }
        let slice = store::begin_slice(&mut tx, organization, id, now).await?;
        let import = match slice {
            Some(slice) => {
                let found = store::list(&mut tx, organization, Filter { id: Some(id), ..Filter::default() }, 1).await?;
                Some((found.into_iter().next().ok_or(Stopped::Gone)?, slice))
            }
            None => {
                let done = (&[ImportState::Running][..], ImportState::Done);
                store::enter_state(&mut tx, organization, id, done, None, now).await?;
                None
            }
        };
        tx.commit().await?;
        Ok(import)
    }

    /// Stores the events of a slice.
    async fn take(&self, import: &Import, slice: &Slice) -> ApiResult<Tally> {
        let organization = import.sender.organization;
        // What does not say when it was is of the time of the import, the same however often this runs.
        let mut desk = self.ingest.desk(&import.sender, Source::Import).await?.undated(import.created_at);
        let columns = if import.format == ImportFormat::Csv { import.columns.as_deref() } else { None };
        let (mut chain, mut tally) = (slice.chain, Tally::default());
        let (mut lines, mut events): (Vec<i64>, Vec<Event>) = (Vec::new(), Vec::new());
        for (number, text) in slice.numbers.iter().zip(&slice.texts) {
            chain = chain.after(text);
            let read = upload::read(columns, text).map(|mut told| {
                told.event_id.get_or_insert_with(|| chain.event_id());
                told
            });
            if let Ok(told) = &read {
                desk.look_for(told).await?;
            }
            match read.and_then(|told| desk.prepare(told)) {
                Ok(event) => {
                    lines.push(*number);
                    events.push(event);
                }
                Err(reject) => tally.rejects.push((*number, reject)),
            }
        }
        let keys: Vec<Uuid> = events.iter().map(|event| event.key).collect();
        let outcomes = self.ingest.store(organization, events).await?;
        // What this import stored before it was interrupted is not what was there before it.
        let mut own = match slice.begun_at {
            Some(begun_at) => {
                let mut tx = self.state.db.background().tenant(organization).await?;
                let own = store::stored_since(&mut tx, organization, &keys, begun_at).await?;
                tx.commit().await?;
                own
            }
            None => std::collections::HashSet::new(),
        };
        for ((line, key), outcome) in lines.into_iter().zip(keys).zip(outcomes) {
            match outcome {
                Outcome::Stored => {
                    own.remove(&key);
                    tally.accepted += 1;
                }
                Outcome::Duplicate if own.remove(&key) => tally.accepted += 1,
                Outcome::Duplicate => tally.duplicates += 1,
                Outcome::Conflict => tally.rejects.push((line, conflict())),
            }
        }
        Ok(tally)
    }

    async fn fail(&self, organization: OrganizationId, id: Uuid, code: ErrorCode) -> sqlx::Result<()> {
        let mut tx = self.state.db.background().tenant(organization).await?;
        let failed = (&OPEN[..], ImportState::Failed);
        store::enter_state(&mut tx, organization, id, failed, Some(code.name()), self.state.clock.now()).await?;
        tx.commit().await
    }
}

#[async_trait]
impl JobHandler for ImportUsage {
    fn name(&self) -> &'static str {
        IMPORT
    }

    async fn run(&self, job: &JobContext) -> JobOutcome {
        let (Ok(Payload { import_id }), Some(organization)) = (job.payload(), job.organization_id) else {
            return JobOutcome::dead("the payload is not an import");
        };
        match self.take_all(job, organization, import_id).await {
            Ok(()) => JobOutcome::Done(json!({"importId": import_id})),
            Err(Stopped::Gone) => JobOutcome::Done(json!({"importId": import_id, "cancelled": true})),
            Err(Stopped::Interrupted) => JobOutcome::interrupted(),
            Err(Stopped::Failed(error)) => {
                tracing::warn!(%error, %import_id, "an import could not go on");
                if job.is_last_attempt()
                    && let Err(error) = self.fail(organization, import_id, error.code).await
                {
                    tracing::warn!(%error, "nor could that be written down");
                }
                JobOutcome::Retry { error: error.code.to_string(), after: error.retry_after.map(Duration::from_secs) }
            }
        }
    }
}

/// Ends uploads with which nobody goes on.
struct Forget {
    state: State,
}

impl Forget {
    async fn forget(&self) -> sqlx::Result<usize> {
        let (db, now) = (self.state.db.background(), self.state.clock.now());
        let mut tx = db.platform().await?;
        let organizations = organizations::ids(&mut tx).await?;
        tx.commit().await?;
        let mut count = 0;
        for organization in organizations {
            let mut tx = db.tenant(organization).await?;
            for id in store::abandoned(&mut tx, organization, now - ABANDONED).await? {
                let ended = (&[ImportState::Uploading][..], ImportState::Cancelled);
                if store::enter_state(&mut tx, organization, id, ended, None, now).await? {
                    store::drop_slices(&mut tx, organization, id).await?;
                    count += 1;
                }
            }
            tx.commit().await?;
        }
        Ok(count)
    }
}

#[async_trait]
impl JobHandler for Forget {
    fn name(&self) -> &'static str {
        FORGET
    }

    async fn run(&self, _: &JobContext) -> JobOutcome {
        match self.forget().await {
            Ok(uploads) => JobOutcome::Done(json!({"uploads": uploads})),
            Err(error) => JobOutcome::retry(error),
        }
    }
}
