//! How a team's collection stands.

use finops_contract::collector::{CollectionError, CollectionStatus, TeamCollection};
use leptos::prelude::*;

use super::model;
use super::page::TeamView;
use crate::api;
use crate::data::{self, Query, Task, poll};
use crate::features::moment;
use crate::format::time::{self, Show};
use crate::i18n::{t, words};
use crate::reactive::{effect, live, memo};
use crate::session;
use crate::ui::{
    Badge, Banner, Button, ButtonKind, Card, EmptyKind, EmptyState, Fact, Facts, Icon, Progress, Skeleton, Text, Tone,
    toast,
};

/// Seconds between two looks at a collection that runs.
const LOOK: u64 = 3;

/// Looks at a collection again while it moves.
pub fn follow(collection: Query<TeamCollection>) {
    poll(collection, LOOK, move || {
        collection.data.with_untracked(|now| now.as_ref().is_some_and(|now| model::is_moving(now.status)))
    });
}

/// The state of the collection, and the button that starts it.
#[component]
pub fn CollectionCard(
    /// The team.
    view: TeamView,
) -> AnyView {
    let collection = view.collection;
    follow(collection);
    let task = Task::new();
    let collect = move |_| {
        let path = format!("/teams/{}/collection", view.id);
        task.run(async move { api::post_empty(&path).await }, move |()| {
            toast::done(words::teams::COLLECT_STARTED.get_untracked());
            collection.reload();
        });
    };
    let status = memo(move |_| collection.data.with(|now| now.as_ref().map(|now| now.status)));
    // A run that has ended used the key.
    effect(move |before: Option<Option<CollectionStatus>>| {
        let now = status.get();
        if before.flatten().is_some_and(model::is_moving) && !now.is_some_and(model::is_moving) {
            view.keys.reload();
        }
        now
    });
    let possible = move || status.get().is_some_and(|s| s != CollectionStatus::NotConfigured);
    let button = move || {
        (session::manages() && possible()).then(|| {
            view! {
                <Button
                    icon=Icon::Retry
                    busy=task.busy
                    disabled=Signal::derive(move || status.get().is_some_and(model::is_moving))
                    on_press=collect
                >
                    {t(words::teams::COLLECT_NOW)}
                </Button>
            }
        })
    };
    let note = Text::derive(|| {
        let (zone, offset) = moment::zone();
        words::teams::collection_note(&offset, &zone)
    });
    let skeleton = || view! { <Skeleton count=4 /> }.into_any();
    view! {
        <Card title=words::teams::COLLECTION note=note actions=move || button>
            {live(move || task.error.get().map(|error| view! { <Banner tone=Tone::Danger>{live(move || error.text())}</Banner> }))}
            {data::section(collection, skeleton, move |now| state(&now, view))}
        </Card>
    }
    .into_any()
}

fn state(now: &TeamCollection, view: TeamView) -> AnyView {
    if now.status == CollectionStatus::NotConfigured && now.last_run_at.is_none() {
        return view! {
            <EmptyState
                kind=EmptyKind::NoData
                title=words::teams::STATUS_NEVER_RUN
                body=words::teams::NOT_CONFIGURED_BODY
            />
        }
        .into_any();
    }
    let (tone, word) = model::status(now.status);
    let moving = model::is_moving(now.status);
    let settled = now.settled_before.and_then(|day| day.pred_opt());
    let (last_run, last_success, next_run) = (now.last_run_at, now.last_success_at, now.next_run_at);
    view! {
        <div class="stack collection">
            <div class="row" data-gap="16">
                <Badge tone dot=true>{t(word)}</Badge>
                {moving.then(|| progress(now.days_done, now.days_total))}
            </div>
            {now.last_error.as_ref().map(|error| failure(error, repair(view, &error.code)))}
            <Facts>
                <Fact label=words::teams::LAST_RUN>{moment::at(last_run, words::teams::NEVER)}</Fact>
                <Fact label=words::teams::LAST_SUCCESS>{moment::at(last_success, words::teams::NEVER)}</Fact>
                <Fact label=words::teams::NEXT_RUN>{moment::at(Some(next_run), words::teams::NEVER)}</Fact>
                <Fact label=words::teams::SETTLED_BEFORE>
                    {live(move || match settled {
                        Some(day) => format!("{} (UTC)", time::date(&day.to_string(), Show::Date)),
                        None => words::teams::SETTLED_NONE.get().to_owned(),
                    })}
                </Fact>
            </Facts>
        </div>
    }
    .into_any()
}

/// How far a run is, with a bar.
pub fn progress(done: i32, total: i32) -> AnyView {
    let Some(percent) = model::percent(done, total) else { return ().into_any() };
    view! {
        <div class="run">
            <Progress percent label=words::teams::PROGRESS_LABEL />
            <span class="nowrap" role="status">{live(move || words::teams::progress(&done, &total))}</span>
        </div>
    }
    .into_any()
}

/// The way to another key, where the one in use is at fault.
fn repair(view: TeamView, code: &str) -> AnyView {
    if !session::manages() || !matches!(code, "unauthorized" | "decryption_failed") {
        return ().into_any();
    }
    live(move || {
        view.active_key().map(|key| {
            view! {
                <Button kind=ButtonKind::Primary on_press=move |_| view.rotate.set(Some(key.clone()))>
                    {t(words::teams::ROTATE_KEY)}
                </Button>
            }
        })
    })
}

/// Why a run failed, and what to check; at its end, what to do about it.
pub fn failure(error: &CollectionError, action: impl IntoAny) -> AnyView {
    let action = action.into_any();
    let (at, known, message) = (error.at, model::cause(&error.code), error.message.clone());
    view! {
        <Banner tone=Tone::Danger actions=move || action>
            <p class="strong">{live(move || known.map_or_else(|| message.clone(), |(cause, _)| cause.get().to_owned()))}</p>
            {known.map(|(_, fix)| view! { <p>{t(fix)}</p> })}
            <p class="small muted">{live(move || words::teams::failed_at(&moment::exact(at, Show::Minute)))}</p>
        </Banner>
    }
    .into_any()
}
