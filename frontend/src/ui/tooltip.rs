//! A short text on hover and focus. It never holds what cannot be found elsewhere.

use crate::reactive::live;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use super::Text;

/// Shows `text` above its child on hover and focus. Escape hides it (WCAG 1.4.13).
#[component]
pub fn Tooltip(
    /// The text. It repeats the child's accessible name, so it is hidden from assistive technology.
    #[prop(into)]
    text: Text,
    /// Beside the child rather than above it.
    #[prop(optional)]
    beside: bool,
    /// What it is about.
    children: Children,
) -> AnyView {
    let dismissed = RwSignal::new(false);
    view! {
        <span
            class="tip"
            data-side=beside.then_some("end")
            data-dismissed=move || dismissed.get().then_some("")
            on:keydown=move |event: KeyboardEvent| {
                if event.key() == "Escape" {
                    dismissed.set(true);
                }
            }
            on:mouseleave=move |_| dismissed.set(false)
            on:focusout=move |_| dismissed.set(false)
        >
            {children()}
            <span class="tip-text" aria-hidden="true">{live(move || text.get())}</span>
        </span>
    }
    .into_any()
}
