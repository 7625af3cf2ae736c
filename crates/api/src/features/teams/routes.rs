//! `/api/teams`.

use actix_web::{HttpResponse, delete, get, patch, post, put, web};
use finops_contract::teams::{CreateTeamRequest, GroupMember, Team, UpdateTeamRequest};
use finops_contract::{ErrorCode, ListQuery, Page};
use serde_json::json;
use uuid::Uuid;

use super::{store, visibility};
use crate::features::{audit, blocks};
use crate::platform::auth::Permission;
use crate::platform::db::Tx;
use crate::platform::http::ctx::Read;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Json, Keyed, Path, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config
        .service(list_teams)
        .service(create_team)
        .service(get_team)
        .service(update_team)
        .service(delete_team)
        .service(list_team_members)
        .service(add_team_member)
        .service(remove_team_member);
}

/// A team that the caller sees; any other does not exist.
pub async fn seen(tx: &mut Tx, ctx: &Ctx, team: Uuid) -> ApiResult<Team> {
    if !visibility(tx, ctx).await?.sees_team(team) {
        return Err(ErrorCode::NotFound.into());
    }
    store::find(tx, ctx.organization, team).await?.ok_or_else(|| ErrorCode::NotFound.into())
}

/// The teams that one sees
#[utoipa::path(
    tag = "teams",
    security(("session" = []), ("api_key" = ["read"])),
    params(ListQuery),
    responses((status = 200, description = "Teams by name", body = Page<Team>))
)]
#[get("/teams")]
async fn list_teams(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    query: Query<ListQuery>,
) -> ApiResult<web::Json<Page<Team>>> {
    let keyset = Keyset::<(String, Uuid)>::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let visibility = visibility(&mut tx, &ctx).await?;
    let rows = store::list(&mut tx, ctx.organization, &visibility, keyset.after.as_ref(), keyset.fetch()).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(rows, |team| (team.name.clone(), team.id))))
}

/// Make a team
#[utoipa::path(tag = "teams", request_body = CreateTeamRequest, responses((status = 201, description = "Made", body = Team)))]
#[post("/teams")]
async fn create_team(ctx: Ctx, state: web::Data<State>, body: Json<CreateTeamRequest>) -> ApiResult<HttpResponse> {
    ctx.require(Permission::ProjectsWrite)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let team = store::insert(&mut tx, ctx.organization, &body.0.name, &ctx.clock).await?;
    let change = audit::Change::new("team.create", team.id, team.name.clone()).after(json!({"name": team.name}));
    audit::record(&mut tx, &ctx, change).await?;
    tx.commit().await?;
    Ok(HttpResponse::Created().json(team))
}

/// A team
#[utoipa::path(
    tag = "teams",
    security(("session" = []), ("api_key" = ["read"])),
    params(("teamId" = Uuid, Path, description = "The team")),
    responses((status = 200, description = "The team", body = Team))
)]
#[get("/teams/{teamId}")]
async fn get_team(ctx: Keyed<Read>, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<web::Json<Team>> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let team = seen(&mut tx, &ctx, id.0).await?;
    tx.commit().await?;
    Ok(web::Json(team))
}

/// Change a team
#[utoipa::path(
    tag = "teams",
    params(("teamId" = Uuid, Path, description = "The team")),
    request_body = UpdateTeamRequest,
    responses((status = 200, description = "As it is now", body = Team))
)]
#[patch("/teams/{teamId}")]
async fn update_team(
    ctx: Ctx,
    state: web::Data<State>,
    id: Path<Uuid>,
    body: Json<UpdateTeamRequest>,
) -> ApiResult<web::Json<Team>> {
    ctx.require(Permission::ProjectsWrite)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    store::lock(&mut tx, ctx.organization, id.0).await?;
    let before = seen(&mut tx, &ctx, id.0).await?;
    let UpdateTeamRequest { name, allow_provider_stops } = body.0;
    let after = Team {
        name: name.unwrap_or_else(|| before.name.clone()),
        allow_provider_stops: allow_provider_stops.unwrap_or(before.allow_provider_stops),
        ..before.clone()
    };
    if after != before {
        store::update(&mut tx, ctx.organization, &after).await?;
        let said = |team: &Team| json!({"name": team.name, "allowProviderStops": team.allow_provider_stops});
        let change = audit::Change::new("team.update", after.id, after.name.clone());
        audit::record(&mut tx, &ctx, change.before(said(&before)).after(said(&after))).await?;
    }
    tx.commit().await?;
    Ok(web::Json(after))
}

/// Delete a team without projects
///
/// Past costs keep its name. Its active admin key must be deleted first; a block of one that is not active ends with it.
#[utoipa::path(tag = "teams", params(("teamId" = Uuid, Path, description = "The team")), responses((status = 204, description = "Deleted")))]
#[delete("/teams/{teamId}")]
async fn delete_team(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<HttpResponse> {
    ctx.require(Permission::ProjectsWrite)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    store::lock(&mut tx, ctx.organization, id.0).await?;
    let team = seen(&mut tx, &ctx, id.0).await?;
    if team.project_count > 0 || team.has_active_admin_key {
        return Err(ErrorCode::TeamNotEmpty.into());
    }
    blocks::end_with_team(&state, &mut tx, &ctx, team.id).await?;
    store::delete(&mut tx, ctx.organization, team.id, ctx.now()).await?;
    let change = audit::Change::new("team.delete", team.id, team.name.clone()).before(json!({"name": team.name}));
    audit::record(&mut tx, &ctx, change).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Who belongs to a team
#[utoipa::path(
    tag = "teams",
    params(("teamId" = Uuid, Path, description = "The team"), ListQuery),
    responses((status = 200, description = "People", body = Page<GroupMember>))
)]
#[get("/teams/{teamId}/members")]
async fn list_team_members(
    ctx: Ctx,
    state: web::Data<State>,
    id: Path<Uuid>,
    query: Query<ListQuery>,
) -> ApiResult<web::Json<Page<GroupMember>>> {
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let team = seen(&mut tx, &ctx, id.0).await?;
    let rows = store::list_members(&mut tx, ctx.organization, team.id, keyset.after, keyset.fetch()).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(rows, |member| member.user_id)))
}

/// Add somebody to a team
#[utoipa::path(
    tag = "teams",
    params(("teamId" = Uuid, Path, description = "The team"), ("userId" = Uuid, Path, description = "The account")),
    responses((status = 200, description = "They belong to it", body = GroupMember))
)]
#[put("/teams/{teamId}/members/{userId}")]
async fn add_team_member(
    ctx: Ctx,
    state: web::Data<State>,
    ids: Path<(Uuid, Uuid)>,
) -> ApiResult<web::Json<GroupMember>> {
    ctx.require(Permission::ProjectsWrite)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let team = seen(&mut tx, &ctx, ids.0.0).await?;
    let member =
        store::add_member(&mut tx, ctx.organization, team.id, ids.0.1, ctx.now()).await?.ok_or(ErrorCode::NotFound)?;
    let change = audit::Change::new("team.add_member", team.id, team.name).after(json!({"member": member.email}));
    audit::record(&mut tx, &ctx, change).await?;
    tx.commit().await?;
    Ok(web::Json(member))
}

/// Take somebody out of a team
#[utoipa::path(
    tag = "teams",
    params(("teamId" = Uuid, Path, description = "The team"), ("userId" = Uuid, Path, description = "The account")),
    responses((status = 204, description = "They do not belong to it any more"))
)]
#[delete("/teams/{teamId}/members/{userId}")]
async fn remove_team_member(ctx: Ctx, state: web::Data<State>, ids: Path<(Uuid, Uuid)>) -> ApiResult<HttpResponse> {
    ctx.require(Permission::ProjectsWrite)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let team = seen(&mut tx, &ctx, ids.0.0).await?;
    if !store::remove_member(&mut tx, ctx.organization, team.id, ids.0.1).await? {
        return Err(ErrorCode::NotFound.into());
    }
    let change = audit::Change::new("team.remove_member", team.id, team.name).before(json!({"userId": ids.0.1}));
    audit::record(&mut tx, &ctx, change).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}
