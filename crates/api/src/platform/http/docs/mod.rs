//! The API's description: collected from the handlers, completed here, served as JSON, Swagger UI and ReDoc.

mod examples;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use finops_contract::{FieldError, Problem};
use serde_json::{Value, json};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, SecurityRequirement};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::idempotency;

/// The name of the security scheme of access tokens.
pub const SESSION: &str = "session";
/// The name of the security scheme of API keys.
pub const API_KEY: &str = "api_key";
/// The name of the security scheme of the daily batch.
pub const CRON: &str = "cron_secret";

/// What the description starts from, before the handlers add themselves.
pub fn base() -> OpenApi {
    let bearer = |about: &str| {
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build())
    };
    let api_key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
        "X-API-Key",
        "A key of `POST /api/api-keys` with the scope that the operation names; `Authorization: Bearer fin_…` does as well.",
    )));
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("FinOps for AI")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "What an organization's AI costs, who and what causes it.\n\n\
                     Money is an exact decimal string beside its currency. Lists are `{data, nextCursor}`. Changes take \
                     `Idempotency-Key`. Errors are RFC 9457 problems with a stable `code`. An administrator of the \
                     platform names another organization with `X-Organization-Id`.\n\n\
                     Programs present an API key, `X-API-Key: fin_…` or `Authorization: Bearer fin_…`, where an operation names \
                     a scope of it. Keys with a quota are told what is left of it in `RateLimit-Policy` and `RateLimit`.",
                ))
                .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build())),
        )
        .components(Some(
            ComponentsBuilder::new()
                .schema_from::<FieldError>()
                .schema_from::<Problem>()
                .security_scheme(SESSION, bearer("The `accessToken` of `POST /api/auth/login`."))
                .security_scheme(API_KEY, api_key)
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
    document["components"]["parameters"] = json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "A text of the caller's choice, new for every change. Sent again within a day, with the same \
                change, it answers what it answered the first time (with `Idempotency-Replayed: true`) and changes nothing.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            "example": "0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718"
        }
    });
    let operations = document["paths"].as_object_mut().into_iter().flatten().flat_map(|(path, item)| {
        let operations = item.as_object_mut().into_iter().flatten();
        let described = operations.filter(|(_, operation)| operation["responses"].is_object());
        described.map(move |(method, operation)| (path, method, operation))
    });
    for (path, method, operation) in operations {
        if takes_idempotency_key(operation, path, method) {
            let parameter = json!({"$ref": "#/components/parameters/IdempotencyKey"});
            match operation["parameters"].as_array_mut() {
                Some(parameters) => parameters.push(parameter),
                None => operation["parameters"] = json!([parameter]),
            }
        }
        for range in ["4XX", "5XX"] {
            operation["responses"][range] = json!({"$ref": "#/components/responses/Problem"});
        }
        examples::add(&mut operation["requestBody"], &schemas);
        for (_, response) in operation["responses"].as_object_mut().into_iter().flatten() {
            examples::add(response, &schemas);
        }
    }
    document
}

/// Changes under `/api` by somebody who is signed in, or by a program.
fn takes_idempotency_key(operation: &Value, path: &str, method: &str) -> bool {
    if !idempotency::is_taken_at(path) {
        return false;
    }
    let session = |security: &Vec<Value>| security.iter().any(|one| one.get(SESSION).is_some());
    matches!(method, "post" | "put" | "patch" | "delete") && operation["security"].as_array().is_none_or(session)
}

/// What Swagger UI may load: its own files, and answers of this service. It sets styles in its markup, and its pictures are
/// in its style sheet.
pub const SWAGGER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Swagger UI, which keeps the token given under "Authorize" while the tab lives.
pub fn swagger() -> SwaggerUi {
    let config = Config::from("/openapi.json").persist_authorization(true).try_it_out_enabled(true);
    SwaggerUi::new("/docs/{_:.*}").config(config)
}

/// The description itself.
#[derive(Clone, Debug)]
pub struct Description {
    text: String,
    /// Every path, in segments, with the methods that it takes.
    paths: Vec<(Vec<String>, String)>,
}

impl Description {
    /// Takes over a description.
    pub fn new(text: String) -> Self {
        let document: Value = serde_json::from_str(&text).unwrap_or_default();
        let paths = document["paths"].as_object().into_iter().flatten().map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase());
            (segments(path).map(str::to_owned).collect(), methods.collect::<Vec<_>>().join(", "))
        });
        Self { paths: paths.collect(), text }
    }

    /// The methods that an address takes; nothing, if there is no such address.
    pub fn methods_of(&self, path: &str) -> Option<&str> {
        let asked: Vec<&str> = segments(path).collect();
        let fits = |path: &[String]| {
            path.len() == asked.len()
                && path.iter().zip(&asked).all(|(known, asked)| known.starts_with('{') || known == asked)
        };
        self.paths.iter().find(|(path, _)| fits(path)).map(|(_, methods)| methods.as_str())
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.trim_start_matches('/').split('/')
}

/// `GET /openapi.json`.
pub async fn openapi_json(description: web::Data<Description>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(description.text.clone())
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
