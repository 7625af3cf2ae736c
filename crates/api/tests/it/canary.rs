//! A secret goes in and nothing of it comes out: not in a log at its most talkative, not in another answer than the one
//! that shows it, not in the database.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use finops_api::platform::auth::api_keys::ApiKeyText;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::Database;
use crate::support::client::{Answer, Client};
use crate::support::process::{Process, finops};

const PASSWORD: &str = "canary-in-the-password";
const PROVIDER_KEY: &str = "sk-canary0in0the0provider0key000";
const NEXT_PROVIDER_KEY: &str = "sk-canary1in1the1provider1key111";

/// Every row of every table, as text; bytes as hexadecimal digits.
async fn dump(database: &Database) -> String {
    let mut owner = database.owner().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')",
    )
    .fetch_all(&mut owner)
    .await
    .expect("tables");
    let mut dump = String::new();
    for table in tables {
        let query = format!("SELECT coalesce(string_agg(t::text, '|'), '') FROM {table} t");
        let rows: String = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut owner).await.expect("rows");
        dump.push_str(&rows);
    }
    dump
}

/// A secret as it may be written down.
fn spellings(secret: &str) -> [String; 3] {
    let hexadecimal = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    // Where a text is inside a longer one, its base64 differs at both ends.
    let base64 = STANDARD.encode(&secret[..secret.len() / 3 * 3]);
    [secret.to_owned(), hexadecimal, base64]
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {value}")).to_owned()
}

/// Everything that somebody with secrets does; returns the secrets, and all answers that must not hold one.
async fn live(url: &str) -> (Vec<String>, Vec<Answer>) {
    let anonymous = Client::anonymous(url.to_owned());
    let account = json!({"email": "admin@example.com", "password": PASSWORD, "name": "Founder",
        "organizationName": "Example Inc."});
    let session = anonymous.post("/api/auth/register", account).await;
    let (token, cookie) = (text(&session.ok(), "/accessToken"), session.header("set-cookie").to_owned());
    let refresh = cookie.split(['=', ';']).nth(1).expect("a cookie").to_owned();
    let me = anonymous.with_token(&token);
    let once = me.with_header("idempotency-key", "once");
    let body = json!({"name": "SDK", "scopes": ["read"], "quotaPerMinute": 3});
    let made = once.post("/api/api-keys", &body).await.ok();
    assert_eq!(once.post("/api/api-keys", &body).await.ok(), made, "the same answer, kept sealed meanwhile");
    let rotate = format!("/api/api-keys/{}/rotate", text(&made, "/id"));
    let rotated = me.post(&rotate, json!({})).await.ok();
    let (first, second) = (text(&made, "/key"), text(&rotated, "/key"));
    let nobodys = ApiKeyText::generate().expect("a key").reveal().to_owned();
    let mut answers = Vec::new();
    for key in [&first, &second, &nobodys, &format!("{}-", &first[..41])] {
        answers.push(anonymous.with_token(key).get("/api/projects").await);
        answers.push(anonymous.with_header("x-api-key", key).get("/api/auth/me").await);
        answers.push(anonymous.with_header("x-api-key", key).post("/api/teams", json!({"name": key})).await);
    }
    for (service, key) in [("openai", PROVIDER_KEY), ("openai", NEXT_PROVIDER_KEY), ("google_ai", PROVIDER_KEY)] {
        answers.push(once.post("/api/user/api-keys", json!({"service": service, "key": key})).await);
        answers.push(me.post("/api/user/api-keys", json!({"service": service, "key": key})).await);
    }
    answers.push(me.post("/api/user/api-keys", json!({"service": "openai", "key": PROVIDER_KEY, "id": 1})).await);
    let wrong = json!({"email": "admin@example.com", "password": format!("{PASSWORD}!")});
    answers.push(anonymous.post("/api/auth/login", wrong).await);
    for path in ["/api/api-keys", "/api/user/api-keys", "/api/audit-log?limit=200", "/api/auth/me", "/metrics"] {
        answers.push(me.get(path).await);
    }
    answers.push(me.send(Method::DELETE, "/api/user/api-keys/openai").await);
    let secrets = [PASSWORD, PROVIDER_KEY, NEXT_PROVIDER_KEY].map(str::to_owned).into_iter();
    (secrets.chain([token, refresh, first, second, nobodys]).collect(), answers)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_found_in_logs_answers_or_the_database() {
    let database = Database::new().await;
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let mut command = finops(database.url(), &["serve"]);
    command.env("PORT", port.to_string()).env("RUST_LOG", "trace").stderr(Stdio::piped());
    let mut process = Process(command.spawn().expect("finops"));
    let mut stderr = process.0.stderr.take().expect("a pipe");
    let log = std::thread::spawn(move || {
        let mut log = Vec::new();
        stderr.read_to_end(&mut log).expect("a log");
        String::from_utf8_lossy(&log).into_owned()
    });
    let url = format!("http://127.0.0.1:{port}");
    let anonymous = Client::anonymous(url.clone());
    let up = async { while anonymous.is_ready().await != Some(true) {} };
    tokio::time::timeout(Duration::from_secs(20), up).await.expect("ready");

    let (secrets, answers) = live(&url).await;
    let dump = dump(&database).await;
    process.terminate();
    assert!(process.0.wait().expect("ended").success());
    let log = log.join().expect("a log");
    assert!(log.contains("TRACE") && log.contains("/api/api-keys"), "it says all that it can");
    assert!(dump.contains("api_key.rotate") && dump.contains("provider_key.delete"), "it is all there");
    for secret in &secrets {
        for spelling in spellings(secret) {
            let line = log.lines().find(|line| line.contains(&spelling));
            assert_eq!(line, None, "{secret} is in the log");
            assert!(!dump.contains(&spelling), "{secret} is in the database");
            let answer = answers.iter().find(|answer| answer.text.contains(&spelling));
            assert!(answer.is_none(), "{secret} is in an answer: {answer:?}");
        }
    }
}
