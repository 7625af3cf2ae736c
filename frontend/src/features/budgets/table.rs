//! Budgets as a table. How each stands is asked for by itself, so that one that fails hides none of the others.

use finops_contract::budgets::{Budget, BudgetKind, BudgetStatus, Enforcement};
use leptos::prelude::*;

use super::meter::{basis_badge, current_bar, health_badge, spent};
use super::model::{Health, health, percent_text};
use super::wording::{breach_text, kind_name, period_name, scope_text};
use crate::data::{Query, use_get};
use crate::i18n::{t, words};
use crate::reactive::{live, memo};
use crate::ui::{Badge, Banner, Button, Column, Glyph, Icon, Money, Progress, Row, RowAction, Skeleton, Table, Tone};

/// A budget, and how it stands.
type Standing = (Budget, Query<BudgetStatus>);

fn ask(budget: Budget) -> Standing {
    let id = budget.id;
    let status = use_get::<BudgetStatus>(move || Some(format!("/budgets/{id}/status")));
    (budget, status)
}

/// The table.
pub(super) fn table(budgets: Vec<Budget>) -> AnyView {
    let standings: Vec<_> = budgets.into_iter().map(ask).collect();
    shown(move || standings.iter().map(row).collect())
}

fn is_known(status: &Query<BudgetStatus>) -> bool {
    status.data.with(Option::is_some)
}

fn has_failed(status: &Query<BudgetStatus>) -> bool {
    !is_known(status) && status.error.with(Option::is_some) && !status.busy.get()
}

/// Those of the budgets that stand like this, as they become known; `nothing` where there is none in the end.
pub(super) fn standing(budgets: Vec<Budget>, wanted: Health, nothing: fn() -> AnyView) -> AnyView {
    let standings: StoredValue<Vec<Standing>> = StoredValue::new(budgets.into_iter().map(ask).collect());
    let count = move |is: fn(&Query<BudgetStatus>) -> bool| {
        standings.with_value(|all| all.iter().filter(|(_, status)| is(status)).count())
    };
    let all = standings.with_value(Vec::len);
    let failed = memo(move |_| count(has_failed));
    let asked = memo(move |_| count(is_known) + failed.get());
    // Only a change of what is among them draws the table anew.
    let found = memo(move |_| {
        let is_it = |status: &Query<BudgetStatus>| {
            status.data.with(|status| status.as_ref().is_some_and(|status| health(status) == wanted))
        };
        standings.with_value(|all| (0..all.len()).filter(|at| is_it(&all[*at].1)).collect::<Vec<_>>())
    });
    let progress = move || {
        (asked.get() < all).then(|| {
            #[expect(clippy::cast_precision_loss, reason = "a bar's length")]
            let percent = Signal::derive(move || asked.get() as f64 / all as f64 * 100.0);
            view! { <div class="pad"><Progress percent label=words::budgets::LOOKING /></div> }
        })
    };
    let retry = move |_| {
        standings.with_value(|all| all.iter().filter(|(_, it)| has_failed(it)).for_each(|(_, status)| status.reload()));
    };
    let unknown = move || {
        let count = u64::try_from(failed.get()).unwrap_or_default();
        (count > 0).then(|| {
            view! {
                <div class="pad">
                    <Banner
                        tone=Tone::Warning
                        actions=move || view! { <Button on_press=retry>{t(words::common::RETRY)}</Button> }
                    >
                        {live(move || words::budgets::some_failed(count))}
                    </Banner>
                </div>
            }
        })
    };
    let is_empty = memo(move |_| found.with(Vec::is_empty));
    let list = move || {
        if is_empty.get() {
            return (asked.get() == all && failed.get() == 0).then(nothing);
        }
        let rows =
            move || found.with(|found| standings.with_value(|all| found.iter().map(|at| row(&all[*at])).collect()));
        Some(shown(rows))
    };
    view! { {live(progress)}{live(unknown)}{live(list)} }.into_any()
}

fn shown(rows: impl Fn() -> Vec<Row> + Send + Sync + 'static) -> AnyView {
    let rows = Callback::new(move |()| rows());
    let columns = vec![
        Column::text(words::budgets::BUDGET),
        Column::number(words::budgets::AMOUNT),
        Column::text(words::budgets::USED),
        Column::number(words::budgets::FORECAST),
        Column::text(words::budgets::STATE),
    ];
    view! { <Table label=words::budgets::TITLE columns rows /> }.into_any()
}

fn row((budget, status): &Standing) -> Row {
    let status = *status;
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
