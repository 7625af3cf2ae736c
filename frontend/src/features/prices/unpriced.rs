//! Models that events have no price of: what is missing, and the way to it.

use finops_contract::reprices::UnpricedModel;
use leptos::prelude::*;

use super::form::Prefill;
use super::page::View;
use super::wording;
use crate::features::explore::wording::provider_name;
use crate::features::moment;
use crate::format::number::grouped;
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::session;
use crate::ui::{Banner, Button, Card, Column, Row, Table, Text, Tone};
use crate::url::use_set_params;

/// Models that are shown before somebody asks for the rest.
const FIRST: usize = 5;

/// The card; nothing where every event has a price.
#[component]
pub fn UnpricedCard(
    /// The page.
    view: View,
) -> AnyView {
    let all = RwSignal::new(false);
    live(move || {
        if view.unpriced.error.with(Option::is_some) && view.unpriced.data.with(Option::is_none) {
            return Some(failed(view));
        }
        let models = view.unpriced.data.with(|page| page.as_ref().map(|page| page.data.clone())).unwrap_or_default();
        (!models.is_empty()).then(|| list(view, models, all))
    })
}

/// That it is not known whether something is missing: silence would say that nothing is.
fn failed(view: View) -> AnyView {
    view! {
        <Banner
            tone=Tone::Warning
            actions=move || view! {
                <Button on_press=move |_| view.unpriced.reload()>{t(words::common::RETRY)}</Button>
            }
        >
            {t(words::prices::UNPRICED_FAILED)}
        </Banner>
    }
    .into_any()
}

fn list(view: View, models: Vec<UnpricedModel>, all: RwSignal<bool>) -> AnyView {
    let count = models.len();
    let title = Text::derive(move || words::prices::unpriced(count as u64));
    let note = if session::manages() { words::prices::UNPRICED_NOTE } else { words::prices::UNPRICED_NOTE_READER };
    let mut columns = vec![
        Column::text(words::prices::MODEL),
        Column::text(words::prices::PROVIDER),
        Column::number(words::prices::EVENTS),
        Column::text(words::prices::SEEN),
        Column::text(words::prices::REASON),
    ];
    if session::manages() {
        columns.push(Column::number(words::prices::ACTION));
    }
    let rows = Callback::new(move |()| {
        let shown = if all.get() { count } else { FIRST };
        models.iter().take(shown).map(|model| row(view, model)).collect::<Vec<_>>()
    });
    view! {
        <Card title note=note flush=true>
            <Table label=title columns rows />
            {live(move || (count > FIRST && !all.get()).then(|| view! {
                <div class="card-foot">
                    <Button on_press=move |_| all.set(true)>{t(words::prices::UNPRICED_ALL)}</Button>
                </div>
            }))}
        </Card>
    }
    .into_any()
}

fn row(view: View, model: &UnpricedModel) -> Row {
    let (first, last) = (model.first_seen, model.last_seen);
    let span = move || {
        let (first, last) = (moment::exact(first, Show::Date), moment::exact(last, Show::Date));
        if first == last { first } else { format!("{first} – {last}") }
    };
    let reason = model.reason.clone();
    let reason = move || match reason.as_deref() {
        None => words::prices::REASON_NONE.get().to_owned(),
        Some(code) => wording::reason(code).map_or_else(|| code.to_owned(), |word| word.get().to_owned()),
    };
    let mut cells = vec![
        view! { <code class="strong">{model.model.clone()}</code> }.into_any(),
        provider_name(&model.provider).to_owned().into_any(),
        grouped(&model.events.to_string()).into_any(),
        view! { <span class="nowrap">{live(span)}</span> }.into_any(),
        live(reason),
    ];
    if session::manages() {
        cells.push(action(view, model));
    }
    Row { linked: false, cells }
}

/// What helps: a price where the book has none, else pricing the events anew.
fn action(view: View, model: &UnpricedModel) -> AnyView {
    let (provider, name) = (model.provider.clone(), model.model.clone());
    let (label, since) = (model.model.clone(), moment::day_of(model.first_seen));
    if model.reason.is_some() {
        let add = move |_| {
            view.add(Prefill { provider: provider.clone(), model: name.clone(), first_day: since.clone() });
        };
        return view! {
            <Button on_press=add>{t(words::prices::ADD)}<span class="sr-only">" "{label}</span></Button>
        }
        .into_any();
    }
    let set = use_set_params();
    let until = moment::day_of(model.last_seen);
    let go = move |_| {
        let changes = [
            ("tab", Some("reprice")),
            ("provider", Some(provider.as_str())),
            ("model", Some(name.as_str())),
            ("since", Some(since.as_str())),
            ("until", Some(until.as_str())),
            ("cursor", None),
            ("run", None),
        ];
        set(&changes, false);
    };
    view! { <Button on_press=go>{t(words::prices::REPRICE)}<span class="sr-only">" "{label}</span></Button> }.into_any()
}
