//! Every way a provider fails, and what the caller is told.

use std::time::{Duration, SystemTime};

use finops_providers::{CallPolicy, CostSource, ProviderError, Resource};

use crate::server::{Reply, Server};
use crate::{LAST, client, page, policy, query};

/// The error of one costs call, and the requests it took.
async fn fails(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (ProviderError, usize) {
    fails_under(policy(), reply).await
}

async fn fails_under(policy: CallPolicy, reply: impl Fn() -> Reply + Send + Sync + 'static) -> (ProviderError, usize) {
    let server = Server::always(reply).await;
    let error = client(server.base()).with_policy(policy).costs_page(&query(), None).await.unwrap_err();
    (error, server.seen().len())
}

#[tokio::test]
async fn refusals_are_final() {
    let scopes = include_str!("../data/openai.observed.error-insufficient-permissions.json");
    for status in [401, 403] {
        let (error, calls) = fails(move || Reply::status(status, scopes)).await;
        let ProviderError::Rejected { message: Some(message), .. } = &error else { panic!("{error:?}") };
        assert!(message.contains("Missing scopes: api.management.read"), "{message}");
        assert_eq!((error.user_reason(), error.is_unauthorized(), calls), ("unauthorized", true, 1));
    }
    let (error, calls) = fails(|| Reply::status(400, r#"{"error":"bad start_time"}"#)).await;
    assert_eq!(error, ProviderError::Rejected { status: 400, code: None, message: Some("bad start_time".into()) });
    assert_eq!(calls, 1);
    let (error, calls) = fails(|| Reply::status(404, "<html>nginx</html>")).await;
    assert_eq!((error, calls), (ProviderError::NotFound { resource: Resource::Endpoint }, 1));
}

#[tokio::test]
async fn what_may_pass_is_tried_three_times() {
    for (status, reason) in [
        (408, "unavailable"),
        (409, "rejected"),
        (429, "rate_limited"),
        (500, "unavailable"),
        (502, "unavailable"),
        (503, "unavailable"),
    ] {
        let (error, calls) = fails(move || Reply::status(status, "")).await;
        assert_eq!((error.user_reason(), error.is_transient(), calls), (reason, true, 3), "{status}");
    }
}

#[tokio::test]
async fn a_passing_fault_is_not_noticed() {
    let server = Server::start(|_, before| match before {
        0 => Reply::status(429, "").with("retry-after-ms", "3"),
        1 => Reply::Raw(Vec::new()),
        _ => Reply::json(page(&[0], LAST)),
    })
    .await;
    let answer = client(server.base()).costs_page(&query(), None).await.unwrap();
    assert_eq!((answer.buckets.len(), server.seen().len()), (1, 3));
}

#[tokio::test]
async fn too_long_a_wait_is_given_up_at_once_and_reported() {
    let midnight: fn() -> SystemTime = || SystemTime::UNIX_EPOCH + Duration::from_secs(1_782_432_000);
    for (header, value, seconds) in [
        ("retry-after", "121", 121),
        ("retry-after", "Fri, 26 Jun 2026 00:10:00 GMT", 600),
        ("retry-after-ms", "121000", 121),
    ] {
        let (error, calls) =
            fails_under(CallPolicy { now: midnight, ..policy() }, move || Reply::status(429, "").with(header, value))
                .await;
        assert_eq!(error, ProviderError::RateLimited { retry_after: Some(Duration::from_secs(seconds)) }, "{value}");
        assert_eq!(calls, 1);
    }
    let (error, calls) = fails(|| Reply::status(503, "").with("retry-after", "3600")).await;
    assert_eq!((error.user_reason(), calls), ("unavailable", 1));
}

#[tokio::test]
async fn nonsense_with_200_is_malformed_and_not_repeated() {
    let whole = page(&[0], LAST);
    let half = whole[..whole.len() / 2].to_owned();
    let bodies = [
        "<!DOCTYPE html><html><body>Sign in</body></html>".to_owned(),
        String::new(),
        "   ".into(),
        "null".into(),
        "[]".into(),
        "\"text\"".into(),
        "{}".into(),
        r#"{"data":{}}"#.into(),
        r#"{"data":[[]]}"#.into(),
        r#"{"data":[{"start_time":"soon","end_time":2,"results":[]}]}"#.into(),
        r#"{"data":[],"has_more":"yes"}"#.into(),
        format!("{whole}{whole}"),
        "[".repeat(100_000),
        format!(r#"{{"data":{}"#, "[".repeat(100_000)),
        half,
    ];
    for body in bodies {
        let shown = body.clone();
        let (error, calls) = fails(move || Reply::json(body.clone())).await;
        assert!(matches!(error, ProviderError::Malformed { .. }), "{shown:.60}: {error:?}");
        assert_eq!((error.is_transient(), calls), (false, 1));
    }
    let (error, _) = fails(|| Reply::json(page(&[0], LAST)).with("content-type", "text/HTML; charset=utf-8")).await;
    assert_eq!(error.user_reason(), "malformed");
    let (error, _) = fails(|| Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n\"\xff\xfe\"".to_vec())).await;
    assert_eq!(error, ProviderError::Malformed { reason: "not UTF-8".into() });
}

#[tokio::test]
async fn mislabelled_json_is_still_read() {
    for label in ["text/plain", "application/octet-stream", "application/json; charset=utf-8", "nonsense"] {
        let server =
            Server::always(move || Reply::json(format!("\u{feff} {}", page(&[0], LAST))).with("content-type", label))
                .await;
        assert!(client(server.base()).costs_page(&query(), None).await.is_ok(), "{label}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in [301, 302, 307, 308, 304] {
        let (error, calls) = fails(move || Reply::status(status, "").with("location", "/elsewhere")).await;
        assert_eq!((error, calls), (ProviderError::Malformed { reason: format!("unexpected status {status}") }, 1));
    }
}

#[tokio::test]
async fn cut_and_absent_connections_are_unavailable() {
    let cut = || {
        Reply::Raw(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"data\":[".to_vec(),
        )
    };
    let chunked = || Reply::Raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{\"data\":[\r\n".to_vec());
    for (error, calls) in [fails(cut).await, fails(chunked).await, fails(|| Reply::Raw(b"garbage".to_vec())).await] {
        assert!(matches!(error, ProviderError::Unavailable { .. }), "{error:?}");
        assert_eq!((error.is_transient(), calls), (true, 3));
    }
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = client(&format!("http://127.0.0.1:{port}/v1")).costs_page(&query(), None).await.unwrap_err();
    assert_eq!(error, ProviderError::Unavailable { reason: "no connection".into() });
}

#[tokio::test]
async fn a_hanging_provider_is_left_after_the_timeout() {
    let short = CallPolicy { timeout: Duration::from_millis(50), ..policy() };
    let (error, calls) = fails_under(short.clone(), || Reply::Hang).await;
    assert_eq!((error, calls), (ProviderError::Unavailable { reason: "timeout".into() }, 3));
    // The clock runs until the last byte of the body, not only to the head; here it never comes.
    let endless = CallPolicy { max_body_bytes: usize::MAX, attempts: 1, ..short };
    let (error, _) = fails_under(endless, || Reply::Flood).await;
    assert_eq!(error.user_reason(), "unavailable");
}

#[tokio::test]
async fn an_oversized_answer_is_not_read() {
    let cap = 256 * 1024;
    let announced = || {
        Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 200000000\r\n\r\n{".to_vec())
    };
    let (error, calls) = fails_under(CallPolicy { max_body_bytes: cap, ..policy() }, announced).await;
    assert_eq!((error, calls), (ProviderError::TooLarge { limit: cap }, 1));

    let server = Server::always(|| Reply::Flood).await;
    let small = client(server.base()).with_policy(CallPolicy { max_body_bytes: cap, ..policy() });
    assert_eq!(small.costs_page(&query(), None).await, Err(ProviderError::TooLarge { limit: cap }));
    // What the sockets buffered comes on top of the cap.
    assert!(server.flooded() < 32 * 1024 * 1024, "{} bytes were taken", server.flooded());

    let exact = page(&[0], LAST);
    let fits = CallPolicy { max_body_bytes: exact.len(), ..policy() };
    let server = Server::always(move || Reply::json(exact.clone())).await;
    assert!(client(server.base()).with_policy(fits).costs_page(&query(), None).await.is_ok());
}

#[tokio::test]
async fn an_error_with_an_endless_body_is_still_classified() {
    let flood = || {
        let head = "HTTP/1.1 401 X\r\ncontent-length: 200000000\r\n\r\n";
        Reply::Raw([head.as_bytes(), &[b'x'; 1000]].concat())
    };
    let (error, calls) = fails(flood).await;
    assert_eq!((error, calls), (ProviderError::Rejected { status: 401, code: None, message: None }, 1));
}
