//! Small helpers over the DOM.

use std::sync::atomic::{AtomicU32, Ordering};

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

static NEXT_ID: AtomicU32 = AtomicU32::new(1);

/// An id that no other element of the page has.
pub fn unique_id(prefix: &str) -> String {
    format!("{prefix}-{}", NEXT_ID.fetch_add(1, Ordering::Relaxed))
}

/// Whether this key press belongs to an input method that is still composing a syllable. Enter and the arrow keys then
/// mean something to the input method and nothing to us; without this check Korean users submit twice.
pub fn is_composing(event: &KeyboardEvent) -> bool {
    // 229: Safari sends the Enter that ends a composition after `compositionend`.
    event.is_composing() || event.key_code() == 229
}

/// Focuses the first element within `root` that matches. Whether there was one.
pub fn focus_within(root: &Element, selector: &str) -> bool {
    match root.query_selector(selector) {
        Ok(Some(found)) => focus(&found),
        _ => false,
    }
}

/// Focuses an element, if it takes focus.
pub fn focus(element: &Element) -> bool {
    element.dyn_ref::<HtmlElement>().is_some_and(|element| element.focus().is_ok())
}

/// The element that has the focus.
pub fn focused() -> Option<HtmlElement> {
    document().active_element()?.dyn_into().ok()
}

/// The elements within `root` that match, in document order.
pub fn all_within(root: &Element, selector: &str) -> Vec<HtmlElement> {
    let Ok(found) = root.query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|index| found.item(index)?.dyn_into().ok()).collect()
}

/// Moves the focus among `items` as a menu, a tab list or a radio group does: the arrows step and wrap, Home and End
/// jump. The index that got the focus.
pub fn rove(event: &KeyboardEvent, items: &[HtmlElement], keys: [&str; 2]) -> Option<usize> {
    if items.is_empty() {
        return None;
    }
    let now = focused().and_then(|focused| items.iter().position(|item| *item == focused));
    let last = items.len() - 1;
    let next = match event.key().as_str() {
        key if key == keys[0] => now.map_or(last, |now| if now == 0 { last } else { now - 1 }),
        key if key == keys[1] => now.map_or(0, |now| if now == last { 0 } else { now + 1 }),
        "Home" => 0,
        "End" => last,
        _ => return None,
    };
    event.prevent_default();
    focus(&items[next]);
    Some(next)
}

/// Whether the platform's shortcuts use ⌘ rather than Ctrl.
pub fn is_mac() -> bool {
    window().navigator().platform().is_ok_and(|platform| platform.starts_with("Mac") || platform.starts_with("iP"))
}
