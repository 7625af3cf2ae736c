//! Dates and times in the organization's time zone, through the browser's `Intl`.

use std::cell::RefCell;
use std::collections::HashMap;

use js_sys::{Date, Intl};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

use super::{options, tags};
use crate::i18n::{Locale, locale, words};

/// What of an instant is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Show {
    /// `2026. 11. 22.`
    Date,
    /// `11. 22.`, for chart axes.
    Day,
    /// `11. 22. (일)`, for tooltips.
    Weekday,
    /// `11월 22일`, `Nov 22`, within a sentence.
    Spoken,
    /// `2026. 11. 22. 14:05`
    Minute,
    /// `2026. 11. 22. 14:05:09`, for audit rows.
    Second,
    /// `11. 22. 14:05:09`, for dense lists.
    Moment,
    /// `14:05`
    Clock,
    /// `2026. 11.`
    Month,
}

thread_local! {
    // Making a DateTimeFormat costs about as much as a hundred uses of it.
    static FORMATS: RefCell<HashMap<(Locale, String, Show), Intl::DateTimeFormat>> = RefCell::default();
}

/// An RFC 3339 instant in an IANA time zone. Empty for text that is no instant.
pub fn instant(rfc3339: &str, zone: &str, show: Show) -> String {
    format_date(&Date::new(&rfc3339.into()), zone, show)
}

/// A local date (`2026-11-22`), which has no time zone.
pub fn date(iso: &str, show: Show) -> String {
    format_date(&Date::new(&format!("{iso}T00:00:00Z").into()), "UTC", show)
}

fn format_date(date: &Date, zone: &str, show: Show) -> String {
    if date.get_time().is_nan() {
        return String::new();
    }
    let language = locale();
    FORMATS.with_borrow_mut(|formats| {
        let format = formats
            .entry((language, zone.to_owned(), show))
            .or_insert_with(|| Intl::DateTimeFormat::new(&tags(language), &date_options(language, zone, show)));
        let text = format.format().call1(&JsValue::UNDEFINED, date.as_ref());
        text.ok().and_then(|text| text.as_string()).unwrap_or_default()
    })
}

fn date_options(language: Locale, zone: &str, show: Show) -> js_sys::Object {
    let named = language == Locale::En;
    let month = if named { "short" } else { "numeric" };
    let mut entries: Vec<(&str, JsValue)> = vec![("timeZone", zone.into())];
    let mut push = |names: &[(&'static str, &str)]| {
        entries.extend(names.iter().map(|(name, value)| (*name, JsValue::from_str(value))));
    };
    match show {
        Show::Date | Show::Minute | Show::Second => push(&[("year", "numeric"), ("month", month), ("day", "numeric")]),
        Show::Day | Show::Moment => push(&[("month", month), ("day", "numeric")]),
        Show::Spoken => push(&[("month", if named { "short" } else { "long" }), ("day", "numeric")]),
        Show::Weekday => push(&[("month", month), ("day", "numeric"), ("weekday", "short")]),
        Show::Month => push(&[("year", "numeric"), ("month", month)]),
        Show::Clock => {}
    }
    if matches!(show, Show::Minute | Show::Second | Show::Moment | Show::Clock) {
        push(&[("hour", "2-digit"), ("minute", "2-digit"), ("hourCycle", "h23")]);
    }
    if matches!(show, Show::Second | Show::Moment) {
        push(&[("second", "2-digit")]);
    }
    options(&entries)
}

/// How long ago, in the largest fitting unit: `10분 전`, `yesterday`. `now_ms` is the browser's clock.
pub fn ago(rfc3339: &str, now_ms: f64) -> String {
    let then = Date::new(&rfc3339.into()).get_time();
    if then.is_nan() {
        return String::new();
    }
    let (amount, unit) = relative((then - now_ms) / 1000.0);
    if amount == 0.0 {
        return words::common::JUST_NOW.get().to_owned();
    }
    let options = options(&[("numeric", "auto".into())]);
    let format = Intl::RelativeTimeFormat::new(&tags(locale()), &options);
    format.format(amount, unit).into()
}

/// The unit in which a span of seconds reads best, and how many of it. Negative is the past; under a minute is now.
fn relative(seconds: f64) -> (f64, &'static str) {
    let magnitude = seconds.abs();
    match magnitude {
        m if m < 60.0 => (0.0, "second"),
        m if m < 3_600.0 => ((seconds / 60.0).trunc(), "minute"),
        m if m < 86_400.0 => ((seconds / 3_600.0).trunc(), "hour"),
        m if m < 86_400.0 * 30.0 => ((seconds / 86_400.0).trunc(), "day"),
        _ => ((seconds / (86_400.0 * 30.0)).trunc(), "month"),
    }
}

/// The offset and city of an IANA zone as people name it: `GMT+9`.
pub fn zone_offset(zone: &str) -> String {
    let options = options(&[("timeZone", zone.into()), ("timeZoneName", "shortOffset".into())]);
    let parts = Intl::DateTimeFormat::new(&tags(Locale::En), &options).format_to_parts(&Date::new_0());
    parts
        .iter()
        .find_map(|part| {
            let part: &JsValue = &part;
            let field = |name: &str| js_sys::Reflect::get(part, &name.into()).ok()?.as_string();
            (field("type")? == "timeZoneName").then(|| field("value"))?
        })
        .unwrap_or_default()
}

/// Today in an IANA time zone, as `2026-11-22`.
pub fn today(zone: &str) -> String {
    iso_day(&Date::new_0(), zone)
}

/// The day of an RFC 3339 instant in an IANA time zone, as `2026-11-22`. Empty for text that is no instant.
pub fn day_of(rfc3339: &str, zone: &str) -> String {
    iso_day(&Date::new(&rfc3339.into()), zone)
}

fn iso_day(date: &Date, zone: &str) -> String {
    // Swedish writes dates as ISO 8601 does.
    let options = options(&[("timeZone", zone.into())]);
    let format = Intl::DateTimeFormat::new(&js_sys::Array::of1(&"sv".into()), &options).format();
    format.call1(&JsValue::UNDEFINED, date.as_ref()).ok().and_then(|d| d.as_string()).unwrap_or_default()
}

/// The name of a month, 1 to 12.
pub fn month_name(month: u8) -> String {
    let options = options(&[("month", "long".into()), ("timeZone", "UTC".into())]);
    let format = Intl::DateTimeFormat::new(&tags(locale()), &options).format();
    let date = Date::new(&format!("2026-{month:02}-15T00:00:00Z").into());
    format.call1(&JsValue::UNDEFINED, date.as_ref()).ok().and_then(|name| name.as_string()).unwrap_or_default()
}

/// Every IANA zone that the browser knows; none where it does not tell.
pub fn zones() -> Vec<String> {
    let list = js_sys::Reflect::get(&js_sys::global(), &"Intl".into())
        .and_then(|intl| js_sys::Reflect::get(&intl, &"supportedValuesOf".into()))
        .and_then(|function| function.dyn_into::<js_sys::Function>())
        .and_then(|function| function.call1(&JsValue::UNDEFINED, &"timeZone".into()));
    list.map(|list| js_sys::Array::from(&list).iter().filter_map(|zone| zone.as_string()).collect()).unwrap_or_default()
}

/// The instant at which a local date (`2026-11-22`) begins in an IANA zone. `None` for text that is no date.
pub fn start_of(iso: &str, zone: &str) -> Option<chrono::DateTime<chrono::Utc>> {
    let midnight = iso.parse::<chrono::NaiveDate>().ok()?.and_time(chrono::NaiveTime::MIN).and_utc();
    // Twice, because the offset may differ between the first guess and the answer.
    let once = midnight - offset_at(midnight, zone)?;
    Some(midnight - offset_at(once, zone)?)
}

/// How far an IANA zone is ahead of UTC at an instant.
fn offset_at(at: chrono::DateTime<chrono::Utc>, zone: &str) -> Option<chrono::TimeDelta> {
    // Swedish writes `2026-11-22 14:05:09`.
    let entries = [("timeZone", zone), ("dateStyle", "short"), ("timeStyle", "medium")];
    let options = options(&entries.map(|(name, value)| (name, JsValue::from_str(value))));
    let format = Intl::DateTimeFormat::new(&js_sys::Array::of1(&"sv".into()), &options).format();
    let text = format.call1(&JsValue::UNDEFINED, Date::new(&at.to_rfc3339().into()).as_ref()).ok()?.as_string()?;
    Some(text.replace(' ', "T").parse::<chrono::NaiveDateTime>().ok()?.and_utc() - at)
}

/// The browser's clock, in milliseconds; ticks every half minute, so that "10 minutes ago" stays true.
pub fn ticking_now() -> ReadSignal<f64> {
    let (now, set_now) = signal(Date::now());
    if let Ok(handle) = set_interval_with_handle(move || set_now.set(Date::now()), std::time::Duration::from_secs(30)) {
        on_cleanup(move || handle.clear());
    }
    now
}

/// Whether the browser knows an IANA zone of this name.
pub fn is_zone(zone: &str) -> bool {
    let options = options(&[("timeZone", zone.into())]);
    let constructor = js_sys::Reflect::get(&js_sys::global(), &"Intl".into())
        .and_then(|intl| js_sys::Reflect::get(&intl, &"DateTimeFormat".into()));
    let Some(constructor) = constructor.ok().and_then(|c| c.dyn_into::<js_sys::Function>().ok()) else { return false };
    js_sys::Reflect::construct(&constructor, &js_sys::Array::of2(&"en".into(), &options)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        assert_eq!(relative(-30.0), (0.0, "second"));
        assert_eq!(relative(-600.0), (-10.0, "minute"));
        assert_eq!(relative(-7_300.0), (-2.0, "hour"));
        assert_eq!(relative(-86_400.0), (-1.0, "day"));
        assert_eq!(relative(-86_400.0 * 65.0), (-2.0, "month"));
    }
}
