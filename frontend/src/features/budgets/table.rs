//! Budgets as a table.

use finops_contract::budgets::{Budget, BudgetKind, BudgetStanding, Enforcement};
use leptos::prelude::*;

use super::meter::{basis_badge, current_bar, figure, spent, state_badge, sure};
use super::model::percent_text;
use super::wording::{breach_text, kind_name, period_name, scope_text};
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{Badge, Column, Glyph, Icon, Money, Row, Table};

/// The table.
pub(super) fn table(budgets: Vec<Budget>) -> AnyView {
    let rows = Callback::new(move |()| budgets.iter().map(row).collect::<Vec<_>>());
    let columns = vec![
        Column::text(words::budgets::BUDGET),
        Column::number(words::budgets::AMOUNT),
        Column::text(words::budgets::USED),
        Column::number(words::budgets::FORECAST),
        Column::text(words::budgets::STATE),
    ];
    view! { <Table label=words::budgets::TITLE columns rows /> }.into_any()
}

fn row(budget: &Budget) -> Row {
    let part = |show: fn(&Budget, &BudgetStanding) -> AnyView| match &budget.standing {
        Some(standing) => show(budget, standing),
        None => view! { <span class="muted">"–"</span> }.into_any(),
    };
    Row { linked: true, cells: vec![name(budget), amount(budget), part(used), part(forecast), part(state)] }
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

fn used(budget: &Budget, standing: &BudgetStanding) -> AnyView {
    let current = &standing.current;
    let percent = current.percent.map(|percent| view! { <b>{percent_text(percent)}</b> });
    let basis = current.spent.map(|_| basis_badge(current.basis));
    view! {
        <div>
            <span class="row" data-gap="4">{spent(current, &budget.currency)}{percent}{basis}</span>
            {current_bar(budget, current, standing.state)}
        </div>
    }
    .into_any()
}

fn forecast(budget: &Budget, standing: &BudgetStanding) -> AnyView {
    let amount = match standing.forecast {
        Some(_) => figure(standing.forecast, &budget.currency, sure(&standing.current)),
        None => view! { <span class="muted">{t(words::budgets::NO_FORECAST)}</span> }.into_any(),
    };
    let (day, state) = (standing.breach_date, standing.state);
    let breach = day.map(|_| view! { <div class="small danger">{live(move || breach_text(day, state))}</div> });
    view! { <div>{amount}{breach}</div> }.into_any()
}

fn state(budget: &Budget, standing: &BudgetStanding) -> AnyView {
    let hard = (budget.enforcement == Enforcement::Hard).then(|| {
        view! {
            <span title=move || words::budgets::HARD_NOTE.get()>
                <Badge><Glyph icon=Icon::Lock size=12 />{t(words::budgets::HARD)}</Badge>
            </span>
        }
    });
    view! { <span class="row" data-gap="4">{state_badge(standing.state)}{hard}</span> }.into_any()
}
