//! Writes events and takes their ids, one statement for all of a transaction's: a column is an array.

use chrono::{DateTime, Utc};
use finops_contract::UnitKind;
use finops_contract::projects::Environment;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::Event;
use crate::platform::db::OrganizationId;

/// Between the tags of one event: no tag holds a control character.
pub(super) const TAG_SEPARATOR: &str = "\u{1f}";

/// A column of texts that are already there.
type Texts<'a> = Vec<Option<&'a str>>;

/// Takes the ids that nobody took, writes their events, and says which they are. Every id once and in order: two
/// replicas that want the same ones then wait for each other and never in a circle.
pub(super) async fn insert(
    conn: &mut PgConnection,
    organization: OrganizationId,
    events: &[&Event],
    received_at: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    let text = |of: fn(&Event) -> Option<&str>| -> Texts<'_> { events.iter().map(|event| of(event)).collect() };
    let units = |kind: UnitKind| -> Vec<Option<i64>> {
        events.iter().map(|event| whole(event.told.used.quantities.get(kind))).collect()
    };
    let ids = |of: fn(&Event) -> Option<Uuid>| -> Vec<Option<Uuid>> { events.iter().map(|event| of(event)).collect() };
    let decimals =
        |of: fn(&Event) -> Option<Decimal>| -> Vec<Option<Decimal>> { events.iter().map(|event| of(event)).collect() };
    let owned =
        |of: fn(&Event) -> Option<String>| -> Vec<Option<String>> { events.iter().map(|event| of(event)).collect() };
    sqlx::query_scalar!(
        r#"
        WITH t AS MATERIALIZED (
            SELECT * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::uuid[], $8::uuid[], $9::uuid[],
                $10::text[], $11::text[], $12::uuid[], $13::numeric[], $14::text[], $15::numeric[], $16::boolean[],
                $17::integer[], $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[],
                $24::bigint[], $25::bigint[], $26::bigint[], $27::bigint[], $28::bigint[], $29::bigint[], $30::bigint[],
                $31::numeric[], $32::text[], $33::text[], $34::text[], $35::text[], $36::text[], $37::text[], $38::text[],
                $39::text[], $40::text[], $41::text[], $42::text[], $43::text[], $44::text[], $45::numeric[], $46::text[],
                $47::text[], $48::text[], $49::bigint[])
            AS t (event_key, event_id, source, occurred_at, project_id,
                team_id, api_key_id, provider, model, price_id, cost, resolution, reported_cost, failed, latency_ms,
                unsplit, input, cached_input, cache_write_5m, cache_write_1h, output, reasoning, audio_input,
                audio_output, image, "character", request, search, "second", environment, service, status, service_tier,
                region, user_id, learner_id, session_id, task_type, intent, outcome, ip, user_agent, feedback_score, tags,
                cost_allocation, metadata, body_hash)
        ), taken AS (
            INSERT INTO usage_event_ids (organization_id, event_key, body_hash, occurred_at, received_at)
            SELECT $1, event_key, body_hash, occurred_at, $2 FROM t
            ON CONFLICT DO NOTHING
            RETURNING event_key
        )
        INSERT INTO usage_events (organization_id, received_at, event_key, event_id, source, occurred_at, project_id,
            team_id, api_key_id, provider, model, price_id, cost, resolution, reported_cost, failed, latency_ms, unsplit,
            input, cached_input, cache_write_5m, cache_write_1h, output, reasoning, audio_input, audio_output, image,
            "character", request, search, "second", environment, service, status, service_tier, region, user_id,
            learner_id, session_id, task_type, intent, outcome, ip, user_agent, feedback_score, tags, cost_allocation,
            metadata)
        SELECT $1, $2, event_key, event_id, source, occurred_at, project_id,
            team_id, api_key_id, provider, model, price_id, cost, resolution, reported_cost, failed, latency_ms, unsplit,
            input, cached_input, cache_write_5m, cache_write_1h, output, reasoning, audio_input, audio_output, image,
            "character", request, search, "second", environment, service, status, service_tier, region, user_id,
            learner_id, session_id, task_type, intent, outcome, ip, user_agent, feedback_score,
            tags, cost_allocation::jsonb, metadata::jsonb
        FROM t JOIN taken USING (event_key)
        RETURNING event_key
        "#,
        organization as OrganizationId,
        received_at,
        &events.iter().map(|event| event.key).collect::<Vec<_>>(),
        &events.iter().map(|event| event.event_id.as_str()).collect::<Vec<_>>() as &[&str],
        &events.iter().map(|event| event.source.name()).collect::<Vec<_>>() as &[&str],
        &events.iter().map(|event| event.occurred_at).collect::<Vec<_>>(),
        &ids(|event| event.project_id) as &[Option<Uuid>],
        &ids(|event| event.team_id) as &[Option<Uuid>],
        &ids(|event| event.api_key_id) as &[Option<Uuid>],
        &events.iter().map(|event| event.provider.as_str()).collect::<Vec<_>>() as &[&str],
        &events.iter().map(|event| event.model.as_str()).collect::<Vec<_>>() as &[&str],
        &ids(|event| event.price.price_id) as &[Option<Uuid>],
        &decimals(|event| event.price.cost) as &[Option<Decimal>],
        &text(|event| Some(event.price.stored_resolution(&event.model))) as &[Option<&str>],
        &decimals(|event| event.told.reported_cost) as &[Option<Decimal>],
        &events.iter().map(|event| event.told.failed).collect::<Vec<_>>(),
        &events.iter().map(|event| event.told.latency_ms.map(u32::cast_signed)).collect::<Vec<_>>() as &[Option<i32>],
        &events.iter().map(|event| whole(event.told.used.unsplit.into())).collect::<Vec<_>>() as &[Option<i64>],
        &units(UnitKind::Input) as &[Option<i64>],
        &units(UnitKind::CachedInput) as &[Option<i64>],
        &units(UnitKind::CacheWrite5m) as &[Option<i64>],
        &units(UnitKind::CacheWrite1h) as &[Option<i64>],
        &units(UnitKind::Output) as &[Option<i64>],
        &units(UnitKind::Reasoning) as &[Option<i64>],
        &units(UnitKind::AudioInput) as &[Option<i64>],
        &units(UnitKind::AudioOutput) as &[Option<i64>],
        &units(UnitKind::Image) as &[Option<i64>],
        &units(UnitKind::Character) as &[Option<i64>],
        &units(UnitKind::Request) as &[Option<i64>],
        &units(UnitKind::Search) as &[Option<i64>],
        &decimals(|event| Some(event.told.used.quantities.get(UnitKind::Second)).filter(|seconds| !seconds.is_zero()))
            as &[Option<Decimal>],
        &text(|event| event.told.environment.map(Environment::name)) as &[Option<&str>],
        &text(|event| event.told.service.as_deref()) as &[Option<&str>],
        &text(|event| event.told.status.as_deref()) as &[Option<&str>],
        &text(|event| event.told.texts.service_tier.as_deref()) as &[Option<&str>],
        &text(|event| event.told.texts.region.as_deref()) as &[Option<&str>],
        &text(|event| event.told.texts.user_id.as_deref()) as &[Option<&str>],
        &text(|event| event.told.texts.learner_id.as_deref()) as &[Option<&str>],
        &text(|event| event.told.texts.session_id.as_deref()) as &[Option<&str>],
        &text(|event| event.told.texts.task_type.as_deref()) as &[Option<&str>],
        &text(|event| event.told.texts.intent.as_deref()) as &[Option<&str>],
        &text(|event| event.told.texts.outcome.as_deref()) as &[Option<&str>],
        &text(|event| event.told.texts.ip.as_deref()) as &[Option<&str>],
        &text(|event| event.told.texts.user_agent.as_deref()) as &[Option<&str>],
        &decimals(|event| event.told.feedback_score) as &[Option<Decimal>],
        &owned(|event| (!event.told.tags.is_empty()).then(|| event.told.tags.join(TAG_SEPARATOR)))
            as &[Option<String>],
        &owned(|event| event.told.cost_allocation.as_ref().map(ToString::to_string)) as &[Option<String>],
        &owned(|event| {
            (!event.told.metadata.is_empty()).then(|| serde_json::to_string(&event.told.metadata).unwrap_or_default())
        }) as &[Option<String>],
        &events.iter().map(|event| event.body_hash).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await
}

/// A count as it is stored: what was not measured is null.
fn whole(quantity: Decimal) -> Option<i64> {
    quantity.to_i64().filter(|count| *count != 0)
}
