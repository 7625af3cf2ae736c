//! Making and changing budgets, and how they stand.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use finops_contract::ErrorCode;
use finops_contract::budgets::{Budget, BudgetKind, BudgetRequest, BudgetsQuery};
use finops_contract::fx_rates::FxRate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::calendar::Calendar;
use super::domain::Draft;
use super::fx::Rates;
use super::standing::{self, Facts, Standing};
use super::{checks, crossings, limits, status, store};
use crate::features::costs::{self, Spender};
use crate::features::{audit, organizations, projects, teams};
use crate::platform::db::{OrganizationId, Tx, violates};
use crate::platform::exact::Inexact;
use crate::platform::http::{ApiError, ApiResult, Ctx};
use crate::platform::state::State;

/// The organization's calendar.
///
/// # Errors
/// `not_found` for no organization.
pub async fn calendar(conn: &mut PgConnection, organization: OrganizationId) -> ApiResult<Calendar> {
    let found = organizations::find(conn, organization).await?.ok_or(ErrorCode::NotFound)?;
    Ok(Calendar::of(&found))
}

/// Every budget and cost threshold of an organization that exists.
///
/// # Errors
/// When the database fails.
pub async fn in_force(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<Budget>> {
    store::list(conn, organization, &store::Filter::default(), i64::MAX).await
}

/// How a budget stands in the period that runs, and in this many before it (a bill may be restated), the latest first.
/// Periods for which it had no amount are left out.
///
/// # Errors
/// `sum_too_large` for what cannot be told exactly.
pub async fn standings(
    conn: &mut PgConnection,
    organization: OrganizationId,
    calendar: Calendar,
    budget: &Budget,
    now: DateTime<Utc>,
    before: usize,
) -> ApiResult<Vec<Standing>> {
    let facts = Facts::read(conn, organization, calendar, budget, now, before).await?;
    let spans = calendar.back(budget.period, calendar.today(now)).take(before + 1);
    let standings = spans.map(|span| facts.standing(span)).collect::<Result<Vec<_>, _>>()?;
    Ok(standings.into_iter().flatten().collect())
}

/// How many budgets stand, each as [`standings`] says with as many periods before as are asked for of it, by a few questions
/// for all of them. Whose spending does not add up exactly has no standing.
///
/// # Errors
/// When the database fails.
pub async fn standings_of(
    conn: &mut PgConnection,
    organization: OrganizationId,
    calendar: Calendar,
    budgets: &[Budget],
    now: DateTime<Utc>,
    before: impl Fn(&Budget) -> usize,
) -> ApiResult<Vec<Result<Vec<Standing>, Inexact>>> {
    let all = Facts::read_all(conn, organization, calendar, budgets, now, &before).await?;
    let standings = |(facts, budget): (Result<Facts<'_>, Inexact>, &Budget)| {
        let facts = facts?;
        let spans = calendar.back(budget.period, calendar.today(now)).take(before(budget) + 1);
        let standings = spans.map(|span| facts.standing(span)).collect::<Result<Vec<_>, _>>()?;
        Ok(standings.into_iter().flatten().collect())
    };
    Ok(all.into_iter().zip(budgets).map(standings).collect())
}

/// What the standings of [`standings_of`] in periods that are over are known by: as long as it is the same, so are they.
///
/// # Errors
/// When the database fails.
pub async fn past(
    conn: &mut PgConnection,
    organization: OrganizationId,
    calendar: Calendar,
    budgets: &[Budget],
    now: DateTime<Utc>,
    before: impl Fn(&Budget) -> usize,
) -> sqlx::Result<String> {
    let today = calendar.today(now);
    let (first, _) = standing::looked_at(calendar, budgets, today, &before);
    let time = (first.pred_opt().unwrap_or(first), calendar.days().start(today));
    let mut known = costs::fingerprint(conn, organization, time).await?;
    known.push_str(&costs::mark(conn, organization, first).await?);
    for budget in budgets {
        // Writing to a String cannot fail.
        let _ = write!(known, "|{} {} {:?}", budget.id, budget.revision, budget.alerts);
    }
    let _ = write!(known, "|{today} {calendar:?}");
    Ok(known)
}

/// Budgets that are asked for and that somebody sees, the newest first: at most `limit`, with how they stand where that is
/// asked for. That is found out of all of them where it is asked which stand so.
///
/// # Errors
/// `validation_failed` for what is no list of ids.
pub(super) async fn list(
    conn: &mut PgConnection,
    ctx: &Ctx,
    query: &BudgetsQuery,
    (after, limit): (Option<Uuid>, i64),
) -> ApiResult<Vec<Budget>> {
    let seen = teams::visibility(conn, ctx).await?;
    let filter = store::Filter::of(query, &seen, after)?;
    let looked_at = if query.state.is_some() { i64::MAX } else { limit };
    let mut budgets = store::list(conn, ctx.organization, &filter, looked_at).await?;
    if query.state.is_none() && query.include.is_none() {
        return Ok(budgets);
    }
    let calendar = calendar(conn, ctx.organization).await?;
    let standings = status::standings(conn, ctx.organization, calendar, &budgets, ctx.now()).await?;
    for (budget, standing) in budgets.iter_mut().zip(standings) {
        budget.standing = Some(standing);
    }
    budgets.retain(|budget| {
        query.state.is_none_or(|state| budget.standing.as_ref().is_some_and(|standing| standing.state == state))
    });
    budgets.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    if query.include.is_none() {
        budgets.iter_mut().for_each(|budget| budget.standing = None);
    }
    Ok(budgets)
}

/// A budget that the caller sees; any other does not exist.
///
/// # Errors
/// `not_found`.
pub(super) async fn seen(conn: &mut PgConnection, ctx: &Ctx, id: Uuid) -> ApiResult<Budget> {
    let visibility = teams::visibility(conn, ctx).await?;
    let filter = store::Filter { seen: Some(&visibility), ..store::Filter::one(id) };
    let found = store::list(conn, ctx.organization, &filter, 1).await?.pop();
    found.ok_or_else(|| ErrorCode::NotFound.into())
}

/// Makes a budget.
///
/// # Errors
/// `validation_failed`, also for a team or project that is not there; `fx_rate_missing`.
pub(super) async fn create(state: &State, ctx: &Ctx, request: &BudgetRequest) -> ApiResult<Budget> {
    let draft = Draft::read(request)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    match draft.spender {
        Spender::Team(team) => teams::require(&mut tx, ctx.organization, team, "/scope/id").await?,
        Spender::Project(project) => projects::require(&mut tx, ctx, project, "/scope/id").await?,
        _ => {}
    }
    let budget = insert(&mut tx, ctx, BudgetKind::Budget, &draft).await?;
    tx.commit().await?;
    Ok(budget)
}

/// Stores a new budget, and writes that down.
///
/// # Errors
/// `fx_rate_missing`; `conflict` for a cost threshold that somebody else is setting.
pub(super) async fn insert(tx: &mut Tx, ctx: &Ctx, kind: BudgetKind, draft: &Draft) -> ApiResult<Budget> {
    let (organization, now, id) = (ctx.organization, ctx.now(), ctx.clock.new_id());
    let fx = pin(tx, ctx, &draft.currency).await?;
    store::insert(tx, organization, id, kind, draft, now).await.map_err(|error| {
        match violates(&error, "budgets_one_limit") {
            true => ApiError::from(ErrorCode::Conflict),
            false => error.into(),
        }
    })?;
    store::insert_revision(tx, organization, (id, 1), draft, fx.as_ref(), now).await?;
    store::set_thresholds(tx, organization, id, &draft.alerts, now).await?;
    let budget = store::find(tx, organization, id).await?.ok_or(ErrorCode::NotFound)?;
    checks::check_soon(tx, organization).await?;
    let change = audit::Change::new("budget.create", id, budget.name.clone()).after(&budget);
    audit::record(tx, ctx, change).await?;
    Ok(budget)
}

/// The rate that an amount is set with, today's.
async fn pin(tx: &mut Tx, ctx: &Ctx, currency: &str) -> ApiResult<Option<FxRate>> {
    let today = calendar(tx, ctx.organization).await?.today(ctx.now());
    Rates::on(tx, ctx.organization, today).await?.pin(currency)
}

/// Changes a budget: all of it but its scope, and of a cost threshold what makes it one.
///
/// # Errors
/// `not_found`, `validation_failed`, `fx_rate_missing`.
pub(super) async fn update(state: &State, ctx: &Ctx, id: Uuid, request: &BudgetRequest) -> ApiResult<Budget> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    store::lock(&mut tx, ctx.organization, id).await?;
    let before = seen(&mut tx, ctx, id).await?;
    let draft = Draft::read(request)?;
    if standing::spender(&before).as_ref() != Some(&draft.spender) {
        return Err(ApiError::field("/scope", "immutable", "stays: make another budget for another scope"));
    }
    if before.kind == BudgetKind::Limit {
        limits::check(&before, &draft)?;
    }
    let after = change(&mut tx, ctx, &before, &draft).await?;
    tx.commit().await?;
    Ok(after)
}

/// Changes a budget that is locked, and writes that down. What is the same already changes nothing; an amount that stays
/// keeps its exchange rate, whatever is stored since.
///
/// # Errors
/// `fx_rate_missing`.
pub(super) async fn change(tx: &mut Tx, ctx: &Ctx, before: &Budget, draft: &Draft) -> ApiResult<Budget> {
    let (organization, now) = (ctx.organization, ctx.now());
    let is_another = (before.amount.0, before.currency.as_str(), before.period)
        != (draft.amount, draft.currency.as_str(), draft.period);
    let alerts_differ = before.alerts != draft.alerts;
    let is_same = before.name == draft.name && before.enforcement == draft.enforcement && !alerts_differ;
    if is_same && !is_another {
        return Ok(before.clone());
    }
    let revision = before.revision + i32::from(is_another);
    store::update(tx, organization, before.id, draft, revision, now).await?;
    if is_another {
        let fx = pin(tx, ctx, &draft.currency).await?;
        store::insert_revision(tx, organization, (before.id, revision), draft, fx.as_ref(), now).await?;
    }
    if alerts_differ {
        store::set_thresholds(tx, organization, before.id, &draft.alerts, now).await?;
    }
    let after = store::find(tx, organization, before.id).await?.ok_or(ErrorCode::NotFound)?;
    if is_another && after.period == before.period && !is_lowered(before, &after) {
        let calendar = calendar(tx, organization).await?;
        for standing in standings(tx, organization, calendar, &after, now, 0).await? {
            crossings::carry(tx, organization, &ctx.clock, before.revision, &standing).await?;
        }
    }
    checks::check_soon(tx, organization).await?;
    let change = audit::Change::new("budget.update", after.id, after.name.clone()).before(before).after(&after);
    audit::record(tx, ctx, change).await?;
    Ok(after)
}

/// Whether less may be spent than before.
fn is_lowered(before: &Budget, after: &Budget) -> bool {
    let dollars = |budget: &Budget| match &budget.fx {
        None => Some(budget.amount.0),
        Some(fx) => budget.amount.0.checked_div(fx.rate.0),
    };
    if before.currency == after.currency && before.fx.as_ref().map(|fx| fx.rate) == after.fx.as_ref().map(|fx| fx.rate)
    {
        return after.amount < before.amount;
    }
    dollars(after).unwrap_or(Decimal::ZERO) < dollars(before).unwrap_or(Decimal::MAX)
}

/// Deletes a budget. What it said of past periods stays.
///
/// # Errors
/// `not_found`.
pub(super) async fn delete(state: &State, ctx: &Ctx, id: Uuid) -> ApiResult<()> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    store::lock(&mut tx, ctx.organization, id).await?;
    let budget = seen(&mut tx, ctx, id).await?;
    remove(&mut tx, ctx, &budget).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a budget that is locked, and writes that down.
pub(super) async fn remove(tx: &mut Tx, ctx: &Ctx, budget: &Budget) -> ApiResult<()> {
    store::delete(tx, ctx.organization, budget.id, ctx.now()).await?;
    checks::check_soon(tx, ctx.organization).await?;
    let change = audit::Change::new("budget.delete", budget.id, budget.name.clone()).before(budget);
    Ok(audit::record(tx, ctx, change).await?)
}
