//! Numbers, money, dates and times as people read them.
//!
//! What must be exact (money, counts) is pure text work on decimal strings, in [`money`] and [`number`]. What depends on
//! a language's habits or on a time zone goes through the browser's `Intl`, in [`time`] and [`compact`].

pub mod money;
pub mod number;
pub mod time;

use js_sys::{Array, Intl, Object, Reflect};
use wasm_bindgen::JsValue;

use crate::i18n::{Locale, locale};

/// A number in few characters: `1.2만`, `12K`. For chart axes and token counts, where the exact value stands nearby.
pub fn compact(value: f64) -> String {
    let options = options(&[("notation", "compact".into()), ("maximumFractionDigits", 1.into())]);
    intl_number(value, locale(), &options)
}

/// A round amount of money on a chart axis: `$1.2K`. Never for an amount that somebody was charged.
pub fn compact_money(value: f64, currency: &str) -> String {
    let digits = if value != 0.0 && value.abs() < 1.0 { 4 } else { 1 };
    let options = options(&[
        ("notation", "compact".into()),
        ("style", "currency".into()),
        ("currency", currency.into()),
        ("currencyDisplay", "narrowSymbol".into()),
        ("minimumFractionDigits", 0.into()),
        ("maximumFractionDigits", digits.into()),
    ]);
    intl_number(value, locale(), &options)
}

fn intl_number(value: f64, locale: Locale, options: &Object) -> String {
    let format = Intl::NumberFormat::new(&tags(locale), options).format();
    format.call1(&JsValue::UNDEFINED, &value.into()).ok().and_then(|text| text.as_string()).unwrap_or_default()
}

pub(crate) fn tags(locale: Locale) -> Array {
    Array::of1(&locale.tag().into())
}

pub(crate) fn options(entries: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (key, value) in entries {
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&object, &(*key).into(), value);
    }
    object
}
