//! The key is in the header and nowhere else.

use std::sync::{Arc, Mutex};

use finops_providers::{CallPolicy, CostSource, ProjectControls, ProjectDirectory};

use crate::server::{Reply, Server};
use crate::{CANARY, client, policy, query};

/// Servers that repeat the key in every place an answer has.
#[tokio::test]
async fn no_error_repeats_the_key() {
    let echoes: [fn() -> Reply; 9] = [
        || {
            Reply::status(
                401,
                format!(
                    r#"{{"error":{{"message":"Incorrect API key provided: {CANARY}.","code":"{CANARY}","type":"{CANARY}"}}}}"#
                ),
            )
        },
        || Reply::status(400, format!(r#"{{"error":"Bearer {CANARY}"}}"#)),
        || Reply::status(422, format!(r#"{{"code":"{CANARY}","message":"{}{CANARY}"}}"#, "x".repeat(290))),
        || Reply::status(404, format!("<html>{CANARY}</html>")),
        || Reply::status(302, "").with("location", format!("http://{CANARY}/")),
        || Reply::status(500, CANARY),
        || Reply::json(format!(r#"{{"data":"{CANARY}"}}"#)),
        || Reply::json(format!(r#"{{"data":[{{"start_time":"{CANARY}","end_time":1,"results":[]}}]}}"#)),
        || Reply::json(format!("{CANARY} is not JSON")),
    ];
    for echo in echoes {
        let server = Server::always(echo).await;
        let client = client(server.base());
        let errors = [
            client.costs_page(&query(), None).await.unwrap_err(),
            client.get_project("proj_a").await.unwrap_err(),
            client.delete_project_api_key("proj_a", "key_a").await.unwrap_err(),
            client.verify().await.unwrap_err(),
        ];
        for error in errors {
            let shown = format!("{error} {error:?} {}", error.user_reason());
            assert!(!shown.contains("CANARY") && !shown.contains("4f1d"), "{shown}");
        }
        assert!(!format!("{client:?}").contains("CANARY"));
        for seen in server.seen() {
            let elsewhere = seen.head.replace(&format!("authorization: Bearer {CANARY}"), "");
            assert!(!elsewhere.contains("CANARY") && !seen.body.contains("CANARY"), "{elsewhere}");
        }
    }
}

#[tokio::test]
async fn connection_errors_name_neither_key_nor_address() {
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let once = CallPolicy { attempts: 1, ..policy() };
    let client = client(&format!("http://{address}/v1")).with_policy(once);
    let error = client.costs_page(&query(), None).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("CANARY") && !shown.contains(&address.port().to_string()), "{shown}");
}

/// Everything that our code and the HTTP stack say at the most talkative level.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// All that is logged at TRACE while `work` runs: a test's runtime has one thread, so everything is heard.
pub(crate) async fn logged(work: impl Future<Output = ()>) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let heard = tracing::subscriber::set_default(subscriber);
    work.await;
    drop(heard);
    String::from_utf8_lossy(&lines.0.lock().expect("not poisoned")).into_owned()
}

#[tokio::test]
async fn logs_at_trace_do_not_hold_the_key() {
    let log = logged(async {
        let server = Server::always(|| Reply::status(500, "")).await;
        client(server.base()).costs_page(&query(), None).await.unwrap_err();
    })
    .await;
    assert!(log.contains("provider call will be retried"), "{log}");
    assert!(!log.contains("CANARY"), "{log}");
}
