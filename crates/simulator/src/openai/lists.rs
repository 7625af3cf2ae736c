//! Lists with an `after` cursor.

use serde_json::{Value, json};

use super::errors::ApiError;
use super::request::{Answer, ApiRequest, ApiResult};

/// One page of `items` (id and JSON, in order): `limit` (up to `greatest`), `after`, `before`.
pub(crate) fn page(request: &ApiRequest<'_>, items: Vec<(String, Value)>, default: i64, greatest: i64) -> ApiResult {
    let params = &request.params;
    let limit = usize::try_from(params.bounded("limit", default, 1, greatest)?).unwrap_or(usize::MAX);
    let position = |name: &str| -> Result<Option<usize>, ApiError> {
        let Some(id) = params.text(name) else { return Ok(None) };
        let found = items.iter().position(|(known, _)| known == id);
        let message = format!("Invalid '{name}': no object with id '{id}'.");
        found.map(Some).ok_or_else(|| ApiError::invalid(name, message, "invalid_value"))
    };
    let first = position("after")?.map_or(0, |index| index + 1);
    let end = position("before")?.unwrap_or(items.len());
    let first = if request.duplicate_page { first.saturating_sub(limit) } else { first };
    let chosen: Vec<&(String, Value)> = items.iter().take(end).skip(first).take(limit).collect();
    let data: Vec<&Value> = chosen.iter().map(|(_, value)| value).collect();
    let body = json!({
        "object": "list",
        "data": data,
        "first_id": chosen.first().map(|(id, _)| id),
        "last_id": chosen.last().map(|(id, _)| id),
        "has_more": first + chosen.len() < end,
    });
    // Without `after` there is no cursor that brings the first page again: claim more after its last item, for ever.
    let last = chosen.last().map(|(id, _)| id.clone());
    let own_cursor = params.text("after").map(str::to_owned).or(last);
    Ok(Answer { body: body.to_string(), own_cursor })
}
