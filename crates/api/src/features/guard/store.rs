//! What stops calls, and what is held for them.

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::guard::{GuardBlockCause, GuardBlockTarget};
use finops_contract::projects::Environment;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{Block, Call, Held};
use crate::platform::db::OrganizationId;
use crate::platform::exact::Exact;

/// How long what ended is kept at least: longer than any replica goes by older figures.
const KEPT: TimeDelta = TimeDelta::minutes(5);

/// The database's time at which a transaction began: before anything that it sees.
pub(super) async fn began_at(conn: &mut PgConnection) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(r#"SELECT now() AS "now!""#).fetch_one(conn).await
}

/// The blocks that are in force.
pub(super) async fn blocks(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<Block>> {
    let rows = sqlx::query!(
        r#"
        SELECT block_id AS "id!", project_id, api_key_id, limit_per_minute, cause AS "cause!", target_type AS "target!",
            activated_at AS "since!"
        FROM blocks_in_force WHERE organization_id = $1 ORDER BY activated_at, block_id
        "#,
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await?;
    let block = |id, project, api_key, target: &str, cause: &str, since, limit: Option<i32>| Block {
        id,
        project,
        api_key,
        // The table's CHECKs allow no other names.
        target: GuardBlockTarget::from_name(target).unwrap_or(GuardBlockTarget::Project),
        cause: GuardBlockCause::from_name(cause).unwrap_or(GuardBlockCause::Manual),
        since,
        limit: limit.map(i32::unsigned_abs),
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            block(row.id, row.project_id, row.api_key_id, &row.target, &row.cause, row.since, row.limit_per_minute)
        })
        .collect())
}

/// Figures of some moment: when they were asked for, by our clock and by the database's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AsOf {
    pub(super) clock: DateTime<Utc>,
    pub(super) database: DateTime<Utc>,
}

/// What is held beside figures of some moment: what was not settled by then, and had time left then.
pub(super) async fn held(
    conn: &mut PgConnection,
    organization: OrganizationId,
    figures: AsOf,
) -> sqlx::Result<Vec<Held>> {
    let rows = sqlx::query!(
        r#"
        SELECT project_id, team_id, environment, service, learner_id, sum(coalesce(cost, estimate)) AS "dollars!: Exact"
        FROM guard_reservations
        WHERE organization_id = $1 AND expires_at > $2 AND (settled_at IS NULL OR settled_at >= $3)
        GROUP BY project_id, team_id, environment, service, learner_id
        "#,
        organization as OrganizationId,
        figures.clock,
        figures.database
    )
    .fetch_all(conn)
    .await?;
    let held = |project, team, environment: &str, service, learner, dollars| {
        let environment = Environment::from_name(environment).unwrap_or(Environment::Production);
        Held { call: Call { project, team, environment, service, learner }, dollars }
    };
    Ok(rows
        .into_iter()
        .map(|row| held(row.project_id, row.team_id, &row.environment, row.service, row.learner_id, row.dollars.0))
        .collect())
}

/// Waits for everybody who is about to hold something of the organization's, until the transaction ends.
pub(super) async fn lock(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<()> {
    let name = format!("finops.guard.{organization}");
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name).fetch_one(conn).await.map(drop)
}

/// What is to be held for a call.
#[derive(Clone, Debug)]
pub(super) struct Reservation {
    pub(super) id: Uuid,
    pub(super) call: Call,
    pub(super) estimate: Decimal,
    pub(super) expires_at: DateTime<Utc>,
}

/// Holds.
pub(super) async fn insert(
    conn: &mut PgConnection,
    organization: OrganizationId,
    all: &[&Reservation],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let uuids = |of: fn(&Reservation) -> Uuid| all.iter().map(|one| of(one)).collect::<Vec<_>>();
    let texts = |of: fn(&Reservation) -> Option<String>| all.iter().map(|one| of(one)).collect::<Vec<_>>();
    let environments: Vec<&str> = all.iter().map(|one| one.call.environment.name()).collect();
    let estimates: Vec<Decimal> = all.iter().map(|one| one.estimate).collect();
    let ends: Vec<DateTime<Utc>> = all.iter().map(|one| one.expires_at).collect();
    sqlx::query!(
        "
        INSERT INTO guard_reservations (organization_id, created_at, id, project_id, team_id, environment, service, learner_id,
            estimate, expires_at)
        SELECT $1, $2, * FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::numeric[],
            $10::timestamptz[])
        ",
        organization as OrganizationId,
        now,
        &uuids(|one| one.id),
        &uuids(|one| one.call.project),
        &uuids(|one| one.call.team),
        &environments as &[&str],
        &texts(|one| one.call.service.clone()) as &[Option<String>],
        &texts(|one| one.call.learner.clone()) as &[Option<String>],
        &estimates,
        &ends
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Forgets what ended a while ago.
pub(super) async fn forget(
    conn: &mut PgConnection,
    organization: OrganizationId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM guard_reservations WHERE organization_id = $1
            AND (expires_at < $2 OR settled_at < now() - make_interval(secs => $3))",
        organization as OrganizationId,
        now - KEPT,
        KEPT.as_seconds_f64()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The project and team of what is held and has time left, or was settled.
pub(super) async fn owner(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<(Uuid, Uuid)>> {
    let row = sqlx::query!(
        "SELECT project_id, team_id FROM guard_reservations
        WHERE organization_id = $1 AND id = $2 AND (expires_at > $3 OR settled_at IS NOT NULL)",
        organization as OrganizationId,
        id,
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.project_id, row.team_id)))
}

/// Says that a call was made and reported. Said again, the first word stays.
pub(super) async fn settle(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    cost: Option<Decimal>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE guard_reservations SET settled_at = clock_timestamp(), cost = coalesce($3, estimate)
        WHERE organization_id = $1 AND id = $2 AND settled_at IS NULL",
        organization as OrganizationId,
        id,
        cost
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Lets go of what is held; false if it was settled.
pub(super) async fn release(conn: &mut PgConnection, organization: OrganizationId, id: Uuid) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "DELETE FROM guard_reservations WHERE organization_id = $1 AND id = $2 AND settled_at IS NULL",
        organization as OrganizationId,
        id
    )
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected() > 0)
}
