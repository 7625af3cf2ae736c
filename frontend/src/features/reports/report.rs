//! A week: what it cost, who made the most of it, and what else happened.

use finops_contract::reports::{ReportBlock, WeekCost, WeeklyReport};
use leptos::prelude::*;

use super::model::{Uncompared, is_silent, uncompared};
use super::ranking::rankings;
use super::rest::rest;
use super::wording::change;
use crate::data::{Query, section};
use crate::features::budgets::{Sure, basis_badge, basis_name, figure, unknown_banner};
use crate::features::home::to_setup;
use crate::features::worth::number;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{EmptyKind, EmptyState, LinkButton, Money, Skeleton, Stat};

/// The tab.
pub(super) fn report_tab(report: Query<WeeklyReport>) -> AnyView {
    section(report, skeleton, |report| loaded(&report))
}

fn skeleton() -> AnyView {
    view! {
        <div class="card"><div class="card-body"><Skeleton shape="number" /><Skeleton shape="row" count=6 /></div></div>
    }
    .into_any()
}

fn loaded(report: &WeeklyReport) -> AnyView {
    if is_silent(report) {
        return view! {
            <div class="card">
                <EmptyState kind=EmptyKind::NoData title=words::reports::SILENT body=words::reports::SILENT_BODY actions=to_setup />
            </div>
        }
        .into_any();
    }
    let total = &report.total;
    let unknown = (!total.complete).then(|| unknown_banner(total.unknown_days, total.unpriced, &total.unconverted));
    view! {
        <div class="sections">
            {unknown}
            <section class="card" aria-label=move || words::reports::SUMMARY.get()>{stats(report)}</section>
            {rankings(report)}
            {rest(report)}
        </div>
    }
    .into_any()
}

fn stats(report: &WeeklyReport) -> AnyView {
    view! {
        <h2 class="sr-only">{t(words::reports::SUMMARY)}</h2>
        <div class="stats">{cost(&report.total)}{measured(report)}{alerts(report)}{blocks(&report.blocks)}</div>
    }
    .into_any()
}

fn cost(total: &WeekCost) -> AnyView {
    let sure = if total.complete { Sure::Exactly } else { Sure::AtLeast };
    let (amount, basis, is_known) = (figure(total.cost, "USD", sure), total.basis, total.cost.is_some());
    let compared = match (total.change_percent, uncompared(total)) {
        (Some(percent), _) => change(words::reports::BEFORE, percent),
        (None, Some(Uncompared::BeforeNothing)) => why(words::reports::BEFORE_NOTHING),
        (None, Some(Uncompared::BeforeUnknown)) => why(words::reports::BEFORE_UNKNOWN),
        (None, _) => why(words::reports::UNKNOWN),
    };
    let before = total.previous_cost.map(|cost| {
        view! { <p class="reason">{t(words::reports::PREVIOUS)}" "<Money amount=cost.to_string() currency="USD" bare=true /></p> }
    });
    let parts = (total.by_basis.len() > 1).then_some(&total.by_basis).into_iter().flatten().map(|part| {
        let amount = part.cost.to_string();
        view! { <p class="reason">{t(basis_name(part.basis).0)}" "<Money amount currency="USD" bare=true /></p> }
    });
    let parts = parts.collect_view();
    view! {
        <Stat label=words::reports::COST value=move || amount badge=move || is_known.then(|| basis_badge(basis))>
            {compared}{before}{parts}
        </Stat>
    }
    .into_any()
}

fn why(word: crate::i18n::Word) -> Option<AnyView> {
    Some(view! { <span>{t(word)}</span> }.into_any())
}

fn measured(report: &WeeklyReport) -> AnyView {
    let (count, without) = (report.measured as u64, report.not_measured_count as u64);
    let text = move || match (count, without) {
        (0, 0) => words::reports::NO_PROJECTS.get().to_owned(),
        (_, 0) => words::reports::ALL_MEASURED.get().to_owned(),
        _ => words::reports::without_outcomes(without),
    };
    let value = move || live(move || words::reports::projects(count));
    view! { <Stat label=words::reports::MEASURED value>{live(text)}</Stat> }.into_any()
}

fn alerts(report: &WeeklyReport) -> AnyView {
    let (raised, open) = (report.alerts_raised, report.open_alerts.len() as u64);
    let text = move || match (raised, open) {
        (0, _) => words::reports::NO_ALERTS.get().to_owned(),
        (_, 0) => words::reports::ALL_RESOLVED.get().to_owned(),
        // No more than these are told.
        (_, 10..) => words::reports::open_at_least(&open),
        _ => words::reports::open(open),
    };
    view! {
        <Stat label=words::reports::ALERTS value=move || live(move || words::reports::alerts_count(&number(raised)))>{live(text)}</Stat>
    }
    .into_any()
}

fn blocks(blocks: &[ReportBlock]) -> AnyView {
    let (all, active) = (blocks.len() as u64, blocks.iter().filter(|block| block.lifted_at.is_none()).count() as u64);
    let text = move || match (all, active) {
        (0, _) => words::reports::NO_BLOCKS.get().to_owned(),
        (_, 0) => words::reports::ALL_LIFTED.get().to_owned(),
        _ => words::reports::still_blocked(active),
    };
    let value = move || if all >= 10 { words::reports::ten_or_more(&all) } else { words::reports::blocks_count(&all) };
    view! { <Stat label=words::shell::BLOCKS value=move || live(value)>{live(text)}</Stat> }.into_any()
}

/// The way to what is missing.
pub(super) fn to_integration() -> AnyView {
    view! { <LinkButton href="/integration">{t(words::value::TO_INTEGRATION)}</LinkButton> }.into_any()
}
