//! Waits for an event, and shows it and its cost as soon as it is there.

use finops_contract::usage::UsageEvent;
use leptos::prelude::*;

use super::key::Key;
use crate::api::client;
use crate::api::stream::{Feed, Link};
use crate::features::events::cost;
use crate::features::moment;
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::{effect, live, memo};
use crate::ui::{Banner, Card, Dot, Fact, Facts, LinkButton, Tone};
use crate::url::query;

/// What comes in: with the key that was made here, or at all.
pub(super) fn waiting_card(key: RwSignal<Option<Key>>) -> AnyView {
    let link = RwSignal::new(Link::Connecting);
    let event = RwSignal::new(None::<UsageEvent>);
    let count = RwSignal::new(0u64);
    let id = memo(move |_| key.with(|key| key.as_ref().map(|(id, _)| id.to_string())));
    let feed = StoredValue::new_local(None::<Feed>);
    effect(move |_| {
        let path = format!("/usage-events/stream{}", query(&[("apiKeyId", id.get().as_deref())]));
        link.set(Link::Connecting);
        event.set(None);
        count.set(0);
        let on_data = move |data: &str| {
            if let Ok(told) = client::read::<UsageEvent>(data) {
                event.try_set(Some(told));
                count.try_update(|count| *count += 1);
            }
        };
        feed.set_value(Some(Feed::open(path, move |now| drop(link.try_set(now)), on_data)));
    });
    let content = move || match event.get() {
        Some(event) => arrived(&event, count.get()),
        None => waiting(link, id.with(Option::is_some)),
    };
    view! {
        <Card title=words::integration::FIRST_TITLE note=words::integration::FIRST_NOTE>
            <div class="stack" role="status">{live(content)}</div>
        </Card>
    }
    .into_any()
}

fn waiting(link: RwSignal<Link>, with_key: bool) -> AnyView {
    let state = move || match link.get() {
        Link::Connecting => words::events::CONNECTING.get().to_owned(),
        Link::Open => words::events::CONNECTED.get().to_owned(),
        Link::Again => words::events::AGAIN.get().to_owned(),
        Link::Refused(error) => error.text(),
    };
    let tone = move || match link.get() {
        Link::Open => Tone::Info,
        Link::Refused(_) => Tone::Danger,
        _ => Tone::Neutral,
    };
    let hint = if with_key { words::integration::WAITING_KEY } else { words::integration::WAITING_ANY };
    view! {
        <p class="row"><span class="spinner" aria-hidden="true"></span><b>{t(words::integration::WAITING)}</b></p>
        <p class="muted">{t(hint)}</p>
        <p class="row small muted">{live(move || view! { <Dot tone=tone() /> })}{live(state)}</p>
    }
    .into_any()
}

fn arrived(event: &UsageEvent, count: u64) -> AnyView {
    let href = format!("/events{}", query(&[("event", Some(&event.event_id)), ("live", Some("on"))]));
    let (at, model, cost) = (event.received_at, event.model.clone(), cost(event));
    let project = event.project.clone().map(|project| {
        view! { <Fact label=words::explore::PROJECT>{project.name}</Fact> }
    });
    let service = event.service.clone().map(|it| view! { <Fact label=words::events::SERVICE>{it}</Fact> });
    let title = move || {
        if count > 1 { words::integration::arrived_more(count) } else { words::integration::ARRIVED.get().to_owned() }
    };
    view! {
        <Banner tone=Tone::Success><b>{live(title)}</b></Banner>
        <Facts>
            <Fact label=words::events::COST>{cost}</Fact>
            <Fact label=words::explore::MODEL><code>{model}</code></Fact>
            {project}
            {service}
            <Fact label=words::events::RECEIVED>
                {live(move || moment::exact(at, Show::Second))}
            </Fact>
        </Facts>
        <div><LinkButton href>{t(words::integration::TO_EVENT)}</LinkButton></div>
    }
    .into_any()
}
