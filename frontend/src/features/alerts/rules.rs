//! What raises alerts: budgets' thresholds, and calls without a price.

use finops_contract::Page;
use finops_contract::alerts::{AlertKind, AlertRule, AlertRuleRequest, TestAlertAnswer, TestAlertRequest};
use finops_contract::budgets::{AlertAction, AlertBasis, Budget, BudgetAlert, BudgetKind};
use leptos::prelude::*;
use uuid::Uuid;

use crate::api;
use crate::data::{Query, Task, section, use_get, use_list};
use crate::features::budgets::{action_name, alert_basis_name, kind_name, percent_text, scope_text};
use crate::i18n::{t, words};
use crate::reactive::{effect, live};
use crate::session;
use crate::ui::{
    Badge, Card, Column, EmptyKind, EmptyState, Icon, LinkButton, Row, RowAction, Select, Skeleton, Switch, Table,
    Text, toast,
};

/// The tab.
#[component]
pub fn RulesTab() -> AnyView {
    view! { <div class="sections"><Thresholds /><Unpriced /></div> }.into_any()
}

#[component]
fn Thresholds() -> AnyView {
    let budgets = use_list::<Budget>(|| Some("/budgets?limit=200".to_owned()));
    let skeleton = || view! { <div class="pad"><Skeleton shape="row" count=4 /></div> }.into_any();
    let task = Task::new();
    tell_failure(task);
    view! {
        <Card
            title=words::alerts::THRESHOLDS
            note=words::alerts::THRESHOLDS_NOTE
            flush=true
            actions=|| view! { <LinkButton href="/budgets">{t(words::budgets::PROJECT_BUDGETS)}</LinkButton> }
        >
            {section(budgets, skeleton, move |page| if page.data.is_empty() { none() } else { table(page.data, task) })}
        </Card>
    }
    .into_any()
}

fn none() -> AnyView {
    view! {
        <EmptyState
            kind=EmptyKind::NoData
            title=words::budgets::EMPTY_TITLE
            body=words::alerts::NO_RULES
            actions=|| session::manages().then(|| view! {
                <LinkButton href="/budgets?new=budget" icon=Icon::Plus>{t(words::alerts::ADD_RULE)}</LinkButton>
            })
        />
    }
    .into_any()
}

fn table(budgets: Vec<Budget>, task: Task) -> AnyView {
    let manages = session::manages();
    let mut columns = vec![Column::text(words::budgets::BUDGET), Column::text(words::alerts::TOLD_WHEN)];
    if manages {
        columns.push(Column::number(words::alerts::TRY));
    }
    let rows = Callback::new(move |()| budgets.iter().map(|budget| row(budget, task, manages)).collect::<Vec<_>>());
    view! { <Table label=words::alerts::THRESHOLDS columns rows /> }.into_any()
}

fn row(budget: &Budget, task: Task, manages: bool) -> Row {
    let (id, name, scope) = (budget.id, budget.name.clone(), budget.scope.clone());
    let kind = kind_name(budget.kind);
    let kind = (budget.kind == BudgetKind::Limit).then(|| view! { <Badge>{t(kind)}</Badge> });
    let head = view! {
        <div>
            <span class="row" data-gap="4">
                <a class="row-link" href=format!("/budgets/{id}")>{budget.name.clone()}</a>
                {kind}
            </span>
            <div class="small muted">{live(move || scope_text(&scope))}</div>
        </div>
    };
    let alerts = budget.alerts.clone();
    let thresholds = if alerts.is_empty() {
        view! { <span class="muted">{t(words::budgets::THRESHOLDS_NONE)}</span> }.into_any()
    } else {
        let badges = alerts.into_iter().map(|alert| view! { <Badge>{live(move || threshold(&alert))}</Badge> });
        view! { <span class="row" data-gap="4">{badges.collect_view()}</span> }.into_any()
    };
    let mut cells = vec![head.into_any(), thresholds];
    if manages {
        let label = Text::derive(move || words::alerts::try_budget(&name));
        // Without a threshold there is nothing that could be crossed.
        let test = (!budget.alerts.is_empty()).then(|| {
            view! { <RowAction icon=Icon::Bell label on_press=move |()| send_test(task, id) /> }
        });
        cells.push(view! { {test} }.into_any());
    }
    Row { linked: true, cells }
}

fn threshold(alert: &BudgetAlert) -> String {
    let text = format!("{} → {}", percent_text(alert.threshold), action_name(alert.action).get());
    match alert.basis {
        AlertBasis::Actual => text,
        AlertBasis::Forecast => format!("{} {text}", alert_basis_name(alert.basis).get()),
    }
}

/// Sends the message of a budget as if its highest threshold had been crossed, marked as a test.
fn send_test(task: Task, budget: Uuid) {
    let request = TestAlertRequest { budget_id: Some(budget), channel_id: None };
    let work = async move { api::post::<TestAlertAnswer>("/alerts/test", &request).await };
    task.run(work, move |answer| match answer.deliveries {
        0 => toast::failed(words::alerts::TRIED_NOBODY.get_untracked()),
        count => toast::done(words::alerts::tried(count)),
    });
}

#[component]
fn Unpriced() -> AnyView {
    let rules = use_get::<Page<AlertRule>>(|| Some("/alerts/rules".to_owned()));
    let skeleton = || view! { <Skeleton shape="row" count=2 /> }.into_any();
    view! {
        <Card title=words::alerts::KIND_UNPRICED note=words::alerts::UNPRICED_NOTE>
            {section(rules, skeleton, move |page| {
                let rule = page.data.into_iter().find(|rule| rule.kind == AlertKind::Unpriced);
                rule.map(|rule| view! { <UnpricedRule rule rules /> }).into_any()
            })}
        </Card>
    }
    .into_any()
}

#[component]
fn UnpricedRule(rule: AlertRule, rules: Query<Page<AlertRule>>) -> AnyView {
    if !session::manages() {
        let state = if rule.enabled { words::alerts::RULE_ON } else { words::alerts::RULE_OFF };
        let action = rule.action;
        return view! { <p>{t(state)}" · "{t(action_name(action))}</p> }.into_any();
    }
    let task = Task::new();
    tell_failure(task);
    let enabled = rule.enabled;
    let stored = rule.action.name();
    let action = RwSignal::new(stored.to_owned());
    let save = move |request: AlertRuleRequest| {
        task.run(async move { api::put("/alerts/rules", Some(&request)).await }, move |_| {
            toast::done(words::common::SAVED.get_untracked());
            rules.reload();
        });
    };
    let chosen = move || action.with_untracked(|name| AlertAction::from_name(name)).unwrap_or(AlertAction::Both);
    effect(move |_| {
        if action.with(|action| action != stored) {
            save(AlertRuleRequest { kind: AlertKind::Unpriced, enabled, action: chosen() });
        }
    });
    // What was not saved is not shown as if it were.
    effect(move |_| {
        if task.error.with(Option::is_some) {
            action.set(stored.to_owned());
        }
    });
    let switch = move |on: bool| save(AlertRuleRequest { kind: AlertKind::Unpriced, enabled: on, action: chosen() });
    // There is nothing that a call without a price could be stopped by.
    let choices = Signal::derive(|| {
        let usable = AlertAction::ALL.iter().filter(|one| **one != AlertAction::Block);
        usable.map(|one| (one.name().to_owned(), action_name(*one).get().to_owned())).collect::<Vec<_>>()
    });
    view! {
        <div class="form">
            <Switch value=Signal::stored(enabled) label=words::alerts::UNPRICED_SWITCH on_change=switch />
            {enabled.then(|| view! {
                <Select label=words::alerts::TOLD_HOW value=action choices error=task.field("/type") />
            })}
        </div>
    }
    .into_any()
}

fn tell_failure(task: Task) {
    effect(move |_| {
        if let Some(error) = task.error.get() {
            toast::failed(error.text());
        }
    });
}
