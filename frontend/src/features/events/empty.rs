//! Why there is no line.

use finops_contract::Page;
use finops_contract::projects::Project;
use finops_contract::teams::Team;
use finops_contract::usage::UsageEvent;
use leptos::prelude::*;

use super::log::{Log, now};
use super::model::{Range, Span};
use super::search::use_clear;
use crate::data::{failed, use_get};
use crate::features::moment;
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::session;
use crate::ui::{Button, ButtonKind, EmptyKind, EmptyState, Icon, LinkButton, Skeleton, Text};
use crate::url::use_set_params;

/// Days that an organization keeps events at most by default; before them there is nothing to look for.
const LOOK_BACK: i64 = 90;

/// Nothing, and why: the filter, the time, or that nothing has ever come in.
pub(super) fn nothing(log: Log) -> AnyView {
    if log.filter.with_untracked(|(filter, problems)| !filter.0.is_empty() || !problems.is_empty()) {
        let clear = use_clear();
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
    if matches!(log.span.get_untracked(), Span::Fixed(..)) {
        return view! { <EmptyState kind=EmptyKind::NoMatch actions=widen /> }.into_any();
    }
    let from = (now() - chrono::TimeDelta::days(LOOK_BACK)).to_rfc3339();
    let path = format!("/usage-events{}", crate::url::query(&[("from", Some(&from)), ("limit", Some("1"))]));
    let last = use_get::<Page<UsageEvent>>(move || Some(path.clone()));
    live(move || match (last.data.get(), last.error.get().filter(|_| !last.busy.get())) {
        (Some(page), _) => match page.data.into_iter().next() {
            Some(event) => late(event),
            None if session::manages() => never(),
            None => never_or_hidden(),
        },
        (None, Some(error)) => failed(error, Callback::new(move |()| last.reload())),
        (None, None) => view! { <div class="pad"><Skeleton shape="row" count=4 /></div> }.into_any(),
    })
}

/// Events came in once, and none of late.
fn late(event: UsageEvent) -> AnyView {
    let at = event.timestamp;
    let body = Text::derive(move || words::events::late(&moment::exact(at, Show::Minute)));
    view! { <EmptyState kind=EmptyKind::Delayed title=words::events::LATE_TITLE body actions=widen /> }.into_any()
}

fn widen() -> AnyView {
    let set = use_set_params();
    let month = move |_| set(&[("range", Some(Range::Month.name())), ("from", None), ("to", None)], false);
    view! { <Button on_press=month>{t(words::events::LAST_30)}</Button> }.into_any()
}

fn never() -> AnyView {
    let actions = || {
        view! {
            <LinkButton href="/integration" kind=ButtonKind::Primary icon=Icon::Plug>
                {t(words::events::TO_INTEGRATION)}
            </LinkButton>
        }
    };
    view! { <EmptyState kind=EmptyKind::NoData body=words::events::NEVER actions /> }.into_any()
}

/// Nothing was reported, or nothing is the reader's: they belong to no team and to no project.
fn never_or_hidden() -> AnyView {
    let projects = use_get::<Page<Project>>(|| Some("/projects?limit=200".to_owned()));
    let teams = use_get::<Page<Team>>(|| Some("/teams?limit=200".to_owned()));
    live(move || {
        let no_project = projects.data.with(|page| page.as_ref().map(|page| page.data.is_empty()))?;
        let no_team = teams.data.with(|page| page.as_ref().map(|page| page.data.is_empty()))?;
        Some(if no_project && no_team {
            view! { <EmptyState kind=EmptyKind::Forbidden body=words::home::HIDDEN /> }.into_any()
        } else {
            never()
        })
    })
}
