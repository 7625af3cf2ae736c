//! Who belongs to a project, besides its team's people.

use actix_web::{HttpResponse, delete, get, put, web};
use finops_contract::teams::GroupMember;
use finops_contract::{ErrorCode, ListQuery, Page};
use serde_json::json;
use uuid::Uuid;

use super::service::seen;
use crate::features::audit;
use crate::features::teams::group_members;
use crate::platform::auth::Permission;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::{ApiResult, Ctx, Path, Query};
use crate::platform::state::State;

/// Who belongs to a project
#[utoipa::path(
    tag = "projects",
    params(("projectId" = Uuid, Path, description = "The project"), ListQuery),
    responses((status = 200, description = "People, besides those of its team", body = Page<GroupMember>))
)]
#[get("/projects/{projectId}/members")]
pub(super) async fn list_project_members(
    ctx: Ctx,
    state: web::Data<State>,
    id: Path<Uuid>,
    query: Query<ListQuery>,
) -> ApiResult<web::Json<Page<GroupMember>>> {
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let project = seen(&mut tx, &ctx, id.0).await?;
    let rows = list_members(&mut tx, ctx.organization, project.id, keyset.after, keyset.fetch()).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(rows, |member| member.user_id)))
}

/// Add somebody to a project
#[utoipa::path(
    tag = "projects",
    params(("projectId" = Uuid, Path, description = "The project"), ("userId" = Uuid, Path, description = "The account")),
    responses((status = 200, description = "They belong to it", body = GroupMember))
)]
#[put("/projects/{projectId}/members/{userId}")]
pub(super) async fn add_project_member(
    ctx: Ctx,
    state: web::Data<State>,
    ids: Path<(Uuid, Uuid)>,
) -> ApiResult<web::Json<GroupMember>> {
    ctx.require(Permission::ProjectsWrite)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let project = seen(&mut tx, &ctx, ids.0.0).await?;
    let member =
        add_member(&mut tx, ctx.organization, project.id, ids.0.1, ctx.now()).await?.ok_or(ErrorCode::NotFound)?;
    let change = audit::Change::new("project.add_member", project.id, project.name);
    audit::record(&mut tx, &ctx, change.after(json!({"member": member.email}))).await?;
    tx.commit().await?;
    Ok(web::Json(member))
}

/// Take somebody out of a project
#[utoipa::path(
    tag = "projects",
    params(("projectId" = Uuid, Path, description = "The project"), ("userId" = Uuid, Path, description = "The account")),
    responses((status = 204, description = "They do not belong to it any more"))
)]
#[delete("/projects/{projectId}/members/{userId}")]
pub(super) async fn remove_project_member(
    ctx: Ctx,
    state: web::Data<State>,
    ids: Path<(Uuid, Uuid)>,
) -> ApiResult<HttpResponse> {
    ctx.require(Permission::ProjectsWrite)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let project = seen(&mut tx, &ctx, ids.0.0).await?;
    if !remove_member(&mut tx, ctx.organization, project.id, ids.0.1).await? {
        return Err(ErrorCode::NotFound.into());
    }
    let change = audit::Change::new("project.remove_member", project.id, project.name);
    audit::record(&mut tx, &ctx, change.before(json!({"userId": ids.0.1}))).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

group_members!("project_members", "project_id");
