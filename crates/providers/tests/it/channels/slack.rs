//! Slack's incoming webhooks.

use finops_providers::{Fact, Link, LinkStyle, Notice, Notifier, SlackWebhook};
use serde_json::{Value, json};

use super::{body, guarded, meaning, notice, policy, status};
use crate::server::{Reply, Server};

const PATH: &str = "/services/T00000000/B00000000/CANARY";

fn client(server: &Server) -> SlackWebhook {
    let url = format!("{}{PATH}", server.base());
    SlackWebhook::new(guarded(server), url.into()).unwrap().with_policy(policy())
}

/// As Slack labels it.
fn word(status: u16, word: &'static str) -> Reply {
    Reply::status(status, word).with("content-type", "text/html")
}

async fn blocks(notice: &Notice) -> Value {
    let server = Server::always(|| word(200, "ok")).await;
    client(&server).notify(notice).await.unwrap();
    let [seen] = server.seen().try_into().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", format!("/v1{PATH}").as_str()));
    body(&seen)
}

#[tokio::test]
async fn a_message_is_made_of_blocks() {
    let message = blocks(&notice()).await;
    assert_eq!(message["text"], "[마케팅팀] 일일 한도 $500 초과 - 현재 $742 (148%)");
    let blocks = message["blocks"].as_array().unwrap();
    assert_eq!(blocks[0]["text"]["text"], "🚨 [마케팅팀] 일일 한도 $500 초과 - 현재 $742 (148%)");
    let text = blocks[1]["text"]["text"].as_str().unwrap();
    assert!(text.ends_with("호출 15배 &lt;gpt-5.4&gt; &amp; 재시도"), "{text}");
    assert_eq!(blocks[2]["fields"][0]["text"], "*사용액*\n$742.00");
    let buttons = blocks[3]["elements"].as_array().unwrap();
    assert_eq!(
        (&buttons[0]["style"], &buttons[0]["url"]),
        (&json!("danger"), &json!("https://finops.example/block?p=1&x=2"))
    );
    assert!(buttons[1].get("style").is_none());
}

#[tokio::test]
async fn no_name_rings_everybody_or_becomes_a_link() {
    let evil = "<!channel> <https://evil.example|click>";
    let fact = Fact { label: evil.into(), value: evil.into() };
    let message = blocks(&Notice { subject: evil.into(), text: evil.into(), facts: vec![fact], ..notice() }).await;
    // The header alone is plain text, in which nothing has a meaning.
    for text in [&message["text"], &message["blocks"][1]["text"]["text"], &message["blocks"][2]["fields"][0]["text"]] {
        assert!(!text.as_str().unwrap().contains('<'), "{text}");
    }
}

#[tokio::test]
async fn a_message_of_any_size_keeps_slacks_limits() {
    let long = "<&>가".repeat(20_000);
    let facts = (0..300).map(|_| Fact { label: long.clone(), value: long.clone() }).collect();
    let link = Link { label: long.clone(), url: "https://finops.example/".into(), style: LinkStyle::Primary };
    let too_long = Link { url: format!("https://h/{long}"), ..link.clone() };
    let links = std::iter::once(too_long).chain(std::iter::repeat_n(link, 60)).collect();
    let message = blocks(&Notice { subject: long.clone(), text: long, facts, links, ..notice() }).await;
    let length = |value: &Value| value.as_str().unwrap().chars().count();
    let blocks = message["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50, "{}", blocks.len());
    assert_eq!(length(&blocks[0]["text"]["text"]), 150);
    for block in &blocks[1..] {
        match block["type"].as_str().unwrap() {
            "section" if block.get("text").is_some() => assert!(length(&block["text"]["text"]) <= 3000),
            "section" => {
                let fields = block["fields"].as_array().unwrap();
                assert!((1..=10).contains(&fields.len()));
                assert!(fields.iter().all(|field| length(&field["text"]) <= 2000));
            }
            "actions" => {
                let buttons = block["elements"].as_array().unwrap();
                assert_eq!(buttons.len(), 25);
                assert!(
                    buttons
                        .iter()
                        .all(|button| length(&button["text"]["text"]) <= 75 && length(&button["url"]) <= 3000)
                );
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn every_word_has_its_meaning() {
    for (code, text, reason) in [
        (200, "ok", "delivered"),
        (200, "<html>Sign in</html>", "unavailable"),
        (400, "invalid_payload", "rejected"),
        (400, "no_text", "rejected"),
        (404, "channel_not_found", "rejected"),
        (404, "no_service", "gone"),
        (404, "no_team", "gone"),
        (410, "channel_is_archived", "gone"),
        (403, "invalid_token", "unauthorized"),
        (403, "action_prohibited", "unauthorized"),
        (500, "rollup_error", "unavailable"),
        (503, "", "unavailable"),
    ] {
        let server = Server::always(move || word(code, text)).await;
        assert_eq!(meaning(client(&server).notify(&notice())).await, (reason, None), "{code} {text}");
    }
    let server = Server::always(|| status(429)).await;
    assert_eq!(meaning(client(&server).notify(&notice())).await, ("rate_limited", Some(7)));
}

#[tokio::test]
async fn the_url_is_a_secret() {
    let server = Server::always(|| word(403, "invalid_token")).await;
    let client = client(&server);
    let error = client.notify(&notice()).await.unwrap_err();
    assert!(!format!("{client:?} {error} {error:?}").contains("CANARY"));
    for url in ["http://CANARY.example/", "https://CANARY@hooks.slack.com/", "https://localhost/CANARY", "CANARY"] {
        let error = SlackWebhook::new(guarded(&server), url.into()).unwrap_err();
        assert!(!format!("{error:?}").contains("CANARY"));
    }
}
