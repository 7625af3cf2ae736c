//! Order for people's eyes.

use std::cmp::Ordering;

/// Sorts, keeping the order of equals. The sorting itself works on positions, so that the app holds it once and not
/// once for each type of element.
pub fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let order = positions(items.len(), &|a, b| compare(&items[a], &items[b]));
    for to in 0..items.len() {
        let mut from = order[to];
        // What belongs here may have been moved away when an earlier place was filled.
        while from < to {
            from = order[from];
        }
        items.swap(to, from);
    }
}

fn positions(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<_> = (0..count).collect();
    order.sort_by(|a, b| compare(*a, *b));
    order
}

/// A text as it is compared where case does not matter. The browser's own tables are used: Rust's would be downloaded.
pub fn folded(text: &str) -> String {
    #[cfg(target_arch = "wasm32")]
    return js_sys::JsString::from(text).to_lower_case().into();
    #[cfg(not(target_arch = "wasm32"))]
    text.to_lowercase()
}

/// A text in capitals.
pub fn capitals(text: &str) -> String {
    #[cfg(target_arch = "wasm32")]
    return js_sys::JsString::from(text).to_upper_case().into();
    #[cfg(not(target_arch = "wasm32"))]
    text.to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_every_arrangement_and_keeps_equals_in_order() {
        // All texts of five digits out of three: every permutation, with repetitions.
        for number in 0..243_usize {
            let mut items: Vec<_> = (0..5).map(|at| (number / 3_usize.pow(at) % 3, at)).collect();
            let mut expected = items.clone();
            sort_by(&mut items, |a, b| a.0.cmp(&b.0));
            expected.sort_by_key(|item| item.0);
            assert_eq!(items, expected);
        }
    }
}
