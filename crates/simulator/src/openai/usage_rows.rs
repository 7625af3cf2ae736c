//! What one day's usage was, per project, key and model: derived from the quantities that the day is billed for, so that
//! usage and bill agree, restatements and credits aside.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::catalogue::Kind;
use super::state::Organization;
use crate::rng;

/// Dimensions of usage, by index into [`UsageRow::dimensions`].
pub(crate) const DIMENSIONS: [&str; 10] = [
    "project_id",
    "user_id",
    "api_key_id",
    "model",
    "batch",
    "service_tier",
    "size",
    "source",
    "context_level",
    "vector_store_id",
];
/// Counters of a row: the endpoint's own unit or uncached input, cache writes, cached input, output, requests.
pub(crate) type Counters = [u64; 5];

/// Relative activity by UTC hour; the peak is the Korean working day.
const PROFILE: [u64; 24] = [9, 9, 8, 7, 8, 9, 9, 8, 7, 5, 4, 3, 3, 3, 2, 2, 1, 1, 1, 2, 3, 4, 6, 8];
const GIBIBYTE: u64 = 1 << 30;

/// One day's usage of one combination of dimensions.
#[derive(Debug)]
pub(crate) struct UsageRow {
    pub(crate) dimensions: [Option<String>; 10],
    pub(crate) counters: Counters,
    /// The seconds of the day in which its project was stopped.
    stopped: Vec<(i64, i64)>,
}

impl UsageRow {
    /// What happened between two seconds of the day: nothing while its project was stopped.
    pub(crate) fn between(&self, from: i64, to: i64) -> Counters {
        let to = to.max(from);
        self.counters.map(|total| {
            let span = |from: i64, to: i64| happened(total, to) - happened(total, from);
            let stopped = self.stopped.iter().map(|(start, end)| (*start.max(&from), *end.min(&to)));
            span(from, to)
                - stopped.filter(|(start, end)| start < end).map(|(start, end)| span(start, end)).sum::<u64>()
        })
    }
}

/// What of a day's `total` had happened after so many seconds. Differences of it add up to the total exactly, however
/// the day is cut.
pub(crate) fn happened(total: u64, seconds: i64) -> u64 {
    let seconds = seconds.clamp(0, 86_400).unsigned_abs();
    let (hour, rest) = ((seconds / 3_600) as usize, seconds % 3_600);
    let before: u64 = PROFILE.iter().take(hour).sum::<u64>() * 3_600;
    let within = PROFILE.get(hour).map_or(0, |weight| weight * rest);
    let whole = PROFILE.iter().sum::<u64>() * 3_600;
    let part = u128::from(total) * u128::from(before + within) / u128::from(whole);
    u64::try_from(part).unwrap_or(u64::MAX)
}

/// The whole day's usage of the given kinds.
pub(crate) fn of_day(organization: &mut Organization, day: NaiveDate, kinds: &[Kind]) -> Vec<UsageRow> {
    if day < organization.spec.first_day {
        return Vec::new();
    }
    organization.rows(day);
    let mut totals: BTreeMap<(u32, u32, String), Counters> = BTreeMap::new();
    for row in organization.generated(day) {
        let Some(item) = organization.items.get(row.line as usize) else { continue };
        if row.quantity == 0 || !kinds.contains(&item.kind) || !organization.row_alive(row, day) {
            continue;
        }
        let counters = totals.entry((row.project, row.key, item.model.clone())).or_default();
        count(counters, item.kind, row.quantity);
    }
    totals
        .into_iter()
        .map(|((project, key, model), counters)| UsageRow {
            dimensions: dimensions(organization, project, key, model, kinds),
            counters,
            stopped: organization.stopped(project, day),
        })
        .collect()
}

fn count(counters: &mut Counters, kind: Kind, quantity: u64) {
    match kind {
        // A fiftieth of the fresh input is written to the cache.
        Kind::Input => {
            counters[0] += quantity - quantity / 50;
            counters[1] += quantity / 50;
            counters[4] += 1 + quantity / 1_500;
        }
        Kind::CachedInput => counters[2] += quantity,
        Kind::Output => counters[3] += quantity,
        Kind::VectorStore => counters[0] += quantity * (GIBIBYTE / 24),
        Kind::Embedding | Kind::Moderation | Kind::Speech => {
            counters[0] += quantity;
            counters[4] += 1 + quantity / 500;
        }
        Kind::Transcription => {
            counters[0] += quantity;
            counters[4] += 1 + quantity / 60;
        }
        Kind::Image | Kind::CodeInterpreter | Kind::FileSearch | Kind::WebSearch => {
            counters[0] += quantity;
            counters[4] += quantity;
        }
    }
}

fn dimensions(
    organization: &Organization,
    project: u32,
    key: u32,
    model: String,
    kinds: &[Kind],
) -> [Option<String>; 10] {
    let word = rng::hash(&[organization.spec.seed, project.into(), key.into(), rng::hash_text(&model)]);
    let owner = organization.key(key);
    let pick = |choices: &[&str], shift: u32| Some(choices[(word >> shift) as usize % choices.len()].to_owned());
    let batch = word.is_multiple_of(8);
    let chat = kinds.contains(&Kind::Input);
    let image = kinds.contains(&Kind::Image);
    [
        organization.project_id(project).map(str::to_owned),
        owner.filter(|key| !key.service_account).map(|key| key.owner.clone()),
        owner.map(|key| key.id.clone()),
        Some(model).filter(|model| !model.is_empty()),
        chat.then(|| batch.to_string()),
        if chat { pick(&["default", "default", "flex", "priority"], 8) } else { None },
        if image { pick(&["1024x1024", "1024x1792", "512x512"], 16) } else { None },
        if image { pick(&["image.generation", "image.edit"], 24) } else { None },
        if kinds.contains(&Kind::WebSearch) { pick(&["low", "medium", "high"], 32) } else { None },
        kinds.contains(&Kind::FileSearch).then(|| format!("vs_{}", rng::identifier(word, 16))),
    ]
}

#[cfg(test)]
mod tests {
    use super::{UsageRow, happened};

    #[test]
    fn a_day_cut_anyhow_adds_up() {
        for total in [0, 1, 59, 1_234_567] {
            let minutes: u64 = (0..1_440).map(|m| happened(total, (m + 1) * 60) - happened(total, m * 60)).sum();
            let odd = happened(total, 12_345) + (happened(total, 86_400) - happened(total, 12_345));
            assert_eq!((minutes, odd), (total, total));
        }
    }

    #[test]
    fn nothing_happens_while_a_project_is_stopped() {
        let row = UsageRow {
            dimensions: Default::default(),
            counters: [1_234_567, 0, 1, 0, 59],
            stopped: vec![(3_000, 9_000), (50_000, 86_400)],
        };
        assert_eq!(row.between(3_000, 9_000), [0; 5]);
        assert_eq!(row.between(60_000, 86_400), [0; 5]);
        let minutes = (0..1_440).map(|m| row.between(m * 60, (m + 1) * 60)[0]).sum::<u64>();
        assert_eq!(minutes, row.between(0, 86_400)[0]);
        assert_eq!(minutes, happened(1_234_567, 3_000) + happened(1_234_567, 50_000) - happened(1_234_567, 9_000));
    }
}
