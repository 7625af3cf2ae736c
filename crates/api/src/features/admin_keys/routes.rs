//! `/api/teams/{teamId}/admin-keys`.

use actix_web::{HttpResponse, delete, get, post, web};
use finops_contract::admin_keys::{AdminKey, RegisterAdminKeyRequest, RegisteredAdminKey, RotateAdminKeyRequest};
use finops_contract::{ListQuery, Page};
use uuid::Uuid;

use super::{service, store};
use crate::features::teams;
use crate::platform::auth::Permission;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Json, Path, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config
        .service(list_admin_keys)
        .service(register_admin_key)
        .service(rotate_admin_key)
        .service(verify_admin_key)
        .service(deactivate_admin_key)
        .service(activate_admin_key)
        .service(delete_admin_key);
}

/// A team's admin keys
///
/// Masked: a key never comes back.
#[utoipa::path(
    tag = "admin keys",
    params(("teamId" = Uuid, Path, description = "The team"), ListQuery),
    responses((status = 200, description = "Keys, the newest first", body = Page<AdminKey>))
)]
#[get("/teams/{teamId}/admin-keys")]
async fn list_admin_keys(
    ctx: Ctx,
    state: web::Data<State>,
    team: Path<Uuid>,
    query: Query<ListQuery>,
) -> ApiResult<web::Json<Page<AdminKey>>> {
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    teams::seen(&mut tx, &ctx, team.0).await?;
    let keys = store::list(&mut tx, ctx.organization, team.0, keyset.after, keyset.fetch()).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(keys, |key| key.id)))
}

/// Register a team's admin key
///
/// The provider is asked about it first. One active key per team and provider. The last 180 days are collected at once.
#[utoipa::path(
    tag = "admin keys",
    params(("teamId" = Uuid, Path, description = "The team")),
    request_body = RegisterAdminKeyRequest,
    responses((status = 201, description = "Stored; `pending` when the provider did not answer", body = RegisteredAdminKey))
)]
#[post("/teams/{teamId}/admin-keys")]
async fn register_admin_key(
    ctx: Ctx,
    state: web::Data<State>,
    team: Path<Uuid>,
    body: Json<RegisterAdminKeyRequest>,
) -> ApiResult<HttpResponse> {
    ctx.require(Permission::AdminKeysWrite)?;
    Ok(HttpResponse::Created().json(service::register(&state, &ctx, team.0, &body.0).await?))
}

/// Put a new key in the place of one
#[utoipa::path(
    tag = "admin keys",
    params(("teamId" = Uuid, Path, description = "The team"), ("keyId" = Uuid, Path, description = "The key")),
    request_body = RotateAdminKeyRequest,
    responses((status = 200, description = "Rotated", body = RegisteredAdminKey))
)]
#[post("/teams/{teamId}/admin-keys/{keyId}/rotate")]
async fn rotate_admin_key(
    ctx: Ctx,
    state: web::Data<State>,
    ids: Path<(Uuid, Uuid)>,
    body: Json<RotateAdminKeyRequest>,
) -> ApiResult<web::Json<RegisteredAdminKey>> {
    ctx.require(Permission::AdminKeysWrite)?;
    Ok(web::Json(service::rotate(&state, &ctx, ids.0.0, ids.0.1, &body.0.key).await?))
}

/// Ask the provider about a key again
#[utoipa::path(
    tag = "admin keys",
    params(("teamId" = Uuid, Path, description = "The team"), ("keyId" = Uuid, Path, description = "The key")),
    responses((status = 200, description = "What the provider says", body = AdminKey))
)]
#[post("/teams/{teamId}/admin-keys/{keyId}/verify")]
async fn verify_admin_key(
    ctx: Ctx,
    state: web::Data<State>,
    ids: Path<(Uuid, Uuid)>,
) -> ApiResult<web::Json<AdminKey>> {
    ctx.require(Permission::AdminKeysWrite)?;
    Ok(web::Json(service::verify(&state, &ctx, ids.0.0, ids.0.1).await?))
}

/// Stop using a key
#[utoipa::path(
    tag = "admin keys",
    params(("teamId" = Uuid, Path, description = "The team"), ("keyId" = Uuid, Path, description = "The key")),
    responses((status = 200, description = "Stopped; nothing is collected with it", body = AdminKey))
)]
#[post("/teams/{teamId}/admin-keys/{keyId}/deactivate")]
async fn deactivate_admin_key(
    ctx: Ctx,
    state: web::Data<State>,
    ids: Path<(Uuid, Uuid)>,
) -> ApiResult<web::Json<AdminKey>> {
    ctx.require(Permission::AdminKeysWrite)?;
    Ok(web::Json(service::set_active(&state, &ctx, ids.0.0, ids.0.1, false).await?))
}

/// Use a key again
#[utoipa::path(
    tag = "admin keys",
    params(("teamId" = Uuid, Path, description = "The team"), ("keyId" = Uuid, Path, description = "The key")),
    responses((status = 200, description = "In use; what was missed is collected", body = AdminKey))
)]
#[post("/teams/{teamId}/admin-keys/{keyId}/activate")]
async fn activate_admin_key(
    ctx: Ctx,
    state: web::Data<State>,
    ids: Path<(Uuid, Uuid)>,
) -> ApiResult<web::Json<AdminKey>> {
    ctx.require(Permission::AdminKeysWrite)?;
    Ok(web::Json(service::set_active(&state, &ctx, ids.0.0, ids.0.1, true).await?))
}

/// Delete a key
///
/// Its secret is erased. What was collected with it stays.
#[utoipa::path(
    tag = "admin keys",
    params(("teamId" = Uuid, Path, description = "The team"), ("keyId" = Uuid, Path, description = "The key")),
    responses((status = 204, description = "Deleted"))
)]
#[delete("/teams/{teamId}/admin-keys/{keyId}")]
async fn delete_admin_key(ctx: Ctx, state: web::Data<State>, ids: Path<(Uuid, Uuid)>) -> ApiResult<HttpResponse> {
    ctx.require(Permission::AdminKeysWrite)?;
    service::delete(&state, &ctx, ids.0.0, ids.0.1).await?;
    Ok(HttpResponse::NoContent().finish())
}
