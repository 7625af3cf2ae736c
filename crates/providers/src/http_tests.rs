use std::cell::Cell;

use super::*;

fn at_midnight() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_782_432_000)
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (reqwest::header::HeaderName::from_static(name), value.parse().unwrap())).collect()
}

/// Runs `failures` one after the other, then succeeds; gives the outcome, the attempts made and the (paused) time waited.
async fn run(policy: &CallPolicy, failures: Vec<Failure>) -> (Result<(), ProviderError>, usize, Duration) {
    let made = Cell::new(0);
    let failures = std::cell::RefCell::new(failures.into_iter());
    let started = tokio::time::Instant::now();
    let outcome = with_retries(policy, || {
        made.set(made.get() + 1);
        let next = failures.borrow_mut().next();
        async move { next.map_or(Ok(()), Err) }
    })
    .await;
    (outcome, made.get(), started.elapsed())
}

fn limited(retry_after: Option<Duration>) -> Failure {
    Failure { error: ProviderError::RateLimited { retry_after }, retry: true, retry_after }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_out_exactly() {
    let waits = [7, 120];
    let failures = waits.map(|s| limited(Some(Duration::from_secs(s)))).into();
    let (outcome, made, waited) = run(&CallPolicy::default(), failures).await;
    assert_eq!(outcome, Ok(()));
    assert_eq!(made, 3);
    assert!(waited >= Duration::from_secs(127) && waited < Duration::from_millis(127_010), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_above_the_limit_is_given_up_at_once() {
    let wait = Duration::from_secs(121);
    let (outcome, made, waited) = run(&CallPolicy::default(), vec![limited(Some(wait))]).await;
    assert_eq!(outcome, Err(ProviderError::RateLimited { retry_after: Some(wait) }));
    assert_eq!((made, waited), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn without_a_hint_the_wait_is_jittered_and_bounded() {
    for _ in 0..200 {
        let failures = (0..3).map(|_| limited(None)).collect();
        let (outcome, made, waited) = run(&CallPolicy::default(), failures).await;
        assert_eq!(outcome, Err(ProviderError::RateLimited { retry_after: None }));
        assert_eq!(made, 3);
        assert!(waited <= Duration::from_millis(1_510), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_final_is_not_repeated() {
    let error = ProviderError::malformed("x");
    let (outcome, made, _) = run(&CallPolicy::default(), vec![Failure::last(error.clone())]).await;
    assert_eq!((outcome, made), (Err(error), 1));
}

#[test]
fn backoff_doubles_up_to_its_cap() {
    let policy = CallPolicy::default();
    for (made, most) in [(1, 500), (2, 1000), (4, 4000), (5, 8000), (6, 8000), (40, 8000)] {
        let longest = (0..500).map(|_| backoff(&policy, made)).max().unwrap();
        assert!(longest <= Duration::from_millis(most), "{made}: {longest:?}");
        assert!(longest >= Duration::from_millis(most / 2), "{made}: {longest:?}");
    }
}

#[test]
fn reads_every_form_of_retry_after() {
    let read = |pairs: &[(&'static str, &str)]| retry_after(&headers(pairs), at_midnight());
    assert_eq!(read(&[("retry-after", "3")]), Some(Duration::from_secs(3)));
    assert_eq!(read(&[("retry-after", "1.5")]), Some(Duration::from_millis(1500)));
    assert_eq!(read(&[("retry-after", "3"), ("retry-after-ms", "250")]), Some(Duration::from_millis(250)));
    assert_eq!(read(&[("retry-after", "Fri, 26 Jun 2026 00:00:30 GMT")]), Some(Duration::from_secs(30)));
    assert_eq!(read(&[("retry-after", "Fri, 26 Jun 2020 00:00:30 GMT")]), Some(Duration::ZERO));
    assert_eq!(read(&[("retry-after", "1e300")]), Some(Duration::MAX));
    for nonsense in ["", "soon", "-5", "NaN"] {
        assert_eq!(read(&[("retry-after", nonsense)]), None, "{nonsense}");
    }
    assert_eq!(read(&[]), None);
}

#[test]
fn reads_every_form_of_error() {
    let read = |body: &str| {
        let (code, message) = words(body.as_bytes(), "the-key");
        (code.unwrap_or_default(), message.unwrap_or_default())
    };
    let pair = |code: &str, message: &str| (code.to_owned(), message.to_owned());
    assert_eq!(
        read(
            r#"{"error":{"message":"Incorrect API key provided: the-key.","type":"invalid_request_error","code":"invalid_api_key"}}"#
        ),
        pair("invalid_api_key", "Incorrect API key provided: [redacted].")
    );
    assert_eq!(read(r#"{"error":{"message":"No.","type":"server_error","code":null}}"#), pair("server_error", "No."));
    assert_eq!(read(r#"{"error":"text"}"#), pair("", "text"));
    assert_eq!(read(r#"{"code":404,"message":"Not here"}"#), pair("404", "Not here"));
    assert_eq!(read(r#""just text""#), pair("", "just text"));
    for odd in ["", "<html>Bad gateway</html>", "{", "[]", "null", r#"{"error":[1]}"#, r#"{"error":{"message":{}}}"#] {
        assert_eq!(read(odd), pair("", ""), "{odd}");
    }
    assert_eq!(words(&[0xff, 0xfe], ""), (None, None));
    let (_, message) = words(format!(r#"{{"error":"{}"}}"#, "x ".repeat(5000)).as_bytes(), "");
    assert_eq!(message.unwrap().len(), 300);
}

#[test]
fn statuses_become_the_right_variant() {
    let of = |status: u16| refusal(StatusCode::from_u16(status).unwrap(), None, b"", "", Resource::Project);
    for (status, reason, retry) in [
        (400, "rejected", false),
        (401, "unauthorized", false),
        (403, "unauthorized", false),
        (404, "project_not_found", false),
        (408, "unavailable", true),
        (409, "rejected", true),
        (422, "rejected", false),
        (429, "rate_limited", true),
        (500, "unavailable", true),
        (503, "unavailable", true),
        (599, "unavailable", true),
    ] {
        let failure = of(status);
        assert_eq!((failure.error.user_reason(), failure.retry), (reason, retry), "{status}");
    }
}
