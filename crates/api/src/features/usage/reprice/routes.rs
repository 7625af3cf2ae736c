//! `/api/prices/reprice`, and what it came to.

use actix_web::{HttpResponse, get, post, web};
use finops_contract::reprices::{Reprice, RepriceReport, RepriceRequest, UnpricedModel, UnpricedQuery};
use finops_contract::{ErrorCode, ListQuery, Page};
use uuid::Uuid;

use super::super::unpriced;
use super::{Wish, request, store};
use crate::features::Shared;
use crate::platform::auth::Permission;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Json, Path, Query};
use crate::platform::state::State;

/// The routes of pricing anew.
pub(in super::super) fn routes(config: &mut Routes<'_>) {
    config.service(reprice_events).service(list_reprices).service(get_reprice).service(list_unpriced_models);
}

/// Price past events anew, or see what that would change
///
/// By the book as it is now. It runs in the background: ask for `/prices/reprices/{repriceId}` until it is done.
#[utoipa::path(
    tag = "prices",
    request_body = RepriceRequest,
    responses((status = 202, description = "It has begun", body = Reprice))
)]
#[post("/prices/reprice")]
async fn reprice_events(ctx: Ctx, state: web::Data<State>, body: Json<RepriceRequest>) -> ApiResult<HttpResponse> {
    ctx.require(Permission::PricesWrite)?;
    let wish = Wish::read(body.0)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let id = request(&mut tx, &ctx, &wish).await?;
    let one = Keyset { limit: 1, after: None };
    let begun = store::list(&mut tx, ctx.organization, Some(id), &one).await?.pop().ok_or(ErrorCode::NotFound)?;
    tx.commit().await?;
    state.nudge.nudge();
    Ok(HttpResponse::Accepted().json(begun))
}

/// What was priced anew, the latest first
#[utoipa::path(tag = "prices", params(ListQuery), responses((status = 200, description = "Runs", body = Page<Reprice>)))]
#[get("/prices/reprices")]
async fn list_reprices(
    ctx: Ctx,
    state: web::Data<State>,
    query: Query<ListQuery>,
) -> ApiResult<web::Json<Page<Reprice>>> {
    ctx.require(Permission::PricesWrite)?;
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let rows = store::list(&mut tx, ctx.organization, None, &keyset).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(rows, |run| run.id)))
}

/// What pricing anew comes to, by model and project
#[utoipa::path(
    tag = "prices",
    params(("repriceId" = Uuid, Path, description = "The run")),
    responses((status = 200, description = "The difference so far", body = RepriceReport))
)]
#[get("/prices/reprices/{repriceId}")]
async fn get_reprice(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<web::Json<RepriceReport>> {
    ctx.require(Permission::PricesWrite)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let one = Keyset { limit: 1, after: None };
    let found = store::list(&mut tx, ctx.organization, Some(id.0), &one).await?.pop();
    let reprice = found.ok_or(ErrorCode::NotFound)?;
    let differences = store::differences(&mut tx, ctx.organization, id.0).await?;
    tx.commit().await?;
    Ok(web::Json(RepriceReport { reprice, differences }))
}

/// Models that events have no price of, the most events first
///
/// At most 200 of them. What has a price by now gets it when its events are priced anew.
#[utoipa::path(tag = "prices", params(UnpricedQuery), responses((status = 200, description = "Models without a price", body = Page<UnpricedModel>)))]
#[get("/prices/unpriced")]
async fn list_unpriced_models(
    ctx: Ctx,
    state: web::Data<State>,
    shared: web::Data<Shared>,
    query: Query<UnpricedQuery>,
) -> ApiResult<web::Json<Page<UnpricedModel>>> {
    let book = shared.books.of(ctx.organization).await?;
    let mut tx = state.db.analytics(ctx.organization).await?;
    let models = unpriced::list(&mut tx, &ctx, &book, &query.0).await?;
    tx.commit().await?;
    Ok(web::Json(Page::whole(models)))
}
