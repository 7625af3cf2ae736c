//! `/budgets/:id`: how one budget stands, and where it leads.

use finops_contract::budgets::{Budget, BudgetKind, BudgetStatus};
use leptos::prelude::*;
use leptos_router::hooks::{use_navigate, use_params_map};
use uuid::Uuid;

use super::facts::{facts, unknown};
use super::form::BudgetForm;
use super::history::history;
use super::limits::LimitForm;
use super::meter::{Sure, basis_badge, current_bar, figure, spent, state_badge, sure};
use super::model::{burn_down, percent_text};
use super::thresholds::standings;
use super::wording::{breach_text, period_name, scope_text, span_text};
use crate::api;
use crate::data::{Query, Task, section, use_get};
use crate::format::money;
use crate::i18n::{t, words};
use crate::reactive::{live, memo};
use crate::session;
use crate::ui::{
    Button, Card, Chart, ChartKind, ConfirmDialog, Crumb, Dialog, Icon, LinkButton, PageHeader, Skeleton, Stat, Text,
    toast,
};
use crate::url::use_open;

/// One budget.
#[component]
pub fn BudgetPage() -> AnyView {
    let params = use_params_map();
    // What is no id names nothing, which the service says best.
    let id = memo(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<Uuid>().ok())));
    let status = use_get::<BudgetStatus>(move || Some(format!("/budgets/{}/status", id.get().unwrap_or_default())));
    let budget = memo(move |_| status.data.with(|status| status.as_ref().map(|status| status.budget.clone())));
    let title = Text::derive(move || {
        let name = budget.with(|budget| budget.as_ref().map(|budget| budget.name.clone()));
        name.unwrap_or_else(|| words::budgets::BUDGET.get().to_owned())
    });
    let lead = Text::derive(move || {
        let text = |status: &BudgetStatus| {
            let BudgetStatus { budget, current, .. } = status;
            let parts = [period_name(budget.period).get().to_owned(), span_text(current.from, current.to)];
            format!("{} · {}", scope_text(&budget.scope), parts.join(" · "))
        };
        status.data.with(|status| status.as_ref().map(text).unwrap_or_default())
    });
    let (edit, remove) = (use_open("edit", "budget"), RwSignal::new(false));
    let manages = session::manages();
    let alerts = move || {
        let id = budget.with(|budget| budget.as_ref().map(|budget| budget.id))?;
        let href = format!("/alerts?budgetId={id}");
        Some(view! { <LinkButton href icon=Icon::Bell>{t(words::budgets::TO_ALERTS)}</LinkButton> })
    };
    let buttons = move || {
        (manages && budget.with(Option::is_some)).then(|| {
            view! {
                <Button icon=Icon::Trash on_press=move |_| remove.set(true)>{t(words::common::DELETE)}</Button>
                <Button icon=Icon::Edit on_press=move |_| edit.set(true)>{t(words::budgets::EDIT_THIS)}</Button>
            }
        })
    };
    // Outlives the chart, which is drawn anew after every change.
    let as_table = RwSignal::new(false);
    let trail = vec![Crumb { href: "/budgets", label: words::budgets::TITLE.into() }];
    view! {
        <PageHeader title lead trail actions=move || view! { {live(alerts)}{live(buttons)} } />
        {section(status, skeleton, move |status| loaded(&status, as_table))}
        {manages.then(|| view! {
            <Change open=edit budget status />
            <Remove open=remove budget />
        })}
    }
    .into_any()
}

fn skeleton() -> AnyView {
    view! { <div class="card"><div class="card-body"><Skeleton shape="number" /><Skeleton shape="chart" /></div></div> }
        .into_any()
}

fn loaded(status: &BudgetStatus, as_table: RwSignal<bool>) -> AnyView {
    view! {
        <div class="sections">
            {unknown(status)}
            <section class="card" aria-label=move || words::budgets::USED.get()>{stats(status)}</section>
            {chart(status, as_table)}
            <div class="split">{standings(status)}{facts(status)}</div>
            {history(status)}
        </div>
    }
    .into_any()
}

fn stats(status: &BudgetStatus) -> AnyView {
    let (current, currency) = (&status.current, status.currency.as_str());
    let bar = current_bar(&status.budget, current, status.state);
    let (value, basis) = (spent(current, currency), current.basis);
    let is_known = current.spent.is_some();
    let state = state_badge(status.state);
    let share = current.percent.map(|percent| {
        let text = percent_text(percent);
        view! { <span>{live(move || words::budgets::percent_used(&text))}</span> }
    });
    view! {
        <h2 class="sr-only">{t(words::budgets::USED)}</h2>
        <div class="stats">
            <Stat label=words::budgets::SPENT value=move || value badge=move || is_known.then(|| basis_badge(basis))>
                <div class="reason">{bar}</div>
                {state}
                {share}
            </Stat>
            {remaining(status)}
            {pace(status)}
            {forecast(status)}
        </div>
    }
    .into_any()
}

fn remaining(status: &BudgetStatus) -> AnyView {
    let left = status.remaining.map(|left| left.0);
    let is_over = left.is_some_and(|left| left.is_sign_negative() && !left.is_zero());
    let label = if is_over { words::budgets::OVERSPENT } else { words::budgets::REMAINING };
    let sure = match (status.current.complete, is_over) {
        (true, _) => Sure::Exactly,
        (false, true) => Sure::AtLeast,
        (false, false) => Sure::AtMost,
    };
    let value = figure(left.map(|left| left.abs().into()), &status.currency, sure);
    let amount = status.budget.amount.to_string();
    let currency = status.currency.clone();
    let today = status.days.last().map_or(status.current.from, |day| day.day);
    let after = u64::try_from((status.current.to - today).num_days() - 1).unwrap_or_default();
    let time_left = move || {
        if after == 0 { words::budgets::ENDS_TODAY.get().to_owned() } else { words::budgets::days_left(after) }
    };
    view! {
        <Stat label value=move || value>
            <span>{live(move || words::budgets::of_amount(&money::parts(&amount, &currency).amount()))}</span>
            <span>{live(time_left)}</span>
        </Stat>
    }
    .into_any()
}

fn pace(status: &BudgetStatus) -> AnyView {
    let value = figure(status.burn_rate_per_day, &status.currency, Sure::Exactly);
    view! {
        <Stat label=words::budgets::BURN_RATE value=move || value>{t(words::budgets::BURN_RATE_NOTE)}</Stat>
    }
    .into_any()
}

fn forecast(status: &BudgetStatus) -> AnyView {
    let value = match status.forecast {
        Some(_) => figure(status.forecast, &status.currency, sure(&status.current)),
        None => view! { <span class="muted">"–"</span> }.into_any(),
    };
    let percent = status.forecast_percent.map(|percent| view! { <span>{percent_text(percent)}</span> });
    let breaches = status.breach_date.is_some();
    let (is_known, is_whole) = (status.forecast.is_some(), status.current.complete);
    let (day, state) = (status.breach_date, status.state);
    let text = move || match (breach_text(day, state), is_known) {
        (Some(text), _) => text,
        // What is unknown may be more than what is left.
        (None, true) if !is_whole => words::budgets::UNKNOWN_TITLE.get().to_owned(),
        (None, true) => words::budgets::WITHIN.get().to_owned(),
        (None, false) => words::budgets::NO_FORECAST.get().to_owned(),
    };
    view! {
        <Stat label=words::budgets::FORECAST value=move || value>
            {percent}
            <span class:danger=breaches class:strong=breaches>{live(text)}</span>
        </Stat>
    }
    .into_any()
}

fn chart(status: &BudgetStatus, as_table: RwSignal<bool>) -> Option<AnyView> {
    burn_down(status, ["", "", ""])?;
    let (zone, status) = (status.time_zone.clone(), status.clone());
    let plot = Signal::derive(move || {
        let names = [words::budgets::LINE_LEFT, words::budgets::LINE_PACE, words::budgets::LINE_FORECAST];
        burn_down(&status, names.map(|name| name.get())).unwrap_or_default()
    });
    let note = Text::derive(move || words::budgets::burn_down_note(&zone));
    let card = view! {
        <Card title=words::budgets::BURN_DOWN note>
            <Chart label=words::budgets::BURN_DOWN kind=ChartKind::Line plot as_table />
        </Card>
    };
    Some(card.into_any())
}

#[component]
fn Change(open: RwSignal<bool>, budget: Memo<Option<Budget>>, status: Query<BudgetStatus>) -> AnyView {
    let done = Callback::new(move |budget: Budget| {
        open.set(false);
        status.reload();
        toast::done(words::budgets::changed(&budget.name));
    });
    let saved = Callback::new(move |()| {
        open.set(false);
        status.reload();
    });
    let title = Text::derive(move || {
        let is_limit = budget.with(|budget| budget.as_ref().is_some_and(|it| it.kind == BudgetKind::Limit));
        (if is_limit { words::budgets::ADD_LIMIT } else { words::budgets::EDIT }).get().to_owned()
    });
    // Once: what is typed must outlive the next look at how the budget stands.
    let form = move || {
        let before = budget.get_untracked()?;
        let project = before.scope.id.as_deref().and_then(|id| id.parse::<Uuid>().ok());
        Some(match before.kind {
            BudgetKind::Limit => view! { <LimitForm open project saved /> }.into_any(),
            BudgetKind::Budget => view! { <BudgetForm open before=Some(before) done /> }.into_any(),
        })
    };
    let is_there = memo(move |_| budget.with(Option::is_some));
    view! { <Dialog open title>{live(move || is_there.get().then(form))}</Dialog> }.into_any()
}

#[component]
fn Remove(open: RwSignal<bool>, budget: Memo<Option<Budget>>) -> AnyView {
    let task = Task::new();
    let navigate = use_navigate();
    let name = Signal::derive(move || {
        budget.with(|budget| budget.as_ref().map(|budget| budget.name.clone()).unwrap_or_default())
    });
    let confirm = Callback::new(move |()| {
        let Some(id) = budget.with_untracked(|budget| budget.as_ref().map(|budget| budget.id)) else { return };
        let navigate = navigate.clone();
        task.run(async move { api::delete(&format!("/budgets/{id}")).await }, move |()| {
            open.set(false);
            toast::done(words::budgets::deleted(&name.get_untracked()));
            navigate("/budgets", Default::default());
        });
    });
    let title = Text::derive(move || words::budgets::delete_ask(&name.get()));
    view! {
        <ConfirmDialog
            open
            title
            consequences=vec![words::budgets::DELETE_1.into(), words::budgets::DELETE_2.into()]
            confirm=words::common::DELETE
            busy=task.busy
            error=task.text()
            on_confirm=confirm
        />
    }
    .into_any()
}
