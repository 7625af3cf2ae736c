//! Rows of pricing anew, and of the events that it is about.

use chrono::{DateTime, Utc};
use finops_contract::costs::Named;
use finops_contract::reprices::{Reprice, RepriceDifference, RepriceState, RepriceSums};
use rust_decimal::Decimal;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::Wish;
use super::jobs::NAME;
use super::slice::{Correction, Difference, Of, Stored};
use crate::platform::db::OrganizationId;
use crate::platform::exact::Exact;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::{Actor, Ctx};

/// Differences that are shown at once.
const SHOWN: i64 = 1_000;

/// Where a run stands.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) wish: Wish,
    pub(super) last: Option<(DateTime<Utc>, Uuid)>,
    pub(super) done: bool,
}

pub(super) async fn insert(conn: &mut PgConnection, ctx: &Ctx, id: Uuid, wish: &Wish) -> sqlx::Result<()> {
    let by = match &ctx.actor {
        Actor::User { email, .. } => email.as_str(),
        Actor::ApiKey { name, .. } => name.as_str(),
        Actor::System { job } => *job,
        Actor::Cli => "finops",
    };
    sqlx::query!(
        "
        INSERT INTO reprices (organization_id, id, from_time, to_time, provider, model, apply, state, requested_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'running', $8, $9)
        ",
        ctx.organization as OrganizationId,
        id,
        wish.from,
        wish.to,
        wish.provider,
        wish.model,
        wish.apply,
        by,
        ctx.now()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Where a run stands, held until the transaction ends.
pub(super) async fn run(conn: &mut PgConnection, organization: OrganizationId, id: Uuid) -> sqlx::Result<Option<Run>> {
    let row = sqlx::query!(
        "
        SELECT from_time, to_time, provider, model, apply, state, last_time, last_key
        FROM reprices WHERE organization_id = $1 AND id = $2 FOR UPDATE
        ",
        organization as OrganizationId,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Run {
        wish: Wish { from: row.from_time, to: row.to_time, provider: row.provider, model: row.model, apply: row.apply },
        last: row.last_time.zip(row.last_key),
        done: row.state == "done",
    }))
}

/// The next events of a run. What was never measured stays without a price whatever the book says.
pub(super) async fn events(
    conn: &mut PgConnection,
    organization: OrganizationId,
    run: &Run,
    limit: i64,
) -> sqlx::Result<Vec<Stored>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        r#"
        SELECT event_key, occurred_at, project_id, team_id, environment, service, provider, model, service_tier, region,
            ARRAY[input, cached_input, cache_write_5m, cache_write_1h, output, reasoning, audio_input, audio_output, image,
                "character", "second", request, search]::numeric[] AS units,
            cost, price_id, resolution, learner_id, user_id, api_key_id, task_type
        FROM usage_events
        WHERE resolution IS DISTINCT FROM 'unsplit_tokens' AND resolution IS DISTINCT FROM 'nothing_measured'
            AND organization_id = "#,
    );
    sql.push_bind(organization);
    let (since, key) = run.last.unwrap_or((run.wish.from, Uuid::nil()));
    // The bound on the time alone is what picks the partitions.
    sql.push(" AND occurred_at >= ").push_bind(since).push(" AND occurred_at < ").push_bind(run.wish.to);
    sql.push(" AND (occurred_at, event_key) > (").push_bind(since).push(", ").push_bind(key).push(")");
    if let Some(provider) = &run.wish.provider {
        sql.push(" AND provider = ").push_bind(provider);
    }
    sql.push(" ORDER BY occurred_at, event_key LIMIT ").push_bind(limit);
    if run.wish.apply {
        sql.push(" FOR NO KEY UPDATE");
    }
    sql.build_query_as().fetch_all(conn).await
}

/// Gives events their new cost.
pub(super) async fn correct(
    conn: &mut PgConnection,
    organization: OrganizationId,
    corrections: &[Correction],
) -> sqlx::Result<()> {
    let (Some(first), Some(last)) = (corrections.first(), corrections.last()) else { return Ok(()) };
    let keys: Vec<Uuid> = corrections.iter().map(|one| one.event_key).collect();
    let times: Vec<DateTime<Utc>> = corrections.iter().map(|one| one.occurred_at).collect();
    let costs: Vec<Option<Decimal>> = corrections.iter().map(|one| one.price.cost).collect();
    let prices: Vec<Option<Uuid>> = corrections.iter().map(|one| one.price.price_id).collect();
    let found: Vec<&str> = corrections.iter().map(|one| &*one.price.resolution).collect();
    sqlx::query!(
        "
        UPDATE usage_events e SET cost = n.cost, price_id = n.price_id, resolution = n.resolution
        FROM unnest($2::uuid[], $3::timestamptz[], $4::numeric[], $5::uuid[], $6::text[])
            AS n (event_key, occurred_at, cost, price_id, resolution)
        WHERE e.organization_id = $1 AND e.occurred_at BETWEEN $7 AND $8
            AND e.occurred_at = n.occurred_at AND e.event_key = n.event_key
        ",
        organization as OrganizationId,
        &keys,
        &times,
        &costs as &[Option<Decimal>],
        &prices as &[Option<Uuid>],
        &found as &[&str],
        first.occurred_at,
        last.occurred_at
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Adds to the difference of a run.
pub(super) async fn add(
    conn: &mut PgConnection,
    organization: OrganizationId,
    run: Uuid,
    differences: impl Iterator<Item = (&Of, &Difference)>,
) -> sqlx::Result<()> {
    let (of, sums): (Vec<&Of>, Vec<&Difference>) = differences.unzip();
    sqlx::query!(
        "
        INSERT INTO reprice_differences AS d (organization_id, reprice_id, provider, model, project_id, events, changed,
            cost_before, cost_after, unpriced_before, unpriced_after)
        SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::uuid[], $6::bigint[], $7::bigint[], $8::numeric[],
            $9::numeric[], $10::bigint[], $11::bigint[])
        ON CONFLICT (organization_id, reprice_id, provider, model, project_id) DO UPDATE SET
            events = d.events + excluded.events, changed = d.changed + excluded.changed,
            cost_before = d.cost_before + excluded.cost_before, cost_after = d.cost_after + excluded.cost_after,
            unpriced_before = d.unpriced_before + excluded.unpriced_before,
            unpriced_after = d.unpriced_after + excluded.unpriced_after
        ",
        organization as OrganizationId,
        run,
        &of.iter().map(|of| of.provider.as_str()).collect::<Vec<_>>() as &[&str],
        &of.iter().map(|of| of.model.as_str()).collect::<Vec<_>>() as &[&str],
        &of.iter().map(|of| of.project).collect::<Vec<_>>() as &[Option<Uuid>],
        &sums.iter().map(|sum| sum.events).collect::<Vec<_>>(),
        &sums.iter().map(|sum| sum.changed).collect::<Vec<_>>(),
        &sums.iter().map(|sum| sum.cost_before).collect::<Vec<_>>(),
        &sums.iter().map(|sum| sum.cost_after).collect::<Vec<_>>(),
        &sums.iter().map(|sum| sum.unpriced_before).collect::<Vec<_>>(),
        &sums.iter().map(|sum| sum.unpriced_after).collect::<Vec<_>>()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Writes down how far a run is; without a place, that it is done.
pub(super) async fn advance(
    conn: &mut PgConnection,
    organization: OrganizationId,
    run: Uuid,
    last: Option<(DateTime<Utc>, Uuid)>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE reprices SET last_time = coalesce($3, last_time), last_key = coalesce($4, last_key),
            state = CASE WHEN $3 IS NULL THEN 'done' ELSE state END, finished_at = CASE WHEN $3 IS NULL THEN $5::timestamptz END
        WHERE organization_id = $1 AND id = $2
        ",
        organization as OrganizationId,
        run,
        last.map(|(at, _)| at),
        last.map(|(_, key)| key),
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Runs, the latest first; one alone if it is named.
pub(super) async fn list(
    conn: &mut PgConnection,
    organization: OrganizationId,
    only: Option<Uuid>,
    keyset: &Keyset<Uuid>,
) -> sqlx::Result<Vec<Reprice>> {
    let rows = sqlx::query!(
        r#"
        SELECT r.id, r.from_time, r.to_time, r.provider, r.model, r.apply, r.state = 'done' AS "done!",
            EXISTS (SELECT FROM jobs j WHERE j.organization_id = $1 AND j.name = $5 AND j.slot = r.id::text
                AND j.state IN ('queued', 'running')) AS "running!", r.requested_by, r.created_at,
            r.finished_at, coalesce(d.events, 0)::bigint AS "events!", coalesce(d.changed, 0)::bigint AS "changed!",
            coalesce(d.cost_before, 0) AS "cost_before!: Exact", coalesce(d.cost_after, 0) AS "cost_after!: Exact",
            coalesce(d.unpriced_before, 0)::bigint AS "unpriced_before!",
            coalesce(d.unpriced_after, 0)::bigint AS "unpriced_after!"
        FROM reprices r CROSS JOIN LATERAL (
            SELECT sum(events) AS events, sum(changed) AS changed, sum(cost_before) AS cost_before,
                sum(cost_after) AS cost_after, sum(unpriced_before) AS unpriced_before, sum(unpriced_after) AS unpriced_after
            FROM reprice_differences WHERE organization_id = $1 AND reprice_id = r.id
        ) d
        WHERE r.organization_id = $1 AND ($2::uuid IS NULL OR r.id = $2) AND ($3::uuid IS NULL OR r.id < $3)
        ORDER BY r.id DESC LIMIT $4
        "#,
        organization as OrganizationId,
        only,
        keyset.after,
        keyset.fetch(),
        NAME
    )
    .fetch_all(conn)
    .await?;
    let runs = rows.into_iter().map(|row| Reprice {
        id: row.id,
        from: row.from_time,
        to: row.to_time,
        provider: row.provider,
        model: row.model,
        apply: row.apply,
        state: match (row.done, row.running) {
            (true, _) => RepriceState::Done,
            (false, true) => RepriceState::Running,
            (false, false) => RepriceState::Failed,
        },
        totals: RepriceSums {
            events: row.events,
            changed: row.changed,
            cost_before: row.cost_before.0.into(),
            cost_after: row.cost_after.0.into(),
            unpriced_before: row.unpriced_before,
            unpriced_after: row.unpriced_after,
        },
        currency: "USD".into(),
        requested_by: row.requested_by,
        created_at: row.created_at,
        finished_at: row.finished_at,
    });
    Ok(runs.collect())
}

/// The differences of a run, the largest first.
pub(super) async fn differences(
    conn: &mut PgConnection,
    organization: OrganizationId,
    run: Uuid,
) -> sqlx::Result<Vec<RepriceDifference>> {
    let rows = sqlx::query!(
        r#"
        SELECT d.provider, d.model, d.project_id, d.events, d.changed, d.cost_before AS "cost_before: Exact",
            d.cost_after AS "cost_after: Exact", d.unpriced_before, d.unpriced_after, p.name AS "project_name?", (p.deleted_at IS NOT NULL) AS "project_deleted!"
        FROM reprice_differences d
            LEFT JOIN projects p ON p.organization_id = d.organization_id AND p.id = d.project_id
        WHERE d.organization_id = $1 AND d.reprice_id = $2
        ORDER BY abs(d.cost_after - d.cost_before) DESC, d.changed DESC, d.provider, d.model, d.project_id LIMIT $3
        "#,
        organization as OrganizationId,
        run,
        SHOWN
    )
    .fetch_all(conn)
    .await?;
    let differences = rows.into_iter().map(|row| RepriceDifference {
        provider: row.provider,
        model: row.model,
        project: row.project_id.map(|id| Named {
            id,
            name: row.project_name.unwrap_or_default(),
            deleted: row.project_deleted,
        }),
        sums: RepriceSums {
            events: row.events,
            changed: row.changed,
            cost_before: row.cost_before.0.into(),
            cost_after: row.cost_after.0.into(),
            unpriced_before: row.unpriced_before,
            unpriced_after: row.unpriced_after,
        },
    });
    Ok(differences.collect())
}
