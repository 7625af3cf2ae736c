//! Where alerts go, asked as the clients ask it.

use std::time::Duration;

use finops_simulator::presets::{
    PAGERDUTY_KEY, RESEND_KEY, SENDGRID_KEY, SLACK_WEBHOOK, TWILIO_ACCOUNT, TWILIO_FROM, TWILIO_TOKEN,
};
use finops_simulator::{Channel, Fault, FaultSpec, InboxQuery, Simulator, SimulatorConfig};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::common::{client, now};
use crate::contract::{Contract, RESEND, SENDGRID, TWILIO};

const MESSAGES: &str = "/2010-04-01/Accounts/{AccountSid}/Messages.json";

async fn start() -> Simulator {
    Simulator::start(SimulatorConfig { now: Some(now()), ..SimulatorConfig::default() }).await.unwrap()
}

fn mail() -> Value {
    json!({ "from": "FinOps <alerts@finops.example>", "to": ["cfo@edu.example"], "subject": "Over", "text": "Over" })
}

fn sendgrid_mail() -> Value {
    json!({
        "personalizations": [{ "to": [{ "email": "cfo@edu.example", "name": "CFO" }] }],
        "from": { "email": "alerts@finops.example" },
        "subject": "Over",
        "content": [{ "type": "text/plain", "value": "Over" }, { "type": "text/html", "value": "<p>Over</p>" }],
    })
}

fn slack_message() -> Value {
    let text = include_str!("../contract/slack.webhook.request.synthetic.json");
    serde_json::from_str(text).unwrap()
}

fn event() -> Value {
    json!({ "routing_key": PAGERDUTY_KEY, "event_action": "trigger", "dedup_key": "budget/1",
        "payload": { "summary": "Over", "source": "finops", "severity": "critical" } })
}

/// Everybody's channels, with the credential that is good from the start.
struct Channels {
    simulator: Simulator,
    http: reqwest::Client,
}

impl Channels {
    async fn start() -> Self {
        let http = client();
        Self { simulator: start().await, http }
    }

    fn post(&self, channel: Channel, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.simulator.channel_base_url(channel));
        self.http.post(url).header("user-agent", "test")
    }

    async fn resend(&self, body: &Value) -> Response {
        self.post(Channel::Resend, "/emails").bearer_auth(RESEND_KEY).json(body).send().await.unwrap()
    }

    async fn sendgrid(&self, body: &Value) -> Response {
        self.post(Channel::SendGrid, "/v3/mail/send").bearer_auth(SENDGRID_KEY).json(body).send().await.unwrap()
    }

    async fn slack(&self, body: &Value) -> (u16, String) {
        let sent = self.post(Channel::Slack, &format!("/services/{SLACK_WEBHOOK}")).json(body).send().await.unwrap();
        assert_eq!(sent.headers()["content-type"], "text/html");
        (sent.status().as_u16(), sent.text().await.unwrap())
    }

    async fn twilio(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let url = reqwest::Url::parse_with_params("http://h/", fields).unwrap();
        let request = self.post(Channel::Twilio, &MESSAGES.replace("{AccountSid}", TWILIO_ACCOUNT));
        let request = request.basic_auth(TWILIO_ACCOUNT, Some(TWILIO_TOKEN));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        told(request.body(url.query().unwrap_or_default().to_owned()).send().await.unwrap()).await
    }

    async fn pagerduty(&self, body: &Value) -> (u16, Value) {
        told(self.post(Channel::PagerDuty, "/v2/enqueue").json(body).send().await.unwrap()).await
    }

    fn webhook(&self, name: &str) -> reqwest::RequestBuilder {
        self.http
            .post(self.simulator.webhook_url(name))
            .header("webhook-id", "dlv_1")
            .header("webhook-timestamp", "1774002600")
            .header("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
            .json(&json!({ "type": "alert.triggered" }))
    }

    fn taken(&self, channel: Channel) -> usize {
        self.simulator.control().inbox(&InboxQuery::new(channel)).len()
    }
}

async fn told(response: Response) -> (u16, Value) {
    (response.status().as_u16(), response.json().await.unwrap())
}

/// A change to something good that makes it wrong: the pointer, the new value (null removes), and what is said.
type Wrong = (&'static str, Value, &'static str);

fn spoilt(good: &Value, pointer: &str, value: &Value) -> Value {
    let mut bad = good.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = bad.pointer_mut(parent).unwrap();
    match (parent, value.is_null()) {
        (Value::Object(fields), true) => drop(fields.remove(name)),
        (Value::Array(items), false) => items[name.parse::<usize>().unwrap()] = value.clone(),
        (parent, _) => parent[name] = value.clone(),
    }
    bad
}

#[tokio::test]
async fn resend_takes_a_mail_once() {
    let channels = Channels::start().await;
    let contract = Contract::of(RESEND);
    let send = async |key: Option<&str>, body: Value| {
        let mut request = channels.post(Channel::Resend, "/emails").bearer_auth(RESEND_KEY);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        told(request.json(&body).send().await.unwrap()).await
    };
    let (status, first) = send(Some("dlv_1"), mail()).await;
    assert_eq!(status, 200, "{first}");
    assert!(contract.validator("POST", "/emails", 200).is_valid(&first));
    assert_eq!(send(Some("dlv_1"), mail()).await, (200, first.clone()), "the same again");
    assert_eq!(channels.taken(Channel::Resend), 1);
    let other = spoilt(&mail(), "/subject", &json!("Else"));
    let (status, conflict) = send(Some("dlv_1"), other.clone()).await;
    assert_eq!((status, &conflict["name"]), (409, &json!("invalid_idempotent_request")));
    assert_ne!(send(Some("dlv_2"), other.clone()).await.1, first);
    assert_ne!(send(None, mail()).await.1, first);
    assert_eq!(send(Some(&"x".repeat(257)), mail()).await.1["name"], "invalid_idempotency_key");
    channels.simulator.control().set_now(Some(now() + chrono::TimeDelta::hours(25)));
    assert_eq!(send(Some("dlv_1"), other).await.0, 200, "keys are kept for a day");
}

#[tokio::test]
async fn resend_refuses_what_is_wrong() {
    let channels = Channels::start().await;
    let cases: Vec<Wrong> = vec![
        ("/from", json!(null), "missing_required_field"),
        ("/from", json!("alerts"), "invalid_from_address"),
        ("/to", json!(null), "missing_required_field"),
        ("/to", json!([]), "missing_required_field"),
        ("/to", json!(["cfo@edu"]), "validation_error"),
        ("/to", json!(vec!["cfo@edu.example"; 51]), "validation_error"),
        ("/subject", json!(null), "missing_required_field"),
        ("/text", json!(null), "missing_required_field"),
    ];
    for (pointer, value, name) in cases {
        let (status, body) = told(channels.resend(&spoilt(&mail(), pointer, &value)).await).await;
        assert_eq!(
            (status, body["name"].as_str(), &body["statusCode"]),
            (422, Some(name), &json!(422)),
            "{pointer} {value}"
        );
    }
    let url = format!("{}/emails", channels.simulator.channel_base_url(Channel::Resend));
    let nameless = channels.http.post(&url).bearer_auth(RESEND_KEY).json(&mail()).send().await.unwrap();
    assert_eq!(nameless.status(), 403, "no User-Agent");
    let keyless = channels.post(Channel::Resend, "/emails").json(&mail()).send().await.unwrap();
    assert_eq!(told(keyless).await.1["name"], "missing_api_key");
    let control = channels.simulator.control();
    control.revoke_credential(Channel::Resend, RESEND_KEY).unwrap();
    assert_eq!(told(channels.resend(&mail()).await).await.1["name"], "invalid_api_key");
    assert!(control.revoke_credential(Channel::Resend, RESEND_KEY).is_err());
    control.add_credential(Channel::Resend, RESEND_KEY);
    assert_eq!(channels.resend(&mail()).await.status(), 200);
    assert_eq!(channels.taken(Channel::Resend), 1);
}

#[tokio::test]
async fn sendgrid_answers_as_specified() {
    let channels = Channels::start().await;
    let contract = Contract::of(SENDGRID);
    let sent = channels.sendgrid(&sendgrid_mail()).await;
    assert!(sent.status() == 202 && sent.headers().contains_key("x-message-id"));
    assert_eq!(sent.text().await.unwrap(), "");
    let to = json!([{ "email": "a@b.example" }, { "email": "A@B.example" }]);
    let html_first = json!([{ "type": "text/html", "value": "x" }, { "type": "text/plain", "value": "x" }]);
    let cases: Vec<Wrong> = vec![
        ("/from", json!(null), "from.email"),
        ("/from", json!({ "email": "x" }), "from.email"),
        ("/personalizations", json!(null), "personalizations"),
        ("/personalizations/0", json!({}), "personalizations.0.to"),
        ("/personalizations/0", json!({ "to": [{ "email": "x" }] }), "personalizations.0.to.0.email"),
        ("/personalizations/0", json!({ "to": to }), "personalizations.0.to"),
        ("/subject", json!(""), "subject"),
        ("/content", json!(null), "content"),
        ("/content", json!([{ "type": "text/plain", "value": "" }]), "content.0.value"),
        ("/content", html_first, "content"),
        ("/headers", json!({ "Subject": "x" }), "headers"),
    ];
    let validator = contract.validator("POST", "/v3/mail/send", 400);
    for (pointer, value, field) in cases {
        let (status, body) = told(channels.sendgrid(&spoilt(&sendgrid_mail(), pointer, &value)).await).await;
        assert_eq!((status, body["errors"][0]["field"].as_str()), (400, Some(field)), "{pointer} {value}");
        assert!(validator.is_valid(&body), "{body}");
        assert!(!validator.is_valid(&spoilt(&body, "/errors", &json!("x"))));
    }
    for (status, path) in [(401, "/v3/mail/send"), (404, "/v3/mail")] {
        let answer = channels.post(Channel::SendGrid, path).json(&sendgrid_mail()).send().await.unwrap();
        let (answered, body) = told(answer).await;
        assert_eq!(answered, status);
        assert!(contract.validator("POST", "/v3/mail/send", status).is_valid(&body), "{body}");
    }
    assert_eq!(channels.taken(Channel::SendGrid), 1);
}

#[tokio::test]
async fn twilio_answers_as_specified() {
    let channels = Channels::start().await;
    let to = "+821012345678";
    let validator = Contract::of(TWILIO).validator("POST", MESSAGES, 201);
    for fields in [
        vec![("To", to), ("From", TWILIO_FROM), ("Body", "한도 초과")],
        vec![("To", to), ("MessagingServiceSid", "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), ("Body", "Over")],
    ] {
        let (status, body) = channels.twilio(&fields).await;
        assert_eq!(status, 201, "{body}");
        let errors: Vec<String> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(body["body"], fields[2].1);
        for name in body.as_object().unwrap().keys() {
            let mutant = spoilt(&body, &format!("/{name}"), &json!([{ "unexpected": true }]));
            assert!(!validator.is_valid(&mutant), "{name} may be anything");
        }
    }
    let long = "x".repeat(1601);
    for (from, to, body, code) in [
        (TWILIO_FROM, "", "x", 21604),
        ("", to, "x", 21603),
        (TWILIO_FROM, to, "", 21602),
        (TWILIO_FROM, to, long.as_str(), 21617),
        (TWILIO_FROM, "01012345678", "x", 21211),
        (TWILIO_FROM, TWILIO_FROM, "x", 21266),
        ("+15005550001", to, "x", 21212),
        ("+15005550007", to, "x", 21606),
        ("+15005550008", to, "x", 21611),
        (TWILIO_FROM, "+15005550001", "x", 21211),
        (TWILIO_FROM, "+15005550002", "x", 21612),
        (TWILIO_FROM, "+15005550003", "x", 21408),
        (TWILIO_FROM, "+15005550004", "x", 21610),
        (TWILIO_FROM, "+15005550009", "x", 21614),
    ] {
        let (status, answer) = channels.twilio(&[("To", to), ("From", from), ("Body", body)]).await;
        assert_eq!((status, &answer["code"], &answer["status"]), (400, &json!(code), &json!(400)), "{answer}");
    }
    let path = MESSAGES.replace("{AccountSid}", TWILIO_ACCOUNT);
    let wrong = channels.post(Channel::Twilio, &path).basic_auth(TWILIO_ACCOUNT, Some("wrong")).send().await.unwrap();
    assert_eq!(told(wrong).await.1["code"], 20003);
    let path = MESSAGES.replace("{AccountSid}", "ACffffffffffffffffffffffffffffffff");
    let other = channels.post(Channel::Twilio, &path).basic_auth(TWILIO_ACCOUNT, Some(TWILIO_TOKEN));
    assert_eq!(told(other.send().await.unwrap()).await.1["code"], 20404);
    assert_eq!(channels.taken(Channel::Twilio), 2);
}

#[tokio::test]
async fn pagerduty_takes_events_that_are_whole() {
    let channels = Channels::start().await;
    let (status, body) = channels.pagerduty(&event()).await;
    assert_eq!((status, &body["status"], &body["dedup_key"]), (202, &json!("success"), &json!("budget/1")));
    for action in ["acknowledge", "resolve"] {
        let short = json!({ "routing_key": PAGERDUTY_KEY, "event_action": action, "dedup_key": "budget/1" });
        assert_eq!(channels.pagerduty(&short).await.0, 202);
        assert_eq!(channels.pagerduty(&spoilt(&short, "/dedup_key", &json!(null))).await.0, 400);
    }
    let generated = channels.pagerduty(&spoilt(&event(), "/dedup_key", &json!(null))).await.1;
    assert_eq!(generated["dedup_key"].as_str().unwrap().len(), 32);
    let cases: Vec<Wrong> = vec![
        ("/routing_key", json!(null), "'routing_key' is missing"),
        ("/routing_key", json!("short"), "Length of 'routing_key'"),
        ("/routing_key", json!("x".repeat(32)), "Invalid routing key"),
        ("/event_action", json!("shout"), "'event_action' is invalid"),
        ("/dedup_key", json!("x".repeat(256)), "Length of 'dedup_key'"),
        ("/payload", json!(null), "'payload.summary' is missing"),
        ("/payload/summary", json!("x".repeat(1025)), "Length of 'payload.summary'"),
        ("/payload/source", json!(" "), "'payload.source' is missing"),
        ("/payload/severity", json!("high"), "'payload.severity' is invalid"),
        ("/payload/timestamp", json!("yesterday"), "'payload.timestamp' is invalid"),
        ("/links", json!([{ "text": "x" }]), "'links' is invalid"),
    ];
    for (pointer, value, said) in cases {
        let (status, body) = channels.pagerduty(&spoilt(&event(), pointer, &value)).await;
        let first = body["errors"][0].as_str().unwrap();
        assert!(status == 400 && first.starts_with(said), "{pointer} {value}: {first}");
    }
    assert_eq!(channels.taken(Channel::PagerDuty), 4);
}

#[tokio::test]
async fn slack_says_one_word() {
    let channels = Channels::start().await;
    let ok = (200, "ok".to_owned());
    assert_eq!(channels.slack(&slack_message()).await, ok);
    assert_eq!(channels.slack(&json!({ "text": "Over" })).await, ok);
    let refused =
        async |body: Value, word: &str| assert_eq!(channels.slack(&body).await, (400, word.to_owned()), "{body}");
    refused(json!([]), "invalid_payload").await;
    refused(json!({}), "no_text").await;
    refused(json!({ "text": "", "blocks": [] }), "no_text").await;
    refused(json!({ "text": "x", "blocks": "x" }), "invalid_blocks_format").await;
    let long = |most: usize| json!("가".repeat(most + 1));
    let fields = json!({ "type": "section", "fields": vec![json!({ "type": "mrkdwn", "text": "x" }); 11] });
    let cases: Vec<(&str, Value)> = vec![
        ("/blocks", json!(vec![json!({ "type": "divider" }); 51])),
        ("/blocks/0", json!({ "type": "poem" })),
        ("/blocks/0/text/text", long(150)),
        ("/blocks/0/text/text", json!("")),
        ("/blocks/0/text/type", json!("mrkdwn")),
        ("/blocks/1/text/text", long(3000)),
        ("/blocks/1/fields/0/text", long(2000)),
        ("/blocks/1", fields),
        ("/blocks/1", json!({ "type": "section" })),
        ("/blocks/2/elements", json!([])),
        ("/blocks/2/elements/0/text/text", long(75)),
        ("/blocks/2/elements/0/url", json!("javascript:alert(1)")),
        ("/blocks/2/elements/0/style", json!("loud")),
    ];
    for (pointer, value) in cases {
        refused(spoilt(&slack_message(), pointer, &value), "invalid_blocks").await;
    }
    let to = async |webhook: &str| {
        let sent = channels.post(Channel::Slack, &format!("/services/{webhook}")).json(&slack_message());
        sent.send().await.unwrap().text().await.unwrap()
    };
    assert_eq!(to("T00000SIM/B00000SIM/wrong").await, "invalid_token");
    assert_eq!(to("T00000SIM/B9/wrong").await, "no_service");
    channels.simulator.control().add_credential(Channel::Slack, "T1/B1/x");
    assert_eq!(to("T1/B1/x").await, "ok");
    assert_eq!(channels.taken(Channel::Slack), 3);
}

#[tokio::test]
async fn a_sink_keeps_what_a_signature_is_about() {
    let channels = Channels::start().await;
    assert_eq!(channels.webhook("a").send().await.unwrap().status(), 200);
    channels.webhook("b").send().await.unwrap();
    let control = channels.simulator.control();
    let [letter] = control.inbox(&InboxQuery::webhook("a")).try_into().unwrap();
    assert_eq!(
        (letter.body.as_str(), &letter.content["type"]),
        (r#"{"type":"alert.triggered"}"#, &json!("alert.triggered"))
    );
    assert_eq!((letter.headers["webhook-id"].as_str(), letter.status, letter.at), ("dlv_1", Some(200), now()));
    for missing in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut request = channels.webhook("c").build().unwrap();
        request.headers_mut().remove(missing);
        let status = channels.http.execute(request).await.unwrap().status();
        assert!(status == 400 || status == 401, "{missing}");
    }
    assert!(control.inbox(&InboxQuery::webhook("c")).is_empty());
    assert_eq!(control.inbox(&InboxQuery::webhook("c").attempts()).len(), 3);
}

#[tokio::test]
async fn the_inbox_is_waited_for_over_http() {
    let channels = Channels::start().await;
    let inbox = |query: &str| {
        let url = format!("{}/_sim/inbox/{query}", channels.simulator.base_url());
        let request = channels.http.get(url);
        async move { told(request.send().await.unwrap()).await }
    };
    let count = |answer: &(u16, Value)| answer.1["data"].as_array().unwrap().len();
    assert_eq!(count(&inbox("webhook").await), 0, "nobody waits who did not ask to");
    let (waited, _) = tokio::join!(inbox("webhook?wait=30&path=/webhook/a"), channels.webhook("a").send());
    assert_eq!(count(&waited), 1);
    let number = waited.1["data"][0]["number"].as_u64().unwrap();
    assert_eq!(count(&inbox(&format!("webhook?after={number}")).await), 0);
    let next = format!("webhook?after={number}&wait=30&count=2");
    let arriving = async {
        channels.webhook("a").send().await.unwrap();
        channels.resend(&mail()).await;
        channels.webhook("b").send().await.unwrap();
    };
    let (waited, ()) = tokio::join!(inbox(&next), arriving);
    assert_eq!(count(&waited), 2, "and no mail");
    let all = channels.http.get(format!("{}/_sim/inbox", channels.simulator.base_url())).send().await.unwrap();
    let all = told(all).await.1;
    assert_eq!(all["data"].as_array().unwrap().len(), 4);
    assert!(!all.to_string().contains(RESEND_KEY), "credentials are not kept");
    for (query, status) in [("pigeon", 404), ("webhook?wait=-1", 400), ("webhook?nonsense=1", 400)] {
        assert_eq!(inbox(query).await.0, status, "{query}");
    }
    let cleared = channels.http.delete(format!("{}/_sim/inbox", channels.simulator.base_url())).send().await.unwrap();
    assert_eq!(cleared.status(), 200);
    assert_eq!(count(&inbox("webhook?attempts=true").await), 0);
}

#[tokio::test]
async fn credentials_are_steered_over_http() {
    let channels = Channels::start().await;
    let steer = async |path: &str, credential: &str| {
        let url = format!("{}/_sim{path}", channels.simulator.base_url());
        let body = json!({ "channel": "pagerduty", "credential": credential });
        channels.http.request(Method::POST, url).json(&body).send().await.unwrap().status()
    };
    assert_eq!(steer("/credentials/revoke", PAGERDUTY_KEY).await, 200);
    assert_eq!(channels.pagerduty(&event()).await.0, 400);
    assert_eq!(steer("/credentials/revoke", PAGERDUTY_KEY).await, 404);
    assert_eq!(steer("/credentials", PAGERDUTY_KEY).await, 201);
    assert_eq!(channels.pagerduty(&event()).await.0, 202);
}

#[tokio::test]
async fn every_fault_is_the_vendors_own() {
    let channels = Channels::start().await;
    let control = channels.simulator.control();
    for status in [429, 500, 410] {
        let fault = Fault::Status {
            status,
            retry_after: Some("7".to_owned()),
            retry_after_ms: None,
            shape: Default::default(),
            code: None,
            message: None,
        };
        control.add_fault(FaultSpec::new("*", fault).times(6));
        let slack = channels.post(Channel::Slack, &format!("/services/{SLACK_WEBHOOK}")).json(&slack_message());
        let slack = slack.send().await.unwrap();
        assert_eq!((slack.status().as_u16(), &slack.headers()["retry-after"]), (status, &"7".parse().unwrap()));
        let word = match status {
            429 => "rate_limited",
            410 => "channel_is_archived",
            _ => "rollup_error",
        };
        assert_eq!(slack.text().await.unwrap(), word);
        assert_eq!(told(channels.resend(&mail()).await).await.1["statusCode"], status);
        assert!(told(channels.sendgrid(&sendgrid_mail()).await).await.1["errors"][0]["message"].is_string());
        assert_eq!(channels.twilio(&[("To", "+821012345678")]).await.1["status"], status);
        assert_eq!(channels.pagerduty(&event()).await.0, status);
        assert_eq!(channels.webhook("a").send().await.unwrap().status(), status);
    }
    assert!(control.faults().is_empty());
    assert!(Channel::ALL.iter().all(|channel| channels.taken(*channel) == 0));
    assert_eq!(control.inbox(&InboxQuery::webhook("a").attempts()).len(), 3, "attempts are seen");
    channels.webhook("a").send().await.unwrap();
    assert_eq!(channels.taken(Channel::Webhook), 1);
}

#[tokio::test]
async fn redirects_resets_and_silence() {
    let channels = Channels::start().await;
    let control = channels.simulator.control();
    let redirect = json!({ "match": { "path": "/webhook/a" }, "times": 1,
        "fault": { "kind": "redirect", "status": 307, "location": channels.simulator.webhook_url("inside") } });
    let url = format!("{}/_sim/faults", channels.simulator.base_url());
    assert_eq!(channels.http.post(url).json(&redirect).send().await.unwrap().status(), 201);
    let followed = channels.webhook("a").send().await.unwrap();
    assert!(followed.url().path() == "/webhook/inside", "whoever follows is found out");
    assert_eq!(control.inbox(&InboxQuery::webhook("inside")).len(), 1);

    control.add_fault(FaultSpec::new("/webhook/a", Fault::Reset).times(1));
    let error = channels.webhook("a").send().await.unwrap_err();
    assert!(error.is_request() && !error.is_timeout() && error.status().is_none(), "{error:?}");
    let attempts = control.inbox(&InboxQuery::webhook("a").attempts());
    assert_eq!(attempts.last().unwrap().status, None, "nothing was answered");

    control.add_fault(FaultSpec::new("/webhook/a", Fault::Hang { seconds: 3_600.0 }).times(1));
    let error = channels.webhook("a").timeout(Duration::from_millis(200)).send().await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(channels.webhook("a").send().await.unwrap().status(), 200);
}
