//! An alert as a message to channels.

use chrono::{DateTime, Utc};
use finops_contract::accounts::Locale;
use finops_contract::alerts::{Alert, AlertLink, AlertSeverity};
use finops_providers::{Event, Link, LinkStyle, Notice, Severity, Stage};
use uuid::Uuid;

use super::domain::Facts;
use super::store::Stored;
use super::wording;
use crate::platform::letter::{self, Words, pick};

/// What was done with an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Triggered,
    Acknowledged,
    Resolved,
}

impl Told {
    /// What programs call it.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Triggered => "alert.triggered",
            Self::Acknowledged => "alert.acknowledged",
            Self::Resolved => "alert.resolved",
        }
    }

    const fn stage(self) -> Stage {
        match self {
            Self::Triggered => Stage::Trigger,
            Self::Acknowledged => Stage::Acknowledge,
            Self::Resolved => Stage::Resolve,
        }
    }
}

/// What to do next, the most important first.
pub(super) fn links(facts: &Facts, alert: Uuid) -> Vec<AlertLink> {
    let link = |action: &str, path: String| AlertLink { action: action.into(), path };
    let mut links = Vec::new();
    if let Some(target) = facts.target.as_ref().filter(|_| !facts.blocked) {
        links.push(link("block", format!("/block/{}:{}?alert={alert}", target.kind, target.id)));
    }
    links.push(link("open", format!("/alerts/{alert}")));
    if facts.unpriced.is_some() {
        links.insert(0, link("prices", "/pricebook".into()));
    }
    links
}

/// The alert as the API shows it, in a language.
pub(super) fn alert(stored: &Stored, locale: Locale) -> Alert {
    let words = words(stored, locale);
    let facts = stored.facts.clone();
    Alert {
        id: stored.id,
        kind: stored.kind,
        severity: stored.severity,
        status: stored.status,
        links: links(&facts, stored.id),
        subject: words.subject,
        text: words.sentences.join("\n"),
        team: facts.team,
        project: facts.project,
        scope: facts.scope,
        budget: facts.budget,
        compared: facts.compared,
        cause: facts.cause,
        unpriced: facts.unpriced,
        raised_at: stored.raised_at,
        acknowledged: stored.acknowledged.clone(),
        resolved: stored.resolved.clone(),
        resolved_because: stored.ended,
    }
}

/// What it says: how things were when it was raised, and why it is over, where it is by itself.
fn words(stored: &Stored, locale: Locale) -> Words {
    let mut words = wording::words(&stored.facts, locale);
    words.sentences.extend(stored.ended.map(|because| wording::ended(because, locale).to_owned()));
    words
}

/// The message about it.
pub(super) fn notice(stored: &Stored, told: Told, at: DateTime<Utc>, public_url: &str, locale: Locale) -> Notice {
    let mut words = words(stored, locale);
    match (told, locale) {
        (Told::Triggered, _) => {}
        (Told::Acknowledged, Locale::Ko) => words.subject = format!("확인 중: {}", words.subject),
        (Told::Acknowledged, Locale::En) => words.subject = format!("Acknowledged: {}", words.subject),
        (Told::Resolved, Locale::Ko) => words.subject = format!("해결됨: {}", words.subject),
        (Told::Resolved, Locale::En) => words.subject = format!("Resolved: {}", words.subject),
    }
    let shown = alert(stored, locale);
    let links: Vec<Link> = shown.links.iter().map(|link| clickable(link, public_url, locale)).collect();
    let why = match locale {
        Locale::Ko => format!("{}의 알림 설정에 따라 보냈습니다.", stored.facts.organization),
        Locale::En => format!("Sent because of the alert settings of {}.", stored.facts.organization),
    };
    Notice {
        // The delivery's own takes its place.
        id: stored.id.to_string(),
        stage: told.stage(),
        // What is dealt with rings nobody's bell.
        severity: if told == Told::Triggered { severity(stored.severity) } else { Severity::Info },
        dedup_key: format!("alert-{}", stored.id),
        source: stored.facts.organization.clone(),
        html: Some(letter::html(&words, &links, &why, locale)),
        text: words.text(),
        facts: words.facts(),
        subject: words.subject,
        links,
        event: Event {
            kind: told.kind().into(),
            occurred_at: at,
            data: serde_json::to_value(&shown).unwrap_or_default(),
        },
    }
}

/// The message about it, marked as a test: nothing happened, and nothing is opened anywhere.
pub(super) fn test(stored: &Stored, at: DateTime<Utc>, public_url: &str, locale: Locale) -> Notice {
    let mark = pick(locale, "[테스트]", "[Test]");
    let notice = notice(stored, Told::Triggered, at, public_url, locale);
    let links = vec![Link {
        label: pick(locale, "알림 설정 보기", "See alert settings").into(),
        url: format!("{public_url}/alerts"),
        style: LinkStyle::Plain,
    }];
    let html = letter::html(&wording::words(&stored.facts, locale), &links, mark, locale);
    Notice {
        subject: format!("{mark} {}", notice.subject),
        severity: Severity::Info,
        html: Some(html),
        links,
        event: Event { kind: "alert.test".into(), ..notice.event },
        ..notice
    }
}

/// Why spending is stopped, in a language.
pub(super) fn reason(facts: &Facts, locale: Locale) -> String {
    wording::words(facts, locale).subject
}

const fn severity(severity: AlertSeverity) -> Severity {
    match severity {
        AlertSeverity::Info => Severity::Info,
        AlertSeverity::Warning => Severity::Warning,
        AlertSeverity::Error => Severity::Error,
        AlertSeverity::Critical => Severity::Critical,
    }
}

fn clickable(link: &AlertLink, public_url: &str, locale: Locale) -> Link {
    let (ko, en, style) = match link.action.as_str() {
        "block" => ("지금 차단하기", "Block now", LinkStyle::Danger),
        "prices" => ("가격 추가하기", "Add a price", LinkStyle::Primary),
        _ => ("상세 보기", "See details", LinkStyle::Plain),
    };
    Link { label: pick(locale, ko, en).into(), url: format!("{public_url}{}", link.path), style }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeZone as _};
    use finops_contract::alerts::{AlertBudget, AlertCause, AlertKind, AlertStatus, Compared, Grown};
    use finops_contract::budgets::{
        AlertAction, AlertBasis, BudgetKind, BudgetPeriod, Enforcement, NamedScope, ScopeType,
    };
    use finops_contract::costs::Named;
    use finops_contract::{Amount, Percent};
    use rust_decimal::Decimal;

    use super::super::domain::Target;
    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn named(name: &str) -> Named {
        Named { id: Uuid::from_u128(1), name: name.into(), deleted: false }
    }

    /// The alert of the journey in the requirements.
    pub(super) fn runaway() -> Stored {
        let grown = |name: &str, cost, usual| Grown {
            id: name.into(),
            name: name.into(),
            cost: amount(cost),
            usual: amount(usual),
        };
        let facts = Facts {
            organization: "한빛".into(),
            today: day("2026-11-25"),
            team: Some(named("마케팅팀")),
            project: Some(named("chatbot-experiment")),
            scope: Some(NamedScope {
                kind: ScopeType::Project,
                id: Some(Uuid::from_u128(1).to_string()),
                name: Some("chatbot-experiment".into()),
                deleted: false,
            }),
            budget: Some(AlertBudget {
                id: Uuid::from_u128(2),
                name: "chatbot-experiment".into(),
                kind: BudgetKind::Limit,
                period: BudgetPeriod::Daily,
                from: day("2026-11-25"),
                to: day("2026-11-26"),
                enforcement: Enforcement::Soft,
                threshold: Percent(Decimal::ONE_HUNDRED),
                basis: AlertBasis::Actual,
                action: AlertAction::Both,
                amount: amount("500"),
                figure: amount("742"),
                percent: Percent("148.4".parse().unwrap()),
                currency: "USD".into(),
            }),
            compared: Some(Compared {
                day: day("2026-11-25"),
                spent: amount("742"),
                usual: amount("50"),
                change: Some(Percent(Decimal::from(1384))),
                currency: "USD".into(),
            }),
            cause: Some(AlertCause {
                calls: 45_000,
                usual_calls: 3_000,
                project: None,
                model: Some(grown("gpt-5", "700", "40")),
                api_key: Some(grown("key_abc", "690", "30")),
                service: None,
            }),
            unpriced: None,
            target: Some(Target { kind: "project".into(), id: Uuid::from_u128(1) }),
            blocked: false,
        };
        Stored {
            id: Uuid::from_u128(3),
            kind: AlertKind::Budget,
            severity: AlertSeverity::Critical,
            status: AlertStatus::Open,
            facts,
            raised_at: Utc.with_ymd_and_hms(2026, 11, 25, 5, 0, 0).unwrap(),
            acknowledged: None,
            resolved: None,
            ended: None,
        }
    }

    #[test]
    fn the_message_of_the_requirements_is_said_in_both_languages() {
        let stored = runaway();
        let notice = |locale| notice(&stored, Told::Triggered, stored.raised_at, "https://f.example", locale);
        let ko = notice(Locale::Ko);
        assert_eq!(ko.subject, "[마케팅팀] 일일 한도 $500 초과 - 현재 $742 (148%)");
        assert_eq!(
            ko.text,
            "chatbot-experiment 프로젝트 · 11월 25일\n\n오늘 $742, 평소($50) 대비 1,384% 증가\n\n호출 45,000회, 평소의 15배 · \
             가장 많이 늘어난 것: 모델 gpt-5 ($700, 평소 $40), 키 key_abc ($690, 평소 $30)"
        );
        let facts: Vec<String> = ko.facts.iter().map(|fact| format!("{}: {}", fact.label, fact.value)).collect();
        assert_eq!(
            facts,
            ["현재: $742 (148%)", "일일 한도: $500", "프로젝트: chatbot-experiment", "평소 하루: $50 (+1,384%)"]
        );
        let links: Vec<_> = ko.links.iter().map(|link| (link.label.as_str(), link.url.as_str())).collect();
        let (project, alert) = (Uuid::from_u128(1), Uuid::from_u128(3));
        assert_eq!(
            links,
            [
                ("지금 차단하기", format!("https://f.example/block/project:{project}?alert={alert}").as_str()),
                ("상세 보기", format!("https://f.example/alerts/{alert}").as_str())
            ]
        );
        let en = notice(Locale::En);
        assert_eq!(en.subject, "[마케팅팀] daily limit of $500 exceeded: $742 now (148%)");
        assert!(en.text.contains("Today $742, 1,384% more than usual ($50)"), "{}", en.text);
        assert!(en.text.contains("45,000 calls, 15× the usual number"), "{}", en.text);
        assert_eq!(en.event.data["budget"]["figure"], "742.000000");
        ko.check().unwrap();
    }

    #[test]
    fn what_is_not_over_yet_is_not_called_exceeded() {
        let mut stored = runaway();
        let budget = stored.facts.budget.as_mut().unwrap();
        (budget.figure, budget.percent, budget.threshold) =
            (amount("400"), Percent(Decimal::from(80)), Percent(Decimal::from(75)));
        let subject = |stored: &Stored, locale| alert(stored, locale).subject;
        assert_eq!(subject(&stored, Locale::Ko), "[마케팅팀] 일일 한도 $500의 75% 도달 - 현재 $400 (80%)");
        stored.facts.budget.as_mut().unwrap().basis = AlertBasis::Forecast;
        assert_eq!(
            subject(&stored, Locale::En),
            "[마케팅팀] heading over 75% of the daily limit of $500: $400 expected (80%)"
        );
    }
}
