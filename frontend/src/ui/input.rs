//! Text-like fields. Each owns nothing: its value is a signal of the page.

use leptos::prelude::*;

use super::Text;
use super::field::{Ids, frame};
use super::{ButtonSize, Icon, IconButton};
use crate::i18n::words;
use crate::reactive::{effect, live};

/// One line of text.
#[component]
pub fn TextField(
    /// The label above it.
    #[prop(into)]
    label: Text,
    /// The value.
    value: RwSignal<String>,
    /// What is wrong with it.
    #[prop(into, optional)]
    error: Signal<Option<String>>,
    /// What helps to fill it in.
    #[prop(into, optional)]
    hint: Option<Text>,
    /// `text` (the default), `email`, `search`, `url`.
    #[prop(default = "text")]
    kind: &'static str,
    /// The `name`, by which browsers fill forms in.
    #[prop(optional)]
    name: &'static str,
    /// The `autocomplete` token.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// An example.
    #[prop(optional)]
    placeholder: &'static str,
    /// May stay empty, and says so.
    #[prop(optional)]
    optional: bool,
    /// Takes the focus when it appears.
    #[prop(optional)]
    autofocus: bool,
    /// Set in a fixed-width font: keys and ids.
    #[prop(optional)]
    mono: bool,
    /// Cannot be changed.
    #[prop(into, optional)]
    disabled: Signal<bool>,
) -> AnyView {
    let ids = Ids::new();
    let describe = {
        let ids = ids.clone();
        let has_hint = hint.is_some();
        move || ids.described_by(has_hint, error.get().is_some())
    };
    let node = NodeRef::<leptos::html::Input>::new();
    focus_when_shown(node, autofocus);
    let control = view! {
        <input
            class="input"
            class:mono=mono
            id=ids.input.clone()
            node_ref=node
            type=kind
            name=name
            autocomplete=autocomplete
            autocapitalize="off"
            spellcheck="false"
            placeholder=placeholder
            required=!optional
            disabled=move || disabled.get()
            aria-invalid=move || error.get().is_some().then_some("true")
            aria-describedby=describe
            prop:value=move || value.get()
            on:input=move |event| value.set(event_target_value(&event))
        />
    };
    frame(&ids, label, optional, hint, error, control.into_any())
}

/// A password, or another secret that is typed in. Can be looked at.
#[component]
pub fn PasswordField(
    /// The label above it.
    #[prop(into)]
    label: Text,
    /// The value.
    value: RwSignal<String>,
    /// What is wrong with it.
    #[prop(into, optional)]
    error: Signal<Option<String>>,
    /// What helps to fill it in.
    #[prop(into, optional)]
    hint: Option<Text>,
    /// The `name`, by which browsers fill forms in.
    #[prop(optional)]
    name: &'static str,
    /// `current-password`, `new-password`, or `off` for a provider's key.
    #[prop(default = "current-password")]
    autocomplete: &'static str,
    /// An example.
    #[prop(optional)]
    placeholder: &'static str,
    /// Set in a fixed-width font: keys.
    #[prop(optional)]
    mono: bool,
    /// Takes the focus when it appears.
    #[prop(optional)]
    autofocus: bool,
) -> AnyView {
    let ids = Ids::new();
    let shown = RwSignal::new(false);
    let describe = {
        let ids = ids.clone();
        let has_hint = hint.is_some();
        move || ids.described_by(has_hint, error.get().is_some())
    };
    let node = NodeRef::<leptos::html::Input>::new();
    focus_when_shown(node, autofocus);
    let toggle = move || {
        let (icon, word) = if shown.get() {
            (Icon::EyeOff, words::common::HIDE_SECRET)
        } else {
            (Icon::Eye, words::common::SHOW_SECRET)
        };
        view! { <IconButton icon label=word bare=true size=ButtonSize::Medium on_press=move |_| shown.update(|s| *s = !*s) /> }
    };
    let control = view! {
        <div class="input-wrap" data-trailing="">
            <input
                class="input"
                class:mono=mono
                id=ids.input.clone()
                node_ref=node
                type=move || if shown.get() { "text" } else { "password" }
                name=name
                autocomplete=autocomplete
                autocapitalize="off"
                spellcheck="false"
                placeholder=placeholder
                required=true
                aria-invalid=move || error.get().is_some().then_some("true")
                aria-describedby=describe
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
            {toggle}
        </div>
    };
    frame(&ids, label, false, hint, error, control.into_any())
}

/// Several lines of text.
#[component]
pub fn Textarea(
    /// The label above it.
    #[prop(into)]
    label: Text,
    /// The value.
    value: RwSignal<String>,
    /// What is wrong with it.
    #[prop(into, optional)]
    error: Signal<Option<String>>,
    /// What helps to fill it in.
    #[prop(into, optional)]
    hint: Option<Text>,
    /// May stay empty, and says so.
    #[prop(optional)]
    optional: bool,
) -> AnyView {
    let ids = Ids::new();
    let describe = {
        let ids = ids.clone();
        let has_hint = hint.is_some();
        move || ids.described_by(has_hint, error.get().is_some())
    };
    let control = view! {
        <textarea
            class="input"
            id=ids.input.clone()
            rows="3"
            required=!optional
            aria-invalid=move || error.get().is_some().then_some("true")
            aria-describedby=describe
            prop:value=move || value.get()
            on:input=move |event| value.set(event_target_value(&event))
        ></textarea>
    };
    frame(&ids, label, optional, hint, error, control.into_any())
}

/// One of several values, as the browser's own list.
#[component]
pub fn Select(
    /// The label above it.
    #[prop(into)]
    label: Text,
    /// The chosen value.
    value: RwSignal<String>,
    /// Value and text of each choice.
    #[prop(into)]
    choices: Signal<Vec<(String, String)>>,
    /// What is wrong with it.
    #[prop(into, optional)]
    error: Signal<Option<String>>,
    /// What helps to choose.
    #[prop(into, optional)]
    hint: Option<Text>,
    /// 32 pixels high with the label hidden, for toolbars.
    #[prop(optional)]
    compact: bool,
    /// Cannot be changed.
    #[prop(into, optional)]
    disabled: Signal<bool>,
) -> AnyView {
    let ids = Ids::new();
    let describe = {
        let ids = ids.clone();
        let has_hint = hint.is_some();
        move || ids.described_by(has_hint, error.get().is_some())
    };
    let options = move || {
        let chosen = value.get();
        choices
            .get()
            .into_iter()
            .map(|(key, text)| {
                let selected = key == chosen;
                view! { <option value=key prop:selected=selected>{text}</option> }
            })
            .collect_view()
    };
    let control = view! {
        <select
            class="input"
            id=ids.input.clone()
            data-size=compact.then_some("small")
            disabled=move || disabled.get()
            aria-label=move || compact.then(|| label.get())
            aria-invalid=move || error.get().is_some().then_some("true")
            aria-describedby=describe
            on:change=move |event| value.set(event_target_value(&event))
        >
            {live(options)}
        </select>
    };
    if compact { control.into_any() } else { frame(&ids, label, false, hint, error, control.into_any()) }
}

fn focus_when_shown(node: NodeRef<leptos::html::Input>, wanted: bool) {
    if wanted {
        effect(move |_| {
            if let Some(input) = node.get() {
                // After the shell has moved the focus to the page's heading.
                request_animation_frame(move || {
                    let _ = input.focus();
                });
            }
        });
    }
}
