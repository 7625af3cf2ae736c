//! `/api/prices`.

use actix_web::{HttpResponse, delete, get, post, web};
use finops_contract::prices::{
    CreatePriceOverrideRequest, PriceChange, PriceChangeState, PriceChangesQuery, PriceEntry, PriceOverride,
    PriceVersion, PricesQuery, ResolvePriceQuery, ResolvedPrice,
};
use finops_contract::{ListQuery, Page};
use uuid::Uuid;

use super::{decide, explain, list, negotiated, service};
use crate::features::Shared;
use crate::platform::auth::Permission;
use crate::platform::http::ctx::Read;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Json, Keyed, Path, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config
        .service(list_price_versions)
        .service(list_price_overrides)
        .service(create_price_override)
        .service(end_price_override)
        .service(list_price_changes)
        .service(confirm_price_change)
        .service(dismiss_price_change)
        .service(resolve_price)
        .service(list_prices);
}

/// The public prices, by provider and model
///
/// USD a single unit. What the organization negotiated is not among them: see `/prices/overrides` and `/prices/resolve`.
#[utoipa::path(tag = "prices", security(("session" = []), ("api_key" = ["read"])), params(PricesQuery), responses((status = 200, description = "Entries of the book", body = Page<PriceEntry>)))]
#[get("/prices")]
async fn list_prices(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    query: Query<PricesQuery>,
) -> ApiResult<web::Json<Page<PriceEntry>>> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let page = list::entries(&mut tx, &query.0, ctx.now()).await?;
    tx.commit().await?;
    Ok(web::Json(page))
}

/// Every time that the public prices changed, the latest first
#[utoipa::path(tag = "prices", security(("session" = []), ("api_key" = ["read"])), params(ListQuery), responses((status = 200, description = "Versions of the book", body = Page<PriceVersion>)))]
#[get("/prices/versions")]
async fn list_price_versions(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    query: Query<ListQuery>,
) -> ApiResult<web::Json<Page<PriceVersion>>> {
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let rows = list::versions(&mut tx, &keyset).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(rows, |version| version.number)))
}

/// What a call would be priced with
///
/// Which entry of the book a name stands for and how it was found, and what the organization pays for every kind of unit.
#[utoipa::path(tag = "prices", security(("session" = []), ("api_key" = ["read"])), params(ResolvePriceQuery), responses((status = 200, description = "The entry and its prices, or why there is none", body = ResolvedPrice)))]
#[get("/prices/resolve")]
async fn resolve_price(
    ctx: Keyed<Read>,
    shared: web::Data<Shared>,
    query: Query<ResolvePriceQuery>,
) -> ApiResult<web::Json<ResolvedPrice>> {
    let book = shared.books.of(ctx.organization).await?;
    Ok(web::Json(explain::explain(&book, &query.0, ctx.now())))
}

/// What the organization negotiated, the latest first
///
/// With what has ended.
#[utoipa::path(tag = "prices", params(ListQuery), responses((status = 200, description = "Prices and discounts of its own", body = Page<PriceOverride>)))]
#[get("/prices/overrides")]
async fn list_price_overrides(
    ctx: Ctx,
    state: web::Data<State>,
    query: Query<ListQuery>,
) -> ApiResult<web::Json<Page<PriceOverride>>> {
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let rows = negotiated::list(&mut tx, ctx.organization, None, &keyset).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(rows, |own| own.id)))
}

/// Say what was negotiated
///
/// A price, a discount, or a name of the organization's own for a model of the book. It holds from now on, or from a time
/// that is past if the events since then are priced anew.
#[utoipa::path(
    tag = "prices",
    request_body = CreatePriceOverrideRequest,
    responses((status = 201, description = "It holds", body = PriceOverride))
)]
#[post("/prices/overrides")]
async fn create_price_override(
    ctx: Ctx,
    state: web::Data<State>,
    shared: web::Data<Shared>,
    body: Json<CreatePriceOverrideRequest>,
) -> ApiResult<HttpResponse> {
    ctx.require(Permission::PricesWrite)?;
    Ok(HttpResponse::Created().json(service::negotiate(&state, &shared.books, &ctx, &body.0).await?))
}

/// End something negotiated
///
/// It holds no more from now on. What was priced with it stays so.
#[utoipa::path(
    tag = "prices",
    params(("overrideId" = Uuid, Path, description = "The price, discount or name")),
    responses((status = 204, description = "It holds no more"))
)]
#[delete("/prices/overrides/{overrideId}")]
async fn end_price_override(
    ctx: Ctx,
    state: web::Data<State>,
    shared: web::Data<Shared>,
    id: Path<Uuid>,
) -> ApiResult<HttpResponse> {
    ctx.require(Permission::PricesWrite)?;
    service::end(&state, &shared.books, &ctx, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Changes of the public prices that wait for an administrator of the platform, the latest first
#[utoipa::path(tag = "prices", params(PriceChangesQuery), responses((status = 200, description = "Changes", body = Page<PriceChange>)))]
#[get("/prices/changes")]
async fn list_price_changes(
    ctx: Ctx,
    state: web::Data<State>,
    query: Query<PriceChangesQuery>,
) -> ApiResult<web::Json<Page<PriceChange>>> {
    ctx.require(Permission::PricesPublish)?;
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let wanted = query.0.state.unwrap_or(PriceChangeState::Pending);
    let mut tx = state.db.platform().await?;
    let rows = list::changes(&mut tx, Some(wanted), None, &keyset).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(rows, |change| change.id)))
}

/// Believe a change of the public prices
///
/// It holds from now on, for every organization.
#[utoipa::path(
    tag = "prices",
    params(("changeId" = Uuid, Path, description = "The change")),
    responses((status = 200, description = "It holds", body = PriceChange))
)]
#[post("/prices/changes/{changeId}/confirm")]
async fn confirm_price_change(
    ctx: Ctx,
    state: web::Data<State>,
    shared: web::Data<Shared>,
    id: Path<Uuid>,
) -> ApiResult<web::Json<PriceChange>> {
    ctx.require(Permission::PricesPublish)?;
    let mut tx = state.db.platform().await?;
    let change = decide::confirm(&mut tx, &ctx, id.0).await?;
    tx.commit().await?;
    shared.books.changed();
    Ok(web::Json(change))
}

/// Do not believe a change of the public prices
///
/// The price stays, and the same change is not proposed again.
#[utoipa::path(
    tag = "prices",
    params(("changeId" = Uuid, Path, description = "The change")),
    responses((status = 200, description = "Dismissed", body = PriceChange))
)]
#[post("/prices/changes/{changeId}/dismiss")]
async fn dismiss_price_change(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<web::Json<PriceChange>> {
    ctx.require(Permission::PricesPublish)?;
    let mut tx = state.db.platform().await?;
    let change = decide::dismiss(&mut tx, &ctx, id.0).await?;
    tx.commit().await?;
    Ok(web::Json(change))
}
