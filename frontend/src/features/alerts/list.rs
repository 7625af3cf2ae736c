//! The alerts, the newest first, narrowed by the URL.

use finops_contract::Page;
use finops_contract::alerts::{Alert, AlertBudget, AlertKind, AlertSeverity, AlertStatus};
use finops_contract::budgets::AlertBasis;
use finops_contract::costs::Freshness;
use finops_contract::projects::Project;
use leptos::prelude::*;
use serde::Deserialize;

use super::acts::{Acts, use_acts};
use super::model::link;
use super::wording::{about, kind_name, severity_badge, status_badge, status_name};
use crate::data::{self, poll, use_get, use_list, use_told};
use crate::features::budgets::{alert_basis_name, bar, percent_text};
use crate::features::moment;
use crate::format::time;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::session;
use crate::shell;
use crate::ui::{
    Badge, Button, ButtonKind, Card, Column, DensityMenu, EmptyKind, EmptyState, Icon, LinkButton, Money, Pager, Row,
    RowAction, Select, Skeleton, Table, Text, Tone,
};
use crate::url::{query, use_field, use_param, use_set_params};

/// The parameters that narrow the list.
const FILTERS: [&str; 5] = ["status", "kind", "projectId", "budgetId", "cursor"];

/// The tab.
#[component]
pub fn AlertsTab() -> AnyView {
    let params = FILTERS.map(use_param);
    let alerts = use_told::<Page<Alert>>(move || {
        let values = params.map(|param| param.get());
        let asked: Vec<_> = FILTERS.into_iter().zip(values.iter().map(Option::as_deref)).collect();
        Some(format!("/alerts{}", query(&asked)))
    });
    poll(alerts, 20, || true);
    let narrow = Signal::derive(move || params.iter().take(4).any(|param| param.with(Option::is_some)));
    let set = use_set_params();
    let clear = Callback::new(move |()| set(&FILTERS.map(|name| (name, None)), false));
    let acts = use_acts(Callback::new(move |()| alerts.reload()));
    let now = time::ticking_now();
    let next = Signal::derive(move || alerts.data.with(|page| page.as_ref()?.next_cursor.clone()));
    let skeleton = || view! { <div class="pad"><Skeleton shape="row" count=6 /></div> }.into_any();
    let list = move |page: Page<Alert>| {
        if page.data.is_empty() { nothing(narrow.get_untracked(), clear) } else { table(page.data, acts, now) }
    };
    view! {
        <div class="stack">
            <Filters narrow clear />
            <Card
                title=words::alerts::TITLE
                flush=true
                actions=move || view! { <div class="toolbar end wide-only"><DensityMenu /></div> }
            >
                {data::section(alerts, skeleton, list)}
                <Pager next />
            </Card>
        </div>
    }
    .into_any()
}

#[component]
fn Filters(narrow: Signal<bool>, clear: Callback<()>) -> AnyView {
    let projects = use_list::<Project>(|| Some("/projects?limit=200".to_owned()));
    let all = |choices: Vec<(String, String)>| {
        std::iter::once((String::new(), words::budgets::ALL.get().to_owned())).chain(choices).collect::<Vec<_>>()
    };
    let states = Signal::derive(move || {
        all(AlertStatus::ALL.iter().map(|one| (one.name().to_owned(), status_name(*one).1.get().to_owned())).collect())
    });
    let kinds = Signal::derive(move || {
        all(AlertKind::ALL.iter().map(|one| (one.name().to_owned(), kind_name(*one).get().to_owned())).collect())
    });
    let projects = Signal::derive(move || {
        let known = projects.data.with(|page| page.as_ref().map(|page| page.data.clone()).unwrap_or_default());
        all(known.into_iter().map(|project| (project.id.to_string(), project.name)).collect())
    });
    let of_budget = use_param("budgetId");
    view! {
        <div class="log-filters" role="group" aria-label=move || words::explore::FILTERS.get()>
            <Select label=words::alerts::STATUS value=use_field("status") choices=states />
            <Select label=words::alerts::KIND value=use_field("kind") choices=kinds />
            <Select label=words::explore::PROJECT value=use_field("projectId") choices=projects />
            {live(move || narrow.get().then(|| view! {
                <Button kind=ButtonKind::Ghost icon=Icon::Close on_press=move |_| clear.run(())>
                    {t(words::common::CLEAR_FILTERS)}
                </Button>
            }))}
        </div>
        {live(move || of_budget.with(Option::is_some).then(|| view! {
            <p class="field-hint">{t(words::alerts::OF_ONE_BUDGET)}</p>
        }))}
    }
    .into_any()
}

fn nothing(narrow: bool, clear: Callback<()>) -> AnyView {
    if narrow {
        return view! {
            <EmptyState
                kind=EmptyKind::NoMatch
                actions=move || view! {
                    <Button on_press=move |_| clear.run(())>{t(words::common::CLEAR_FILTERS)}</Button>
                }
            />
        }
        .into_any();
    }
    if session::manages() { none_or_late() } else { none_or_hidden() }
}

/// How fresh the costs are that alerts are raised by.
#[derive(Clone, PartialEq, Deserialize)]
struct Fresh {
    freshness: Freshness,
}

/// No alert is good news only while costs come in.
fn none_or_late() -> AnyView {
    let fresh = use_get::<Fresh>(|| Some("/costs/summary".to_owned()));
    let is_late = move || fresh.data.with(|it| it.as_ref().is_some_and(|it| !it.freshness.stale_teams.is_empty()));
    live(move || {
        if is_late() {
            return view! {
                <EmptyState
                    kind=EmptyKind::Delayed
                    body=words::alerts::LATE
                    actions=|| view! { <LinkButton href="/teams">{t(words::home::DO_FIX)}</LinkButton> }
                />
            }
            .into_any();
        }
        none(words::alerts::EMPTY_BODY.into())
    })
}

/// Nothing was raised, or nothing is the reader's: they belong to no team and to no project.
fn none_or_hidden() -> AnyView {
    let projects = use_get::<Page<Project>>(|| Some("/projects?limit=1".to_owned()));
    live(move || {
        if projects.data.with(|page| page.as_ref().is_some_and(|page| page.data.is_empty())) {
            return view! { <EmptyState kind=EmptyKind::Forbidden body=words::home::HIDDEN /> }.into_any();
        }
        none(words::alerts::EMPTY_BODY_READER.into())
    })
}

fn none(body: Text) -> AnyView {
    view! {
        <EmptyState
            kind=EmptyKind::NoData
            title=words::alerts::EMPTY_TITLE
            body
            actions=|| session::manages().then(|| view! {
                <LinkButton href="/budgets?new=budget" icon=Icon::Plus>{t(words::alerts::ADD_RULE)}</LinkButton>
                <LinkButton href="/alerts?tab=channels&new=channel" icon=Icon::Bell>{t(words::alerts::ADD_CHANNEL)}</LinkButton>
            })
        />
    }
    .into_any()
}

fn table(alerts: Vec<Alert>, acts: Acts, now: ReadSignal<f64>) -> AnyView {
    let columns = vec![
        Column::text(words::alerts::ALERT),
        Column::text(words::alerts::WHO),
        Column::text(words::budgets::USED),
        Column::text(words::alerts::WHEN),
        Column::text(words::alerts::STATUS),
    ];
    let rows = Callback::new(move |()| alerts.iter().map(|alert| row(alert, acts, now)).collect::<Vec<_>>());
    view! { <Table label=words::alerts::TITLE columns rows /> }.into_any()
}

fn row(alert: &Alert, acts: Acts, now: ReadSignal<f64>) -> Row {
    let subject = view! {
        <div>
            {severity_badge(alert.severity)}
            <div><a class="row-link" href=format!("/alerts/{}", alert.id)>{alert.subject.clone()}</a></div>
        </div>
    };
    let who = {
        let alert = alert.clone();
        live(move || about(&alert))
    };
    let cells = vec![
        subject.into_any(),
        who,
        alert.budget.as_ref().map_or_else(|| view! { <span class="muted">"–"</span> }.into_any(), used_or_forecast),
        moment::ago(Some(alert.raised_at), now, words::common::NONE),
        state(alert, acts),
    ];
    Row { linked: true, cells }
}

/// How much of a budget it was, then, or would be.
fn used_or_forecast(budget: &AlertBudget) -> AnyView {
    let basis = alert_basis_name(budget.basis);
    let forecast = (budget.basis == AlertBasis::Forecast).then(|| view! { <div class="small muted">{t(basis)}</div> });
    view! { <div>{used(budget)}{forecast}</div> }.into_any()
}

/// The figure of a budget, its percentage and its bar.
pub(super) fn used(budget: &AlertBudget) -> AnyView {
    let over = budget.percent.0 >= rust_decimal::Decimal::ONE_HUNDRED;
    let tone = if over { Tone::Danger } else { Tone::Warning };
    let (amount, currency) = (budget.figure.to_string(), budget.currency.clone());
    view! {
        <div>
            <span class="row" data-gap="4"><Money amount currency /><b>{percent_text(budget.percent)}</b></span>
            {bar(Some(budget.percent), &[budget.threshold], tone)}
        </div>
    }
    .into_any()
}

/// How far it is dealt with, and the next step.
fn state(alert: &Alert, acts: Acts) -> AnyView {
    let (id, subject) = (alert.id, alert.subject.clone());
    let urgent = alert.status != AlertStatus::Resolved && alert.severity == AlertSeverity::Critical;
    let block = link(alert, "block").filter(|_| urgent).and_then(|path| {
        if shell::is_stopped(path) {
            return Some(view! { <Badge tone=Tone::Danger>{t(words::blocks::ACTIVE)}</Badge> }.into_any());
        }
        let button =
            || view! { <LinkButton href=path kind=ButtonKind::Danger>{t(words::alerts::BLOCK_NOW)}</LinkButton> };
        session::manages().then(|| button().into_any())
    });
    let step = |to: AlertStatus, icon: Icon, of: fn(&dyn std::fmt::Display) -> String| {
        let subject = subject.clone();
        let label = Text::derive(move || of(&subject));
        view! { <RowAction icon label on_press=move |()| acts.advance(id, to) /> }
    };
    let acknowledge = (alert.status == AlertStatus::Open)
        .then(|| step(AlertStatus::Acknowledged, Icon::Eye, words::alerts::acknowledge_of));
    let resolve = (alert.status != AlertStatus::Resolved)
        .then(|| step(AlertStatus::Resolved, Icon::Check, words::alerts::resolve_of));
    view! {
        <span class="row" data-gap="4">
            <span class="row" data-gap="4" data-nowrap="">{status_badge(alert.status)}{acknowledge}{resolve}</span>
            {block}
        </span>
    }
    .into_any()
}
