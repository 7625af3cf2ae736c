//! Signed webhooks, verified by an implementation that is not ours.

use std::time::Duration;

use finops_providers::{Notifier, NotifyError, NotifyPolicy, SignedWebhook, WebhookSecret};
use secrecy::ExposeSecret;
use serde_json::json;
use standardwebhooks::Webhook;

use super::{guarded, header, meaning, notice, policy, status};
use crate::server::{Reply, Seen, Server};

fn secret(byte: u8) -> secrecy::SecretString {
    WebhookSecret::text(&[byte; 32])
}

fn client(server: &Server, secrets: &[u8]) -> SignedWebhook {
    let secrets = secrets.iter().map(|byte| WebhookSecret::parse(&secret(*byte)).unwrap()).collect();
    let url = format!("{}/hook?tenant=1", server.base());
    SignedWebhook::new(guarded(server), url.into(), secrets).unwrap().with_policy(policy())
}

fn verifies(seen: &Seen, byte: u8) -> bool {
    let receiver = Webhook::new(secret(byte).expose_secret()).unwrap();
    let timestamp = header(seen, "webhook-timestamp").unwrap().parse().unwrap();
    let signature = receiver.sign(header(seen, "webhook-id").unwrap(), timestamp, seen.body.as_bytes()).unwrap();
    header(seen, "webhook-signature").unwrap().split(' ').any(|given| given == signature)
}

#[tokio::test]
async fn an_event_is_signed_by_every_secret_in_force() {
    let server = Server::always(|| Reply::status(204, "")).await;
    client(&server, &[1]).notify(&notice()).await.unwrap();
    client(&server, &[2, 1]).notify(&notice()).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].all("tenant"), ["1"]);
    assert_eq!(
        super::body(&seen[0]),
        json!({ "type": "alert.triggered", "timestamp": "2026-06-26T00:00:00.000Z",
            "data": { "spent": "742.00", "currency": "USD" } })
    );
    assert_eq!(header(&seen[0], "content-type"), Some("application/json"));
    assert_eq!(header(&seen[0], "webhook-id"), Some("dlv_0197a0"));
    assert_eq!(header(&seen[0], "webhook-timestamp"), Some("1782432000"));
    let verified: Vec<_> = seen.iter().map(|seen| [1, 2, 3].map(|byte| verifies(seen, byte))).collect();
    assert_eq!(verified, [[true, false, false], [true, true, false]]);
    let mut tampered = seen[1].clone();
    tampered.body = tampered.body.replace("742", "1");
    assert!(!verifies(&tampered, 1));
}

#[tokio::test]
async fn a_receiver_in_real_time_takes_it() {
    let server = Server::always(|| Reply::json("{}")).await;
    client(&server, &[1]).with_policy(NotifyPolicy::default()).notify(&notice()).await.unwrap();
    let seen = server.seen();
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers = names
        .map(|name| (reqwest::header::HeaderName::from_static(name), header(&seen[0], name).unwrap().parse().unwrap()));
    let receiver = Webhook::new(secret(1).expose_secret()).unwrap();
    receiver.verify(seen[0].body.as_bytes(), &headers.into_iter().collect()).unwrap();
}

#[tokio::test]
async fn only_410_is_final() {
    for code in [200, 201, 202, 204, 299] {
        let server = Server::always(move || status(code)).await;
        assert_eq!(meaning(client(&server, &[1]).notify(&notice())).await, ("delivered", None), "{code}");
    }
    for code in [300, 302, 307, 308, 400, 401, 403, 404, 409, 422, 500, 502, 503] {
        let server = Server::always(move || status(code)).await;
        assert_eq!(meaning(client(&server, &[1]).notify(&notice())).await, ("unavailable", Some(7)), "{code}");
        assert_eq!(server.seen().len(), 1, "{code}");
    }
    let server = Server::always(|| status(429)).await;
    assert_eq!(meaning(client(&server, &[1]).notify(&notice())).await, ("rate_limited", Some(7)));
    let server = Server::always(|| status(410)).await;
    assert_eq!(meaning(client(&server, &[1]).notify(&notice())).await, ("gone", None));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let inside = Server::always(|| Reply::json("{}")).await;
    let target = inside.base().to_owned();
    let server = Server::always(move || Reply::status(307, "").with("location", target.clone())).await;
    let error = client(&server, &[1]).notify(&notice()).await.unwrap_err();
    assert_eq!(error.said().unwrap().status, Some(307));
    assert!(inside.seen().is_empty());
}

#[tokio::test]
async fn silence_resets_and_floods_end() {
    let short = NotifyPolicy { timeout: Duration::from_millis(200), ..policy() };
    let server = Server::always(|| Reply::Hang).await;
    let error = client(&server, &[1]).with_policy(short).notify(&notice()).await.unwrap_err();
    assert_eq!(error, NotifyError::Later { said: error.said().unwrap().clone(), retry_after: None });
    assert_eq!(error.said().unwrap().code.as_deref(), Some("timeout"));

    let server = Server::always(|| Reply::Raw(Vec::new())).await;
    let error = client(&server, &[1]).notify(&notice()).await.unwrap_err();
    assert_eq!(error.said().unwrap().code.as_deref(), Some("connection_lost"));

    // The status has come: a body without end changes nothing, and is not read to its end.
    let server = Server::always(|| Reply::Flood).await;
    client(&server, &[1]).notify(&notice()).await.unwrap();
    assert!(server.flooded() < 32 * 1024 * 1024, "{}", server.flooded());

    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let guard = finops_providers::Guard::new([&address]).unwrap();
    let http = finops_providers::GuardedClient::new(guard, "finops-test").unwrap();
    let secrets = vec![WebhookSecret::parse(&secret(1)).unwrap()];
    let webhook = SignedWebhook::new(http, format!("http://{address}/").into(), secrets).unwrap();
    let error = webhook.notify(&notice()).await.unwrap_err();
    assert_eq!(error.said().unwrap().code.as_deref(), Some("no_connection"));
}

#[tokio::test]
async fn a_receivers_words_are_kept_short() {
    let server = Server::always(|| Reply::status(400, format!("no such tenant {}", "x".repeat(5000)))).await;
    let error = client(&server, &[1]).notify(&notice()).await.unwrap_err();
    let message = error.said().unwrap().message.clone().unwrap();
    assert!(message.starts_with("no such tenant") && message.len() == 300);
}

#[tokio::test]
async fn a_webhook_without_a_secret_is_none() {
    let server = Server::always(|| Reply::json("{}")).await;
    assert!(SignedWebhook::new(guarded(&server), server.base().to_owned().into(), vec![]).is_err());
}
