//! Instants as the pages about administration show them, in the organization's time zone.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::format::time::{self, Show};
use crate::i18n::{Word, t};
use crate::reactive::live;
use crate::session;

/// An instant, exactly.
pub fn exact(at: DateTime<Utc>, show: Show) -> String {
    time::instant(&at.to_rfc3339(), &session::time_zone(), show)
}

/// An instant with its date and time, or a word where there is none.
pub fn at(instant: Option<DateTime<Utc>>, none: Word) -> AnyView {
    match instant {
        Some(instant) => view! {
            <time class="nowrap" datetime=instant.to_rfc3339()>{live(move || exact(instant, Show::Minute))}</time>
        }
        .into_any(),
        None => view! { <span class="muted">{t(none)}</span> }.into_any(),
    }
}

/// How long ago an instant was, with the instant itself as its title, or a word where there is none.
pub fn ago(instant: Option<DateTime<Utc>>, now: ReadSignal<f64>, none: Word) -> AnyView {
    match instant {
        Some(instant) => view! {
            <time class="nowrap" datetime=instant.to_rfc3339() title=move || exact(instant, Show::Minute)>
                {live(move || time::ago(&instant.to_rfc3339(), now.get()))}
            </time>
        }
        .into_any(),
        None => view! { <span class="muted">{t(none)}</span> }.into_any(),
    }
}

/// The organization's zone and its offset, as a text that names it.
pub fn zone() -> (String, String) {
    let zone = session::time_zone();
    let offset = time::zone_offset(&zone);
    (zone, offset)
}
