//! `/organization/projects`.

use serde_json::{Value, json};

use super::errors::ApiError;
use super::lists;
use super::request::{ApiRequest, ApiResult};
use super::state::{Organization, Project};
use crate::rng;

fn render(project: &Project) -> Value {
    json!({
        "id": project.id,
        "object": "organization.project",
        "name": project.name,
        "created_at": project.created_at,
        "archived_at": project.archived_at.map(|at| at.timestamp()),
        "status": if project.archived_at.is_some() { "archived" } else { "active" },
    })
}

/// The index of the project, which must be this organization's.
pub(crate) fn find(organization: &Organization, id: &str) -> Result<usize, ApiError> {
    organization.project_index(id).ok_or_else(|| ApiError::missing("Project", id))
}

/// The same, and it must not be archived.
pub(crate) fn find_active(organization: &Organization, id: &str) -> Result<usize, ApiError> {
    let index = find(organization, id)?;
    if organization.projects[index].archived_at.is_some() {
        return Err(ApiError::refused("The project is archived and cannot be changed."));
    }
    Ok(index)
}

pub(crate) fn list(organization: &Organization, request: &ApiRequest<'_>) -> ApiResult {
    let archived = request.params.boolean("include_archived")?.unwrap_or(false);
    let listed = |project: &&Project| !project.id.is_empty() && (archived || project.archived_at.is_none());
    let items = organization.projects.iter().filter(listed).map(|each| (each.id.clone(), render(each))).collect();
    lists::page(request, items, 20, 100)
}

pub(crate) fn create(organization: &mut Organization, request: &ApiRequest<'_>) -> ApiResult {
    let name = name(request)?;
    let word = rng::hash(&[organization.spec.seed, organization.projects.len() as u64, 0xC4]);
    let id = format!("proj_{}", rng::identifier(word, 24));
    let index = organization.add_project(&id, &name, request.now.timestamp(), None);
    Ok(render(&organization.projects[index]).into())
}

pub(crate) fn retrieve(organization: &Organization, id: &str) -> ApiResult {
    Ok(render(&organization.projects[find(organization, id)?]).into())
}

pub(crate) fn update(organization: &mut Organization, request: &ApiRequest<'_>, id: &str) -> ApiResult {
    let index = find_active(organization, id)?;
    let name = name(request)?;
    organization.projects[index].name = name;
    Ok(render(&organization.projects[index]).into())
}

pub(crate) fn archive(organization: &mut Organization, request: &ApiRequest<'_>, id: &str) -> ApiResult {
    let index = find(organization, id)?;
    organization.projects[index].archived_at.get_or_insert(request.now);
    Ok(render(&organization.projects[index]).into())
}

fn name(request: &ApiRequest<'_>) -> Result<String, ApiError> {
    match request.json()?.get("name") {
        Some(Value::String(name)) if !name.trim().is_empty() => Ok(name.clone()),
        Some(_) => {
            Err(ApiError::invalid("name", "Invalid 'name': expected a non-empty string.".to_owned(), "invalid_type"))
        }
        None => {
            let message = "Missing required parameter: 'name'.".to_owned();
            Err(ApiError::invalid("name", message, "missing_required_parameter"))
        }
    }
}
