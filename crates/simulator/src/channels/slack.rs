//! Slack's incoming webhooks. It answers one word, which it labels HTML.

use serde_json::Value;

use super::Channel;
use super::answer::{Answer, Request, length};
use super::inbox::Post;

/// The answer to `POST /services/T…/B…/…`.
pub(super) fn answer(post: &Post, request: &Request<'_>) -> Answer {
    let Some(webhook) = request.path.strip_prefix("/services/").filter(|_| request.method == "POST") else {
        return word(404, "no_service");
    };
    if !post.knows(Channel::Slack, webhook) {
        let place = |webhook: &str| webhook.rsplit_once('/').map(|(place, _)| place.to_owned());
        let known = post.credentials.iter().filter(|(channel, _)| *channel == Channel::Slack);
        let wrong_token = known.into_iter().any(|(_, known)| place(known) == place(webhook));
        return if wrong_token { word(403, "invalid_token") } else { word(404, "no_service") };
    }
    match mistake(request.content) {
        Some(mistake) => word(400, mistake),
        None => word(200, "ok"),
    }
}

/// What it says with a status that was asked for.
pub(super) fn failure(status: u16) -> Answer {
    word(
        status,
        match status {
            400 => "invalid_payload",
            403 => "action_prohibited",
            404 => "no_service",
            410 => "channel_is_archived",
            429 => "rate_limited",
            _ => "rollup_error",
        },
    )
}

fn word(status: u16, word: &str) -> Answer {
    Answer::text(status, "text/html", word)
}

fn mistake(content: &Value) -> Option<&'static str> {
    let Value::Object(message) = content else { return Some("invalid_payload") };
    let text = message.get("text").and_then(Value::as_str).unwrap_or_default();
    let Some(blocks) = message.get("blocks") else {
        return (text.is_empty() && !message.contains_key("attachments")).then_some("no_text");
    };
    let Some(blocks) = blocks.as_array() else { return Some("invalid_blocks_format") };
    if blocks.is_empty() && text.is_empty() {
        return Some("no_text");
    }
    (blocks.len() > 50 || !blocks.iter().all(is_block)).then_some("invalid_blocks")
}

fn is_block(block: &Value) -> bool {
    match block["type"].as_str() {
        Some("header") => is_text(&block["text"], &["plain_text"], 150),
        Some("section") => is_section(block),
        Some("actions") => within(&block["elements"], 1, 25, is_button),
        Some("context") => within(&block["elements"], 1, 10, |text| is_text(text, &["plain_text", "mrkdwn"], 3000)),
        Some("divider") => true,
        _ => false,
    }
}

fn is_section(block: &Value) -> bool {
    let either = ["plain_text", "mrkdwn"];
    let text = block.get("text").map(|text| is_text(text, &either, 3000));
    let fields = block.get("fields").map(|fields| within(fields, 1, 10, |field| is_text(field, &either, 2000)));
    (text.is_some() || fields.is_some()) && text != Some(false) && fields != Some(false)
}

fn is_button(button: &Value) -> bool {
    let url = button["url"].as_str();
    let style = button.get("style").and_then(Value::as_str);
    button["type"] == "button"
        && is_text(&button["text"], &["plain_text"], 75)
        && url.is_none_or(|url| length(url) <= 3000 && (url.starts_with("https://") || url.starts_with("http://")))
        && style.is_none_or(|style| matches!(style, "primary" | "danger"))
}

fn is_text(text: &Value, kinds: &[&str], most: usize) -> bool {
    let kind = text["type"].as_str().is_some_and(|kind| kinds.contains(&kind));
    kind && text["text"].as_str().is_some_and(|text| (1..=most).contains(&length(text)))
}

fn within(items: &Value, least: usize, most: usize, good: impl Fn(&Value) -> bool) -> bool {
    items.as_array().is_some_and(|items| (least..=most).contains(&items.len()) && items.iter().all(good))
}
