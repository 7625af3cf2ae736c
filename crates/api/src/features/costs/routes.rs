//! `/api/costs`.

use actix_web::{get, web};
use finops_contract::costs::{CostSummary, CostSummaryQuery, CostsAnswer, CostsQuery};
use utoipa_actix_web::service_config::ServiceConfig;

use super::query::{self, Parsed};
use super::summary;
use crate::platform::http::ctx::Read;
use crate::platform::http::{ApiResult, Keyed, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_cost_summary).service(query_costs);
}

/// What the home page shows first
///
/// Yesterday, last week, last month and this month beside the periods before them, the trend, the dearest projects, and
/// what is worth doing. Days are the provider's: UTC.
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
/// Exact sums of the provider's bill. What belongs to no project has `"project":null`. Rows come by day if grouped by it,
/// then the dearest first; `totals` is the sum of all pages.
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
    let answer = query::answer(&mut tx, &ctx, &parsed).await?;
    tx.commit().await?;
    Ok(web::Json(answer))
}
