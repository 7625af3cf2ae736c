//! `/api/costs`.

use actix_web::{get, web};
use finops_contract::costs::{CostSummary, CostSummaryQuery, CostsAnswer, CostsQuery, EventCostsQuery};

use super::events::{self, By};
use super::query::{self, Parsed};
use super::summary;
use crate::platform::http::ctx::Read;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Keyed, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config
        .service(get_cost_summary)
        .service(query_costs)
        .service(get_costs_by_service)
        .service(get_costs_by_learner)
        .service(get_costs_by_project);
}

/// What the home page shows first
///
/// Today so far; yesterday, last week, last month and this month beside the periods before them; the trend, the dearest
/// projects, and what is worth doing. Days are the provider's: UTC. What the bill does not have yet is estimated from what
/// the provider measured, else from events: every figure names its `basis`.
#[utoipa::path(
    tag = "costs",
    security(("session" = []), ("api_key" = ["read"])),
    params(CostSummaryQuery),
    responses((status = 200, description = "The summary", body = CostSummary))
)]
#[get("/costs/summary")]
async fn get_cost_summary(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    query: Query<CostSummaryQuery>,
) -> ApiResult<web::Json<CostSummary>> {
    let mut tx = state.db.analytics(ctx.organization).await?;
    let summary = summary::answer(&mut tx, &ctx, &query.0).await?;
    tx.commit().await?;
    Ok(web::Json(summary))
}

/// Costs by whatever they are grouped by
///
/// Exact sums. Per project, provider and UTC day the figure is the billed one where it has arrived, else the provider's
/// metered usage, else events; never two of them. With `basis` one ledger alone is told, the metered ones by the
/// organization's own days. What belongs to no project has `"project":null`. Rows come by day if grouped by it, then the
/// dearest first; `totals` is the sum of all pages.
#[utoipa::path(
    tag = "costs",
    security(("session" = []), ("api_key" = ["read"])),
    params(CostsQuery),
    responses((status = 200, description = "The rows", body = CostsAnswer))
)]
#[get("/costs/query")]
async fn query_costs(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    query: Query<CostsQuery>,
) -> ApiResult<web::Json<CostsAnswer>> {
    let parsed = Parsed::read(&query.0)?;
    let mut tx = state.db.analytics(ctx.organization).await?;
    let answer = query::answer(&mut tx, &ctx, parsed).await?;
    tx.commit().await?;
    Ok(web::Json(answer))
}

/// Costs of events by service
///
/// What each service of the caller's own system spent, by the calls that were reported. Calls that named none have
/// `"service":null`.
#[utoipa::path(
    tag = "costs",
    security(("session" = []), ("api_key" = ["read"])),
    params(EventCostsQuery),
    responses((status = 200, description = "The rows", body = CostsAnswer))
)]
#[get("/costs/by-service")]
async fn get_costs_by_service(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    query: Query<EventCostsQuery>,
) -> ApiResult<web::Json<CostsAnswer>> {
    of_events(&ctx, &state, &query.0, By::Service).await
}

/// Costs of events by learner
///
/// What was spent on behalf of each learner, by the calls that were reported with one.
#[utoipa::path(
    tag = "costs",
    security(("session" = []), ("api_key" = ["read"])),
    params(EventCostsQuery),
    responses((status = 200, description = "The rows", body = CostsAnswer))
)]
#[get("/costs/by-learner")]
async fn get_costs_by_learner(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    query: Query<EventCostsQuery>,
) -> ApiResult<web::Json<CostsAnswer>> {
    of_events(&ctx, &state, &query.0, By::Learner).await
}

/// Costs of events by project
///
/// What each project spent by the calls that were reported, whatever its bill says. Calls that belong to none have
/// `"project":null`.
#[utoipa::path(
    tag = "costs",
    security(("session" = []), ("api_key" = ["read"])),
    params(EventCostsQuery),
    responses((status = 200, description = "The rows", body = CostsAnswer))
)]
#[get("/costs/by-project")]
async fn get_costs_by_project(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    query: Query<EventCostsQuery>,
) -> ApiResult<web::Json<CostsAnswer>> {
    of_events(&ctx, &state, &query.0, By::Project).await
}

async fn of_events(ctx: &Ctx, state: &State, query: &EventCostsQuery, by: By) -> ApiResult<web::Json<CostsAnswer>> {
    let parsed = events::Parsed::read(by, query)?;
    let mut tx = state.db.analytics(ctx.organization).await?;
    let answer = events::answer(&mut tx, ctx, &parsed).await?;
    tx.commit().await?;
    Ok(web::Json(answer))
}
