//! `GET /api/costs/query`: costs by whatever they are grouped by.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use finops_contract::costs::{
    Basis, CostRow, CostTotal, CostsAnswer, CostsQuery, Dimension, Dimensions, Freshness, Named, Settlement,
};
use rust_decimal::Decimal;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::counts::{COUNTS, Counts};
use super::domain::{self, Days, Period};
use super::facts;
use super::ledgers::{Ledgers, SUMS, Which};
use super::parts::Parts;
use super::scope::{ProjectFilter, Scope, Source};
use crate::features::organizations;
use crate::platform::db::OrganizationId;
use crate::platform::exact::{self, Exact};
use crate::platform::http::{ApiError, ApiResult, Ctx, cursor};

const DEFAULT_LIMIT: u16 = 1_000;
const MAX_LIMIT: u16 = 5_000;
/// What of a sum belongs to no project.
pub(super) const UNATTRIBUTED: &str = "coalesce(sum(b.amount) FILTER (WHERE b.project_id IS NULL), 0) AS unattributed";
/// The longest name of a model or line item that is asked for.
const MAX_NAME: usize = 300;

/// A query that makes sense.
pub(super) struct Parsed {
    period: Period,
    /// What `from` and `to` were, for days of another zone.
    ends: (String, String),
    days: Days,
    /// Whether the caller named the zone.
    named: bool,
    which: Which,
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
        let project = query.project_id.as_deref().map(ProjectFilter::read).transpose()?;
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
        let which = Which::of(query.basis)
            .ok_or_else(|| ApiError::field("/basis", "unknown", "must be billed, provider_usage or events"))?;
        let days = query.tz.as_deref().map(Days::named).transpose()?;
        if days.is_some_and(|days| days != Days::UTC) && !matches!(which, Which::Metered(_)) {
            return Err(ApiError::field(
                "/tz",
                "billed_days",
                "needs basis=events or basis=provider_usage: billed days are UTC",
            ));
        }
        let (limit, offset) = page(query.limit, query.cursor.as_deref())?;
        Ok(Self {
            period: Period::parse(&query.from, &query.to, days.unwrap_or(Days::UTC))?,
            ends: (query.from.clone(), query.to.clone()),
            days: days.unwrap_or(Days::UTC),
            named: days.is_some(),
            which,
            dimensions: domain::group_by(query.group_by.as_deref())?,
            project,
            team: query.team_id,
            model: query.model.clone(),
            line_item: query.line_item.clone(),
            api_version,
            limit,
            offset,
        })
    }

    /// Moves the days to the organization's zone, where only metered costs are asked for and no other zone was named.
    async fn place(&mut self, conn: &mut PgConnection, organization: OrganizationId) -> ApiResult<()> {
        if matches!(self.which, Which::Metered(_)) {
            let named = self.named.then_some(self.days);
            (self.days, self.period) = local(conn, organization, named, &self.ends).await?;
        }
        Ok(())
    }

    fn ledgers<'a>(&'a self, scope: &'a Scope, counts: bool) -> Ledgers<'a> {
        Ledgers {
            scope,
            period: self.period,
            days: self.days,
            source: self.source(),
            which: self.which,
            counts,
            environments: false,
            api_version: self.api_version,
            model: self.model.as_deref(),
            line_item: self.line_item.as_deref(),
        }
    }

    fn by(&self, dimension: Dimension) -> bool {
        self.dimensions.contains(&dimension)
    }

    /// The rollup where it knows everything that is asked for.
    fn source(&self) -> Source {
        let fine = [Dimension::LineItem, Dimension::Model, Dimension::ApiKey].iter().any(|fine| self.by(*fine));
        if fine || self.model.is_some() || self.line_item.is_some() { Source::Lines } else { Source::Daily }
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
            (Dimension::ApiKey, true) => "b.api_key",
            (Dimension::LineItem | Dimension::Model | Dimension::Provider | Dimension::ApiKey, false) => "NULL::text",
            (Dimension::Day, true) => "b.day",
            (Dimension::Day, false) => "NULL::date",
        }
    }
}

/// The page that is asked for: how many rows, after how many.
///
/// # Errors
/// `validation_failed` at `/limit`, `invalid_cursor`.
pub(super) fn page(limit: Option<u16>, cursor: Option<&str>) -> ApiResult<(i64, i64)> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(ApiError::field("/limit", "range", "must be 1 to 5000"));
    }
    let offset: u32 = cursor.map(cursor::decode).transpose()?.unwrap_or_default();
    Ok((i64::from(limit), i64::from(offset)))
}

/// The days of the zone that was named, or of the organization's. UTC where that has no whole hours and nobody named it.
///
/// # Errors
/// `validation_failed` at `/tz` for a zone whose days do not begin with an hour, and as [`Period::parse`].
pub(super) async fn local(
    conn: &mut PgConnection,
    organization: OrganizationId,
    named: Option<Days>,
    (from, to): &(String, String),
) -> ApiResult<(Days, Period)> {
    let days = match named {
        Some(days) => days,
        None => {
            let own = organizations::find(conn, organization).await?;
            own.and_then(|own| Days::named(&own.time_zone).ok()).unwrap_or(Days::UTC)
        }
    };
    let period = Period::parse(from, to, days)?;
    match (days.are_whole_hours(period), named) {
        (true, _) => Ok((days, period)),
        (false, None) => Ok((Days::UTC, Period::parse(from, to, Days::UTC)?)),
        (false, Some(_)) => {
            Err(ApiError::field("/tz", "whole_hours", "must have whole hours: sums are kept by the hour of UTC"))
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
    costs: Vec<Option<Exact>>,
    unpriced: Vec<i64>,
    counts: Vec<Option<i64>>,
    unattributed: Exact,
    last_day: NaiveDate,
}

#[derive(sqlx::FromRow)]
struct Total {
    currency: String,
    costs: Vec<Option<Exact>>,
    unpriced: Vec<i64>,
    unattributed: Exact,
}

/// Answers a query.
///
/// # Errors
/// `not_found` for a team or project that the caller does not see; `validation_failed` at `/tz`.
pub(super) async fn answer(conn: &mut PgConnection, ctx: &Ctx, mut parsed: Parsed) -> ApiResult<CostsAnswer> {
    let scope = Scope::of(conn, ctx, parsed.project, parsed.team).await?;
    parsed.place(conn, ctx.organization).await?;
    let parsed = &parsed;
    let mut rows = rows(conn, parsed, &scope).await?;
    let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > parsed.limit;
    rows.truncate(usize::try_from(parsed.limit).unwrap_or(usize::MAX));
    // One page is all there is: its sums are the totals, and need not be asked for.
    let (totals, all) = match more || parsed.offset > 0 {
        true => totals(conn, parsed, &scope).await?,
        false => totals_of(&rows)?,
    };
    let basis = match parsed.which {
        Which::Truth if parsed.api_version.is_none() => all.basis(),
        Which::Truth | Which::Billed => Basis::Billed,
        Which::Metered(ledger) => ledger.basis(),
    };
    let freshness = facts::freshness(conn, &scope).await?;
    Ok(CostsAnswer {
        data: rows.into_iter().map(|row| cost_row(parsed, &freshness, row)).collect::<sqlx::Result<_>>()?,
        next_cursor: more.then(|| cursor::encode(&(parsed.offset + parsed.limit))),
        totals,
        basis,
        from: parsed.period.from,
        to: parsed.period.to,
        day_zone: parsed.days.name().into(),
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
    sql.push("b.currency, sum(b.amount) AS cost, ")
        .push(SUMS)
        .push(", ")
        .push(COUNTS)
        .push(", max(b.day) AS last_day, ");
    sql.push(UNATTRIBUTED);
    parsed.ledgers(scope, true).push(&mut sql);
    // By position: what is not grouped by is a null.
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

/// Sums by currency, and which ledgers there are in any of them.
async fn totals(conn: &mut PgConnection, parsed: &Parsed, scope: &Scope) -> sqlx::Result<(Vec<CostTotal>, Parts)> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT b.currency, ");
    sql.push(UNATTRIBUTED).push(", ").push(SUMS);
    parsed.ledgers(scope, false).push(&mut sql);
    sql.push(" GROUP BY b.currency ORDER BY b.currency");
    let rows: Vec<Total> = sql.build_query_as().fetch_all(conn).await?;
    let mut all = Parts::default();
    let mut totals = Vec::with_capacity(rows.len());
    for row in rows {
        let parts = Parts::new(&row.costs, &row.unpriced)?;
        all.note(&parts);
        totals.push(total(row.currency, &parts, row.unattributed.0));
    }
    Ok((totals, all))
}

/// The same, of rows that are all there are.
fn totals_of(rows: &[Row]) -> ApiResult<(Vec<CostTotal>, Parts)> {
    let mut all = Parts::default();
    let mut sums: BTreeMap<&str, (Vec<Parts>, Vec<Decimal>)> = BTreeMap::new();
    for row in rows {
        let parts = Parts::new(&row.costs, &row.unpriced)?;
        all.note(&parts);
        let (costs, unattributed) = sums.entry(&row.currency).or_default();
        costs.push(parts);
        unattributed.push(row.unattributed.0);
    }
    let mut totals = Vec::with_capacity(sums.len());
    for (currency, (rows, unattributed)) in sums {
        exact::hold_sums(rows.iter().flat_map(Parts::costs))?;
        exact::hold_sums(unattributed.iter().copied())?;
        let mut sum = Parts::default();
        rows.iter().for_each(|parts| sum.add(parts));
        totals.push(total(currency.to_owned(), &sum, unattributed.into_iter().sum()));
    }
    Ok((totals, all))
}

/// A sum as it is told.
pub(super) fn total(currency: String, parts: &Parts, unattributed: Decimal) -> CostTotal {
    CostTotal {
        cost: parts.cost().into(),
        unattributed: unattributed.into(),
        currency,
        basis: parts.basis(),
        state: parts.state(),
        by_basis: parts.by_basis(),
        unpriced: parts.unpriced(),
    }
}

fn named(id: Option<Uuid>, name: Option<String>, deleted: Option<bool>) -> Option<Named> {
    Some(Named { id: id?, name: name.unwrap_or_default(), deleted: deleted.unwrap_or_default() })
}

fn cost_row(parsed: &Parsed, freshness: &Freshness, row: Row) -> sqlx::Result<CostRow> {
    let by = |dimension| parsed.by(dimension);
    let parts = Parts::new(&row.costs, &row.unpriced)?;
    let settled = !parts.is_metered() && freshness.settled_before.is_some_and(|before| row.last_day < before);
    // Of what is billed nobody knows how many calls it were: of a part they are no answer.
    let counts = if parts.is_all_metered() { Counts::new(&row.counts) } else { Counts::default() };
    Ok(CostRow {
        dimensions: Dimensions {
            project: by(Dimension::Project).then(|| named(row.project_id, row.project_name, row.project_deleted)),
            team: by(Dimension::Team).then(|| named(row.team_id, row.team_name, row.team_deleted)),
            line_item: by(Dimension::LineItem).then_some(row.line_item),
            model: by(Dimension::Model).then_some(row.model),
            provider: row.provider,
            api_key: by(Dimension::ApiKey).then_some(row.api_key),
            day: row.day,
            ..Dimensions::default()
        },
        cost: parts.cost().into(),
        currency: row.currency,
        basis: parts.basis(),
        state: parts.state(),
        settlement: if settled { Settlement::Settled } else { Settlement::Moving },
        by_basis: parts.by_basis(),
        unpriced: parts.unpriced(),
        requests: counts.requests,
        tokens: counts.tokens,
        total_tokens: counts.total_tokens,
    })
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
        assert_eq!(pointer(|query| query.basis = Some(Basis::Mixed)).as_deref(), Some("/basis"));
        assert_eq!(pointer(|query| query.tz = Some("Asia/Seoul".into())).as_deref(), Some("/tz"));
        let metered = |query: &mut CostsQuery| {
            (query.basis, query.tz) = (Some(Basis::Events), Some("Asia/Seoul".into()));
        };
        assert_eq!(pointer(metered), None);
    }
}
