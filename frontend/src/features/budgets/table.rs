//! Budgets as a table. How each stands is asked for by itself, so that one that fails hides none of the others.

use finops_contract::budgets::{Budget, BudgetKind, BudgetStatus, Enforcement};
use leptos::prelude::*;

use super::meter::{basis_badge, current_bar, health_badge, spent};
use super::model::{health, percent_text};
use super::wording::{breach_text, kind_name, period_name, scope_text};
use crate::data::{Query, use_get};
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{Badge, Column, Glyph, Icon, Money, Row, RowAction, Skeleton, Table};

/// The table.
pub(super) fn table(budgets: Vec<Budget>) -> AnyView {
    let columns = vec![
        Column::text(words::budgets::BUDGET),
        Column::number(words::budgets::AMOUNT),
        Column::text(words::budgets::USED),
        Column::number(words::budgets::FORECAST),
        Column::text(words::budgets::STATE),
    ];
    let rows = Callback::new(move |()| budgets.iter().map(row).collect::<Vec<_>>());
    view! { <Table label=words::budgets::TITLE columns rows /> }.into_any()
}

fn row(budget: &Budget) -> Row {
    let id = budget.id;
    let status = use_get::<BudgetStatus>(move || Some(format!("/budgets/{id}/status")));
    let retry = move || {
        view! {
            <span class="row" data-gap="4">
                <span class="small danger">{t(words::budgets::STATUS_FAILED)}</span>
                <RowAction icon=Icon::Retry label=words::common::RETRY on_press=move |()| status.reload() />
            </span>
        }
        .into_any()
    };
    let dash = || view! { <span class="muted">"–"</span> }.into_any();
    let cells = vec![
        name(budget),
        amount(budget),
        part(status, used, retry),
        part(status, forecast, dash),
        part(status, state, dash),
    ];
    Row { linked: true, cells }
}

/// A cell about how the budget stands.
fn part(
    status: Query<BudgetStatus>,
    show: fn(&BudgetStatus) -> AnyView,
    failed: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    live(move || {
        let known = status.data.with(|status| status.as_ref().map(show));
        known.unwrap_or_else(|| {
            if status.error.with(Option::is_some) && !status.busy.get() {
                failed()
            } else {
                view! { <Skeleton /> }.into_any()
            }
        })
    })
}

fn name(budget: &Budget) -> AnyView {
    let scope = budget.scope.clone();
    let kind = kind_name(budget.kind);
    let limit = (budget.kind == BudgetKind::Limit).then(|| view! { <Badge>{t(kind)}</Badge> });
    view! {
        <div>
            <span class="row" data-gap="4">
                <a class="row-link" href=format!("/budgets/{}", budget.id)>{budget.name.clone()}</a>
                {limit}
            </span>
            <div class="small muted">{live(move || scope_text(&scope))}</div>
        </div>
    }
    .into_any()
}

fn amount(budget: &Budget) -> AnyView {
    view! {
        <div>
            <Money amount=budget.amount.to_string() currency=budget.currency.clone() />
            <div class="small muted">{t(period_name(budget.period))}</div>
        </div>
    }
    .into_any()
}

fn used(status: &BudgetStatus) -> AnyView {
    let current = &status.current;
    let percent = current.percent.map(|percent| view! { <b>{percent_text(percent)}</b> });
    let basis = current.spent.map(|_| basis_badge(current.basis));
    view! {
        <div>
            <span class="row" data-gap="4">{spent(current, &status.currency)}{percent}{basis}</span>
            {current_bar(status)}
        </div>
    }
    .into_any()
}

fn forecast(status: &BudgetStatus) -> AnyView {
    let amount = match status.forecast {
        Some(amount) => view! { <Money amount=amount.to_string() currency=status.currency.clone() /> }.into_any(),
        None => view! { <span class="muted">{t(words::budgets::NO_FORECAST)}</span> }.into_any(),
    };
    let breach = status.breach_date.map(|_| {
        let status = status.clone();
        view! { <div class="small danger">{live(move || breach_text(&status))}</div> }
    });
    view! { <div>{amount}{breach}</div> }.into_any()
}

fn state(status: &BudgetStatus) -> AnyView {
    let hard = (status.budget.enforcement == Enforcement::Hard).then(|| {
        view! {
            <span title=move || words::budgets::HARD_NOTE.get()>
                <Badge><Glyph icon=Icon::Lock size=12 />{t(words::budgets::HARD)}</Badge>
            </span>
        }
    });
    view! { <span class="row" data-gap="4">{health_badge(health(status))}{hard}</span> }.into_any()
}
