//! A notice in Slack's Block Kit, within its limits.

use serde_json::{Value, json};

use crate::notice::{Fact, Link, LinkStyle, Notice, Severity, cut};

const HEADER: usize = 150;
const SECTION: usize = 3000;
const FIELD: usize = 2000;
const FIELDS: usize = 10;
const BUTTON: usize = 75;
const BUTTONS: usize = 25;
const URL: usize = 3000;
/// Of the 50 blocks that a message has, text gets what leaves room for the others.
const SECTIONS: usize = 10;

/// Header, text, figures, buttons.
pub(super) fn of(notice: &Notice) -> Vec<Value> {
    let title = format!("{}{}", sign(notice.severity), notice.title(HEADER));
    let mut blocks = vec![json!({ "type": "header", "text": plain(&title, HEADER) })];
    let text = notice.text.trim();
    if !text.is_empty() {
        blocks.extend(sections(text).into_iter().map(|text| json!({ "type": "section", "text": mrkdwn(&text) })));
    }
    for facts in notice.facts.chunks(FIELDS).take(SECTIONS) {
        blocks.push(json!({ "type": "section", "fields": facts.iter().map(field).collect::<Vec<_>>() }));
    }
    let links = notice.links.iter().filter(|link| link.url.len() <= URL && !link.label.trim().is_empty());
    let buttons: Vec<Value> = links.take(BUTTONS).map(button).collect();
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": buttons }));
    }
    blocks
}

fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "🚨 ",
        Severity::Error => "🔴 ",
        Severity::Warning => "⚠️ ",
        Severity::Info => "",
    }
}

fn plain(text: &str, limit: usize) -> Value {
    json!({ "type": "plain_text", "text": cut(text, limit), "emoji": true })
}

/// `verbatim`, because Slack would make links of addresses, and mentions of `@here`, in what people named.
fn mrkdwn(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

fn field(fact: &Fact) -> Value {
    let label = fitting(&fact.label, FIELD / 2).0;
    let value = fitting(&fact.value, FIELD / 2 - 8).0;
    mrkdwn(&format!("*{label}*\n{value}"))
}

fn button(link: &Link) -> Value {
    let mut button = json!({ "type": "button", "text": plain(&link.label, BUTTON), "url": link.url });
    match link.style {
        LinkStyle::Plain => {}
        LinkStyle::Primary => button["style"] = json!("primary"),
        LinkStyle::Danger => button["style"] = json!("danger"),
    }
    button
}

/// The three characters that Slack gives a meaning; with them escaped, no name can become a link or ring everybody.
pub(super) fn escape(text: &str) -> String {
    text.chars().map(escaped).collect()
}

fn escaped(c: char) -> String {
    match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        c => c.to_string(),
    }
}

/// As much of `text` as fits into `limit` characters once it is escaped, and the rest of it.
fn fitting(text: &str, limit: usize) -> (String, &str) {
    let mut fits = String::new();
    let mut length = 0;
    for (at, c) in text.char_indices() {
        let next = escaped(c);
        length += next.chars().count();
        if length > limit {
            return (fits, &text[at..]);
        }
        fits.push_str(&next);
    }
    (fits, "")
}

/// The text in as many sections as it needs; the last one ends in an ellipsis when there is more than fits.
fn sections(text: &str) -> Vec<String> {
    let mut sections = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && sections.len() < SECTIONS {
        let (fits, after) = fitting(rest, SECTION - 1);
        sections.push(fits);
        rest = after;
    }
    if let (false, Some(last)) = (rest.is_empty(), sections.last_mut()) {
        last.push('…');
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::{fitting, sections};

    #[test]
    fn escapes_are_never_cut_in_half() {
        assert_eq!(fitting("a&b", 5), ("a".to_owned(), "&b"));
        assert_eq!(fitting("a&b", 6), ("a&amp;".to_owned(), "b"));
        assert_eq!(fitting("한<", 5), ("한&lt;".to_owned(), ""));
    }

    #[test]
    fn long_texts_become_sections_that_fit() {
        let all = sections(&"&".repeat(10_000));
        assert_eq!(all.len(), 10);
        assert!(all.iter().all(|section| section.chars().count() <= 3000));
        assert!(all[9].ends_with('…') && !all[8].ends_with('…'));
        assert_eq!(sections(&"x".repeat(2999)).len(), 1);
    }
}
