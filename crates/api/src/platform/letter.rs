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
    let mut body = String::new();
    let _ =
        write!(body, r#"<h1 style="font-size:20px;line-height:28px;margin:0 0 16px">{}</h1>"#, escape(&words.subject));
    for sentence in &words.sentences {
        let _ = write!(body, r#"<p style="margin:0 0 12px">{}</p>"#, escape(sentence));
    }
    body.push_str(r#"<table role="presentation" style="border-collapse:collapse;margin:16px 0;width:100%">"#);
    for (label, value) in &words.figures {
        let _ = write!(
            body,
            r#"<tr><td style="padding:8px 16px 8px 0;color:#58616a">{}</td><td style="padding:8px 0;text-align:right;font-weight:600">{}</td></tr>"#,
            escape(label),
            escape(value)
        );
    }
    body.push_str("</table><p style=\"margin:24px 0\">");
    for link in links {
        let colors = match link.style {
            LinkStyle::Danger => "background:#bd2c0f;color:#ffffff",
            LinkStyle::Primary => "background:#0b50d0;color:#ffffff",
            LinkStyle::Plain => "background:#ffffff;color:#0b50d0;border:1px solid #8a949e",
        };
        let _ = write!(
            body,
            r#"<a href="{}" style="display:inline-block;margin:0 8px 8px 0;padding:10px 16px;border-radius:6px;text-decoration:none;{colors}">{}</a>"#,
            escape(&link.url),
            escape(&link.label)
        );
    }
    let _ = write!(body, r#"</p><p style="margin:0;color:#58616a;font-size:12px">{}</p>"#, escape(why));
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
