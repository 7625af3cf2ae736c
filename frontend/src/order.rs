//! Sorting as one piece of code. The standard library's is a few kilobytes for each type and each comparison, which the
//! shipped app would hold a dozen times; lists that people look at are short.

use std::cmp::Ordering;

/// Sorts; what is equal keeps its order.
pub fn sort_by<T>(items: &mut Vec<T>, mut compare: impl FnMut(&T, &T) -> Ordering) {
    let mut order: Vec<usize> = (0..items.len()).collect();
    sort_places(&mut order, &mut |a, b| compare(&items[a], &items[b]));
    let mut taken: Vec<_> = std::mem::take(items).into_iter().map(Some).collect();
    items.extend(order.into_iter().filter_map(|place| taken[place].take()));
}

fn sort_places(order: &mut [usize], compare: &mut dyn FnMut(usize, usize) -> Ordering) {
    order.sort_by(|a, b| compare(*a, *b));
}

#[cfg(test)]
mod tests {
    use super::sort_by;

    #[test]
    fn what_is_equal_keeps_its_order() {
        let mut items = vec![("b", 1), ("a", 2), ("b", 0), ("a", 1)];
        sort_by(&mut items, |a, b| a.0.cmp(b.0));
        assert_eq!(items, [("a", 2), ("a", 1), ("b", 1), ("b", 0)]);
        sort_by(&mut items, |a, b| b.1.cmp(&a.1));
        assert_eq!(items, [("a", 2), ("a", 1), ("b", 1), ("b", 0)]);
    }
}
