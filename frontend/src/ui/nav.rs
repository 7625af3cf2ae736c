//! Where the reader is: the page's head and its trail.

use leptos::prelude::*;

use super::Text;
use super::icon::{Glyph, Icon};
use crate::i18n::words;
use crate::reactive::{effect, live};

/// A step of the trail.
#[derive(Clone)]
pub struct Crumb {
    /// Where it leads.
    pub href: &'static str,
    /// Its name.
    pub label: Text,
}

/// The page's heading, which also names the tab. Takes the focus when the page changes.
#[component]
pub fn PageHeader(
    /// The heading.
    #[prop(into)]
    title: Text,
    /// What the page is for.
    #[prop(into, optional)]
    lead: Option<Text>,
    /// The pages above.
    #[prop(optional)]
    trail: Vec<Crumb>,
    /// The page's actions, the main one last.
    #[prop(into, optional)]
    actions: ViewFnOnce,
) -> AnyView {
    effect(move |_| {
        let title = title.get();
        let app = words::common::APP_NAME.get();
        document().set_title(&if title.is_empty() { app.to_owned() } else { format!("{title} · {app}") });
    });
    let trail = (!trail.is_empty()).then(|| {
        let steps = trail.into_iter().map(|crumb| {
            let label = crumb.label;
            view! { <li><a href=crumb.href>{live(move || label.get())}</a><Glyph icon=Icon::ChevronRight size=12 /></li> }
        });
        view! {
            <nav class="crumbs" aria-label=move || words::common::BREADCRUMB.get()><ol>{steps.collect_view()}</ol></nav>
        }
    });
    view! {
        <header class="page-head">
            <div class="page-title">
                {trail}
                <h1 tabindex="-1">{live(move || title.get())}</h1>
                {lead.map(|lead| view! { <p class="muted">{live(move || lead.get())}</p> })}
            </div>
            <div class="page-actions">{actions.run()}</div>
        </header>
    }
    .into_any()
}
