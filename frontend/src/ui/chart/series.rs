//! What a chart shows, before it is drawn.

use crate::order::sort_by;
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
    /// What it is, whatever it is called: an id.
    pub key: String,
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
    /// The series are no parts of a whole: no sum of them is told.
    pub apart: bool,
}

impl Plot {
    /// The lowest and the highest value, where each series is a line.
    pub fn extremes(&self) -> (Decimal, Decimal) {
        let values = self.series.iter().flat_map(|series| &series.values).flatten();
        values.fold((Decimal::ZERO, Decimal::ZERO), |(low, high), value| (low.min(*value), high.max(*value)))
    }

    /// The lowest and the highest end of a bar: credits go down from zero, costs up.
    pub fn stacked_extremes(&self) -> (Decimal, Decimal) {
        let ends = (0..self.places.len()).map(|index| {
            let values = self.series.iter().filter_map(|series| series.values.get(index).copied().flatten());
            values.fold((Decimal::ZERO, Decimal::ZERO), |(low, high), value| {
                if value < Decimal::ZERO { (low + value, high) } else { (low, high + value) }
            })
        });
        ends.fold((Decimal::ZERO, Decimal::ZERO), |(low, high), (a, b)| (low.min(a), high.max(b)))
    }

    /// What all series say of one place, where any says something.
    pub fn sum_at(&self, index: usize) -> Option<Decimal> {
        let values = self.series.iter().filter_map(|series| series.values.get(index).copied().flatten());
        values.fold(None, |sum, value| Some(sum.unwrap_or_default() + value))
    }
}

/// Keeps the dearest six and puts the others together under `rest`.
pub fn top(mut all: Vec<Series>, rest: &str) -> Vec<Series> {
    sort_by(&mut all, |a, b| b.total().cmp(&a.total()).then_with(|| a.key.cmp(&b.key)));
    let small = all.split_off(all.len().min(COLOURS));
    colour(&mut all);
    let others = small.into_iter().reduce(|mut sum, next| {
        for (into, value) in sum.values.iter_mut().zip(next.values) {
            *into = match (*into, value) {
                (Some(a), Some(b)) => Some(a + b),
                (a, b) => a.or(b),
            };
        }
        sum
    });
    all.extend(others.map(|others| Series { key: String::new(), name: rest.to_owned(), colour: 0, ..others }));
    all
}

/// Colours belong to what is shown, not to its rank: each asks for the colour that its key names, and those that ask for
/// the same one take the next that is free, in the order of their keys.
fn colour(all: &mut [Series]) {
    let mut order: Vec<_> = (0..all.len()).collect();
    sort_by(&mut order, |a, b| all[*a].key.cmp(&all[*b].key));
    let mut taken = [false; COLOURS];
    for index in order {
        // FNV-1a: the same in every browser and every version.
        let hash = all[index]
            .key
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let wanted = usize::try_from(hash % COLOURS as u64).unwrap_or_default();
        let found = (0..COLOURS).map(|step| (wanted + step) % COLOURS).find(|colour| !taken[*colour]);
        let found = found.unwrap_or(wanted);
        taken[found] = true;
        all[index].colour = found + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, value: i64) -> Series {
        Series {
            key: name.to_owned(),
            name: name.to_owned(),
            colour: 9,
            values: vec![Some(Decimal::from(value)), None],
        }
    }

    #[test]
    fn the_dearest_six_keep_their_names() {
        let all = (1..=8).map(|n| series(&format!("m{n}"), n)).collect();
        let top = top(all, "rest");
        assert_eq!(
            top.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
            ["m8", "m7", "m6", "m5", "m4", "m3", "rest"]
        );
        let mut colours: Vec<_> = top.iter().map(|s| s.colour).collect();
        assert_eq!(colours.pop(), Some(0));
        colours.sort_unstable();
        assert_eq!(colours, [1, 2, 3, 4, 5, 6]);
        assert_eq!(top[6].values, [Some(Decimal::from(3)), None]);
    }

    #[test]
    fn a_colour_stays_when_the_ranks_change() {
        let colour_of = |all: &[Series], name: &str| all.iter().find(|s| s.name == name).unwrap().colour;
        let before = top(vec![series("a", 3), series("b", 2), series("c", 1)], "rest");
        let after = top(vec![series("a", 1), series("b", 2), series("c", 3)], "rest");
        assert_eq!(after[0].name, "c");
        for name in ["a", "b", "c"] {
            assert_eq!(colour_of(&before, name), colour_of(&after, name));
        }
    }

    #[test]
    fn few_stay_as_they_are() {
        assert_eq!(top(vec![series("a", 1), series("b", 2)], "rest").len(), 2);
        assert!(top(Vec::new(), "rest").is_empty());
    }

    #[test]
    fn a_credit_does_not_shorten_a_bar() {
        let place = || Place { day: "2026-11-22".to_owned(), moving: false };
        let plot =
            Plot { places: vec![place(), place()], series: vec![series("a", 5), series("b", -2)], ..Plot::default() };
        assert_eq!(plot.stacked_extremes(), (Decimal::from(-2), Decimal::from(5)));
        assert_eq!(plot.extremes(), (Decimal::from(-2), Decimal::from(5)));
    }

    #[test]
    fn nothing_known_is_no_zero() {
        let plot = Plot { series: vec![series("a", 1), series("b", 2)], ..Plot::default() };
        assert_eq!(plot.sum_at(0), Some(Decimal::from(3)));
        assert_eq!(plot.sum_at(1), None);
    }
}
