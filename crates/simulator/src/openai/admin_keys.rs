//! `GET /organization/admin_api_keys`.

use serde_json::{Value, json};

use super::lists;
use super::request::{ApiRequest, ApiResult};
use crate::rng;
use crate::world::{AdminKey, World};

fn render(id: &str, value: &str, key: &AdminKey) -> Value {
    json!({
        "object": "organization.admin_api_key",
        "id": id,
        "name": "Simulated admin key",
        "redacted_value": format!("sk-admin...{}", value.get(value.len().saturating_sub(3)..).unwrap_or("")),
        "created_at": key.created_at,
        "expires_at": null,
        "last_used_at": key.last_used_at,
        "owner": {
            "type": "user",
            "object": "organization.user",
            "id": "user-simulated",
            "name": "Simulated Person",
            "created_at": key.created_at,
            "role": "owner",
        },
    })
}

pub(crate) fn list(world: &World, organization: usize, request: &ApiRequest<'_>) -> ApiResult {
    let order = request.params.choice("order", &["asc", "desc"], "asc")?;
    let mine = world.keys.iter().filter(|(_, key)| key.organization == organization && !key.revoked);
    let mut items: Vec<(String, Value)> = mine
        .map(|(value, key)| {
            let id = format!("key_{}", rng::identifier(rng::hash_text(value), 16));
            let rendered = render(&id, value, key);
            (id, rendered)
        })
        .collect();
    items.sort_by(|left, right| left.0.cmp(&right.0));
    if order == "desc" {
        items.reverse();
    }
    lists::page(request, items, 20, 100)
}
