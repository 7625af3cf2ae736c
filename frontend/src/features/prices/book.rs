//! The public prices as a table, searched and narrowed by the URL.

use chrono::{DateTime, Utc};

use finops_contract::Page;
use finops_contract::UnitKind;
use finops_contract::prices::PriceEntry;
use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::entry::EntryDialog;
use super::wording::{kind_name, per, price, price_text};
use super::{model, provider};
use crate::data::{self, use_get};
use crate::features::explore::wording::provider_name;
use crate::features::moment;
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{
    Badge, Button, ButtonKind, Card, Column, DensityMenu, EmptyKind, EmptyState, Icon, Pager, Row, Select, Skeleton,
    Table, TextField,
};
use crate::url::{query, use_field, use_param, use_search, use_set_params};

/// The parameters that narrow the list.
const FILTERS: [&str; 4] = ["model", "provider", "history", "cursor"];

/// The list.
#[component]
pub fn BookCard() -> AnyView {
    let [model, provider, history, cursor] = FILTERS.map(use_param);
    let entries = use_get::<Page<PriceEntry>>(move || {
        let (model, provider, cursor) = (model.get(), provider.get(), cursor.get());
        let history = history.with(Option::is_some).then_some("true");
        let params = [
            ("model", model.as_deref()),
            ("provider", provider.as_deref()),
            ("history", history),
            ("cursor", cursor.as_deref()),
        ];
        Some(format!("/prices{}", query(&params)))
    });
    let narrow = Signal::derive(move || [model, provider, history].iter().any(|param| param.with(Option::is_some)));
    let set = use_set_params();
    let clear = Callback::new(move |()| set(&FILTERS.map(|name| (name, None)), false));
    let next = Signal::derive(move || entries.data.with(|page| page.as_ref()?.next_cursor.clone()));
    let skeleton = || view! { <div class="pad"><Skeleton shape="row" count=8 /></div> }.into_any();
    view! {
        <div class="stack">
            <Filters narrow clear />
            <Card
                title=words::prices::BOOK
                note=words::prices::BOOK_NOTE
                flush=true
                actions=move || view! { <div class="toolbar end wide-only"><DensityMenu /></div> }
            >
                {data::section(entries, skeleton, move |page| {
                    if page.data.is_empty() { nothing(narrow.get_untracked(), clear) } else { table(page.data) }
                })}
                <Pager next />
            </Card>
        </div>
        <EntryDialog entries />
    }
    .into_any()
}

#[component]
fn Filters(narrow: Signal<bool>, clear: Callback<()>) -> AnyView {
    let chosen = use_param("provider");
    let providers = Signal::derive(move || {
        let mut choices = vec![(String::new(), words::prices::PROVIDER_ALL.get().to_owned())];
        choices.extend(provider::usual());
        // A link may name any provider.
        if let Some(now) = chosen.get().filter(|now| choices.iter().all(|(name, _)| name != now)) {
            choices.push((now.clone(), now));
        }
        choices
    });
    let times = Signal::derive(|| {
        vec![
            (String::new(), words::prices::TIME_NOW.get().to_owned()),
            ("all".to_owned(), words::prices::TIME_ALL.get().to_owned()),
        ]
    });
    view! {
        <div class="log-filters" role="group" aria-label=move || words::explore::FILTERS.get()>
            <TextField label=words::prices::MODEL value=use_search("model") kind="search" placeholder="gpt-5.4" />
            <Select label=words::prices::PROVIDER value=use_field("provider") choices=providers />
            <Select label=words::prices::TIME value=use_field("history") choices=times />
            {live(move || narrow.get().then(|| view! {
                <Button kind=ButtonKind::Ghost icon=Icon::Close on_press=move |_| clear.run(())>
                    {t(words::common::CLEAR_FILTERS)}
                </Button>
            }))}
        </div>
    }
    .into_any()
}

fn nothing(narrow: bool, clear: Callback<()>) -> AnyView {
    if !narrow {
        return view! { <EmptyState kind=EmptyKind::NoData body=words::prices::BOOK_EMPTY /> }.into_any();
    }
    view! {
        <EmptyState
            kind=EmptyKind::NoMatch
            actions=move || view! { <Button on_press=move |_| clear.run(())>{t(words::common::CLEAR_FILTERS)}</Button> }
        />
    }
    .into_any()
}

fn table(entries: Vec<PriceEntry>) -> AnyView {
    let columns = vec![
        Column::text(words::prices::MODEL),
        Column::text(words::prices::PROVIDER),
        Column::number(words::prices::KIND_INPUT),
        Column::number(words::prices::KIND_CACHED_INPUT),
        Column::number(words::prices::KIND_OUTPUT),
        Column::number(words::prices::OTHERS),
        Column::text(words::prices::EFFECTIVE_FROM),
        Column::text(words::prices::CHECKED),
    ];
    let location = use_location();
    let rows = Callback::new(move |()| {
        // Untracked: opening an entry must not make the link anew that gets the focus back.
        let (path, search) = (location.pathname.get_untracked(), location.query.get_untracked());
        let row = |entry: &PriceEntry| {
            let mut params = search.clone();
            params.replace("entry", entry.id.to_string());
            row(entry, format!("{path}{}", params.to_query_string()))
        };
        entries.iter().map(row).collect::<Vec<_>>()
    });
    view! { <Table label=words::prices::BOOK columns rows /> }.into_any()
}

fn row(entry: &PriceEntry, href: String) -> Row {
    let region = entry.region.clone().map(|region| view! { " "<Badge>{region}</Badge> });
    let past = entry.effective_to.is_some().then(|| view! { " "<Badge>{t(words::prices::PAST)}</Badge> });
    let usual = |kind| price(model::usual(&entry.prices, kind), kind);
    let (from, checked) = (entry.effective_from, entry.checked_at);
    let date = |at| view! { <span class="nowrap">{live(move || moment::exact(at, Show::Date))}</span> }.into_any();
    let cells = vec![
        view! { <a class="row-link" href=href data-noscroll="">{entry.model.clone()}</a>{region}{past} }.into_any(),
        provider_name(&entry.provider).to_owned().into_any(),
        usual(UnitKind::Input),
        usual(UnitKind::CachedInput),
        usual(UnitKind::Output),
        others(entry),
        since(from),
        date(checked),
    ];
    Row { linked: true, cells }
}

/// From when a price holds. What the book says of all times begins with the century.
pub(super) fn since(from: DateTime<Utc>) -> AnyView {
    const FIRST_SECOND: i64 = 946_684_800;
    if from.timestamp() <= FIRST_SECOND {
        return t(words::prices::FROM_THE_START).into_any();
    }
    view! { <span class="nowrap">{live(move || moment::exact(from, Show::Date))}</span> }.into_any()
}

/// What is neither input nor output, the first of it by name.
fn others(entry: &PriceEntry) -> AnyView {
    let others = model::others(&entry.prices);
    let Some((kind, first)) = others.first().copied() else { return "–".into_any() };
    let more = others.len() - 1;
    live(move || {
        let what = format!("{} {}", kind_name(kind).get(), price_text(first, kind));
        let title = format!("{what} · {}", per(kind).get());
        let more = (more > 0).then(|| format!(" +{more}"));
        view! { <span class="nowrap" title=title>{what}{more}</span> }
    })
}
