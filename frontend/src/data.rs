//! What a page reads and what it does: [`Query`] for one answer that stays true, [`Task`] for one change.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use finops_contract::{ErrorCode, Page};
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::api::{ApiError, client};
use crate::i18n::{Locale, locale, t, words};
use crate::period::{Preset, today, use_set_period};
use crate::reactive::{effect, live, memo};
use crate::ui::{Banner, Button, EmptyKind, EmptyState, ErrorState, Tone};
use crate::url::escape;

thread_local! {
    // What was read since the last change, by address: going back shows it at once while it is read again.
    static SEEN: RefCell<(u32, HashMap<String, Rc<str>>)> = RefCell::default();
}

fn seen(path: &str) -> Option<Rc<str>> {
    SEEN.with_borrow(|(at, seen)| if *at == client::changes() { seen.get(path).cloned() } else { None })
}

fn remember(path: &str, text: Rc<str>) {
    SEEN.with_borrow_mut(|(at, seen)| {
        if *at != client::changes() || seen.len() > 60 {
            seen.clear();
            *at = client::changes();
        }
        seen.insert(path.to_owned(), text);
    });
}

/// Forgets everything that was read.
pub fn forget() {
    SEEN.with_borrow_mut(|(_, seen)| seen.clear());
}

/// One answer of the service, read again when its address changes or when asked to.
pub struct Query<T: Send + Sync + 'static> {
    /// The last good answer.
    pub data: RwSignal<Option<T>>,
    /// Why the last attempt failed.
    pub error: RwSignal<Option<ApiError>>,
    /// Whether an attempt is under way.
    pub busy: RwSignal<bool>,
    again: RwSignal<u32>,
}

impl<T: Send + Sync + 'static> Clone for Query<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: Send + Sync + 'static> Copy for Query<T> {}

impl<T: Send + Sync + 'static> Query<T> {
    /// Reads again.
    pub fn reload(self) {
        self.again.update(|again| *again += 1);
    }
}

/// Reads the answer at an address. `None` reads nothing yet. While an address with the same path but another query is
/// read, the old answer stays; another path is another thing, and its predecessor goes at once.
pub fn use_get<T>(path: impl Fn() -> Option<String> + Send + Sync + 'static) -> Query<T>
where
    T: DeserializeOwned + PartialEq + Clone + Send + Sync + 'static,
{
    use_read(path, false)
}

/// The same of an answer that holds sentences: in another language it is read again.
pub fn use_told<T>(path: impl Fn() -> Option<String> + Send + Sync + 'static) -> Query<T>
where
    T: DeserializeOwned + PartialEq + Clone + Send + Sync + 'static,
{
    let query = use_get(path);
    effect(move |before: Option<Locale>| {
        let now = locale();
        if before.is_some_and(|before| before != now) {
            query.reload();
        }
        now
    });
    query
}

/// Reads a list to its end, for what is chosen from: somebody on the second page must not be missing. `path` has a query.
pub fn use_list<T>(path: impl Fn() -> Option<String> + Send + Sync + 'static) -> Query<Page<T>>
where
    T: DeserializeOwned + PartialEq + Clone + Send + Sync + 'static,
{
    use_read(path, true)
}

fn use_read<T>(path: impl Fn() -> Option<String> + Send + Sync + 'static, whole: bool) -> Query<T>
where
    T: DeserializeOwned + PartialEq + Clone + Send + Sync + 'static,
{
    let query = Query {
        data: RwSignal::new(None),
        error: RwSignal::new(None),
        busy: RwSignal::new(true),
        again: RwSignal::new(0),
    };
    let show = move |text: Option<&str>| {
        let value = text.map(client::read::<T>).transpose()?;
        // An equal answer must not redraw what somebody is reading.
        if query.data.with_untracked(|old| *old != value) {
            query.data.set(value);
        }
        Ok(())
    };
    Reading { error: query.error, busy: query.busy, again: query.again, whole, show: Rc::new(show) }
        .follow(memo(move |_| path()));
    query
}

/// What of a [`Query`] does not depend on what is read.
struct Reading {
    error: RwSignal<Option<ApiError>>,
    busy: RwSignal<bool>,
    again: RwSignal<u32>,
    whole: bool,
    // Parses an answer and puts it where it is shown from; without one, takes away what is shown.
    show: Rc<Show>,
}

type Show = dyn Fn(Option<&str>) -> Result<(), ApiError>;

impl Reading {
    fn follow(self, path: Memo<Option<String>>) {
        let Reading { error, busy, again, whole, show } = self;
        let attempt = StoredValue::new(0u32);
        effect(move |before: Option<Option<String>>| {
            again.track();
            let Some(path) = path.get() else {
                let _ = show(None);
                busy.set(true);
                return None;
            };
            let before = before.flatten();
            if before.as_deref().is_some_and(|before| before.split('?').next() != path.split('?').next()) {
                let _ = show(None);
            }
            if before.as_deref() != Some(&path)
                && let Some(text) = seen(&path)
            {
                // What cannot be parsed is read again at once anyway.
                let _ = show(Some(&text));
            }
            attempt.update_value(|attempt| *attempt += 1);
            let this = attempt.get_value();
            busy.set(true);
            let (asked, show) = (path.clone(), Rc::clone(&show));
            spawn_local(async move {
                let answer = if whole { whole_list(&asked).await } else { client::get_text(&asked).await };
                // The page may be gone, or may have asked for something else since.
                if attempt.try_get_value() != Some(this) {
                    return;
                }
                match answer.and_then(|text| show(Some(&text)).map(|()| text)) {
                    Ok(text) => {
                        remember(&asked, text.into());
                        error.set(None);
                    }
                    Err(failed) => error.set(Some(failed)),
                }
                busy.set(false);
            });
            Some(path)
        });
    }
}

/// All pages of a list as one.
async fn whole_list(path: &str) -> Result<String, ApiError> {
    let mut list: Page<Box<RawValue>> = client::read(&client::get_text(path).await?)?;
    while let Some(cursor) = list.next_cursor.take() {
        let next: Page<Box<RawValue>> =
            client::read(&client::get_text(&format!("{path}&cursor={}", escape(&cursor))).await?)?;
        list.data.extend(next.data);
        // A cursor that leads nowhere must not be followed for ever.
        list.next_cursor = next.next_cursor.filter(|next| *next != cursor);
    }
    serde_json::to_string(&list).map_err(|_| ApiError::unreadable(200))
}

/// Reads again every so often, while the tab is in sight and `when` holds.
pub fn poll<T: Send + Sync + 'static>(query: Query<T>, seconds: u64, when: impl Fn() -> bool + 'static) {
    let tick = move || {
        if !document().hidden() && when() {
            query.reload();
        }
    };
    if let Ok(handle) = set_interval_with_handle(tick, std::time::Duration::from_secs(seconds)) {
        on_cleanup(move || handle.clear());
    }
}

#[derive(Clone, PartialEq)]
enum Phase {
    Loading,
    Failed(ApiError),
    Ready,
}

/// A part of a page that shows one answer: a skeleton first, then the answer with a thin bar while it is read again, or
/// what went wrong with a way to try again.
pub fn section<T, S, V>(query: Query<T>, skeleton: S, show: V) -> AnyView
where
    T: Clone + Send + Sync + 'static,
    S: Fn() -> AnyView + Send + Sync + 'static,
    V: Fn(T) -> AnyView + Send + Sync + 'static,
{
    let show = StoredValue::new(show);
    // The phase changes in the same turn when the answer goes.
    let ready = move || live(move || query.data.get().map(|data| show.with_value(|show| show(data))));
    Section {
        there: memo(move |_| query.data.with(Option::is_some)),
        error: query.error,
        busy: query.busy,
        again: query.again,
        skeleton: Box::new(skeleton),
        ready: Box::new(ready),
    }
    .view()
}

/// What of a section does not depend on what it shows.
struct Section {
    there: Memo<bool>,
    error: RwSignal<Option<ApiError>>,
    busy: RwSignal<bool>,
    again: RwSignal<u32>,
    skeleton: Box<dyn Fn() -> AnyView + Send>,
    ready: Box<dyn Fn() -> AnyView + Send>,
}

impl Section {
    fn view(self) -> AnyView {
        let Section { there, error, busy, again, skeleton, ready } = self;
        let reload = move || again.update(|again| *again += 1);
        let phase = memo(move |_| {
            if there.get() {
                Phase::Ready
            } else if let Some(error) = error.get().filter(|_| !busy.get()) {
                Phase::Failed(error)
            } else {
                Phase::Loading
            }
        });
        let content = live(move || match phase.get() {
            Phase::Loading => {
                view! { <div><p class="sr-only" role="status">{t(words::common::LOADING)}</p>{skeleton()}</div> }
                    .into_any()
            }
            Phase::Failed(error) => failed(error, Callback::new(move |()| reload())),
            Phase::Ready => ready(),
        });
        let refreshing = memo(move |_| busy.get() && phase.get() == Phase::Ready);
        let stale = memo(move |_| error.with(Option::is_some) && phase.get() == Phase::Ready && !busy.get());
        view! {
            <div class="section-live" aria-busy=move || busy.get().then_some("true")>
                {live(move || refreshing.get().then(|| view! { <div class="refetch" aria-hidden="true"></div> }))}
                {live(move || stale.get().then(|| view! {
                    <div class="section-stale">
                        <Banner
                            tone=Tone::Warning
                            actions=move || view! { <Button on_press=move |_| reload()>{t(words::common::RETRY)}</Button> }
                        >
                            {t(words::common::STALE)}
                        </Banner>
                    </div>
                }))}
                {content}
            </div>
        }
        .into_any()
    }
}

/// What to show where an answer should be.
pub fn failed(error: ApiError, retry: Callback<()>) -> AnyView {
    match error.status {
        _ if error.is(ErrorCode::RangeTooLarge) => {
            let set = use_set_period();
            let narrow = move |_| set(Preset::Quarter.period(today()), Some(Preset::Quarter));
            view! {
                <EmptyState
                    kind=EmptyKind::NoMatch
                    title=words::shell::PERIOD_TOO_LONG
                    actions=move || view! { <Button on_press=narrow>{t(words::explore::LAST_90)}</Button> }
                />
            }
            .into_any()
        }
        403 => view! { <EmptyState kind=EmptyKind::Forbidden /> }.into_any(),
        404 => view! { <EmptyState kind=EmptyKind::Missing /> }.into_any(),
        _ => {
            let request_id = error.request_id.clone();
            view! { <ErrorState text=Signal::derive(move || error.text()) request_id retry /> }.into_any()
        }
    }
}

/// One change that a person makes: whether it runs, and what was wrong with it.
#[derive(Clone, Copy)]
pub struct Task {
    /// Whether it runs.
    pub busy: RwSignal<bool>,
    /// Why it failed.
    pub error: RwSignal<Option<ApiError>>,
    /// How often it failed; a form moves the focus when this changes.
    pub failures: RwSignal<u32>,
}

/// A change on its way, and what to do when it is made.
type Work = Pin<Box<dyn Future<Output = Result<Box<dyn FnOnce()>, ApiError>>>>;

impl Default for Task {
    fn default() -> Self {
        Task { busy: RwSignal::new(false), error: RwSignal::new(None), failures: RwSignal::new(0) }
    }
}

impl Task {
    /// A change that was not tried yet.
    pub fn new() -> Task {
        Task::default()
    }

    /// Tries it. Does nothing while it runs already: a double click is one change.
    pub fn run<T: 'static>(
        self,
        work: impl Future<Output = Result<T, ApiError>> + 'static,
        done: impl FnOnce(T) + 'static,
    ) {
        self.start(Box::pin(async move {
            let value = work.await?;
            Ok(Box::new(move || done(value)) as Box<dyn FnOnce()>)
        }));
    }

    fn start(self, work: Work) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.error.set(None);
        spawn_local(async move {
            let result = work.await;
            self.busy.try_set(false);
            match result {
                Ok(done) => done(),
                Err(error) => {
                    self.error.try_set(Some(error));
                    self.failures.try_update(|failures| *failures += 1);
                }
            }
        });
    }

    /// Refuses to try because of fields that are wrong, as the service would: pointer and code of each. Whether it did.
    pub fn refuse(self, wrong: &[(&str, &str)]) -> bool {
        if wrong.is_empty() {
            return false;
        }
        self.fail(ApiError::local(wrong));
        true
    }

    /// Refuses to try, for a reason that the service would give.
    pub fn fail(self, error: ApiError) {
        self.error.set(Some(error));
        self.failures.update(|failures| *failures += 1);
    }

    /// What went wrong as a whole, for the head of a form.
    pub fn text(self) -> Signal<Option<String>> {
        Signal::derive(move || self.error.with(|error| error.as_ref().map(ApiError::text)))
    }

    /// What is wrong with the field at a JSON pointer.
    pub fn field(self, pointer: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || self.error.with(|error| error.as_ref()?.field(pointer)))
    }
}
