//! The bill: exact amounts per (day, project, line item, API key), computed once per day from the seed, and what of
//! them the provider shows at a given moment.

use anyhow::{Result, bail, ensure};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::catalogue::LineItem;
use super::spec::{OrganizationSpec, ProjectSpec, Trend};
use super::stops::active;
use crate::control::Restatement;
use crate::rng;

/// Decimals kept of any amount, so that sums over everything stay exact in 96 bits.
const SCALE: u32 = 15;
const PPM: u64 = 1_000_000;
/// How much more a spike day costs.
const SPIKE: u64 = 15;
/// Hours after the start of a day at which its costs are final: the day itself and two more.
const SETTLED_AFTER_HOURS: i64 = 72;
const SECONDS_A_DAY: i64 = 86_400;
/// "No API key" in a row.
pub(crate) const NO_KEY: u32 = u32::MAX;

/// One billed row, final figures.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) project: u32,
    pub(crate) line: u32,
    /// Index of the API key, or [`NO_KEY`].
    pub(crate) key: u32,
    pub(crate) amount: Decimal,
    pub(crate) quantity: u64,
    /// Shown in full from the start: set by a restatement to a given amount.
    pub(crate) fixed: bool,
    /// No longer billed; its usage remains.
    pub(crate) removed: bool,
    /// Whether it grows after its day has ended.
    late: bool,
}

/// One day's rows, if that day was ever asked for.
pub(crate) type Day = Vec<Row>;

/// What generation needs to know of one project.
pub(crate) struct Source<'a> {
    pub(crate) index: u32,
    pub(crate) spec: &'a ProjectSpec,
    /// Indices of its API keys.
    pub(crate) keys: Vec<u32>,
}

/// Midnight UTC at the start of `day`.
pub(crate) fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The day after `day`.
pub(crate) fn next_day(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX)
}

impl Row {
    /// What the provider shows of this row at `now`: amount and quantity, nothing before the day's first hour is over, and
    /// nothing of the seconds in which its project was stopped.
    pub(crate) fn seen(&self, day: NaiveDate, now: DateTime<Utc>, stopped: &[(i64, i64)]) -> Option<(Decimal, u64)> {
        let hours = (now - midnight(day)).num_hours();
        if self.removed || now < midnight(day) {
            return None;
        }
        let settled = hours >= SETTLED_AFTER_HOURS;
        let active = active(hours.min(24) * 3_600, stopped);
        if self.fixed || (settled && active == SECONDS_A_DAY) {
            return Some((self.amount, self.quantity));
        }
        // In ten-thousandths: the day fills hour by hour; a late row lacks 4 % at its end and gains it in two days.
        let at_end: i64 = if self.late { 9_600 } else { 10_000 };
        let level = at_end + (10_000 - at_end) * (hours.min(SETTLED_AFTER_HOURS) - 24).max(0) / 48;
        let share = level * active / SECONDS_A_DAY;
        if share == 0 {
            return None;
        }
        let amount = (self.amount * Decimal::new(share, 4)).round_dp(SCALE);
        let quantity = u128::from(self.quantity) * u128::from(share.unsigned_abs()) / 10_000;
        Some((amount, u64::try_from(quantity).unwrap_or(u64::MAX)))
    }
}

/// The rows of `day`, a pure function of its arguments.
pub(crate) fn generate(
    organization: &OrganizationSpec,
    items: &[LineItem],
    sources: &[Source<'_>],
    day: NaiveDate,
) -> Day {
    let offset = (day - organization.first_day).num_days();
    let Ok(offset) = u32::try_from(offset) else { return Vec::new() };
    let organization_empty = rng::hash(&[organization.seed, u64::from(offset), 0xE]).is_multiple_of(6);
    let mut rows = Vec::new();
    for source in sources {
        if !(source.spec.empty_days && organization_empty) {
            project_rows(&mut rows, organization.seed, items, source, day, offset);
        }
    }
    rows
}

fn project_rows(rows: &mut Day, seed: u64, items: &[LineItem], source: &Source<'_>, day: NaiveDate, offset: u32) {
    let trend = trend_ppm(source.spec.trend, offset);
    if trend == 0 {
        return;
    }
    let base = [seed, rng::hash_text(&source.spec.id), u64::from(offset)];
    // A runaway does not rest at weekends, and is as large as it is said to be.
    let runaway = trend > SPIKE * PPM / 2;
    let noise = if runaway { PPM } else { rng::between_ppm(rng::hash(&base), 850_000, 1_150_000) };
    let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let weekday = if weekend && !runaway { 700_000 } else { 1_120_000 };
    let factor = scale(scale(trend, noise), weekday);
    let items = &items[..source.spec.line_items.min(items.len())];
    let weights: u64 = items.iter().map(|item| item.weight).sum();
    let no_key = [NO_KEY];
    let keys: &[u32] = if source.keys.is_empty() { &no_key } else { &source.keys };
    for (line, item) in items.iter().enumerate() {
        for (position, key) in keys.iter().enumerate() {
            let word = rng::hash(&[base[0], base[1], base[2], line as u64, position as u64]);
            let share =
                factor as u128 * u128::from(item.weight) * u128::from(rng::between_ppm(word, 800_000, 1_200_000))
                    / u128::from(weights * PPM * keys.len() as u64);
            let target = source.spec.daily_usd * Decimal::new(i64::try_from(share).unwrap_or(i64::MAX), 6);
            let (amount, quantity) = price(item, target, rng::hash(&[word, 1]));
            rows.push(Row {
                project: source.index,
                line: u32::try_from(line).unwrap_or(u32::MAX),
                key: *key,
                amount,
                quantity,
                fixed: false,
                removed: false,
                late: !rng::hash(&[word, 2]).is_multiple_of(4),
            });
        }
    }
}

fn scale(value: u64, ppm: u64) -> u64 {
    u64::try_from(u128::from(value) * u128::from(ppm) / u128::from(PPM)).unwrap_or(u64::MAX)
}

fn trend_ppm(trend: Trend, offset: u32) -> u64 {
    let days = u64::from(offset);
    match trend {
        Trend::Flat => PPM,
        Trend::Growing => (600_000 + 10_000 * days).min(3 * PPM),
        Trend::Shrinking => PPM.saturating_sub(10_000 * days).max(50_000),
        Trend::Spike { day_offset } => {
            if offset == day_offset {
                SPIKE * PPM
            } else {
                PPM
            }
        }
        Trend::Since { day_offset } => {
            if offset >= day_offset {
                PPM
            } else {
                0
            }
        }
    }
}

/// Amount and quantity of one row that should cost about `target`. Some rows are zero, credits, or very long decimals.
fn price(item: &LineItem, target: Decimal, word: u64) -> (Decimal, u64) {
    if item.price.is_zero() {
        return (Decimal::ZERO, rng::between_ppm(word, 1_000, 90_000));
    }
    match word % 128 {
        0 => return (-(target / Decimal::TEN).round_dp(6), 0),
        1..=3 => return (Decimal::ZERO, 0),
        _ => {}
    }
    let quantity = (target / item.price).to_u64().unwrap_or(0).max(1);
    let mut amount = item.price * Decimal::from(quantity);
    if word.is_multiple_of(4) {
        amount += Decimal::new(i64::try_from(word >> 8 & 0xF_FFFF).unwrap_or(0), SCALE);
    }
    (amount.normalize(), quantity)
}

/// Applies a restatement to those of `day`'s rows that `chosen` picks; returns how many changed.
pub(crate) fn restate(day: &mut Day, chosen: impl Fn(&Row) -> bool, change: Restatement) -> Result<usize> {
    let indices: Vec<usize> = (0..day.len()).filter(|index| !day[*index].removed && chosen(&day[*index])).collect();
    let Some((last, others)) = indices.split_last() else { bail!("no such row was ever billed") };
    match change {
        Restatement::Remove => indices.iter().for_each(|index| day[*index].removed = true),
        Restatement::Factor(factor) => {
            for index in &indices {
                day[*index].amount = (day[*index].amount * factor).round_dp(SCALE).normalize();
            }
        }
        Restatement::Amount(amount) => {
            ensure!(amount.scale() <= SCALE, "an amount has at most {SCALE} decimals");
            let total: Decimal = indices.iter().map(|index| day[*index].amount).sum();
            let mut rest = amount;
            for index in others {
                let share = if total.is_zero() { Decimal::ZERO } else { day[*index].amount / total };
                day[*index].amount = (amount * share).round_dp(SCALE).normalize();
                rest -= day[*index].amount;
            }
            day[*last].amount = rest.normalize();
            indices.iter().for_each(|index| day[*index].fixed = true);
        }
    }
    Ok(indices.len())
}

/// Seconds of `day` that had passed at `now`, 0 to 86,400.
pub(crate) fn elapsed_seconds(day: NaiveDate, now: DateTime<Utc>) -> i64 {
    (now - midnight(day)).clamp(TimeDelta::zero(), TimeDelta::days(1)).num_seconds()
}
