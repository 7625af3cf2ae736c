//! The root: starts what lives as long as the page and mounts the view.

use leptos::prelude::*;

use crate::i18n::{self, Locale, locale, set_locale, t, words};
use crate::theme::{self, Theme};
use crate::ui::{Choice, SegmentedControl};

/// Starts the app in this browser tab.
pub fn start() {
    theme::start();
    mount_to_body(|| {
        i18n::start();
        // The skeleton that index.html shows until here.
        if let Some(boot) = document().get_element_by_id("boot") {
            boot.remove();
        }
        view! { <Root /> }
    });
}

#[component]
fn Root() -> impl IntoView {
    let languages = Locale::ALL.map(|l| Choice::new(l.tag(), l.own_name()));
    let themes = Theme::ALL.map(|theme| {
        let word = match theme {
            Theme::System => words::common::THEME_SYSTEM,
            Theme::Light => words::common::THEME_LIGHT,
            Theme::Dark => words::common::THEME_DARK,
        };
        Choice::new(theme.name(), word)
    });
    view! {
        <main class="stack">
            <h1>{t(words::common::APP_NAME)}</h1>
            <SegmentedControl
                label=words::common::LANGUAGE
                choices=languages.to_vec()
                value=Signal::derive(|| locale().tag().to_owned())
                on_change=|tag| set_locale(Locale::from_tag(tag).unwrap_or_default())
            />
            <SegmentedControl
                label=words::common::THEME
                choices=themes.to_vec()
                value=Signal::derive(|| theme::theme().name().to_owned())
                on_change=|name| theme::set_theme(Theme::from_name(name).unwrap_or_default())
            />
        </main>
    }
}
