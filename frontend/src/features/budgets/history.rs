//! The periods before the one that runs.

use finops_contract::Percent;
use finops_contract::budgets::{BudgetStatus, PeriodSpend};
use leptos::prelude::*;
use rust_decimal::Decimal;

use super::meter::{Sure, bar, basis_badge, figure, spent};
use super::model::percent_text;
use super::wording::span_text;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{Card, Column, Row, Table, Tone};

/// Those of which there is something to say.
fn told(status: &BudgetStatus) -> Vec<PeriodSpend> {
    let has_something = |period: &PeriodSpend| period.amount.is_some() || period.spent.is_some();
    let count = status.history.iter().rposition(has_something).map_or(0, |last| last + 1);
    status.history[..count].to_vec()
}

/// The card.
pub(super) fn history(status: &BudgetStatus) -> AnyView {
    let (periods, currency) = (told(status), status.currency.clone());
    let body = if periods.is_empty() {
        view! { <p class="none">{t(words::budgets::HISTORY_NONE)}</p> }.into_any()
    } else {
        let columns = vec![
            Column::text(words::budgets::PERIOD),
            Column::number(words::budgets::AMOUNT),
            Column::number(words::budgets::SPENT),
            Column::text(words::budgets::USED),
            Column::text(words::budgets::SOURCE),
        ];
        let rows = Callback::new(move |()| periods.iter().map(|one| row(one, &currency)).collect::<Vec<_>>());
        view! { <Table label=words::budgets::HISTORY columns rows /> }.into_any()
    };
    view! {
        <Card title=words::budgets::HISTORY note=words::budgets::HISTORY_NOTE flush=true>{body}</Card>
    }
    .into_any()
}

fn row(period: &PeriodSpend, currency: &str) -> Row {
    let (from, to) = (period.from, period.to);
    let amount = match period.amount {
        Some(amount) => figure(Some(amount), currency, Sure::Exactly),
        None => view! { <span class="muted">{t(words::budgets::NO_AMOUNT)}</span> }.into_any(),
    };
    let tone = if is_over(period.percent) { Tone::Danger } else { Tone::Neutral };
    let used = match period.percent {
        Some(percent) => {
            let over = (tone == Tone::Danger).then(|| view! { " "{t(words::budgets::STATE_OVER)} });
            view! { <div><span>{percent_text(percent)}{over}</span>{bar(Some(percent), &[], tone)}</div> }.into_any()
        }
        None => view! { <span class="muted">"–"</span> }.into_any(),
    };
    let basis = match period.spent {
        Some(_) => basis_badge(period.basis),
        None => view! { <span class="muted">"–"</span> }.into_any(),
    };
    let cells = vec![
        view! { <span class="nowrap">{live(move || span_text(from, to))}</span> }.into_any(),
        amount,
        spent(period, currency),
        used,
        basis,
    ];
    Row { linked: false, cells }
}

fn is_over(percent: Option<Percent>) -> bool {
    percent.is_some_and(|percent| percent.0 >= Decimal::ONE_HUNDRED)
}
