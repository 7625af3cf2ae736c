//! What many spent, asked of the ledgers at once: one question about all projects, one about services and one about
//! learners, however many of each there are.
//!
//! The same as [`spending()`](super::spending()) of each: whose word counts does not depend on who asks, so what an organization
//! spent, by project and team, adds up to what each of them did.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::projects::Environment;
use rust_decimal::Decimal;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::domain::{Days, Period};
use super::facts::CollectedDays;
use super::ledgers::{Ledgers, SUMS};
use super::parts::Parts;
use super::scope::Scope;
use super::spending::{Silence, Spender, Spending, Spent, Told, of_events};
use crate::platform::clock::midnight;
use crate::platform::db::OrganizationId;
use crate::platform::exact::{self, Exact, Inexact};
use crate::platform::http::ApiResult;

/// Some spenders of an organization, and what is known of them whatever they spent.
#[derive(Debug)]
pub struct Spenders {
    organization: OrganizationId,
    all: HashSet<Spender>,
    /// Where projects run, those that were deleted too.
    environments: HashMap<Uuid, Environment>,
    /// What it means that nothing is said of a day.
    silences: HashMap<Spender, Arc<Silence>>,
}

/// What each spent on some days, as far as that adds up exactly.
pub type SpentByAll = HashMap<Spender, Result<Spending, Inexact>>;

#[derive(sqlx::FromRow)]
struct Row {
    day: NaiveDate,
    project_id: Option<Uuid>,
    team_id: Option<Uuid>,
    named_environment: Option<String>,
    currency: String,
    costs: Vec<Option<Exact>>,
    unpriced: Vec<i64>,
}

impl Spenders {
    /// Reads what has to be known of them to tell what they spent within some days, `to` exclusive.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(
        conn: &mut PgConnection,
        organization: OrganizationId,
        all: impl IntoIterator<Item = Spender>,
        (from, to): (NaiveDate, NaiveDate),
    ) -> sqlx::Result<Self> {
        let all: HashSet<Spender> = all.into_iter().collect();
        let projects = sqlx::query!(
            "SELECT id, team_id, environment FROM projects WHERE organization_id = $1",
            organization as OrganizationId
        )
        .fetch_all(&mut *conn)
        .await?;
        let teams: HashMap<Uuid, Uuid> = projects.iter().map(|project| (project.id, project.team_id)).collect();
        let environment = |name: &str| Environment::from_name(name).unwrap_or(Environment::Production);
        let environments = projects.iter().map(|project| (project.id, environment(&project.environment))).collect();
        let silences = silences(conn, organization, &all, &teams, Period { from, to }).await?;
        Ok(Self { organization, all, environments, silences })
    }

    /// What each spent on some of those days, `to` exclusive. Whoever asks must be allowed to see all of it.
    ///
    /// # Errors
    /// When the database fails, or holds a number that cannot be read.
    pub async fn spending(
        &self,
        conn: &mut PgConnection,
        days: Days,
        (from, to): (NaiveDate, NaiveDate),
    ) -> ApiResult<SpentByAll> {
        let period = Period { from, to };
        let mut told = self.of_ledgers(conn, days, period).await?;
        for by in [Told::Services, Told::Learners] {
            let names: Vec<String> = self.all.iter().filter_map(|spender| name_of(spender, by)).cloned().collect();
            if names.is_empty() || from >= to {
                continue;
            }
            for (name, days) in of_events(conn, self.organization, by, &names, days, period).await? {
                told.insert(if by == Told::Services { Spender::Service(name) } else { Spender::Learner(name) }, days);
            }
        }
        let of = |spender: &Spender| {
            let days = told.remove(spender).unwrap_or_else(|| Ok(BTreeMap::new()));
            let silence = self.silences.get(spender).cloned().unwrap_or_else(|| Arc::new(Silence::Nothing));
            (spender.clone(), days.map(|days| Spending { days, silence }))
        };
        Ok(self.all.iter().map(of).collect())
    }

    async fn of_ledgers(
        &self,
        conn: &mut PgConnection,
        days: Days,
        period: Period,
    ) -> ApiResult<HashMap<Spender, Result<BTreeMap<NaiveDate, Spent>, Inexact>>> {
        let is_told = |spender: &Spender| !matches!(spender, Spender::Service(_) | Spender::Learner(_));
        if period.from >= period.to || !self.all.iter().any(is_told) {
            return Ok(HashMap::new());
        }
        let scope = Scope::everything(self.organization);
        let mut sql =
            QueryBuilder::<Postgres>::new("SELECT b.day, b.project_id, b.team_id, b.named_environment, b.currency, ");
        sql.push(SUMS);
        Ledgers { environments: true, ..Ledgers::truth_by(&scope, days, period) }.push(&mut sql);
        sql.push(" GROUP BY 1, 2, 3, 4, 5");
        let rows: Vec<Row> = sql.build_query_as().fetch_all(conn).await?;
        let mut by_spender: HashMap<Spender, Vec<&Row>> = HashMap::new();
        for row in &rows {
            for spender in self.spenders_of(row) {
                by_spender.entry(spender).or_default().push(row);
            }
        }
        Ok(by_spender.into_iter().map(|(spender, rows)| (spender, by_day(&rows))).collect())
    }

    /// Of whom a row tells something.
    fn spenders_of(&self, row: &Row) -> impl Iterator<Item = Spender> + '_ {
        let environment = match row.project_id {
            Some(project) => self.environments.get(&project).copied(),
            None => row.named_environment.as_deref().and_then(Environment::from_name),
        };
        let all = [
            Some(Spender::Organization),
            row.team_id.map(Spender::Team),
            row.project_id.map(Spender::Project),
            environment.map(Spender::Environment),
        ];
        all.into_iter().flatten().filter(|spender| self.all.contains(spender))
    }
}

const fn name_of(spender: &Spender, by: Told) -> Option<&String> {
    match (spender, by) {
        (Spender::Service(name), Told::Services) | (Spender::Learner(name), Told::Learners) => Some(name),
        _ => None,
    }
}

/// The days of rows, which must add up exactly, in whatever order.
fn by_day(rows: &[&Row]) -> Result<BTreeMap<NaiveDate, Spent>, Inexact> {
    let costs = |row: &Row| row.costs.iter().flatten().map(|cost| cost.0).collect::<Vec<Decimal>>();
    exact::hold_sums(rows.iter().flat_map(|row| costs(row)))?;
    let mut days: BTreeMap<NaiveDate, Spent> = BTreeMap::new();
    for row in rows {
        let parts = Parts::new(&row.costs, &row.unpriced).map_err(|_| Inexact)?;
        let of_day = &mut days.entry(row.day).or_default().0;
        match of_day.get_mut(&row.currency) {
            Some(sum) => sum.add(&parts),
            None => drop(of_day.insert(row.currency.clone(), parts)),
        }
    }
    Ok(days)
}

/// What silence means of each. Of services and learners only events tell, so that it is nothing.
async fn silences(
    conn: &mut PgConnection,
    organization: OrganizationId,
    all: &HashSet<Spender>,
    teams: &HashMap<Uuid, Uuid>,
    period: Period,
) -> sqlx::Result<HashMap<Spender, Arc<Silence>>> {
    let known = sqlx::query!(
        r#"
        SELECT EXISTS (SELECT FROM usage_sums WHERE organization_id = $1) AS "has_calls!",
            (SELECT coalesce(array_agg(DISTINCT team_id), '{}') FROM collections
                WHERE organization_id = $1 AND has_active_key) AS "collected!: Vec<Uuid>"
        "#,
        organization as OrganizationId
    )
    .fetch_one(&mut *conn)
    .await?;
    let asked = all.iter().filter(|spender| !matches!(spender, Spender::Service(_) | Spender::Learner(_)));
    let asked: Vec<(&Spender, Option<Uuid>)> = asked.map(|spender| (spender, team_of(spender, teams))).collect();
    let mut by_team = HashMap::new();
    for team in asked.iter().map(|(_, team)| *team).collect::<HashSet<_>>() {
        let is_collected = team.map_or(!known.collected.is_empty(), |team| known.collected.contains(&team));
        let silence = match known.has_calls && !is_collected {
            true => Silence::Nothing,
            false => {
                let days = CollectedDays::of(conn, organization, team, period).await?;
                Silence::of_bills(&days)
            }
        };
        by_team.insert(team, Arc::new(silence));
    }
    let of = |(spender, team): (&Spender, Option<Uuid>)| Some((spender.clone(), Arc::clone(by_team.get(&team)?)));
    Ok(asked.into_iter().filter_map(of).collect())
}

/// Whose collection says whether all of what somebody spent is known; the whole organization's, if no team's.
fn team_of(spender: &Spender, teams: &HashMap<Uuid, Uuid>) -> Option<Uuid> {
    match spender {
        Spender::Team(team) => Some(*team),
        Spender::Project(project) => teams.get(project).copied(),
        _ => None,
    }
}

/// The days that events may still be reported of, and a few to spare: older ones come by import.
const REPORTED: chrono::Days = chrono::Days::new(32);

/// What days up to this one, which are over, are known by: as long as it is the same, so is what is said of them, but for what
/// bills and providers say, and for events older than a month, which [`fingerprint`] tells. Cheap: sums by day, of which there
/// are few, and exchange rates, which people set.
///
/// # Errors
/// When the database fails.
pub async fn mark(conn: &mut PgConnection, organization: OrganizationId, last: NaiveDate) -> sqlx::Result<String> {
    sqlx::query_scalar!(
        r#"
        SELECT concat_ws('|',
            (SELECT concat_ws(' ', sum(events), sum(cost), sum(unpriced)) FROM usage_daily_sums
                WHERE organization_id = $1 AND day >= $2 AND day <= $3),
            EXISTS (SELECT FROM usage_sums WHERE organization_id = $1),
            (SELECT md5(string_agg(concat_ws(' ', team_id, provider_account), ' ' ORDER BY team_id, provider_account))
                FROM collections WHERE organization_id = $1 AND has_active_key),
            (SELECT md5(string_agg(concat_ws(' ', id, team_id, environment), ' ' ORDER BY id)) FROM projects
                WHERE organization_id = $1),
            (SELECT concat_ws(' ', count(*), sum(hashtextextended(concat_ws(' ', currency, day, rate), 0)::numeric))
                FROM fx_rates WHERE organization_id = $1)
        ) AS "mark!"
        "#,
        organization as OrganizationId,
        last.checked_sub_days(REPORTED).unwrap_or(last),
        last
    )
    .fetch_one(conn)
    .await
}

/// What all that is said of the time since a day and before a moment is known by: bills, providers' usage and events, and
/// which days were collected. It goes through all of their sums by day, so it is for now and then.
///
/// # Errors
/// When the database fails.
pub async fn fingerprint(
    conn: &mut PgConnection,
    organization: OrganizationId,
    (since, before): (NaiveDate, DateTime<Utc>),
) -> sqlx::Result<String> {
    let last = before.date_naive();
    sqlx::query_scalar!(
        r#"
        SELECT concat_ws('|',
            (SELECT concat_ws(' ', sum(events), sum(cost), sum(unpriced)) FROM usage_daily_sums
                WHERE organization_id = $1 AND day >= $2 AND day < $3),
            (SELECT concat_ws(' ', sum(events), sum(cost), sum(unpriced)) FROM usage_sums
                WHERE organization_id = $1 AND hour >= $4 AND hour < $5),
            (SELECT concat_ws(' ', count(*), sum(hashtextextended(b::text, 0)::numeric)) FROM billed_daily b
                WHERE organization_id = $1 AND day >= $2 AND day <= $3),
            (SELECT concat_ws(' ', count(*), sum(hashtextextended(u::text, 0)::numeric)) FROM provider_usage_daily u
                WHERE organization_id = $1 AND day >= $2 AND day <= $3),
            (SELECT concat_ws(' ', count(*), sum(hashtextextended(
                    concat_ws(' ', day, provider, provider_account, team_id, settled), 0)::numeric))
                FROM collected_days WHERE organization_id = $1)
        ) AS "fingerprint!"
        "#,
        organization as OrganizationId,
        since,
        last,
        midnight(last),
        before
    )
    .fetch_one(conn)
    .await
}
