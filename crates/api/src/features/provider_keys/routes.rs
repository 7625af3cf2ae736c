//! `/api/user/api-keys`.

use actix_web::{HttpResponse, delete, get, post, web};
use finops_contract::provider_keys::{KeyService, ProviderKey, StoreProviderKeyRequest};
use finops_contract::{ErrorCode, Page};

use super::service;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Json, Path};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config.service(list_provider_keys).service(store_provider_key).service(delete_provider_key);
}

/// One's own keys at providers
///
/// Masked: a key never comes back.
#[utoipa::path(
    tag = "provider keys",
    responses((status = 200, description = "Keys by service", body = Page<ProviderKey>))
)]
#[get("/user/api-keys")]
async fn list_provider_keys(ctx: Ctx, state: web::Data<State>) -> ApiResult<web::Json<Page<ProviderKey>>> {
    Ok(web::Json(Page::whole(service::list(&state, &ctx).await?)))
}

/// Store one's own key at a provider
///
/// Encrypted. There is one a service: it takes the place of the one before.
#[utoipa::path(
    tag = "provider keys",
    request_body = StoreProviderKeyRequest,
    responses((status = 201, description = "Stored", body = ProviderKey))
)]
#[post("/user/api-keys")]
async fn store_provider_key(
    ctx: Ctx,
    state: web::Data<State>,
    body: Json<StoreProviderKeyRequest>,
) -> ApiResult<HttpResponse> {
    Ok(HttpResponse::Created().json(service::store(&state, ctx, &body.0).await?))
}

/// Delete one's own key at a provider
///
/// It is erased.
#[utoipa::path(
    tag = "provider keys",
    params(("service" = KeyService, Path, description = "Whose key it is")),
    responses((status = 204, description = "Deleted"))
)]
#[delete("/user/api-keys/{service}")]
async fn delete_provider_key(ctx: Ctx, state: web::Data<State>, service: Path<String>) -> ApiResult<HttpResponse> {
    let service = KeyService::from_name(&service.0).ok_or(ErrorCode::NotFound)?;
    service::delete(&state, ctx, service).await?;
    Ok(HttpResponse::NoContent().finish())
}
