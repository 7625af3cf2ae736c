//! What comes in over the wire, however it was meant.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use finops_contract::ErrorCode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::client::{Answer, Client};

async fn raw(client: &Client, body: impl Into<reqwest::Body>) -> Answer {
    let request = client.request(Method::POST, "/api/teams").header("content-type", "application/json");
    Answer::of(request.body(body)).await
}

#[tokio::test]
async fn bodies_that_are_not_what_they_should_be_are_told_apart() {
    let app = TestApp::spawn().await;
    let admin = app.found("admin@example.com", "Example Inc.").await;
    let deep = format!("{{\"name\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for (body, code) in [
        (b"".to_vec(), ErrorCode::MalformedJson),
        (b"{".to_vec(), ErrorCode::MalformedJson),
        (b"{\"name\":\"\xff\xfe\"}".to_vec(), ErrorCode::MalformedJson),
        (b"{\"name\":1e400}".to_vec(), ErrorCode::MalformedJson),
        (deep.into_bytes(), ErrorCode::ValidationFailed),
        (b"null".to_vec(), ErrorCode::ValidationFailed),
        (b"[]".to_vec(), ErrorCode::ValidationFailed),
        (b"{\"name\":7}".to_vec(), ErrorCode::ValidationFailed),
        (b"{\"name\":\"a\\u0000b\"}".to_vec(), ErrorCode::ValidationFailed),
        (b"{\"name\":\"a\",\"name\":\"b\"}".to_vec(), ErrorCode::ValidationFailed),
        (vec![b' '; 64 * 1024 + 1], ErrorCode::PayloadTooLarge),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let answer = raw(&admin, body).await;
        assert_eq!(answer.status, code.status(), "{shown}: {}", answer.text);
        answer.problem(code);
    }
    for media in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let request = admin.request(Method::POST, "/api/teams").header("content-type", media).body("{}");
        Answer::of(request).await.problem(ErrorCode::UnsupportedMediaType);
    }
    raw(&admin, json!({"name": "x"}).to_string()).await.status(201);
    assert_eq!(app.database.count("SELECT count(*) FROM teams").await, 1);
}

#[tokio::test]
async fn text_that_the_database_cannot_hold_is_the_callers_mistake() {
    let app = TestApp::spawn().await;
    let admin = app.found("admin@example.com", "Example Inc.").await;
    let login = json!({"email": "a\u{0}b@example.com", "password": "correct horse battery"});
    app.anonymous().post("/api/auth/login", login).await.problem(ErrorCode::BadRequest);
    admin.get("/api/jobs?name=a%00b").await.problem(ErrorCode::BadRequest);
    admin.get("/api/audit-log?action=%00").await.problem(ErrorCode::BadRequest);
    admin.get("/api/jobs?name=%ff").await;
}

#[tokio::test]
async fn sign_in_takes_four_kibibytes() {
    let app = TestApp::spawn().await;
    let body = json!({"email": "a@example.com", "password": "x".repeat(5_000)});
    app.anonymous().post("/api/auth/login", &body).await.problem(ErrorCode::PayloadTooLarge);
    app.anonymous().post("/api/auth/register", &body).await.problem(ErrorCode::PayloadTooLarge);
}

/// Sends text over a connection of its own and reads until it is closed.
fn speak(app: &TestApp, text: &str) -> String {
    let mut stream = TcpStream::connect(app.address()).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream.write_all(text.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("read to its end");
    answer
}

#[tokio::test]
async fn a_body_that_says_it_is_huge_is_refused_before_it_comes() {
    let app = TestApp::spawn().await;
    let admin = app.found("admin@example.com", "Example Inc.").await;
    let request = admin.request(Method::POST, "/api/teams").build().expect("a request");
    let token = request.headers()["authorization"].to_str().expect("text").to_owned();
    let started = Instant::now();
    let answer = speak(
        &app,
        &format!(
            "POST /api/teams HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\ncontent-type: application/json\r\n\
             content-length: 1073741824\r\nconnection: close\r\n\r\n{{"
        ),
    );
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("\"code\":\"payload_too_large\"") && started.elapsed() < Duration::from_secs(1));
    // One that does not say so is cut off where the limit is.
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let answer = speak(
        &app,
        &format!(
            "POST /api/teams HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\ncontent-type: application/json\r\n\
             transfer-encoding: chunked\r\nconnection: close\r\n\r\n{chunk}{chunk}0\r\n\r\n"
        ),
    );
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_compressed_body_is_refused_so_that_none_can_swell() {
    let app = TestApp::spawn().await;
    let admin = app.found("admin@example.com", "Example Inc.").await;
    for encoding in ["gzip", "br", "deflate"] {
        let request = admin.request(Method::POST, "/api/teams").header("content-type", "application/json");
        let answer = Answer::of(request.header("content-encoding", encoding).body("{\"name\":\"x\"}")).await;
        assert!(answer.problem(ErrorCode::UnsupportedMediaType).detail.contains("Content-Encoding"));
    }
    assert_eq!(app.database.count("SELECT count(*) FROM teams").await, 0);
}

#[tokio::test]
async fn a_connection_that_stalls_is_closed() {
    let app = TestApp::spawn().await;
    let started = Instant::now();
    let answer = speak(&app, "GET /health HTTP/1.1\r\nhost: x\r\n");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

#[tokio::test]
async fn answers_say_how_they_may_be_used() {
    let app = TestApp::spawn().await;
    let answer = app.anonymous().get("/api/auth/registration").await;
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), value);
    }
    let problem = app.anonymous().get("/api/nothing").await;
    assert_eq!(problem.header("x-content-type-options"), "nosniff");
    let (one, two) = (problem.header("x-request-id").to_owned(), answer.header("x-request-id"));
    assert!(!one.is_empty() && one != two);
}

#[tokio::test]
async fn the_description_and_its_pages_are_served_from_here() {
    let app = TestApp::spawn().await;
    let served: Value = app.anonymous().get("/openapi.json").await.ok();
    assert!(served["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    assert_eq!(served, *crate::support::openapi::DOCUMENT);
    let scheme = &served["components"]["securitySchemes"]["session"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
    let docs = app.anonymous().get("/docs/").await;
    assert!(docs.text.contains("swagger-ui"), "{}", docs.text);
    let policy = docs.header("content-security-policy");
    assert!(policy.contains("default-src 'none'; script-src 'self';") && !policy.contains("unsafe-eval"), "{policy}");
    assert!(!docs.text.contains("<script>"), "nothing that the policy would stop: {}", docs.text);
    let script = app.anonymous().get("/docs/swagger-initializer.js").await;
    assert!(script.text.contains("/openapi.json") && script.text.contains("persistAuthorization"), "{}", script.text);
    assert!(matches!(app.anonymous().get("/docs").await.status, 301 | 302 | 307 | 308));
    let redoc = app.anonymous().get("/redoc").await;
    assert!(redoc.text.contains("spec-url=\"/openapi.json\"") && !redoc.text.contains("https://"), "{}", redoc.text);
}

async fn panics() -> actix_web::HttpResponse {
    panic!("a detail of the code")
}

#[actix_web::test]
async fn a_panic_in_a_handler_is_a_problem_like_any_other() {
    use actix_web::{App, body, middleware as actix, test, web};
    use finops_api::platform::http::middleware;

    let app = TestApp::spawn().await;
    let service = test::init_service(
        App::new()
            .wrap(actix::from_fn(middleware::problems))
            .wrap(actix::from_fn(middleware::measure))
            .wrap(tracing_actix_web::TracingLogger::default())
            .app_data(web::Data::new(app.state.clone()))
            .route("/panics", web::get().to(panics)),
    )
    .await;
    let request = test::TestRequest::get().uri("/panics").to_request();
    let error = test::try_call_service(&service, request).await.err().expect("no response came out of it");
    let answer = error.error_response();
    assert_eq!(answer.status(), 500);
    assert!(answer.headers().contains_key("x-request-id"));
    let text = body::to_bytes(answer.into_body()).await.unwrap_or_else(|_| panic!("a body"));
    let problem: finops_contract::Problem = serde_json::from_slice(&text).expect("a problem");
    assert_eq!(problem.code, ErrorCode::Internal.name());
    assert!(!String::from_utf8_lossy(&text).contains("detail of the code"));
    let counted = r#"finops_http_requests_total{method="GET",route="lost",status="500"} 1"#;
    assert!(app.state.metrics.render().expect("metrics").contains(counted));
}
