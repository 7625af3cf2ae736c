//! `/api/deliveries`.

use actix_web::{get, post, web};
use finops_contract::Page;
use finops_contract::deliveries::{DeliveriesQuery, Delivery, DeliveryDetail};
use uuid::Uuid;

use super::{service, store};
use crate::platform::auth::Permission;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Path, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config.service(list_deliveries).service(get_delivery).service(resend_delivery);
}

/// What was told, the newest first
///
/// Kept for 90 days.
#[utoipa::path(
    tag = "deliveries",
    params(DeliveriesQuery),
    responses((status = 200, description = "Deliveries", body = Page<Delivery>))
)]
#[get("/deliveries")]
async fn list_deliveries(
    ctx: Ctx,
    state: web::Data<State>,
    query: Query<DeliveriesQuery>,
) -> ApiResult<web::Json<Page<Delivery>>> {
    ctx.require(Permission::ChannelsWrite)?;
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let filter = store::Filter::of(&query.0, keyset.after);
    let mut tx = state.db.tenant(ctx.organization).await?;
    let deliveries = store::list(&mut tx, ctx.organization, filter, keyset.fetch()).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(deliveries, |delivery| delivery.id)))
}

/// A delivery, with its text and every attempt
#[utoipa::path(
    tag = "deliveries",
    params(("deliveryId" = Uuid, Path, description = "The delivery")),
    responses((status = 200, description = "The delivery", body = DeliveryDetail))
)]
#[get("/deliveries/{deliveryId}")]
async fn get_delivery(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<web::Json<DeliveryDetail>> {
    ctx.require(Permission::ChannelsWrite)?;
    Ok(web::Json(service::detail(&state, &ctx, id.0).await?))
}

/// Send a message that was given up again
///
/// At once, under the same id, and by a new schedule. Its channel must take messages.
#[utoipa::path(
    tag = "deliveries",
    params(("deliveryId" = Uuid, Path, description = "The delivery")),
    responses((status = 200, description = "It goes out next", body = DeliveryDetail))
)]
#[post("/deliveries/{deliveryId}/resend")]
async fn resend_delivery(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<web::Json<DeliveryDetail>> {
    ctx.require(Permission::ChannelsWrite)?;
    Ok(web::Json(service::resend(&state, &ctx, id.0).await?))
}
