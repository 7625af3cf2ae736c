//! The root: starts what lives as long as the page, and holds the table of routes.

use std::cell::Cell;

use leptos::prelude::*;
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::hooks::use_location;
use leptos_router::path;

use crate::features::auth::{LoginPage, RegisterPage};
use crate::features::home::HomePage;
use crate::pieces::{self, page};
use crate::reactive::effect;
use crate::shell::{NotFoundPage, Shell};
use crate::ui::{ToastRegion, dom};
use crate::{i18n, session, theme};

/// Starts the app in this browser tab.
pub fn start() {
    theme::start();
    mount_to_body(|| {
        i18n::start();
        pieces::begin();
        session::start();
        // The skeleton that index.html shows until here.
        if let Some(boot) = document().get_element_by_id("boot") {
            boot.remove();
        }
        view! { <Root /> }
    });
}

#[component]
fn Root() -> impl IntoView {
    view! {
        <Router>
            <FocusHeading />
            <Routes fallback=|| ()>
                <Route path=path!("/login") view=LoginPage />
                <Route path=path!("/register") view=RegisterPage />
                <ParentRoute path=path!("") view=Shell>
                    <Route path=path!("/") view=HomePage />
                    <Route path=path!("/projects") view=|| page(pieces::projects) />
                    <Route path=path!("/projects/:id") view=|| page(pieces::project) />
                    <Route path=path!("/explore") view=|| page(pieces::explore) />
                    <Route path=path!("/events") view=|| page(pieces::events) />
                    <Route path=path!("/budgets") view=|| page(pieces::budgets) />
                    <Route path=path!("/budgets/:id") view=|| page(pieces::budget) />
                    <Route path=path!("/alerts") view=|| page(pieces::alerts) />
                    <Route path=path!("/alerts/:id") view=|| page(pieces::alert) />
                    <Route path=path!("/blocks") view=|| page(pieces::blocks) />
                    <Route path=path!("/block/:target") view=|| page(pieces::block) />
                    <Route path=path!("/reports/weekly") view=|| page(pieces::reports) />
                    <Route path=path!("/integration") view=|| page(pieces::integration) />
                    <Route path=path!("/pricebook") view=|| page(pieces::pricebook) />
                    <Route path=path!("/setup") view=|| page(pieces::setup) />
                    <Route path=path!("/teams") view=|| page(pieces::teams) />
                    <Route path=path!("/teams/:id") view=|| page(pieces::team) />
                    <Route path=path!("/settings") view=|| page(pieces::settings) />
                    <Route path=path!("/audit") view=|| page(pieces::audit) />
                    <Route path=path!("/*any") view=NotFoundPage />
                </ParentRoute>
            </Routes>
        </Router>
        <ToastRegion />
    }
}

thread_local! {
    // The page has changed, and its heading is not there yet.
    static HEADING_DUE: Cell<bool> = const { Cell::new(false) };
}

/// Moves the focus to the page's heading when the page changes, so that a screen reader says where one is.
#[component]
fn FocusHeading() -> impl IntoView {
    let path = use_location().pathname;
    effect(move |before: Option<String>| {
        let now = path.get();
        if before.is_some_and(|before| before != now) {
            HEADING_DUE.set(true);
            focus_heading_if_due();
        }
        now
    });
}

/// Moves the focus to the heading of a page that has just come, unless it has it.
pub(crate) fn focus_heading_if_due() {
    request_animation_frame(|| {
        if let Some(main) = document().get_element_by_id("main")
            && HEADING_DUE.get()
        {
            HEADING_DUE.set(!dom::focus_within(&main, "h1"));
        }
    });
}
