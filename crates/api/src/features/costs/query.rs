//! `GET /api/costs/query`: costs by whatever they are grouped by.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use finops_contract::costs::{
    Basis, CostRow, CostState, CostTotal, CostsAnswer, CostsQuery, Dimension, Dimensions, Freshness, Named, Settlement,
};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::domain::{self, Period};
use super::facts;
use super::scope::{ProjectFilter, Scope, Source};
use crate::platform::exact::Exact;
use crate::platform::http::{ApiError, ApiResult, Ctx, cursor};

const DEFAULT_LIMIT: u16 = 1_000;
const MAX_LIMIT: u16 = 5_000;
/// The longest name of a model or line item that is asked for.
const MAX_NAME: usize = 300;

/// A query that makes sense.
pub(super) struct Parsed {
    period: Period,
    dimensions: BTreeSet<Dimension>,
    project: Option<ProjectFilter>,
    team: Option<Uuid>,
    model: Option<String>,
    line_item: Option<String>,
    api_version: Option<&'static str>,
    limit: i64,
    offset: i64,
}

impl Parsed {
    /// Reads it.
    ///
    /// # Errors
    /// `validation_failed` with the parameter at fault, `range_too_large`, `invalid_cursor`.
    pub(super) fn read(query: &CostsQuery) -> ApiResult<Self> {
        let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(ApiError::field("/limit", "range", "must be 1 to 5000"));
        }
        let project = match query.project_id.as_deref() {
            None => None,
            Some("none") => Some(ProjectFilter::None),
            Some(id) => Some(ProjectFilter::One(
                id.parse().map_err(|_| ApiError::field("/projectId", "format", "must be an id, or none"))?,
            )),
        };
        let api_version = match query.api_version.as_deref() {
            None => None,
            Some("costs_v1") => Some("costs_v1"),
            Some("usage_v1") => Some("usage_v1"),
            Some(_) => return Err(ApiError::field("/apiVersion", "unknown", "must be costs_v1 or usage_v1")),
        };
        for (pointer, name) in [("/model", &query.model), ("/lineItem", &query.line_item)] {
            if name.as_ref().is_some_and(|name| name.len() > MAX_NAME || name.contains('\0')) {
                return Err(ApiError::field(pointer, "length", "must be at most 300 bytes"));
            }
        }
        let offset: u32 = query.cursor.as_deref().map(cursor::decode).transpose()?.unwrap_or_default();
        Ok(Self {
            period: Period::parse(&query.from, &query.to)?,
            dimensions: domain::group_by(query.group_by.as_deref())?,
            project,
            team: query.team_id,
            model: query.model.clone(),
            line_item: query.line_item.clone(),
            api_version,
            limit: i64::from(limit),
            offset: i64::from(offset),
        })
    }

    fn by(&self, dimension: Dimension) -> bool {
        self.dimensions.contains(&dimension)
    }

    /// The rollup where it knows everything that is asked for.
    fn source(&self) -> Source {
        let fine = [Dimension::LineItem, Dimension::Model, Dimension::ApiKey].iter().any(|fine| self.by(*fine));
        if fine || self.model.is_some() || self.line_item.is_some() { Source::Lines } else { Source::Daily }
    }

    fn push_rows(&self, sql: &mut QueryBuilder<Postgres>, scope: &Scope) {
        scope.push(sql, self.source(), self.period);
        match self.api_version {
            // Asked for by name, legacy lines are shown even where the bill has taken their place.
            Some(version) => {
                sql.push(" AND b.api_version = ").push_bind(version);
            }
            None => scope.push_once(sql, self.source(), self.period),
        }
        for (column, value) in [("model", &self.model), ("line_item", &self.line_item)] {
            if let Some(value) = value {
                sql.push(" AND b.").push(column).push(" = ").push_bind(value.clone());
            }
        }
    }

    /// The expression of a dimension, or a null of its type where it is not grouped by.
    fn column(&self, dimension: Dimension) -> &'static str {
        match (dimension, self.by(dimension)) {
            (Dimension::Project, true) => "b.project_id",
            (Dimension::Team, true) => "b.team_id",
            (Dimension::Project | Dimension::Team, false) => "NULL::uuid",
            (Dimension::LineItem, true) => "b.line_item",
            (Dimension::Model, true) => "b.model",
            (Dimension::Provider, true) => "b.provider",
            (Dimension::ApiKey, true) => "b.provider_api_key_id",
            (Dimension::LineItem | Dimension::Model | Dimension::Provider | Dimension::ApiKey, false) => "NULL::text",
            (Dimension::Day, true) => self.source().day(),
            (Dimension::Day, false) => "NULL::date",
        }
    }
}

/// The columns of [`Row`], in order.
const COLUMNS: [(Dimension, &str); 7] = [
    (Dimension::Project, "project_id"),
    (Dimension::Team, "team_id"),
    (Dimension::LineItem, "line_item"),
    (Dimension::Model, "model"),
    (Dimension::Provider, "provider"),
    (Dimension::ApiKey, "api_key"),
    (Dimension::Day, "day"),
];

#[derive(sqlx::FromRow)]
struct Row {
    project_id: Option<Uuid>,
    project_name: Option<String>,
    project_deleted: Option<bool>,
    team_id: Option<Uuid>,
    team_name: Option<String>,
    team_deleted: Option<bool>,
    line_item: Option<String>,
    model: Option<String>,
    provider: Option<String>,
    api_key: Option<String>,
    day: Option<NaiveDate>,
    currency: String,
    cost: Exact,
    last_day: NaiveDate,
}

#[derive(sqlx::FromRow)]
struct Total {
    currency: String,
    cost: Exact,
    unattributed: Exact,
}

/// Answers a query.
///
/// # Errors
/// `not_found` for a team or project that the caller does not see.
pub(super) async fn answer(conn: &mut PgConnection, ctx: &Ctx, parsed: &Parsed) -> ApiResult<CostsAnswer> {
    let scope = Scope::of(conn, ctx, parsed.project, parsed.team).await?;
    let mut rows = rows(conn, parsed, &scope).await?;
    let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > parsed.limit;
    rows.truncate(usize::try_from(parsed.limit).unwrap_or(usize::MAX));
    let totals = totals(conn, parsed, &scope).await?;
    let freshness = facts::freshness(conn, &scope).await?;
    Ok(CostsAnswer {
        data: rows.into_iter().map(|row| cost_row(parsed, &freshness, row)).collect(),
        next_cursor: more.then(|| cursor::encode(&(parsed.offset + parsed.limit))),
        totals,
        basis: Basis::Billed,
        from: parsed.period.from,
        to: parsed.period.to,
        day_zone: "UTC".into(),
        freshness,
    })
}

async fn rows(conn: &mut PgConnection, parsed: &Parsed, scope: &Scope) -> sqlx::Result<Vec<Row>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "SELECT a.*, p.name AS project_name, p.deleted_at IS NOT NULL AS project_deleted, t.name AS team_name,
            t.deleted_at IS NOT NULL AS team_deleted
        FROM (SELECT ",
    );
    for (dimension, name) in COLUMNS {
        sql.push(parsed.column(dimension)).push(" AS ").push(name).push(", ");
    }
    sql.push("b.currency, sum(b.amount) AS cost, max(").push(parsed.source().day()).push(") AS last_day");
    parsed.push_rows(&mut sql, scope);
    // By position: the day is an expression over the lines.
    sql.push(" GROUP BY 1, 2, 3, 4, 5, 6, 7, b.currency) a");
    sql.push(" LEFT JOIN projects p ON p.organization_id = ").push_bind(scope.organization());
    sql.push(" AND p.id = a.project_id LEFT JOIN teams t ON t.organization_id = ").push_bind(scope.organization());
    sql.push(
        " AND t.id = a.team_id
        ORDER BY a.day, a.cost DESC, a.project_id, a.team_id, a.line_item, a.model, a.provider, a.api_key, a.currency LIMIT ",
    );
    sql.push_bind(parsed.limit + 1).push(" OFFSET ").push_bind(parsed.offset);
    sql.build_query_as().fetch_all(conn).await
}

async fn totals(conn: &mut PgConnection, parsed: &Parsed, scope: &Scope) -> sqlx::Result<Vec<CostTotal>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "SELECT b.currency, sum(b.amount) AS cost,
            coalesce(sum(b.amount) FILTER (WHERE b.project_id IS NULL), 0) AS unattributed",
    );
    parsed.push_rows(&mut sql, scope);
    sql.push(" GROUP BY b.currency ORDER BY b.currency");
    let totals: Vec<Total> = sql.build_query_as().fetch_all(conn).await?;
    let totals = totals.into_iter().map(|total| CostTotal {
        cost: total.cost.0.into(),
        unattributed: total.unattributed.0.into(),
        currency: total.currency,
    });
    Ok(totals.collect())
}

fn named(id: Option<Uuid>, name: Option<String>, deleted: Option<bool>) -> Option<Named> {
    Some(Named { id: id?, name: name.unwrap_or_default(), deleted: deleted.unwrap_or_default() })
}

fn cost_row(parsed: &Parsed, freshness: &Freshness, row: Row) -> CostRow {
    let by = |dimension| parsed.by(dimension);
    let settled = freshness.settled_before.is_some_and(|before| row.last_day < before);
    CostRow {
        dimensions: Dimensions {
            project: by(Dimension::Project).then(|| named(row.project_id, row.project_name, row.project_deleted)),
            team: by(Dimension::Team).then(|| named(row.team_id, row.team_name, row.team_deleted)),
            line_item: by(Dimension::LineItem).then_some(row.line_item),
            model: by(Dimension::Model).then_some(row.model),
            provider: row.provider,
            api_key: by(Dimension::ApiKey).then_some(row.api_key),
            day: row.day,
        },
        cost: row.cost.0.into(),
        currency: row.currency,
        basis: Basis::Billed,
        state: CostState::Billed,
        settlement: if settled { Settlement::Settled } else { Settlement::Moving },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(change: impl FnOnce(&mut CostsQuery)) -> ApiResult<Parsed> {
        let mut query = CostsQuery { from: "2026-11-01".into(), to: "2026-11-08".into(), ..CostsQuery::default() };
        change(&mut query);
        Parsed::read(&query)
    }

    #[test]
    fn the_rollup_answers_what_it_knows() {
        let source = |group: &str| read(|query| query.group_by = Some(group.into())).unwrap().source();
        assert_eq!(source("project,day,team,provider"), Source::Daily);
        for fine in ["lineItem", "model,day", "project,apiKey"] {
            assert_eq!(source(fine), Source::Lines, "{fine}");
        }
        assert_eq!(read(|query| query.model = Some("m".into())).unwrap().source(), Source::Lines);
    }

    #[test]
    fn strange_parameters_are_named() {
        let pointer = |change: fn(&mut CostsQuery)| read(change).err().map(|error| error.fields[0].pointer.clone());
        assert_eq!(pointer(|query| query.limit = Some(0)).as_deref(), Some("/limit"));
        assert_eq!(pointer(|query| query.group_by = Some("project,moon".into())).as_deref(), Some("/groupBy"));
        assert_eq!(pointer(|query| query.project_id = Some("1".into())).as_deref(), Some("/projectId"));
        assert_eq!(pointer(|query| query.api_version = Some("v2".into())).as_deref(), Some("/apiVersion"));
        assert_eq!(pointer(|query| query.model = Some("\0".into())).as_deref(), Some("/model"));
        assert_eq!(pointer(|query| query.from = "x".into()).as_deref(), Some("/from"));
    }
}
