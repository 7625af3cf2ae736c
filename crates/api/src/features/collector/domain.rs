//! Which days to ask for, and what a page of the bill changes about what is stored.

use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use finops_providers::{CostBucket, CostLine};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::error::CollectError;
use crate::platform::clock::midnight;
use crate::platform::exact;

/// Days that a new key's bill is brought in for.
pub(super) const BACKFILL_DAYS: u64 = 180;
/// Days that are asked for again on every run, because the provider still restates them.
pub(super) const RESTATED_DAYS: u64 = 7;
/// Days a page holds: few enough that a page of a large bill is a few megabytes.
pub(super) const PAGE_DAYS: u16 = 15;

/// Amounts that the table takes: 9 digits before the point, 18 after it.
const MAX_AMOUNT: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
const MAX_QUANTITY: Decimal = Decimal::from_parts(2_808_348_672, 232_830_643, 0, false, 0);
const MAX_SCALE: u32 = 18;

/// UTC days, both ends inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) first: NaiveDate,
    pub(super) last: NaiveDate,
}

impl Window {
    /// The days to ask for when `through` is the last whole day and `done` the last one that is stored. The days that
    /// were still moving then are asked for again however long ago that was: nobody has seen how they settled.
    pub(super) fn new(done: Option<NaiveDate>, through: NaiveDate) -> Self {
        let back = |day: NaiveDate, days: u64| day.checked_sub_days(Days::new(days)).unwrap_or(day);
        let oldest = back(through, BACKFILL_DAYS - 1);
        let moving = done.map(|done| back(done, RESTATED_DAYS - 2));
        let first = moving.map_or(oldest, |moving| moving.min(back(through, RESTATED_DAYS - 1)).max(oldest));
        Self { first, last: through }
    }

    pub(super) fn days(self) -> i32 {
        i32::try_from((self.last - self.first).num_days() + 1).unwrap_or(i32::MAX)
    }

    pub(super) fn start(self) -> DateTime<Utc> {
        midnight(self.first)
    }

    /// Exclusive.
    pub(super) fn end(self) -> DateTime<Utc> {
        midnight(self.last + Days::new(1))
    }

    pub(super) fn holds(self, day: NaiveDate) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

/// Whether a day that is stored now will not be asked for again.
pub(super) fn is_settled(day: NaiveDate, through: NaiveDate) -> bool {
    through.checked_sub_days(Days::new(RESTATED_DAYS - 1)).is_some_and(|first| day <= first)
}

/// What makes a line of the bill the same line tomorrow, within its account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LineKey {
    pub(super) day: NaiveDate,
    pub(super) provider_project_id: Option<String>,
    pub(super) line_item: Option<String>,
    pub(super) provider_api_key_id: Option<String>,
    pub(super) currency: String,
}

/// A line as the bill has it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) key: LineKey,
    pub(super) amount: Decimal,
    pub(super) quantity: Option<Decimal>,
    pub(super) quantity_unit: Option<String>,
    pub(super) model: Option<String>,
}

/// A line as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredLine {
    pub(super) id: Uuid,
    pub(super) key: LineKey,
    pub(super) amount: Decimal,
    pub(super) quantity: Option<Decimal>,
}

/// A stored line whose amount the provider has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Restated {
    pub(super) id: Uuid,
    pub(super) day: NaiveDate,
    pub(super) amount: Decimal,
    pub(super) quantity: Option<Decimal>,
}

/// What a page changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) new: Vec<Line>,
    pub(super) restated: Vec<Restated>,
}

impl Changes {
    /// The days whose sums change.
    pub(super) fn days(&self) -> Vec<NaiveDate> {
        let new = self.new.iter().map(|line| line.key.day);
        let mut days: Vec<_> = new.chain(self.restated.iter().map(|line| line.day)).collect();
        days.sort_unstable();
        days.dedup();
        days
    }
}

/// The lines of a page's buckets. What the provider says twice of one line is one line with the sum.
///
/// # Errors
/// [`CollectError::OutOfRange`] for an amount that the table cannot hold exactly: it is refused, never rounded.
pub(super) fn lines(buckets: Vec<CostBucket>) -> Result<Vec<Line>, CollectError> {
    let mut lines: Vec<Line> = Vec::new();
    let mut places: HashMap<LineKey, usize> = HashMap::new();
    for bucket in buckets {
        let day = bucket.start.date_naive();
        for line in bucket.lines.into_iter().map(|line| read(day, line)) {
            match places.get(&line.key) {
                Some(&at) => add(&mut lines[at], &line)?,
                None => {
                    places.insert(line.key.clone(), lines.len());
                    lines.push(line);
                }
            }
        }
    }
    let fits = |line: &Line| line.amount.abs() < MAX_AMOUNT && line.amount.scale() <= MAX_SCALE;
    if lines.iter().all(fits) { Ok(lines) } else { Err(CollectError::OutOfRange) }
}

fn read(day: NaiveDate, line: CostLine) -> Line {
    let (line_item, model) = line.line_item.map_or((None, None), |item| (Some(item.raw), item.model));
    Line {
        key: LineKey {
            day,
            provider_project_id: line.project_id,
            line_item,
            provider_api_key_id: line.api_key_id,
            currency: line.currency,
        },
        amount: line.amount,
        quantity: line.quantity.filter(|quantity| holds_quantity(*quantity)),
        quantity_unit: line.quantity_unit,
        model,
    }
}

/// A quantity is not money: one that cannot be held is unknown, and no reason to lose the bill.
fn holds_quantity(quantity: Decimal) -> bool {
    quantity.abs() < MAX_QUANTITY && quantity.scale() <= MAX_SCALE
}

fn add(line: &mut Line, more: &Line) -> Result<(), CollectError> {
    line.amount = exact::add(line.amount, more.amount).map_err(|_| CollectError::OutOfRange)?;
    let quantity = line.quantity.zip(more.quantity).filter(|_| line.quantity_unit == more.quantity_unit);
    line.quantity = quantity.and_then(|(a, b)| exact::add(a, b).ok()).filter(|sum| holds_quantity(*sum));
    Ok(())
}

/// Compares what the bill says with what is stored for the same days. A stored line that the bill names no longer is
/// zero now: left as it was, it would be counted beside the lines that replaced it.
pub(super) fn compare(stored: Vec<StoredLine>, now: Vec<Line>) -> Changes {
    let mut stored: HashMap<LineKey, StoredLine> = stored.into_iter().map(|line| (line.key.clone(), line)).collect();
    let mut changes = Changes::default();
    for line in now {
        match stored.remove(&line.key) {
            None => changes.new.push(line),
            Some(before) if before.amount == line.amount && before.quantity == line.quantity => {}
            Some(before) => changes.restated.push(Restated {
                id: before.id,
                day: line.key.day,
                amount: line.amount,
                quantity: line.quantity,
            }),
        }
    }
    let gone = stored.into_values().filter(|line| !line.amount.is_zero());
    changes.restated.extend(gone.map(|line| Restated {
        id: line.id,
        day: line.key.day,
        amount: Decimal::ZERO,
        quantity: line.quantity.map(|_| Decimal::ZERO),
    }));
    // Rows are always locked in one order, whatever order the hash map had.
    changes.restated.sort_unstable_by_key(|line| line.id);
    changes
}

#[cfg(test)]
mod tests {
    use finops_providers::LineItem;
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn amount(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn line(item: &str, value: &str) -> CostLine {
        CostLine {
            amount: amount(value),
            currency: "USD".into(),
            line_item: Some(LineItem::parse(item)),
            project_id: None,
            api_key_id: None,
            quantity: None,
            quantity_unit: None,
        }
    }

    fn bucket(on: &str, lines: Vec<CostLine>) -> CostBucket {
        CostBucket { start: midnight(day(on)), end: midnight(day(on) + Days::new(1)), lines }
    }

    fn stored(lines: &[Line]) -> Vec<StoredLine> {
        let store = |(n, line): (usize, &Line)| StoredLine {
            id: Uuid::from_u128(n as u128 + 1),
            key: line.key.clone(),
            amount: line.amount,
            quantity: line.quantity,
        };
        lines.iter().enumerate().map(store).collect()
    }

    #[test]
    fn a_new_key_brings_in_half_a_year_and_an_old_one_the_days_that_may_still_change() {
        let through = day("2026-11-23");
        let new = Window::new(None, through);
        assert_eq!((new.first, new.days()), (day("2026-05-28"), 180));
        let daily = Window::new(Some(day("2026-11-22")), through);
        assert_eq!((daily.first, daily.days()), (day("2026-11-17"), 7));
        let late = Window::new(Some(day("2026-11-01")), through);
        assert_eq!(late.first, day("2026-10-27"), "what was missed comes too, and what was still moving then");
        let last_settled = day("2026-10-26");
        assert!(is_settled(last_settled, day("2026-11-01")) && !is_settled(late.first, day("2026-11-01")));
        assert_eq!(Window::new(Some(day("2024-01-01")), through), new, "but never more than a new key's");
        let again = Window::new(Some(through), through);
        assert_eq!(again.first, day("2026-11-17"));
        assert_eq!((daily.start(), daily.end()), (midnight(day("2026-11-17")), midnight(day("2026-11-24"))));
    }

    #[test]
    fn a_day_is_settled_on_its_last_pull() {
        let through = day("2026-11-23");
        assert!(is_settled(day("2026-11-17"), through) && !is_settled(day("2026-11-18"), through));
        assert!(Window::new(Some(through), through + Days::new(1)).first > day("2026-11-17"));
    }

    #[test]
    fn a_line_said_twice_is_one_line() {
        let lines = lines(vec![bucket("2026-11-01", vec![line("m, input", "0.1"), line("m, input", "0.2")])]).unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].amount, lines[0].model.as_deref()), (amount("0.3"), Some("m")));
    }

    #[test]
    fn amounts_that_do_not_fit_are_refused_whole() {
        for value in ["1000000000", "-1000000000", "0.0000000000000000001"] {
            let page = vec![bucket("2026-11-01", vec![line("a", "1"), line("b", value)])];
            assert!(matches!(lines(page), Err(CollectError::OutOfRange)), "{value}");
        }
        assert!(lines(vec![bucket("2026-11-01", vec![line("a", "999999999.999999999999999999")])]).is_ok());
        // As decimals are added, this sum would be rounded until it fits.
        let twice = vec![line("a", "123456789.5"), line("a", "0.0000000000000000000000000001")];
        assert!(matches!(lines(vec![bucket("2026-11-01", twice)]), Err(CollectError::OutOfRange)));
        assert_eq!(MAX_QUANTITY, amount("1000000000000000000"));
    }

    #[test]
    fn what_the_bill_names_no_longer_is_zero() {
        let before = lines(vec![bucket("2026-11-01", vec![line("a", "1"), line("b", "2"), line("c", "0")])]).unwrap();
        let now = lines(vec![bucket("2026-11-01", vec![line("a", "1.5"), line("d", "3")])]).unwrap();
        let changes = compare(stored(&before), now);
        let restated: Vec<_> = changes.restated.iter().map(|line| (line.id.as_u128(), line.amount)).collect();
        assert_eq!(restated, [(1, amount("1.5")), (2, Decimal::ZERO)]);
        assert_eq!(changes.new.len(), 1);
        assert_eq!(changes.days(), [day("2026-11-01")]);
    }

    proptest! {
        /// Whatever was stored, after the changes the stored sum is the bill's, and a second comparison finds nothing.
        #[test]
        fn applied_changes_make_the_stored_the_bill(
            before in proptest::collection::vec((0..6u8, -500i64..500), 0..8),
            now in proptest::collection::vec((0..6u8, -500i64..500), 0..8),
        ) {
            let page = |rows: &[(u8, i64)]| {
                let all = rows.iter().map(|(item, cents)| line(&format!("item {item}"), &Decimal::new(*cents, 2).to_string()));
                lines(vec![bucket("2026-11-01", all.collect())]).unwrap()
            };
            let (before, now) = (stored(&page(&before)), page(&now));
            let changes = compare(before.clone(), now.clone());
            let mut after = before;
            for changed in &changes.restated {
                let line = after.iter_mut().find(|line| line.id == changed.id).unwrap();
                (line.amount, line.quantity) = (changed.amount, changed.quantity);
            }
            let offset = after.len();
            after.extend(stored(&changes.new).into_iter().map(|line| StoredLine {
                id: Uuid::from_u128(line.id.as_u128() + offset as u128), ..line
            }));
            let sum = |amounts: &mut dyn Iterator<Item = Decimal>| amounts.sum::<Decimal>();
            prop_assert_eq!(
                sum(&mut after.iter().map(|line| line.amount)),
                sum(&mut now.iter().map(|line| line.amount))
            );
            prop_assert_eq!(compare(after, now), Changes::default());
        }
    }
}
