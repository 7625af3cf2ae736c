//! Mail by SMTP, against a server that others wrote.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use finops_contract::deliveries::DeliveryStatus;
use serde_json::{Value, json};

use super::{detail, tell};
use crate::channels::create;
use crate::support::TestApp;
use crate::support::process::Process;

/// A server of aiosmtpd's, which prints a line for every mail that it takes.
struct MailServer {
    port: u16,
    mails: Receiver<Value>,
    _process: Process,
}

#[expect(clippy::disallowed_methods, reason = "the harness is told where its tools are")]
fn python() -> String {
    std::env::var("SMTP_TEST_PYTHON")
        .expect("SMTP_TEST_PYTHON is not set: run `cargo xtask test`, or set it to a Python that has aiosmtpd")
}

impl MailServer {
    fn start() -> Self {
        let mut command = Command::new(python());
        command
            .args(["-W", "ignore"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/smtp_server.py"))
            .env_clear();
        let mut process = Process(command.stdout(Stdio::piped()).spawn().expect("Python runs"));
        let lines = BufReader::new(process.0.stdout.take().expect("a pipe")).lines();
        let (sender, mails) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let said = serde_json::from_str(&line).expect("JSON");
                if sender.send(said).is_err() {
                    return;
                }
            }
        });
        let hello: Value = mails.recv_timeout(Duration::from_secs(20)).expect("a port");
        let port = hello["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
        Self { port, mails, _process: process }
    }
}

#[tokio::test]
async fn a_mail_server_takes_what_it_is_given_and_says_what_it_does_not_take() {
    let server = MailServer::start();
    let with = |password: &str| {
        TestApp::builder()
            .set("MAIL_FROM", "FinOps <alerts@finops.example>")
            .set("SMTP_HOST", "127.0.0.1")
            .set("SMTP_PORT", server.port.to_string())
            .set("SMTP_SECURITY", "none")
            .set("SMTP_USER", "alerts")
            .set("SMTP_PASSWORD", password)
    };
    let app = with("right").spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let to = json!(["지훈@example.com".replace("지훈", "jihoon"), "cfo@example.com"]);
    let body = json!({"type": "email", "name": "Mail", "locale": "ko", "addresses": to});
    let mail = create(admin, &body).await.channel.id;
    let id = tell(&app, admin, mail, "일일 한도 $500 초과").await;
    app.run_jobs().await;
    assert_eq!(detail(admin, id).await.delivery.status, DeliveryStatus::Delivered);
    let taken = server.mails.recv_timeout(Duration::from_secs(10)).expect("a mail");
    assert_eq!(taken["from"], "alerts@finops.example");
    assert_eq!(taken["to"], to);
    assert_eq!(taken["subject"], "일일 한도 $500 초과 (ko)");
    assert_eq!(taken["messageId"], format!("<{id}@finops.example>"));
    let text = taken["text"].as_str().expect("text").replace("\r\n", "\n");
    assert_eq!(text.trim_end(), "The whole of 일일 한도 $500 초과.\n\nShow: https://finops.example/1");
    assert!(taken["html"].as_str().is_some_and(|html| html.contains("<p>The whole of")));
    assert_eq!(detail(admin, id).await.history[0].provider_id, taken["messageId"].as_str().map(str::to_owned));

    // The server refuses this recipient.
    let refused = json!({"type": "email", "name": "Refused", "addresses": ["nobody@refused.example"]});
    let refused = create(admin, &refused).await.channel.id;
    let id = tell(&app, admin, refused, "Refused").await;
    app.run_jobs().await;
    let one = detail(admin, id).await;
    assert_eq!((one.delivery.status, one.delivery.reason.as_deref()), (DeliveryStatus::Dead, Some("rejected")));
    assert_eq!((one.history[0].status, one.history[0].said.as_deref()), (Some(550), Some("5.1.1 No such user here")));

    let stranger = with("wrong").spawn_on(app.database.share()).await;
    let tried = admin.at(stranger.url()).post(&format!("/api/channels/{mail}/test"), json!({})).await.ok();
    assert_eq!(tried["deliveries"][0]["reason"], "unauthorized", "{tried}");
    assert_eq!(tried["channel"]["health"]["state"], "failing");
}
