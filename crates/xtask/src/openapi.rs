//! `openapi/openapi.json`: generated from the service, checked in, and held to what makes a
//! description useful: every operation named, explained, grouped and shown by an example.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::services::capture;

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// Writes the file anew, or compares it.
///
/// # Errors
/// When the service cannot print it, or (with `check`) it differs.
pub(crate) fn generate(root: &Path, finops: &Path, check: bool) -> Result<()> {
    let text = capture(Command::new(finops).current_dir(root).arg("openapi"))?;
    let _: Value = serde_json::from_str(&text).context("`finops openapi` did not print JSON")?;
    let text = format!("{}\n", text.trim_end());
    let file = root.join("openapi/openapi.json");
    let before = fs::read_to_string(&file).unwrap_or_default();
    if before == text {
        return Ok(());
    }
    if check {
        bail!(
            "openapi/openapi.json is out of date (first at line {}); run `cargo xtask prepare`",
            before.lines().zip(text.lines()).take_while(|(old, new)| old == new).count() + 1
        );
    }
    fs::create_dir_all(root.join("openapi"))?;
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Checks the checked-in file.
///
/// # Errors
/// Every way in which it falls short.
pub(crate) fn lint(root: &Path) -> Result<()> {
    let file = root.join("openapi/openapi.json");
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let problems = problems(&serde_json::from_str(&text)?);
    if !problems.is_empty() {
        bail!("openapi/openapi.json:\n  {}", problems.join("\n  "));
    }
    Ok(())
}

/// Everything that is wrong with a description.
fn problems(api: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut ids = BTreeSet::new();
    if !api["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")) {
        found.push("it is not OpenAPI 3.1".to_owned());
    }
    for (path, item) in api["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let operation = &item[method];
            if operation.is_object() {
                let name = format!("{} {path}", method.to_uppercase());
                let mut say = |what: &str| found.push(format!("{name}: {what}"));
                check_operation(api, operation, &mut ids, &mut say);
                check_parameters(api, path, &[&operation["parameters"], &item["parameters"]], &mut say);
            }
        }
    }
    check_references(api, api, &mut found);
    found
}

fn check_operation(api: &Value, operation: &Value, ids: &mut BTreeSet<String>, say: &mut dyn FnMut(&str)) {
    match operation["operationId"].as_str() {
        None => say("no operationId"),
        Some(id) if !is_verb_noun(id) => say("its operationId is not verb_noun"),
        Some(id) if !ids.insert(id.to_owned()) => say("its operationId is not unique"),
        Some(_) => {}
    }
    if operation["summary"].as_str().is_none_or(str::is_empty) {
        say("no summary");
    }
    if operation["tags"].as_array().is_none_or(Vec::is_empty) {
        say("no tag");
    }
    let body = resolve(api, &operation["requestBody"]);
    if body.is_object() && !content_has_example(api, body) {
        say("no example of its request body");
    }
    let mut refused = false;
    for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
        let answer = resolve(api, answer);
        if answer["description"].as_str().is_none_or(str::is_empty) {
            say(&format!("no description of its answer {status}"));
        }
        if status.starts_with('2') && !content_has_example(api, answer) {
            say(&format!("no example of its answer {status}"));
        }
        if status.starts_with('4') {
            refused = true;
            if answer["content"]["application/problem+json"].is_null() {
                say(&format!("its answer {status} is not a problem"));
            }
        }
    }
    if !refused {
        say("no answer for a refused request (4xx)");
    }
}

fn check_parameters(api: &Value, path: &str, lists: &[&Value], say: &mut dyn FnMut(&str)) {
    let mut described = BTreeSet::new();
    for parameter in lists.iter().filter_map(|list| list.as_array()).flatten() {
        let parameter = resolve(api, parameter);
        let name = parameter["name"].as_str().unwrap_or_default();
        if parameter["description"].as_str().is_none_or(str::is_empty) {
            say(&format!("no description of its parameter {name}"));
        }
        if parameter["in"] == "path" {
            described.insert(name.to_owned());
        }
    }
    for name in path.split('{').skip(1).filter_map(|part| part.split('}').next()) {
        if !described.contains(name) {
            say(&format!("its path parameter {name} is not listed"));
        }
    }
}

/// Whether every media type shows an example: its own, its schema's, or (for an object) those of
/// all its required fields. An answer without content needs none.
fn content_has_example(api: &Value, holder: &Value) -> bool {
    holder["content"]
        .as_object()
        .into_iter()
        .flatten()
        .all(|(_, media)| given(media) || schema_has_example(api, &media["schema"], 0))
}

fn given(value: &Value) -> bool {
    value["example"] != Value::Null || value["examples"] != Value::Null
}

/// Below one level of fields a tool can make up the rest from types and formats.
fn schema_has_example(api: &Value, schema: &Value, depth: usize) -> bool {
    let schema = resolve(api, schema);
    if given(schema) || !schema["enum"].is_null() || !schema["const"].is_null() {
        return true;
    }
    if let Some(items) = schema.get("items") {
        return schema_has_example(api, items, depth);
    }
    if let Some(fields) = schema["properties"].as_object() {
        return depth > 0 || fields.values().any(|field| schema_has_example(api, field, depth + 1));
    }
    depth > 0 && !schema["format"].is_null()
}

fn resolve<'a>(api: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
    target.and_then(|pointer| api.pointer(pointer)).unwrap_or(value)
}

fn check_references(api: &Value, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get("$ref") {
                let pointer = target.strip_prefix('#').unwrap_or(target);
                if api.pointer(pointer).is_none() {
                    found.push(format!("{target} does not exist"));
                }
            }
            fields.values().for_each(|field| check_references(api, field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| check_references(api, item, found)),
        _ => {}
    }
}

fn is_verb_noun(id: &str) -> bool {
    let parts: Vec<&str> = id.split('_').collect();
    parts.len() > 1
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn api() -> Value {
        json!({
            "openapi": "3.1.0",
            "paths": { "/teams/{id}": { "get": {
                "operationId": "get_team",
                "summary": "One team",
                "tags": ["teams"],
                "parameters": [{ "name": "id", "in": "path", "description": "The team" }],
                "responses": {
                    "200": {
                        "description": "The team",
                        "content": { "application/json": {
                            "schema": { "$ref": "#/components/schemas/Team" },
                        }},
                    },
                    "404": {
                        "description": "No such team",
                        "content": { "application/problem+json": {} },
                    },
                },
            }}},
            "components": { "schemas": { "Team": {
                "type": "object",
                "properties": { "name": { "type": "string", "example": "A" } },
            }}},
        })
    }

    #[test]
    fn a_whole_description_passes() {
        assert_eq!(problems(&api()), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut api = api();
        let operation = &mut api["paths"]["/teams/{id}"]["get"];
        operation["operationId"] = json!("getTeam");
        operation["summary"] = json!("");
        operation["parameters"] = json!([]);
        operation["responses"]["404"]["content"] = json!({ "application/json": {} });
        operation["responses"]["200"]["content"]["application/json"]["schema"] =
            json!({ "$ref": "#/components/schemas/Gone" });
        let expected = [
            "GET /teams/{id}: its operationId is not verb_noun",
            "GET /teams/{id}: no summary",
            "GET /teams/{id}: no example of its answer 200",
            "GET /teams/{id}: its answer 404 is not a problem",
            "GET /teams/{id}: its path parameter id is not listed",
            "#/components/schemas/Gone does not exist",
        ];
        assert_eq!(problems(&api), expected);
    }
}
