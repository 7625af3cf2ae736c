//! Copying, and secrets that are shown once.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;

use super::icon::{Glyph, Icon};
use super::{ButtonSize, IconButton, Text};
use crate::i18n::words;
use crate::reactive::live;

/// Copies a text, and says so.
#[component]
pub fn CopyButton(
    /// What is copied.
    #[prop(into)]
    text: Text,
    /// Its height.
    #[prop(optional)]
    size: ButtonSize,
) -> AnyView {
    let copied = RwSignal::new(false);
    let copy = move |_| {
        let clipboard = window().navigator().clipboard();
        let text = text.get_untracked();
        spawn_local(async move {
            // Without a clipboard (an insecure page) the text stands there to be selected.
            if !clipboard.is_undefined() && JsFuture::from(clipboard.write_text(&text)).await.is_ok() {
                copied.try_set(true);
                set_timeout(
                    move || {
                        copied.try_set(false);
                    },
                    std::time::Duration::from_secs(2),
                );
            }
        });
    };
    view! {
        {live(move || if copied.get() {
            view! { <IconButton icon=Icon::Check label=words::common::COPIED size on_press=copy /> }
        } else {
            view! { <IconButton icon=Icon::Copy label=words::common::COPY size on_press=copy /> }
        })}
        <span class="sr-only" role="status">{live(move || copied.get().then(|| words::common::COPIED.get()))}</span>
    }
    .into_any()
}

/// Lines to copy, as they are pasted.
#[component]
pub fn CodeBlock(
    /// What they are.
    #[prop(into)]
    label: Text,
    /// The lines.
    #[prop(into)]
    text: Text,
) -> AnyView {
    view! {
        <div class="stack" data-gap="4">
            <div class="spread"><b>{live(move || label.get())}</b><CopyButton text /></div>
            <pre class="guide table-scroll" tabindex="0" role="group" aria-label=move || label.get()>
                <code>{live(move || text.get())}</code>
            </pre>
        </div>
    }
    .into_any()
}

/// A secret that is on the screen this once.
#[component]
pub fn SecretReveal(
    /// The secret.
    #[prop(into)]
    text: Text,
    /// What to know about it, in other words than the usual.
    #[prop(into, optional)]
    note: Option<Text>,
) -> AnyView {
    let note = note.unwrap_or_else(|| words::common::SHOWN_ONCE.into());
    view! {
        <div class="secret">
            <code>{live(move || text.get())}</code>
            <CopyButton text />
        </div>
        <p class="field-hint"><Glyph icon=Icon::Info size=12 />" "{live(move || note.get())}</p>
    }
    .into_any()
}
