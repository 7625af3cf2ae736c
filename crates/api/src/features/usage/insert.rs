//! The statements that store events, each for all of a transaction's.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::Event;
use super::rollups::Deltas;
use super::rows::EventRow;
use crate::platform::db::OrganizationId;

/// Takes the ids that nobody took, and says which they are. Every id once and in order: two replicas that want the same
/// ones then wait for each other and never in a circle.
pub(super) async fn take(
    conn: &mut PgConnection,
    organization: OrganizationId,
    events: &[&Event],
    received_at: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "
        INSERT INTO usage_event_ids (organization_id, event_key, body_hash, occurred_at, received_at)
        SELECT $1, event_key, body_hash, occurred_at, $2
        FROM unnest($3::uuid[], $4::bigint[], $5::timestamptz[]) AS t (event_key, body_hash, occurred_at)
        ON CONFLICT DO NOTHING
        RETURNING event_key
        ",
        organization as OrganizationId,
        received_at,
        &events.iter().map(|event| event.key).collect::<Vec<_>>(),
        &events.iter().map(|event| event.body_hash).collect::<Vec<_>>(),
        &events.iter().map(|event| event.occurred_at).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await
}

/// Stores events, what they add to the sums, and the ids of `untaken`, in order. An id that somebody took is a violation
/// of [`TAKEN`].
pub(super) async fn insert(
    conn: &mut PgConnection,
    organization: OrganizationId,
    events: &[&Event],
    untaken: &[&Event],
    received_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    let deltas = Deltas::of(events);
    let rows: Vec<EventRow<'_>> = events.iter().map(|event| EventRow::from(*event)).collect();
    sqlx::query!(
        r#"
        WITH ids AS (
            INSERT INTO usage_event_ids (organization_id, event_key, body_hash, occurred_at, received_at)
            SELECT $1, event_key, body_hash, occurred_at, $2
            FROM unnest($3::uuid[], $4::bigint[], $5::timestamptz[]) AS t (event_key, body_hash, occurred_at)
        ), events AS (
            INSERT INTO usage_events (organization_id, received_at, event_key, project_id, team_id, api_key_id, price_id,
                occurred_at, input, cached_input, cache_write_5m, cache_write_1h, output, reasoning, audio_input,
                audio_output, image, "character", request, search, unsplit, latency_ms, failed, event_id, source, provider,
                model, "second", cost, reported_cost, resolution, environment, service, service_tier, region, status,
                user_id, learner_id, session_id, task_type, intent, outcome, feedback_score, ip, user_agent, tags,
                cost_allocation, metadata)
            SELECT $1, $2, event_key, project_id, team_id, api_key_id, price_id,
                occurred_at, input, cached_input, cache_write_5m, cache_write_1h, output, reasoning, audio_input,
                audio_output, image, "character", request, search, unsplit, latency_ms, failed, event_id, source, provider,
                model, "second", cost, reported_cost, resolution, environment, service, service_tier, region, status,
                user_id, learner_id, session_id, task_type, intent, outcome, feedback_score, ip, user_agent, tags,
                cost_allocation, metadata
            FROM unnest($6::usage_event_row[])
        )
        INSERT INTO usage_deltas (organization_id, size, sums, dimensions, outcomes) VALUES ($1, $7, $8, $9, $10)
        "#,
        organization as OrganizationId,
        received_at,
        &untaken.iter().map(|event| event.key).collect::<Vec<_>>(),
        &untaken.iter().map(|event| event.body_hash).collect::<Vec<_>>(),
        &untaken.iter().map(|event| event.occurred_at).collect::<Vec<_>>(),
        rows as _,
        deltas.size(),
        deltas.sums() as _,
        deltas.dimensions() as _,
        deltas.outcomes() as _,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// What an id is a violation of that was taken before.
pub(super) const TAKEN: &str = "usage_event_ids_pkey";
