//! The statements by which a worker takes, keeps and gives back jobs. All times are the database's.

use std::time::Duration;

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A job that this process has taken.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) id: Uuid,
    pub(super) organization_id: Option<Uuid>,
    pub(super) name: String,
    pub(super) slot: String,
    pub(super) payload: Value,
    pub(super) attempts: i32,
    pub(super) max_attempts: i32,
}

/// A job whose worker was lost.
#[derive(Debug)]
pub(super) struct Abandoned {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) dead: bool,
}

/// Puts jobs whose lease has run out back in the queue, or to the dead if that was their last attempt.
pub(super) async fn reclaim(conn: &mut PgConnection) -> sqlx::Result<Vec<Abandoned>> {
    sqlx::query_as!(
        Abandoned,
        r#"WITH lost AS MATERIALIZED (
            SELECT id FROM jobs WHERE state = 'running' AND lease_until < now()
            ORDER BY lease_until LIMIT 100 FOR UPDATE SKIP LOCKED)
        UPDATE jobs SET
            state = CASE WHEN attempts >= max_attempts THEN 'dead' ELSE 'queued' END,
            lease_owner = NULL, lease_until = NULL, finished_at = now(),
            last_error = 'its worker stopped answering'
        FROM lost WHERE jobs.id = lost.id
        RETURNING jobs.id, jobs.name, jobs.state = 'dead' AS "dead!""#
    )
    .fetch_all(conn)
    .await
}

/// Takes up to `limit` due jobs of these names, of each organization in turn. `owner` is new with every call: the same
/// process may take a job that it lost before, and must then not be mistaken for its former self.
pub(super) async fn claim(
    conn: &mut PgConnection,
    owner: Uuid,
    names: &[String],
    lease: Duration,
    limit: i64,
) -> sqlx::Result<Vec<Claimed>> {
    // MATERIALIZED, because a plan that evaluates the locking query twice takes more than the limit.
    sqlx::query_as!(
        Claimed,
        r#"WITH busy AS (
            SELECT organization_id, count(*) AS jobs FROM jobs WHERE state = 'running' GROUP BY organization_id
        ), due AS (
            SELECT id, organization_id, run_at FROM jobs
            WHERE state = 'queued' AND run_at <= now() AND name = ANY($1)
            ORDER BY run_at LIMIT 1000
        ), turns AS (
            SELECT due.id, due.run_at, coalesce(busy.jobs, 0)
                + row_number() OVER (PARTITION BY due.organization_id ORDER BY due.run_at, due.id) AS turn
            FROM due LEFT JOIN busy ON busy.organization_id IS NOT DISTINCT FROM due.organization_id
        ), taken AS MATERIALIZED (
            SELECT jobs.id FROM jobs JOIN turns ON turns.id = jobs.id
            WHERE jobs.state = 'queued' AND jobs.run_at <= now()
            ORDER BY turns.turn, turns.run_at, jobs.id LIMIT $2 FOR UPDATE OF jobs SKIP LOCKED
        )
        UPDATE jobs SET state = 'running', attempts = attempts + 1, started_at = now(), finished_at = NULL,
            lease_owner = $3, lease_until = clock_timestamp() + make_interval(secs => $4)
        FROM taken WHERE jobs.id = taken.id
        RETURNING jobs.id, jobs.organization_id, jobs.name, jobs.slot, jobs.payload, jobs.attempts,
            jobs.max_attempts"#,
        names,
        limit,
        owner,
        lease.as_secs_f64(),
    )
    .fetch_all(conn)
    .await
}

/// Extends the lease, also one that has run out but was not taken by another yet. False if it was.
pub(super) async fn extend(conn: &mut PgConnection, id: Uuid, owner: Uuid, lease: Duration) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE jobs SET lease_until = clock_timestamp() + make_interval(secs => $3)
        WHERE id = $1 AND lease_owner = $2",
        id,
        owner,
        lease.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// How an attempt is written down.
#[derive(Debug)]
pub(super) enum End {
    Succeeded(Value),
    /// Queued again; `counts` says whether the attempt is used up.
    Queued {
        after: Duration,
        error: Option<String>,
        counts: bool,
    },
    Dead(String),
}

/// Ends the attempt and gives the lease back. False, and nothing written, if the lease is another's by now.
pub(super) async fn finish(conn: &mut PgConnection, id: Uuid, owner: Uuid, end: &End) -> sqlx::Result<bool> {
    let done = match end {
        End::Succeeded(result) => {
            sqlx::query!(
                "UPDATE jobs SET state = 'succeeded', lease_owner = NULL, lease_until = NULL,
                    finished_at = clock_timestamp(), last_error = NULL, result = $3
                WHERE id = $1 AND lease_owner = $2",
                id,
                owner,
                storable(result.clone()),
            )
            .execute(conn)
            .await?
        }
        End::Queued { after, error, counts } => {
            sqlx::query!(
                "UPDATE jobs SET state = 'queued', lease_owner = NULL, lease_until = NULL,
                    finished_at = clock_timestamp(), run_at = clock_timestamp() + make_interval(secs => $3),
                    last_error = coalesce($4, last_error),
                    attempts = CASE WHEN $5 THEN attempts ELSE greatest(attempts - 1, 0) END
                WHERE id = $1 AND lease_owner = $2",
                id,
                owner,
                after.as_secs_f64(),
                error.as_deref().map(readable),
                *counts,
            )
            .execute(conn)
            .await?
        }
        End::Dead(error) => {
            sqlx::query!(
                "UPDATE jobs SET state = 'dead', lease_owner = NULL, lease_until = NULL,
                    finished_at = clock_timestamp(), last_error = $3
                WHERE id = $1 AND lease_owner = $2",
                id,
                owner,
                readable(error),
            )
            .execute(conn)
            .await?
        }
    };
    Ok(done.rows_affected() > 0)
}

/// Characters of an error that are kept.
const ERROR_LENGTH: usize = 2_000;

/// The error as PostgreSQL takes it, which has no NUL, and at a length that people read.
fn readable(error: &str) -> String {
    error.chars().filter(|character| *character != '\0').take(ERROR_LENGTH).collect()
}

/// The value as `jsonb` takes it: without NUL, which a job must not fail over after its work is done.
fn storable(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace('\0', "")),
        Value::Array(items) => items.into_iter().map(storable).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name.replace('\0', ""), storable(value))).collect()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nul_is_left_out_and_errors_are_cut() {
        assert_eq!(storable(json!({"a\0": ["b\0c", 1, null]})), json!({"a": ["bc", 1, null]}));
        assert_eq!(readable("a\0b"), "ab");
        assert_eq!(readable(&"원".repeat(3_000)).chars().count(), ERROR_LENGTH);
    }
}
