//! Giving the earlier lines of a Project ID to the project that registers it.
//!
//! A few are given at once, with the registration. Many are a job's, slice by slice: each slice is one transaction with
//! its days' sums, under the lock that keeps collectors out, so a job that is killed goes on where it was. What has come
//! in since the registration is the project's from the beginning; the slices only ever make the rest smaller.

use async_trait::async_trait;
use finops_contract::ErrorCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{Slice, hold_attribution};
use crate::features::{audit, budgets};
use crate::platform::db::{OrganizationId, Tx};
use crate::platform::http::{Actor, ApiError, ApiResult, Ctx};
use crate::platform::jobs::{JobContext, JobHandler, JobOutcome, NewJob, queue};
use crate::platform::state::State;

/// The job.
const ATTRIBUTE: &str = "attribute_costs";
/// Lines that a registration gives away itself, and that a transaction of the job does: some tenths of a second.
const SLICE: i64 = 5_000;
const ATTEMPTS: i32 = 16;

/// A Project ID with earlier lines that belong to no project, and whose they become.
#[derive(Clone, Copy, Debug)]
pub struct Registration<'a> {
    /// The Project ID.
    pub openai_project_id: &'a str,
    /// The project that has it now.
    pub project: Uuid,
    /// Its team.
    pub team: Uuid,
}

/// What became of the earlier lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attributed {
    /// So many are the project's now.
    Now(i64),
    /// There are so many that a job is at it: nudge the jobs after the commit.
    Later(i64),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    project_id: Uuid,
}

/// Gives a Project ID's earlier lines to its project, whichever account they came from. Needs [`hold_attribution`].
///
/// # Errors
/// The database's.
pub async fn attribute(tx: &mut Tx, ctx: &Ctx, of: Registration<'_>) -> sqlx::Result<Attributed> {
    let total = unowned(tx, ctx.organization, of.openai_project_id).await?;
    if total <= SLICE {
        return give(tx, ctx.organization, of).await.map(Attributed::Now);
    }
    sqlx::query!(
        "
        INSERT INTO pending_attributions (organization_id, project_id, team_id, openai_project_id, lines_total, requested_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ",
        ctx.organization as OrganizationId,
        of.project,
        of.team,
        of.openai_project_id,
        total,
        ctx.now()
    )
    .execute(&mut **tx)
    .await?;
    let job = NewJob {
        organization_id: Some(ctx.organization),
        name: ATTRIBUTE,
        slot: &format!("{}:{}", of.project, ctx.clock.new_id()),
        payload: json!(Payload { project_id: of.project }),
        run_at: None,
        max_attempts: ATTEMPTS,
    };
    queue::enqueue(tx, &ctx.clock, job).await?;
    Ok(Attributed::Later(total))
}

/// Makes sure that no job is giving a project its earlier lines: half of them must not stay behind when what the Project
/// ID stands for changes. Needs [`hold_attribution`].
///
/// # Errors
/// `attribution_in_progress`.
pub async fn require_attributed(conn: &mut PgConnection, organization: OrganizationId, project: Uuid) -> ApiResult<()> {
    match pending(conn, organization, project).await? {
        None => Ok(()),
        Some(_) => Err(ApiError::new(ErrorCode::AttributionInProgress).with_retry_after(10)),
    }
}

/// The same for a Project ID that another project had: what a job is still giving to that one is not free.
///
/// # Errors
/// `attribution_in_progress`.
pub async fn require_unclaimed(
    conn: &mut PgConnection,
    organization: OrganizationId,
    openai_project_id: &str,
) -> ApiResult<()> {
    let claimed = sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM pending_attributions
            WHERE organization_id = $1 AND openai_project_id = $2) AS "claimed!"
        "#,
        organization as OrganizationId,
        openai_project_id
    )
    .fetch_one(conn)
    .await?;
    if claimed { Err(ApiError::new(ErrorCode::AttributionInProgress).with_retry_after(10)) } else { Ok(()) }
}

/// Whether a job is giving a project its earlier lines.
///
/// # Errors
/// The database's.
pub async fn is_attributing(
    conn: &mut PgConnection,
    organization: OrganizationId,
    project: Uuid,
) -> sqlx::Result<bool> {
    Ok(pending(conn, organization, project).await?.is_some())
}

async fn unowned(conn: &mut PgConnection, organization: OrganizationId, openai_project_id: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "lines!" FROM billed_costs
        WHERE organization_id = $1 AND provider_project_id = $2 AND project_id IS NULL
        "#,
        organization as OrganizationId,
        openai_project_id
    )
    .fetch_one(conn)
    .await
}

/// Gives one slice, the oldest lines first, and computes its days' sums anew; answers how many lines.
async fn give(conn: &mut PgConnection, organization: OrganizationId, of: Registration<'_>) -> sqlx::Result<i64> {
    let rows = sqlx::query!(
        r#"
        WITH chosen AS (
            SELECT id FROM billed_costs
            WHERE organization_id = $1 AND provider_project_id = $2 AND project_id IS NULL
            ORDER BY bucket_start, id LIMIT $5
        ), changed AS (
            UPDATE billed_costs b SET project_id = $3, team_id = $4 FROM chosen
            WHERE b.organization_id = $1 AND b.id = chosen.id
            RETURNING b.provider, b.provider_account, b.api_version, b.bucket_start
        )
        SELECT provider AS "provider!", provider_account AS "account!", api_version AS "api_version!",
            array_agg(DISTINCT (bucket_start AT TIME ZONE 'UTC')::date) AS "days!", count(*) AS "lines!"
        FROM changed GROUP BY provider, provider_account, api_version
        "#,
        organization as OrganizationId,
        of.openai_project_id,
        of.project,
        of.team,
        SLICE
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut lines = 0;
    for row in rows {
        let slice =
            Slice { organization, provider: &row.provider, account: &row.account, api_version: &row.api_version };
        slice.rebuild_rollup(&mut *conn, &row.days).await?;
        lines += row.lines;
    }
    budgets::check_soon(conn, organization).await?;
    Ok(lines)
}

struct Pending {
    name: String,
    team_id: Uuid,
    openai_project_id: String,
    lines_done: i64,
}

async fn pending(
    conn: &mut PgConnection,
    organization: OrganizationId,
    project: Uuid,
) -> sqlx::Result<Option<Pending>> {
    sqlx::query_as!(
        Pending,
        "
        SELECT p.name, a.team_id, a.openai_project_id, a.lines_done
        FROM pending_attributions a JOIN projects p ON p.organization_id = a.organization_id AND p.id = a.project_id
        WHERE a.organization_id = $1 AND a.project_id = $2
        ",
        organization as OrganizationId,
        project
    )
    .fetch_optional(conn)
    .await
}

async fn advance(conn: &mut PgConnection, organization: OrganizationId, project: Uuid, lines: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE pending_attributions SET lines_done = lines_done + $3 WHERE organization_id = $1 AND project_id = $2
        ",
        organization as OrganizationId,
        project,
        lines
    )
    .execute(conn)
    .await
    .map(drop)
}

async fn finish(conn: &mut PgConnection, organization: OrganizationId, project: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM pending_attributions WHERE organization_id = $1 AND project_id = $2",
        organization as OrganizationId,
        project
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The job's handler.
pub(super) struct Attribute {
    pub(super) state: State,
}

/// How one slice went.
enum Step {
    /// There is more.
    More,
    /// That was all of it: so many lines.
    Done(i64),
    /// The job is another worker's.
    Lost,
}

impl Attribute {
    async fn step(&self, job: &JobContext, organization: OrganizationId, project: Uuid) -> sqlx::Result<Step> {
        let mut tx = self.state.db.background().tenant(organization).await?;
        hold_attribution(&mut tx, organization).await?;
        if !job.still_mine(&mut tx).await? {
            return Ok(Step::Lost);
        }
        let Some(pending) = pending(&mut tx, organization, project).await? else { return Ok(Step::Done(0)) };
        let of = Registration { openai_project_id: &pending.openai_project_id, project, team: pending.team_id };
        let lines = give(&mut tx, organization, of).await?;
        let done = pending.lines_done + lines;
        if lines == SLICE {
            advance(&mut tx, organization, project, lines).await?;
            tx.commit().await?;
            return Ok(Step::More);
        }
        finish(&mut tx, organization, project).await?;
        let ctx = Ctx::trusted(Actor::System { job: ATTRIBUTE }, organization, self.state.clock.clone());
        let change = audit::Change::new("project.attribute_costs", project, pending.name)
            .after(json!({"openaiProjectId": pending.openai_project_id, "linesAttributed": done}));
        audit::record(&mut tx, &ctx, change).await?;
        tx.commit().await?;
        Ok(Step::Done(done))
    }
}

#[async_trait]
impl JobHandler for Attribute {
    fn name(&self) -> &'static str {
        ATTRIBUTE
    }

    async fn run(&self, job: &JobContext) -> JobOutcome {
        let (Ok(payload), Some(organization)) = (job.payload::<Payload>(), job.organization_id) else {
            return JobOutcome::dead("the payload is not an attribution");
        };
        while !job.is_lost() {
            match self.step(job, organization, payload.project_id).await {
                Ok(Step::More) => {}
                Ok(Step::Done(lines)) => return JobOutcome::Done(json!({"linesAttributed": lines})),
                Ok(Step::Lost) => break,
                Err(error) => return JobOutcome::retry(error),
            }
        }
        JobOutcome::interrupted()
    }
}
