//! The pages that a browser fetches when they are needed: all but home, so that home need not wait for what it does not
//! show. Each function below is where `cargo xtask frontend` cuts the wasm: what only the functions of one piece reach
//! is a file of its own; what several pieces reach and the rest does not is one file that they share.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use js_sys::Reflect;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_split::{SplitLoaderError, wasm_split};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

use crate::api::client;
use crate::features::alerts::{AlertPage, AlertsPage};
use crate::features::audit::AuditPage;
use crate::features::blocks::{BlockBanner, BlockPage, BlocksPage};
use crate::features::budgets::{BudgetPage, BudgetsPage};
use crate::features::events::EventsPage;
use crate::features::explore::ExplorePage;
use crate::features::integration::IntegrationPage;
use crate::features::prices::PriceBookPage;
use crate::features::projects::{ProjectPage, ProjectsPage};
use crate::features::reports::ReportsPage;
use crate::features::settings::SettingsPage;
use crate::features::setup::SetupPage;
use crate::features::teams::{TeamPage, TeamsPage};
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::session::{self, State};
use crate::ui::{Button, ButtonKind, EmptyKind, EmptyState, ErrorState, PageHeader, Skeleton};
use crate::{app, storage};

/// A page, or that its piece did not come.
type Fetched = Result<fn() -> AnyView, SplitLoaderError>;

#[wasm_split(projects, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn projects() -> Fetched {
    Ok(ProjectsPage)
}

#[wasm_split(projects, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn project() -> Fetched {
    Ok(ProjectPage)
}

#[wasm_split(explore, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn explore() -> Fetched {
    Ok(ExplorePage)
}

#[wasm_split(events, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn events() -> Fetched {
    Ok(EventsPage)
}

#[wasm_split(budgets, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn budgets() -> Fetched {
    Ok(BudgetsPage)
}

#[wasm_split(budgets, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn budget() -> Fetched {
    Ok(BudgetPage)
}

#[wasm_split(alerts, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn alerts() -> Fetched {
    Ok(AlertsPage)
}

#[wasm_split(alerts, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn alert() -> Fetched {
    Ok(AlertPage)
}

#[wasm_split(alerts, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn blocks() -> Fetched {
    Ok(BlocksPage)
}

#[wasm_split(alerts, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn block() -> Fetched {
    Ok(BlockPage)
}

/// Not a page, but a part of every one while something is blocked.
#[wasm_split(alerts, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn block_banner() -> Fetched {
    Ok(BlockBanner)
}

#[wasm_split(reports, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn reports() -> Fetched {
    Ok(ReportsPage)
}

#[wasm_split(integration, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn integration() -> Fetched {
    Ok(IntegrationPage)
}

#[wasm_split(setup, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn setup() -> Fetched {
    Ok(SetupPage)
}

#[wasm_split(teams, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn teams() -> Fetched {
    Ok(TeamsPage)
}

#[wasm_split(teams, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn team() -> Fetched {
    Ok(TeamPage)
}

#[wasm_split(settings, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn settings() -> Fetched {
    Ok(SettingsPage)
}

#[wasm_split(pricebook, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn pricebook() -> Fetched {
    Ok(PriceBookPage)
}

#[wasm_split(audit, fallible, wasm_split_path = leptos::wasm_split)]
pub(crate) fn audit() -> Fetched {
    Ok(AuditPage)
}

type Fetching = Pin<Box<dyn Future<Output = Fetched>>>;

struct Piece {
    /// What the addresses of its pages begin with.
    names: &'static [&'static str],
    /// Fetches all of it, by one of its pages.
    fetch: fn() -> Fetching,
}

/// In the order in which they are fetched when there is time.
const PIECES: [Piece; 12] = [
    Piece { names: &["projects"], fetch: || Box::pin(projects()) },
    Piece { names: &["explore"], fetch: || Box::pin(explore()) },
    Piece { names: &["events"], fetch: || Box::pin(events()) },
    Piece { names: &["budgets"], fetch: || Box::pin(budgets()) },
    Piece { names: &["alerts", "blocks", "block"], fetch: || Box::pin(alerts()) },
    Piece { names: &["reports"], fetch: || Box::pin(reports()) },
    Piece { names: &["teams"], fetch: || Box::pin(teams()) },
    Piece { names: &["settings"], fetch: || Box::pin(settings()) },
    Piece { names: &["setup"], fetch: || Box::pin(setup()) },
    Piece { names: &["integration"], fetch: || Box::pin(integration()) },
    Piece { names: &["pricebook"], fetch: || Box::pin(pricebook()) },
    Piece { names: &["audit"], fetch: || Box::pin(audit()) },
];

thread_local! {
    static BEGUN: Cell<bool> = const { Cell::new(false) };
}

/// Begins to fetch the piece of the address that the app was opened at, rather than after the session is known.
pub(crate) fn begin() {
    let Ok(path) = window().location().pathname() else { return };
    let first = path.split('/').nth(1).unwrap_or_default();
    let piece = PIECES.iter().find(|piece| piece.names.contains(&first) && storage::get("session").is_some());
    if let Some(piece) = piece {
        // Whether it came is for the page to say.
        spawn_local(async { drop((piece.fetch)().await) });
    }
}

/// The service has answered all that it was asked. As soon as the browser has nothing to do either, the pieces are
/// fetched one after the other, so that a page opens at once later on.
pub(crate) fn when_quiet() {
    if BEGUN.get() || !matches!(session::state_untracked(), State::In(_)) || saves_data() {
        return;
    }
    when_idle(|| {
        if !client::is_quiet() || BEGUN.replace(true) {
            return;
        }
        spawn_local(async {
            for piece in PIECES {
                // Whoever needs it will ask again.
                if (piece.fetch)().await.is_err() {
                    break;
                }
            }
        });
    });
}

/// Runs as soon as the browser has nothing else to do.
pub(crate) fn when_idle(run: impl Fn() + 'static) {
    if Reflect::has(&window(), &"requestIdleCallback".into()) == Ok(true) {
        request_idle_callback(run);
    } else {
        // Safari.
        set_timeout(run, std::time::Duration::from_secs(1));
    }
}

/// Whether the person has asked their browser to fetch no more than it has to.
fn saves_data() -> bool {
    let connection = Reflect::get(&window().navigator(), &"connection".into());
    connection.and_then(|it| Reflect::get(&it, &"saveData".into())).is_ok_and(|saves| saves.is_truthy())
}

/// What `fetch` brings, once it is here; nothing before, and nothing where it does not come.
pub(crate) fn once_here<F: Future<Output = Fetched> + 'static>(fetch: fn() -> F) -> AnyView {
    let part = RwSignal::new(None::<fn() -> AnyView>);
    spawn_local(async move {
        if let Ok(fetched) = fetch().await {
            part.try_set(Some(fetched));
        }
    });
    live(move || part.get().map(|part| part()))
}

/// The page that `fetch` brings; until it is here, its outline.
pub(crate) fn page<F: Future<Output = Fetched> + 'static>(fetch: fn() -> F) -> AnyView {
    show(Rc::new(move || Box::pin(fetch())))
}

#[derive(Clone, Copy)]
enum Stage {
    Coming,
    Here(fn() -> AnyView),
    Failed,
    Outdated,
}

fn show(fetch: Rc<dyn Fn() -> Fetching>) -> AnyView {
    let stage = RwSignal::new(Stage::Coming);
    let ask = move || {
        let mut fetching = fetch();
        // What is here already shows at once.
        if let Poll::Ready(Ok(page)) = fetching.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            stage.set(Stage::Here(page));
            return;
        }
        stage.set(Stage::Coming);
        spawn_local(async move {
            let now = match fetching.await {
                Ok(page) => Stage::Here(page),
                Err(_) if is_outdated().await => Stage::Outdated,
                Err(_) => Stage::Failed,
            };
            stage.try_set(now);
            app::focus_heading_if_due();
        });
    };
    ask();
    let ask = StoredValue::new_local(ask);
    let retry = Callback::new(move |()| ask.with_value(|ask| ask()));
    live(move || match stage.get() {
        Stage::Coming => outline(),
        Stage::Here(page) => page(),
        Stage::Failed => view! {
            <PageHeader title=words::shell::PAGE_FAILED />
            <div class="card"><ErrorState text=words::common::OFFLINE request_id=None retry /></div>
        }
        .into_any(),
        Stage::Outdated => outdated(),
    })
}

/// Nothing of it shows before 200 ms: a card around it would.
fn outline() -> AnyView {
    view! {
        <div>
            <p class="sr-only" role="status">{t(words::common::LOADING)}</p>
            <div class="page-head"><Skeleton shape="title" /></div>
            <Skeleton shape="row" count=4 />
        </div>
    }
    .into_any()
}

fn outdated() -> AnyView {
    let reload = |_| {
        // A browser that refuses leaves the page as it is, button and all.
        let _ = window().location().reload();
    };
    view! {
        <PageHeader title=words::shell::OUTDATED_TITLE />
        <div class="card">
            <EmptyState
                kind=EmptyKind::Outdated
                actions=move || view! { <Button kind=ButtonKind::Primary on_press=reload>{t(words::shell::RELOAD)}</Button> }
            />
        </div>
    }
    .into_any()
}

/// Whether the service has another app by now: its shell does not name the script that runs here. The pieces of this one
/// are gone then, and only loading anew helps.
async fn is_outdated() -> bool {
    let script = document().query_selector("script[type=module]").ok().flatten();
    let Some(script) = script.and_then(|script| script.get_attribute("src")) else { return false };
    let Ok(answer) = JsFuture::from(window().fetch_with_str("/")).await else { return false };
    let answer: Response = answer.unchecked_into();
    let Some(text) = answer.ok().then(|| answer.text().ok()).flatten() else { return false };
    let shell = JsFuture::from(text).await.ok().and_then(|text| text.as_string());
    shell.is_some_and(|shell| !shell.contains(&script))
}
