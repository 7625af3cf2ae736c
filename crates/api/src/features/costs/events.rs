//! `GET /api/costs/by-service`, `by-learner`, `by-project`: what only events know, from their hourly sums.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use finops_contract::costs::{Basis, CostRow, CostTotal, CostsAnswer, Dimensions, EventCostsQuery, Named, Settlement};
use finops_contract::projects::Environment;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::counts::{COUNTS, Counts};
use super::domain::{Days, Period};
use super::facts;
use super::parts::Parts;
use super::query;
use super::scope::{ProjectFilter, Scope};
use crate::platform::exact::{self, Exact, Inexact};
use crate::platform::http::{ApiError, ApiResult, Ctx, cursor};

/// What events are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    Service,
    Learner,
    Project,
    Environment,
    Provider,
    Model,
    Day,
}

impl By {
    /// What calls are grouped by, with the columns of [`Row`].
    const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Service, "service", "text"),
        (Self::Learner, "learner", "text"),
        (Self::Project, "project_id", "uuid"),
        (Self::Environment, "environment", "text"),
        (Self::Provider, "provider", "text"),
        (Self::Model, "model", "text"),
        (Self::Day, "day", "date"),
    ];
    /// What every call can be grouped by.
    const OF_CALLS: [Self; 6] =
        [Self::Service, Self::Project, Self::Environment, Self::Provider, Self::Model, Self::Day];
    /// What the sums by learner know besides.
    const OF_LEARNERS: [Self; 3] = [Self::Project, Self::Provider, Self::Day];

    const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Learner => "learner",
            Self::Project => "project",
            Self::Environment => "environment",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Day => "day",
        }
    }
}

/// A query that makes sense.
pub(super) struct Parsed {
    by: BTreeSet<By>,
    learners: bool,
    ends: (String, String),
    days: Option<Days>,
    project: Option<ProjectFilter>,
    team: Option<Uuid>,
    limit: i64,
    offset: i64,
}

impl Parsed {
    /// Reads it. `first` is grouped by whatever else is.
    ///
    /// # Errors
    /// `validation_failed` with the parameter at fault, `range_too_large`, `invalid_cursor`.
    pub(super) fn read(first: By, query: &EventCostsQuery) -> ApiResult<Self> {
        let learners = first == By::Learner;
        let known: &[By] = if learners { &By::OF_LEARNERS } else { &By::OF_CALLS };
        let names = query.group_by.as_deref().unwrap_or_default().split(',').map(str::trim);
        let named = names.filter(|name| !name.is_empty()).map(|name| {
            known.iter().find(|by| by.name() == name).copied().ok_or_else(|| {
                let all: Vec<_> = known.iter().map(|by| by.name()).collect();
                ApiError::field("/groupBy", "unknown", format!("must be some of: {}", all.join(", ")))
            })
        });
        let mut by = named.collect::<ApiResult<BTreeSet<_>>>()?;
        by.insert(first);
        let days = query.tz.as_deref().map(Days::named).transpose()?;
        let (limit, offset) = query::page(query.limit, query.cursor.as_deref())?;
        // Days are the organization's: what they are is known later, whether they are days is known now.
        Period::parse(&query.from, &query.to, days.unwrap_or(Days::UTC))?;
        Ok(Self {
            by,
            learners,
            ends: (query.from.clone(), query.to.clone()),
            days,
            project: query.project_id.as_deref().map(ProjectFilter::read).transpose()?,
            team: query.team_id,
            limit,
            offset,
        })
    }
}

/// A question, placed in time.
struct Question<'a> {
    parsed: &'a Parsed,
    scope: &'a Scope,
    days: Days,
    period: Period,
}

impl Question<'_> {
    /// ` FROM (…) b`, with the columns that [`COUNTS`] and the dimensions need.
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" FROM (SELECT h.project_id, h.provider, h.cost AS amount, h.unpriced, h.events AS requests, ");
        self.days.push_day(sql, "h.hour");
        sql.push(" AS day, ");
        if self.parsed.learners {
            sql.push(
                "h.value AS learner, h.tokens, NULL::bigint AS input, NULL::bigint AS cached_input,
                NULL::bigint AS cache_write_5m, NULL::bigint AS cache_write_1h, NULL::bigint AS output,
                NULL::bigint AS reasoning, NULL::bigint AS audio_input, NULL::bigint AS audio_output
                FROM usage_dimension_sums h WHERE h.dimension = 'learner'",
            );
        } else {
            sql.push(
                "h.service, h.environment, h.model,
                h.input + h.cached_input + h.cache_write_5m + h.cache_write_1h + h.output + h.reasoning + h.audio_input
                    + h.audio_output + h.unsplit AS tokens,
                h.input, h.cached_input, h.cache_write_5m, h.cache_write_1h, h.output, h.reasoning, h.audio_input,
                h.audio_output
                FROM usage_sums h WHERE true",
            );
        }
        sql.push(" AND h.organization_id = ").push_bind(self.scope.organization()).push(" AND h.hour >= ");
        self.days.push_start(sql, self.period.from);
        sql.push(" AND h.hour < ");
        self.days.push_start(sql, self.period.to);
        self.scope.narrow(sql, "h");
        sql.push(") b");
    }

    async fn rows(&self, conn: &mut PgConnection) -> sqlx::Result<Vec<Row>> {
        let mut sql = QueryBuilder::<Postgres>::new(
            "SELECT a.*, p.name AS project_name, p.deleted_at IS NOT NULL AS project_deleted FROM (SELECT ",
        );
        for (by, column, kind) in By::ALL {
            match self.parsed.by.contains(&by) {
                true => sql.push("b.").push(column),
                false => sql.push("NULL::").push(kind).push(" AS ").push(column),
            };
            sql.push(", ");
        }
        sql.push("sum(b.amount) AS cost, sum(b.unpriced)::bigint AS unpriced, ")
            .push(query::UNATTRIBUTED)
            .push(", ")
            .push(COUNTS);
        self.push(&mut sql);
        sql.push(" GROUP BY 1, 2, 3, 4, 5, 6, 7) a LEFT JOIN projects p ON p.organization_id = ");
        sql.push_bind(self.scope.organization());
        sql.push(
            " AND p.id = a.project_id
            ORDER BY a.day, a.cost DESC, a.service, a.learner, a.project_id, a.environment, a.provider, a.model LIMIT ",
        );
        sql.push_bind(self.parsed.limit + 1).push(" OFFSET ").push_bind(self.parsed.offset);
        sql.build_query_as().fetch_all(conn).await
    }

    async fn totals(&self, conn: &mut PgConnection) -> sqlx::Result<Vec<CostTotal>> {
        let mut sql = QueryBuilder::<Postgres>::new("SELECT sum(b.amount), coalesce(sum(b.unpriced), 0)::bigint, ");
        sql.push(query::UNATTRIBUTED);
        self.push(&mut sql);
        let (cost, unpriced, unattributed): (Option<Exact>, i64, Exact) = sql.build_query_as().fetch_one(conn).await?;
        let total = |cost| query::total("USD".into(), &Parts::of(Basis::Events, cost, unpriced), unattributed.0);
        Ok(cost.map(|cost| cost.0).map(total).into_iter().collect())
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    service: Option<String>,
    learner: Option<String>,
    project_id: Option<Uuid>,
    project_name: Option<String>,
    project_deleted: Option<bool>,
    environment: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    day: Option<NaiveDate>,
    cost: Exact,
    unpriced: i64,
    unattributed: Exact,
    counts: Vec<Option<i64>>,
}

/// Answers a query.
///
/// # Errors
/// `not_found` for a team or project that the caller does not see; `validation_failed` at `/tz`.
pub(super) async fn answer(conn: &mut PgConnection, ctx: &Ctx, parsed: &Parsed) -> ApiResult<CostsAnswer> {
    let scope = Scope::of(conn, ctx, parsed.project, parsed.team).await?;
    let (days, period) = query::local(conn, ctx.organization, parsed.days, &parsed.ends).await?;
    let question = Question { parsed, scope: &scope, days, period };
    let mut rows = question.rows(conn).await?;
    let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > parsed.limit;
    rows.truncate(usize::try_from(parsed.limit).unwrap_or(usize::MAX));
    // One page is all there is: its sums are the totals, and need not be asked for.
    let totals = match more || parsed.offset > 0 {
        true => question.totals(conn).await?,
        false => totals_of(&rows)?,
    };
    Ok(CostsAnswer {
        data: rows.into_iter().map(|row| cost_row(&parsed.by, row)).collect(),
        next_cursor: more.then(|| cursor::encode(&(parsed.offset + parsed.limit))),
        totals,
        basis: Basis::Events,
        from: period.from,
        to: period.to,
        day_zone: days.name().into(),
        freshness: facts::freshness(conn, &scope).await?,
    })
}

/// The sum of rows that are all there are.
fn totals_of(rows: &[Row]) -> Result<Vec<CostTotal>, Inexact> {
    let costs = || rows.iter().map(|row| row.cost.0);
    exact::hold_sums(costs())?;
    exact::hold_sums(rows.iter().map(|row| row.unattributed.0))?;
    let parts = Parts::of(Basis::Events, costs().sum(), rows.iter().map(|row| row.unpriced).sum());
    let unattributed = rows.iter().map(|row| row.unattributed.0).sum();
    Ok((!rows.is_empty()).then(|| query::total("USD".into(), &parts, unattributed)).into_iter().collect())
}

fn cost_row(grouped: &BTreeSet<By>, row: Row) -> CostRow {
    let by = |by| grouped.contains(&by);
    let parts = Parts::of(Basis::Events, row.cost.0, row.unpriced);
    let counts = Counts::new(&row.counts);
    let project = row.project_id.map(|id| Named {
        id,
        name: row.project_name.unwrap_or_default(),
        deleted: row.project_deleted.unwrap_or_default(),
    });
    CostRow {
        dimensions: Dimensions {
            project: by(By::Project).then_some(project),
            model: by(By::Model).then_some(row.model),
            provider: row.provider,
            day: row.day,
            service: by(By::Service).then_some(row.service),
            environment: by(By::Environment).then(|| row.environment.as_deref().and_then(Environment::from_name)),
            learner: row.learner,
            ..Dimensions::default()
        },
        cost: parts.cost().into(),
        currency: "USD".into(),
        basis: parts.basis(),
        state: parts.state(),
        settlement: Settlement::Moving,
        by_basis: Vec::new(),
        unpriced: parts.unpriced(),
        requests: counts.requests,
        // By learner only their sum is kept.
        tokens: counts.tokens.filter(|_| !by(By::Learner)),
        total_tokens: counts.total_tokens,
    }
}
