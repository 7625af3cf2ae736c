//! `GET /api/costs/summary`: what the home and project pages show first.

use std::collections::HashMap;

use chrono::NaiveDate;
use finops_contract::Amount;
use finops_contract::costs::{
    Basis, CostDriver, CostSummary, CostSummaryQuery, CostTotal, Named, PeriodCost, ProjectCost, TrendPoint,
};
use rust_decimal::Decimal;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::actions;
use super::domain::{Compared, Period, Periods, change_percent};
use super::facts::{self, CollectedDays};
use super::scope::{self, ProjectFilter, Scope, Source};
use crate::platform::clock::midnight;
use crate::platform::db::OrganizationId;
use crate::platform::exact::{self, Exact};
use crate::platform::http::{ApiResult, Ctx};

/// Projects that the summary names.
const TOP: usize = 5;
/// The currency of the figures when costs are in several, or in none.
const FIRST_CURRENCY: &str = "USD";

/// Where each period's sum is in [`Sums`], as in [`Periods::all`].
const YESTERDAY: usize = 0;
const LAST_WEEK: usize = 2;
const LAST_MONTH: usize = 4;
const MONTH_TO_DATE: usize = 6;
const TREND: usize = 8;
const USUAL: usize = 10;

/// One project's sums, by period.
#[derive(sqlx::FromRow)]
pub(super) struct Sums {
    pub(super) project_id: Option<Uuid>,
    currency: String,
    sums: Vec<Exact>,
}

impl Sums {
    fn of(&self, period: usize) -> Decimal {
        self.sums.get(period).copied().unwrap_or_default().0
    }

    fn delta(&self, period: usize) -> Decimal {
        self.of(period) - self.of(period + 1)
    }

    /// The sum over the trend's period.
    pub(super) fn trend(&self) -> Decimal {
        self.of(TREND)
    }

    pub(super) fn yesterday(&self) -> Decimal {
        self.of(YESTERDAY)
    }

    /// The sum of the seven days before yesterday.
    pub(super) fn usual(&self) -> Decimal {
        self.of(USUAL)
    }
}

/// A project with its team, as they are called now.
#[derive(Clone)]
pub(super) struct ProjectName {
    pub(super) project: Named,
    pub(super) team: Named,
}

/// What was read, before it is put together.
struct Facts {
    periods: Periods,
    currency: String,
    /// One a project, in the summary's currency.
    sums: Vec<Sums>,
    days: CollectedDays,
    names: HashMap<Uuid, ProjectName>,
}

/// Answers it.
///
/// # Errors
/// `range_too_large`, `not_found` for a team or project that the caller does not see.
pub(super) async fn answer(conn: &mut PgConnection, ctx: &Ctx, query: &CostSummaryQuery) -> ApiResult<CostSummary> {
    let today = ctx.clock.today();
    let periods = Periods::new(today, Period::trend(query.from, query.to, today)?);
    let scope = Scope::of(conn, ctx, query.project_id.map(ProjectFilter::One), query.team_id).await?;
    let all = sums(conn, &scope, &periods).await?;
    // From here on sums are added up and compared as they are.
    exact::hold_sums(all.iter().flat_map(|row| row.sums.iter().map(|sum| sum.0)))?;
    let currency = main_currency(&all);
    let (sums, other): (Vec<_>, Vec<_>) = all.into_iter().partition(|sums| sums.currency == currency);
    let ids: Vec<Uuid> = sums.iter().filter_map(|sums| sums.project_id).collect();
    let team = collecting_team(conn, &scope).await?;
    // Who sees nothing is told that nothing is known, not that it cost nothing.
    let days = match scope.is_empty() {
        true => CollectedDays::default(),
        false => CollectedDays::of(conn, ctx.organization, team, periods.hull()).await?,
    };
    let names = names(conn, &scope, &ids).await?;
    let facts = Facts { periods, currency, sums, days, names };
    let freshness = facts::freshness(conn, &scope).await?;
    let Periods { yesterday, last_week, last_month, month_to_date, .. } = facts.periods;
    let unattributed: Decimal = facts.sums.iter().filter(|sums| sums.project_id.is_none()).map(Sums::trend).sum();
    Ok(CostSummary {
        currency: facts.currency.clone(),
        other_currencies: other_currencies(&other),
        basis: Basis::Billed,
        day_zone: "UTC".into(),
        yesterday: period_cost(conn, &scope, &facts, yesterday, YESTERDAY).await?,
        last_week: period_cost(conn, &scope, &facts, last_week, LAST_WEEK).await?,
        last_month: period_cost(conn, &scope, &facts, last_month, LAST_MONTH).await?,
        month_to_date: period_cost(conn, &scope, &facts, month_to_date, MONTH_TO_DATE).await?,
        trend: trend(conn, &scope, &facts).await?,
        top_projects: top_projects(conn, &scope, &facts).await?,
        unattributed: unattributed.into(),
        total: facts.sums.iter().map(Sums::trend).sum::<Decimal>().into(),
        next_actions: actions::next(conn, ctx, &scope, &facts.sums, &facts.names, &freshness).await?,
        freshness,
    })
}

async fn sums(conn: &mut PgConnection, scope: &Scope, periods: &Periods) -> sqlx::Result<Vec<Sums>> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT b.project_id, b.currency, ARRAY[");
    for (at, period) in periods.all().into_iter().enumerate() {
        sql.push(if at == 0 { "" } else { ", " }).push("coalesce(sum(b.amount) FILTER (WHERE b.day >= ");
        sql.push_bind(period.from).push(" AND b.day < ").push_bind(period.to).push("), 0)");
    }
    sql.push("] AS sums");
    scope.push(&mut sql, Source::Daily, periods.hull());
    scope.push_once(&mut sql, Source::Daily, periods.hull());
    sql.push(" GROUP BY b.project_id, b.currency");
    sql.build_query_as().fetch_all(conn).await
}

/// US dollars where there are any, for all providers bill in them; else the currency with the largest sum.
fn main_currency(all: &[Sums]) -> String {
    let mut sums: HashMap<&str, Decimal> = HashMap::new();
    for row in all {
        *sums.entry(&row.currency).or_default() += row.sums.iter().map(|sum| sum.0.abs()).sum::<Decimal>();
    }
    if sums.is_empty() || sums.contains_key(FIRST_CURRENCY) {
        return FIRST_CURRENCY.into();
    }
    let largest = sums.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0)));
    largest.map(|(currency, _)| currency.to_owned()).unwrap_or_default()
}

fn other_currencies(other: &[Sums]) -> Vec<CostTotal> {
    let mut totals: std::collections::BTreeMap<&str, (Decimal, Decimal)> = Default::default();
    for row in other {
        let (cost, unattributed) = totals.entry(&row.currency).or_default();
        *cost += row.of(TREND);
        if row.project_id.is_none() {
            *unattributed += row.of(TREND);
        }
    }
    let totals = totals.into_iter().map(|(currency, (cost, unattributed))| CostTotal {
        cost: cost.into(),
        unattributed: unattributed.into(),
        currency: currency.to_owned(),
    });
    totals.collect()
}

/// Whose collected days count: the team's that was asked for, or that owns the project.
async fn collecting_team(conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<Option<Uuid>> {
    let Some(ProjectFilter::One(project)) = scope.project else { return Ok(scope.team) };
    scope::team_of(conn, scope.organization(), project).await
}

async fn names(conn: &mut PgConnection, scope: &Scope, ids: &[Uuid]) -> sqlx::Result<HashMap<Uuid, ProjectName>> {
    let rows = sqlx::query!(
        r#"
        SELECT p.id, p.name, p.deleted_at IS NOT NULL AS "deleted!", t.id AS team_id, t.name AS team_name,
            t.deleted_at IS NOT NULL AS "team_deleted!"
        FROM projects p JOIN teams t ON t.organization_id = p.organization_id AND t.id = p.team_id
        WHERE p.organization_id = $1 AND p.id = ANY ($2)
        "#,
        scope.organization() as OrganizationId,
        ids
    )
    .fetch_all(conn)
    .await?;
    let names = rows.into_iter().map(|row| {
        let project = Named { id: row.id, name: row.name, deleted: row.deleted };
        let team = Named { id: row.team_id, name: row.team_name, deleted: row.team_deleted };
        (row.id, ProjectName { project, team })
    });
    Ok(names.collect())
}

async fn by_day(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &Facts,
    projects: Option<&[Uuid]>,
) -> sqlx::Result<Vec<(Option<Uuid>, NaiveDate, Exact)>> {
    let group = if projects.is_some() { "b.project_id" } else { "NULL::uuid" };
    let mut sql = QueryBuilder::<Postgres>::new("SELECT ");
    sql.push(group).push(", b.day, sum(b.amount)");
    scope.push(&mut sql, Source::Daily, facts.periods.trend.now);
    scope.push_once(&mut sql, Source::Daily, facts.periods.trend.now);
    sql.push(" AND b.currency = ").push_bind(facts.currency.clone());
    if let Some(projects) = projects {
        sql.push(" AND b.project_id = ANY (").push_bind(projects.to_vec()).push(")");
    }
    sql.push(" GROUP BY 1, 2");
    sql.build_query_as().fetch_all(conn).await
}

/// Day by day: a day that was not collected is a gap, a collected one without lines is zero.
async fn trend(conn: &mut PgConnection, scope: &Scope, facts: &Facts) -> sqlx::Result<Vec<TrendPoint>> {
    let rows = by_day(conn, scope, facts, None).await?;
    let costs: HashMap<NaiveDate, Decimal> = rows.into_iter().map(|(_, day, cost)| (day, cost.0)).collect();
    let points = facts.periods.trend.now.each().map(|day| {
        let cost = costs.get(&day).copied().or_else(|| facts.days.has(day).then_some(Decimal::ZERO));
        let one = Period { from: day, to: day.succ_opt().unwrap_or(day) };
        TrendPoint { day, cost: cost.map(Into::into), settlement: facts.days.settlement(one) }
    });
    Ok(points.collect())
}

/// A day's cost: what was billed, or zero once all of the day was collected and nothing was.
fn known(billed: Option<Decimal>, facts: &Facts, day: NaiveDate) -> Option<Amount> {
    billed.or_else(|| facts.days.is_whole(day).then_some(Decimal::ZERO)).map(Into::into)
}

async fn top_projects(conn: &mut PgConnection, scope: &Scope, facts: &Facts) -> sqlx::Result<Vec<ProjectCost>> {
    let mut dearest: Vec<&Sums> =
        facts.sums.iter().filter(|sums| sums.project_id.is_some() && !sums.of(TREND).is_zero()).collect();
    dearest.sort_by(|a, b| b.of(TREND).cmp(&a.of(TREND)).then_with(|| a.project_id.cmp(&b.project_id)));
    dearest.truncate(TOP);
    let ids: Vec<Uuid> = dearest.iter().filter_map(|sums| sums.project_id).collect();
    let rows = by_day(conn, scope, facts, Some(&ids)).await?;
    let costs: HashMap<_, _> = rows.into_iter().map(|(project, day, cost)| ((project, day), cost.0)).collect();
    let comparable = facts.days.has_all(facts.periods.trend.before) && facts.days.has_all(facts.periods.trend.now);
    let projects = dearest.into_iter().map(|sums| {
        let previous = comparable.then(|| sums.of(TREND + 1));
        let name = sums.project_id.and_then(|id| facts.names.get(&id));
        let days = facts.periods.trend.now.each();
        ProjectCost {
            project: name.map(|name| name.project.clone()),
            team: name.map(|name| name.team.clone()),
            cost: sums.of(TREND).into(),
            previous_cost: previous.map(Into::into),
            change_percent: change_percent(sums.of(TREND), previous),
            trend: days.map(|day| known(costs.get(&(sums.project_id, day)).copied(), facts, day)).collect(),
        }
    });
    Ok(projects.collect())
}

async fn period_cost(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &Facts,
    period: Compared,
    at: usize,
) -> sqlx::Result<PeriodCost> {
    let sum = |at: usize| facts.sums.iter().map(|sums| sums.of(at)).sum::<Decimal>();
    let cost = sum(at);
    let complete = facts.days.has_all(period.now);
    let previous = (complete && facts.days.has_all(period.before)).then(|| sum(at + 1));
    let driver = match previous {
        Some(previous) => driver(conn, scope, facts, period, at, cost - previous).await?,
        None => None,
    };
    Ok(PeriodCost {
        from: period.now.from,
        to: period.now.to,
        cost: cost.into(),
        previous_cost: previous.map(Into::into),
        change_percent: change_percent(cost, previous),
        driver,
        settlement: facts.days.settlement(period.now),
        has_data: facts.days.has_some(period.now) || !cost.is_zero(),
        complete,
    })
}

/// The project that moved a period's cost most, in the direction in which the whole moved.
async fn driver(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &Facts,
    period: Compared,
    at: usize,
    change: Decimal,
) -> sqlx::Result<Option<CostDriver>> {
    let same_way = |delta: Decimal| {
        (change.is_sign_positive() && delta > Decimal::ZERO) || (change < Decimal::ZERO && delta < Decimal::ZERO)
    };
    let moved = facts.sums.iter().filter(|sums| !change.is_zero() && same_way(sums.delta(at)));
    let Some(most) = moved.max_by_key(|sums| (sums.delta(at).abs(), sums.project_id)) else { return Ok(None) };
    let model = match most.project_id {
        Some(project) => moved_model(conn, scope, facts, project, period, change).await?,
        None => None,
    };
    let project = most.project_id.and_then(|id| facts.names.get(&id)).map(|name| name.project.clone());
    Ok(Some(CostDriver { project, delta: most.delta(at).into(), model }))
}

/// The model whose cost moved most within a project.
async fn moved_model(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &Facts,
    project: Uuid,
    period: Compared,
    change: Decimal,
) -> sqlx::Result<Option<String>> {
    let hull = Period { from: period.before.from, to: period.now.to };
    let start = midnight(period.now.from);
    let end = midnight(period.before.to);
    let mut sql =
        QueryBuilder::<Postgres>::new("SELECT b.model, coalesce(sum(b.amount) FILTER (WHERE b.bucket_start >= ");
    sql.push_bind(start).push("), 0) - coalesce(sum(b.amount) FILTER (WHERE b.bucket_start < ").push_bind(end);
    sql.push("), 0) AS delta");
    let within = scope.within(project);
    within.push(&mut sql, Source::Lines, hull);
    within.push_once(&mut sql, Source::Lines, hull);
    sql.push(" AND b.currency = ").push_bind(facts.currency.clone()).push(" GROUP BY b.model ORDER BY delta ");
    sql.push(if change.is_sign_positive() { "DESC" } else { "ASC" }).push(", b.model LIMIT 1");
    let row: Option<(Option<String>, Exact)> = sql.build_query_as().fetch_optional(conn).await?;
    Ok(row.and_then(|(model, _)| model))
}
