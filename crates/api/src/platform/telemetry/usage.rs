//! What the way in of usage events measures.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::metrics::{FloatGauge, unknown};

/// Pairs of provider and model that have a line of their own, a process; the rest is counted together.
const NAMED: usize = 200;
/// The name of the rest.
const OTHER: &str = "other";
/// The longest name of a model that has a line.
const LONGEST: usize = 80;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EventLabels {
    source: &'static str,
    outcome: &'static str,
    /// Why an event was rejected; empty otherwise.
    code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PromptLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ModelLabels {
    provider: String,
    model: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TokenLabels {
    provider: String,
    model: String,
    kind: &'static str,
}

/// Counters of one process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct UsageMetrics {
    events: Family<EventLabels, Counter>,
    group_events: Histogram,
    group_seconds: Histogram,
    room: Gauge,
    unfolded_rows: FloatGauge,
    unfolded_oldest_seconds: FloatGauge,
    prompts: Family<PromptLabels, Counter>,
    unpriced: Family<ModelLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    unpriced_models: Arc<Names>,
    priced_models: Arc<Names>,
}

impl UsageMetrics {
    /// Shows them.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            events: Family::default(),
            group_events: Histogram::new(exponential_buckets(1.0, 2.0, 12)),
            group_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
            room: Gauge::default(),
            unfolded_rows: unknown(),
            unfolded_oldest_seconds: unknown(),
            prompts: Family::default(),
            unpriced: Family::default(),
            tokens: Family::default(),
            unpriced_models: Arc::default(),
            priced_models: Arc::default(),
        };
        registry.register("usage_events", "Usage events by what became of them", metrics.events.clone());
        registry.register("usage_group_events", "Events stored by one transaction", metrics.group_events.clone());
        registry.register(
            "usage_group_duration_seconds",
            "Time of a transaction that stores events",
            metrics.group_seconds.clone(),
        );
        registry.register("usage_queue_room", "Events that may still wait to be stored", metrics.room.clone());
        registry.register(
            "usage_unfolded_rows",
            "Groups of stored events of all replicas that are not folded into the sums yet; counted up to 10,000",
            metrics.unfolded_rows.clone(),
        );
        registry.register(
            "usage_unfolded_oldest_seconds",
            "How long the oldest of them has waited",
            metrics.unfolded_oldest_seconds.clone(),
        );
        registry.register(
            "usage_prompts",
            "Texts of calls, stored or dropped for want of a key",
            metrics.prompts.clone(),
        );
        registry.register("usage_unpriced_events", "Stored events without a price", metrics.unpriced.clone());
        registry.register("tokens", "Tokens of stored events", metrics.tokens.clone());
        metrics
    }

    /// Counts what became of events: `stored`, `duplicate`, `conflict`, `unavailable`.
    pub fn events(&self, source: &'static str, outcome: &'static str, count: u64) {
        self.events.get_or_create(&EventLabels { source, outcome, code: "" }).inc_by(count);
    }

    /// Counts an event that was rejected, by the code of the answer.
    pub fn rejected(&self, source: &'static str, code: &'static str) {
        self.events.get_or_create(&EventLabels { source, outcome: "rejected", code }).inc();
    }

    /// Measures a transaction that stored events.
    pub fn group(&self, events: usize, took: Duration) {
        self.group_events.observe(events as f64);
        self.group_seconds.observe(took.as_secs_f64());
    }

    /// Counts texts of calls: `stored`, or `dropped` because there was no key to encrypt them with.
    pub fn prompts(&self, outcome: &'static str, count: u64) {
        if count > 0 {
            self.prompts.get_or_create(&PromptLabels { outcome }).inc_by(count);
        }
    }

    /// Takes over how many events may still wait.
    pub fn room(&self, room: usize) {
        self.room.set(i64::try_from(room).unwrap_or(i64::MAX));
    }

    /// Takes over how many groups of events are not folded into the sums, and how long the oldest has waited.
    pub fn unfolded(&self, rows: i64, oldest_seconds: f64) {
        self.unfolded_rows.set(rows as f64);
        self.unfolded_oldest_seconds.set(oldest_seconds);
    }

    /// Counts stored events of a model that had no price.
    pub fn unpriced(&self, provider: &str, model: &str, count: u64) {
        let (provider, model) = self.unpriced_models.of(provider, model);
        self.unpriced.get_or_create(&ModelLabels { provider, model }).inc_by(count);
    }

    /// Counts tokens of a kind. Only models that have a price get a line of their own: the others are names that anybody
    /// can make up.
    pub fn tokens(&self, provider: &str, model: &str, priced: bool, kinds: impl Iterator<Item = (&'static str, u64)>) {
        let (provider, model) = match priced {
            true => self.priced_models.of(provider, model),
            false => (OTHER.to_owned(), OTHER.to_owned()),
        };
        for (kind, count) in kinds {
            let labels = TokenLabels { provider: provider.clone(), model: model.clone(), kind };
            self.tokens.get_or_create(&labels).inc_by(count);
        }
    }
}

/// The pairs that have a line. The first that come have one for as long as the process lives, so that no line is ever
/// taken back and no count goes backwards.
#[derive(Debug, Default)]
struct Names(RwLock<HashSet<(String, String)>>);

impl Names {
    fn of(&self, provider: &str, model: &str) -> (String, String) {
        let pair = (provider.to_owned(), public(model).to_owned());
        if self.0.read().unwrap_or_else(PoisonError::into_inner).contains(&pair) {
            return pair;
        }
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if names.contains(&pair) || (names.len() < NAMED && pair.1.len() <= LONGEST) {
            names.insert(pair.clone());
            return pair;
        }
        (OTHER.to_owned(), OTHER.to_owned())
    }
}

/// A model's name without whose it is: of `ft:gpt-4o:acme::1a2b` the vendor's part.
fn public(model: &str) -> &str {
    match model.strip_prefix("ft:").and_then(|rest| rest.find(':')) {
        Some(end) => &model[..3 + end],
        None => model,
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text;
    use prometheus_client::registry::Registry;

    use super::{NAMED, UsageMetrics, public};

    #[test]
    fn the_long_tail_is_one_line_and_no_line_is_taken_back() {
        let mut registry = Registry::with_prefix("finops");
        let metrics = UsageMetrics::register(&mut registry);
        for number in 0..NAMED + 50 {
            metrics.unpriced("acme", &format!("model-{number}"), 1);
        }
        metrics.unpriced("acme", "model-0", 2);
        metrics.unpriced("acme", &"long".repeat(100), 1);
        metrics.tokens("openai", "gpt-4o", true, [("input", 7)].into_iter());
        metrics.tokens("openai", "made up", false, [("input", 5)].into_iter());
        let mut shown = String::new();
        text::encode(&mut shown, &registry).unwrap();
        let line = |labels: &str| shown.lines().find(|line| line.contains(labels)).map(str::to_owned);
        let unpriced = |provider: &str, model: &str, count: u64| {
            format!("finops_usage_unpriced_events_total{{provider=\"{provider}\",model=\"{model}\"}} {count}")
        };
        assert_eq!(line("model=\"model-0\"").unwrap(), unpriced("acme", "model-0", 3));
        assert_eq!(line("provider=\"other\",model=\"other\"}").unwrap(), unpriced("other", "other", 51));
        assert_eq!(
            shown.lines().filter(|line| line.starts_with("finops_usage_unpriced_events_total")).count(),
            NAMED + 1
        );
        assert!(
            shown.contains("finops_tokens_total{provider=\"openai\",model=\"gpt-4o\",kind=\"input\"} 7"),
            "{shown}"
        );
        assert!(shown.contains("finops_tokens_total{provider=\"other\",model=\"other\",kind=\"input\"} 5"), "{shown}");
    }

    #[test]
    fn whose_a_model_is_stays_untold() {
        assert_eq!(public("ft:gpt-4o-mini-2024-07-18:acme:secret:1a2b"), "ft:gpt-4o-mini-2024-07-18");
        assert_eq!(public("gpt-4o"), "gpt-4o");
    }
}
