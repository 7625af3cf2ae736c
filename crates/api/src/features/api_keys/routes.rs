//! `/api/api-keys`.

use actix_web::{HttpResponse, delete, get, post, web};
use finops_contract::api_keys::{ApiKey, CreateApiKeyRequest, CreatedApiKey, RotateApiKeyRequest};
use finops_contract::{ListQuery, Page};
use uuid::Uuid;

use super::service;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Json, Path, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config
        .service(list_api_keys)
        .service(create_api_key)
        .service(get_api_key)
        .service(rotate_api_key)
        .service(revoke_api_key);
}

/// The API keys that one manages
///
/// One's own; administrators see everybody's. Masked: a key never comes back.
#[utoipa::path(
    tag = "api keys",
    params(ListQuery),
    responses((status = 200, description = "Keys, the newest first", body = Page<ApiKey>))
)]
#[get("/api-keys")]
async fn list_api_keys(
    ctx: Ctx,
    state: web::Data<State>,
    query: Query<ListQuery>,
) -> ApiResult<web::Json<Page<ApiKey>>> {
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let keys = service::list(&state, &ctx, keyset.after, keyset.fetch()).await?;
    Ok(web::Json(keyset.page(keys, |key| key.id)))
}

/// Make an API key
///
/// Its text is shown this once. A key never does more than its maker may, so a `user` binds it to a project that they see.
#[utoipa::path(
    tag = "api keys",
    request_body = CreateApiKeyRequest,
    responses((status = 201, description = "Made", body = CreatedApiKey))
)]
#[post("/api-keys")]
async fn create_api_key(ctx: Ctx, state: web::Data<State>, body: Json<CreateApiKeyRequest>) -> ApiResult<HttpResponse> {
    Ok(HttpResponse::Created().json(service::create(&state, &ctx, &body.0).await?))
}

/// An API key
#[utoipa::path(
    tag = "api keys",
    params(("apiKeyId" = Uuid, Path, description = "The key")),
    responses((status = 200, description = "The key, masked", body = ApiKey))
)]
#[get("/api-keys/{apiKeyId}")]
async fn get_api_key(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<web::Json<ApiKey>> {
    Ok(web::Json(service::get(&state, &ctx, id.0).await?))
}

/// Give an API key another text
///
/// It stays the same key. The new text is shown this once; the old one works beside it for as long as was asked for.
#[utoipa::path(
    tag = "api keys",
    params(("apiKeyId" = Uuid, Path, description = "The key")),
    request_body = RotateApiKeyRequest,
    responses((status = 200, description = "Rotated", body = CreatedApiKey))
)]
#[post("/api-keys/{apiKeyId}/rotate")]
async fn rotate_api_key(
    ctx: Ctx,
    state: web::Data<State>,
    id: Path<Uuid>,
    body: Json<RotateApiKeyRequest>,
) -> ApiResult<web::Json<CreatedApiKey>> {
    Ok(web::Json(service::rotate(&state, &ctx, id.0, &body.0).await?))
}

/// Revoke an API key
///
/// Within a second it opens nothing any more, everywhere. What was reported with it keeps its name.
#[utoipa::path(
    tag = "api keys",
    params(("apiKeyId" = Uuid, Path, description = "The key")),
    responses((status = 204, description = "Revoked"))
)]
#[delete("/api-keys/{apiKeyId}")]
async fn revoke_api_key(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<HttpResponse> {
    service::revoke(&state, &ctx, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
