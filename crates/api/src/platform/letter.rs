//! A message to people, and its e-mail: one column, styles in place, because mail programs know little else.

use std::fmt::Write as _;

use finops_contract::accounts::Locale;
use finops_providers::{Fact, Link, LinkStyle};

/// A message's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// One line that says it all.
    pub subject: String,
    /// Sentences, the most important first.
    pub sentences: Vec<String>,
    /// Figures with their names.
    pub figures: Vec<(String, String)>,
}

impl Words {
    /// The sentences as plain text.
    pub fn text(&self) -> String {
        self.sentences.join("\n\n")
    }

    /// The figures, as channels show them.
    pub fn facts(&self) -> Vec<Fact> {
        self.figures.iter().map(|(label, value)| Fact { label: label.clone(), value: value.clone() }).collect()
    }
}

/// One of two texts.
pub const fn pick(locale: Locale, ko: &'static str, en: &'static str) -> &'static str {
    match locale {
        Locale::Ko => ko,
        Locale::En => en,
    }
}

/// The message as HTML, with what can be done next, and why it was sent.
pub fn html(words: &Words, links: &[Link], why: &str, locale: Locale) -> String {
    let mut body = title(&words.subject);
    words.sentences.iter().for_each(|sentence| body.push_str(&paragraph(sentence)));
    body.push_str(&figures(&words.figures));
    body.push_str(&buttons(links));
    body.push_str(&small(why));
    page(&body, locale)
}

/// What it is about, in one line.
pub fn title(text: &str) -> String {
    format!(r#"<h1 style="font-size:20px;line-height:28px;margin:0 0 16px">{}</h1>"#, escape(text))
}

/// What a part of it is about.
pub fn heading(text: &str) -> String {
    format!(r#"<h2 style="font-size:16px;line-height:24px;margin:24px 0 8px">{}</h2>"#, escape(text))
}

/// A sentence or a few.
pub fn paragraph(text: &str) -> String {
    format!(r#"<p style="margin:0 0 12px">{}</p>"#, escape(text))
}

/// What is said beside the matter.
pub fn small(text: &str) -> String {
    format!(r#"<p style="margin:0;color:#58616a;font-size:12px">{}</p>"#, escape(text))
}

/// Figures with their names.
pub fn figures(figures: &[(String, String)]) -> String {
    let mut table =
        r#"<table role="presentation" style="border-collapse:collapse;margin:16px 0;width:100%">"#.to_owned();
    for (label, value) in figures {
        let _ = write!(
            table,
            r#"<tr><td style="padding:8px 16px 8px 0;color:#58616a">{}</td><td style="padding:8px 0;text-align:right;font-weight:600">{}</td></tr>"#,
            escape(label),
            escape(value)
        );
    }
    table.push_str("</table>");
    table
}

/// One of several: its name with a figure, what else is known of it in small print, what to do, and where.
pub fn entry((name, figure): (&str, &str), details: &str, advice: &str, link: Option<&Link>) -> String {
    let mut entry = format!(
        r#"<div style="margin:0 0 12px;padding:12px 16px;border:1px solid #cdd1d5;border-radius:8px"><p style="margin:0;font-weight:600">{}</p><p style="margin:0">{}</p>"#,
        escape(name),
        escape(figure)
    );
    if !details.is_empty() {
        entry.push_str(&small(details));
    }
    if !advice.is_empty() {
        let _ = write!(entry, r#"<p style="margin:8px 0 0">{}</p>"#, escape(advice));
    }
    if let Some(link) = link {
        let _ = write!(
            entry,
            r#"<p style="margin:4px 0 0"><a href="{}" style="color:#0b50d0">{}</a></p>"#,
            escape(&link.url),
            escape(&link.label)
        );
    }
    entry.push_str("</div>");
    entry
}

/// What can be done next.
pub fn buttons(links: &[Link]) -> String {
    let mut buttons = r#"<p style="margin:24px 0">"#.to_owned();
    for link in links {
        let colors = match link.style {
            LinkStyle::Danger => "background:#bd2c0f;color:#ffffff",
            LinkStyle::Primary => "background:#0b50d0;color:#ffffff",
            LinkStyle::Plain => "background:#ffffff;color:#0b50d0;border:1px solid #8a949e",
        };
        let _ = write!(
            buttons,
            r#"<a href="{}" style="display:inline-block;margin:0 8px 8px 0;padding:10px 16px;border-radius:6px;text-decoration:none;{colors}">{}</a>"#,
            escape(&link.url),
            escape(&link.label)
        );
    }
    buttons.push_str("</p>");
    buttons
}

/// All of a mail around what it says: dark on light, whatever the program's own colours are.
pub fn page(body: &str, locale: Locale) -> String {
    format!(
        r#"<!doctype html><html lang="{}"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"></head><body style="margin:0;padding:24px;background:#f4f5f6"><div style="max-width:560px;margin:0 auto;padding:24px;border-radius:12px;background:#ffffff;color:#1e2124;font:14px/22px -apple-system,'Apple SD Gothic Neo','Malgun Gothic',sans-serif">{body}</div></body></html>"#,
        locale.tag()
    )
}

/// Text as HTML shows it.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_named_is_text_and_nothing_else() {
        let words = Words {
            subject: "<script>alert(1)</script>".into(),
            sentences: vec!["a & b".into()],
            figures: vec![("\"x\"".into(), "<b>".into())],
        };
        let link = Link { label: "<i>".into(), url: "https://a.example/?a=1&b=\"".into(), style: LinkStyle::Danger };
        let html = html(&words, &[link], "why", Locale::En);
        assert!(!html.contains("<script") && !html.contains("<b>") && !html.contains("<i>"), "{html}");
        assert!(html.contains("a &amp; b") && html.contains("a=1&amp;b=&quot;"), "{html}");
    }
}
