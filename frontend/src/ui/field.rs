//! Forms and the frame around each field: label, hint, error, and how they are tied together.

use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::dom::{focus_within, is_composing, unique_id};
use super::icon::{Glyph, Icon};
use super::{Banner, Text, Tone};
use crate::i18n::{t, words};
use crate::reactive::{effect, live};

/// The ids that tie a field's parts together.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    pub(super) input: String,
    pub(super) hint: String,
    pub(super) error: String,
}

impl Ids {
    pub(super) fn new() -> Ids {
        let input = unique_id("field");
        Ids { hint: format!("{input}-hint"), error: format!("{input}-error"), input }
    }

    /// The value of `aria-describedby`.
    pub(super) fn described_by(&self, hint: bool, error: bool) -> Option<String> {
        let parts: Vec<&str> =
            [(error, self.error.as_str()), (hint, self.hint.as_str())].iter().filter(|p| p.0).map(|p| p.1).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

/// Label above, error and hint below.
pub(super) fn frame(
    ids: &Ids,
    label: Text,
    optional: bool,
    hint: Option<Text>,
    error: Signal<Option<String>>,
    control: AnyView,
) -> AnyView {
    let (error_id, hint_id) = (ids.error.clone(), ids.hint.clone());
    view! {
        <div class="field">
            <label class="field-label" for=ids.input.clone()>
                {live(move || label.get())}
                {optional.then(|| view! { <span class="field-optional">{t(words::common::OPTIONAL)}</span> })}
            </label>
            {control}
            // The container stays, so that an error that appears is read out.
            <div id=error_id aria-live="polite">
                {live(move || error.get().map(|text| view! {
                    <p class="field-error"><Glyph icon=Icon::Failure size=12 />{text}</p>
                }))}
            </div>
            {hint.map(|hint| view! { <p class="field-hint" id=hint_id>{live(move || hint.get())}</p> })}
        </div>
    }
    .into_any()
}

/// A form. Enter submits it, except while an input method composes. When `error` appears it is shown above the fields;
/// when a field gets an error after submitting, that field gets the focus.
#[component]
pub fn Form(
    /// Called on submit.
    #[prop(into)]
    on_submit: Callback<()>,
    /// What went wrong as a whole.
    #[prop(into, optional)]
    error: Signal<Option<String>>,
    /// Counts failed attempts; each change focuses the first field at fault.
    #[prop(into, optional)]
    failures: Signal<u32>,
    /// The fields.
    children: Children,
) -> AnyView {
    let form = NodeRef::<leptos::html::Form>::new();
    effect(move |before: Option<u32>| {
        let now = failures.get();
        if before.is_some_and(|before| before != now) {
            // The fields get their `aria-invalid` in the same turn; look at them after it.
            request_animation_frame(move || {
                if let Some(form) = form.get_untracked() {
                    focus_within(&form, "[aria-invalid=true]");
                }
            });
        }
        now
    });
    view! {
        <form
            class="form"
            novalidate=true
            node_ref=form
            on:keydown=move |event: KeyboardEvent| {
                let in_input = event.target().is_some_and(|t| t.has_type::<web_sys::HtmlInputElement>());
                if event.key() == "Enter" && in_input && is_composing(&event) {
                    event.prevent_default();
                }
            }
            on:submit=move |event: SubmitEvent| {
                event.prevent_default();
                on_submit.run(());
            }
        >
            <div aria-live="assertive">
                {live(move || error.get().map(|text| view! { <Banner tone=Tone::Danger>{text}</Banner> }))}
            </div>
            {children()}
        </form>
    }
    .into_any()
}

/// The row of buttons below a form.
#[component]
pub fn FormActions(
    /// The buttons, the main one last.
    children: Children,
) -> AnyView {
    view! { <div class="form-actions">{children()}</div> }.into_any()
}
