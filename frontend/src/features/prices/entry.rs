//! One entry of the book in full: every price that it holds, where they come from, and what they were before.

use finops_contract::Page;
use finops_contract::prices::{PriceEntry, PriceTier, ResolvedPrice};
use leptos::prelude::*;
use uuid::Uuid;

use super::book::since;
use super::model;
use super::wording::{kind_name, per, price, price_text, source, tier_name};
use crate::data::{Query, section, use_get, use_list};
use crate::features::explore::wording::provider_name;
use crate::features::moment;
use crate::format::number::grouped;
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::{effect, live, memo};
use crate::ui::{Badge, Column, Dialog, EmptyKind, EmptyState, Fact, Facts, Row, Skeleton, Table, Text};
use crate::url::{query, use_param, use_set_params};

/// The entry that the URL names, over the list.
#[component]
pub fn EntryDialog(
    /// The list behind it.
    entries: Query<Page<PriceEntry>>,
) -> AnyView {
    let param = use_param("entry");
    let set = use_set_params();
    let open = RwSignal::new(false);
    effect(move |_| open.set(param.with(Option::is_some)));
    effect(move |before: Option<bool>| {
        let now = open.get();
        if before == Some(true) && !now && param.with_untracked(Option::is_some) {
            set(&[("entry", None)], true);
        }
        now
    });
    // Kept while the dialog closes.
    let shown = RwSignal::new(None::<PriceEntry>);
    effect(move |_| {
        let wanted: Option<Uuid> = param.get().and_then(|id| id.parse().ok());
        let found = entries.data.with(|page| page.as_ref()?.data.iter().find(|one| Some(one.id) == wanted).cloned());
        if wanted.is_some() {
            shown.set(found);
        }
    });
    let title =
        Text::derive(move || shown.with(|entry| entry.as_ref().map(|one| one.model.clone()).unwrap_or_default()));
    let waits = memo(move |_| entries.data.with(Option::is_none));
    view! {
        <Dialog open title>
            {live(move || match shown.get() {
                Some(entry) => view! { <Details entry /> }.into_any(),
                None if waits.get() => view! { <Skeleton count=6 /> }.into_any(),
                None => view! { <EmptyState kind=EmptyKind::Missing /> }.into_any(),
            })}
        </Dialog>
    }
    .into_any()
}

#[component]
fn Details(entry: PriceEntry) -> AnyView {
    let tiers = model::tiers(&entry.prices);
    let steps = model::steps(&entry.prices);
    let single = steps.len() < 2;
    let tables = steps.into_iter().map(|above| prices(&entry, &tiers, above, single)).collect_view();
    let current = entry.effective_to.is_none();
    view! {
        <div class="stack">
            {tables}
            {current.then(|| view! { <Own entry=entry.clone() /> })}
            {facts(&entry)}
            <History entry />
        </div>
    }
    .into_any()
}

fn step_name(above: u32, single: bool) -> Text {
    Text::derive(move || match above {
        0 if single => words::prices::UNIT_PRICES.get().to_owned(),
        0 => words::prices::STEP_FIRST.get().to_owned(),
        above => words::prices::step(&grouped(&above.to_string())),
    })
}

fn prices(entry: &PriceEntry, tiers: &[PriceTier], above: u32, single: bool) -> AnyView {
    let mut columns = vec![Column::text(words::prices::UNIT)];
    columns.extend(tiers.iter().map(|tier| Column::number(tier_name(*tier))));
    let lines = model::grid(&entry.prices, tiers, above);
    let rows = Callback::new(move |()| {
        let line = |(kind, prices): &model::KindPrices| {
            let kind = *kind;
            let mut cells =
                vec![view! { {t(kind_name(kind))}<br /><span class="small muted">{t(per(kind))}</span> }.into_any()];
            cells.extend(prices.iter().map(|one| price(*one, kind)));
            Row { linked: false, cells }
        };
        lines.iter().map(line).collect::<Vec<_>>()
    });
    let label = step_name(above, single);
    view! {
        <section class="stack" data-gap="4">
            <h3>{live(move || label.get())}</h3>
            <Table label columns rows wide=true />
        </section>
    }
    .into_any()
}

/// What the organization pays instead, where it negotiated something.
#[component]
fn Own(entry: PriceEntry) -> AnyView {
    let resolved = use_get::<ResolvedPrice>(move || {
        let params = [
            ("provider", Some(entry.provider.as_str())),
            ("model", Some(entry.model.as_str())),
            ("region", entry.region.as_deref()),
        ];
        Some(format!("/prices/resolve{}", query(&params)))
    });
    // Nothing negotiated is nothing to say, and so is a failure: the book's prices stand above.
    live(move || {
        let own = resolved.data.with(|found| {
            let found = found.as_ref()?;
            Some(found.prices.iter().filter(|one| one.negotiated).copied().collect::<Vec<_>>())
        })?;
        (!own.is_empty()).then(|| {
            let columns = vec![Column::text(words::prices::UNIT), Column::number(words::prices::WE_PAY)];
            let rows = Callback::new(move |()| {
                let line = |one: &finops_contract::prices::ResolvedUnitPrice| {
                    let (kind, above) = (one.kind, one.above_tokens);
                    let step = (above > 0).then(|| {
                        view! {
                            " "<Badge>{live(move || words::prices::step(&grouped(&above.to_string())))}</Badge>
                        }
                    });
                    let name =
                        view! { {t(kind_name(kind))}{step}<br /><span class="small muted">{t(per(kind))}</span> };
                    Row { linked: false, cells: vec![name.into_any(), price(Some(one.price), kind)] }
                };
                own.iter().map(line).collect::<Vec<_>>()
            });
            view! {
                <section class="stack" data-gap="4">
                    <h3>{t(words::prices::OWN)}</h3>
                    <Table label=words::prices::OWN columns rows wide=true />
                </section>
            }
        })
    })
}

fn facts(entry: &PriceEntry) -> AnyView {
    let (from, to, checked) = (entry.effective_from, entry.effective_to, entry.checked_at);
    let (provider, confirmed_by) = (provider_name(&entry.provider).to_owned(), entry.confirmed_by.clone());
    let (region, page) = (entry.region.clone(), entry.source.clone());
    let factors = entry.factors.clone().into_iter().map(|one| {
        let (region, factor) = (one.region, one.factor.0.normalize());
        view! { <Fact label=Text::derive(move || words::prices::factor_of(&region))>{format!("× {factor}")}</Fact> }
    });
    view! {
        <Facts>
            <Fact label=words::prices::PROVIDER>{provider}</Fact>
            {region.map(|region| view! { <Fact label=words::prices::REGION>{region}</Fact> })}
            {factors.collect_view()}
            <Fact label=words::prices::EFFECTIVE_FROM>{since(from)}</Fact>
            {to.map(|to| view! { <Fact label=words::prices::EFFECTIVE_TO>{moment::at(Some(to), words::common::NONE)}</Fact> })}
            {page.map(|text| view! { <Fact label=words::prices::SOURCE>{source(&text)}</Fact> })}
            <Fact label=words::prices::CONFIRMED_BY>{source(&confirmed_by)}</Fact>
            <Fact label=words::prices::CHECKED>{moment::at(Some(checked), words::common::NONE)}</Fact>
        </Facts>
    }
    .into_any()
}

/// What the model cost at other times.
#[component]
fn History(entry: PriceEntry) -> AnyView {
    let path = {
        let params = [
            ("provider", Some(entry.provider.as_str())),
            ("model", Some(entry.model.as_str())),
            ("history", Some("true")),
            ("limit", Some("200")),
        ];
        format!("/prices{}", query(&params))
    };
    let entries = use_list::<PriceEntry>(move || Some(path.clone()));
    let skeleton = || view! { <Skeleton count=2 /> }.into_any();
    let list = section(entries, skeleton, move |page| {
        let lines = model::history(page.data, &entry);
        if lines.len() < 2 {
            return view! { <p class="muted">{t(words::prices::HISTORY_NONE)}</p> }.into_any();
        }
        let line = |one: PriceEntry| {
            let (from, to, now) = (one.effective_from, one.effective_to, one.id == entry.id);
            let span = move || {
                let to = to.map(|to| moment::exact(to, Show::Date)).unwrap_or_default();
                format!("{} – {to}", moment::exact(from, Show::Date))
            };
            let what = move || {
                let kinds = [finops_contract::UnitKind::Input, finops_contract::UnitKind::Output];
                let usual = |kind| {
                    Some(format!("{} {}", kind_name(kind).get(), price_text(model::usual(&one.prices, kind)?, kind)))
                };
                kinds.into_iter().filter_map(usual).collect::<Vec<_>>().join(" · ")
            };
            view! {
                <li class="spread">
                    <span class=("strong", now)>{live(span)}</span>
                    <span class="muted">{live(what)}</span>
                </li>
            }
        };
        view! { <ul class="stack" data-gap="4">{lines.into_iter().map(line).collect_view()}</ul> }.into_any()
    });
    view! { <section class="stack" data-gap="4"><h3>{t(words::prices::HISTORY)}</h3>{list}</section> }.into_any()
}
