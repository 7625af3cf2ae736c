//! The channels' clients: what goes over the wire, and what each answer means.

mod guard;
mod mail_services;
mod pagerduty;
mod secrets;
mod slack;
mod smtp;
mod smtp_server;
mod specifications;
mod twilio;
mod webhooks;

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use finops_providers::{
    Event, Fact, Guard, GuardedClient, Link, LinkStyle, MailRoute, Notice, NotifyError, NotifyPolicy, Severity, Stage,
};
use serde_json::{Value, json};

use crate::server::{Reply, Seen, Server};

/// 2026-06-26T00:00:00Z.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_782_432_000)
}

fn policy() -> NotifyPolicy {
    NotifyPolicy { timeout: Duration::from_secs(10), now }
}

fn http() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().user_agent("finops-test");
    builder.redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

/// A client whose guard lets the test's server through, and nothing else.
fn guarded(server: &Server) -> GuardedClient {
    GuardedClient::new(Guard::new([authority(server)]).expect("host and port"), "finops-test").expect("a client")
}

fn authority(server: &Server) -> String {
    server.base().trim_start_matches("http://").trim_end_matches("/v1").to_owned()
}

fn route() -> MailRoute {
    MailRoute::new("FinOps <alerts@finops.example>", ["이지훈 <jihoon@edu.example>", "cfo@edu.example"])
        .expect("addresses")
}

fn notice() -> Notice {
    Notice {
        id: "dlv_0197a0".into(),
        stage: Stage::Trigger,
        severity: Severity::Critical,
        dedup_key: "budget/0197/2026-06-26/100".into(),
        source: "에듀테크".into(),
        subject: "[마케팅팀] 일일 한도 $500 초과 - 현재 $742 (148%)".into(),
        text: "chatbot-experiment: 평소($50) 대비 1,384% 증가.\n\n원인: 호출 15배 <gpt-5.4> & 재시도".into(),
        html: Some("<p>chatbot-experiment</p>".into()),
        facts: vec![Fact { label: "사용액".into(), value: "$742.00".into() }],
        links: vec![
            Link {
                label: "즉시 차단".into(),
                url: "https://finops.example/block?p=1&x=2".into(),
                style: LinkStyle::Danger,
            },
            Link { label: "상세 보기".into(), url: "https://finops.example/p/1".into(), style: LinkStyle::Plain },
        ],
        event: Event {
            kind: "alert.triggered".into(),
            occurred_at: DateTime::<Utc>::from(now()),
            data: json!({ "spent": "742.00", "currency": "USD" }),
        },
    }
}

fn body(seen: &Seen) -> Value {
    serde_json::from_str(&seen.body).expect("a JSON body")
}

/// The value of a header as it was sent.
fn header<'a>(seen: &'a Seen, name: &str) -> Option<&'a str> {
    let lines = seen.head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

/// What an answer means: the reason and the seconds to wait.
async fn meaning(
    attempt: impl Future<Output = Result<finops_providers::Delivered, NotifyError>>,
) -> (&'static str, Option<u64>) {
    match attempt.await {
        Ok(_) => ("delivered", None),
        Err(error) => (error.user_reason(), error.retry_after().map(|wait| wait.as_secs())),
    }
}

/// Statuses that mean the same everywhere a vendor has no rule of its own.
const COMMON: [(u16, &str); 10] = [
    (302, "unavailable"),
    (400, "rejected"),
    (401, "unauthorized"),
    (403, "unauthorized"),
    (404, "rejected"),
    (408, "unavailable"),
    (413, "rejected"),
    (429, "rate_limited"),
    (500, "unavailable"),
    (503, "unavailable"),
];

fn status(status: u16) -> Reply {
    Reply::status(status, "<html>nobody's words</html>")
        .with("retry-after", "7")
        .with("location", "http://127.0.0.1:1/")
}
