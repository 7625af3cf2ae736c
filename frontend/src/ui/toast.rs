//! Results of what a person did, at the edge of the page. Never questions, never news.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use leptos::prelude::*;

use super::Tone;
use super::button::{ButtonSize, IconButton};
use super::icon::{Glyph, Icon};
use crate::i18n::words;

#[derive(Clone, PartialEq)]
struct Toast {
    id: u32,
    tone: Tone,
    text: String,
}

static TOASTS: LazyLock<ArcRwSignal<Vec<Toast>>> = LazyLock::new(ArcRwSignal::default);
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Says that something worked. Goes by itself.
pub fn done(text: impl Into<String>) {
    let id = push(Tone::Success, text.into());
    set_timeout(move || dismiss(id), Duration::from_secs(6));
}

/// Says that something did not work. Stays until dismissed.
pub fn failed(text: impl Into<String>) {
    push(Tone::Danger, text.into());
}

fn push(tone: Tone, text: String) -> u32 {
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    TOASTS.update(|toasts| {
        toasts.push(Toast { id, tone, text });
        // More than three are noise.
        let surplus = toasts.len().saturating_sub(3);
        toasts.drain(..surplus);
    });
    id
}

fn dismiss(id: u32) {
    TOASTS.update(|toasts| toasts.retain(|toast| toast.id != id));
}

/// Where they appear. One, at the root.
#[component]
pub fn ToastRegion() -> AnyView {
    let toasts = RwSignal::from(TOASTS.clone());
    view! {
        <div class="toasts" role="region" aria-live="polite" aria-label=move || words::common::NOTICES.get()>
            <For each=move || toasts.get() key=|toast| toast.id let(toast)>
                <div class="toast" data-tone=toast.tone.name()>
                    <Glyph icon=toast.tone.icon() />
                    <p class="toast-text">{toast.text.clone()}</p>
                    <IconButton
                        icon=Icon::Close
                        label=words::common::CLOSE
                        size=ButtonSize::Small
                        bare=true
                        on_press=move |_| dismiss(toast.id)
                    />
                </div>
            </For>
        </div>
    }
    .into_any()
}
