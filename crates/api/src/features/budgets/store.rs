//! Rows of budgets, their amounts and their thresholds.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use finops_contract::Percent;
use finops_contract::budgets::{
    AlertBasis, Budget, BudgetAlert, BudgetKind, BudgetPeriod, BudgetsQuery, Enforcement, NamedScope, ScopeType,
};
use finops_contract::fx_rates::FxRate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::domain::{self, Draft};
use crate::features::costs::Spender;
use crate::features::teams::Visibility;
use crate::platform::db::OrganizationId;
use crate::platform::http::ApiResult;

struct Row {
    id: Uuid,
    kind: String,
    name: String,
    scope_type: String,
    team_id: Option<Uuid>,
    project_id: Option<Uuid>,
    scope_name: Option<String>,
    owner_name: Option<String>,
    owner_deleted: bool,
    amount: Decimal,
    currency: String,
    fx_rate: Option<Decimal>,
    fx_day: Option<chrono::NaiveDate>,
    fx_source: Option<String>,
    period: String,
    enforcement: String,
    alerts: Json<Vec<BudgetAlert>>,
    revision: i32,
    since: DateTime<Utc>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

// The tables' CHECKs allow no other names.
impl From<Row> for Budget {
    fn from(row: Row) -> Self {
        let id = row.team_id.or(row.project_id).map(|id| id.to_string()).or(row.scope_name);
        Self {
            id: row.id,
            kind: BudgetKind::from_name(&row.kind).unwrap_or(BudgetKind::Budget),
            name: row.name,
            scope: NamedScope {
                kind: ScopeType::from_name(&row.scope_type).unwrap_or(ScopeType::Organization),
                id,
                name: row.owner_name,
                deleted: row.owner_deleted,
            },
            amount: row.amount.into(),
            fx: fx(&row.currency, row.fx_rate, row.fx_day, row.fx_source),
            currency: row.currency,
            period: BudgetPeriod::from_name(&row.period).unwrap_or(BudgetPeriod::Monthly),
            enforcement: Enforcement::from_name(&row.enforcement).unwrap_or(Enforcement::Soft),
            alerts: row.alerts.0,
            revision: row.revision,
            revised_at: row.since,
            created_at: row.created_at,
            updated_at: row.updated_at,
            standing: None,
        }
    }
}

fn fx(currency: &str, rate: Option<Decimal>, day: Option<chrono::NaiveDate>, source: Option<String>) -> Option<FxRate> {
    let rate = rate?.normalize().into();
    Some(FxRate { currency: currency.to_owned(), date: day?, rate, source: source.unwrap_or_default() })
}

/// Which budgets are asked for.
#[derive(Debug, Default)]
pub(super) struct Filter<'a> {
    /// One alone.
    pub(super) id: Option<Uuid>,
    pub(super) scope_type: Option<ScopeType>,
    pub(super) team: Option<Uuid>,
    /// Of these projects alone; of whatever it is when absent.
    pub(super) projects: Option<Vec<Uuid>>,
    pub(super) kind: Option<BudgetKind>,
    /// Whose budgets are seen; all of them when absent.
    pub(super) seen: Option<&'a Visibility>,
    /// Those that were made before this one.
    pub(super) after: Option<Uuid>,
}

impl<'a> Filter<'a> {
    /// # Errors
    /// `validation_failed` for what is no list of ids.
    pub(super) fn of(query: &BudgetsQuery, seen: &'a Visibility, after: Option<Uuid>) -> ApiResult<Self> {
        let projects = query.project_id.as_deref().map(domain::project_ids).transpose()?;
        let (team, kind) = (query.team_id, query.kind);
        Ok(Self { id: None, scope_type: query.scope_type, team, projects, kind, seen: Some(seen), after })
    }

    pub(super) fn one(id: Uuid) -> Self {
        Self { id: Some(id), ..Self::default() }
    }
}

/// Budgets that exist, the newest first. Of a team's or project's who sees it, of the others who sees everything.
pub(super) async fn list(
    conn: &mut PgConnection,
    organization: OrganizationId,
    filter: &Filter<'_>,
    limit: i64,
) -> sqlx::Result<Vec<Budget>> {
    let (teams, projects) = (filter.seen.and_then(Visibility::teams), filter.seen.and_then(Visibility::projects));
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT b.id, b.kind, CASE b.kind WHEN 'limit' THEN coalesce(p.name, b.name) ELSE b.name END AS "name!", b.scope_type, b.team_id, b.project_id, b.scope_name,
            coalesce(t.name, p.name) AS owner_name, coalesce(t.deleted_at, p.deleted_at) IS NOT NULL AS "owner_deleted!",
            r.amount, r.currency, r.fx_rate, r.fx_day, r.fx_source, r.period, b.enforcement,
            (SELECT coalesce(jsonb_agg(jsonb_build_object('threshold', h.threshold::text, 'type', h.action, 'basis', h.basis)
                    ORDER BY h.threshold, h.basis), '[]')
                FROM budget_thresholds h WHERE h.organization_id = b.organization_id AND h.budget_id = b.id)
                AS "alerts!: Json<Vec<BudgetAlert>>",
            b.revision, r.since, b.created_at, b.updated_at
        FROM budgets b
            JOIN budget_revisions r
                ON r.organization_id = b.organization_id AND r.budget_id = b.id AND r.revision = b.revision
            LEFT JOIN teams t ON t.organization_id = b.organization_id AND t.id = b.team_id
            LEFT JOIN projects p ON p.organization_id = b.organization_id AND p.id = b.project_id
        WHERE b.organization_id = $1 AND b.deleted_at IS NULL
            AND ($2::uuid IS NULL OR b.id = $2)
            AND ($3::text IS NULL OR b.scope_type = $3)
            AND ($4::uuid IS NULL OR b.team_id = $4)
            AND ($5::uuid[] IS NULL OR b.project_id = ANY ($5))
            AND ($6::text IS NULL OR b.kind = $6)
            AND ($7::uuid[] IS NULL OR b.team_id = ANY ($7) OR p.team_id = ANY ($7) OR b.project_id = ANY ($8))
            AND ($9::uuid IS NULL OR b.id < $9)
        ORDER BY b.id DESC LIMIT $10
        "#,
        organization as OrganizationId,
        filter.id,
        filter.scope_type.map(ScopeType::name),
        filter.team,
        filter.projects.as_deref(),
        filter.kind.map(BudgetKind::name),
        teams,
        projects,
        filter.after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// One that exists, whoever asks.
pub(super) async fn find(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
) -> sqlx::Result<Option<Budget>> {
    list(conn, organization, &Filter::one(id), 1).await.map(|mut found| found.pop())
}

/// Locks a budget that is about to change. Crossings wait for it.
pub(super) async fn lock(conn: &mut PgConnection, organization: OrganizationId, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT id FROM budgets WHERE organization_id = $1 AND id = $2 FOR UPDATE",
        organization as OrganizationId,
        id
    )
    .fetch_optional(conn)
    .await
    .map(drop)
}

/// Stores a budget without an amount.
pub(super) async fn insert(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    kind: BudgetKind,
    draft: &Draft,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let columns = Columns::of(&draft.spender);
    sqlx::query!(
        "
        INSERT INTO budgets (organization_id, id, kind, name, scope_type, team_id, project_id, scope_name, enforcement,
            limit_period, revision, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $11)
        ",
        organization as OrganizationId,
        id,
        kind.name(),
        draft.name,
        columns.scope_type.name(),
        columns.team,
        columns.project,
        columns.name,
        draft.enforcement.name(),
        (kind == BudgetKind::Limit).then(|| draft.period.name()),
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// How whose spending it is about is stored.
struct Columns<'a> {
    scope_type: ScopeType,
    team: Option<Uuid>,
    project: Option<Uuid>,
    name: Option<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(spender: &'a Spender) -> Self {
        let none = |scope_type| Self { scope_type, team: None, project: None, name: None };
        match spender {
            Spender::Organization => none(ScopeType::Organization),
            Spender::Team(team) => Self { team: Some(*team), ..none(ScopeType::Team) },
            Spender::Project(project) => Self { project: Some(*project), ..none(ScopeType::Project) },
            Spender::Environment(environment) => {
                Self { name: Some(environment.name()), ..none(ScopeType::Environment) }
            }
            Spender::Service(name) => Self { name: Some(name), ..none(ScopeType::Service) },
            Spender::Learner(name) => Self { name: Some(name), ..none(ScopeType::Learner) },
        }
    }
}

/// Stores an amount, from now on.
pub(super) async fn insert_revision(
    conn: &mut PgConnection,
    organization: OrganizationId,
    (budget, revision): (Uuid, i32),
    draft: &Draft,
    fx: Option<&FxRate>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        INSERT INTO budget_revisions (organization_id, budget_id, revision, period, amount, currency, fx_rate, fx_day,
            fx_source, since)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ",
        organization as OrganizationId,
        budget,
        revision,
        draft.period.name(),
        draft.amount,
        draft.currency,
        fx.map(|fx| fx.rate.0),
        fx.map(|fx| fx.date),
        fx.map(|fx| fx.source.as_str()),
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Replaces a budget's thresholds. Those that it had already hold since they did, whatever they do now.
pub(super) async fn set_thresholds(
    conn: &mut PgConnection,
    organization: OrganizationId,
    budget: Uuid,
    alerts: &[BudgetAlert],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let before = sqlx::query!(
        "DELETE FROM budget_thresholds WHERE organization_id = $1 AND budget_id = $2 RETURNING threshold, basis, since",
        organization as OrganizationId,
        budget
    )
    .fetch_all(&mut *conn)
    .await?;
    let since = |alert: &BudgetAlert| {
        let mut same =
            before.iter().filter(|row| row.threshold == alert.threshold.0 && row.basis == alert.basis.name());
        same.next().map_or(now, |row| row.since)
    };
    let thresholds: Vec<Decimal> = alerts.iter().map(|alert| alert.threshold.0.normalize()).collect();
    let bases: Vec<&str> = alerts.iter().map(|alert| alert.basis.name()).collect();
    let actions: Vec<&str> = alerts.iter().map(|alert| alert.action.name()).collect();
    sqlx::query!(
        "
        INSERT INTO budget_thresholds (organization_id, budget_id, threshold, basis, action, since)
        SELECT $1, $2, * FROM unnest($3::numeric[], $4::text[], $5::text[], $6::timestamptz[])
        ",
        organization as OrganizationId,
        budget,
        &thresholds,
        &bases as &[&str],
        &actions as &[&str],
        &alerts.iter().map(since).collect::<Vec<_>>()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// A budget's threshold, as no other is.
pub type ThresholdKey = (Uuid, Percent, AlertBasis);

/// Since when each threshold holds.
///
/// # Errors
/// When the database fails.
pub async fn thresholds_since(
    conn: &mut PgConnection,
    organization: OrganizationId,
) -> sqlx::Result<HashMap<ThresholdKey, DateTime<Utc>>> {
    let rows = sqlx::query!(
        "SELECT budget_id, threshold, basis, since FROM budget_thresholds WHERE organization_id = $1",
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await?;
    let basis = |name: &str| AlertBasis::from_name(name).unwrap_or(AlertBasis::Actual);
    Ok(rows.into_iter().map(|row| ((row.budget_id, Percent(row.threshold), basis(&row.basis)), row.since)).collect())
}

/// Changes what is no amount.
pub(super) async fn update(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    draft: &Draft,
    revision: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE budgets SET name = $3, enforcement = $4, revision = $5, updated_at = $6
        WHERE organization_id = $1 AND id = $2
        ",
        organization as OrganizationId,
        id,
        draft.name,
        draft.enforcement.name(),
        revision,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Hides a budget. What it said of past periods stays.
pub(super) async fn delete(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE budgets SET deleted_at = $3 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        id,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// An amount, as it held for some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Revision {
    pub(super) number: i32,
    pub(super) period: BudgetPeriod,
    pub(super) amount: Decimal,
    pub(super) currency: String,
    pub(super) rate: Option<Decimal>,
    pub(super) since: DateTime<Utc>,
}

/// Every amount that a budget had, the first one first.
pub(super) async fn revisions(
    conn: &mut PgConnection,
    organization: OrganizationId,
    budget: Uuid,
) -> sqlx::Result<Vec<Revision>> {
    revisions_of(conn, organization, &[budget]).await.map(|mut all| all.remove(&budget).unwrap_or_default())
}

/// The same of many budgets.
pub(super) async fn revisions_of(
    conn: &mut PgConnection,
    organization: OrganizationId,
    budgets: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, Vec<Revision>>> {
    let rows = sqlx::query!(
        "
        SELECT budget_id, revision, period, amount, currency, fx_rate, since FROM budget_revisions
        WHERE organization_id = $1 AND budget_id = ANY ($2) ORDER BY budget_id, revision
        ",
        organization as OrganizationId,
        budgets
    )
    .fetch_all(conn)
    .await?;
    let mut all: HashMap<Uuid, Vec<Revision>> = HashMap::new();
    for row in rows {
        all.entry(row.budget_id).or_default().push(Revision {
            number: row.revision,
            period: BudgetPeriod::from_name(&row.period).unwrap_or(BudgetPeriod::Monthly),
            amount: row.amount,
            currency: row.currency,
            rate: row.fx_rate,
            since: row.since,
        });
    }
    Ok(all)
}
