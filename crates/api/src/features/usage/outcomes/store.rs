//! Rows of outcomes that were told by themselves, and of the calls that they are about.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{Call, Counting, Told};
use crate::platform::db::OrganizationId;
use crate::platform::exact::Exact;

/// Rows that one transaction deletes at most.
const SLICE: i64 = 10_000;

/// What is known of a call that is named.
#[derive(Clone, Debug)]
pub(super) enum Named {
    /// All of it.
    Kept(Call),
    /// That it was reported: the event is kept no longer.
    Gone,
}

/// What is known of the calls with these keys; nothing of those that were not reported.
pub(super) async fn calls(
    conn: &mut PgConnection,
    organization: OrganizationId,
    keys: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, Named>> {
    let rows = sqlx::query!(
        r#"
        SELECT i.event_key, i.occurred_at, e.project_id, e.team_id, e.task_type, e.provider AS "provider?", e.model AS "model?",
            e.outcome, e.feedback_score AS "score: Exact"
        FROM usage_event_ids i
        LEFT JOIN usage_events e ON e.organization_id = i.organization_id AND e.occurred_at = i.occurred_at
            AND e.event_key = i.event_key
        WHERE i.organization_id = $1 AND i.event_key = ANY ($2)
        "#,
        organization as OrganizationId,
        keys
    )
    .fetch_all(conn)
    .await?;
    let named = rows.into_iter().map(|row| {
        let kept = row.provider.zip(row.model).map(|(provider, model)| Call {
            event_key: row.event_key,
            occurred_at: row.occurred_at,
            project: row.project_id,
            team: row.team_id,
            task_type: row.task_type,
            provider,
            model,
            outcome: row.outcome,
            score: row.score.map(|score| score.0),
        });
        (row.event_key, kept.map_or(Named::Gone, Named::Kept))
    });
    Ok(named.collect())
}

/// An outcome on its way in.
#[derive(Clone, Debug)]
pub(super) struct Arriving<'a> {
    pub(super) key: Uuid,
    pub(super) told: &'a Told,
    /// When its call was, where it is known.
    pub(super) event_at: Option<DateTime<Utc>>,
    /// When its call is looked for again.
    pub(super) look_at: Option<DateTime<Utc>>,
}

/// Stores outcomes of a project whose ids nobody took, and says which those are. In the order of the keys, so that two
/// replicas which store the same ones wait for each other and never in a circle.
pub(super) async fn insert(
    conn: &mut PgConnection,
    organization: OrganizationId,
    (project, team): (Uuid, Uuid),
    arriving: &[Arriving<'_>],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    fn column<'a, T>(arriving: &[Arriving<'a>], of: impl Fn(&Arriving<'a>) -> T) -> Vec<T> {
        arriving.iter().map(of).collect()
    }
    sqlx::query_scalar!(
        r#"
        INSERT INTO usage_outcomes (organization_id, project_id, team_id, received_at, outcome_key, body_hash, event_key, event_at,
            look_at, occurred_at, outcomes, outcome, score, task_type, intent)
        SELECT $1, $2, $3, $4, t.*
        FROM unnest($5::uuid[], $6::bigint[], $7::uuid[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::bigint[],
            $12::text[], $13::numeric[], $14::text[], $15::text[]) AS t
        ORDER BY 5
        ON CONFLICT DO NOTHING
        RETURNING outcome_key
        "#,
        organization as OrganizationId,
        project,
        team,
        now,
        &column(arriving, |one| one.key),
        &column(arriving, |one| one.told.body_hash),
        &column(arriving, |one| one.told.event_key) as &[Option<Uuid>],
        &column(arriving, |one| one.event_at) as &[Option<DateTime<Utc>>],
        &column(arriving, |one| one.look_at) as &[Option<DateTime<Utc>>],
        &column(arriving, |one| one.told.occurred_at),
        &column(arriving, |one| one.told.count),
        &column(arriving, |one| one.told.outcome.as_deref()) as &[Option<&str>],
        &column(arriving, |one| one.told.score) as &[Option<Decimal>],
        &column(arriving, |one| one.told.task_type.as_deref()) as &[Option<&str>],
        &column(arriving, |one| one.told.intent.as_deref()) as &[Option<&str>],
    )
    .fetch_all(conn)
    .await
}

/// The body hashes of outcomes that are there already.
pub(super) async fn hashes(
    conn: &mut PgConnection,
    organization: OrganizationId,
    keys: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, i64>> {
    let rows = sqlx::query!(
        "SELECT outcome_key, body_hash FROM usage_outcomes WHERE organization_id = $1 AND outcome_key = ANY ($2)",
        organization as OrganizationId,
        keys
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.outcome_key, row.body_hash)).collect())
}

/// What counts of these calls of a project, held until the transaction ends.
pub(super) async fn hold(
    conn: &mut PgConnection,
    organization: OrganizationId,
    project: Uuid,
    calls: &[&Call],
) -> sqlx::Result<Vec<Counting>> {
    fn column<'a, T>(calls: &[&'a Call], of: impl Fn(&'a Call) -> T) -> Vec<T> {
        calls.iter().copied().map(of).collect()
    }
    let keys = column(calls, |call| call.event_key);
    sqlx::query!(
        "
        INSERT INTO usage_event_outcomes (organization_id, project_id, outcome_at, score_at, event_key, occurred_at, team_id,
            task_type, provider, model, outcome, score)
        SELECT $1, $2, t.occurred_at, t.occurred_at, t.*
        FROM unnest($3::uuid[], $4::timestamptz[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::numeric[])
            AS t (event_key, occurred_at, team_id, task_type, provider, model, outcome, score)
        ORDER BY t.event_key
        ON CONFLICT DO NOTHING
        ",
        organization as OrganizationId,
        project,
        &keys,
        &column(calls, |call| call.occurred_at),
        &column(calls, |call| call.team) as &[Option<Uuid>],
        &column(calls, |call| call.task_type.as_deref()) as &[Option<&str>],
        &column(calls, |call| call.provider.clone()),
        &column(calls, |call| call.model.clone()),
        &column(calls, |call| call.outcome.as_deref()) as &[Option<&str>],
        &column(calls, |call| call.score) as &[Option<Decimal>],
    )
    .execute(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        r#"
        SELECT event_key, occurred_at, project_id, team_id, task_type, provider, model, outcome, outcome_at,
            score AS "score: Exact", score_at
        FROM usage_event_outcomes WHERE organization_id = $1 AND event_key = ANY ($2)
        ORDER BY event_key FOR UPDATE
        "#,
        organization as OrganizationId,
        &keys
    )
    .fetch_all(conn)
    .await?;
    let counting = rows.into_iter().map(|row| Counting {
        call: Call {
            event_key: row.event_key,
            occurred_at: row.occurred_at,
            project: Some(row.project_id),
            team: row.team_id,
            task_type: row.task_type,
            provider: row.provider,
            model: row.model,
            outcome: row.outcome,
            score: row.score.map(|score| score.0),
        },
        outcome_at: row.outcome_at,
        score_at: row.score_at,
    });
    Ok(counting.collect())
}

/// Writes down what counts of calls that are held.
pub(super) async fn update(
    conn: &mut PgConnection,
    organization: OrganizationId,
    counting: &[Counting],
) -> sqlx::Result<()> {
    fn column<'a, T>(counting: &'a [Counting], of: impl Fn(&'a Counting) -> T) -> Vec<T> {
        counting.iter().map(of).collect()
    }
    sqlx::query!(
        "
        UPDATE usage_event_outcomes e SET outcome = t.outcome, outcome_at = t.outcome_at, score = t.score, score_at = t.score_at
        FROM unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::numeric[], $6::timestamptz[])
            AS t (event_key, outcome, outcome_at, score, score_at)
        WHERE e.organization_id = $1 AND e.event_key = t.event_key
        ",
        organization as OrganizationId,
        &column(counting, |one| one.call.event_key),
        &column(counting, |one| one.call.outcome.as_deref()) as &[Option<&str>],
        &column(counting, |one| one.outcome_at),
        &column(counting, |one| one.call.score) as &[Option<Decimal>],
        &column(counting, |one| one.score_at),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// An outcome whose call is looked for.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) key: Uuid,
    pub(super) event_key: Uuid,
    pub(super) project: Uuid,
    pub(super) team: Uuid,
    pub(super) occurred_at: DateTime<Utc>,
    pub(super) received_at: DateTime<Utc>,
    pub(super) outcome: Option<String>,
    pub(super) score: Option<Decimal>,
    pub(super) task_type: Option<String>,
}

/// Who has outcomes whose calls are to be looked for now.
pub(super) async fn who_waits(conn: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Vec<OrganizationId>> {
    let ids: Vec<Uuid> =
        sqlx::query_scalar!(r#"SELECT finops_waiting_outcomes($1) AS "id!""#, now).fetch_all(conn).await?;
    Ok(ids.into_iter().map(OrganizationId).collect())
}

/// Outcomes whose calls are to be looked for now, held until the transaction ends; those that somebody else looks at are left
/// to them.
pub(super) async fn waiting(
    conn: &mut PgConnection,
    organization: OrganizationId,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Waiting>> {
    let rows = sqlx::query!(
        r#"
        SELECT outcome_key, event_key AS "event_key!", project_id, team_id, occurred_at, received_at, outcome,
            score AS "score: Exact", task_type
        FROM usage_outcomes WHERE organization_id = $1 AND look_at <= $2
        ORDER BY look_at, outcome_key LIMIT $3 FOR UPDATE SKIP LOCKED
        "#,
        organization as OrganizationId,
        now,
        limit
    )
    .fetch_all(conn)
    .await?;
    let waiting = rows.into_iter().map(|row| Waiting {
        key: row.outcome_key,
        event_key: row.event_key,
        project: row.project_id,
        team: row.team_id,
        occurred_at: row.occurred_at,
        received_at: row.received_at,
        outcome: row.outcome,
        score: row.score.map(|score| score.0),
        task_type: row.task_type,
    });
    Ok(waiting.collect())
}

/// What looking for an outcome's call came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looked {
    pub(super) key: Uuid,
    /// When the call was, if it is there.
    pub(super) event_at: Option<DateTime<Utc>>,
    /// When it is looked for again, if ever.
    pub(super) look_at: Option<DateTime<Utc>>,
}

/// Writes down when the calls were that outcomes waited for, or when they are looked for again.
pub(super) async fn looked(
    conn: &mut PgConnection,
    organization: OrganizationId,
    looked: &[Looked],
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE usage_outcomes o SET event_at = t.event_at, look_at = t.look_at
        FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS t (outcome_key, event_at, look_at)
        WHERE o.organization_id = $1 AND o.outcome_key = t.outcome_key
        ",
        organization as OrganizationId,
        &looked.iter().map(|one| one.key).collect::<Vec<_>>(),
        &looked.iter().map(|one| one.event_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &looked.iter().map(|one| one.look_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Forgets some of what is about days that the organization does not keep; an id is remembered for as long as a call's, at
/// least. Returns how many.
pub(in super::super) async fn forget(
    conn: &mut PgConnection,
    organization: OrganizationId,
    received_before: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let calls = sqlx::query!(
        "
        DELETE FROM usage_event_outcomes WHERE organization_id = $1 AND event_key IN (
            SELECT event_key FROM usage_event_outcomes WHERE organization_id = $1
                AND occurred_at < (SELECT since::timestamp AT TIME ZONE 'UTC' FROM usage_kept WHERE organization_id = $1)
            LIMIT $2)
        ",
        organization as OrganizationId,
        SLICE
    )
    .execute(&mut *conn)
    .await?;
    let told = sqlx::query!(
        "
        DELETE FROM usage_outcomes WHERE organization_id = $1 AND outcome_key IN (
            SELECT outcome_key FROM usage_outcomes WHERE organization_id = $1 AND received_at < $3
                AND coalesce(event_at, occurred_at) < (SELECT since::timestamp AT TIME ZONE 'UTC' FROM usage_kept
                    WHERE organization_id = $1)
            LIMIT $2)
        ",
        organization as OrganizationId,
        SLICE,
        received_before
    )
    .execute(conn)
    .await?;
    Ok(calls.rows_affected() + told.rows_affected())
}
