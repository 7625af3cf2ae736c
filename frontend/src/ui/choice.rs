//! Checkboxes, switches, and one of a few.

use crate::reactive::{live, memo};
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use super::Text;
use super::dom::{all_within, rove};

/// A choice that a form submits.
#[component]
pub fn Checkbox(
    /// Whether it is on.
    value: RwSignal<bool>,
    /// What it means.
    #[prop(into)]
    label: Text,
) -> AnyView {
    view! {
        <label class="check">
            <input
                type="checkbox"
                prop:checked=move || value.get()
                on:change=move |event| value.set(event_target_checked(&event))
            />
            <span>{live(move || label.get())}</span>
        </label>
    }
    .into_any()
}

/// Something that takes effect at once.
#[component]
pub fn Switch(
    /// Whether it is on.
    #[prop(into)]
    value: Signal<bool>,
    /// What it switches.
    #[prop(into)]
    label: Text,
    /// Called with what was chosen.
    #[prop(into)]
    on_change: Callback<bool>,
) -> AnyView {
    view! {
        <label class="check">
            <input
                class="switch"
                type="checkbox"
                role="switch"
                prop:checked=move || value.get()
                on:change=move |event| {
                    on_change.run(event_target_checked(&event));
                    // It shows what is, not what is wanted: that may fail.
                    event_target::<web_sys::HtmlInputElement>(&event).set_checked(value.get_untracked());
                }
            />
            <span>{live(move || label.get())}</span>
        </label>
    }
    .into_any()
}

/// One value of a [`SegmentedControl`] with its text.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// What is stored, in the URL for example.
    pub value: &'static str,
    /// What is shown.
    pub label: Text,
}

impl Choice {
    /// A choice.
    pub fn new(value: &'static str, label: impl Into<Text>) -> Choice {
        Choice { value, label: label.into() }
    }
}

/// One of a few values, all in sight: the period, the density.
#[component]
pub fn SegmentedControl(
    /// What is chosen between, for assistive technology.
    #[prop(into)]
    label: Text,
    /// The choices.
    choices: Vec<Choice>,
    /// The chosen value.
    #[prop(into)]
    value: Signal<String>,
    /// Called with what was chosen.
    #[prop(into)]
    on_change: Callback<&'static str>,
) -> AnyView {
    let group = NodeRef::<leptos::html::Div>::new();
    let values: Vec<_> = choices.iter().map(|choice| choice.value).collect();
    let keys = move |event: KeyboardEvent| {
        let Some(group) = group.get_untracked() else { return };
        if let Some(index) = rove(&event, &all_within(&group, "[role=radio]"), ["ArrowLeft", "ArrowRight"]) {
            on_change.run(values[index]);
        }
    };
    let segments = choices.into_iter().map(|choice| {
        let chosen = memo(move |_| value.with(|value| value == choice.value));
        view! {
            <button
                class="segment"
                type="button"
                role="radio"
                aria-checked=move || chosen.get().to_string()
                tabindex=move || if chosen.get() { "0" } else { "-1" }
                on:click=move |_| on_change.run(choice.value)
            >
                {live(move || choice.label.get())}
            </button>
        }
    });
    view! {
        <div class="segments" role="radiogroup" aria-label=move || label.get() node_ref=group on:keydown=keys>
            {segments.collect_view()}
        </div>
    }
    .into_any()
}
