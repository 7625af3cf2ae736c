//! What calls were worth by task type, by what they were for, and by model.

use finops_contract::value::{ProjectIntents, ProjectValue, Value};
use leptos::prelude::*;

use super::value_model::sure;
use crate::features::budgets::figure;
use crate::features::explore::wording::provider_name;
use crate::features::moment;
use crate::features::worth::{count, feedback, per_success, success};
use crate::format::time::Show;
use crate::i18n::{Word, t, words};
use crate::reactive::live;
use crate::ui::{Card, Column, Row, Table, Text};

/// What a line is about.
#[derive(Clone)]
enum Head {
    /// Its name, and what to know of it.
    Of(String, Option<String>),
    /// Calls that name nothing.
    Nameless,
    /// So many others together.
    Others(u64),
}

impl Head {
    fn of(name: Option<String>) -> Head {
        name.map_or(Head::Nameless, |name| Head::Of(name, None))
    }
}

/// By task type.
pub(super) fn by_task_type(value: &ProjectValue) -> Option<AnyView> {
    let lines = value.by_task_type.iter().map(|one| (Head::of(one.task_type.clone()), one.value.clone()));
    let words = [words::value::BY_TASK_TYPE, words::value::TASK_TYPE, words::value::NO_TASK_TYPE];
    table(words, words::value::OWN_COST.into(), lines.collect())
}

/// By what the calls were for: since when that is known, and the others together.
pub(super) fn by_intent(found: ProjectIntents) -> Option<AnyView> {
    let since = found.since;
    let note = Text::derive(move || match since {
        Some(since) => words::value::intents_since(&moment::exact(since, Show::Minute)),
        None => words::value::OWN_COST.get().to_owned(),
    });
    // Where nobody says what calls are for, there is nothing to tell apart.
    if found.intents.iter().all(|one| one.intent.is_none()) {
        return None;
    }
    let lines = found.intents.into_iter().map(|one| (Head::of(one.intent), one.value));
    let others = found.other.map(|other| (Head::Others(other.count.unsigned_abs()), other.value));
    let words = [words::value::BY_INTENT, words::value::INTENT, words::value::NO_INTENT];
    table(words, note, lines.chain(others).collect())
}

/// By model.
pub(super) fn by_model(value: &ProjectValue) -> Option<AnyView> {
    let lines = value.by_model.iter().map(|one| {
        let provider = one.provider.as_deref().map(|provider| provider_name(provider).to_owned());
        let head = one.model.clone().map_or(Head::Nameless, |model| Head::Of(model, provider));
        (head, one.value.clone())
    });
    let words = [words::value::BY_MODEL, words::explore::MODEL, words::value::NO_MODEL];
    table(words, words::value::OWN_COST.into(), lines.collect())
}

fn table([title, head, nameless]: [Word; 3], note: Text, lines: Vec<(Head, Value)>) -> Option<AnyView> {
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
        <Card title note flush=true><Table label=title columns rows /></Card>
    };
    Some(card.into_any())
}

fn row(head: &Head, value: &Value, nameless: Word) -> Row {
    let head = match head.clone() {
        Head::Of(name, more) => {
            let more = more.map(|more| view! { <div class="small muted">{more}</div> });
            view! { <div><span class="strong">{name}</span>{more}</div> }.into_any()
        }
        Head::Nameless => view! { <span class="muted">{t(nameless)}</span> }.into_any(),
        Head::Others(count) => {
            view! { <span class="muted">{live(move || words::value::other_intents(count))}</span> }.into_any()
        }
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
