//! Examples, made from schemas: the caller sees what a body looks like, whoever wrote the operation.

use serde_json::{Map, Value, json};

/// Gives every body of a request or an answer an example, unless it has one.
pub(super) fn add(holder: &mut Value, schemas: &Value) {
    for (_, media) in holder.get_mut("content").and_then(Value::as_object_mut).into_iter().flatten() {
        if media["example"].is_null() && media["examples"].is_null() && !media["schema"].is_null() {
            media["example"] = example("", &media["schema"], schemas, 0);
        }
    }
}

/// A value that the schema of the field `name` describes: its own example where it has one, else something plausible of
/// its name or its type.
fn example(name: &str, schema: &Value, schemas: &Value, depth: u8) -> Value {
    if depth > 16 {
        return Value::Null;
    }
    let given = [&schema["example"], &schema["examples"][0], &schema["default"], &schema["const"], &schema["enum"][0]];
    if let Some(value) = given.into_iter().find(|value| !value.is_null()) {
        return value.clone();
    }
    if let Some(referred) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return example(name, &schemas[referred], schemas, depth + 1);
    }
    for alternatives in ["oneOf", "anyOf"] {
        let choices = schema[alternatives].as_array().into_iter().flatten();
        if let Some(choice) = choices.into_iter().find(|choice| choice["type"] != "null") {
            return example(name, choice, schemas, depth + 1);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let merged =
            parts.iter().filter_map(|part| example(name, part, schemas, depth + 1).as_object().cloned()).flatten();
        return Value::Object(merged.collect());
    }
    let kind = schema["type"]
        .as_str()
        .or_else(|| schema["type"].as_array()?.iter().find_map(|kind| kind.as_str().filter(|kind| *kind != "null")));
    match (kind, schema["format"].as_str()) {
        (Some("object"), _) => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            let fields: Map<_, _> = properties
                .map(|(name, property)| (name.clone(), example(name, property, schemas, depth + 1)))
                .collect();
            Value::Object(fields)
        }
        (Some("array"), _) => json!([example(name, &schema["items"], schemas, depth + 1)]),
        (Some("string"), Some("uuid")) => json!("0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718"),
        (Some("string"), Some("date-time")) => json!("2026-11-22T00:00:00Z"),
        (Some("string"), Some("date")) => json!("2026-11-22"),
        (Some("string"), _) => json!(named(name)),
        (Some("integer"), _) => schema.get("minimum").cloned().unwrap_or(json!(1)),
        (Some("number"), _) => json!(1.5),
        (Some("boolean"), _) => json!(true),
        _ => Value::Null,
    }
}

/// What a text of this name looks like. A text that nobody would recognize by its name has an example of its own, where
/// it is declared.
fn named(name: &str) -> &'static str {
    NAMED.iter().find(|(known, _)| *known == name).map_or("text", |(_, example)| example)
}

const NAMED: [(&str, &str); 29] = [
    ("accessToken", "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTlmIn0.c2lnbmF0dXJl"),
    ("apiKey", "key_4f1c"),
    ("apiVersion", "costs_v1"),
    ("changePercent", "12.5"),
    ("currency", "USD"),
    ("currentPassword", "correct horse battery"),
    ("description", "Answers questions of learners"),
    ("dayZone", "UTC"),
    ("email", "finops@example.com"),
    ("invitationToken", "q8Zl5Yt0c0m1QmV3b2xkZXJ0aGFueW91dGhpbmtpdGlz"),
    ("ip", "203.0.113.9"),
    ("lastError", "the provider did not answer in time"),
    ("lineItem", "gpt-5.4-2026-03-05, cached input"),
    ("link", "http://localhost:8080/register#invite=q8Zl5Yt0c0m1QmV3b2xkZXJ0aGFueW91dGhpbmtpdGlz"),
    ("message", "It worked."),
    ("model", "gpt-5.4-2026-03-05"),
    ("name", "Learning AI"),
    ("newPassword", "a better horse battery"),
    ("nextCursor", "IjAxOWYzZDItN2M1ZS03ZjEwLWExYjItYzNkNGU1ZjYwNzE4Ig"),
    ("openaiProjectId", "proj_abc123"),
    ("organizationName", "Example Inc."),
    ("provider", "openai"),
    ("requestId", "0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718"),
    ("slot", "2026-11-22T00:00:00Z"),
    ("targetName", "Learning AI"),
    ("teamName", "Learning AI"),
    ("timeZone", "Asia/Seoul"),
    ("token", "q8Zl5Yt0c0m1QmV3b2xkZXJ0aGFueW91dGhpbmtpdGlz"),
    ("tokenType", "Bearer"),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::example;

    #[test]
    fn an_example_follows_references_and_knows_formats() {
        let schemas = json!({
            "Team": {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}, "role": {"$ref": "#/components/schemas/Role"},
                "name": {"type": ["string", "null"]}, "amounts": {"type": "array", "items": {"type": "string", "examples": ["1.500000"]}}}},
            "Role": {"type": "string", "enum": ["user", "admin"]},
        });
        let made =
            example("", &json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Team"}]}), &schemas, 0);
        assert_eq!(
            made,
            json!({"id": "0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718", "role": "user", "name": "Learning AI", "amounts": ["1.500000"]})
        );
    }
}
