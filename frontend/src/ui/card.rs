//! Sections of a page, and the numbers in them.

use crate::reactive::live;
use leptos::prelude::*;

use super::Text;

/// A section with a heading.
#[component]
pub fn Card(
    /// Its heading.
    #[prop(into, optional)]
    title: Option<Text>,
    /// What to know about it.
    #[prop(into, optional)]
    note: Option<Text>,
    /// At the end of the head.
    #[prop(into, optional)]
    actions: ViewFnOnce,
    /// No inner margin: tables, lists of rows.
    #[prop(optional)]
    flush: bool,
    /// Below a line.
    #[prop(into, optional)]
    foot: Option<ViewFnOnce>,
    /// The content.
    children: Children,
) -> AnyView {
    let id = super::dom::unique_id("card");
    let head = title.map(|title| {
        view! {
            <div class="card-head">
                <div class="card-title">
                    <h2 id=id.clone()>{live(move || title.get())}</h2>
                    {note.map(|note| view! { <p>{live(move || note.get())}</p> })}
                </div>
                {actions.run()}
            </div>
        }
    });
    let labelled = head.is_some().then_some(id);
    view! {
        <section class="card" aria-labelledby=labelled>
            {head}
            <div class="card-body" data-flush=flush.then_some("")>{children()}</div>
            {foot.map(|foot| view! { <div class="card-foot">{foot.run()}</div> })}
        </section>
    }
    .into_any()
}

/// A number that matters, with what it means below.
#[component]
pub fn Stat(
    /// Of what.
    #[prop(into)]
    label: Text,
    /// The number.
    #[prop(into)]
    value: ViewFnOnce,
    /// What to know about it, beside the label.
    #[prop(into, optional)]
    badge: ViewFnOnce,
    /// What it means: the change, the reason.
    children: Children,
) -> AnyView {
    view! {
        <div class="stat">
            <h3 class="stat-label"><span>{live(move || label.get())}</span>{badge.run()}</h3>
            <p class="stat-value">{value.run()}</p>
            <div class="stat-foot">{children()}</div>
        </div>
    }
    .into_any()
}
