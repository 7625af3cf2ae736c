//! `/api/budgets`, `/api/fx-rates`, and projects' cost thresholds.

use actix_web::{HttpResponse, delete, get, post, put, web};
use finops_contract::budgets::{
    Budget, BudgetRequest, BudgetStatus, BudgetTemplate, BudgetsQuery, CostThresholds, CostThresholdsRequest,
};
use finops_contract::fx_rates::{FxRate, SetFxRateRequest};
use finops_contract::projects::Environment;
use finops_contract::{ListQuery, Page};
use uuid::Uuid;

use super::{domain, fx, limits, service, status};
use crate::features::projects;
use crate::platform::auth::Permission;
use crate::platform::http::ctx::Read;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Json, Keyed, Path, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config
        .service(list_budget_templates)
        .service(list_budgets)
        .service(create_budget)
        .service(get_budget_status)
        .service(get_budget)
        .service(update_budget)
        .service(delete_budget)
        .service(get_cost_thresholds)
        .service(set_cost_thresholds)
        .service(list_fx_rates)
        .service(set_fx_rate);
}

/// Budgets and cost thresholds, the newest first
///
/// A team's and a project's budgets are seen by who sees the team or the project, all others by who sees everything. With
/// `include=standing` each says how it stands in the period that runs, as `GET /budgets/{budgetId}/status` does. With
/// `state` only those that stand so now are told; one whose state changes meanwhile may be on no page.
#[utoipa::path(
    tag = "budgets",
    security(("session" = []), ("api_key" = ["read"])),
    params(BudgetsQuery),
    responses((status = 200, description = "Budgets", body = Page<Budget>))
)]
#[get("/budgets")]
async fn list_budgets(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    query: Query<BudgetsQuery>,
) -> ApiResult<web::Json<Page<Budget>>> {
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = match (query.0.state, query.0.include) {
        (None, None) => state.db.tenant(ctx.organization).await?,
        _ => state.db.analytics(ctx.organization).await?,
    };
    let rows = service::list(&mut tx, &ctx, &query.0, (keyset.after, keyset.fetch())).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(rows, |budget| budget.id)))
}

/// What the budgets of environments usually are
///
/// Each is a body of `POST /budgets` but for its name, and the amount where there is no usual one.
#[utoipa::path(
    tag = "budgets",
    security(("session" = []), ("api_key" = ["read"])),
    responses((status = 200, description = "One an environment", body = Page<BudgetTemplate>))
)]
#[get("/budgets/templates")]
async fn list_budget_templates(_ctx: Keyed<Read>) -> ApiResult<web::Json<Page<BudgetTemplate>>> {
    Ok(web::Json(Page::whole(Environment::ALL.map(domain::template).into())))
}

/// Set a budget
///
/// Its periods are the organization's: its days, its weeks from Monday, its months and its fiscal quarters and years. An
/// amount in another currency than `USD` keeps the exchange rate that is stored now.
#[utoipa::path(tag = "budgets", request_body = BudgetRequest, responses((status = 201, description = "It holds", body = Budget)))]
#[post("/budgets")]
async fn create_budget(ctx: Ctx, state: web::Data<State>, body: Json<BudgetRequest>) -> ApiResult<HttpResponse> {
    ctx.require(Permission::BudgetsWrite)?;
    Ok(HttpResponse::Created().json(service::create(&state, &ctx, &body.0).await?))
}

/// A budget
#[utoipa::path(
    tag = "budgets",
    security(("session" = []), ("api_key" = ["read"])),
    params(("budgetId" = Uuid, Path, description = "The budget")),
    responses((status = 200, description = "The budget", body = Budget))
)]
#[get("/budgets/{budgetId}")]
async fn get_budget(ctx: Keyed<Read>, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<web::Json<Budget>> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let budget = service::seen(&mut tx, &ctx, id.0).await?;
    tx.commit().await?;
    Ok(web::Json(budget))
}

/// Change a budget
///
/// All of it but its scope. With another amount, currency or period its thresholds start anew, by today's exchange rate;
/// after a raise, those that were crossed and still are stay so. Whatever else changes, the amount keeps its rate. A cost
/// threshold keeps its period, its project's name and its one threshold, at 100 percent of what is spent.
#[utoipa::path(
    tag = "budgets",
    params(("budgetId" = Uuid, Path, description = "The budget")),
    request_body = BudgetRequest,
    responses((status = 200, description = "As it is now", body = Budget))
)]
#[put("/budgets/{budgetId}")]
async fn update_budget(
    ctx: Ctx,
    state: web::Data<State>,
    id: Path<Uuid>,
    body: Json<BudgetRequest>,
) -> ApiResult<web::Json<Budget>> {
    ctx.require(Permission::BudgetsWrite)?;
    Ok(web::Json(service::update(&state, &ctx, id.0, &body.0).await?))
}

/// Delete a budget or a cost threshold
#[utoipa::path(
    tag = "budgets",
    params(("budgetId" = Uuid, Path, description = "The budget")),
    responses((status = 204, description = "It holds no more"))
)]
#[delete("/budgets/{budgetId}")]
async fn delete_budget(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<HttpResponse> {
    ctx.require(Permission::BudgetsWrite)?;
    service::delete(&state, &ctx, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// How a budget stands
///
/// What was spent by the ledgers' word (of every project, provider and day the bill's where it has arrived, else the
/// provider's metered usage, else events), how fast, what the period will come to, and the twelve periods before. What is
/// not known is told, and never counted as nothing.
#[utoipa::path(
    tag = "budgets",
    security(("session" = []), ("api_key" = ["read"])),
    params(("budgetId" = Uuid, Path, description = "The budget")),
    responses((status = 200, description = "How it stands", body = BudgetStatus))
)]
#[get("/budgets/{budgetId}/status")]
async fn get_budget_status(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    id: Path<Uuid>,
) -> ApiResult<web::Json<BudgetStatus>> {
    let mut tx = state.db.analytics(ctx.organization).await?;
    let budget = service::seen(&mut tx, &ctx, id.0).await?;
    let calendar = service::calendar(&mut tx, ctx.organization).await?;
    let status = status::of(&mut tx, ctx.organization, calendar, budget, ctx.now()).await?;
    tx.commit().await?;
    Ok(web::Json(status))
}

/// A project's cost thresholds
#[utoipa::path(
    tag = "budgets",
    security(("session" = []), ("api_key" = ["read"])),
    params(("projectId" = Uuid, Path, description = "The project")),
    responses((status = 200, description = "What it may cost a day and a week", body = CostThresholds))
)]
#[get("/projects/{projectId}/cost-thresholds")]
async fn get_cost_thresholds(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    id: Path<Uuid>,
) -> ApiResult<web::Json<CostThresholds>> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let project = projects::seen(&mut tx, &ctx, id.0).await?;
    let thresholds = limits::of(&mut tx, ctx.organization, project.id).await?;
    tx.commit().await?;
    Ok(web::Json(thresholds))
}

/// Set a project's cost thresholds
///
/// What it may cost a day and a week, in the organization's calendar. They are budgets of the kind `limit`, and stand as
/// those do.
#[utoipa::path(
    tag = "budgets",
    params(("projectId" = Uuid, Path, description = "The project")),
    request_body = CostThresholdsRequest,
    responses((status = 200, description = "As they are now", body = CostThresholds))
)]
#[put("/projects/{projectId}/cost-thresholds")]
async fn set_cost_thresholds(
    ctx: Ctx,
    state: web::Data<State>,
    id: Path<Uuid>,
    body: Json<CostThresholdsRequest>,
) -> ApiResult<web::Json<CostThresholds>> {
    ctx.require(Permission::BudgetsWrite)?;
    Ok(web::Json(limits::set(&state, &ctx, id.0, &body.0).await?))
}

/// Exchange rates, by currency, the latest first
#[utoipa::path(
    tag = "budgets",
    security(("session" = []), ("api_key" = ["read"])),
    params(ListQuery),
    responses((status = 200, description = "Rates of one US dollar", body = Page<FxRate>))
)]
#[get("/fx-rates")]
async fn list_fx_rates(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    query: Query<ListQuery>,
) -> ApiResult<web::Json<Page<FxRate>>> {
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let rows = fx::list(&mut tx, ctx.organization, keyset.after.as_ref(), keyset.fetch()).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(rows, |rate| (rate.currency.clone(), rate.date))))
}

/// Say what a US dollar is in another currency
///
/// From a day on, until the next one: what costs something in that currency counts by the rate of its own day. The same day
/// again mends it. Budgets' amounts keep the rate that they were set with, until another is set.
#[utoipa::path(tag = "budgets", request_body = SetFxRateRequest, responses((status = 200, description = "It holds", body = FxRate)))]
#[put("/fx-rates")]
async fn set_fx_rate(ctx: Ctx, state: web::Data<State>, body: Json<SetFxRateRequest>) -> ApiResult<web::Json<FxRate>> {
    ctx.require(Permission::BudgetsWrite)?;
    Ok(web::Json(fx::set(&state, &ctx, &body.0).await?))
}
