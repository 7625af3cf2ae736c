//! `/organization/spend_limit` and `/organization/projects/{project_id}/spend_limit`.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::errors::ApiError;
use super::projects::{find, find_active};
use super::request::{ApiRequest, ApiResult};
use super::state::Organization;

/// Whose limit is meant: a project's by its id, or the organization's own.
type Owner<'a> = Option<&'a str>;

pub(crate) fn retrieve(organization: &mut Organization, request: &ApiRequest<'_>, owner: Owner<'_>) -> ApiResult {
    let project = owner.map(|id| find(organization, id)).transpose()?;
    let cents = limit(organization, project).ok_or_else(ApiError::no_limit)?;
    Ok(render(organization, request, project, cents).into())
}

pub(crate) fn set(organization: &mut Organization, request: &ApiRequest<'_>, owner: Owner<'_>) -> ApiResult {
    let project = owner.map(|id| find_active(organization, id)).transpose()?;
    let fields = request.json()?;
    for name in ["threshold_amount", "currency", "interval"] {
        if !fields.contains_key(name) {
            let message = format!("Missing required parameter: '{name}'.");
            return Err(ApiError::invalid(name, message, "missing_required_parameter"));
        }
    }
    for (name, only) in [("currency", "USD"), ("interval", "month")] {
        if fields.get(name).and_then(Value::as_str) != Some(only) {
            let message = format!("Invalid value for '{name}'. Supported values are: '{only}'.");
            return Err(ApiError::invalid(name, message, "invalid_value"));
        }
    }
    let cents = fields.get("threshold_amount").and_then(Value::as_i64).filter(|cents| *cents >= 1);
    let cents = cents.ok_or_else(|| {
        let message = "Invalid 'threshold_amount': expected an integer >= 1.".to_owned();
        ApiError::invalid("threshold_amount", message, "integer_below_min_value")
    })?;
    *slot(organization, project) = Some(cents);
    renew(organization, request, project);
    Ok(render(organization, request, project, cents).into())
}

pub(crate) fn delete(organization: &mut Organization, request: &ApiRequest<'_>, owner: Owner<'_>) -> ApiResult {
    let project = owner.map(|id| find(organization, id)).transpose()?;
    slot(organization, project).take().ok_or_else(ApiError::no_limit)?;
    renew(organization, request, project);
    Ok(json!({ "object": format!("{}.deleted", object(project)), "deleted": true }).into())
}

/// Whether another limit holds is found out anew.
fn renew(organization: &mut Organization, request: &ApiRequest<'_>, project: Option<usize>) {
    if let Some(index) = project {
        organization.projects[index].spend_limit_holds = false;
    }
    organization.enforce(request.now);
}

fn object(project: Option<usize>) -> &'static str {
    if project.is_some() { "project.spend_limit" } else { "organization.spend_limit" }
}

fn slot(organization: &mut Organization, project: Option<usize>) -> &mut Option<i64> {
    match project {
        Some(index) => &mut organization.projects[index].spend_limit,
        None => &mut organization.spend_limit,
    }
}

fn limit(organization: &mut Organization, project: Option<usize>) -> Option<i64> {
    *slot(organization, project)
}

/// It is enforcing once the month's spend has reached it.
fn render(organization: &mut Organization, request: &ApiRequest<'_>, project: Option<usize>, cents: i64) -> Value {
    let holds = match project {
        Some(index) => organization.projects[index].spend_limit_holds,
        None => organization.spent_this_month(None, request.now) >= Decimal::new(cents, 2),
    };
    let status = if holds { "enforcing" } else { "inactive" };
    json!({
        "object": object(project),
        "threshold_amount": cents,
        "currency": "USD",
        "interval": "month",
        "enforcement": { "status": status },
    })
}
