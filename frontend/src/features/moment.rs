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

/// The browser's clock.
pub fn now() -> DateTime<Utc> {
    #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds, far below the largest i64")]
    let milliseconds = js_sys::Date::now() as i64;
    DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
}

/// The instant at which a local date begins in the organization's zone. `None` for text that is no date.
pub fn start_of(date: &str) -> Option<DateTime<Utc>> {
    time::start_of(date, &session::time_zone())
}

/// The instant at which a local date is over there.
pub fn end_of(date: &str) -> Option<DateTime<Utc>> {
    start_of(&date.parse::<chrono::NaiveDate>().ok()?.succ_opt()?.to_string())
}

/// Today there, as `2026-11-22`.
pub fn today() -> String {
    time::today(&session::time_zone())
}

/// The local day of an instant there, as `2026-11-22`.
pub fn day_of(at: DateTime<Utc>) -> String {
    time::day_of(&at.to_rfc3339(), &session::time_zone())
}
