//! The queue as features and the API see it: put in, look at, try again, clear away.
//!
//! All of it works in the caller's transaction and sees what its scope sees: one organization's jobs, or all of them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use finops_contract::jobs::{Job, JobState};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;

/// A job to be.
#[derive(Clone, Debug)]
pub struct NewJob<'a> {
    /// The organization it works for; none for work across organizations, which only the platform scope may put in.
    pub organization_id: Option<OrganizationId>,
    /// The name of its handler.
    pub name: &'a str,
    /// What makes it this run and no other. Unique with the name across organizations, so an organization's job has
    /// an id of the organization in it.
    pub slot: &'a str,
    /// What the handler is given.
    pub payload: Value,
    /// Not before this time, on the database's clock; at once if none.
    pub run_at: Option<DateTime<Utc>>,
    /// Attempts allowed; at least 1.
    pub max_attempts: i32,
}

/// What became of an enqueue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// The job with this name and slot.
    pub id: Uuid,
    /// Whether it was made now; if not it was there before, and is as it was.
    pub created: bool,
}

/// Puts a job in, unless there is one with its name and slot. It exists once the transaction commits; nudge after that.
///
/// Waits for another transaction that is putting in the same one.
///
/// # Errors
/// The database failed; or, as `RowNotFound`, the job that is there belongs to another organization.
pub async fn enqueue(conn: &mut PgConnection, clock: &Clock, job: NewJob<'_>) -> sqlx::Result<Enqueued> {
    // A second round, because the one that was in the way may have been cleared away before it could be read.
    for _ in 0..2 {
        let created = sqlx::query_scalar!(
            r#"INSERT INTO jobs (id, organization_id, name, slot, payload, run_at, max_attempts)
            VALUES ($1, $2, $3, $4, $5, coalesce($6, now()), $7)
            ON CONFLICT (name, slot) DO NOTHING RETURNING id"#,
            clock.new_id(),
            job.organization_id.map(|organization| organization.0),
            job.name,
            job.slot,
            job.payload,
            job.run_at,
            job.max_attempts,
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(id) = created {
            return Ok(Enqueued { id, created: true });
        }
        let found = sqlx::query_scalar!("SELECT id FROM jobs WHERE name = $1 AND slot = $2", job.name, job.slot)
            .fetch_optional(&mut *conn)
            .await?;
        if let Some(id) = found {
            return Ok(Enqueued { id, created: false });
        }
    }
    Err(sqlx::Error::RowNotFound)
}

struct Row {
    id: Uuid,
    name: String,
    slot: String,
    organization_id: Option<Uuid>,
    state: String,
    attempts: i32,
    max_attempts: i32,
    run_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
    result: Option<Value>,
}

impl From<Row> for Job {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            slot: row.slot,
            organization_id: row.organization_id,
            // The table's CHECK allows no other.
            state: JobState::from_name(&row.state).unwrap_or(JobState::Dead),
            attempts: row.attempts,
            max_attempts: row.max_attempts,
            run_at: row.run_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            last_error: row.last_error,
            result: row.result,
        }
    }
}

/// One job; none if there is none in this scope.
///
/// # Errors
/// The database failed.
pub async fn get(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Job>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, name, slot, organization_id, state, attempts, max_attempts, run_at, started_at, finished_at,
            last_error, result
        FROM jobs WHERE id = $1",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Job::from))
}

/// Forgets jobs of a name that succeeded longer ago than this: of what runs every minute, nobody looks at a month.
///
/// # Errors
/// The database failed.
pub async fn forget(conn: &mut PgConnection, name: &str, keep: Duration) -> sqlx::Result<u64> {
    let forgotten = sqlx::query!(
        "DELETE FROM jobs WHERE name = $1 AND state = 'succeeded' AND finished_at < now() - make_interval(secs => $2)",
        name,
        keep.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(forgotten.rows_affected())
}

/// Which jobs to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListFilter<'a> {
    /// Only this organization's; all that the scope sees if none.
    pub organization_id: Option<OrganizationId>,
    /// Only in this state.
    pub state: Option<JobState>,
    /// Only of this name.
    pub name: Option<&'a str>,
    /// Only those before this id, the last of the page before.
    pub before: Option<Uuid>,
}

/// Jobs, newest first, at most `limit`.
///
/// # Errors
/// The database failed.
pub async fn list(conn: &mut PgConnection, filter: ListFilter<'_>, limit: i64) -> sqlx::Result<Vec<Job>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, name, slot, organization_id, state, attempts, max_attempts, run_at, started_at, finished_at,
            last_error, result
        FROM jobs
        WHERE ($1::uuid IS NULL OR organization_id = $1)
            AND ($2::text IS NULL OR state = $2)
            AND ($3::text IS NULL OR name = $3)
            AND ($4::uuid IS NULL OR id < $4)
        ORDER BY id DESC LIMIT $5",
        filter.organization_id.map(|organization| organization.0),
        filter.state.map(JobState::name),
        filter.name,
        filter.before,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Job::from).collect())
}

/// Gives a dead job all its attempts again, from now. False if there is no such job or it is not dead.
///
/// # Errors
/// The database failed.
pub async fn retry_dead(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE jobs SET state = 'queued', attempts = 0, run_at = now() WHERE id = $1 AND state = 'dead'",
        id
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Rows that one [`prune`] takes at most, so that its transaction stays short.
const PRUNE_BATCH: i64 = 5_000;

/// Deletes succeeded and dead jobs that ended longer ago than this; returns how many. Call again until it returns 0.
///
/// # Errors
/// The database failed.
pub async fn prune(conn: &mut PgConnection, older_than: Duration) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM jobs WHERE id IN (
            SELECT id FROM jobs
            WHERE state IN ('succeeded', 'dead') AND finished_at < now() - make_interval(secs => $1)
            ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)",
        older_than.as_secs_f64(),
        PRUNE_BATCH,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// What waits under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The name.
    pub name: String,
    /// Queued, whether or not their time has come.
    pub queued: i64,
    /// Queued, and their time has come.
    pub due: i64,
    /// Seconds that the oldest of those has waited; 0 if there is none.
    pub oldest_due_seconds: i64,
    /// Being run.
    pub running: i64,
}

/// What waits or runs, by name; names with neither are left out.
///
/// # Errors
/// The database failed.
pub async fn backlog(conn: &mut PgConnection) -> sqlx::Result<Vec<Backlog>> {
    sqlx::query_as!(
        Backlog,
        r#"SELECT name,
            count(*) FILTER (WHERE state = 'queued') AS "queued!",
            count(*) FILTER (WHERE state = 'queued' AND run_at <= now()) AS "due!",
            coalesce(extract(epoch FROM now() - min(run_at) FILTER (WHERE state = 'queued' AND run_at <= now())), 0)::bigint
                AS "oldest_due_seconds!",
            count(*) FILTER (WHERE state = 'running') AS "running!"
        FROM jobs WHERE state = 'queued' OR state = 'running' GROUP BY name ORDER BY name"#
    )
    .fetch_all(conn)
    .await
}
