//! `GET /api/costs/summary`: what the home and project pages show first.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use finops_contract::Amount;
use finops_contract::costs::{
    CostDriver, CostSummary, CostSummaryQuery, CostTotal, Named, PeriodCost, ProjectCost, Settlement, TrendPoint,
};
use rust_decimal::Decimal;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::actions;
use super::domain::{Compared, Period, Periods, change_percent};
use super::facts::{self, CollectedDays};
use super::ledgers::{Ledgers, SUMS};
use super::parts::{LEDGERS, Parts};
use super::query;
use super::scope::{self, ProjectFilter, Scope, Source};
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
const TODAY: usize = 11;

/// What one ledger says of a project, by period.
#[derive(sqlx::FromRow)]
struct LedgerSums {
    project_id: Option<Uuid>,
    currency: String,
    ledger: i32,
    sums: Vec<Option<Exact>>,
    unpriced: Vec<Option<i64>>,
}

/// One project's sums, by period.
pub(super) struct Sums {
    pub(super) project_id: Option<Uuid>,
    currency: String,
    periods: Vec<Parts>,
}

impl Sums {
    fn parts(&self, period: usize) -> Parts {
        self.periods.get(period).cloned().unwrap_or_default()
    }

    fn of(&self, period: usize) -> Decimal {
        self.periods.get(period).map(Parts::cost).unwrap_or_default()
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

impl Facts {
    /// The sum of all projects over a period.
    fn sum(&self, period: usize) -> Parts {
        let mut sum = Parts::default();
        self.sums.iter().for_each(|sums| sum.add(&sums.parts(period)));
        sum
    }
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
    exact::hold_sums(all.iter().flat_map(|row| row.periods.iter().flat_map(Parts::costs)))?;
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
    let Periods { yesterday, last_week, last_month, month_to_date, today, .. } = facts.periods;
    let unattributed: Decimal = facts.sums.iter().filter(|sums| sums.project_id.is_none()).map(Sums::trend).sum();
    Ok(CostSummary {
        currency: facts.currency.clone(),
        other_currencies: other_currencies(&other),
        basis: facts.sum(TREND).basis(),
        day_zone: "UTC".into(),
        today: Some(period_cost(conn, &scope, &facts, today, TODAY).await?),
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
    let mut sql = QueryBuilder::<Postgres>::new("SELECT b.project_id, b.currency, b.ledger");
    for (column, name) in [("b.amount", "sums"), ("b.unpriced", "unpriced")] {
        sql.push(", ARRAY[");
        for (at, period) in periods.all().into_iter().enumerate() {
            sql.push(if at == 0 { "" } else { ", " }).push("sum(").push(column).push(") FILTER (WHERE b.day >= ");
            sql.push_bind(period.from).push(" AND b.day < ").push_bind(period.to).push(")");
        }
        sql.push("]").push(if name == "unpriced" { "::bigint[]" } else { "" }).push(" AS ").push(name);
    }
    Ledgers::truth(scope, Source::Daily, periods.hull()).push(&mut sql);
    sql.push(" GROUP BY b.project_id, b.currency, b.ledger");
    let rows: Vec<LedgerSums> = sql.build_query_as().fetch_all(conn).await?;
    let mut all: BTreeMap<(Option<Uuid>, String), Sums> = BTreeMap::new();
    for row in rows {
        let sums = all.entry((row.project_id, row.currency.clone())).or_insert_with(|| Sums {
            project_id: row.project_id,
            currency: row.currency,
            periods: vec![Parts::default(); row.sums.len()],
        });
        let basis = usize::try_from(row.ledger).ok().and_then(|at| LEDGERS.get(at)).copied().unwrap_or_default();
        for ((parts, cost), unpriced) in sums.periods.iter_mut().zip(row.sums).zip(row.unpriced) {
            if let Some(cost) = cost {
                parts.add(&Parts::of(basis, cost.0, unpriced.unwrap_or_default()));
            }
        }
    }
    Ok(all.into_values().collect())
}

/// US dollars where there are any, for all providers bill in them; else the currency with the largest sum.
fn main_currency(all: &[Sums]) -> String {
    let mut sums: HashMap<&str, Decimal> = HashMap::new();
    for row in all {
        *sums.entry(&row.currency).or_default() += row.periods.iter().map(|parts| parts.cost().abs()).sum::<Decimal>();
    }
    if sums.is_empty() || sums.contains_key(FIRST_CURRENCY) {
        return FIRST_CURRENCY.into();
    }
    let largest = sums.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0)));
    largest.map(|(currency, _)| currency.to_owned()).unwrap_or_default()
}

fn other_currencies(other: &[Sums]) -> Vec<CostTotal> {
    let mut totals: BTreeMap<&str, (Parts, Decimal)> = Default::default();
    for row in other {
        let (parts, unattributed) = totals.entry(&row.currency).or_default();
        parts.add(&row.parts(TREND));
        if row.project_id.is_none() {
            *unattributed += row.of(TREND);
        }
    }
    let total =
        |(currency, (parts, unattributed)): (&str, (Parts, _))| query::total(currency.to_owned(), &parts, unattributed);
    totals.into_iter().map(total).collect()
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

#[derive(sqlx::FromRow)]
struct Day {
    project_id: Option<Uuid>,
    day: NaiveDate,
    costs: Vec<Option<Exact>>,
    unpriced: Vec<i64>,
}

async fn by_day(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &Facts,
    projects: Option<&[Uuid]>,
) -> sqlx::Result<HashMap<(Option<Uuid>, NaiveDate), Parts>> {
    let group = if projects.is_some() { "b.project_id" } else { "NULL::uuid" };
    let mut sql = QueryBuilder::<Postgres>::new("SELECT ");
    sql.push(group).push(" AS project_id, b.day, ").push(SUMS);
    Ledgers::truth(scope, Source::Daily, facts.periods.trend.now).push(&mut sql);
    sql.push(" WHERE b.currency = ").push_bind(facts.currency.clone());
    if let Some(projects) = projects {
        sql.push(" AND b.project_id = ANY (").push_bind(projects.to_vec()).push(")");
    }
    sql.push(" GROUP BY 1, 2");
    let days: Vec<Day> = sql.build_query_as().fetch_all(conn).await?;
    days.into_iter().map(|row| Ok(((row.project_id, row.day), Parts::new(&row.costs, &row.unpriced)?))).collect()
}

/// Day by day: a day of which no ledger says anything is a gap, a collected one without lines is zero.
async fn trend(conn: &mut PgConnection, scope: &Scope, facts: &Facts) -> sqlx::Result<Vec<TrendPoint>> {
    let costs = by_day(conn, scope, facts, None).await?;
    let points = facts.periods.trend.now.each().map(|day| {
        let parts = costs.get(&(None, day)).cloned().unwrap_or_default();
        let known = parts.known() || facts.days.has(day);
        let one = Period { from: day, to: day.succ_opt().unwrap_or(day) };
        TrendPoint {
            day,
            cost: known.then(|| parts.cost().into()),
            settlement: settlement(facts, one, &parts),
            basis: parts.basis(),
            unpriced: parts.unpriced(),
        }
    });
    Ok(points.collect())
}

/// Whether a period's sum may still change: what is metered is replaced by the bill, or priced anew.
fn settlement(facts: &Facts, period: Period, parts: &Parts) -> Settlement {
    if parts.is_metered() { Settlement::Moving } else { facts.days.settlement(period) }
}

/// A day's cost: what a ledger says, or zero once all of the day was collected and nothing was billed.
fn known(said: Option<Decimal>, facts: &Facts, day: NaiveDate) -> Option<Amount> {
    said.or_else(|| facts.days.is_whole(day).then_some(Decimal::ZERO)).map(Into::into)
}

async fn top_projects(conn: &mut PgConnection, scope: &Scope, facts: &Facts) -> sqlx::Result<Vec<ProjectCost>> {
    let mut dearest: Vec<&Sums> =
        facts.sums.iter().filter(|sums| sums.project_id.is_some() && !sums.of(TREND).is_zero()).collect();
    dearest.sort_by(|a, b| b.of(TREND).cmp(&a.of(TREND)).then_with(|| a.project_id.cmp(&b.project_id)));
    dearest.truncate(TOP);
    let ids: Vec<Uuid> = dearest.iter().filter_map(|sums| sums.project_id).collect();
    let costs = by_day(conn, scope, facts, Some(&ids)).await?;
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
            trend: days.map(|day| known(costs.get(&(sums.project_id, day)).map(Parts::cost), facts, day)).collect(),
            basis: sums.parts(TREND).basis(),
            unpriced: sums.parts(TREND).unpriced(),
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
    let parts = facts.sum(at);
    let cost = parts.cost();
    let complete = facts.days.has_all(period.now);
    let previous = (complete && facts.days.has_all(period.before)).then(|| facts.sum(at + 1).cost());
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
        settlement: settlement(facts, period.now, &parts),
        has_data: facts.days.has_some(period.now) || parts.known(),
        complete,
        basis: parts.basis(),
        state: parts.state(),
        by_basis: parts.by_basis(),
        unpriced: parts.unpriced(),
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
    let mut sql = QueryBuilder::<Postgres>::new("SELECT b.model, coalesce(sum(b.amount) FILTER (WHERE b.day >= ");
    sql.push_bind(period.now.from).push("), 0) - coalesce(sum(b.amount) FILTER (WHERE b.day < ");
    sql.push_bind(period.before.to).push("), 0) AS delta");
    let within = scope.within(project);
    Ledgers::truth(&within, Source::Lines, hull).push(&mut sql);
    sql.push(" WHERE b.currency = ").push_bind(facts.currency.clone()).push(" GROUP BY b.model ORDER BY delta ");
    sql.push(if change.is_sign_positive() { "DESC" } else { "ASC" }).push(", b.model LIMIT 1");
    let row: Option<(Option<String>, Exact)> = sql.build_query_as().fetch_optional(conn).await?;
    Ok(row.and_then(|(model, _)| model))
}
