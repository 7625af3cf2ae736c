//! The report as a mail: as HTML and as text, of the same parts.

use chrono::{DateTime, Utc};
use finops_contract::accounts::Locale;
use finops_contract::reports::WeeklyReport;
use finops_providers::{Event, Link, LinkStyle, Notice, Severity, Stage};
use reqwest::Url;

use super::wording::{self, Entry, Part};
use crate::platform::letter::{self, pick};

/// What messages about reports are called.
pub(super) const WEEKLY: &str = "report.weekly";
/// What a trial is called.
pub(super) const TEST: &str = "report.test";

/// Where the mail's links lead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links<'a> {
    /// Where the app is.
    pub(super) public_url: &'a str,
    /// What tells that its bearer opened the mail or followed a link; a mail without it tells nothing.
    pub(super) token: Option<&'a str>,
}

impl Links<'_> {
    /// To a page of the app.
    fn to(&self, path: &str) -> String {
        let plain = format!("{}{path}", self.public_url);
        let Some(token) = self.token else { return plain };
        let link = Url::parse_with_params(&format!("{}/r/{token}", self.public_url), [("to", path)]);
        link.map_or(plain, String::from)
    }

    fn link(&self, label: &str, path: &str, style: LinkStyle) -> Link {
        Link { label: label.into(), url: self.to(path), style }
    }

    /// What is loaded when the mail is opened.
    fn picture(&self) -> String {
        let Some(token) = self.token else { return String::new() };
        let url = letter::escape(&format!("{}/api/reports/opened/{token}", self.public_url));
        format!(r#"<img src="{url}" width="1" height="1" alt="" style="border:0;width:1px;height:1px">"#)
    }
}

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mail {
    pub(super) subject: String,
    pub(super) html: String,
    pub(super) text: String,
}

/// The mail about a report.
pub(super) fn mail(report: &WeeklyReport, links: &Links<'_>, locale: Locale) -> Mail {
    let subject = wording::subject(report, locale);
    let parts = wording::parts(report, locale);
    let label = pick(locale, "앱에서 보기", "See it in the app");
    let app = links.link(label, &format!("/reports/weekly?week={}", report.from), LinkStyle::Primary);
    let why = wording::why(report, locale);
    let mut body = letter::title(&subject);
    parts.iter().for_each(|part| body.push_str(&html(part, links)));
    let mut said: Vec<String> = parts.iter().map(|part| text(part, links)).collect();
    said.extend([format!("{}: {}", app.label, app.url), why.clone()]);
    body.push_str(&letter::buttons(&[app]));
    body.push_str(&letter::small(&why));
    body.push_str(&links.picture());
    Mail { subject, html: letter::page(&body, locale), text: said.join("\n\n") }
}

fn html(part: &Part, links: &Links<'_>) -> String {
    match part {
        Part::Heading(text) => letter::heading(text),
        Part::Text(text) => letter::paragraph(text),
        Part::Figures(figures) => letter::figures(figures),
        Part::Entry(entry) => {
            let Entry { name, figure, details, advice, link } = entry;
            let link = link.as_ref().map(|(label, path)| links.link(label, path, LinkStyle::Plain));
            letter::entry((name, figure), details, advice, link.as_ref())
        }
    }
}

fn text(part: &Part, links: &Links<'_>) -> String {
    match part {
        Part::Heading(text) => format!("## {text}"),
        Part::Text(text) => text.clone(),
        Part::Figures(figures) => {
            let lines: Vec<String> = figures.iter().map(|(label, value)| format!("{label}: {value}")).collect();
            lines.join("\n")
        }
        Part::Entry(entry) => {
            let link = entry.link.as_ref().map(|(label, path)| format!("{label}: {}", links.to(path)));
            let lines = [&entry.name, &entry.figure, &entry.details, &entry.advice].into_iter().cloned().chain(link);
            lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
        }
    }
}

/// The mail as it is handed to who sends it. All of it is in the text: there is nothing to add to that.
pub(super) fn notice(mail: Mail, kind: &'static str, report: &WeeklyReport, at: DateTime<Utc>) -> Notice {
    Notice {
        // The delivery's own takes its place.
        id: report.from.to_string(),
        stage: Stage::Trigger,
        severity: Severity::Info,
        dedup_key: format!("report-{}", report.from),
        source: report.organization.clone(),
        subject: mail.subject,
        text: mail.text,
        html: Some(mail.html),
        facts: Vec::new(),
        links: Vec::new(),
        event: Event { kind: kind.into(), occurred_at: at, data: serde_json::to_value(report).unwrap_or_default() },
    }
}

/// Marks a mail as a trial.
pub(super) fn marked(mail: Mail, locale: Locale) -> Mail {
    Mail { subject: format!("{} {}", pick(locale, "[테스트]", "[Test]"), mail.subject), ..mail }
}
