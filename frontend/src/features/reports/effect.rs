//! What came of reports: who opened them, who followed a link, and what was done afterwards.

use chrono::NaiveDate;
use finops_contract::Page;
use finops_contract::reports::{FollowUp, ReportEffect, ReportReader};
use leptos::prelude::*;

use super::model::of_week;
use super::wording::{change, done_name, kind_name, points_text, short_week, week_text};
use crate::data::{section, use_get};
use crate::features::budgets::{Sure, figure};
use crate::features::moment;
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{Badge, Card, Change, Column, EmptyKind, EmptyState, Glyph, Icon, Row, Skeleton, Stat, Table, Tone};

/// How many reports are looked back at: a quarter.
const WEEKS: u8 = 13;

/// The tab.
pub(super) fn effect_tab(week: Memo<NaiveDate>) -> AnyView {
    let effects = use_get::<Page<ReportEffect>>(|| Some(format!("/reports/weekly/effect?weeks={WEEKS}")));
    let skeleton =
        || view! { <div class="card"><div class="card-body"><Skeleton shape="row" count=6 /></div></div> }.into_any();
    section(effects, skeleton, move |effects| loaded(effects.data, week))
}

fn loaded(effects: Vec<ReportEffect>, week: Memo<NaiveDate>) -> AnyView {
    if effects.is_empty() {
        return view! {
            <div class="card">
                <EmptyState kind=EmptyKind::NoData title=words::reports::NEVER_SENT body=words::reports::NEVER_SENT_BODY />
            </div>
        }
        .into_any();
    }
    let all = effects.clone();
    let one = move || match of_week(&effects, week.get()) {
        Some(effect) => of_one(effect),
        None => view! {
            <div class="card"><EmptyState kind=EmptyKind::NoMatch title=words::reports::WEEK_NOT_SENT /></div>
        }
        .into_any(),
    };
    view! { <div class="sections">{live(one)}{past(all)}</div> }.into_any()
}

fn of_one(effect: &ReportEffect) -> AnyView {
    view! {
        <section class="card" aria-label=move || words::reports::EFFECT.get()>{stats(effect)}</section>
        <div class="split">{actions(&effect.actions)}{readers(&effect.readers)}</div>
    }
    .into_any()
}

fn stats(effect: &ReportEffect) -> AnyView {
    let of = effect.readers.len();
    let (opened, clicked, done) = (effect.opened, effect.clicked, effect.actions.len() as u64);
    let people = move |count: usize| live(move || words::reports::people_of(&count, &of));
    let counts = effect.counts.clone();
    let kinds = move || {
        if counts.is_empty() {
            return words::reports::NOTHING_DONE.get().to_owned();
        }
        let each = counts.iter().map(|one| format!("{} {}", kind_name(one.kind).get(), one.count));
        each.collect::<Vec<_>>().join(" · ")
    };
    let after = match effect.cost_after {
        Some(_) => figure(effect.cost_after, "USD", Sure::Exactly),
        None => view! { <span class="muted">"–"</span> }.into_any(),
    };
    let compared = match (effect.cost_after, effect.change_percent) {
        (_, Some(percent)) => change(words::reports::REPORTED_WEEK, percent),
        (None, None) => Some(view! { <span>{t(words::reports::AFTER_UNKNOWN)}</span> }.into_any()),
        (Some(_), None) => Some(view! { <span>{t(words::reports::UNCOMPARED)}</span> }.into_any()),
    };
    view! {
        <h2 class="sr-only">{t(words::reports::EFFECT)}</h2>
        <div class="stats">
            <Stat label=words::reports::OPENED value=move || people(opened)>{t(words::reports::OPENED_NOTE)}</Stat>
            <Stat label=words::reports::CLICKED value=move || people(clicked)>{t(words::reports::CLICKED_NOTE)}</Stat>
            <Stat label=words::reports::DONE value=move || live(move || words::reports::times(done))>{live(kinds)}</Stat>
            <Stat label=words::reports::AFTER value=move || after>{compared}</Stat>
        </div>
    }
    .into_any()
}

fn readers(readers: &[ReportReader]) -> AnyView {
    let body = if readers.is_empty() {
        view! { <p class="muted">{t(words::reports::NO_READERS)}</p> }.into_any()
    } else {
        let items = readers.iter().map(reader).collect::<Vec<_>>();
        // What scrolls must be reachable without a pointer.
        view! { <ul class="picks" tabindex="0" aria-label=move || words::reports::READERS.get()>{items}</ul> }
            .into_any()
    };
    view! { <Card title=words::reports::READERS note=words::reports::READERS_NOTE>{body}</Card> }.into_any()
}

fn reader(one: &ReportReader) -> AnyView {
    let (tone, word) = match (one.opened_at, one.clicked_at) {
        (_, Some(_)) => (Tone::Success, words::reports::HAS_CLICKED),
        (Some(_), None) => (Tone::Info, words::reports::HAS_OPENED),
        (None, None) => (Tone::Neutral, words::reports::NOT_SEEN),
    };
    let (opened, clicked) = (one.opened_at, one.clicked_at);
    let when = move || {
        let at = |at, of: fn(&dyn std::fmt::Display) -> String| of(&moment::exact(at, Show::Minute));
        let opened = opened.map(|when| at(when, words::reports::opened_at));
        let clicked = clicked.map(|when| at(when, words::reports::clicked_at));
        [opened, clicked]
            .into_iter()
            .flatten()
            .map(|line| view! { <span class="small muted">{line}</span> })
            .collect_view()
    };
    view! {
        <li class="pick">
            <Glyph icon=Icon::Mail />
            <span class="pick-text"><span>{one.email.clone()}</span>{live(when)}</span>
            <Badge tone>{t(word)}</Badge>
        </li>
    }
    .into_any()
}

fn actions(actions: &[FollowUp]) -> AnyView {
    let body = if actions.is_empty() {
        view! { <p class="none">{t(words::reports::NOTHING_DONE)}</p> }.into_any()
    } else {
        let actions = actions.to_vec();
        let columns = vec![
            Column::text(words::reports::ACTION),
            Column::text(words::blocks::TARGET),
            Column::text(words::reports::ACTOR),
            Column::text(words::alerts::WHEN),
        ];
        let rows = Callback::new(move |()| actions.iter().map(action).collect::<Vec<_>>());
        view! { <Table label=words::reports::ACTIONS columns rows /> }.into_any()
    };
    view! { <Card title=words::reports::ACTIONS note=words::reports::ACTIONS_NOTE flush=true>{body}</Card> }.into_any()
}

fn action(done: &FollowUp) -> Row {
    let name = done_name(done);
    let reader = done.by_reader.then(|| view! { <Badge tone=Tone::Info>{t(words::reports::BY_READER)}</Badge> });
    let points = done.share_change.map(|change| {
        view! { <div class="small muted">{live(move || points_text(change))}</div> }
    });
    let target = done.target.clone();
    let target = move || target.clone().unwrap_or_else(|| words::common::NONE.get().to_owned());
    let actor = done.actor.clone();
    let actor = move || actor.clone().unwrap_or_else(|| words::reports::NOBODY.get().to_owned());
    Row {
        linked: false,
        cells: vec![
            view! { <span class="row" data-gap="4">{t(name)}{reader}</span> }.into_any(),
            view! { <div>{live(target)}{points}</div> }.into_any(),
            view! { <span class="muted">{live(actor)}</span> }.into_any(),
            moment::at(Some(done.at), words::common::NONE),
        ],
    }
}

/// The reports before, each with the way to it.
fn past(effects: Vec<ReportEffect>) -> AnyView {
    let columns = vec![
        Column::text(words::reports::WEEK),
        Column::number(words::reports::OPENED),
        Column::number(words::reports::CLICKED),
        Column::number(words::reports::DONE),
        Column::number(words::reports::COST),
        Column::number(words::reports::AFTER),
    ];
    let row = |effect: &ReportEffect| {
        let (week, of, opened, clicked) = (effect.week, effect.readers.len(), effect.opened, effect.clicked);
        let done = effect.actions.len() as u64;
        let people = move |count: usize| live(move || words::reports::people_of(&count, &of));
        let link = view! {
            <a class="row-link nowrap" href=format!("?tab=effect&week={week}") title=move || week_text(week)>
                {live(move || short_week(week))}
            </a>
        };
        let changed = effect.change_percent.map(|percent| {
            view! { <div class="small"><Change percent=Some(percent.to_string()) /></div> }
        });
        Row {
            linked: true,
            cells: vec![
                link.into_any(),
                people(opened),
                people(clicked),
                live(move || words::reports::times(done)),
                figure(effect.cost, "USD", Sure::Exactly),
                view! { <div>{figure(effect.cost_after, "USD", Sure::Exactly)}{changed}</div> }.into_any(),
            ],
        }
    };
    let rows = Callback::new(move |()| effects.iter().map(row).collect::<Vec<_>>());
    view! {
        <Card title=words::reports::PAST flush=true><Table label=words::reports::PAST columns rows /></Card>
    }
    .into_any()
}
