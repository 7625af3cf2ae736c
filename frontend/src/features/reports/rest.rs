//! What else there was in a week: projects that are not compared, alerts that are open, what was stopped.

use finops_contract::alerts::{AlertSeverity, AlertStatus};
use finops_contract::reports::{ReportAlert, ReportBlock, UnmeasuredReason, WeeklyReport};
use leptos::prelude::*;

use super::wording::alert_name;
use crate::features::budgets::{Sure, figure};
use crate::features::moment;
use crate::format::time::Show;
use crate::i18n::{Word, t, words};
use crate::reactive::live;
use crate::ui::{Card, Glyph, Icon, LinkButton, Tone};

/// The three lists.
pub(super) fn rest(report: &WeeklyReport) -> AnyView {
    view! {
        <div class="grid">
            {unmeasured(report)}
            {alerts(&report.open_alerts)}
            {blocks(&report.blocks)}
        </div>
    }
    .into_any()
}

fn list(title: Word, note: Word, none: Word, items: Vec<AnyView>, more: Option<AnyView>) -> AnyView {
    let body = if items.is_empty() {
        view! { <p class="none">{t(none)}</p> }.into_any()
    } else {
        view! { <ul class="todos">{items}</ul>{more} }.into_any()
    };
    view! { <Card title note flush=true>{body}</Card> }.into_any()
}

/// A line that leads to where it is about.
fn item(href: String, (icon, tone): (Icon, Tone), name: AnyView, about: AnyView, end: Option<AnyView>) -> AnyView {
    view! {
        <li>
            <a class="todo" href=href>
                <span class="todo-icon" data-tone=tone.name()><Glyph icon /></span>
                <span class="todo-text"><b>{name}</b><span class="muted">{about}</span></span>
                {end}
                <Glyph icon=Icon::ChevronRight />
            </a>
        </li>
    }
    .into_any()
}

fn unmeasured(report: &WeeklyReport) -> AnyView {
    let projects = &report.not_measured;
    let items = projects.iter().map(|one| {
        let sure = if one.partial { Sure::AtLeast } else { Sure::Exactly };
        let amount = view! { <span class="todo-amount">{figure(one.cost, "USD", sure)}</span> };
        let why = match one.reason {
            UnmeasuredReason::Unrecorded => words::reports::DO_RECORD,
            UnmeasuredReason::CostUnknown => words::reports::COST_UNKNOWN,
        };
        item(
            format!("/projects/{}?tab=value", one.project.id),
            (Icon::Folder, Tone::Info),
            one.project.name.clone().into_any(),
            t(why).into_any(),
            Some(amount.into_any()),
        )
    });
    let rest = report.not_measured_count.saturating_sub(projects.len()) as u64;
    let more = (rest > 0).then(|| {
        view! {
            <div class="card-foot">
                <span>{live(move || words::reports::and_more(rest))}</span>
                <LinkButton href="/projects">{t(words::home::ALL_PROJECTS)}</LinkButton>
            </div>
        }
        .into_any()
    });
    let none = if report.measured > 0 { words::reports::ALL_MEASURED } else { words::reports::NO_PROJECTS };
    list(words::reports::UNMEASURED, words::reports::UNMEASURED_NOTE, none, items.collect(), more)
}

fn alerts(alerts: &[ReportAlert]) -> AnyView {
    use words::reports as w;
    let items = alerts.iter().map(|alert| {
        let mark = match alert.severity {
            AlertSeverity::Info => (Icon::Info, Tone::Info),
            AlertSeverity::Warning => (Icon::Warning, Tone::Warning),
            AlertSeverity::Error => (Icon::Warning, Tone::Danger),
            AlertSeverity::Critical => (Icon::Failure, Tone::Danger),
        };
        let status = match alert.status {
            AlertStatus::Open => words::alerts::OPEN,
            AlertStatus::Acknowledged => words::alerts::ACKNOWLEDGED,
            AlertStatus::Resolved => words::alerts::RESOLVED,
        };
        let (named, at) = (alert.clone(), alert.raised_at);
        item(
            format!("/alerts/{}", alert.id),
            mark,
            live(move || alert_name(&named)),
            live(move || format!("{} · {}", moment::exact(at, Show::Minute), status.get())),
            None,
        )
    });
    list(w::OPEN_ALERTS, w::OPEN_ALERTS_NOTE, w::NONE_OPEN, items.collect(), None)
}

fn blocks(blocks: &[ReportBlock]) -> AnyView {
    let items = blocks.iter().map(|block| {
        let icon = if block.target_type == "project" { Icon::Folder } else { Icon::Key };
        let (since, until) = (block.activated_at, block.lifted_at);
        let tone = if until.is_some() { Tone::Success } else { Tone::Danger };
        let by = if block.by_budget { words::blocks::BY_BUDGET } else { words::reports::BY_PERSON };
        let span = move || {
            let since = moment::exact(since, Show::Minute);
            let until = match until {
                Some(until) => moment::exact(until, Show::Minute),
                None => words::blocks::ACTIVE.get().to_owned(),
            };
            format!("{} · {}", by.get(), words::shell::period_range(&since, &until))
        };
        item(format!("/blocks?block={}", block.id), (icon, tone), block.target.clone().into_any(), live(span), None)
    });
    list(words::shell::BLOCKS, words::reports::BLOCKS_NOTE, words::reports::NO_BLOCKS, items.collect(), None)
}
