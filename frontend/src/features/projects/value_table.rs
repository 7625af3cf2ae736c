//! What calls were worth by task type and by model.

use finops_contract::value::{ProjectValue, Value};
use leptos::prelude::*;

use super::value_model::sure;
use crate::features::budgets::figure;
use crate::features::explore::wording::provider_name;
use crate::features::worth::{count, feedback, per_success, success};
use crate::i18n::{Word, t, words};
use crate::ui::{Card, Column, Row, Table};

/// What a line is about: its name, and what to know of it.
type Head = Option<(String, Option<String>)>;

/// By task type.
pub(super) fn by_task_type(value: &ProjectValue) -> Option<AnyView> {
    let lines =
        value.by_task_type.iter().map(|one| (one.task_type.clone().map(|name| (name, None)), one.value.clone()));
    table([words::value::BY_TASK_TYPE, words::value::TASK_TYPE, words::value::NO_TASK_TYPE], lines.collect())
}

/// By model.
pub(super) fn by_model(value: &ProjectValue) -> Option<AnyView> {
    let lines = value.by_model.iter().map(|one| {
        let provider = one.provider.as_deref().map(|provider| provider_name(provider).to_owned());
        (one.model.clone().map(|model| (model, provider)), one.value.clone())
    });
    table([words::value::BY_MODEL, words::explore::MODEL, words::value::NO_MODEL], lines.collect())
}

fn table([title, head, nameless]: [Word; 3], lines: Vec<(Head, Value)>) -> Option<AnyView> {
    if lines.is_empty() {
        return None;
    }
    let columns = vec![
        Column::text(head),
        Column::number(words::explore::COST),
        Column::number(words::value::CALLS),
        Column::number(words::value::SUCCESS_RATE),
        Column::number(words::value::PER_SUCCESS),
        Column::number(words::value::FEEDBACK),
    ];
    let rows =
        Callback::new(move |()| lines.iter().map(|(head, value)| row(head, value, nameless)).collect::<Vec<_>>());
    let card = view! {
        <Card title note=words::value::OWN_COST flush=true><Table label=title columns rows /></Card>
    };
    Some(card.into_any())
}

fn row(head: &Head, value: &Value, nameless: Word) -> Row {
    let head = match head.clone() {
        Some((name, more)) => {
            let more = more.map(|more| view! { <div class="small muted">{more}</div> });
            view! { <div><span class="strong">{name}</span>{more}</div> }.into_any()
        }
        None => view! { <span class="muted">{t(nameless)}</span> }.into_any(),
    };
    let sure = sure(value.unpriced == 0);
    let cells = vec![
        head,
        figure(value.cost, "USD", sure),
        count(value.calls),
        success(value.success_rate, value.successes, value.failures),
        per_success(value.cost_per_success, sure),
        feedback(value.feedback_mean, value.feedback_scores),
    ];
    Row { linked: false, cells }
}
