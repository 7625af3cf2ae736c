//! A secret goes in and nothing of it comes out: not in a log at its most talkative, not in another answer than the one
//! that shows it, not in the database.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use finops_api::platform::auth::api_keys::ApiKeyText;
use finops_simulator::{Channel, Simulator, SimulatorConfig};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::Database;
use crate::support::client::{Answer, Client};
use crate::support::process::{Process, finops};

const PASSWORD: &str = "canary-in-the-password";
const PROVIDER_KEY: &str = "sk-canary0in0the0provider0key000";
const NEXT_PROVIDER_KEY: &str = "sk-canary1in1the1provider1key111";
const SLACK_URL: &str = "T0/B0/canary2in2the2slack2url222";
const ACCOUNT_KEY: &str = "SG.canary-of-an-account.3333333333333333333";
const ROUTING_KEY: &str = "canary3in3the3routing3key3333333";
const WEBHOOK_URL: &str = "canary4in4the4webhook4url444";
const SMTP_PASSWORD: &str = "canary5in5the5mail5password555";
const RESEND_KEY: &str = "re_canary6in6the6resend6key666";
const TWILIO_TOKEN: &str = "canary7in7the7twilio7token777777";
const OPERATORS_SLACK_URL: &str = "T1/B1/canary8in8the8operators8url";

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

/// Where messages go, knowing the secrets that are for it.
async fn outside() -> Simulator {
    let simulator = Simulator::start(SimulatorConfig::default()).await.expect("a simulator");
    for (channel, credential) in [
        (Channel::Slack, SLACK_URL),
        (Channel::Slack, OPERATORS_SLACK_URL),
        (Channel::PagerDuty, ROUTING_KEY),
        (Channel::Resend, RESEND_KEY),
    ] {
        simulator.control().add_credential(channel, credential);
    }
    simulator
}

/// Channels with secrets, tried, refused, changed; returns secrets of our own making.
async fn channels(me: &Client, simulator: &Simulator, answers: &mut Vec<Answer>) -> Vec<String> {
    let (base, mut secrets) = (simulator.base_url(), Vec::new());
    let slack = format!("{base}/slack/services/{SLACK_URL}");
    let smtp = json!({"host": "smtp.example.com", "security": "tls", "username": "u", "password": SMTP_PASSWORD,
        "from": "a@example.com"});
    let hostile = json!({"type": "slack", "name": "S", "url": format!("http://10.0.0.1/{SLACK_URL}")});
    answers.push(me.post("/api/channels", hostile).await);
    for body in [
        json!({"type": "slack", "name": "Slack", "url": slack}),
        json!({"type": "webhook", "name": "Hook", "url": simulator.webhook_url(WEBHOOK_URL)}),
        json!({"type": "pagerduty", "name": "Pager", "routingKey": ROUTING_KEY}),
        json!({"type": "email", "name": "Own", "addresses": ["a@example.com"], "smtp": smtp}),
        json!({"type": "email", "name": "Account", "addresses": ["a@example.com"],
            "account": {"carrier": "sendgrid", "key": ACCOUNT_KEY, "from": "a@example.com"}}),
        json!({"type": "email", "name": "Ours", "addresses": ["a@example.com"]}),
        json!({"type": "sms", "name": "SMS", "numbers": ["+821012345678"]}),
    ] {
        let created = me.post("/api/channels", &body).await;
        let path = format!("/api/channels/{}", text(&created.ok(), "/id"));
        match created.ok()["secret"].as_str() {
            None => answers.push(created),
            Some(secret) => {
                secrets.push(secret.to_owned());
                secrets.push(text(&me.post(&format!("{path}/rotate-secret"), json!({})).await.ok(), "/secret"));
            }
        }
        // The mail server is nobody's.
        if body["smtp"].is_null() {
            answers.push(me.post(&format!("{path}/test"), json!({})).await);
        }
        answers.push(me.patch(&path, json!({"name": "Renamed"})).await);
    }
    // The service's own is there as soon as there is an account.
    let built_in = async {
        let mut again = tokio::time::interval(Duration::from_millis(250));
        loop {
            again.tick().await;
            let found = me.get("/api/channels?type=slack").await;
            let channels = found.ok()["data"].as_array().cloned().unwrap_or_default();
            if let Some(channel) = channels.into_iter().find(|channel| channel["builtIn"] == true) {
                return text(&channel, "/id");
            }
        }
    };
    let built_in = tokio::time::timeout(Duration::from_secs(40), built_in).await.expect("a built-in channel");
    answers.push(me.post(&format!("/api/channels/{built_in}/test"), json!({})).await);
    for path in ["/api/channels", "/api/deliveries", "/api/audit-log?limit=200"] {
        answers.push(me.get(path).await);
    }
    for channel in [Channel::Slack, Channel::Webhook, Channel::PagerDuty, Channel::Resend] {
        let query = finops_simulator::InboxQuery::new(channel);
        assert!(!simulator.control().inbox(&query).is_empty(), "{channel:?}: nothing was sent with the secret");
    }
    secrets
}

/// Everything that somebody with secrets does; returns the secrets, and all answers that must not hold one.
async fn live(url: &str, simulator: &Simulator) -> (Vec<String>, Vec<Answer>) {
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
    let mut secrets = channels(&me, simulator, &mut answers).await;
    let given =
        [PASSWORD, PROVIDER_KEY, NEXT_PROVIDER_KEY, SLACK_URL, ROUTING_KEY, WEBHOOK_URL, SMTP_PASSWORD, ACCOUNT_KEY];
    secrets.extend(given.map(str::to_owned));
    secrets.extend([RESEND_KEY, TWILIO_TOKEN, OPERATORS_SLACK_URL].map(str::to_owned));
    secrets.extend([token, refresh, first, second, nobodys]);
    (secrets, answers)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_found_in_logs_answers_or_the_database() {
    let database = Database::new().await;
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let simulator = outside().await;
    let base = simulator.base_url();
    let mut command = finops(database.url(), &["serve"]);
    command
        .env("OUTBOUND_ALLOW", base.trim_start_matches("http://"))
        .env("PAGERDUTY_BASE_URL", format!("{base}/pagerduty"))
        .env("RESEND_BASE_URL", format!("{base}/resend"))
        .env("TWILIO_BASE_URL", format!("{base}/twilio"))
        .env("MAIL_FROM", "alerts@finops.example")
        .env("RESEND_API_KEY", RESEND_KEY)
        .env("TWILIO_ACCOUNT_SID", format!("AC{}", "0".repeat(32)))
        .env("TWILIO_AUTH_TOKEN", TWILIO_TOKEN)
        .env("TWILIO_FROM", "+15005550006")
        .env("SLACK_WEBHOOK_URL", format!("{base}/slack/services/{OPERATORS_SLACK_URL}"));
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

    let (secrets, answers) = live(&url, &simulator).await;
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
