//! What is worth doing now: at most three things, each with its amount and its place.

use finops_contract::Page;
use finops_contract::costs::NextAction;
use leptos::prelude::*;

use super::model::{Direction, Todo, direction, todo};
use super::urgent::Urgent;
use crate::data::{self, Query};
use crate::format::money;
use crate::format::number::percent;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::session;
use crate::shell;
use crate::ui::{Card, EmptyKind, EmptyState, Glyph, Icon, Money, Skeleton};

/// The most that is asked of somebody at once.
pub(super) const MOST: usize = 3;

/// The list of things to do: critical alerts first.
pub(super) fn actions(actions: &[NextAction], currency: &str, alerts: Query<Page<Urgent>>) -> AnyView {
    let (actions, currency) = (actions.to_vec(), currency.to_owned());
    let list = move || {
        // Nothing moves under a pointer later on, and nothing is called done before that is known.
        let Some(page) = alerts.data.get() else {
            return match alerts.error.get() {
                None => view! { <div class="pad"><Skeleton shape="row" count=2 /></div> }.into_any(),
                Some(error) if actions.iter().all(|action| todo(action).is_none()) => {
                    data::failed(error, Callback::new(move |()| alerts.reload()))
                }
                Some(_) => list(Vec::new(), &actions, &currency),
            };
        };
        list(page.data, &actions, &currency)
    };
    view! { <Card title=words::home::TODO flush=true>{live(list)}</Card> }.into_any()
}

fn list(alerts: Vec<Urgent>, actions: &[NextAction], currency: &str) -> AnyView {
    let mut items: Vec<_> = alerts.into_iter().take(MOST).map(urgent).collect();
    let known = actions.iter().filter_map(|action| Some((todo(action)?, action.clone())));
    let room = MOST - items.len();
    items.extend(known.take(room).map(|((todo, href), action)| item(todo, href, action, currency)));
    if items.is_empty() {
        return view! { <EmptyState kind=EmptyKind::NoData title=words::home::ALL_DONE body=words::home::ALL_DONE_BODY /> }
            .into_any();
    }
    view! { <ol class="todos">{items}</ol> }.into_any()
}

/// An alert that cannot wait: its subject, and the way to stop what it is about, unless that is stopped already.
fn urgent(alert: Urgent) -> AnyView {
    let block = alert.block().filter(|path| session::manages() && !shell::is_stopped(path)).map(str::to_owned);
    let word = if block.is_some() { words::home::DO_BLOCK } else { words::home::DO_ALERT };
    let href = block.unwrap_or_else(|| format!("/alerts/{}", alert.id));
    let amount = alert.budget.map(|spent| {
        view! { <span class="todo-amount"><Money amount=spent.figure.to_string() currency=spent.currency /></span> }
    });
    view! {
        <li>
            <a class="todo" href=href>
                <span class="todo-icon" data-tone="danger"><Glyph icon=Icon::Stop /></span>
                <span class="todo-text">
                    <b>{t(word)}</b>
                    <span class="muted">{alert.subject}</span>
                </span>
                {amount}
                <Glyph icon=Icon::ChevronRight />
            </a>
        </li>
    }
    .into_any()
}

fn item(todo: Todo, href: String, action: NextAction, currency: &str) -> AnyView {
    let icon = match todo {
        Todo::ReviewSpike => Icon::ArrowUp,
        Todo::Attribute => Icon::Folder,
        Todo::FixCollection => Icon::Warning,
        Todo::RegisterKey | Todo::RegisterProjectId => Icon::Key,
    };
    let tone = match todo {
        Todo::ReviewSpike | Todo::FixCollection => "danger",
        Todo::Attribute => "warning",
        Todo::RegisterKey | Todo::RegisterProjectId => "info",
    };
    // A spike's sum is what it is about: it stands in its sentence.
    let more = action.amount.filter(|_| todo == Todo::ReviewSpike);
    let more = more.map(|amount| money::parts(&amount.to_string(), currency).amount());
    let amount = action.amount.filter(|_| more.is_none()).map(|amount| {
        view! { <span class="todo-amount"><Money amount=amount.to_string() currency=currency.to_owned() /></span> }
    });
    let (title, body) = match todo {
        Todo::ReviewSpike => (words::home::DO_REVIEW, words::home::DO_REVIEW_WHY),
        Todo::Attribute => (words::home::DO_ATTRIBUTE, words::home::DO_ATTRIBUTE_WHY),
        Todo::FixCollection => (words::home::DO_FIX, words::home::DO_FIX_WHY),
        Todo::RegisterKey => (words::home::DO_KEY, words::home::DO_KEY_WHY),
        Todo::RegisterProjectId => (words::home::DO_PROJECT_ID, words::home::DO_PROJECT_ID_WHY),
    };
    let about = action.project.or(action.team).map(|named| named.name);
    let change = action.change_percent;
    let why = move || {
        let why = match (direction(change.as_deref()), &more) {
            (Some(Direction::Up(value)), Some(more)) => words::home::spike(more, &percent(value)),
            (Some(Direction::Up(value)), None) => words::common::up_by(&percent(value)),
            _ => body.get().to_owned(),
        };
        about.as_ref().map_or_else(|| why.clone(), |about| format!("{about} · {why}"))
    };
    view! {
        <li>
            <a class="todo" href=href>
                <span class="todo-icon" data-tone=tone><Glyph icon /></span>
                <span class="todo-text">
                    <b>{t(title)}</b>
                    <span class="muted">{live(why)}</span>
                </span>
                {amount}
                <Glyph icon=Icon::ChevronRight />
            </a>
        </li>
    }
    .into_any()
}
