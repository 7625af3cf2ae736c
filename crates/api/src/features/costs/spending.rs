//! What somebody spent, day by day: what budgets are held against. The same ledgers as everywhere, by the organization's
//! days.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;
use finops_contract::costs::Basis;
use finops_contract::projects::Environment;
use rust_decimal::Decimal;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::domain::{Days, Period};
use super::facts::CollectedDays;
use super::ledgers::{Ledgers, SUMS};
use super::parts::Parts;
use super::scope::{self, ProjectFilter, Scope};
use crate::features::provider_usage;
use crate::platform::db::OrganizationId;
use crate::platform::exact::{self, Exact, Inexact};
use crate::platform::http::ApiResult;

/// Whose spending.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Spender {
    /// Everybody's.
    Organization,
    /// A team's: what its projects cost, and what its keys bring in that belongs to no project.
    Team(Uuid),
    /// A project's.
    Project(Uuid),
    /// The projects' of an environment, and of events of no project that name it.
    Environment(Environment),
    /// A service's, by the events that name it: nobody else knows of services.
    Service(String),
    /// A learner's, by the events that name them.
    Learner(String),
}

/// What was spent, by currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent(pub(super) BTreeMap<String, Parts>);

impl Spent {
    fn of_dollars(basis: Basis, cost: Decimal, unpriced: i64) -> Self {
        Self([("USD".into(), Parts::of(basis, cost, unpriced))].into())
    }

    /// What each ledger says, by currency.
    pub fn by_currency(&self) -> impl Iterator<Item = (&str, &Parts)> {
        self.0.iter().map(|(currency, parts)| (currency.as_str(), parts))
    }
}

/// What is known of what was spent, day by day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spending {
    pub(super) days: BTreeMap<NaiveDate, Spent>,
    pub(super) silence: Arc<Silence>,
}

/// What it means that no ledger says anything of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// That nothing was spent: all there is would have been reported.
    Nothing,
    /// That nothing was spent on these days, by the ledger that has them whole; of the others, that nobody knows.
    NothingOn(BTreeMap<NaiveDate, Basis>),
}

impl Silence {
    /// Where bills say something of every day that was collected whole.
    pub(super) fn of_bills(collected: &CollectedDays) -> Self {
        Self::NothingOn(collected.whole().map(|day| (day, Basis::Billed)).collect())
    }
}

impl Default for Spending {
    /// Nothing is known.
    fn default() -> Self {
        Self { days: BTreeMap::new(), silence: Arc::new(Silence::NothingOn(BTreeMap::new())) }
    }
}

impl Spending {
    /// What was spent on a day: nothing, where that is known; `None` where it is not.
    pub fn on(&self, day: NaiveDate) -> Option<Spent> {
        let said = self.days.get(&day).cloned();
        said.or_else(|| self.says_nothing(day).map(|basis| Spent::of_dollars(basis, Decimal::ZERO, 0)))
    }

    /// The ledger whose silence means that nothing was spent on a day.
    fn says_nothing(&self, day: NaiveDate) -> Option<Basis> {
        match &*self.silence {
            Silence::Nothing => Some(Basis::Events),
            Silence::NothingOn(days) => days.get(&day).copied(),
        }
    }
}

/// What somebody spent on each of some days, `to` exclusive. Whoever asks must be allowed to see all of it.
///
/// # Errors
/// `sum_too_large` where the days do not add up exactly.
pub async fn spending(
    conn: &mut PgConnection,
    organization: OrganizationId,
    spender: &Spender,
    days: Days,
    (from, to): (NaiveDate, NaiveDate),
) -> ApiResult<Spending> {
    let period = Period { from, to };
    let mut scope = Scope::everything(organization);
    match spender {
        Spender::Service(name) | Spender::Learner(name) => {
            let by = if matches!(spender, Spender::Service(_)) { Told::Services } else { Told::Learners };
            let told = of_events(conn, organization, by, std::slice::from_ref(name), days, period).await?;
            let days = told.into_values().next().transpose()?.unwrap_or_default();
            return Ok(Spending { days, silence: Arc::new(Silence::Nothing) });
        }
        Spender::Organization => {}
        Spender::Team(team) => scope.team = Some(*team),
        Spender::Project(project) => scope.project = Some(ProjectFilter::One(*project)),
        Spender::Environment(environment) => scope = Scope::of_environment(conn, organization, *environment).await?,
    }
    let mut sql = QueryBuilder::<Postgres>::new("SELECT b.day, b.currency, ");
    sql.push(SUMS);
    Ledgers::truth_by(&scope, days, period).push(&mut sql);
    sql.push(" GROUP BY b.day, b.currency");
    let rows = sql.build_query_as().fetch_all(&mut *conn).await?;
    let team = collecting_team(conn, &scope, spender).await?;
    let silence = silence(conn, organization, team, period).await?;
    Ok(Spending { days: by_day(rows)?, silence: Arc::new(silence) })
}

/// What a provider cost on a day, in one currency.
#[derive(Debug, sqlx::FromRow)]
pub struct ProviderCost {
    /// The provider.
    pub provider: String,
    /// The day.
    pub day: NaiveDate,
    /// ISO 4217.
    pub currency: String,
    /// What it cost.
    pub cost: Exact,
}

/// What each provider cost on each of some days, `to` exclusive, by the truth. Whoever asks must be allowed to see all of it.
///
/// # Errors
/// `sum_too_large` where a day does not add up exactly.
pub async fn by_provider(
    conn: &mut PgConnection,
    organization: OrganizationId,
    days: Days,
    (from, to): (NaiveDate, NaiveDate),
) -> ApiResult<Vec<ProviderCost>> {
    let scope = Scope::everything(organization);
    let mut sql = QueryBuilder::<Postgres>::new("SELECT b.provider, b.day, b.currency, sum(b.amount) AS cost");
    Ledgers::truth_by(&scope, days, Period { from, to }).push(&mut sql);
    sql.push(" WHERE b.amount IS NOT NULL GROUP BY b.provider, b.day, b.currency");
    Ok(sql.build_query_as().fetch_all(conn).await?)
}

#[derive(sqlx::FromRow)]
struct Row {
    day: NaiveDate,
    currency: String,
    costs: Vec<Option<Exact>>,
    unpriced: Vec<i64>,
}

#[derive(sqlx::FromRow)]
struct ProjectRow {
    project_id: Uuid,
    #[sqlx(flatten)]
    row: Row,
}

/// The days of rows, which must add up exactly, in whatever order.
fn by_day(rows: Vec<Row>) -> ApiResult<BTreeMap<NaiveDate, Spent>> {
    exact::hold_sums(rows.iter().flat_map(|row| row.costs.iter().flatten().map(|cost| cost.0)))?;
    let mut days: BTreeMap<NaiveDate, Spent> = BTreeMap::new();
    for row in rows {
        let parts = Parts::new(&row.costs, &row.unpriced)?;
        days.entry(row.day).or_default().0.insert(row.currency, parts);
    }
    Ok(days)
}

/// What each project of an organization spent on each of some days, `to` exclusive; projects of which no ledger says anything
/// are left out. A day that is over and that the provider measured whole says by silence that nothing was spent, before its
/// bill does. Whoever asks must be allowed to see all of it.
///
/// # Errors
/// `sum_too_large` where the days do not add up exactly.
pub async fn spending_of_projects(
    conn: &mut PgConnection,
    organization: OrganizationId,
    days: Days,
    (from, to): (NaiveDate, NaiveDate),
) -> ApiResult<BTreeMap<Uuid, Spending>> {
    let (period, scope) = (Period { from, to }, Scope::everything(organization));
    let mut sql = QueryBuilder::<Postgres>::new("SELECT b.project_id, b.day, b.currency, ");
    sql.push(SUMS);
    Ledgers::truth_by(&scope, days, period).push(&mut sql);
    sql.push(" WHERE b.project_id IS NOT NULL GROUP BY b.project_id, b.day, b.currency");
    let rows: Vec<ProjectRow> = sql.build_query_as().fetch_all(&mut *conn).await?;
    let mut by_project: BTreeMap<Uuid, Vec<Row>> = BTreeMap::new();
    for ProjectRow { project_id, row } in rows {
        by_project.entry(project_id).or_default().push(row);
    }
    let mut silences: BTreeMap<Option<Uuid>, Silence> = BTreeMap::new();
    let mut spending = BTreeMap::new();
    for (project, rows) in by_project {
        let team = scope::team_of(conn, organization, project).await?;
        let silence = match silences.get(&team) {
            Some(silence) => silence.clone(),
            None => {
                let mut silence = silence(conn, organization, team, period).await?;
                if let Silence::NothingOn(known) = &mut silence {
                    for day in provider_usage::whole_days(conn, organization, team, days.name(), (from, to)).await? {
                        known.entry(day).or_insert(Basis::ProviderUsage);
                    }
                }
                silences.entry(team).or_insert(silence).clone()
            }
        };
        spending.insert(project, Spending { days: by_day(rows)?, silence: Arc::new(silence) });
    }
    Ok(spending)
}

/// Whose collected days say what silence means.
async fn collecting_team(conn: &mut PgConnection, scope: &Scope, spender: &Spender) -> sqlx::Result<Option<Uuid>> {
    match spender {
        Spender::Project(project) => scope::team_of(conn, scope.organization(), *project).await,
        _ => Ok(scope.team),
    }
}

/// What silence means. Where somebody has a key, the bill says something of every day, once it was collected; where nobody
/// has, and calls are reported, there were none; and where there is neither, nobody knows.
async fn silence(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Option<Uuid>,
    period: Period,
) -> sqlx::Result<Silence> {
    let only_calls = sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM usage_sums WHERE organization_id = $1) AND NOT EXISTS (SELECT FROM collections
            WHERE organization_id = $1 AND has_active_key AND ($2::uuid IS NULL OR team_id = $2)) AS "only_calls!"
        "#,
        organization as OrganizationId,
        team
    )
    .fetch_one(&mut *conn)
    .await?;
    if only_calls {
        return Ok(Silence::Nothing);
    }
    let collected = CollectedDays::of(conn, organization, team, period).await?;
    Ok(Silence::of_bills(&collected))
}

/// What only events tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Services,
    Learners,
}

/// What the events that name them say, by name. Of a name that no event has there is nothing.
pub(super) async fn of_events(
    conn: &mut PgConnection,
    organization: OrganizationId,
    told: Told,
    names: &[String],
    days: Days,
    period: Period,
) -> sqlx::Result<HashMap<String, Result<BTreeMap<NaiveDate, Spent>, Inexact>>> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT ");
    days.push_day(&mut sql, "h.hour");
    sql.push(" AS day, ");
    match told {
        Told::Services => {
            sql.push("h.service AS name, sum(h.cost), sum(h.unpriced)::bigint FROM usage_sums h WHERE h.service")
        }
        Told::Learners => sql.push(
            "h.value AS name, sum(h.cost), sum(h.unpriced)::bigint FROM usage_dimension_sums h
            WHERE h.dimension = 'learner' AND h.value",
        ),
    };
    sql.push(" = ANY (").push_bind(names.to_vec());
    sql.push(") AND h.organization_id = ").push_bind(organization).push(" AND h.hour >= ");
    days.push_start(&mut sql, period.from);
    sql.push(" AND h.hour < ");
    days.push_start(&mut sql, period.to);
    sql.push(" GROUP BY 1, 2");
    let rows: Vec<(NaiveDate, String, Exact, i64)> = sql.build_query_as().fetch_all(conn).await?;
    let mut by_name: HashMap<String, BTreeMap<NaiveDate, (Exact, i64)>> = HashMap::new();
    for (day, name, cost, unpriced) in rows {
        by_name.entry(name).or_default().insert(day, (cost, unpriced));
    }
    let spent = |days: BTreeMap<NaiveDate, (Exact, i64)>| {
        exact::hold_sums(days.values().map(|(cost, _)| cost.0))?;
        let spent = |(cost, unpriced): (Exact, i64)| Spent::of_dollars(Basis::Events, cost.0, unpriced);
        Ok(days.into_iter().map(|(day, said)| (day, spent(said))).collect())
    };
    Ok(by_name.into_iter().map(|(name, days)| (name, spent(days))).collect())
}
