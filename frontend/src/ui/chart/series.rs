//! What a chart shows, before it is drawn.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// How many series get a colour of their own.
pub const COLOURS: usize = 6;

/// One place on the time axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The local date, `2026-11-22`.
    pub day: String,
    /// It may still change.
    pub moving: bool,
}

/// One line, or one part of the bars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its colour: 1 to 6, 0 for the rest of a long list.
    pub colour: usize,
    /// A value for each place; `None` where nothing is known.
    pub values: Vec<Option<Decimal>>,
}

impl Series {
    /// The sum of what is known.
    pub fn total(&self) -> Decimal {
        self.values.iter().flatten().sum()
    }

    /// The values as pixels need them.
    pub fn floats(&self) -> Vec<Option<f64>> {
        self.values.iter().map(|value| value.and_then(|value| value.to_f64())).collect()
    }
}

/// Everything that a chart shows. One unit an axis: all amounts are of one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plot {
    /// The time axis.
    pub places: Vec<Place>,
    /// What is shown.
    pub series: Vec<Series>,
    /// ISO 4217.
    pub currency: String,
    /// How many series there were before the small ones were put together.
    pub of: usize,
}

impl Plot {
    /// What all series say of one place, where any says something.
    pub fn sum_at(&self, index: usize) -> Option<Decimal> {
        let values = self.series.iter().filter_map(|series| series.values.get(index).copied().flatten());
        values.fold(None, |sum, value| Some(sum.unwrap_or_default() + value))
    }
}

/// Keeps the dearest six and puts the others together under `rest`. Colours go by rank.
pub fn top(mut all: Vec<Series>, rest: &str) -> Vec<Series> {
    all.sort_by(|a, b| b.total().cmp(&a.total()).then_with(|| a.name.cmp(&b.name)));
    let small = all.split_off(all.len().min(COLOURS));
    for (index, series) in all.iter_mut().enumerate() {
        series.colour = index + 1;
    }
    let others = small.into_iter().reduce(|mut sum, next| {
        for (into, value) in sum.values.iter_mut().zip(next.values) {
            *into = match (*into, value) {
                (Some(a), Some(b)) => Some(a + b),
                (a, b) => a.or(b),
            };
        }
        sum
    });
    all.extend(others.map(|others| Series { name: rest.to_owned(), colour: 0, ..others }));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, value: i64) -> Series {
        Series { name: name.to_owned(), colour: 9, values: vec![Some(Decimal::from(value)), None] }
    }

    #[test]
    fn the_dearest_six_keep_their_names() {
        let all = (1..=8).map(|n| series(&format!("m{n}"), n)).collect();
        let top = top(all, "rest");
        assert_eq!(
            top.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
            ["m8", "m7", "m6", "m5", "m4", "m3", "rest"]
        );
        assert_eq!(top.iter().map(|s| s.colour).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 0]);
        assert_eq!(top[6].values, [Some(Decimal::from(3)), None]);
    }

    #[test]
    fn few_stay_as_they_are() {
        assert_eq!(top(vec![series("a", 1), series("b", 2)], "rest").len(), 2);
        assert!(top(Vec::new(), "rest").is_empty());
    }

    #[test]
    fn nothing_known_is_no_zero() {
        let plot = Plot { series: vec![series("a", 1), series("b", 2)], ..Plot::default() };
        assert_eq!(plot.sum_at(0), Some(Decimal::from(3)));
        assert_eq!(plot.sum_at(1), None);
    }
}
