//! SMS.

use finops_providers::{Link, LinkStyle, Notice, Notifier, NotifyError, TwilioSms};
use serde_json::{Map, Value, json};

use super::specifications::{TWILIO, mistakes};
use super::{COMMON, header, http, meaning, notice, policy, status};
use crate::CANARY;
use crate::server::{Reply, Server};

const ACCOUNT: &str = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const MESSAGING: &str = "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NUMBER: &str = "+821012345678";

fn client(server: &Server, from: &str) -> TwilioSms {
    TwilioSms::new(http(), server.base(), ACCOUNT, CANARY.into(), from, NUMBER).unwrap().with_policy(policy())
}

fn taken() -> Reply {
    Reply::status(201, include_str!("../../data/twilio.messages.createWoService.json"))
}

async fn sent(from: &str, notice: &Notice) -> Map<String, Value> {
    let server = Server::always(taken).await;
    let delivered = client(&server, from).notify(notice).await.unwrap();
    assert_eq!(delivered.id.as_deref(), Some("SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    let [seen] = server.seen().try_into().unwrap();
    assert_eq!(seen.path, format!("/v1/2010-04-01/Accounts/{ACCOUNT}/Messages.json"));
    assert_eq!(header(&seen, "content-type"), Some("application/x-www-form-urlencoded"));
    let basic = header(&seen, "authorization").unwrap().strip_prefix("Basic ").unwrap();
    assert_eq!(basic, "QUNhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYTpzay1hZG1pbi1DQU5BUlktNGYxZA==");
    let form = reqwest::Url::parse(&format!("http://h/?{}", seen.body)).unwrap();
    let form: Map<String, Value> = form.query_pairs().map(|(name, value)| (name.into(), json!(value))).collect();
    let path = "/2010-04-01/Accounts/{AccountSid}/Messages.json";
    let mistakes = mistakes(TWILIO, path, "application/x-www-form-urlencoded", &Value::Object(form.clone()));
    assert_eq!(mistakes, Vec::<String>::new());
    form
}

#[tokio::test]
async fn a_text_is_the_subject_and_the_first_link() {
    let form = sent("+15005550006", &notice()).await;
    assert_eq!((&form["To"], &form["From"]), (&json!(NUMBER), &json!("+15005550006")));
    let text = "[마케팅팀] 일일 한도 $500 초과 - 현재 $742 (148%)\nhttps://finops.example/block?p=1&x=2";
    assert_eq!(form["Body"], text);
    let form = sent(MESSAGING, &Notice { links: vec![], ..notice() }).await;
    assert!(form["MessagingServiceSid"] == MESSAGING && !form.contains_key("From"));
    assert_eq!(form["Body"], notice().subject);
}

#[tokio::test]
async fn a_text_never_exceeds_what_twilio_takes() {
    for (subject, url) in [("🚨".repeat(5000), "h".repeat(900)), ("🚨".repeat(5000), "h".repeat(5000))] {
        let link = Link { label: "x".into(), url: format!("https://{url}"), style: LinkStyle::Plain };
        let form = sent("FinOps", &Notice { subject, links: vec![link.clone()], ..notice() }).await;
        let text = form["Body"].as_str().unwrap();
        assert!(text.encode_utf16().count() <= 1600 && text.contains('…'));
        assert_eq!(text.ends_with(&link.url), url.len() == 900, "a link is whole or not there");
    }
}

#[tokio::test]
async fn every_status_and_code_has_its_meaning() {
    for (code, reason) in COMMON {
        let server = Server::always(move || status(code)).await;
        let wait = matches!(reason, "unavailable" | "rate_limited").then_some(7);
        assert_eq!(meaning(client(&server, "FinOps").notify(&notice())).await, (reason, wait), "{code}");
    }
    for (status, code, reason) in [
        (401, 20003, "unauthorized"),
        (404, 20404, "unauthorized"),
        (429, 20429, "rate_limited"),
        (400, 21211, "rejected"),
        (400, 21408, "rejected"),
        (400, 21606, "unauthorized"),
        (400, 21610, "gone"),
        (400, 21611, "unavailable"),
        (400, 21614, "rejected"),
    ] {
        let words =
            json!({ "code": code, "message": format!("No {CANARY}"), "more_info": "https://…", "status": status });
        let words = words.to_string();
        let server = Server::always(move || Reply::status(status, words.clone())).await;
        let error = client(&server, "FinOps").notify(&notice()).await.unwrap_err();
        assert_eq!(error.user_reason(), reason, "{code}");
        let said = error.said().unwrap();
        assert_eq!(
            (said.code.as_deref(), said.message.as_deref()),
            (Some(code.to_string().as_str()), Some("No [redacted]"))
        );
    }
}

#[tokio::test]
async fn what_is_not_valid_is_never_sent() {
    let new = |account: &str, from: &str, to: &str| {
        TwilioSms::new(http(), "https://h", account, CANARY.into(), from, to).map(drop)
    };
    assert!(new(ACCOUNT, "FinOps", NUMBER).is_ok());
    for (account, from, to) in [
        ("AC12", "FinOps", NUMBER),
        (MESSAGING, "FinOps", NUMBER),
        (ACCOUNT, "", NUMBER),
        (ACCOUNT, "Fin\nOps", NUMBER),
        (ACCOUNT, "FinOps", "01012345678"),
        (ACCOUNT, "FinOps", "+0123456789"),
        (ACCOUNT, "FinOps", "+8210123456789012"),
        (ACCOUNT, "FinOps", "+82 10 1234"),
    ] {
        assert_eq!(new(account, from, to).unwrap_err().user_reason(), "invalid_request", "{account} {from} {to}");
    }
    let server = Server::always(taken).await;
    for bad in [
        Notice { id: "a.b".into(), ..notice() },
        Notice { id: String::new(), ..notice() },
        Notice { dedup_key: "x".repeat(256), ..notice() },
        Notice { subject: " \n".into(), ..notice() },
    ] {
        let error = client(&server, "FinOps").notify(&bad).await.unwrap_err();
        assert!(matches!(error, NotifyError::Permanent { .. }), "{error:?}");
    }
    assert!(server.seen().is_empty());
}
