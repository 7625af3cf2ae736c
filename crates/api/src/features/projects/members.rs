//! Who belongs to a project, besides its team's people.

use actix_web::{HttpResponse, delete, get, put, web};
use chrono::{DateTime, Utc};
use finops_contract::teams::GroupMember;
use finops_contract::{ErrorCode, ListQuery, Page};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::service::seen;
use crate::features::audit;
use crate::platform::auth::Permission;
use crate::platform::db::OrganizationId;
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
    let rows = list(&mut tx, ctx.organization, project.id, keyset.after, keyset.fetch()).await?;
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
    let member = add(&mut tx, ctx.organization, project.id, ids.0.1, ctx.now()).await?.ok_or(ErrorCode::NotFound)?;
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
    if !remove(&mut tx, ctx.organization, project.id, ids.0.1).await? {
        return Err(ErrorCode::NotFound.into());
    }
    let change = audit::Change::new("project.remove_member", project.id, project.name);
    audit::record(&mut tx, &ctx, change.before(json!({"userId": ids.0.1}))).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn list(
    conn: &mut PgConnection,
    organization: OrganizationId,
    project: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<GroupMember>> {
    sqlx::query_as!(
        GroupMember,
        "
        SELECT m.user_id, u.email, u.name, m.created_at
        FROM project_members m JOIN users u ON u.organization_id = m.organization_id AND u.id = m.user_id
        WHERE m.organization_id = $1 AND m.project_id = $2 AND ($3::uuid IS NULL OR m.user_id > $3)
        ORDER BY m.user_id LIMIT $4
        ",
        organization as OrganizationId,
        project,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Adds somebody of the organization; nothing when there is no such account.
async fn add(
    conn: &mut PgConnection,
    organization: OrganizationId,
    project: Uuid,
    user: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<GroupMember>> {
    sqlx::query!(
        "
        INSERT INTO project_members (organization_id, project_id, user_id, created_at)
        SELECT organization_id, $2, id, $4 FROM users WHERE organization_id = $1 AND id = $3 AND deleted_at IS NULL
        ON CONFLICT DO NOTHING
        ",
        organization as OrganizationId,
        project,
        user,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_as!(
        GroupMember,
        "
        SELECT m.user_id, u.email, u.name, m.created_at
        FROM project_members m JOIN users u ON u.organization_id = m.organization_id AND u.id = m.user_id
        WHERE m.organization_id = $1 AND m.project_id = $2 AND m.user_id = $3
        ",
        organization as OrganizationId,
        project,
        user
    )
    .fetch_optional(conn)
    .await
}

async fn remove(
    conn: &mut PgConnection,
    organization: OrganizationId,
    project: Uuid,
    user: Uuid,
) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "DELETE FROM project_members WHERE organization_id = $1 AND project_id = $2 AND user_id = $3",
        organization as OrganizationId,
        project,
        user
    )
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected() > 0)
}
