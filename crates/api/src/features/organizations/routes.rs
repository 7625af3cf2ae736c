//! `/api/organization` and `/api/organizations`.

use actix_web::{HttpResponse, delete, get, patch, web};
use finops_contract::accounts::Role;
use finops_contract::organizations::{Member, Organization, UpdateMemberRequest, UpdateOrganizationRequest};
use finops_contract::{ErrorCode, ListQuery, Page};
use serde_json::json;
use uuid::Uuid;

use super::{domain, store};
use crate::features::{accounts, audit, budgets, provider_keys};
use crate::platform::auth::Permission;
use crate::platform::db::Tx;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiError, ApiResult, Ctx, Json, Path, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config
        .service(get_organization)
        .service(update_organization)
        .service(list_members)
        .service(update_member)
        .service(remove_member)
        .service(list_organizations);
}

/// The organization that one acts in
#[utoipa::path(tag = "organization", responses((status = 200, description = "The organization", body = Organization)))]
#[get("/organization")]
async fn get_organization(ctx: Ctx, state: web::Data<State>) -> ApiResult<web::Json<Organization>> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let organization = store::find(&mut tx, ctx.organization).await?.ok_or(ErrorCode::NotFound)?;
    tx.commit().await?;
    Ok(web::Json(organization))
}

/// Change the organization's settings
#[utoipa::path(tag = "organization", request_body = UpdateOrganizationRequest, responses((status = 200, description = "As it is now", body = Organization)))]
#[patch("/organization")]
async fn update_organization(
    ctx: Ctx,
    state: web::Data<State>,
    body: Json<UpdateOrganizationRequest>,
) -> ApiResult<web::Json<Organization>> {
    ctx.require(Permission::OrganizationWrite)?;
    domain::check(&body.0)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let before = store::find(&mut tx, ctx.organization).await?.ok_or(ErrorCode::NotFound)?;
    let after = store::update(&mut tx, ctx.organization, &body.0).await?;
    if domain::is_another_calendar(&before, &after) {
        budgets::check_soon(&mut tx, ctx.organization).await?;
    }
    let change = audit::Change::new("organization.update", after.id, after.name.clone()).before(before).after(&after);
    audit::record(&mut tx, &ctx, change).await?;
    tx.commit().await?;
    Ok(web::Json(after))
}

/// Every organization of the platform
#[utoipa::path(tag = "organization", params(ListQuery), responses((status = 200, description = "Organizations", body = Page<Organization>)))]
#[get("/organizations")]
async fn list_organizations(
    ctx: Ctx,
    state: web::Data<State>,
    query: Query<ListQuery>,
) -> ApiResult<web::Json<Page<Organization>>> {
    ctx.require(Permission::OrganizationsRead)?;
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = state.db.platform().await?;
    let rows = store::list(&mut tx, keyset.after, keyset.fetch()).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(rows, |organization| organization.id)))
}

/// The people of the organization
#[utoipa::path(tag = "organization", params(ListQuery), responses((status = 200, description = "People", body = Page<Member>)))]
#[get("/organization/members")]
async fn list_members(
    ctx: Ctx,
    state: web::Data<State>,
    query: Query<ListQuery>,
) -> ApiResult<web::Json<Page<Member>>> {
    ctx.require(Permission::MembersWrite)?;
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let rows = store::list_members(&mut tx, ctx.organization, keyset.after, keyset.fetch()).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(rows, |member| member.user_id)))
}

/// The member that is about to be changed, if the caller may change them.
async fn changeable(tx: &mut Tx, ctx: &Ctx, user: Uuid, becomes: Option<Role>) -> ApiResult<Member> {
    let member = store::lock_member(tx, ctx.organization, user).await?.ok_or(ErrorCode::NotFound)?;
    if member.role > ctx.role {
        return Err(ErrorCode::Forbidden.into());
    }
    let leaves = |role: Role| member.role >= role && becomes.is_none_or(|becomes| becomes < role);
    if leaves(Role::TenantAdmin) && store::other_administrators(tx, ctx.organization, user).await? == 0 {
        return Err(ErrorCode::LastAdministrator.into());
    }
    // Of those who run the platform, the others may be anywhere on it.
    if leaves(Role::Admin) && store::lock_other_platform_administrators(tx, user).await? == 0 {
        return Err(ErrorCode::LastAdministrator.into());
    }
    Ok(member)
}

/// Change what somebody may do
#[utoipa::path(
    tag = "organization",
    params(("userId" = Uuid, Path, description = "The account")),
    request_body = UpdateMemberRequest,
    responses((status = 200, description = "As they are now", body = Member))
)]
#[patch("/organization/members/{userId}")]
async fn update_member(
    ctx: Ctx,
    state: web::Data<State>,
    id: Path<Uuid>,
    body: Json<UpdateMemberRequest>,
) -> ApiResult<web::Json<Member>> {
    ctx.require(Permission::MembersWrite)?;
    if body.0.role > ctx.role {
        return Err(ApiError::field("/role", "range", "no higher than your own role"));
    }
    let mut tx = state.db.tenant(ctx.organization).await?;
    let before = changeable(&mut tx, &ctx, id.0, Some(body.0.role)).await?;
    store::set_role(&mut tx, ctx.organization, id.0, body.0.role).await?;
    let change = audit::Change::new("member.update", id.0, before.email.clone());
    let change = change.before(json!({"role": before.role})).after(json!({"role": body.0.role}));
    audit::record(&mut tx, &ctx, change).await?;
    tx.commit().await?;
    Ok(web::Json(Member { role: body.0.role, ..before }))
}

/// Remove somebody from the organization
///
/// Their sessions end at once, their API keys within a second; their provider keys are erased. What they did keeps their
/// name.
#[utoipa::path(tag = "organization", params(("userId" = Uuid, Path, description = "The account")), responses((status = 204, description = "Removed")))]
#[delete("/organization/members/{userId}")]
async fn remove_member(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<HttpResponse> {
    ctx.require(Permission::MembersWrite)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let member = changeable(&mut tx, &ctx, id.0, None).await?;
    store::remove_member(&mut tx, ctx.organization, id.0, ctx.now()).await?;
    accounts::end_sessions(&mut tx, ctx.organization, id.0, None, ctx.now()).await?;
    provider_keys::forget(&mut tx, ctx.organization, id.0).await?;
    let change = audit::Change::new("member.remove", id.0, member.email.clone()).before(json!({"role": member.role}));
    audit::record(&mut tx, &ctx, change).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}
