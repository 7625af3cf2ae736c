//! From a path to its handler.

use super::errors::ApiError;
use super::request::{ApiRequest, ApiResult};
use super::{admin_keys, api_keys, costs, projects, rate_limits, spend_limits, usage};
use crate::world::World;

/// The scope that an operation needs.
pub(crate) fn scope(method: &str, path: &str) -> &'static str {
    if path.starts_with("/v1/organization/costs") || path.starts_with("/v1/organization/usage/") {
        "api.usage.read"
    } else if method == "GET" {
        "api.management.read"
    } else {
        "api.management.write"
    }
}

/// Answers a request of the organization at `index`.
pub(crate) fn dispatch(world: &mut World, index: usize, request: &ApiRequest<'_>) -> ApiResult {
    let Some(path) = request.path.strip_prefix("/v1/organization/") else { return Err(unknown(request)) };
    let segments: Vec<&str> = path.split('/').collect();
    let route = (request.method, segments.as_slice());
    if let ("GET", ["admin_api_keys"]) = route {
        return admin_keys::list(world, index, request);
    }
    let organization = &mut world.organizations[index];
    organization.enforce(request.now);
    match route {
        ("GET", ["costs"]) => costs::list(organization, request),
        ("GET", ["usage", name]) => usage::list(organization, request, name).unwrap_or_else(|| Err(unknown(request))),
        ("GET", ["projects"]) => projects::list(organization, request),
        ("POST", ["projects"]) => projects::create(organization, request),
        ("GET", ["projects", id]) => projects::retrieve(organization, id),
        ("POST", ["projects", id]) => projects::update(organization, request, id),
        ("POST", ["projects", id, "archive"]) => projects::archive(organization, request, id),
        ("GET", ["projects", id, "api_keys"]) => api_keys::list(organization, request, id),
        ("GET", ["projects", id, "api_keys", key]) => api_keys::retrieve(organization, request, id, key),
        ("DELETE", ["projects", id, "api_keys", key]) => api_keys::delete(organization, request, id, key),
        ("GET", ["projects", id, "rate_limits"]) => rate_limits::list(organization, request, id),
        ("POST", ["projects", id, "rate_limits", limit]) => rate_limits::update(organization, request, id, limit),
        ("GET", ["projects", id, "spend_limit"]) => spend_limits::retrieve(organization, request, Some(id)),
        ("POST", ["projects", id, "spend_limit"]) => spend_limits::set(organization, request, Some(id)),
        ("DELETE", ["projects", id, "spend_limit"]) => spend_limits::delete(organization, request, Some(id)),
        ("GET", ["spend_limit"]) => spend_limits::retrieve(organization, request, None),
        ("POST", ["spend_limit"]) => spend_limits::set(organization, request, None),
        ("DELETE", ["spend_limit"]) => spend_limits::delete(organization, request, None),
        _ => Err(unknown(request)),
    }
}

fn unknown(request: &ApiRequest<'_>) -> ApiError {
    ApiError::unknown_url(request.method, request.path)
}
