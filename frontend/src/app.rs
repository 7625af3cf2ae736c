//! The root: starts what lives as long as the page, and holds the table of routes.

use leptos::prelude::*;
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::hooks::use_location;
use leptos_router::path;

use crate::features::audit::AuditPage;
use crate::features::auth::{LoginPage, RegisterPage};
use crate::features::explore::ExplorePage;
use crate::features::home::HomePage;
use crate::features::projects::{ProjectPage, ProjectsPage};
use crate::features::settings::SettingsPage;
use crate::features::setup::SetupPage;
use crate::features::teams::{TeamPage, TeamsPage};
use crate::reactive::effect;
use crate::shell::{NotFoundPage, Shell};
use crate::ui::{ToastRegion, dom};
use crate::{i18n, session, theme};

/// Starts the app in this browser tab.
pub fn start() {
    theme::start();
    mount_to_body(|| {
        i18n::start();
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
                    <Route path=path!("/projects") view=ProjectsPage />
                    <Route path=path!("/projects/:id") view=ProjectPage />
                    <Route path=path!("/explore") view=ExplorePage />
                    <Route path=path!("/setup") view=SetupPage />
                    <Route path=path!("/teams") view=TeamsPage />
                    <Route path=path!("/teams/:id") view=TeamPage />
                    <Route path=path!("/settings") view=SettingsPage />
                    <Route path=path!("/audit") view=AuditPage />
                    <Route path=path!("/*any") view=NotFoundPage />
                </ParentRoute>
            </Routes>
        </Router>
        <ToastRegion />
    }
}

/// Moves the focus to the page's heading when the page changes, so that a screen reader says where one is.
#[component]
fn FocusHeading() -> impl IntoView {
    let path = use_location().pathname;
    effect(move |before: Option<String>| {
        let now = path.get();
        if before.is_some_and(|before| before != now) {
            request_animation_frame(|| {
                if let Some(main) = document().get_element_by_id("main") {
                    dom::focus_within(&main, "h1");
                }
            });
        }
        now
    });
}
