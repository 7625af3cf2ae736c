//! The app's files: from the binary when it was built with them, else from a directory.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use finops_contract::ErrorCode;

use super::docs::Description;
use super::error::{ApiError, ApiResult};
use crate::platform::state::State;

#[cfg(feature = "embed-app")]
#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../target/app/dist"]
struct Embedded;

/// Where the app's files come from.
enum Source<'a> {
    Directory(&'a Path),
    #[cfg(feature = "embed-app")]
    Embedded,
    #[cfg(not(feature = "embed-app"))]
    None,
}

impl Source<'_> {
    fn of(directory: Option<&Path>) -> Source<'_> {
        match directory {
            Some(directory) => Source::Directory(directory),
            #[cfg(feature = "embed-app")]
            None => Source::Embedded,
            #[cfg(not(feature = "embed-app"))]
            None => Source::None,
        }
    }

    async fn read(&self, path: &str) -> Option<Cow<'static, [u8]>> {
        match self {
            Self::Directory(directory) => {
                let file: PathBuf = directory.join(path);
                web::block(move || std::fs::read(file)).await.ok()?.ok().map(Cow::Owned)
            }
            #[cfg(feature = "embed-app")]
            Self::Embedded => Embedded::get(path).map(|file| file.data),
            #[cfg(not(feature = "embed-app"))]
            Self::None => None,
        }
    }
}

/// A path of plain names, so that nothing outside of the app's directory can be reached.
fn plain(path: &str) -> Option<&str> {
    let path = path.trim_start_matches('/');
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) && !path.contains('\\');
    plain.then_some(path)
}

/// Serves a file of the app, or its shell for every address that is a page of it.
///
/// # Errors
/// `not_found` below `/api` and for missing files, `method_not_allowed`.
pub async fn serve(
    request: HttpRequest,
    state: web::Data<State>,
    description: web::Data<Description>,
) -> ApiResult<HttpResponse> {
    let path = request.path();
    if path.starts_with("/api/") || path == "/api" {
        let methods = description.methods_of(path).ok_or(ErrorCode::NotFound)?;
        return Err(ApiError::from(ErrorCode::MethodNotAllowed).with_allow(methods));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(ErrorCode::MethodNotAllowed.into());
    }
    let source = Source::of(state.config.app_dir.as_deref());
    let name = plain(path).ok_or(ErrorCode::NotFound)?;
    let is_page = !name.rsplit('/').next().unwrap_or_default().contains('.');
    let file = if is_page { "index.html" } else { name };
    for (encoding, suffix) in [("br", ".br"), ("gzip", ".gz"), ("", "")] {
        if !encoding.is_empty() && !accepts(&request, encoding) {
            continue;
        }
        if let Some(body) = source.read(&format!("{file}{suffix}")).await {
            return Ok(answer(file, encoding, body, &policy(&source).await));
        }
    }
    match is_page && name.is_empty() {
        true => Ok(without_app()),
        false => Err(ApiError::new(ErrorCode::NotFound)),
    }
}

fn accepts(request: &HttpRequest, encoding: &str) -> bool {
    let header = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    header.is_some_and(|value| value.split(',').any(|part| part.trim().split(';').next() == Some(encoding)))
}

fn answer(file: &str, encoding: &str, body: Cow<'static, [u8]>, policy: &str) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, content_type(file)));
    response.insert_header((header::VARY, "Accept-Encoding"));
    if !encoding.is_empty() {
        response.insert_header((header::CONTENT_ENCODING, encoding));
    }
    if file == "index.html" {
        response.insert_header((header::CACHE_CONTROL, "no-cache"));
        response.insert_header((header::CONTENT_SECURITY_POLICY, policy));
    } else {
        // File names carry their content's hash.
        response.insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"));
    }
    response.body(body.into_owned())
}

/// Only our own files run; the shell's inline scripts are named by the hashes that the app's build wrote down.
async fn policy(source: &Source<'_>) -> String {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Hashes {
        script_hashes: Vec<String>,
    }
    let written = source.read("csp.json").await;
    let hashes = written.and_then(|json| serde_json::from_slice::<Hashes>(&json).ok());
    let scripts: String =
        hashes.iter().flat_map(|hashes| &hashes.script_hashes).map(|hash| format!(" '{hash}'")).collect();
    format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'{scripts}; style-src 'self'; img-src 'self' data:; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
    )
}

fn content_type(file: &str) -> HeaderValue {
    HeaderValue::from_static(match file.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    })
}

fn without_app() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(
        "FinOps for AI is running without its app. Build one with `cargo xtask dist`, or set APP_DIR.\n\
         The API is described at /docs and /openapi.json.\n",
    )
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn only_plain_names_are_read() {
        assert_eq!(plain("/assets/app.js"), Some("assets/app.js"));
        assert_eq!(plain("/"), Some(""));
        for bad in ["/../secret", "/a/../../b", "/./x", "/a\\..\\b"] {
            assert_eq!(plain(bad), None, "{bad}");
        }
    }
}
