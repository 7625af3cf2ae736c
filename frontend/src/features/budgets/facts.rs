//! What a budget is, and what is not known of what was spent.

use finops_contract::budgets::{Budget, BudgetStatus, Enforcement, ScopeType, Unconverted};
use leptos::prelude::*;

use super::currency::rate_text;
use super::wording::{basis_name, enforcement_name, kind_name, period_name, scope_text};
use crate::features::moment;
use crate::format::money;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{Banner, Card, Fact, Facts, LinkButton, Money, Tone};

/// The budget itself.
pub(super) fn facts(status: &BudgetStatus) -> AnyView {
    let budget = status.budget.clone();
    let hard = (budget.enforcement == Enforcement::Hard)
        .then(|| view! { <p class="small muted">{t(words::budgets::HARD_NOTE)}</p> });
    let fx = budget.fx.clone().map(|rate| {
        view! { <Fact label=words::budgets::FX>{live(move || rate_text(&rate))}</Fact> }
    });
    let parts = &status.current.by_basis;
    let lines = parts.iter().map(|part| {
        let (amount, currency) = (part.cost.to_string(), status.currency.clone());
        view! { <p><Money amount currency />" · "{t(basis_name(part.basis).0)}</p> }
    });
    let lines = lines.collect_view();
    let parts = (parts.len() > 1).then(|| view! { <Fact label=words::budgets::BY_BASIS>{lines}</Fact> });
    let scope = scope(&budget);
    let (kind, period, enforcement) = (kind_name(budget.kind), period_name(budget.period), budget.enforcement);
    let (amount, currency) = (budget.amount.to_string(), budget.currency);
    let (since, created) = (budget.revised_at, budget.created_at);
    view! {
        <Card title=words::budgets::DETAILS>
            <Facts>
                <Fact label=words::budgets::KIND>{t(kind)}</Fact>
                <Fact label=words::budgets::SCOPE>{scope}</Fact>
                <Fact label=words::budgets::AMOUNT>
                    <Money amount currency />" · "
                    {t(period)}
                </Fact>
                <Fact label=words::budgets::ENFORCEMENT>{t(enforcement_name(enforcement))}{hard}</Fact>
                {fx}
                {parts}
                <Fact label=words::budgets::SINCE>{moment::at(Some(since), words::common::NONE)}</Fact>
                <Fact label=words::budgets::CREATED_AT>{moment::at(Some(created), words::common::NONE)}</Fact>
            </Facts>
        </Card>
    }
    .into_any()
}

/// What it is about, as a link where there is a page of it.
fn scope(budget: &Budget) -> AnyView {
    let scope = budget.scope.clone();
    let page = match scope.kind {
        ScopeType::Team => Some("teams"),
        ScopeType::Project => Some("projects"),
        _ => None,
    };
    let href = page.zip(scope.id.as_deref()).filter(|_| !scope.deleted).map(|(page, id)| format!("/{page}/{id}"));
    let text = live(move || scope_text(&scope));
    match href {
        Some(href) => view! { <a class="link" href=href>{text}</a> }.into_any(),
        None => text,
    }
}

/// What is not known of the period that runs, said plainly: what is unknown is never nothing.
pub(super) fn unknown(status: &BudgetStatus) -> Option<AnyView> {
    let current = &status.current;
    (!current.complete).then(|| unknown_banner(current.unknown_days, current.unpriced, &current.unconverted))
}

/// What is not known of a cost: days, calls without a price, other currencies.
pub fn unknown_banner(days: i64, unpriced: i64, unconverted: &[Unconverted]) -> AnyView {
    let count = |count: i64| u64::try_from(count).unwrap_or_default();
    let (days, calls) = (count(days), count(unpriced));
    let days = (days > 0).then(|| view! { <li>{live(move || words::budgets::unknown_days(days))}</li> });
    let unpriced = (calls > 0).then(|| view! { <li>{live(move || words::budgets::unpriced(calls))}</li> });
    let unconverted = unconverted.iter().map(|one| {
        let amount = money::text(&one.cost.to_string(), &one.currency);
        view! { <li>{live(move || words::budgets::unconverted(&amount))}</li> }
    });
    let unconverted = unconverted.collect_view();
    let actions = move || {
        (calls > 0).then(|| view! { <LinkButton href="/pricebook">{t(words::budgets::TO_UNPRICED)}</LinkButton> })
    };
    view! {
        <Banner tone=Tone::Warning actions>
            <b>{t(words::budgets::UNKNOWN_TITLE)}</b>
            <ul>{days}{unpriced}{unconverted}</ul>
        </Banner>
    }
    .into_any()
}
