//! Projects that made the most of their cost, and those with most to gain.

use finops_contract::reports::{Measure, RankedProject, Suggestion, UnmeasuredReason, WeeklyReport};
use leptos::prelude::*;

use super::report::to_integration;
use super::wording::{change, suggestion_name, suggestion_why};
use crate::features::budgets::{Sure, basis_badge, figure};
use crate::features::worth::{feedback, mean_text, not_recorded, per_success, success};
use crate::i18n::{Word, t, words};
use crate::reactive::live;
use crate::ui::{Card, Column, EmptyKind, EmptyState, Row, Table};
use crate::url::safe_next;

/// Both tables; why there is none, where nothing can be compared.
pub(super) fn rankings(report: &WeeklyReport) -> AnyView {
    if report.best.is_empty() && report.worst.is_empty() {
        let is_cost_unknown = report.not_measured.iter().any(|one| one.reason == UnmeasuredReason::CostUnknown);
        let body = match is_cost_unknown {
            true => words::reports::NOTHING_MEASURED_COST,
            false => words::reports::NOTHING_MEASURED_BODY,
        };
        return view! {
            <Card title=words::reports::BEST flush=true>
                <EmptyState
                    kind=EmptyKind::NoData
                    title=words::reports::NOTHING_MEASURED
                    body
                    actions=to_integration
                />
            </Card>
        }
        .into_any();
    }
    let worst = (!report.worst.is_empty())
        .then(|| ranking(words::reports::WORST, words::reports::WORST_NOTE, report.worst.clone()));
    view! { {ranking(words::reports::BEST, words::reports::BEST_NOTE, report.best.clone())}{worst} }.into_any()
}

fn ranking(title: Word, note: Word, projects: Vec<RankedProject>) -> AnyView {
    let columns = vec![
        Column::text(words::explore::PROJECT),
        Column::number(words::reports::RANKED_BY),
        Column::number(words::explore::COST),
        Column::number(words::value::SUCCESS_RATE),
        Column::number(words::value::FEEDBACK),
        Column::text(words::reports::NEXT),
    ];
    let rows = Callback::new(move |()| projects.iter().map(row).collect::<Vec<_>>());
    view! { <Card title note flush=true><Table label=title columns rows /></Card> }.into_any()
}

fn row(ranked: &RankedProject) -> Row {
    let sure = if ranked.unpriced > 0 { Sure::AtLeast } else { Sure::Exactly };
    let name = view! {
        <div>
            <a class="link strong" href=format!("/projects/{}?tab=value", ranked.project.id)>{ranked.project.name.clone()}</a>
            <div class="small muted">{ranked.team.name.clone()}</div>
            {ranked.openai_project_id.clone().map(|id| view! { <div class="small muted">{id}</div> })}
        </div>
    };
    let cost = view! {
        <div>
            {figure(Some(ranked.cost), "USD", sure)}
            {ranked.change_percent.and_then(|percent| change(words::reports::BEFORE, percent)).map(|text| view! { <div class="small">{text}</div> })}
            <div>{basis_badge(ranked.basis)}</div>
        </div>
    };
    let cells = vec![
        name.into_any(),
        measure(ranked, sure),
        cost.into_any(),
        success(ranked.success_rate, ranked.successes, ranked.failures),
        feedback(ranked.feedback_mean, ranked.feedback_scores),
        next(&ranked.suggestion),
    ];
    Row { linked: false, cells }
}

/// What it is ranked by.
fn measure(ranked: &RankedProject, sure: Sure) -> AnyView {
    let (value, word) = match ranked.measure {
        Measure::CostPerSuccess => (per_success(ranked.cost_per_success, sure), words::value::PER_SUCCESS),
        Measure::FeedbackPerDollar => {
            let value = ranked.feedback_per_dollar.map_or_else(not_recorded, |value| mean_text(value).into_any());
            (value, words::reports::FEEDBACK_PER_DOLLAR)
        }
    };
    view! { <div><b>{value}</b><div class="small muted">{t(word)}</div></div> }.into_any()
}

/// What to do next, and why.
fn next(suggestion: &Suggestion) -> AnyView {
    // A page of this app, whatever was sent.
    let href = safe_next(Some(&suggestion.path));
    let (kind, suggestion) = (suggestion.kind, suggestion.clone());
    view! {
        <div>
            <a class="link strong" href=href>{t(suggestion_name(kind))}</a>
            <div class="small muted">{live(move || suggestion_why(&suggestion))}</div>
        </div>
    }
    .into_any()
}
