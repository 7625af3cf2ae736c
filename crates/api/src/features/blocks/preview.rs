//! What a block would do: read, not done.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::accounts::Role;
use finops_contract::blocks::{
    BlockMode, BlockPreview, BlockedApiKey, BlockedProject, BlockedService, BlockedTarget, BlockedUsage,
    PreviewBlockRequest, ProviderPreview,
};
use finops_contract::costs::Named;
use finops_contract::projects::Environment;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{self, Target};
use super::targets::{self, Found};
use super::{endings, store};
use crate::platform::auth::Permission;
use crate::platform::db::{OrganizationId, Tx};
use crate::platform::exact::{self, Exact};
use crate::platform::http::{ApiResult, Ctx};

/// How far back it is looked who calls.
const LOOKS_BACK: TimeDelta = TimeDelta::days(30);
const MOST_SERVICES: usize = 20;
const MOST_KEYS: i64 = 50;

/// Calls and what they cost, over a day and over a week.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    day: Sum,
    week: Sum,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    calls: i64,
    cost: Decimal,
    unpriced: i64,
}

impl Sum {
    fn add(&mut self, other: Self) -> ApiResult<()> {
        self.calls += other.calls;
        self.unpriced += other.unpriced;
        self.cost = exact::add(self.cost, other.cost)?;
        Ok(())
    }
}

impl From<Sum> for BlockedUsage {
    fn from(sum: Sum) -> Self {
        Self { calls: sum.calls, cost: sum.cost.into(), currency: "USD".into(), unpriced: sum.unpriced }
    }
}

/// What a block of something would do.
///
/// # Errors
/// `not_found`; `validation_failed` for a stop at the provider that cannot be.
pub(super) async fn of(tx: &mut Tx, ctx: &Ctx, request: &PreviewBlockRequest) -> ApiResult<BlockPreview> {
    let target = Target::from(request.target);
    let found = targets::seen(tx, ctx, target).await?;
    let mode = request.mode.unwrap_or(BlockMode::Stop);
    let will_clamp = domain::at_provider(&found, mode, request.at_provider)?;
    let projects = projects(tx, ctx, &found).await?;
    let (mut day, mut week) = (Sum::default(), Sum::default());
    for (_, figures) in &projects {
        day.add(figures.day)?;
        week.add(figures.week)?;
    }
    let projects: Vec<BlockedProject> = projects.into_iter().map(|(project, _)| project).collect();
    let ids: Vec<Uuid> = projects.iter().map(|project| project.id).collect();
    let registered = projects.iter().filter_map(|project| project.openai_project_id.clone());
    let mut openai_project_ids: Vec<String> = if will_clamp { registered.collect() } else { Vec::new() };
    if let (Target::AdminKey(_), Some(team), true) = (target, found.team_id(), will_clamp) {
        openai_project_ids.extend(store::taken_away(tx, ctx.organization, team).await?);
    }
    let lacks_project_id = openai_project_ids.len() < projects.len();
    let still_runs = domain::still_runs(target, mode, will_clamp, lacks_project_id);
    let people = people(tx, ctx.organization, found.team_id()).await?;
    let mut lifted_by: Vec<Named> = people.iter().filter(|(_, runs)| *runs).map(|(person, _)| person.clone()).collect();
    if found.made_by.is_some() && found.made_by == endings::person(ctx) {
        let own = people.iter().find(|(person, _)| Some(person.id) == found.made_by).map(|(person, _)| person.clone());
        lifted_by.extend(own.filter(|own| !lifted_by.contains(own)));
    }
    let needs_approval = endings::needs_two(tx, ctx.organization).await?;
    let open = store::open_of(tx, ctx.organization, target).await?;
    Ok(BlockPreview {
        block_id: endings::in_the_way(ctx, &open, mode, needs_approval),
        api_keys: api_keys(tx, ctx, &found, &ids, mode).await?,
        target: BlockedTarget { kind: target.kind(), id: target.id(), name: found.name.clone(), deleted: false },
        mode,
        projects,
        day: day.into(),
        week: week.into(),
        provider: ProviderPreview {
            allowed: found.allows_provider_stops,
            will_clamp,
            means: if will_clamp { domain::MEANS.to_vec() } else { Vec::new() },
            openai_project_ids,
        },
        people: people.into_iter().map(|(person, _)| person).collect(),
        not_stopped: still_runs.into_iter().map(|code| domain::not_stopped(code, ctx.locale)).collect(),
        needs_approval,
        may_block: found.may_be_blocked_by(ctx),
        lifted_by,
        team: found.team,
    })
}

struct ProjectRow {
    id: Uuid,
    name: String,
    environment: String,
    openai_project_id: Option<String>,
}

/// The projects that would get no answer, the dearest of the week first: an API key's are those that it reported for.
async fn projects(tx: &mut Tx, ctx: &Ctx, found: &Found) -> ApiResult<Vec<(BlockedProject, Figures)>> {
    let now = ctx.now();
    let (project, team, key) = match found.target {
        Target::Project(id) => (Some(id), None, None),
        Target::AdminKey(_) => (None, found.team_id(), None),
        Target::ApiKey(id) => (found.project, None, Some(id)),
    };
    let figures = match key {
        Some(key) => of_key(tx, ctx.organization, key, now).await?,
        None => HashMap::new(),
    };
    let reported: Vec<Uuid> = figures.keys().copied().collect();
    let rows = sqlx::query_as!(
        ProjectRow,
        "
        SELECT id, name, environment, openai_project_id FROM projects
        WHERE organization_id = $1 AND deleted_at IS NULL AND (id = $2 OR team_id = $3 OR id = ANY ($4))
        ORDER BY name, id
        ",
        ctx.organization as OrganizationId,
        project,
        team,
        &reported
    )
    .fetch_all(&mut **tx)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let figures = if key.is_some() { figures } else { metered(tx, ctx.organization, &ids, now).await? };
    let mut services = services(tx, ctx.organization, &ids, key, now).await?;
    let mut projects: Vec<(BlockedProject, Figures)> = Vec::new();
    for row in rows {
        let figures = figures.get(&row.id).copied().unwrap_or_default();
        let project = BlockedProject {
            id: row.id,
            name: row.name,
            // The table's CHECK allows no other.
            environment: Environment::from_name(&row.environment).unwrap_or(Environment::Production),
            openai_project_id: row.openai_project_id,
            day: figures.day.into(),
            week: figures.week.into(),
            services: services.remove(&row.id).unwrap_or_default(),
        };
        projects.push((project, figures));
    }
    projects.sort_by_key(|(_, figures)| std::cmp::Reverse(figures.week.cost));
    Ok(projects)
}

struct FiguresRow {
    project_id: Uuid,
    day_calls: i64,
    day_cost: Exact,
    day_unpriced: i64,
    week_calls: i64,
    week_cost: Exact,
    week_unpriced: i64,
}

/// Rows of several providers, by project.
fn by_project(rows: Vec<FiguresRow>) -> ApiResult<HashMap<Uuid, Figures>> {
    let mut all: HashMap<Uuid, Figures> = HashMap::new();
    for row in rows {
        let figures = all.entry(row.project_id).or_default();
        figures.day.add(Sum { calls: row.day_calls, cost: row.day_cost.0, unpriced: row.day_unpriced })?;
        figures.week.add(Sum { calls: row.week_calls, cost: row.week_cost.0, unpriced: row.week_unpriced })?;
    }
    Ok(all)
}

/// What projects' calls were metered at: by the provider where it says anything of the project that week, else as they were
/// reported.
async fn metered(
    conn: &mut PgConnection,
    organization: OrganizationId,
    projects: &[Uuid],
    now: DateTime<Utc>,
) -> ApiResult<HashMap<Uuid, Figures>> {
    let rows = sqlx::query_as!(
        FiguresRow,
        r#"
        WITH theirs AS (
            SELECT project_id, provider, hour >= $3 AS today, requests AS calls, cost, unpriced
            FROM provider_usage_hourly WHERE organization_id = $1 AND project_id = ANY ($2) AND hour >= $4
        ), ours AS (
            SELECT u.project_id, u.provider, u.hour >= $3 AS today, u.events AS calls, u.cost, u.unpriced
            FROM usage_sums u WHERE u.organization_id = $1 AND u.project_id = ANY ($2) AND u.hour >= $4
                AND NOT EXISTS (SELECT FROM theirs t WHERE (t.project_id, t.provider) = (u.project_id, u.provider))
        )
        SELECT project_id AS "project_id!", coalesce(sum(calls) FILTER (WHERE today), 0)::bigint AS "day_calls!",
            coalesce(sum(cost) FILTER (WHERE today), 0) AS "day_cost!: Exact",
            coalesce(sum(unpriced) FILTER (WHERE today), 0)::bigint AS "day_unpriced!",
            sum(calls)::bigint AS "week_calls!", sum(cost) AS "week_cost!: Exact", sum(unpriced)::bigint AS "week_unpriced!"
        FROM (SELECT * FROM theirs UNION ALL SELECT * FROM ours) calls GROUP BY project_id
        "#,
        organization as OrganizationId,
        projects,
        now - TimeDelta::hours(24),
        now - TimeDelta::days(7)
    )
    .fetch_all(conn)
    .await?;
    by_project(rows)
}

/// What was reported with an API key, by project, and of which projects anything was in the last month.
async fn of_key(
    conn: &mut PgConnection,
    organization: OrganizationId,
    key: Uuid,
    now: DateTime<Utc>,
) -> ApiResult<HashMap<Uuid, Figures>> {
    let rows = sqlx::query_as!(
        FiguresRow,
        r#"
        SELECT project_id AS "project_id!", coalesce(sum(events) FILTER (WHERE hour >= $3), 0)::bigint AS "day_calls!",
            coalesce(sum(cost) FILTER (WHERE hour >= $3), 0) AS "day_cost!: Exact",
            coalesce(sum(unpriced) FILTER (WHERE hour >= $3), 0)::bigint AS "day_unpriced!",
            coalesce(sum(events) FILTER (WHERE hour >= $4), 0)::bigint AS "week_calls!",
            coalesce(sum(cost) FILTER (WHERE hour >= $4), 0) AS "week_cost!: Exact",
            coalesce(sum(unpriced) FILTER (WHERE hour >= $4), 0)::bigint AS "week_unpriced!"
        FROM usage_dimension_sums
        WHERE organization_id = $1 AND dimension = 'api_key' AND value = $2 AND hour >= $5 AND project_id IS NOT NULL
        GROUP BY project_id
        "#,
        organization as OrganizationId,
        key.to_string(),
        now - TimeDelta::hours(24),
        now - TimeDelta::days(7),
        now - LOOKS_BACK
    )
    .fetch_all(conn)
    .await?;
    by_project(rows)
}

/// The services that called, by project, the busiest first. Which key they called with is not kept.
async fn services(
    conn: &mut PgConnection,
    organization: OrganizationId,
    projects: &[Uuid],
    key: Option<Uuid>,
    now: DateTime<Utc>,
) -> sqlx::Result<HashMap<Uuid, Vec<BlockedService>>> {
    let mut all: HashMap<Uuid, Vec<BlockedService>> = HashMap::new();
    if key.is_some() {
        return Ok(all);
    }
    let rows = sqlx::query!(
        r#"
        SELECT project_id AS "project!", service AS "name!", sum(events)::bigint AS "calls!", max(hour) AS "last!"
        FROM usage_sums
        WHERE organization_id = $1 AND project_id = ANY ($2) AND hour >= $3 AND service IS NOT NULL
        GROUP BY project_id, service ORDER BY sum(events) DESC, service
        "#,
        organization as OrganizationId,
        projects,
        now - LOOKS_BACK
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let services = all.entry(row.project).or_default();
        if services.len() < MOST_SERVICES {
            services.push(BlockedService { name: row.name, calls: row.calls, last_call_at: row.last });
        }
    }
    Ok(all)
}

/// The API keys that are concerned: the one itself, or those that are bound to the projects or reported for them. Who does
/// not manage everybody's sees their own.
async fn api_keys(
    conn: &mut PgConnection,
    ctx: &Ctx,
    found: &Found,
    projects: &[Uuid],
    mode: BlockMode,
) -> ApiResult<Vec<BlockedApiKey>> {
    let only = match found.target {
        Target::ApiKey(id) => Some(id),
        Target::AdminKey(_) | Target::Project(_) => None,
    };
    let maker = if ctx.require(Permission::ApiKeysWrite).is_ok() { None } else { Some(ctx.user_id()?) };
    let rows = sqlx::query!(
        r#"
        SELECT k.id, k.name, k.last_used_at, coalesce(u.calls, 0) AS "calls!"
        FROM api_keys k LEFT JOIN (
            SELECT value, sum(events)::bigint AS calls FROM usage_dimension_sums
            WHERE organization_id = $1 AND dimension = 'api_key' AND hour >= $3 AND project_id = ANY ($2)
            GROUP BY value
        ) u ON u.value = k.id::text
        WHERE k.organization_id = $1 AND k.revoked_at IS NULL
            AND CASE WHEN $4::uuid IS NOT NULL THEN k.id = $4
                ELSE (k.project_id = ANY ($2) OR u.calls > 0) AND ($5::uuid IS NULL OR k.created_by = $5) END
        ORDER BY coalesce(u.calls, 0) DESC, k.id LIMIT $6
        "#,
        ctx.organization as OrganizationId,
        projects,
        ctx.now() - LOOKS_BACK,
        only,
        maker,
        MOST_KEYS
    )
    .fetch_all(conn)
    .await?;
    let keys = rows.into_iter().map(|row| BlockedApiKey {
        id: row.id,
        name: row.name,
        refused: only.is_some() && mode == BlockMode::Stop,
        calls: row.calls,
        last_used_at: row.last_used_at,
    });
    Ok(keys.collect())
}

/// The people of a team and those who run the organization, by name; of each whether they run it.
async fn people(tx: &mut Tx, organization: OrganizationId, team: Option<Uuid>) -> sqlx::Result<Vec<(Named, bool)>> {
    let rows = sqlx::query!(
        "
        SELECT u.id, u.name, u.role FROM users u
        WHERE u.organization_id = $1 AND u.deleted_at IS NULL AND (u.role <> 'user' OR EXISTS (SELECT FROM team_members m
            WHERE m.organization_id = $1 AND m.team_id = $2 AND m.user_id = u.id))
        ORDER BY u.name, u.id
        ",
        organization as OrganizationId,
        team
    )
    .fetch_all(&mut **tx)
    .await?;
    let person = |id, name| Named { id, name, deleted: false };
    Ok(rows.into_iter().map(|row| (person(row.id, row.name), row.role != Role::User.name())).collect())
}
