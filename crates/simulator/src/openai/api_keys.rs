//! `/organization/projects/{project_id}/api_keys`.

use serde_json::{Value, json};

use super::errors::ApiError;
use super::lists;
use super::projects::find;
use super::request::{ApiRequest, ApiResult};
use super::state::{Organization, ProjectKey};

fn render(key: &ProjectKey, now: i64) -> Value {
    let owner = if key.service_account {
        json!({ "type": "service_account", "service_account": {
            "id": key.owner, "name": format!("{} service account", key.name), "created_at": key.created_at,
            "role": "member",
        }})
    } else {
        json!({ "type": "user", "user": {
            "id": key.owner, "email": format!("{}@example.com", key.owner), "name": "Simulated Person",
            "created_at": key.created_at, "role": "owner",
        }})
    };
    json!({
        "object": "organization.project.api_key",
        "redacted_value": format!("sk-sim...{}", &key.id[key.id.len() - 3..]),
        "name": key.name,
        "created_at": key.created_at,
        "last_used_at": now - now % 3_600,
        "id": key.id,
        "owner_project_access": "active",
        "owner": owner,
    })
}

pub(crate) fn list(organization: &Organization, request: &ApiRequest<'_>, project: &str) -> ApiResult {
    let index = find(organization, project)?;
    let access = request.params.choice("owner_project_access", &["active", "inactive", "any"], "active")?;
    let now = request.now.timestamp();
    let listed = |key: &&ProjectKey| access != "inactive" && key.project as usize == index && key.deleted_at.is_none();
    let items = organization.keys.iter().filter(listed).map(|key| (key.id.clone(), render(key, now))).collect();
    lists::page(request, items, 20, 100)
}

pub(crate) fn retrieve(organization: &Organization, request: &ApiRequest<'_>, project: &str, id: &str) -> ApiResult {
    let key = &organization.keys[key_index(organization, project, id)?];
    Ok(render(key, request.now.timestamp()).into())
}

pub(crate) fn delete(organization: &mut Organization, request: &ApiRequest<'_>, project: &str, id: &str) -> ApiResult {
    let index = key_index(organization, project, id)?;
    let key = &mut organization.keys[index];
    if key.service_account {
        return Err(ApiError::refused(
            "This API key belongs to a service account. Delete the service account to delete its key.",
        ));
    }
    key.deleted_at = Some(request.now);
    Ok(json!({ "object": "organization.project.api_key.deleted", "id": id, "deleted": true }).into())
}

fn key_index(organization: &Organization, project: &str, id: &str) -> Result<usize, ApiError> {
    let project = find(organization, project)?;
    let mut keys = organization.keys.iter();
    let found = keys.position(|key| key.id == id && key.project as usize == project && key.deleted_at.is_none());
    found.ok_or_else(|| ApiError::missing("API key", id))
}
