//! `/api/projects`.

use actix_web::{HttpResponse, delete, get, patch, post, put, web};
use finops_contract::Page;
use finops_contract::projects::{
    CreateProjectRequest, ListProjectsQuery, Project, ProviderProject, RegisteredProjectId, SetOpenaiProjectIdRequest,
    UpdateProjectRequest,
};
use uuid::Uuid;

use super::{members, service, store};
use crate::features::teams;
use crate::platform::auth::Permission;
use crate::platform::http::ctx::Read;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Json, Keyed, Path, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config
        .service(list_projects)
        .service(create_project)
        .service(get_project)
        .service(update_project)
        .service(delete_project)
        .service(set_openai_project_id)
        .service(remove_openai_project_id)
        .service(list_provider_projects)
        .service(members::list_project_members)
        .service(members::add_project_member)
        .service(members::remove_project_member);
}

/// The projects that one sees
#[utoipa::path(
    tag = "projects",
    security(("session" = []), ("api_key" = ["read"])),
    params(ListProjectsQuery),
    responses((status = 200, description = "Projects by name", body = Page<Project>))
)]
#[get("/projects")]
async fn list_projects(
    ctx: Keyed<Read>,
    state: web::Data<State>,
    query: Query<ListProjectsQuery>,
) -> ApiResult<web::Json<Page<Project>>> {
    let keyset = Keyset::<(String, Uuid)>::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let visibility = teams::visibility(&mut tx, &ctx).await?;
    let (team, after) = (query.0.team_id, keyset.after.as_ref());
    let rows = store::list(&mut tx, ctx.organization, &visibility, team, after, keyset.fetch()).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(rows, |project| (project.name.clone(), project.id))))
}

/// Make a project
#[utoipa::path(tag = "projects", request_body = CreateProjectRequest, responses((status = 201, description = "Made", body = Project)))]
#[post("/projects")]
async fn create_project(
    ctx: Ctx,
    state: web::Data<State>,
    body: Json<CreateProjectRequest>,
) -> ApiResult<HttpResponse> {
    ctx.require(Permission::ProjectsWrite)?;
    Ok(HttpResponse::Created().json(service::create(&state, &ctx, &body.0).await?))
}

/// A project
#[utoipa::path(
    tag = "projects",
    security(("session" = []), ("api_key" = ["read"])),
    params(("projectId" = Uuid, Path, description = "The project")),
    responses((status = 200, description = "The project", body = Project))
)]
#[get("/projects/{projectId}")]
async fn get_project(ctx: Keyed<Read>, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<web::Json<Project>> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let project = service::seen(&mut tx, &ctx, id.0).await?;
    tx.commit().await?;
    Ok(web::Json(project))
}

/// Change a project
#[utoipa::path(
    tag = "projects",
    params(("projectId" = Uuid, Path, description = "The project")),
    request_body = UpdateProjectRequest,
    responses((status = 200, description = "As it is now", body = Project))
)]
#[patch("/projects/{projectId}")]
async fn update_project(
    ctx: Ctx,
    state: web::Data<State>,
    id: Path<Uuid>,
    body: Json<UpdateProjectRequest>,
) -> ApiResult<web::Json<Project>> {
    ctx.require(Permission::ProjectsWrite)?;
    Ok(web::Json(service::update(&state, &ctx, id.0, &body.0).await?))
}

/// Delete a project
///
/// Past costs keep its name, and so do those of today, whenever their bill comes; its Project ID can be registered again
/// elsewhere.
#[utoipa::path(tag = "projects", params(("projectId" = Uuid, Path, description = "The project")), responses((status = 204, description = "Deleted")))]
#[delete("/projects/{projectId}")]
async fn delete_project(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<HttpResponse> {
    ctx.require(Permission::ProjectsWrite)?;
    service::delete(&state, &ctx, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Register a project's OpenAI Project ID
///
/// It must be reachable with the team's admin key. Earlier costs under it that belonged to no project become this one's.
#[utoipa::path(
    tag = "projects",
    params(("projectId" = Uuid, Path, description = "The project")),
    request_body = SetOpenaiProjectIdRequest,
    responses((status = 200, description = "Registered", body = RegisteredProjectId))
)]
#[put("/projects/{projectId}/openai-project-id")]
async fn set_openai_project_id(
    ctx: Ctx,
    state: web::Data<State>,
    id: Path<Uuid>,
    body: Json<SetOpenaiProjectIdRequest>,
) -> ApiResult<web::Json<RegisteredProjectId>> {
    ctx.require(Permission::AdminKeysWrite)?;
    Ok(web::Json(service::register_id(&state, &ctx, id.0, &body.0.openai_project_id).await?))
}

/// Remove a project's OpenAI Project ID
///
/// Collection stops for this project alone, after today (UTC). What was collected stays.
#[utoipa::path(tag = "projects", params(("projectId" = Uuid, Path, description = "The project")), responses((status = 204, description = "Removed")))]
#[delete("/projects/{projectId}/openai-project-id")]
async fn remove_openai_project_id(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<HttpResponse> {
    ctx.require(Permission::AdminKeysWrite)?;
    service::remove_id(&state, &ctx, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The provider's projects that a team's admin key sees
///
/// Asked of the provider now; to choose a Project ID from.
#[utoipa::path(
    tag = "projects",
    params(("teamId" = Uuid, Path, description = "The team")),
    responses((status = 200, description = "Projects as the provider orders them", body = Page<ProviderProject>))
)]
#[get("/teams/{teamId}/provider-projects")]
async fn list_provider_projects(
    ctx: Ctx,
    state: web::Data<State>,
    team: Path<Uuid>,
) -> ApiResult<web::Json<Page<ProviderProject>>> {
    ctx.require(Permission::AdminKeysWrite)?;
    Ok(web::Json(Page::whole(service::at_provider(&state, &ctx, team.0).await?)))
}
