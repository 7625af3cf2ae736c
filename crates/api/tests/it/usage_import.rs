//! Files of events: streamed, resumed, stored once however often their job dies.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use chrono::TimeDelta;
use finops_contract::ErrorCode;
use finops_contract::usage::UsageEvent;
use finops_contract::usage_imports::{ImportState, UsageImport};
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::postgres::PgListener;

use crate::support::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::costs::{project, team};

const IMPORT: &str = "/api/usage/import";
const IMPORTS: &str = "/api/usage/imports";
const NDJSON: &str = "application/x-ndjson";

fn line(fields: &Value) -> String {
    let mut event =
        json!({"model": "gpt-4o-mini", "promptTokens": 10, "completionTokens": 2, "timestamp": "2026-03-01T10:00:00Z"});
    event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    format!("{event}\n")
}

/// A file whose every third line has no id.
fn file(lines: usize) -> String {
    (0..lines).fold(String::new(), |mut file, n| {
        let id = if n % 3 == 0 { Value::Null } else { json!(format!("evt-{n}")) };
        file.push_str(&line(&json!({"eventId": id, "promptTokens": n % 7})));
        file
    })
}

async fn post(client: &Client, media: &str, body: impl Into<Vec<u8>>) -> Answer {
    Answer::of(client.request(Method::POST, IMPORT).header("content-type", media).body(body.into())).await
}

async fn put(client: &Client, import: &UsageImport, query: &str, body: impl Into<Vec<u8>>) -> Answer {
    let path = format!("{IMPORTS}/{}?{query}", import.id);
    Answer::of(client.request(Method::PUT, &path).header("content-type", NDJSON).body(body.into())).await
}

async fn read(client: &Client, import: &UsageImport) -> UsageImport {
    client.get(&format!("{IMPORTS}/{}", import.id)).await.read_as()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn events(app: &TestApp) -> i64 {
    let summed = app.database.count("SELECT coalesce(sum(events), 0)::bigint FROM usage_sums").await;
    assert_eq!(app.database.count("SELECT count(*) FROM usage_events").await, summed);
    summed
}

#[tokio::test]
async fn good_lines_are_stored_and_bad_ones_named() {
    let app = TestApp::spawn().await;
    // Retention has had its turn, so that what is older than it keeps stays for this test.
    app.run_jobs().await;
    let people = app.people().await;
    let admin = &people.admin;
    let mut body = String::from("\u{feff}");
    body += &line(&json!({"eventId": "a"}));
    body += "\r\n\n";
    body += &line(&json!({"eventId": "b", "promptTokens": -1}));
    body += "{\"model\":\n";
    body += &line(&json!({"eventId": "old", "timestamp": "2022-03-01T10:00:00Z"}));
    body += &line(&json!({"eventId": "ancient", "timestamp": "2019-03-01T10:00:00Z"}));
    body += &line(&json!({"eventId": "c", "metadata": {"text": "x".repeat(70_000)}}));
    body += "{\"model\":\"gpt-4o\",\"model\":\"gpt-4o\"}\n";
    body += &line(&json!({"eventId": "a"}));
    body += &line(&json!({"eventId": "a", "promptTokens": 11}));
    body += "{\"model\":\"gpt-4o\",\"promptTokens\":1}";
    let import: UsageImport = post(admin, NDJSON, body.clone()).await.expect(202);
    assert_eq!((import.state, import.received_bytes, import.lines), (ImportState::Queued, body.len() as u64, 10));
    assert!(import.uploaded_at.is_some() && import.finished_at.is_none());
    app.run_jobs().await;
    let import = read(admin, &import).await;
    assert_eq!(import.state, ImportState::Done);
    assert_eq!((import.processed, import.accepted, import.duplicates, import.rejected), (10, 3, 1, 6));
    let rejects: Vec<_> = import.rejects.iter().map(|r| (r.line, r.code.as_str(), r.pointer.as_str())).collect();
    assert_eq!(
        rejects,
        [
            (4, "quantity_invalid", "/promptTokens"),
            (5, "malformed_json", ""),
            (7, "timestamp_too_old", "/timestamp"),
            (8, "payload_too_large", ""),
            (9, "duplicate_field", "/model"),
            (11, "event_conflict", "/eventId"),
        ]
    );
    assert_eq!(events(&app).await, 3);
    let old: UsageEvent = admin.get("/api/usage-events/old").await.read_as();
    assert_eq!((old.source.as_str(), old.timestamp.to_rfc3339().as_str()), ("import", "2022-03-01T10:00:00+00:00"));
    let listed = admin.get(IMPORTS).await.ok();
    assert_eq!((listed["data"][0]["rejected"].as_u64(), &listed["data"][0]["rejects"]), (Some(6), &json!([])));
}

#[tokio::test]
async fn csv_has_fields_for_columns_and_may_be_packed() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let web = project(&people.admin, &team, "web").await;
    let body = format!(
        "\u{feff}event_id,projectId,model,promptTokens,completion_tokens,timestamp,tags,service,note\r\n\
         e-1,{web},gpt-4o,100,20,2026-03-01T10:00:00Z,a;b,'=bot,\"two\nlines, \"\"quoted\"\"\"\r\n\
         e-2,{web},gpt-4o,many,20,2026-03-01T10:00:00Z,,,\r\n\
         e-3,{web},gpt-4o\r\n\
         ,,gpt-4o,1,2,2026-03-01T10:00:00Z,,,\r\n"
    );
    let request = people.admin.request(Method::POST, IMPORT).header("content-type", "text/csv; charset=utf-8");
    let answer = Answer::of(request.header("content-encoding", "gzip").body(packed(body.as_bytes()))).await;
    let import: UsageImport = answer.expect(202);
    assert_eq!(import.received_bytes, body.len() as u64);
    app.run_jobs().await;
    let import = read(&people.admin, &import).await;
    assert_eq!((import.lines, import.accepted, import.rejected), (4, 2, 2));
    let rejects: Vec<_> = import.rejects.iter().map(|r| (r.line, r.code.as_str(), r.pointer.as_str())).collect();
    assert_eq!(rejects, [(4, "quantity_invalid", "/promptTokens"), (5, "csv_invalid", "")]);
    let event: UsageEvent = people.admin.get("/api/usage-events/e-1").await.read_as();
    assert_eq!((event.tags, event.service.as_deref()), (vec!["a".to_owned(), "b".to_owned()], Some("=bot")));
    assert_eq!(event.metadata, Some(json!({"note": "two\nlines, \"quoted\""})));
    assert_eq!(event.project.map(|project| project.name).as_deref(), Some("web"));
    for broken in ["model,model\n", "model,,cost\n", "\u{0}\n"] {
        post(&people.admin, "text/csv", broken).await.problem(ErrorCode::CsvInvalid);
    }
    let empty: UsageImport = post(&people.admin, "text/csv", "").await.expect(202);
    app.run_jobs().await;
    assert_eq!(read(&people.admin, &empty).await.state, ImportState::Done);
}

/// Says that so many bytes come, sends fewer, and hears what the service says to that.
fn cut_off(app: &TestApp, client: &Client, import: &UsageImport, length: usize, bytes: &[u8]) -> String {
    let request = client.request(Method::PUT, IMPORT).build().expect("a request");
    let token = request.headers()["authorization"].to_str().expect("text");
    let head = format!(
        "PUT {IMPORTS}/{} HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\ncontent-type: {NDJSON}\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n",
        import.id
    );
    let mut stream = TcpStream::connect(app.address()).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream.write_all(&[head.as_bytes(), bytes].concat()).expect("sent");
    stream.shutdown(Shutdown::Write).expect("ended");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("read to its end");
    answer
}

#[tokio::test]
async fn a_broken_upload_goes_on_where_it_was() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let file = file(2_500);
    let begun = json!({"format": "ndjson", "name": "march.ndjson"});
    let import: UsageImport = admin.post(IMPORTS, begun).await.expect(201);
    assert_eq!((import.state, import.received_bytes), (ImportState::Uploading, 0));
    // A connection that ends within a line: whole lines of what arrived are kept, and it is known which.
    let half = file.len() / 2;
    let answer = cut_off(&app, admin, &import, file.len(), &file.as_bytes()[..half]);
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let import = read(admin, &import).await;
    let whole = usize::try_from(import.received_bytes).unwrap();
    assert!((1..=half).contains(&whole) && file[..whole].ends_with('\n'), "{import:?}");
    assert_eq!(import.state, ImportState::Uploading);
    // Nobody goes on from anywhere else.
    put(admin, &import, "offset=0", &file[..]).await.problem(ErrorCode::ImportOffset);
    put(admin, &import, &format!("offset={}", whole + 1), "x\n").await.problem(ErrorCode::ImportOffset);
    let more = whole + 10_000;
    let part = put(admin, &import, &format!("offset={whole}&complete=false"), &file[whole..more]).await;
    let import: UsageImport = part.expect(200);
    let whole = file[..more].rfind('\n').unwrap() + 1;
    assert_eq!((import.state, import.received_bytes), (ImportState::Uploading, whole as u64));
    let path = format!("{IMPORTS}/{}?offset={whole}", import.id);
    let last = admin.request(Method::PUT, &path).header("content-type", NDJSON).header("content-encoding", "gzip");
    let import: UsageImport = Answer::of(last.body(packed(&file.as_bytes()[whole..]))).await.expect(200);
    assert_eq!((import.state, import.received_bytes, import.lines), (ImportState::Queued, file.len() as u64, 2_500));
    put(admin, &import, &format!("offset={}", file.len()), "x\n").await.problem(ErrorCode::ImportOffset);
    app.run_jobs().await;
    let import = read(admin, &import).await;
    assert_eq!((import.state, import.accepted, import.rejected), (ImportState::Done, 2_500, 0));
    assert_eq!(events(&app).await, 2_500);

    // The same file in one part, and grown: what is new is added, also of what has no id.
    let grown = format!("{file}{}", line(&json!({"promptTokens": 3})));
    app.advance(TimeDelta::minutes(1));
    let again: UsageImport = post(admin, NDJSON, grown).await.expect(202);
    app.run_jobs().await;
    let again = read(admin, &again).await;
    assert_eq!((again.accepted, again.duplicates, again.rejected), (1, 2_500, 0));
    assert_eq!(events(&app).await, 2_501);
    assert_eq!(app.database.count("SELECT count(*) FROM usage_import_slices").await, 0);
}

/// Says which slices are gone, after each commit.
const TELL: &str = "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_notify('gone', OLD.number::text); RETURN OLD; END $$";
const TELLING: &str = "CREATE TRIGGER tell AFTER DELETE ON usage_import_slices FOR EACH ROW EXECUTE FUNCTION tell()";
/// A death between the events of a slice and what is written of them.
const REFUSE: &str = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF OLD.number >= 4 THEN RAISE EXCEPTION 'not now'; END IF; RETURN OLD; END $$";
const REFUSING: &str =
    "CREATE TRIGGER refuse BEFORE DELETE ON usage_import_slices FOR EACH ROW EXECUTE FUNCTION refuse()";

#[tokio::test]
async fn a_job_that_is_killed_twice_stores_every_line_once() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    // Some of it was there before, and some of it is in the file twice.
    for n in [1, 4_000] {
        let known = line(&json!({"eventId": format!("evt-{n}"), "promptTokens": n % 7}));
        let known: Value = serde_json::from_str(&known).unwrap();
        admin.post("/api/usage/track", known).await.status(201);
    }
    app.advance(TimeDelta::minutes(1));
    let twice = line(&json!({"eventId": "evt-4999", "promptTokens": 4_999 % 7}));
    let import: UsageImport = post(admin, NDJSON, file(6_000) + &twice).await.expect(202);
    let slices = app.database.count("SELECT count(*) FROM usage_import_slices").await;
    assert!(slices >= 6, "{slices}");

    app.database.sql(TELL).await;
    app.database.sql(TELLING).await;
    let mut gone = PgListener::connect(app.database.url()).await.expect("a listener");
    gone.listen("gone").await.expect("listening");
    let runner = app.runner();
    tokio::select! {
        ended = runner.run_due() => panic!("it ended: {ended:?}"),
        slice = gone.recv() => drop(slice.expect("a slice")),
    }
    let running = app.jobs("running").await;
    assert!(running.iter().any(|job| job.name == "import_usage"), "it died while it ran: {running:?}");
    app.database.sql("UPDATE jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'").await;

    app.database.sql(REFUSE).await;
    app.database.sql(REFUSING).await;
    app.run_jobs_and_let_them_die().await;
    let halfway = read(admin, &import).await;
    assert_eq!(halfway.state, ImportState::Running);
    assert!(halfway.processed > 0 && halfway.processed < 6_001, "{halfway:?}");
    assert!(events(&app).await > halfway.accepted.cast_signed() + 2, "a slice was stored that nothing is written of");
    app.database.sql("DROP TRIGGER refuse ON usage_import_slices").await;
    app.advance(TimeDelta::minutes(1));
    app.hurry_jobs().await;
    app.run_jobs().await;

    let import = read(admin, &import).await;
    assert_eq!((import.state, import.processed), (ImportState::Done, 6_001));
    assert_eq!((import.accepted, import.duplicates, import.rejected), (5_998, 3, 0), "{import:?}");
    assert_eq!(events(&app).await, 6_000);
    assert_eq!(app.database.count("SELECT count(*) FROM usage_import_slices").await, 0);
}

#[tokio::test]
async fn imports_are_their_makers_and_can_be_ended() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let web = project(&people.admin, &team, "web").await;
    people.admin.put(&format!("/api/projects/{web}/members/{}", people.user.id()), json!({})).await.ok();
    let body = line(&json!({"eventId": "1", "projectId": web})) + &line(&json!({"eventId": "2"}));
    let import: UsageImport = post(&people.user, NDJSON, body).await.expect(202);
    app.run_jobs().await;
    let import = read(&people.user, &import).await;
    assert_eq!(
        (import.accepted, import.rejects[0].code.as_str()),
        (1, "project_required"),
        "it sees no more than they do"
    );
    read(&people.tenant_admin, &import).await;
    people.outsider.get(&format!("{IMPORTS}/{}", import.id)).await.problem(ErrorCode::NotFound);

    let begun: UsageImport = people.admin.post(IMPORTS, json!({"format": "ndjson"})).await.expect(201);
    people.user.get(&format!("{IMPORTS}/{}", begun.id)).await.problem(ErrorCode::NotFound);
    let part: UsageImport = put(&people.admin, &begun, "complete=false", file(10)).await.expect(200);
    assert_eq!(part.lines, 10);
    people.admin.delete(&format!("{IMPORTS}/{}", begun.id)).await.status(204);
    put(&people.admin, &begun, &format!("offset={}", part.received_bytes), "{}").await.problem(ErrorCode::ImportOffset);
    assert_eq!(app.database.count("SELECT count(*) FROM usage_import_slices").await, 0);
    assert_eq!(read(&people.admin, &begun).await.state, ImportState::Cancelled);

    let left: UsageImport = people.admin.post(IMPORTS, json!({"format": "ndjson"})).await.expect(201);
    put(&people.admin, &left, "complete=false", file(10)).await.status(200);
    app.advance(TimeDelta::days(8));
    app.run_jobs().await;
    assert_eq!(read(&people.admin, &left).await.state, ImportState::Cancelled, "nobody went on with it");
    assert_eq!(app.database.count("SELECT count(*) FROM usage_import_slices").await, 0);
    assert_eq!(events(&app).await, 1);
}

#[tokio::test]
async fn files_that_are_none_are_refused_as_they_come() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let mut bomb = String::new();
    for _ in 0..2_000_000 {
        bomb.write_str("{}\n{}\n").unwrap();
    }
    let mut cut = packed(file(100).as_bytes());
    cut.truncate(cut.len() - 20);
    for (encoding, body, code) in [
        ("gzip", packed(bomb.as_bytes()), ErrorCode::PayloadTooLarge),
        ("gzip", b"{}\n".to_vec(), ErrorCode::EncodingInvalid),
        ("gzip", cut, ErrorCode::EncodingInvalid),
        ("br", b"{}\n".to_vec(), ErrorCode::UnsupportedMediaType),
    ] {
        let request = admin.request(Method::POST, IMPORT).header("content-type", NDJSON);
        Answer::of(request.header("content-encoding", encoding).body(body)).await.problem(code);
    }
    post(admin, "application/json", "{}").await.problem(ErrorCode::UnsupportedMediaType);
    let csv: UsageImport = admin.post(IMPORTS, json!({"format": "csv"})).await.expect(201);
    put(admin, &csv, "", "model\n").await.problem(ErrorCode::UnsupportedMediaType);
    admin.post(IMPORTS, json!({"format": "xml"})).await.problem(ErrorCode::ValidationFailed);
    app.run_jobs().await;
    assert_eq!(events(&app).await, 0);
}
