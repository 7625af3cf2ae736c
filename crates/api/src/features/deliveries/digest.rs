//! Several messages told as one.

use std::fmt::Write as _;

use finops_contract::accounts::Locale;
use finops_contract::channels::ChannelType;
use finops_providers::{Event, Notice};
use serde_json::{Value, json};
use uuid::Uuid;

use super::domain::DIGEST;

/// Subjects that are named; the others are counted.
const NAMED: usize = 10;

/// What is told together.
pub(super) struct Together<'a> {
    /// How many messages.
    pub(super) count: usize,
    /// The worst of them, the newest of these first; at least one.
    pub(super) worst: &'a [(Uuid, Notice)],
    /// The newest of all: how things stand.
    pub(super) last: &'a Notice,
}

/// The message: how many more there were, and the subjects of the worst. What it does to an incident is what the newest one does.
pub(super) fn render(locale: Locale, kind: ChannelType, together: &Together<'_>) -> Notice {
    let Together { count, worst, last } = together;
    let first = worst.first().map_or(*last, |(_, notice)| notice);
    let subjects: Vec<&str> = worst.iter().take(NAMED).map(|(_, notice)| notice.subject.as_str()).collect();
    let more = count - subjects.len();
    let (subject, head, rest) = match locale {
        Locale::Ko => (
            format!("알림 {count}건 더: {}", first.subject),
            format!("그동안 알림이 {count}건 더 왔어요. 자주 알리지 않으려고 모아서 보내요."),
            format!("외 {more}건이 더 있어요."),
        ),
        Locale::En => (
            format!("{count} more: {}", first.subject),
            format!(
                "{count} more messages came in meanwhile. They are told together, so as not to tell you too often."
            ),
            format!("And {more} others."),
        ),
    };
    let rest = (more > 0).then_some(rest);
    let (mut text, mut html) = (format!("{head}\n"), format!("<p>{}</p><ul>", escape(&head)));
    for subject in &subjects {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n- {subject}");
        let _ = write!(html, "<li>{}</li>", escape(subject));
    }
    html.push_str("</ul>");
    if let Some(rest) = &rest {
        let _ = write!(text, "\n\n{rest}");
        let _ = write!(html, "<p>{}</p>", escape(rest));
    }
    for link in &first.links {
        let _ = write!(html, "<p><a href=\"{}\">{}</a></p>", escape(&link.url), escape(&link.label));
    }
    Notice {
        id: String::new(),
        stage: last.stage,
        severity: first.severity,
        dedup_key: last.dedup_key.clone(),
        source: last.source.clone(),
        subject,
        text,
        html: (kind == ChannelType::Email).then_some(html),
        facts: Vec::new(),
        links: first.links.clone(),
        event: Event { kind: DIGEST.to_owned(), occurred_at: last.event.occurred_at, data: data(kind, together) },
    }
}

/// The same for programs: what each said, as far as it was read.
fn data(kind: ChannelType, together: &Together<'_>) -> Value {
    if kind != ChannelType::Webhook {
        return json!({ "count": together.count });
    }
    let mut events: Vec<&(Uuid, Notice)> = together.worst.iter().collect();
    events.sort_by_key(|(id, _)| *id);
    let events: Vec<Value> = events
        .into_iter()
        .map(|(id, Notice { event, .. })| json!({ "id": id, "type": event.kind, "timestamp": event.occurred_at, "data": event.data }))
        .collect();
    json!({ "count": together.count, "more": together.count - events.len(), "events": events })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use finops_providers::{Link, LinkStyle, Severity, Stage};

    use super::*;

    fn notice(number: u128, severity: Severity) -> (Uuid, Notice) {
        let notice = Notice {
            id: String::new(),
            stage: Stage::Trigger,
            severity,
            dedup_key: format!("key-{number}"),
            source: "Example".into(),
            subject: format!("Anomaly <{number}>"),
            text: "text".into(),
            html: None,
            facts: Vec::new(),
            links: vec![Link {
                label: "Show".into(),
                url: "https://finops.example/a?b=1&c=2".into(),
                style: LinkStyle::Plain,
            }],
            event: Event {
                kind: "alert.triggered".into(),
                occurred_at: "2026-03-20T10:00:00Z".parse().unwrap(),
                data: json!({ "number": number.to_string() }),
            },
        };
        (Uuid::from_u128(number), notice)
    }

    #[test]
    fn ten_subjects_are_named_and_the_rest_counted() {
        let worst: Vec<_> = (1..=12).rev().map(|number| notice(number, Severity::Warning)).collect();
        let (_, mut last) = notice(99, Severity::Info);
        last.stage = Stage::Resolve;
        let together = Together { count: 40, worst: &worst, last: &last };
        let told = render(Locale::En, ChannelType::Email, &together);
        assert_eq!(told.subject, "40 more: Anomaly <12>");
        assert!(told.text.contains("- Anomaly <12>\n- Anomaly <11>") && told.text.contains("- Anomaly <3>"));
        assert!(!told.text.contains("Anomaly <2>") && told.text.contains("And 30 others."));
        assert!(told.links == last.links && !told.text.contains("https://"), "whoever carries it adds the links");
        let html = told.html.unwrap();
        assert!(html.contains("<li>Anomaly &lt;12&gt;</li>") && html.contains("a?b=1&amp;c=2"), "{html}");
        assert_eq!((told.stage, told.severity, told.dedup_key.as_str()), (Stage::Resolve, Severity::Warning, "key-99"));
        let korean = render(Locale::Ko, ChannelType::Slack, &together);
        assert_eq!(korean.subject, "알림 40건 더: Anomaly <12>");
        assert!(korean.text.contains("외 30건") && korean.html.is_none() && !korean.text.contains("https://"));
    }

    #[test]
    fn programs_are_told_what_each_said() {
        let worst = [notice(2, Severity::Error), notice(1, Severity::Info)];
        let together = Together { count: 3, worst: &worst, last: &worst[0].1 };
        let data = render(Locale::En, ChannelType::Webhook, &together).event.data;
        assert_eq!(
            (&data["count"], &data["more"], &data["events"][0]["data"]["number"]),
            (&json!(3), &json!(1), &json!("1"))
        );
        assert_eq!(data["events"][1]["type"], "alert.triggered");
    }
}
