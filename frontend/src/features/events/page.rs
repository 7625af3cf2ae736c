//! `/events`: AI calls, the latest first, as they were stored and as they come in. What is looked at is in the URL.

use finops_contract::Page;
use finops_contract::usage::UsageEvent;
use leptos::prelude::*;

use super::drawer::drawer;
use super::empty::nothing;
use super::log::{Log, use_log};
use super::model::{Range, Span};
use super::search::{search, use_clear};
use super::table::table;
use super::wording::range_name;
use crate::api::stream::Link;
use crate::data;
use crate::features::moment;
use crate::i18n::{t, words};
use crate::reactive::{live, memo};
use crate::ui::{
    Button, Choice, DensityMenu, Dot, EmptyKind, EmptyState, Icon, IconButton, PageHeader, SegmentedControl, Skeleton,
    Switch, Text, Tone,
};
use crate::url::use_set_params;

/// The events.
#[component]
pub fn EventsPage() -> AnyView {
    let log = use_log();
    let lead = Text::derive(|| {
        let (zone, offset) = moment::zone();
        words::events::lead(&offset, &zone)
    });
    let refused = memo(move |_| log.refused.with(Option::is_some));
    let skeleton = || view! { <div class="card-body"><Skeleton shape="row" count=10 /></div> }.into_any();
    let list = move |page: Page<UsageEvent>| {
        // What comes in by itself fills an empty list.
        let none = memo(move |_| page.data.is_empty() && log.lines.with(|lines| lines.rows.is_empty()));
        live(move || if none.get() { nothing(log) } else { table(log) })
    };
    let clear = use_clear();
    view! {
        <PageHeader title=words::events::TITLE lead />
        <div class="stack">
            {search(log)}
            <div class="spread"><Ranges log /><Toolbar log /></div>
        </div>
        <section class="card" aria-label=move || words::events::TITLE.get()>
            {live(move || if refused.get() {
                // Half of what was asked for would be the answer to another question.
                view! {
                    <EmptyState
                        kind=EmptyKind::NoMatch
                        actions=move || view! {
                            <Button on_press=move |_| clear.run(())>{t(words::common::CLEAR_FILTERS)}</Button>
                        }
                    />
                }
                .into_any()
            } else {
                data::section(log.first, skeleton, list)
            })}
        </section>
        {drawer(log)}
    }
    .into_any()
}

#[component]
fn Ranges(log: Log) -> AnyView {
    let set = StoredValue::new(use_set_params());
    let choices = Range::ALL.map(|range| Choice::new(range.name(), range_name(range))).to_vec();
    let value = Signal::derive(move || match log.span.get() {
        Span::Last(range) => range.name().to_owned(),
        Span::Fixed(..) => String::new(),
    });
    let choose = move |name: &'static str| {
        let name = (name != Range::default().name()).then_some(name);
        set.with_value(|set| set(&[("range", name), ("from", None), ("to", None)], false));
    };
    view! { <SegmentedControl label=words::events::RANGE choices value on_change=choose /> }.into_any()
}

#[component]
fn Toolbar(log: Log) -> AnyView {
    let set = StoredValue::new(use_set_params());
    let moving = memo(move |_| matches!(log.span.get(), Span::Last(_)));
    let switch = move |on: bool| set.with_value(|set| set(&[("live", on.then_some("on"))], true));
    view! {
        <div class="toolbar end">
            {status(log)}
            {live(move || moving.get().then(|| view! {
                <Switch value=log.live label=words::events::LIVE on_change=switch />
            }))}
            <IconButton icon=Icon::Retry label=words::events::RENEW on_press=move |_| log.renew() />
            <DensityMenu />
        </div>
    }
    .into_any()
}

/// How what comes in comes in, and how much of it waits.
fn status(log: Log) -> AnyView {
    let waiting = memo(move |_| log.waiting.with(Vec::len));
    let holds = memo(move |_| log.holds());
    let text = move || {
        log.live.get().then(|| {
            let (tone, word) = match log.link.get() {
                Link::Connecting => (Tone::Neutral, words::events::CONNECTING),
                Link::Open if holds.get() => (Tone::Warning, words::events::HELD),
                Link::Open => (Tone::Success, words::events::CONNECTED),
                Link::Again => (Tone::Warning, words::events::AGAIN),
                Link::Refused(error) => {
                    return view! { <Dot tone=Tone::Danger /><span>{live(move || error.text())}</span> }.into_any();
                }
            };
            let is_live = tone == Tone::Success;
            view! { <Dot tone live=is_live /><span>{t(word)}</span> }.into_any()
        })
    };
    let count = move || (waiting.get() > 0).then(|| words::events::waiting(waiting.get() as u64));
    view! {
        <span class="small strong">{live(count)}</span>
        <span class="row small muted" role="status">{live(text)}</span>
    }
    .into_any()
}
