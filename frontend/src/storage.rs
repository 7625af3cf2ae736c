//! Preferences kept in this browser: theme, language, density, what is folded. Never a token, never data.

use leptos::prelude::window;

const PREFIX: &str = "finops.";

/// The preference stored under `key`. `None` if there is none, or if the browser forbids storage.
pub fn get(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(&format!("{PREFIX}{key}")).ok()?
}

/// Stores a preference. Where the browser forbids storage the choice lasts as long as the page.
pub fn set(key: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(&format!("{PREFIX}{key}"), value);
    }
}

/// Forgets a preference.
pub fn remove(key: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.remove_item(&format!("{PREFIX}{key}"));
    }
}

/// Whether the browser stores anything at all.
pub fn is_available() -> bool {
    matches!(window().local_storage(), Ok(Some(_)))
}
