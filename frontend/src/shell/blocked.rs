//! Whether anything is blocked that the reader sees. Only then is there a banner, and only then does its code come.

use std::sync::LazyLock;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::client;
use crate::pieces;
use crate::reactive::{effect, live};

/// What is blocked now; what the banner shows of it, and a little more.
pub const BLOCKS_PATH: &str = "/blocks?status=active&limit=20";

/// How often it is looked for: somebody else, or a budget, may block too.
const EVERY: Duration = Duration::from_secs(30);

static LOOKS: LazyLock<ArcRwSignal<u32>> = LazyLock::new(ArcRwSignal::default);

/// Something was blocked or lifted: looks at once.
pub fn look_for_blocks() {
    LOOKS.update(|looks| *looks += 1);
}

/// How often it was looked for; follows it.
pub fn looks_for_blocks() -> u32 {
    LOOKS.get()
}

/// The banner, if there is something to say.
pub(super) fn banner() -> AnyView {
    let any = RwSignal::new(false);
    let look = move || {
        spawn_local(async move {
            // Without an answer what was known stays.
            if let Ok(text) = client::get_text(BLOCKS_PATH).await {
                any.try_set(text.contains("\"id\""));
            }
        });
    };
    effect(move |_| {
        LOOKS.track();
        // What the page shows comes first.
        pieces::when_idle(look);
    });
    let tick = || {
        if !document().hidden() {
            look_for_blocks();
        }
    };
    if let Ok(handle) = set_interval_with_handle(tick, EVERY) {
        on_cleanup(move || handle.clear());
    }
    let shown = Memo::new(move |_| any.get());
    live(move || shown.get().then(|| pieces::once_here(pieces::block_banner)))
}
