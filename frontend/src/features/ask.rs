//! Dialogs about one of several things.

use crate::reactive::effect;
use leptos::prelude::*;

/// Opens a dialog whenever something is asked for, also for the same thing again.
pub fn opened_by<T: Send + Sync + 'static>(asked: RwSignal<Option<T>>) -> RwSignal<bool> {
    let open = RwSignal::new(false);
    effect(move |_| {
        if asked.with(Option::is_some) {
            open.set(true);
        }
    });
    open
}
