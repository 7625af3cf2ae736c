//! What was told, to whom, and what became of it.

use finops_contract::Page;
use finops_contract::channels::Channel;
use finops_contract::deliveries::{Delivery, DeliveryStatus};
use leptos::prelude::*;
use uuid::Uuid;

use super::delivery::{Resend, details, use_resend};
use super::model::is_resendable;
use super::wording::{channel_type, delivery_badge, delivery_status, reason_text, told};
use crate::data::{self, poll, use_get, use_list};
use crate::features::drawer::drawer;
use crate::features::moment;
use crate::format::time;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{
    Button, ButtonKind, Card, Column, DensityMenu, EmptyKind, EmptyState, Icon, LinkButton, Pager, Row, RowAction,
    Select, Skeleton, Table, Text,
};
use crate::url::{query, use_field, use_param, use_set_params};

/// The parameters that narrow the list.
const FILTERS: [&str; 4] = ["status", "channelId", "alertId", "cursor"];

/// The tab.
#[component]
pub fn DeliveriesTab() -> AnyView {
    let params = FILTERS.map(use_param);
    let deliveries = use_get::<Page<Delivery>>(move || {
        let values = params.map(|param| param.get());
        let asked: Vec<_> = FILTERS.into_iter().zip(values.iter().map(Option::as_deref)).collect();
        Some(format!("/deliveries{}", query(&asked)))
    });
    poll(deliveries, 10, || true);
    let narrow = Signal::derive(move || params.iter().take(3).any(|param| param.with(Option::is_some)));
    let set = use_set_params();
    let clear = Callback::new(move |()| set(&FILTERS.map(|name| (name, None)), false));
    let resend = use_resend(Callback::new(move |()| deliveries.reload()));
    let next = Signal::derive(move || deliveries.data.with(|page| page.as_ref()?.next_cursor.clone()));
    let skeleton = || view! { <div class="pad"><Skeleton shape="row" count=6 /></div> }.into_any();
    let list = move |page: Page<Delivery>| {
        if page.data.is_empty() { nothing(narrow.get_untracked(), clear) } else { table(page.data, resend, true) }
    };
    view! {
        <div class="stack">
            <Filters narrow clear />
            <Card
                title=words::alerts::TAB_DELIVERIES
                note=words::alerts::DELIVERIES_NOTE
                flush=true
                actions=move || view! { <div class="toolbar end wide-only"><DensityMenu /></div> }
            >
                {data::section(deliveries, skeleton, list)}
                <Pager next />
            </Card>
        </div>
        {details(resend)}
    }
    .into_any()
}

#[component]
fn Filters(narrow: Signal<bool>, clear: Callback<()>) -> AnyView {
    let channels = use_list::<Channel>(|| Some("/channels?limit=200".to_owned()));
    let all = |choices: Vec<(String, String)>| {
        std::iter::once((String::new(), words::budgets::ALL.get().to_owned())).chain(choices).collect::<Vec<_>>()
    };
    let states = Signal::derive(move || {
        let names = DeliveryStatus::ALL.iter();
        all(names.map(|one| (one.name().to_owned(), delivery_status(*one).2.get().to_owned())).collect())
    });
    let channels = Signal::derive(move || {
        let known = channels.data.with(|page| page.as_ref().map(|page| page.data.clone()).unwrap_or_default());
        all(known.into_iter().map(|channel| (channel.id.to_string(), channel.name)).collect())
    });
    let of_alert = use_param("alertId");
    view! {
        <div class="log-filters" role="group" aria-label=move || words::explore::FILTERS.get()>
            <Select label=words::alerts::STATUS value=use_field("status") choices=states />
            <Select label=words::alerts::CHANNEL value=use_field("channelId") choices=channels />
            {live(move || narrow.get().then(|| view! {
                <Button kind=ButtonKind::Ghost icon=Icon::Close on_press=move |_| clear.run(())>
                    {t(words::common::CLEAR_FILTERS)}
                </Button>
            }))}
        </div>
        {live(move || of_alert.with(Option::is_some).then(|| view! {
            <p class="field-hint">{t(words::alerts::OF_ONE_ALERT)}</p>
        }))}
    }
    .into_any()
}

fn nothing(narrow: bool, clear: Callback<()>) -> AnyView {
    if narrow {
        return view! {
            <EmptyState
                kind=EmptyKind::NoMatch
                actions=move || view! {
                    <Button on_press=move |_| clear.run(())>{t(words::common::CLEAR_FILTERS)}</Button>
                }
            />
        }
        .into_any();
    }
    view! {
        <EmptyState
            kind=EmptyKind::NoData
            title=words::alerts::NO_DELIVERIES
            body=words::alerts::NO_DELIVERIES_BODY
            actions=|| view! { <LinkButton href="/alerts?tab=channels">{t(words::alerts::TO_CHANNELS)}</LinkButton> }
        />
    }
    .into_any()
}

/// What was told of one alert.
#[component]
pub fn AlertDeliveries(
    /// The alert.
    id: Uuid,
) -> AnyView {
    let deliveries = use_get::<Page<Delivery>>(move || Some(format!("/deliveries?limit=20&alertId={id}")));
    poll(deliveries, 10, || true);
    let resend = use_resend(Callback::new(move |()| deliveries.reload()));
    let skeleton = || view! { <div class="pad"><Skeleton shape="row" count=2 /></div> }.into_any();
    let list = move |page: Page<Delivery>| {
        if page.data.is_empty() {
            view! { <p class="none">{t(words::alerts::TOLD_NOBODY)}</p> }.into_any()
        } else {
            table(page.data, resend, false)
        }
    };
    let all = format!("/alerts?tab=deliveries&alertId={id}");
    view! {
        <Card
            title=words::alerts::TAB_DELIVERIES
            flush=true
            actions=move || view! { <LinkButton href=all.clone()>{t(words::alerts::ALL_DELIVERIES)}</LinkButton> }
        >
            {data::section(deliveries, skeleton, list)}
        </Card>
        {details(resend)}
    }
    .into_any()
}

fn table(deliveries: Vec<Delivery>, resend: Resend, with_subject: bool) -> AnyView {
    let now = time::ticking_now();
    let columns = vec![
        Column::text(words::alerts::DELIVERY),
        Column::text(words::alerts::RECIPIENT),
        Column::text(words::alerts::STATUS),
        Column::number(words::alerts::ATTEMPTS),
        Column::text(words::alerts::WHEN),
    ];
    let rows = Callback::new(move |()| {
        deliveries.iter().map(|delivery| row(delivery, resend, with_subject, now)).collect::<Vec<_>>()
    });
    view! { <Table label=words::alerts::TAB_DELIVERIES columns rows /> }.into_any()
}

fn row(delivery: &Delivery, resend: Resend, with_subject: bool, now: ReadSignal<f64>) -> Row {
    let set = StoredValue::new(use_set_params());
    let id = delivery.id;
    let open = move |press: leptos::ev::MouseEvent| {
        // With a key held the browser opens the address elsewhere.
        if !(press.ctrl_key() || press.meta_key() || press.shift_key()) {
            press.prevent_default();
            set.with_value(|set| set(&[("delivery", Some(&id.to_string()))], false));
        }
    };
    let what = kind(&delivery.kind);
    let subject = with_subject.then(|| view! { <div class="small muted">{delivery.subject.clone()}</div> });
    let head = view! {
        <div>
            <a class="row-link nowrap" href=format!("/alerts?tab=deliveries&delivery={id}") data-noscroll="" on:click=open>{what}</a>
            {subject}
        </div>
    };
    let cells = vec![
        head.into_any(),
        recipient(delivery),
        status(delivery, resend),
        delivery.attempts.to_string().into_any(),
        moment::ago(Some(delivery.created_at), now, words::common::NONE),
    ];
    Row { linked: true, cells }
}

/// What a message tells of.
pub(super) fn kind(kind: &str) -> AnyView {
    match told(kind) {
        Some(word) => t(word).into_any(),
        None => view! { <code>{kind.to_owned()}</code> }.into_any(),
    }
}

/// Where it went.
pub(super) fn recipient(delivery: &Delivery) -> AnyView {
    let channel = delivery.channel.clone().map(|channel| {
        if channel.deleted { live(move || words::explore::deleted(&channel.name)) } else { channel.name.into_any() }
    });
    let person = delivery.recipient.clone().map(|to| view! { <div class="small muted">{to}</div> });
    let fallback = delivery.fallback.then(|| view! { <div class="small muted">{t(words::alerts::FALLBACK)}</div> });
    let kind = channel_type(delivery.channel_type).1;
    let name = channel.unwrap_or_else(|| t(kind).into_any());
    view! { <div>{name}{person}{fallback}</div> }.into_any()
}

fn status(delivery: &Delivery, resend: Resend) -> AnyView {
    let why = delivery.reason.clone().map(|reason| {
        view! { <div class="small muted">{live(move || reason_text(&reason))}</div> }
    });
    let id = delivery.id;
    let subject = delivery.subject.clone();
    let again = is_resendable(delivery).then(|| {
        let label = Text::derive(move || words::alerts::resend_of(&subject));
        view! { <RowAction icon=Icon::Retry label on_press=move |()| resend.run(id) /> }
    });
    view! { <div><span class="row" data-gap="4">{delivery_badge(delivery.status)}{again}</span>{why}</div> }.into_any()
}

/// The drawer that a row opens.
pub(super) fn beside(show: impl Fn(String) -> AnyView + Send + Sync + 'static) -> AnyView {
    drawer("delivery", words::alerts::DELIVERY, show)
}
