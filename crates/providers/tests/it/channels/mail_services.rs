//! Resend and SendGrid.

use finops_providers::{Notice, Notifier, NotifyError, ResendMailer, SendGridMailer};
use serde_json::json;

use super::specifications::{RESEND, SENDGRID, mistakes};
use super::{COMMON, body, header, http, meaning, notice, policy, route, status};
use crate::CANARY;
use crate::server::{Reply, Server};

const TAKEN: &str = r#"{"id":"49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}"#;

fn resend(server: &Server) -> ResendMailer {
    ResendMailer::new(http(), server.base(), CANARY.into(), route()).unwrap().with_policy(policy())
}

fn sendgrid(server: &Server) -> SendGridMailer {
    SendGridMailer::new(http(), server.base(), CANARY.into(), route()).unwrap().with_policy(policy())
}

fn accepted() -> Reply {
    Reply::status(202, "").with("x-message-id", "14c5d75ce93.dfd.64b469")
}

#[tokio::test]
async fn resend_is_told_all_it_should() {
    let server = Server::always(|| Reply::json(TAKEN)).await;
    let delivered = resend(&server).notify(&notice()).await.unwrap();
    assert_eq!(delivered.id.as_deref(), Some("49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"));
    let [seen] = server.seen().try_into().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/v1/emails"));
    assert_eq!(header(&seen, "authorization"), Some(format!("Bearer {CANARY}").as_str()));
    assert_eq!(header(&seen, "idempotency-key"), Some("dlv_0197a0"));
    assert!(header(&seen, "user-agent").is_some(), "Resend refuses requests without");
    let mail = body(&seen);
    assert_eq!(mistakes(RESEND, "/emails", "application/json", &mail), Vec::<String>::new());
    assert_eq!(mail["from"], "FinOps <alerts@finops.example>");
    assert_eq!((mail["to"].as_array().unwrap().len(), &mail["to"][1]), (2, &json!("cfo@edu.example")));
    assert!(mail["to"][0].as_str().unwrap().contains("<jihoon@edu.example>"));
    assert_eq!((&mail["subject"], &mail["html"]), (&json!(notice().subject), &json!("<p>chatbot-experiment</p>")));
    assert_eq!(mail["headers"]["Auto-Submitted"], "auto-generated");
    let text = mail["text"].as_str().unwrap();
    assert!(text.contains("\n\n사용액: $742.00") && text.contains("https://finops.example/block?p=1&x=2"), "{text}");
}

#[tokio::test]
async fn sendgrid_is_told_all_it_should() {
    let server = Server::always(accepted).await;
    let delivered = sendgrid(&server).notify(&notice()).await.unwrap();
    assert_eq!(delivered.id.as_deref(), Some("14c5d75ce93.dfd.64b469"));
    let [seen] = server.seen().try_into().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/v1/v3/mail/send"));
    assert_eq!(header(&seen, "authorization"), Some(format!("Bearer {CANARY}").as_str()));
    let mail = body(&seen);
    assert_eq!(mistakes(SENDGRID, "/v3/mail/send", "application/json", &mail), Vec::<String>::new());
    assert_eq!(mail["from"], json!({ "email": "alerts@finops.example", "name": "FinOps" }));
    assert_eq!(
        mail["personalizations"][0]["to"],
        json!([{ "email": "jihoon@edu.example", "name": "이지훈" }, { "email": "cfo@edu.example" }])
    );
    let kinds: Vec<_> = mail["content"].as_array().unwrap().iter().map(|part| part["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["text/plain", "text/html"], "in the order that SendGrid demands");
}

#[tokio::test]
async fn a_subject_is_one_line_and_not_endless() {
    let subject = format!("Budget\r\nBcc: everybody@example.com\u{0} {}", "x".repeat(400));
    let notice = Notice { subject, html: None, ..notice() };
    let server =
        Server::start(|seen, _| if seen.path.ends_with("emails") { Reply::json(TAKEN) } else { accepted() }).await;
    resend(&server).notify(&notice).await.unwrap();
    sendgrid(&server).notify(&notice).await.unwrap();
    for seen in server.seen() {
        let mail = body(&seen);
        let subject = mail["subject"].as_str().unwrap();
        assert!(
            subject.starts_with("Budget Bcc: everybody@example.com xxx") && subject.chars().count() == 250,
            "{subject}"
        );
        assert!(mail.get("html").is_none() && mail["content"].as_array().is_none_or(|parts| parts.len() == 1));
    }
}

#[tokio::test]
async fn every_status_has_its_meaning() {
    for (code, reason) in COMMON {
        let server = Server::always(move || status(code)).await;
        let wait = matches!(reason, "unavailable" | "rate_limited").then_some(7);
        assert_eq!(meaning(resend(&server).notify(&notice())).await, (reason, wait), "Resend {code}");
        assert_eq!(meaning(sendgrid(&server).notify(&notice())).await, (reason, wait), "SendGrid {code}");
        assert_eq!(server.seen().len(), 2, "one attempt each");
    }
}

#[tokio::test]
async fn resends_own_errors_are_known() {
    for (status, name, wait, expected) in [
        (409, "concurrent_idempotent_requests", None, ("unavailable", None)),
        (409, "invalid_idempotent_request", None, ("rejected", None)),
        (422, "validation_error", None, ("rejected", None)),
        (401, "restricted_api_key", None, ("unauthorized", None)),
        (429, "rate_limit_exceeded", Some("1"), ("rate_limited", Some(1))),
        (429, "daily_quota_exceeded", None, ("rate_limited", Some(3600))),
        (429, "monthly_quota_exceeded", Some("86400"), ("rate_limited", Some(86_400))),
    ] {
        let answer = json!({ "statusCode": status, "name": name, "message": format!("No, {CANARY}.") }).to_string();
        let server = Server::always(move || {
            let reply = Reply::status(status, answer.clone());
            if let Some(wait) = wait { reply.with("retry-after", wait) } else { reply }
        })
        .await;
        let error = resend(&server).notify(&notice()).await.unwrap_err();
        assert_eq!((error.user_reason(), error.retry_after().map(|w| w.as_secs())), expected, "{name}");
        let said = error.said().unwrap();
        assert_eq!((said.status, said.code.as_deref()), (Some(status), Some(name)));
        assert_eq!(said.message.as_deref(), Some("No, [redacted]."));
    }
}

#[tokio::test]
async fn sendgrids_own_errors_are_known() {
    let server = Server::always(|| {
        Reply::status(429, include_str!("../../data/sendgrid.429.json")).with("x-ratelimit-reset", "1782432042")
    })
    .await;
    let error = sendgrid(&server).notify(&notice()).await.unwrap_err();
    assert_eq!((error.user_reason(), error.retry_after().map(|w| w.as_secs())), ("rate_limited", Some(42)));
    assert_eq!(error.said().unwrap().message.as_deref(), Some("too many requests"));

    let refused = r#"{"errors":[{"message":"Does not contain a valid address.","field":"personalizations.0.to.0.email","help":null}]}"#;
    let server = Server::always(move || Reply::status(400, refused)).await;
    let NotifyError::Permanent { said } = sendgrid(&server).notify(&notice()).await.unwrap_err() else { panic!() };
    assert_eq!(said.to_string(), "status 400: personalizations.0.to.0.email: Does not contain a valid address.");
}

#[tokio::test]
async fn a_success_that_is_not_the_vendors_is_none() {
    let server = Server::always(|| Reply::json("<html>Sign in</html>").with("content-type", "text/html")).await;
    assert_eq!(meaning(resend(&server).notify(&notice())).await, ("unavailable", None));
    assert_eq!(meaning(sendgrid(&server).notify(&notice())).await, ("unavailable", None));
}
