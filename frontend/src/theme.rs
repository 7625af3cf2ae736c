//! Light, dark, or what the system says. The script in `index.html` applies the stored choice before the first paint;
//! this module changes it later.

use std::sync::LazyLock;

use leptos::prelude::*;

use crate::storage;

/// A choice of theme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Follow the operating system.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// All choices, in the order in which they are offered.
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    /// The name that is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The choice with this name.
    pub fn from_name(name: &str) -> Option<Theme> {
        Theme::ALL.into_iter().find(|theme| theme.name() == name)
    }
}

static THEME: LazyLock<ArcRwSignal<Theme>> = LazyLock::new(|| ArcRwSignal::new(Theme::default()));

/// The choice now; follows changes when read in a reactive closure.
pub fn theme() -> Theme {
    THEME.get()
}

/// Reads the stored choice.
pub fn start() {
    THEME.set(storage::get("theme").and_then(|name| Theme::from_name(&name)).unwrap_or_default());
}

/// Applies a choice and remembers it.
pub fn set_theme(theme: Theme) {
    storage::set("theme", theme.name());
    if let Some(html) = document().document_element() {
        // Without the attribute the style sheet follows `prefers-color-scheme`.
        let _ = match theme {
            Theme::System => html.remove_attribute("data-theme"),
            chosen => html.set_attribute("data-theme", chosen.name()),
        };
    }
    THEME.set(theme);
}
