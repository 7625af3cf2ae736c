//! Reads stored events.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::costs::{CostState, Named};
use finops_contract::projects::Environment;
use finops_contract::usage::{UsageEvent, UsageEventsQuery};
use finops_contract::{Amount, ErrorCode, Page, UnitKind};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::domain::{event_key, state_of, told_resolution};
use super::rows::TAG_SEPARATOR;
use crate::features::teams::{self, Visibility};
use crate::platform::db::OrganizationId;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::{ApiError, ApiResult, Ctx};

#[derive(FromRow)]
struct Row {
    event_key: Uuid,
    event_id: String,
    occurred_at: DateTime<Utc>,
    received_at: DateTime<Utc>,
    source: String,
    project_id: Option<Uuid>,
    project_name: Option<String>,
    project_deleted: Option<bool>,
    environment: Option<String>,
    service: Option<String>,
    provider: String,
    model: String,
    units: Vec<Option<Decimal>>,
    unsplit: Option<i64>,
    cost: Option<Decimal>,
    resolution: Option<String>,
    reported_cost: Option<Decimal>,
    latency_ms: Option<i32>,
    status: Option<String>,
    failed: bool,
    user_id: Option<String>,
    learner_id: Option<String>,
    session_id: Option<String>,
    task_type: Option<String>,
    intent: Option<String>,
    outcome: Option<String>,
    feedback_score: Option<Decimal>,
    api_key_id: Option<Uuid>,
    service_tier: Option<String>,
    region: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
    tags: Option<String>,
    cost_allocation: Option<Value>,
    metadata: Option<Value>,
}

/// The kinds in the order of [`UnitKind::ALL`].
const SELECT: &str = r#"
    SELECT e.event_key, e.event_id, e.occurred_at, e.received_at, e.source, e.project_id, p.name AS project_name,
        p.deleted_at IS NOT NULL AS project_deleted, e.environment, e.service, e.provider, e.model,
        ARRAY[e.input, e.cached_input, e.cache_write_5m, e.cache_write_1h, e.output, e.reasoning, e.audio_input,
            e.audio_output, e.image, e."character", e."second", e.request, e.search]::numeric[] AS units,
        e.unsplit, e.cost, e.resolution, e.reported_cost, e.latency_ms, e.status, e.failed, e.user_id, e.learner_id,
        e.session_id, e.task_type, e.intent, e.outcome, e.feedback_score, e.api_key_id, e.service_tier, e.region, e.ip,
        e.user_agent, e.tags, e.cost_allocation, e.metadata
    FROM usage_events e LEFT JOIN projects p ON p.organization_id = e.organization_id AND p.id = e.project_id
    WHERE e.organization_id = "#;

impl From<Row> for UsageEvent {
    fn from(row: Row) -> Self {
        let units: BTreeMap<UnitKind, Amount> = UnitKind::ALL
            .into_iter()
            .zip(row.units)
            .filter_map(|(kind, quantity)| quantity.map(|quantity| (kind, Amount(quantity))))
            .collect();
        Self {
            project: row.project_id.map(|id| Named {
                id,
                name: row.project_name.unwrap_or_default(),
                deleted: row.project_deleted.unwrap_or_default(),
            }),
            event_id: row.event_id,
            timestamp: row.occurred_at,
            received_at: row.received_at,
            source: row.source,
            environment: row.environment.as_deref().and_then(Environment::from_name),
            service: row.service,
            provider: row.provider,
            units,
            unsplit_tokens: row.unsplit.map(i64::cast_unsigned),
            state: state_of(row.cost),
            cost: row.cost.map(Amount),
            currency: "USD".into(),
            resolution: row.resolution.map(|stored| told_resolution(stored, &row.model)),
            reported_cost: row.reported_cost.map(Amount),
            response_time: row.latency_ms.map(i32::cast_unsigned),
            status: row.status,
            failed: row.failed,
            user_id: row.user_id,
            learner_id: row.learner_id,
            session_id: row.session_id,
            task_type: row.task_type,
            intent: row.intent,
            outcome: row.outcome,
            feedback_score: row.feedback_score.map(Amount),
            api_key_id: row.api_key_id,
            service_tier: row.service_tier,
            region: row.region,
            ip: row.ip,
            user_agent: row.user_agent,
            tags: row.tags.iter().flat_map(|tags| tags.split(TAG_SEPARATOR)).map(str::to_owned).collect(),
            cost_allocation: row.cost_allocation,
            metadata: row.metadata,
            model: row.model,
        }
    }
}

/// Where a page ends.
type Position = (DateTime<Utc>, Uuid);

/// Events of what the caller sees, the latest first.
pub(super) async fn list(conn: &mut PgConnection, ctx: &Ctx, query: &UsageEventsQuery) -> ApiResult<Page<UsageEvent>> {
    list_since(conn, ctx, query, None).await
}

/// The same of events that came in after a moment.
pub(super) async fn list_since(
    conn: &mut PgConnection,
    ctx: &Ctx,
    query: &UsageEventsQuery,
    received_after: Option<DateTime<Utc>>,
) -> ApiResult<Page<UsageEvent>> {
    let keyset = Keyset::<Position>::read(query.limit, query.cursor.as_deref())?;
    let to = query.to.unwrap_or_else(|| ctx.now() + TimeDelta::minutes(5));
    let from = query.from.unwrap_or_else(|| to - TimeDelta::days(1));
    if from >= to {
        return Err(ErrorCode::RangeTooLarge.into());
    }
    let sees = teams::visibility(conn, ctx).await?;
    let mut sql = QueryBuilder::<Postgres>::new(SELECT);
    sql.push_bind(ctx.organization);
    push_seen(&mut sql, &sees);
    sql.push(" AND e.occurred_at >= ").push_bind(from).push(" AND e.occurred_at < ").push_bind(to);
    push_filters(&mut sql, query)?;
    if let Some(after) = received_after {
        sql.push(" AND e.received_at > ").push_bind(after);
    }
    if let Some((at, key)) = keyset.after {
        sql.push(" AND (e.occurred_at, e.event_key) < (").push_bind(at).push(", ").push_bind(key).push(")");
    }
    sql.push(" ORDER BY e.occurred_at DESC, e.event_key DESC LIMIT ").push_bind(keyset.fetch());
    let rows: Vec<Row> = sql.build_query_as().fetch_all(conn).await?;
    Ok(keyset.page(rows, |row| (row.occurred_at, row.event_key)).map(Into::into))
}

/// Refuses filters that could match nothing, as [`list`] does.
pub(super) fn check(query: &UsageEventsQuery) -> ApiResult<()> {
    push_filters(&mut QueryBuilder::new(""), query)
}

fn push_seen(sql: &mut QueryBuilder<Postgres>, sees: &Visibility) {
    if let Visibility::Only { teams, projects } = sees {
        sql.push(" AND (e.team_id = ANY (").push_bind(teams.clone());
        sql.push(") OR e.project_id = ANY (").push_bind(projects.clone()).push("))");
    }
}

fn push_filters(sql: &mut QueryBuilder<Postgres>, query: &UsageEventsQuery) -> ApiResult<()> {
    match query.project_id.as_deref() {
        Some("none") => {
            sql.push(" AND e.project_id IS NULL");
        }
        Some(id) => {
            let id: Uuid = id.parse().map_err(|_| ApiError::field("/projectId", "type", "must be an id or none"))?;
            sql.push(" AND e.project_id = ").push_bind(id);
        }
        None => {}
    }
    let texts = [
        ("e.environment", query.environment.map(|environment| environment.name().to_owned())),
        ("e.provider", query.provider.clone()),
        ("e.model", query.model.clone()),
        ("e.service", query.service.clone()),
        ("e.learner_id", query.learner_id.clone()),
        ("e.user_id", query.user_id.clone()),
        ("e.session_id", query.session_id.clone()),
        ("e.task_type", query.task_type.clone()),
        ("e.source", query.source.map(|source| source.name().to_owned())),
    ];
    for (column, text) in texts {
        let Some(text) = text else { continue };
        if text.contains('\0') {
            return Err(ErrorCode::InvalidQuery.into());
        }
        sql.push(" AND ").push(column).push(" = ").push_bind(text);
    }
    if let Some(tag) = &query.tag {
        sql.push(" AND string_to_array(e.tags, ").push_bind(TAG_SEPARATOR);
        sql.push(") @> ARRAY[").push_bind(tag.replace('\0', "")).push("]");
    }
    if let Some(key) = query.api_key_id {
        sql.push(" AND e.api_key_id = ").push_bind(key);
    }
    if let Some(failed) = query.failed {
        sql.push(" AND e.failed = ").push_bind(failed);
    }
    match query.state {
        Some(CostState::Unpriced) => _ = sql.push(" AND e.cost IS NULL"),
        Some(CostState::Free) => _ = sql.push(" AND e.cost = 0"),
        Some(CostState::Estimated) => _ = sql.push(" AND e.cost <> 0"),
        Some(CostState::Billed) => return Err(ApiError::field("/state", "unknown", "an event is never billed")),
        None => {}
    }
    Ok(())
}

/// One event by the caller's id. Its id's place is known for as long as ids are remembered; after that it is looked for.
pub(super) async fn find(conn: &mut PgConnection, ctx: &Ctx, event_id: &str) -> ApiResult<Option<UsageEvent>> {
    let key = event_key(event_id);
    let sees = teams::visibility(conn, ctx).await?;
    let known = sqlx::query_scalar!(
        "SELECT occurred_at FROM usage_event_ids WHERE organization_id = $1 AND event_key = $2",
        ctx.organization as OrganizationId,
        key
    )
    .fetch_optional(&mut *conn)
    .await?;
    let mut sql = QueryBuilder::<Postgres>::new(SELECT);
    sql.push_bind(ctx.organization).push(" AND e.event_key = ").push_bind(key);
    if let Some(at) = known {
        sql.push(" AND e.occurred_at = ").push_bind(at);
    }
    push_seen(&mut sql, &sees);
    let row: Option<Row> = sql.build_query_as().fetch_optional(conn).await?;
    Ok(row.map(Into::into))
}

/// What is stored under an id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub(super) occurred_at: DateTime<Utc>,
    /// Nothing once the event itself was dropped.
    pub(super) tokens: Option<Tokens>,
}

/// Tokens of a stored event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens {
    input: i64,
    output: i64,
    unsplit: i64,
}

impl Tokens {
    /// Whether they are these.
    pub(super) fn are(self, input: Decimal, output: Decimal) -> bool {
        if self.unsplit > 0 {
            return Decimal::from(self.unsplit) == input + output;
        }
        (Decimal::from(self.input), Decimal::from(self.output)) == (input, output)
    }
}

/// What is stored under these ids, as far as they are known.
pub(super) async fn stored(
    conn: &mut PgConnection,
    organization: OrganizationId,
    keys: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, Stored>> {
    let rows = sqlx::query!(
        r#"
        SELECT i.event_key, i.occurred_at, e.event_key IS NOT NULL AS "there!",
            coalesce(e.input, 0) + coalesce(e.cached_input, 0) + coalesce(e.cache_write_5m, 0)
                + coalesce(e.cache_write_1h, 0) + coalesce(e.audio_input, 0) AS "input!",
            coalesce(e.output, 0) + coalesce(e.reasoning, 0) + coalesce(e.audio_output, 0) AS "output!",
            coalesce(e.unsplit, 0) AS "unsplit!"
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
    let stored = rows.into_iter().map(|row| {
        let tokens = row.there.then_some(Tokens { input: row.input, output: row.output, unsplit: row.unsplit });
        (row.event_key, Stored { occurred_at: row.occurred_at, tokens })
    });
    Ok(stored.collect())
}
