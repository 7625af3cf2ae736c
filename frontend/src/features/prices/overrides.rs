//! What the organization negotiated, and how that ends.

use finops_contract::Page;
use finops_contract::prices::PriceOverride;
use leptos::prelude::*;

use super::form::Prefill;
use super::model::{self, Holds};
use super::page::View;
use super::wording::{self, kind_name, per, price_text, tier_name};
use crate::api;
use crate::data::{self, Query, Task, use_get};
use crate::features::explore::wording::provider_name;
use crate::features::{ask, moment};
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::{effect, live};
use crate::session;
use crate::ui::{
    Badge, Button, Card, Column, ConfirmDialog, EmptyKind, EmptyState, Icon, Pager, Row, RowAction, Skeleton, Table,
    Text, toast,
};
use crate::url::{query, use_param};

/// The list.
#[component]
pub fn OverridesCard(
    /// The page.
    view: View,
) -> AnyView {
    let cursor = use_param("cursor");
    let own: Query<Page<PriceOverride>> =
        use_get(move || Some(format!("/prices/overrides{}", query(&[("cursor", cursor.get().as_deref())]))));
    effect(move |before: Option<()>| {
        view.changed.track();
        if before.is_some() {
            own.reload();
        }
    });
    let ended = RwSignal::new(None::<PriceOverride>);
    let next = Signal::derive(move || own.data.with(|page| page.as_ref()?.next_cursor.clone()));
    let skeleton = || view! { <div class="pad"><Skeleton shape="row" count=3 /></div> }.into_any();
    view! {
        <Card title=words::prices::OWN note=words::prices::OWN_NOTE flush=true>
            {data::section(own, skeleton, move |page| {
                if page.data.is_empty() { nothing(view) } else { table(page.data, ended) }
            })}
            <Pager next />
        </Card>
        <EndDialog asked=ended view />
    }
    .into_any()
}

fn nothing(view: View) -> AnyView {
    view! {
        <EmptyState
            kind=EmptyKind::NoData
            title=words::prices::OWN_EMPTY
            body=words::prices::OWN_EMPTY_BODY
            actions=move || session::manages().then(|| view! {
                <Button icon=Icon::Plus on_press=move |_| view.add(Prefill::default())>{t(words::prices::ADD)}</Button>
            })
        />
    }
    .into_any()
}

fn table(list: Vec<PriceOverride>, ended: RwSignal<Option<PriceOverride>>) -> AnyView {
    let manages = session::manages();
    let mut columns = vec![
        Column::text(words::prices::TARGET),
        Column::text(words::prices::TERMS),
        Column::text(words::prices::STATE),
        Column::text(words::prices::PERIOD),
        Column::text(words::prices::NOTE),
    ];
    if manages {
        columns.push(Column::number(words::prices::ACTION));
    }
    let rows = Callback::new(move |()| list.iter().map(|one| row(one, manages, ended)).collect::<Vec<_>>());
    view! { <Table label=words::prices::OWN columns rows /> }.into_any()
}

/// What it is about: a model, or everything of a provider.
fn target(own: &PriceOverride) -> String {
    let provider = provider_name(&own.provider);
    match &own.model {
        Some(model) => format!("{provider} · {model}"),
        None => words::prices::everything_of(&provider),
    }
}

/// What was agreed on, in a sentence.
fn terms(own: &PriceOverride) -> String {
    match (own.unit_price, own.kind, own.discount_percent, &own.same_as) {
        (Some(price), Some(kind), ..) => {
            let tier = tier_name(own.tier.unwrap_or_default()).get();
            format!("{} · {tier} · {} ({})", kind_name(kind).get(), price_text(price, kind), per(kind).get())
        }
        (_, _, Some(percent), _) => words::prices::discount_of(&percent.0.normalize()),
        (_, _, _, Some(model)) => words::prices::same_as_of(model),
        _ => words::common::UNKNOWN.get().to_owned(),
    }
}

fn row(own: &PriceOverride, manages: bool, ended: RwSignal<Option<PriceOverride>>) -> Row {
    let holds = model::holds(own, moment::now());
    let (tone, state) = wording::holds(holds);
    let (from, to) = (own.effective_from, own.effective_to);
    let span = move || {
        let to = to.map(|to| moment::exact(to, Show::Minute)).unwrap_or_default();
        format!("{} – {to}", moment::exact(from, Show::Minute))
    };
    let (of_target, of_terms, of_action, to_end) = (own.clone(), own.clone(), own.clone(), own.clone());
    let mut cells = vec![
        view! { <span class="strong">{live(move || target(&of_target))}</span> }.into_any(),
        live(move || terms(&of_terms)),
        view! { <Badge tone>{t(state)}</Badge> }.into_any(),
        live(span),
        own.note.clone().unwrap_or_else(|| "–".to_owned()).into_any(),
    ];
    if manages {
        let end = (holds != Holds::Over).then(|| {
            view! {
                <RowAction
                    icon=Icon::Trash
                    label=Text::derive(move || words::prices::end_of(&target(&of_action)))
                    on_press=move |()| ended.set(Some(to_end.clone()))
                />
            }
        });
        cells.push(end.into_any());
    }
    Row { linked: false, cells }
}

#[component]
fn EndDialog(asked: RwSignal<Option<PriceOverride>>, view: View) -> AnyView {
    let open = ask::opened_by(asked);
    let task = Task::new();
    let confirm = Callback::new(move |()| {
        let Some(own) = asked.get_untracked() else { return };
        let path = format!("/prices/overrides/{}", own.id);
        task.run(async move { api::delete(&path).await }, move |()| {
            open.set(false);
            toast::done(words::prices::ended(&target(&own)));
            view.tell();
        });
    });
    let title = Text::derive(move || {
        asked.with(|own| own.as_ref().map(|own| words::prices::end_title(&target(own))).unwrap_or_default())
    });
    view! {
        <ConfirmDialog
            open
            title
            consequences=vec![words::prices::END_1.into(), words::prices::END_2.into()]
            confirm=words::prices::END
            busy=task.busy
            error=task.text()
            on_confirm=confirm
        />
    }
    .into_any()
}
