//! What must hold when processes die and replicas meet: the short forms of `cargo xtask torture ingest`.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use finops_api::platform::clock::Clock;
use finops_contract::ErrorCode;
use finops_contract::usage::{Taken, UsageReceipt};
use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::event;
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project, team};
use crate::support::process::{self, Process};
use crate::support::usage::{assert_usage_sums_are_exact, reporter};

/// How often the service is killed.
const KILLS: usize = 4;
/// Events that are acknowledged between two kills, at least.
const BETWEEN: usize = 120;

/// Sends an event until its outcome is known.
async fn insist(client: &Client, event: &Value) {
    loop {
        let sent = client.request(Method::POST, "/api/usage/track").json(event).timeout(Duration::from_secs(5));
        match sent.send().await.map(|answer| answer.status().as_u16()) {
            Ok(200 | 201) => return,
            // A caller's pause before it tries again: nothing tells it when the service is back.
            Ok(503) | Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            Ok(status) => panic!("{status}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_the_process() {
    let app = TestApp::spawn().await;
    // The process has the machine's clock; so has everything else now.
    app.advance(Clock::system().now() - app.now());
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let web = project(&people.admin, &team, "web").await;
    let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port();
    let client = reporter(&app, &people.admin).await.at(format!("http://127.0.0.1:{port}"));
    let start = || {
        let mut service = process::finops(app.database.url(), &["serve"]);
        service.env("FINOPS_ENV", "development").env("PORT", port.to_string()).env("JOBS_ENABLED", "false");
        Process(service.spawn().expect("finops"))
    };
    let (acknowledged, over) = (watch::Sender::new(BTreeSet::new()), AtomicBool::new(false));
    let sender = async |sender: usize| {
        for n in 0.. {
            if over.load(Ordering::Relaxed) {
                return;
            }
            let id = format!("{sender}-{n}");
            let event = json!({
                "eventId": id, "projectId": web, "provider": "openai", "model": "gpt-4o-mini", "promptTokens": 100 + n,
                "completionTokens": 7, "responseTime": 40 * n, "userId": format!("user-{sender}"),
            });
            insist(&client, &event).await;
            acknowledged.send_modify(|ids| _ = ids.insert(id));
        }
    };
    let killer = async {
        for _ in 0..KILLS {
            let service = start();
            let before = acknowledged.borrow().len();
            let mut seen = acknowledged.subscribe();
            let enough = seen.wait_for(|ids: &BTreeSet<String>| ids.len() >= before + BETWEEN);
            tokio::time::timeout(Duration::from_secs(60), enough).await.expect("events are taken").expect("senders");
            service.kill();
        }
        // The last outcomes become known.
        over.store(true, Ordering::Relaxed);
        start()
    };
    let senders = futures_util::future::join_all((0..8).map(sender));
    let (_, _service) = tokio::join!(senders, killer);
    let stored: Vec<String> = sqlx::query_scalar("SELECT event_id FROM usage_events ORDER BY event_id COLLATE \"C\"")
        .fetch_all(&mut app.database.owner().await)
        .await
        .unwrap();
    let acknowledged: Vec<String> = acknowledged.borrow().iter().cloned().collect();
    assert_eq!(stored, acknowledged, "what is acknowledged is stored, once");
    assert_usage_sums_are_exact(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_at_two_replicas_is_stored_once() {
    let app = TestApp::spawn().await;
    let replica = TestApp::builder().spawn_on(app.database.share()).await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let web = project(&people.admin, &team, "web").await;
    let client = reporter(&app, &people.admin).await;
    let clients = [client.clone(), client.at(replica.url())];
    let sends = (0..400).map(|n| {
        let (client, web) = (clients[n % 2].clone(), web.clone());
        async move {
            let mut event = event(&if n % 5 == 4 { format!("new-{n}") } else { "same".to_owned() }, &web);
            // After most have come, so that the first of them decides what the event is.
            if n > 100 && n % 5 == 1 {
                event["promptTokens"] = json!(5_000);
            }
            let answer = client.post("/api/usage/track", event).await;
            match answer.status {
                409 => {
                    answer.problem(ErrorCode::EventConflict);
                    "conflict"
                }
                _ if answer.read_as::<UsageReceipt>().status == Taken::Accepted => "accepted",
                _ => "duplicate",
            }
        }
    });
    let taken: Vec<&str> = futures_util::stream::iter(sends).buffer_unordered(16).collect().await;
    let count = |wanted| taken.iter().filter(|taken| **taken == wanted).count();
    assert_eq!((count("accepted"), count("duplicate"), count("conflict")), (81, 259, 60));
    let stored = "SELECT count(*) FROM usage_events";
    assert_eq!(app.database.count(stored).await, 81);
    assert_eq!(app.database.count("SELECT sum(events)::bigint FROM usage_sums").await, 81);
    assert_usage_sums_are_exact(&app).await;
    drop(replica);
}
