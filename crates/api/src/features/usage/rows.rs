//! What is handed to PostgreSQL as composite values: an array of rows instead of an array a column, which is one value to
//! read instead of fifty, and takes PostgreSQL half the time. The fields are those of the types, in their order.

use chrono::{DateTime, Utc};
use finops_contract::UnitKind;
use finops_contract::projects::Environment;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Map, Value};
use sqlx::postgres::{PgHasArrayType, PgTypeInfo};
use sqlx::types::Json;
use sqlx::{Postgres, Type};
use uuid::Uuid;

use super::domain::Event;
use crate::platform::exact::Total;

/// Between the tags of one event: no tag holds a control character.
pub(super) const TAG_SEPARATOR: &str = "\u{1f}";

/// Names the composite type that a row is of. (The derive of `Type` knows no lifetimes.)
macro_rules! composite {
    ($row:ident, $name:literal) => {
        impl Type<Postgres> for $row<'_> {
            fn type_info() -> PgTypeInfo {
                PgTypeInfo::with_name($name)
            }
        }

        impl PgHasArrayType for $row<'_> {
            fn array_type_info() -> PgTypeInfo {
                PgTypeInfo::array_of($name)
            }
        }
    };
}

composite!(EventRow, "usage_event_row");
composite!(SumRow, "usage_delta");
composite!(DimensionRow, "usage_dimension_delta");
composite!(OutcomeRow, "usage_outcome_delta");

/// An event.
#[derive(Debug, sqlx::Encode)]
pub(super) struct EventRow<'a> {
    event_key: Uuid,
    project_id: Option<Uuid>,
    team_id: Option<Uuid>,
    api_key_id: Option<Uuid>,
    price_id: Option<Uuid>,
    occurred_at: DateTime<Utc>,
    input: Option<i64>,
    cached_input: Option<i64>,
    cache_write_5m: Option<i64>,
    cache_write_1h: Option<i64>,
    output: Option<i64>,
    reasoning: Option<i64>,
    audio_input: Option<i64>,
    audio_output: Option<i64>,
    image: Option<i64>,
    character: Option<i64>,
    request: Option<i64>,
    search: Option<i64>,
    unsplit: Option<i64>,
    latency_ms: Option<i32>,
    failed: bool,
    event_id: &'a str,
    source: &'a str,
    provider: &'a str,
    model: &'a str,
    second: Option<Decimal>,
    cost: Option<Decimal>,
    reported_cost: Option<Decimal>,
    resolution: &'a str,
    environment: Option<&'a str>,
    service: Option<&'a str>,
    service_tier: Option<&'a str>,
    region: Option<&'a str>,
    status: Option<&'a str>,
    user_id: Option<&'a str>,
    learner_id: Option<&'a str>,
    session_id: Option<&'a str>,
    task_type: Option<&'a str>,
    intent: Option<&'a str>,
    outcome: Option<&'a str>,
    feedback_score: Option<Decimal>,
    ip: Option<&'a str>,
    user_agent: Option<&'a str>,
    tags: Option<String>,
    cost_allocation: Option<Json<&'a Value>>,
    metadata: Option<Json<&'a Map<String, Value>>>,
}

impl<'a> From<&'a Event> for EventRow<'a> {
    fn from(event: &'a Event) -> Self {
        let (told, texts) = (&event.told, &event.told.texts);
        let units = |kind| whole(told.used.quantities.get(kind));
        Self {
            event_key: event.key,
            project_id: event.project_id,
            team_id: event.team_id,
            api_key_id: event.api_key_id,
            price_id: event.price.price_id,
            occurred_at: event.occurred_at,
            input: units(UnitKind::Input),
            cached_input: units(UnitKind::CachedInput),
            cache_write_5m: units(UnitKind::CacheWrite5m),
            cache_write_1h: units(UnitKind::CacheWrite1h),
            output: units(UnitKind::Output),
            reasoning: units(UnitKind::Reasoning),
            audio_input: units(UnitKind::AudioInput),
            audio_output: units(UnitKind::AudioOutput),
            image: units(UnitKind::Image),
            character: units(UnitKind::Character),
            request: units(UnitKind::Request),
            search: units(UnitKind::Search),
            unsplit: whole(told.used.unsplit.into()),
            latency_ms: told.latency_ms.map(u32::cast_signed),
            failed: told.failed,
            event_id: &event.event_id,
            source: event.source.name(),
            provider: &event.provider,
            model: &event.model,
            second: Some(told.used.quantities.get(UnitKind::Second)).filter(|seconds| !seconds.is_zero()),
            cost: event.price.cost,
            reported_cost: told.reported_cost,
            resolution: &event.price.resolution,
            environment: told.environment.map(Environment::name),
            service: told.service.as_deref(),
            service_tier: texts.service_tier.as_deref(),
            region: texts.region.as_deref(),
            status: told.status.as_deref(),
            user_id: texts.user_id.as_deref(),
            learner_id: texts.learner_id.as_deref(),
            session_id: texts.session_id.as_deref(),
            task_type: texts.task_type.as_deref(),
            intent: texts.intent.as_deref(),
            outcome: texts.outcome.as_deref(),
            feedback_score: told.feedback_score,
            ip: texts.ip.as_deref(),
            user_agent: texts.user_agent.as_deref(),
            tags: (!told.tags.is_empty()).then(|| told.tags.join(TAG_SEPARATOR)),
            cost_allocation: told.cost_allocation.as_ref().map(Json),
            metadata: (!told.metadata.is_empty()).then_some(Json(&told.metadata)),
        }
    }
}

/// What is added to a coarse sum. A kind of which nothing is added is null.
#[derive(Debug, sqlx::Encode)]
pub(super) struct SumRow<'a> {
    pub(super) hour: DateTime<Utc>,
    pub(super) project_id: Option<Uuid>,
    pub(super) team_id: Option<Uuid>,
    pub(super) environment: Option<&'a str>,
    pub(super) provider: &'a str,
    pub(super) model: &'a str,
    pub(super) service: Option<&'a str>,
    pub(super) events: i64,
    pub(super) failed: i64,
    pub(super) unpriced: i64,
    pub(super) free: i64,
    pub(super) input: Option<i64>,
    pub(super) cached_input: Option<i64>,
    pub(super) cache_write_5m: Option<i64>,
    pub(super) cache_write_1h: Option<i64>,
    pub(super) output: Option<i64>,
    pub(super) reasoning: Option<i64>,
    pub(super) audio_input: Option<i64>,
    pub(super) audio_output: Option<i64>,
    pub(super) image: Option<i64>,
    pub(super) character: Option<i64>,
    pub(super) request: Option<i64>,
    pub(super) search: Option<i64>,
    pub(super) unsplit: Option<i64>,
    pub(super) second: Option<Decimal>,
    pub(super) cost: Total,
    pub(super) reported_cost: Total,
    pub(super) latency: Option<&'a [i16]>,
}

/// What is added for one learner, user, API key and task type.
#[derive(Debug, sqlx::Encode)]
pub(super) struct DimensionRow<'a> {
    pub(super) hour: DateTime<Utc>,
    pub(super) project_id: Option<Uuid>,
    pub(super) team_id: Option<Uuid>,
    pub(super) provider: &'a str,
    pub(super) learner_id: Option<&'a str>,
    pub(super) user_id: Option<&'a str>,
    pub(super) api_key_id: Option<Uuid>,
    pub(super) task_type: Option<&'a str>,
    pub(super) events: i64,
    pub(super) failed: i64,
    pub(super) unpriced: i64,
    pub(super) tokens: i64,
    pub(super) cost: Total,
    pub(super) reported_cost: Total,
}

/// What is added to outcomes and feedback scores.
#[derive(Debug, sqlx::Encode)]
pub(super) struct OutcomeRow<'a> {
    pub(super) hour: DateTime<Utc>,
    pub(super) project_id: Option<Uuid>,
    pub(super) team_id: Option<Uuid>,
    pub(super) task_type: Option<&'a str>,
    pub(super) provider: Option<&'a str>,
    pub(super) model: Option<&'a str>,
    pub(super) outcome: Option<&'a str>,
    pub(super) outcomes: i64,
    pub(super) scores: i64,
    pub(super) score: Total,
}

/// A count as it is stored: what was not measured is null.
fn whole(quantity: Decimal) -> Option<i64> {
    quantity.to_i64().filter(|count| *count != 0)
}
