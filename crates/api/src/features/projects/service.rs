//! Changing projects, and registering their Project IDs.

use finops_contract::ErrorCode;
use finops_contract::accounts::Locale;
use finops_contract::admin_keys::Provider;
use finops_contract::projects::{
    CreateProjectRequest, Project, ProviderProject, RegisteredProjectId, UpdateProjectRequest,
};
use finops_providers::{OpenAiClient, ProjectDirectory as _, ProviderError, all_projects};
use serde_json::json;
use uuid::Uuid;

use super::domain::OpenaiProjectId;
use super::{owners, store};
use crate::features::blocks::{self, Target};
use crate::features::collector::{Attributed, Registration};
use crate::features::{admin_keys, audit, budgets, collector, provider_usage, teams};
use crate::platform::db::Tx;
use crate::platform::http::{ApiError, ApiResult, Ctx};
use crate::platform::state::State;

/// A project that the caller sees; any other does not exist.
///
/// # Errors
/// `not_found`.
pub async fn seen(tx: &mut Tx, ctx: &Ctx, project: Uuid) -> ApiResult<Project> {
    let visibility = teams::visibility(tx, ctx).await?;
    let project = store::find(tx, ctx.organization, project).await?.ok_or(ErrorCode::NotFound)?;
    if visibility.sees_project(project.id, project.team_id) { Ok(project) } else { Err(ErrorCode::NotFound.into()) }
}

/// Makes sure that a project named in a body exists and is seen by the caller, and keeps it from being deleted until the
/// transaction ends.
///
/// # Errors
/// `validation_failed` at the pointer.
pub async fn require(tx: &mut Tx, ctx: &Ctx, project: Uuid, pointer: &str) -> ApiResult<()> {
    store::hold(tx, ctx.organization, project).await?;
    match seen(tx, ctx, project).await {
        Err(error) if error.code == ErrorCode::NotFound => {
            Err(ApiError::field(pointer, "unknown", "there is no such project"))
        }
        found => found.map(drop),
    }
}

/// The same, locked until the transaction ends.
async fn locked(tx: &mut Tx, ctx: &Ctx, project: Uuid) -> ApiResult<Project> {
    store::lock(tx, ctx.organization, project).await?;
    seen(tx, ctx, project).await
}

/// The same, for a change of what its Project ID stands for. The collector takes the two locks in this order too.
pub(super) async fn held(tx: &mut Tx, ctx: &Ctx, project: Uuid) -> ApiResult<Project> {
    collector::hold_attribution(tx, ctx.organization).await?;
    locked(tx, ctx, project).await
}

/// Makes a project.
///
/// # Errors
/// `validation_failed` for the team, `name_taken`.
pub(super) async fn create(state: &State, ctx: &Ctx, request: &CreateProjectRequest) -> ApiResult<Project> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    teams::require(&mut tx, ctx.organization, request.team_id, "/teamId").await?;
    let id = ctx.clock.new_id();
    store::insert(&mut tx, ctx.organization, id, request, ctx.now()).await?;
    let project = store::find(&mut tx, ctx.organization, id).await?.ok_or(ErrorCode::NotFound)?;
    let change = audit::Change::new("project.create", id, project.name.clone()).after(&project);
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await?;
    Ok(project)
}

/// Changes a project. One with a Project ID moves only to a team whose key reaches it.
///
/// # Errors
/// `not_found`, `name_taken`, `validation_failed` for the team; when it moves, as [`register_id`], and `block_in_force` also
/// where its team is stopped.
pub(super) async fn update(
    state: &State,
    ctx: &Ctx,
    project: Uuid,
    request: &UpdateProjectRequest,
) -> ApiResult<Project> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let now = seen(&mut tx, ctx, project).await?;
    let moves_to = request.team_id.filter(|team| *team != now.team_id);
    if let Some(team) = moves_to {
        teams::require(&mut tx, ctx.organization, team, "/teamId").await?;
    }
    tx.commit().await?;
    if let (Some(team), Some(id)) = (moves_to, &now.openai_project_id) {
        reach(&client(state, ctx, team).await?, &OpenaiProjectId::parse(id)?).await?;
    }
    let mut tx = state.db.tenant(ctx.organization).await?;
    let before = locked(&mut tx, ctx, project).await?;
    if moves_to.is_some() && before.openai_project_id != now.openai_project_id {
        return Err(ErrorCode::Conflict.into());
    }
    if let Some(team) = moves_to {
        teams::require(&mut tx, ctx.organization, team, "/teamId").await?;
        blocks::require_movable(&mut tx, ctx.organization, project, before.team_id).await?;
    }
    store::update(&mut tx, ctx.organization, project, request).await?;
    let after = store::find(&mut tx, ctx.organization, project).await?.ok_or(ErrorCode::NotFound)?;
    if after != before {
        if (after.team_id, after.environment) != (before.team_id, before.environment) {
            // Other budgets are about it from now on.
            budgets::check_soon(&mut tx, ctx.organization).await?;
        }
        let change = audit::Change::new("project.update", project, after.name.clone()).before(before).after(&after);
        audit::record(&mut tx, ctx, change).await?;
    }
    tx.commit().await?;
    Ok(after)
}

/// Deletes a project. Past costs keep its name; its Project ID is free again; a block of it ends.
///
/// # Errors
/// `not_found`, `attribution_in_progress`; `block_in_force` where lifting the block needs a second person.
pub(super) async fn delete(state: &State, ctx: &Ctx, project: Uuid) -> ApiResult<()> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let before = held(&mut tx, ctx, project).await?;
    collector::require_attributed(&mut tx, ctx.organization, project).await?;
    blocks::end_with(state, &mut tx, ctx, Target::Project(project)).await?;
    if let Some(id) = &before.openai_project_id {
        owners::remember(&mut tx, ctx.organization, id, project, ctx.now().date_naive()).await?;
    }
    store::delete(&mut tx, ctx.organization, project, ctx.now()).await?;
    let change = audit::Change::new("project.delete", project, before.name.clone()).before(before);
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await?;
    state.nudge.nudge();
    Ok(())
}

/// A client with a team's active key.
///
/// # Errors
/// `admin_key_missing`, `encryption_unavailable`.
async fn client(state: &State, ctx: &Ctx, team: Uuid) -> ApiResult<OpenAiClient> {
    let open = admin_keys::open_active(state, ctx.organization, team, Provider::Openai).await?;
    state.providers.openai_interactive(open.secret).map_err(ApiError::internal)
}

/// Makes sure that a key reaches a Project ID.
///
/// # Errors
/// `openai_project_id_unreachable`, `admin_key_rejected`, `provider_unavailable`.
async fn reach(client: &OpenAiClient, id: &OpenaiProjectId) -> ApiResult<()> {
    client.get_project(id.as_str()).await.map(drop).map_err(|error| match error {
        ProviderError::NotFound { .. } => ErrorCode::OpenaiProjectIdUnreachable.into(),
        error => refused(error),
    })
}

fn refused(error: ProviderError) -> ApiError {
    if error.is_unauthorized() {
        return ErrorCode::AdminKeyRejected.into();
    }
    ApiError::new(ErrorCode::ProviderUnavailable).with_retry_after(30).with_source(error)
}

fn registered(locale: Locale, project: Project) -> RegisteredProjectId {
    let message = match locale {
        Locale::Ko => "Project ID가 등록되었습니다. 내일부터 비용 데이터가 수집됩니다.",
        Locale::En => "The Project ID is registered. Costs are collected from tomorrow.",
    };
    RegisteredProjectId { project, message: message.into() }
}

/// Registers a project's Project ID, once the team's key has reached it. Lines that came in under it before and belonged
/// to no project are attributed to this one, by a job when there are many.
///
/// # Errors
/// `openai_project_id_invalid`, `openai_project_id_taken`, `admin_key_missing`, `openai_project_id_unreachable`,
/// `admin_key_rejected`, `provider_unavailable`, `encryption_unavailable`, `attribution_in_progress`, `block_in_force`,
/// `not_found`.
pub(super) async fn register_id(state: &State, ctx: &Ctx, project: Uuid, text: &str) -> ApiResult<RegisteredProjectId> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let now = seen(&mut tx, ctx, project).await?;
    let id = OpenaiProjectId::parse(text)?;
    if now.openai_project_id.as_deref() == Some(id.as_str()) {
        tx.commit().await?;
        return Ok(registered(ctx.locale, now));
    }
    if store::owner_of(&mut tx, ctx.organization, &id).await?.is_some() {
        return Err(ErrorCode::OpenaiProjectIdTaken.into());
    }
    tx.commit().await?;
    reach(&client(state, ctx, now.team_id).await?, &id).await?;
    // Days' sums are computed anew from all of an account's lines, which may take longer than a request's statements may.
    let mut tx = state.db.background().tenant(ctx.organization).await?;
    let before = held(&mut tx, ctx, project).await?;
    if before.team_id != now.team_id {
        return Err(ErrorCode::Conflict.into());
    }
    blocks::require_unblocked(&mut tx, ctx.organization, Target::Project(project)).await?;
    collector::require_attributed(&mut tx, ctx.organization, project).await?;
    let after = give_id(&mut tx, ctx, &before, &id).await?;
    tx.commit().await?;
    state.nudge.nudge();
    Ok(registered(ctx.locale, after))
}

/// Gives a project its Project ID, and its earlier lines with it. The project is held, and no job is giving it lines of
/// another Project ID: nudge the jobs after the commit.
///
/// # Errors
/// `openai_project_id_taken`, `attribution_in_progress`.
pub(super) async fn give_id(tx: &mut Tx, ctx: &Ctx, before: &Project, id: &OpenaiProjectId) -> ApiResult<Project> {
    let (organization, project) = (ctx.organization, before.id);
    store::set_openai_project_id(tx, organization, project, Some(id), ctx.now()).await?;
    let lines = if collector::is_attributing(tx, organization, project).await? {
        // It was taken away while a job was at it, which goes on.
        ("linesToAttribute", 0)
    } else {
        collector::require_unclaimed(tx, organization, id.as_str()).await?;
        let registration = Registration { openai_project_id: id.as_str(), project, team: before.team_id };
        match collector::attribute(tx, ctx, registration).await? {
            Attributed::Now(lines) => ("linesAttributed", lines),
            Attributed::Later(lines) => ("linesToAttribute", lines),
        }
    };
    let after = store::find(tx, organization, project).await?.ok_or(ErrorCode::NotFound)?;
    provider_usage::attribute(tx, ctx, id.as_str(), project).await?;
    let change = audit::Change::new("project.register_openai_project_id", project, after.name.clone())
        .before(json!({"openaiProjectId": before.openai_project_id}))
        .after(json!({"openaiProjectId": after.openai_project_id, (lines.0): lines.1}));
    audit::record(tx, ctx, change).await?;
    Ok(after)
}

/// Takes a project's Project ID away: what comes in under it of later days belongs to no project.
///
/// # Errors
/// `not_found`, also when it has none; `attribution_in_progress`.
pub(super) async fn remove_id(state: &State, ctx: &Ctx, project: Uuid) -> ApiResult<()> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let before = held(&mut tx, ctx, project).await?;
    if before.openai_project_id.is_none() {
        return Err(ErrorCode::NotFound.into());
    }
    collector::require_attributed(&mut tx, ctx.organization, project).await?;
    take_id(&mut tx, ctx, &before).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes the Project ID of a project that is held away.
pub(super) async fn take_id(tx: &mut Tx, ctx: &Ctx, before: &Project) -> ApiResult<()> {
    if let Some(id) = &before.openai_project_id {
        owners::remember(tx, ctx.organization, id, before.id, ctx.now().date_naive()).await?;
    }
    store::set_openai_project_id(tx, ctx.organization, before.id, None, ctx.now()).await?;
    let change = audit::Change::new("project.remove_openai_project_id", before.id, before.name.clone())
        .before(json!({"openaiProjectId": before.openai_project_id}));
    Ok(audit::record(tx, ctx, change).await?)
}

/// The projects at the provider that a team's key sees, each with the project of ours that has it.
///
/// # Errors
/// `admin_key_missing`, `admin_key_rejected`, `provider_unavailable`, `encryption_unavailable`, `not_found`.
pub(super) async fn at_provider(state: &State, ctx: &Ctx, team: Uuid) -> ApiResult<Vec<ProviderProject>> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    teams::seen(&mut tx, ctx, team).await?;
    tx.commit().await?;
    let theirs = all_projects(&client(state, ctx, team).await?, true).await.map_err(refused)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let ours = store::attributions(&mut tx, ctx.organization).await?;
    tx.commit().await?;
    let owner = |id: &str| ours.iter().find(|ours| ours.openai_project_id == id).map(|ours| ours.project_id);
    let projects = theirs.into_iter().map(|project| ProviderProject {
        project_id: owner(&project.id),
        name: project.name.unwrap_or_else(|| project.id.clone()),
        archived: project.archived_at.is_some() || project.status.as_deref() == Some("archived"),
        id: project.id,
    });
    Ok(projects.collect())
}
