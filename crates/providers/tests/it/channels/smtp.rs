//! Mail by SMTP, against a server that speaks it.

use std::time::Duration;

use finops_providers::{
    Guard, MailRoute, Notice, Notifier, NotifyError, NotifyPolicy, SmtpMailer, SmtpSecurity, SmtpServer,
};

use super::smtp_server::{Habits, MailServer};
use super::{notice, policy, route};
use crate::CANARY;

fn mailer(server: &MailServer, security: SmtpSecurity) -> SmtpMailer {
    with_roots(server, security, vec![server.certificate.clone()])
}

fn with_roots(server: &MailServer, security: SmtpSecurity, extra_roots: Vec<Vec<u8>>) -> SmtpMailer {
    let guard = Guard::new([format!("127.0.0.1:{}", server.port)]).unwrap();
    let credentials = Some(("alerts".to_owned(), CANARY.into()));
    let server = SmtpServer { host: "127.0.0.1".into(), port: server.port, security, credentials, extra_roots };
    SmtpMailer::new(guard, server, route()).unwrap().with_policy(policy())
}

fn lines(server: &MailServer) -> Vec<String> {
    server.said().into_iter().map(|(_, line)| line).collect()
}

#[tokio::test]
async fn a_mail_has_both_forms_and_an_id_that_stays() {
    let server = MailServer::start(Habits::default()).await;
    let mailer = mailer(&server, SmtpSecurity::Plain);
    let delivered = mailer.notify(&notice()).await.unwrap();
    assert_eq!(delivered.id.as_deref(), Some("<dlv_0197a0@finops.example>"));
    let said = lines(&server);
    assert!(said.iter().any(|line| line == "EHLO finops.example"), "{said:?}");
    let has = |line: &str| said.iter().filter(|said| said.as_str() == line).count();
    assert_eq!(has("MAIL FROM:<alerts@finops.example>") + has("MAIL FROM:<alerts@finops.example> BODY=8BITMIME"), 1);
    assert_eq!((has("RCPT TO:<jihoon@edu.example>"), has("RCPT TO:<cfo@edu.example>")), (1, 1));
    assert_eq!(has("Message-ID: <dlv_0197a0@finops.example>"), 1);
    assert_eq!(has("Auto-Submitted: auto-generated"), 1);
    assert_eq!(has("Date: Fri, 26 Jun 2026 00:00:00 +0000"), 1);
    let mail = said.join("\n");
    assert!(mail.contains("text/plain") && mail.contains("text/html") && mail.contains("multipart/alternative"));
    let encoded = mail.contains("Subject: =?utf-8?b?");
    assert!(encoded && mail.is_ascii(), "what is not ASCII is encoded: {mail}");
}

#[tokio::test]
async fn no_subject_and_no_name_becomes_a_header_or_a_command() {
    let server = MailServer::start(Habits::default()).await;
    let evil = Notice {
        subject: "x\r\nBcc: evil@example.com\r\n\r\n<script>".into(),
        text: "first\r\n.\r\nMAIL FROM:<evil@example.com>\r\n".into(),
        html: None,
        ..notice()
    };
    mailer(&server, SmtpSecurity::Plain).notify(&evil).await.unwrap();
    let said = lines(&server);
    assert!(!said.iter().any(|line| line.starts_with("Bcc")), "{said:?}");
    // The lone dot is doubled on its way, so the mail goes on after it.
    assert!(said.iter().any(|line| line == ".."), "{said:?}");
    assert_eq!(said.iter().filter(|line| line.as_str() == ".").count(), 1);
}

#[tokio::test]
async fn protected_means_that_nothing_is_said_in_clear() {
    for (security, habits, clear) in [
        (SmtpSecurity::StartTls, Habits { starttls: true, ..Habits::default() }, 2),
        (SmtpSecurity::Tls, Habits { implicit_tls: true, ..Habits::default() }, 0),
    ] {
        let server = MailServer::start(habits).await;
        mailer(&server, security).notify(&notice()).await.unwrap();
        let said = server.said();
        let in_clear: Vec<_> = said.iter().filter(|(protected, _)| !protected).map(|(_, line)| line).collect();
        assert_eq!(in_clear.len(), clear, "only EHLO and STARTTLS: {in_clear:?}");
        assert!(said.iter().any(|(protected, line)| *protected && line.starts_with("AUTH PLAIN ")));
        assert!(said.iter().any(|(protected, line)| *protected && line == "."));
    }
}

#[tokio::test]
async fn a_server_that_cannot_prove_itself_gets_nothing() {
    for (security, habits, code) in [
        (SmtpSecurity::StartTls, Habits { starttls: true, ..Habits::default() }, "tls_failed"),
        (SmtpSecurity::Tls, Habits { implicit_tls: true, ..Habits::default() }, "tls_failed"),
        (SmtpSecurity::StartTls, Habits::default(), "no_starttls"),
        (SmtpSecurity::Tls, Habits::default(), "tls_failed"),
    ] {
        let server = MailServer::start(habits).await;
        let mailer = with_roots(&server, security, vec![]);
        let error = mailer.notify(&notice()).await.unwrap_err();
        assert_eq!(error.said().and_then(|said| said.code.as_deref()), Some(code), "{security:?} {error:?}");
        let said = lines(&server);
        assert!(!said.iter().any(|line| line.contains("AUTH") || line.contains("MAIL")), "{said:?}");
    }
}

#[tokio::test]
async fn every_reply_has_its_meaning() {
    for (on, answer, reason, status) in [
        ("AUTH", "535 5.7.8 Bad credentials sk-admin-CANARY-4f1d", "unauthorized", 535),
        ("AUTH", "504 5.5.4 Unrecognized", "unauthorized", 504),
        ("AUTH", "454 4.7.0 Temporary failure", "unavailable", 454),
        ("MAIL", "530 5.7.0 Sign in first", "unauthorized", 530),
        ("MAIL", "421 4.3.2 Shutting down", "unavailable", 421),
        ("RCPT", "550 5.1.1 No such user", "rejected", 550),
        ("RCPT", "451 4.7.1 Greylisted", "unavailable", 451),
        ("DATA", "552 5.2.2 Full", "rejected", 552),
        (".", "554 5.7.1 Spam", "rejected", 554),
        (".", "452 4.3.1 Out of space", "unavailable", 452),
    ] {
        let server = MailServer::start(Habits { instead: Some((on, answer)), ..Habits::default() }).await;
        let error = mailer(&server, SmtpSecurity::Plain).notify(&notice()).await.unwrap_err();
        assert_eq!(error.user_reason(), reason, "{answer}: {error:?}");
        assert_eq!(error.said().unwrap().status, Some(status));
        assert!(!format!("{error} {error:?}").contains("CANARY"), "{error}");
    }
    let server =
        MailServer::start(Habits { instead: Some(("RCPT", "550 5.1.1 No such user")), ..Habits::default() }).await;
    let error = mailer(&server, SmtpSecurity::Plain).notify(&notice()).await.unwrap_err();
    assert!(error.said().unwrap().message.as_deref().unwrap().contains("No such user"), "{error:?}");
}

#[tokio::test]
async fn a_server_without_end_is_left() {
    let server = MailServer::start(Habits { babbles: true, ..Habits::default() }).await;
    let started = std::time::Instant::now();
    let error = mailer(&server, SmtpSecurity::Plain).notify(&notice()).await.unwrap_err();
    assert_eq!(error.said().unwrap().code.as_deref(), Some("connection_lost"));
    assert!(started.elapsed() < Duration::from_secs(9), "left for what it said, not for the time it took");
}

#[tokio::test]
async fn a_mail_that_was_taken_is_delivered_whatever_comes_after() {
    for habits in [
        Habits { silent_on: Some("QUIT"), ..Habits::default() },
        Habits { instead: Some(("QUIT", "500 What?")), ..Habits::default() },
    ] {
        let server = MailServer::start(habits).await;
        mailer(&server, SmtpSecurity::Plain).notify(&notice()).await.unwrap();
        assert!(lines(&server).iter().any(|line| line == "QUIT"));
    }
}

#[tokio::test]
async fn silence_ends_in_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let server = SmtpServer {
        host: "127.0.0.1".into(),
        port,
        security: SmtpSecurity::Plain,
        credentials: None,
        extra_roots: vec![],
    };
    let guard = Guard::new([format!("127.0.0.1:{port}")]).unwrap();
    let mailer = SmtpMailer::new(guard, server, MailRoute::new("a@example.com", ["b@example.com"]).unwrap()).unwrap();
    let mailer = mailer.with_policy(NotifyPolicy { timeout: Duration::from_millis(200), ..policy() });
    assert!(matches!(mailer.notify(&notice()).await, Err(NotifyError::Later { .. })));
    assert!(!format!("{mailer:?}").contains("CANARY"));
}
