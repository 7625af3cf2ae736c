//! Tabs whose choice is in the URL.

use crate::reactive::{live, memo};
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use super::Text;
use super::dom::{all_within, rove, unique_id};

/// One tab.
#[derive(Clone, Copy)]
pub struct Tab {
    /// What is stored in the URL.
    pub value: &'static str,
    /// What is shown.
    pub label: Text,
}

impl Tab {
    /// A tab.
    pub fn new(value: &'static str, label: impl Into<Text>) -> Tab {
        Tab { value, label: label.into() }
    }
}

/// A row of tabs with the panel of the chosen one.
#[component]
pub fn Tabs(
    /// What the tabs divide, for assistive technology.
    #[prop(into)]
    label: Text,
    /// The tabs.
    tabs: Vec<Tab>,
    /// The chosen one.
    #[prop(into)]
    value: Signal<String>,
    /// Called with what was chosen.
    #[prop(into)]
    on_change: Callback<&'static str>,
    /// The panel of a tab.
    panel: Callback<&'static str, AnyView>,
) -> AnyView {
    let list = NodeRef::<leptos::html::Div>::new();
    let id = unique_id("tab");
    let values: Vec<_> = tabs.iter().map(|tab| tab.value).collect();
    let first = values.first().copied().unwrap_or_default();
    let known = values.clone();
    let chosen = memo(move |_| value.with(|value| known.iter().copied().find(|known| known == value).unwrap_or(first)));
    let keys = move |event: KeyboardEvent| {
        let Some(list) = list.get_untracked() else { return };
        if let Some(index) = rove(&event, &all_within(&list, "[role=tab]"), ["ArrowLeft", "ArrowRight"]) {
            on_change.run(values[index]);
        }
    };
    let (panel_id, named_by) = (format!("{id}-panel"), id.clone());
    let controls = panel_id.clone();
    let buttons = tabs.into_iter().map(move |tab| {
        let on = memo(move |_| chosen.get() == tab.value);
        view! {
            <button
                class="tab"
                type="button"
                role="tab"
                id=format!("{id}-{}", tab.value)
                aria-selected=move || on.get().to_string()
                aria-controls=controls.clone()
                tabindex=move || if on.get() { "0" } else { "-1" }
                on:click=move |_| on_change.run(tab.value)
            >
                {live(move || tab.label.get())}
            </button>
        }
    });
    view! {
        <div class="tabs" role="tablist" aria-label=move || label.get() node_ref=list on:keydown=keys>
            {buttons.collect_view()}
        </div>
        <div class="tab-panel" role="tabpanel" id=panel_id aria-labelledby=move || format!("{named_by}-{}", chosen.get())>
            {live(move || panel.run(chosen.get()))}
        </div>
    }
    .into_any()
}
