//! What stands around every page of who is signed in: sidebar, top bar, command palette.

mod blocked;
pub mod nav;
pub mod palette;
pub mod topbar;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::Outlet;
use leptos_router::hooks::{use_location, use_navigate};

use crate::features::auth::Logo;
use crate::i18n::{t, words};
use crate::reactive::{effect, live, memo};
use crate::session::{self, State};
use crate::ui::dom;
use crate::ui::{EmptyKind, EmptyState, ErrorState, Icon, IconButton, LinkButton, PageHeader};
use crate::{storage, url};

pub use blocked::{BLOCKS_PATH, WAITING_PATH, asks_for_waiting, is_stopped, look_for_blocks, looks_for_blocks};
pub use topbar::{forget_freshness, period_note, tell_freshness};

/// The frame of the signed-in pages. Whoever is not signed in is led to the sign-in, and back afterwards.
#[component]
pub fn Shell() -> AnyView {
    let navigate = use_navigate();
    let location = use_location();
    effect(move |_| {
        if let State::Out { .. } = session::state() {
            let here = format!(
                "{}{}",
                location.pathname.get_untracked(),
                location.search.with_untracked(|s| if s.is_empty() { String::new() } else { format!("?{s}") })
            );
            let next = (here != "/").then_some(here.as_str());
            let target = format!("/login{}", url::query(&[("next", next)]));
            navigate(&target, NavigateOptions { replace: true, ..Default::default() });
        }
    });
    // Not the whole state: a changed name must not redraw the page.
    let phase = memo(|_| match session::state() {
        State::Starting => Phase::Starting,
        State::Unreachable(_) => Phase::Unreachable,
        State::Out { .. } => Phase::Out,
        State::In(me) => Phase::In(me.organization.id.to_string()),
    });
    live(move || {
        match phase.get() {
        Phase::Starting => view! { <div class="boot" role="status" aria-label=move || words::common::LOADING.get()><span class="brand"><Logo />{t(words::common::APP_NAME)}</span></div> }.into_any(),
        Phase::Out => ().into_any(),
        Phase::Unreachable => unreachable(),
        Phase::In(_) => view! { <Frame /> }.into_any(),
    }
    })
}

#[derive(Clone, PartialEq)]
enum Phase {
    Starting,
    Unreachable,
    Out,
    In(String),
}

fn unreachable() -> AnyView {
    let error = move || match session::state() {
        State::Unreachable(error) => Some(error),
        _ => None,
    };
    let text = Signal::derive(move || error().map(|error| error.text()).unwrap_or_default());
    let request_id = error().and_then(|error| error.request_id);
    view! {
        <main class="alone" id="main">
            <h1 class="sr-only" tabindex="-1">{t(words::auth::UNREACHABLE_TITLE)}</h1>
            <ErrorState text request_id retry=Callback::new(|()| session::resume()) />
        </main>
    }
    .into_any()
}

#[component]
fn Frame() -> AnyView {
    let folded = RwSignal::new(storage::get("sidebar").as_deref() == Some("folded"));
    let drawer = RwSignal::new(false);
    let palette = RwSignal::new(false);
    let fold = move |_| {
        folded.update(|folded| *folded = !*folded);
        storage::set("sidebar", if folded.get_untracked() { "folded" } else { "open" });
    };
    let shortcut = window_event_listener(leptos::ev::keydown, move |event| {
        let wanted =
            event.key().eq_ignore_ascii_case("k") && (event.meta_key() || event.ctrl_key()) && !event.shift_key();
        if wanted && !dom::is_composing(&event) {
            event.prevent_default();
            palette.update(|open| *open = !*open);
        }
    });
    on_cleanup(move || shortcut.remove());
    view! {
        <a class="skip" href="#main" on:click=move |event| {
            // Not through the router: the address stays.
            event.prevent_default();
            if let Some(main) = document().get_element_by_id("main") {
                dom::focus(&main);
            }
        }>{t(words::shell::SKIP)}</a>
        <div class="shell" data-folded=move || folded.get().then_some("")>
            <aside class="sidebar">
                <a class="brand" href="/" aria-label=move || words::common::APP_NAME.get()>
                    <Logo /><span class="brand-name">{t(words::common::APP_NAME)}</span>
                </a>
                <nav::Navigation folded />
                <div class="sidebar-foot">
                    {live(move || {
                        let word = if folded.get() { words::shell::UNFOLD } else { words::shell::FOLD };
                        view! { <IconButton icon=Icon::Panel label=word bare=true on_press=fold /> }
                    })}
                </div>
            </aside>
            <div class="frame">
                <topbar::TopBar drawer palette />
                <main class="page" id="main" tabindex="-1">{blocked::banner()}<Outlet /></main>
            </div>
        </div>
        <nav::Drawer open=drawer />
        <palette::Palette open=palette />
    }
    .into_any()
}

/// What an address shows that names no page.
#[component]
pub fn NotFoundPage() -> AnyView {
    view! {
        <PageHeader title=words::shell::NOT_FOUND_TITLE />
        <div class="card">
            <EmptyState
                kind=EmptyKind::Missing
                title=words::shell::NOT_FOUND_TITLE
                actions=|| view! { <LinkButton href="/">{t(words::common::TO_HOME)}</LinkButton> }
            />
        </div>
    }
    .into_any()
}
