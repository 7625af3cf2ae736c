//! What grew: a day's calls compared with the week before, by project, model, API key and service. What an alert says of the
//! likely cause.
//!
//! Calls are counted by the provider's usage and by events; whichever has more of the day is asked, for both together would
//! count calls twice. So this explains an amount and is none itself.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::domain::{Days, Period};
use super::scope::{ProjectFilter, Scope};
use super::spending::Spender;
use crate::platform::db::OrganizationId;
use crate::platform::exact::Exact;

/// Days before the day that it is compared with.
const WEEK: u64 = 7;

/// What grew, in US dollars.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    /// Calls of the day.
    pub calls: i64,
    /// The mean of the week before, over its days with any.
    pub usual_calls: i64,
    /// What grew most of each.
    pub project: Option<Grew>,
    /// The model.
    pub model: Option<Grew>,
    /// The provider's API key, or ours.
    pub api_key: Option<Grew>,
    /// The service.
    pub service: Option<Grew>,
}

/// One thing that grew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grew {
    /// Its id, or its name.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it cost on the day.
    pub cost: Decimal,
    /// The mean of the week before, to six decimal places.
    pub usual: Decimal,
}

/// Who counted the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    ByProvider,
    ByEvents,
}

#[derive(sqlx::FromRow)]
struct Row {
    /// `total`, `project`, `model`, `api_key`, `service`.
    what: String,
    id: Option<String>,
    name: Option<String>,
    calls: i64,
    calls_before: i64,
    cost: Exact,
    cost_before: Exact,
    days_before: i64,
}

/// What grew on a day, of what somebody spends. Nothing where nobody counted a call of that day.
///
/// # Errors
/// When the database fails, also for a sum that cannot be told exactly.
pub async fn growth(
    conn: &mut PgConnection,
    organization: OrganizationId,
    spender: &Spender,
    days: Days,
    day: NaiveDate,
) -> sqlx::Result<Option<Growth>> {
    let mut scope = Scope::everything(organization);
    let mut service = None;
    let mut learner = None;
    match spender {
        Spender::Organization => {}
        Spender::Team(team) => scope.team = Some(*team),
        Spender::Project(project) => scope.project = Some(ProjectFilter::One(*project)),
        Spender::Environment(environment) => scope = Scope::of_environment(conn, organization, *environment).await?,
        Spender::Service(name) => service = Some(name.as_str()),
        Spender::Learner(name) => learner = Some(name.as_str()),
    }
    let question = Question { scope: &scope, service, learner, days, day };
    let by_events = question.ask(conn, Counted::ByEvents).await?;
    let by_provider = match (service, learner) {
        (None, None) => question.ask(conn, Counted::ByProvider).await?,
        _ => None,
    };
    Ok(match (by_events, by_provider) {
        (Some(events), Some(provider)) if events.calls > provider.calls => Some(events),
        (events, provider) => provider.or(events),
    })
}

struct Question<'a> {
    scope: &'a Scope,
    service: Option<&'a str>,
    learner: Option<&'a str>,
    days: Days,
    day: NaiveDate,
}

impl Question<'_> {
    async fn ask(&self, conn: &mut PgConnection, counted: Counted) -> sqlx::Result<Option<Growth>> {
        let mut rows = self.sums(conn, counted).await?;
        if counted == Counted::ByEvents && self.service.is_none() {
            rows.extend(self.keys_of_events(conn).await?);
        }
        let Some(total) = rows.iter().find(|row| row.what == "total") else { return Ok(None) };
        if total.calls == 0 {
            return Ok(None);
        }
        let days = total.days_before;
        let most = |what: &str| {
            let grew = rows.iter().filter(|row| row.what == what).filter_map(|row| row.grew(days));
            grew.filter(|grew| grew.cost > grew.usual).max_by_key(|grew| grew.cost - grew.usual)
        };
        Ok(Some(Growth {
            calls: total.calls,
            usual_calls: total.calls_before.checked_div(days).unwrap_or_default(),
            project: most("project"),
            model: most("model"),
            api_key: most("api_key"),
            service: most("service"),
        }))
    }

    /// The day's sums and those of the week before, in total and by each.
    async fn sums(&self, conn: &mut PgConnection, counted: Counted) -> sqlx::Result<Vec<Row>> {
        let (calls, table) = match (counted, self.learner) {
            (Counted::ByProvider, _) => ("requests", "provider_usage_hourly h"),
            (Counted::ByEvents, None) => ("events", "usage_sums h"),
            (Counted::ByEvents, Some(_)) => ("events", "usage_dimension_sums h"),
        };
        let (model, key, service) = match (counted, self.learner) {
            (Counted::ByProvider, _) => ("h.model", "h.provider_api_key_id", "NULL::text"),
            (Counted::ByEvents, None) => ("h.model", "NULL::text", "h.service"),
            (Counted::ByEvents, Some(_)) => ("NULL::text", "NULL::text", "NULL::text"),
        };
        let mut sql = QueryBuilder::<Postgres>::new(
            "SELECT CASE WHEN GROUPING(s.project_id) = 0 THEN 'project' WHEN GROUPING(s.model) = 0 THEN 'model'
                WHEN GROUPING(s.api_key) = 0 THEN 'api_key' WHEN GROUPING(s.service) = 0 THEN 'service' ELSE 'total' END
                AS what,
            coalesce(s.project_id::text, s.model, s.api_key, s.service) AS id,
            (SELECT p.name FROM projects p WHERE p.organization_id = ",
        );
        sql.push_bind(self.scope.organization()).push(" AND p.id = s.project_id) AS name, ");
        self.push_sums(&mut sql);
        sql.push(" FROM (SELECT h.project_id, ").push(model).push(" AS model, ").push(key).push(" AS api_key, ");
        sql.push(service).push(" AS service, h.").push(calls).push(" AS calls, h.cost, ");
        self.push_when(&mut sql);
        sql.push(" FROM ").push(table);
        self.push_where(&mut sql);
        match counted {
            Counted::ByProvider => self.scope.narrow(&mut sql, "h"),
            Counted::ByEvents if self.learner.is_none() => self.scope.narrow_events(&mut sql, "h"),
            Counted::ByEvents => {}
        }
        if let Some(service) = self.service {
            sql.push(" AND h.service = ").push_bind(service.to_owned());
        }
        if let Some(learner) = self.learner {
            sql.push(" AND h.dimension = 'learner' AND h.value = ").push_bind(learner.to_owned());
        }
        sql.push(") s GROUP BY GROUPING SETS ((s.project_id), (s.model), (s.api_key), (s.service), ())");
        sql.build_query_as().fetch_all(conn).await
    }

    /// The same of our own API keys, which the other sums do not tell apart.
    async fn keys_of_events(&self, conn: &mut PgConnection) -> sqlx::Result<Vec<Row>> {
        if self.learner.is_some() {
            return Ok(Vec::new());
        }
        let mut sql = QueryBuilder::<Postgres>::new("SELECT 'api_key' AS what, s.api_key AS id, max(k.name) AS name, ");
        self.push_sums(&mut sql);
        sql.push(" FROM (SELECT h.value AS api_key, h.events AS calls, h.cost, ");
        self.push_when(&mut sql);
        sql.push(" FROM usage_dimension_sums h");
        self.push_where(&mut sql);
        sql.push(" AND h.dimension = 'api_key'");
        self.scope.narrow(&mut sql, "h");
        sql.push(") s LEFT JOIN api_keys k ON k.organization_id = ").push_bind(self.scope.organization());
        sql.push(" AND k.id::text = s.api_key GROUP BY s.api_key");
        sql.build_query_as().fetch_all(conn).await
    }

    /// Sums of `s`: of the day, and of the week before it.
    fn push_sums(&self, sql: &mut QueryBuilder<Postgres>) {
        for (at, (of, name)) in [("s.calls", "calls"), ("s.cost", "cost")].into_iter().enumerate() {
            let cast = if at == 0 { "::bigint" } else { "" };
            for (which, suffix) in [("", ""), ("NOT ", "_before")] {
                sql.push("coalesce(sum(")
                    .push(of)
                    .push(") FILTER (WHERE ")
                    .push(which)
                    .push("s.is_day), 0)")
                    .push(cast);
                sql.push(" AS ").push(name).push(suffix).push(", ");
            }
        }
        sql.push("count(DISTINCT s.day) FILTER (WHERE NOT s.is_day AND s.calls > 0) AS days_before");
    }

    fn push_when(&self, sql: &mut QueryBuilder<Postgres>) {
        self.days.push_day(sql, "h.hour");
        sql.push(" AS day, h.hour >= ");
        self.days.push_start(sql, self.day);
        sql.push(" AS is_day");
    }

    fn push_where(&self, sql: &mut QueryBuilder<Postgres>) {
        let Period { from, to } = self.period();
        sql.push(" WHERE h.organization_id = ").push_bind(self.scope.organization()).push(" AND h.hour >= ");
        self.days.push_start(sql, from);
        sql.push(" AND h.hour < ");
        self.days.push_start(sql, to);
    }

    fn period(&self) -> Period {
        let from = self.day.checked_sub_days(chrono::Days::new(WEEK)).unwrap_or(self.day);
        Period { from, to: self.day.succ_opt().unwrap_or(self.day) }
    }
}

impl Row {
    fn grew(&self, days: i64) -> Option<Grew> {
        let id = self.id.clone()?;
        let usual = self.cost_before.0.checked_div(Decimal::from(days)).unwrap_or_default().round_dp(6);
        let name = self.name.clone().unwrap_or_else(|| id.clone());
        Some(Grew { id, name, cost: self.cost.0, usual })
    }
}

impl Grew {
    /// Its id, where it is one.
    pub fn uuid(&self) -> Option<Uuid> {
        self.id.parse().ok()
    }
}
