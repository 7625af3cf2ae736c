//! Which lane goes next, across organizations, and the lease that makes it one worker's. Leases are on the database's time.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::platform::db::OrganizationId;

/// How long a lane is a worker's: longer than one attempt with all that belongs to it may take.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// Attempts at once, of all replicas.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Of one organization.
    pub(super) organization: i64,
    /// Of one host.
    pub(super) host: i64,
}

/// A lane that this worker has taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    pub(super) organization: OrganizationId,
    pub(super) lane: Uuid,
    pub(super) owner: Uuid,
}

/// Takes up to `most` lanes of which something is due: of each organization in turn, within the limits, none that is another's or
/// that rests. In the platform scope; `owner` is new with every call.
pub(super) async fn claim(
    conn: &mut PgConnection,
    owner: Uuid,
    most: i64,
    limits: Limits,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Lane>> {
    let rows = sqlx::query!(
        r#"
        WITH due AS (
            SELECT DISTINCT ON (q.organization_id, q.lane) q.organization_id, q.lane, q.delivery_id, q.host, q.due_at
            FROM delivery_queue q WHERE q.due_at <= $3
            ORDER BY q.organization_id, q.lane, q.due_at, q.delivery_id
        ), busy AS (
            SELECT organization_id, host FROM delivery_lanes WHERE lease_until > clock_timestamp()
        ), free AS (
            SELECT due.* FROM due LEFT JOIN delivery_lanes l ON l.organization_id = due.organization_id AND l.lane = due.lane
            WHERE (l.lease_until IS NULL OR l.lease_until <= clock_timestamp())
                AND (l.resting_until IS NULL OR l.resting_until <= $3)
        ), turns AS (
            SELECT free.*, row_number() OVER (PARTITION BY free.organization_id ORDER BY free.due_at, free.delivery_id)
                + (SELECT count(*) FROM busy WHERE busy.organization_id = free.organization_id) AS turn
            FROM free
        ), places AS (
            -- Of a host's places none is counted for a lane whose organization has none left.
            SELECT turns.*, row_number() OVER (PARTITION BY turns.host ORDER BY turns.turn, turns.due_at, turns.delivery_id)
                + (SELECT count(*) FROM busy WHERE busy.host = turns.host) AS place
            FROM turns WHERE turns.turn <= $4
        ), next AS MATERIALIZED (
            -- Another process at the same place goes on with other lanes instead of waiting.
            SELECT q.organization_id, q.lane, q.host
            FROM places JOIN delivery_queue q ON q.organization_id = places.organization_id AND q.delivery_id = places.delivery_id
            WHERE places.place <= $5
            ORDER BY places.turn, places.due_at LIMIT $2 FOR UPDATE OF q SKIP LOCKED
        )
        INSERT INTO delivery_lanes AS l (organization_id, lane, host, lease_owner, lease_until)
        SELECT organization_id, lane, host, $1, clock_timestamp() + make_interval(secs => $6) FROM next
        ON CONFLICT (organization_id, lane) DO UPDATE
        SET host = excluded.host, lease_owner = excluded.lease_owner, lease_until = excluded.lease_until, resting_until = NULL
        WHERE l.lease_until IS NULL OR l.lease_until <= clock_timestamp()
        RETURNING l.organization_id AS "organization: OrganizationId", l.lane
        "#,
        owner,
        most,
        now,
        limits.organization,
        limits.host,
        LEASE.as_secs_f64()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Lane { organization: row.organization, lane: row.lane, owner }).collect())
}

/// Makes a lane that nobody knows yet a worker's.
pub(super) async fn take_new(conn: &mut PgConnection, lane: Lane, host: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "
        INSERT INTO delivery_lanes (organization_id, lane, host, lease_owner, lease_until)
        VALUES ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5))
        ",
        lane.organization as OrganizationId,
        lane.lane,
        host,
        lane.owner,
        LEASE.as_secs_f64()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Whether the lane is still this worker's; if so, its lease begins anew, and nobody else can take it before the transaction ends.
pub(super) async fn still_mine(conn: &mut PgConnection, lane: Lane) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "
        UPDATE delivery_lanes SET lease_until = clock_timestamp() + make_interval(secs => $4)
        WHERE organization_id = $1 AND lane = $2 AND lease_owner = $3
        ",
        lane.organization as OrganizationId,
        lane.lane,
        lane.owner,
        LEASE.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a lane back; it rests until then, if it is to.
pub(super) async fn release(conn: &mut PgConnection, lane: Lane, rest: Option<DateTime<Utc>>) -> sqlx::Result<()> {
    match rest {
        None => {
            sqlx::query!(
                "DELETE FROM delivery_lanes WHERE organization_id = $1 AND lane = $2 AND lease_owner = $3",
                lane.organization as OrganizationId,
                lane.lane,
                lane.owner
            )
            .execute(conn)
            .await
        }
        Some(until) => {
            sqlx::query!(
                "
                UPDATE delivery_lanes SET lease_owner = NULL, lease_until = NULL, resting_until = $4
                WHERE organization_id = $1 AND lane = $2 AND lease_owner = $3
                ",
                lane.organization as OrganizationId,
                lane.lane,
                lane.owner,
                until
            )
            .execute(conn)
            .await
        }
    }
    .map(drop)
}

/// Forgets rests that are over. In the platform scope.
pub(super) async fn forget_rests(conn: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<u64> {
    sqlx::query!("DELETE FROM delivery_lanes WHERE lease_owner IS NULL AND resting_until <= $1", now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected())
}

/// How many messages are not finished, and for how many seconds the first of them has been due. In the platform scope.
pub(super) async fn backlog(conn: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"
        SELECT count(*) AS "waiting!",
            greatest(0, coalesce(extract(epoch FROM $1::timestamptz - min(due_at)), 0))::bigint AS "oldest!"
        FROM delivery_queue
        "#,
        now
    )
    .fetch_one(conn)
    .await?;
    Ok((row.waiting, row.oldest))
}
