//! The list as it is in memory: pages that were asked for, and what comes in by itself.

use finops_contract::Page;
use finops_contract::projects::Project;
use finops_contract::usage::UsageEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::filter::{Filter, Key, Problem};
use super::model::{self, End, Lines, MOST, Span};
use crate::api::stream::{Feed, Link};
use crate::api::{self, client};
use crate::data::{Query, Task, use_get, use_list};
use crate::reactive::{effect, memo};
use crate::url::{query, use_param};

/// Lines of one page.
const PAGE: &str = "100";

/// Everything that the parts of the page share.
#[derive(Clone, Copy)]
pub(super) struct Log {
    /// What it is narrowed to, and what of that was not understood.
    pub(super) filter: Memo<(Filter, Vec<Problem>)>,
    /// The time that it looks at.
    pub(super) span: Memo<Span>,
    /// What of the filter cannot be asked for.
    pub(super) refused: Memo<Option<Problem>>,
    /// The projects that names stand for.
    pub(super) projects: Query<Page<Project>>,
    /// The first page.
    pub(super) first: Query<Page<UsageEvent>>,
    /// What is shown.
    pub(super) lines: RwSignal<Lines>,
    /// The next page.
    pub(super) more: Task,
    /// Whether what comes in is shown.
    pub(super) live: Memo<bool>,
    /// How the connection for that stands.
    pub(super) link: RwSignal<Link>,
    /// The pointer is over the list.
    pub(super) hovered: RwSignal<bool>,
    /// The event whose details are open.
    pub(super) opened: Memo<Option<String>>,
    /// What came in while somebody was reading.
    pub(super) waiting: RwSignal<Vec<UsageEvent>>,
    path: Memo<Option<String>>,
    again: RwSignal<u32>,
}

impl Log {
    /// From now on, not from when the page was opened.
    pub(super) fn renew(self) {
        self.waiting.set(Vec::new());
        self.again.update(|again| *again += 1);
    }

    /// Asks for the next page.
    pub(super) fn ask_for_more(self) {
        let End::More(cursor) = self.lines.with_untracked(|lines| lines.end.clone()) else { return };
        let Some(asked) = self.path.get_untracked() else { return };
        let path = format!("{asked}&cursor={}", crate::url::escape(&cursor));
        self.more.run(async move { api::get::<Page<UsageEvent>>(&path).await }, move |page| {
            // The filter may have changed since.
            if self.path.try_get_untracked().flatten().as_ref() == Some(&asked) {
                self.lines.update(|lines| lines.append(page));
            }
        });
    }

    /// Whether what comes in has to wait, so that nothing moves under a reader.
    pub(super) fn holds(self) -> bool {
        self.hovered.get() || self.opened.with(Option::is_some)
    }

    /// Shows what has waited.
    pub(super) fn show_waiting(self) {
        let events = self.waiting.try_update(std::mem::take).unwrap_or_default();
        self.take(events);
    }

    fn take(self, events: Vec<UsageEvent>) {
        // An update redraws; what is known already must not.
        let mut lines = self.lines.with_untracked(Clone::clone);
        if lines.insert(events) {
            self.lines.set(lines);
        }
    }

    fn come_in(self, event: UsageEvent) {
        let Some(holds) = self.hovered.try_get_untracked() else { return };
        if !holds && self.opened.with_untracked(Option::is_none) {
            self.take(vec![event]);
            return;
        }
        let known = self.waiting.with_untracked(|waiting| waiting.iter().any(|it| it.event_id == event.event_id));
        if known || !self.lines.with_untracked(|lines| lines.lacks(&event)) {
            return;
        }
        self.waiting.update(|waiting| {
            waiting.push(event);
            // More would not be shown either.
            let surplus = waiting.len().saturating_sub(MOST);
            waiting.drain(..surplus);
        });
    }
}

/// Reads the URL, and what it asks for.
pub(super) fn use_log() -> Log {
    let (text, range) = (use_param("q"), use_param("range"));
    let (from, to, live) = (use_param("from"), use_param("to"), use_param("live"));
    let filter = memo(move |_| text.with(|text| Filter::read(text.as_deref().unwrap_or_default())));
    let span = memo(move |_| model::span(range.get().as_deref(), from.get().as_deref(), to.get().as_deref()));
    let projects = use_list::<Project>(|| Some("/projects?limit=200".to_owned()));
    let named = memo(move |_| filter.with(|(filter, _)| filter.0.iter().any(|term| term.key == Key::Project)));
    let params = memo(move |_| {
        // A name cannot be resolved before the projects are known.
        if named.get() && projects.data.with(Option::is_none) && projects.error.with(Option::is_none) {
            return None;
        }
        let projects = projects.data.with(|page| page.as_ref().map(|page| page.data.clone()).unwrap_or_default());
        Some(filter.with(|(filter, _)| filter.params(&projects)))
    });
    let again = RwSignal::new(0u32);
    let path = memo(move |_| {
        again.track();
        let params = params.get()?.ok()?;
        let (from, to) = match span.get() {
            Span::Last(range) => ((now() - range.length()).to_rfc3339(), None),
            Span::Fixed(from, to) => (from.to_rfc3339(), Some(to.to_rfc3339())),
        };
        let mut all = vec![("from", Some(from.as_str())), ("to", to.as_deref()), ("limit", Some(PAGE))];
        all.extend(params.iter().map(|(name, value)| (*name, Some(value.as_str()))));
        Some(format!("/usage-events{}", query(&all)))
    });
    let log = Log {
        filter,
        span,
        refused: memo(move |_| params.get()?.err()),
        projects,
        first: use_get(move || path.get()),
        lines: RwSignal::new(Lines::default()),
        more: Task::new(),
        live: memo(move |_| live.with(|live| live.as_deref() == Some("on")) && matches!(span.get(), Span::Last(_))),
        link: RwSignal::new(Link::Connecting),
        hovered: RwSignal::new(false),
        opened: use_param("event"),
        waiting: RwSignal::new(Vec::new()),
        path,
        again,
    };
    effect(move |_| {
        log.lines.set(log.first.data.get().map(Lines::of).unwrap_or_default());
        log.more.error.set(None);
        log.waiting.set(Vec::new());
    });
    effect(move |_| {
        if !log.holds() {
            log.show_waiting();
        }
    });
    follow(log, params);
    log
}

type Params = Memo<Option<Result<Vec<(&'static str, String)>, Problem>>>;

/// Listens while it is wanted.
fn follow(log: Log, params: Params) {
    let there = memo(move |_| log.first.data.with(Option::is_some));
    let wanted = memo(move |_| {
        let params = params.get()?.ok()?;
        let params: Vec<_> = params.iter().map(|(name, value)| (*name, Some(value.as_str()))).collect();
        (log.live.get() && there.get()).then(|| format!("/usage-events/stream{}", query(&params)))
    });
    let feed = StoredValue::new_local(None::<Feed>);
    effect(move |_| {
        let path = wanted.get();
        log.link.set(Link::Connecting);
        feed.set_value(None);
        let opened = path.map(|path| {
            let on_link = move |link: Link| {
                if link == Link::Open {
                    catch_up(log);
                }
                log.link.try_set(link);
            };
            let on_data = move |data: &str| {
                if let Ok(event) = client::read::<UsageEvent>(data) {
                    log.come_in(event);
                }
            };
            Feed::open(path, on_link, on_data)
        });
        feed.set_value(opened);
    });
}

/// What came in between the page and the stream.
fn catch_up(log: Log) {
    let Some(path) = log.path.try_get_untracked().flatten() else { return };
    spawn_local(async move {
        let Ok(page) = api::get::<Page<UsageEvent>>(&path).await else { return };
        if log.path.try_get_untracked().flatten() == Some(path) {
            page.data.into_iter().rev().for_each(|event| log.come_in(event));
        }
    });
}

/// The browser's clock.
pub(super) fn now() -> chrono::DateTime<chrono::Utc> {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
    chrono::DateTime::from_timestamp_millis(js_sys::Date::now() as i64).unwrap_or_default()
}
