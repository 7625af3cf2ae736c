//! The API's description: collected from the handlers, completed here, served as JSON, Swagger UI and ReDoc.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use finops_contract::{FieldError, Problem};
use serde_json::{Map, Value, json};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, SecurityRequirement};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The name of the security scheme of access tokens.
pub const SESSION: &str = "session";
/// The name of the security scheme of the daily batch.
pub const CRON: &str = "cron";

/// What the description starts from, before the handlers add themselves.
pub fn base() -> OpenApi {
    let bearer = |about: &str| {
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build())
    };
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("FinOps for AI")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "What an organization's AI costs, who and what causes it.\n\n\
                     Money is an exact decimal string beside its currency. Lists are `{data, nextCursor}`. Changes take \
                     `Idempotency-Key`. Errors are RFC 9457 problems with a stable `code`. An administrator of the \
                     platform names another organization with `X-Organization-Id`.",
                ))
                .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build())),
        )
        .components(Some(
            ComponentsBuilder::new()
                .schema_from::<FieldError>()
                .schema_from::<Problem>()
                .security_scheme(SESSION, bearer("The `accessToken` of `POST /api/auth/login`."))
                .security_scheme(CRON, bearer("The CRON_SECRET of the deployment."))
                .build(),
        ))
        .security(Some([SecurityRequirement::new(SESSION, Vec::<String>::new())]))
        .build()
}

/// Adds what is the same for every operation: the problems it can answer, and an example of everything it sends.
pub fn complete(api: &OpenApi) -> Value {
    let mut document = serde_json::to_value(api).unwrap_or_default();
    let schemas = document["components"]["schemas"].clone();
    document["components"]["responses"] = json!({
        "Problem": {
            "description": "What went wrong, as a problem (RFC 9457) with a stable code",
            "content": {"application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": {
                    "type": "/problems/not_found", "title": "There is nothing here.", "status": 404, "code": "not_found",
                    "detail": "There is nothing here.", "requestId": "0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718"
                }
            }}
        }
    });
    let operations = document["paths"].as_object_mut().into_iter().flatten().flat_map(|(_, item)| {
        item.as_object_mut()
            .into_iter()
            .flatten()
            .filter(|(_, operation)| operation["responses"].is_object())
            .map(|(_, o)| o)
    });
    for operation in operations {
        for range in ["4XX", "5XX"] {
            operation["responses"][range] = json!({"$ref": "#/components/responses/Problem"});
        }
        add_examples(&mut operation["requestBody"], &schemas);
        for (_, response) in operation["responses"].as_object_mut().into_iter().flatten() {
            add_examples(response, &schemas);
        }
    }
    document
}

fn add_examples(holder: &mut Value, schemas: &Value) {
    for (_, media) in holder.get_mut("content").and_then(Value::as_object_mut).into_iter().flatten() {
        if media["example"].is_null() && media["examples"].is_null() && !media["schema"].is_null() {
            media["example"] = example(&media["schema"], schemas, 0);
        }
    }
}

/// A value that the schema describes: its own example where it has one, else something plausible of its type.
fn example(schema: &Value, schemas: &Value, depth: u8) -> Value {
    if depth > 12 {
        return Value::Null;
    }
    let given = [&schema["example"], &schema["examples"][0], &schema["default"], &schema["const"], &schema["enum"][0]];
    if let Some(value) = given.into_iter().find(|value| !value.is_null()) {
        return value.clone();
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return example(&schemas[name], schemas, depth + 1);
    }
    for alternatives in ["oneOf", "anyOf"] {
        let choices = schema[alternatives].as_array().into_iter().flatten();
        if let Some(choice) = choices.into_iter().find(|choice| choice["type"] != "null") {
            return example(choice, schemas, depth + 1);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let merged = parts.iter().filter_map(|part| example(part, schemas, depth + 1).as_object().cloned()).flatten();
        return Value::Object(merged.collect());
    }
    let kind = schema["type"]
        .as_str()
        .or_else(|| schema["type"].as_array()?.iter().find_map(|kind| kind.as_str().filter(|kind| *kind != "null")));
    match (kind, schema["format"].as_str()) {
        (Some("object"), _) => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            let fields: Map<_, _> =
                properties.map(|(name, property)| (name.clone(), example(property, schemas, depth + 1))).collect();
            Value::Object(fields)
        }
        (Some("array"), _) => json!([example(&schema["items"], schemas, depth + 1)]),
        (Some("string"), Some("uuid")) => json!("0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718"),
        (Some("string"), Some("date-time")) => json!("2026-11-22T00:00:00Z"),
        (Some("string"), Some("date")) => json!("2026-11-22"),
        (Some("string"), _) => json!("text"),
        (Some("integer"), _) => schema.get("minimum").cloned().unwrap_or(json!(1)),
        (Some("number"), _) => json!(1.5),
        (Some("boolean"), _) => json!(true),
        _ => Value::Null,
    }
}

/// Swagger UI, which keeps the token given under "Authorize" while the tab lives.
pub fn swagger() -> SwaggerUi {
    let config = Config::from("/openapi.json").persist_authorization(true).try_it_out_enabled(true);
    SwaggerUi::new("/docs/{_:.*}").config(config)
}

/// The description itself.
#[derive(Clone, Debug)]
pub struct Description(pub String);

/// `GET /openapi.json`.
pub async fn openapi_json(description: web::Data<Description>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(description.0.clone())
}

/// `GET /redoc`: ReDoc from the app's files, so that no third party sees who reads the documentation.
pub async fn redoc() -> HttpResponse {
    const PAGE: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>FinOps for AI API</title>\
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"></head>\
        <body><redoc spec-url=\"/openapi.json\"></redoc><script src=\"/vendor/redoc.standalone.js\"></script>\
        <noscript><a href=\"/openapi.json\">openapi.json</a></noscript></body></html>";
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src blob:; \
             font-src 'self'; frame-ancestors 'none'",
        ))
        .body(PAGE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::example;

    #[test]
    fn an_example_follows_references_and_knows_formats() {
        let schemas = json!({
            "Team": {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}, "role": {"$ref": "#/components/schemas/Role"},
                "note": {"type": ["string", "null"]}, "amounts": {"type": "array", "items": {"type": "string", "examples": ["1.500000"]}}}},
            "Role": {"type": "string", "enum": ["user", "admin"]},
        });
        let made = example(&json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Team"}]}), &schemas, 0);
        assert_eq!(
            made,
            json!({"id": "0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718", "role": "user", "note": "text", "amounts": ["1.500000"]})
        );
    }
}
