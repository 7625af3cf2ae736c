//! One AI call, checked: what is stored, and what tells it from every other.

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use finops_contract::costs::CostState;
use finops_contract::projects::Environment;
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::prompts::{Prompt, Text};
use super::tokens::Used;
use crate::features::prices::Priced;
pub(super) use finops_contract::usage::EventSource as Source;

/// How far an event may lie ahead: clocks differ.
pub(super) const MAX_AHEAD: TimeDelta = TimeDelta::minutes(5);
/// How late an event may come, unless it is imported.
pub(super) const MAX_AGE: TimeDelta = TimeDelta::days(30);
/// How old an imported event may be.
pub(super) const MAX_IMPORT_AGE: TimeDelta = TimeDelta::days(5 * 366);
/// How long an id is remembered.
pub(super) const REMEMBERED: TimeDelta = TimeDelta::days(35);

/// How old an event that came in this way may be.
pub(super) const fn max_age(source: Source) -> TimeDelta {
    match source {
        Source::Import => MAX_IMPORT_AGE,
        Source::Api | Source::Otlp | Source::Cloudevents => MAX_AGE,
    }
}

/// What the caller told of one call, read and checked field by field; what it means for us is not known yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told {
    pub(super) event_id: Option<String>,
    pub(super) project: Option<String>,
    pub(super) environment: Option<Environment>,
    pub(super) service: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) model: Option<String>,
    pub(super) occurred_at: Option<DateTime<Utc>>,
    pub(super) used: Used,
    pub(super) reported_cost: Option<Decimal>,
    pub(super) latency_ms: Option<u32>,
    pub(super) status: Option<String>,
    pub(super) failed: bool,
    pub(super) texts: Texts,
    pub(super) feedback_score: Option<Decimal>,
    pub(super) tags: Vec<String>,
    pub(super) cost_allocation: Option<Value>,
    pub(super) metadata: Map<String, Value>,
    /// What was asked and answered: no part of the event, and kept only if the project says so.
    pub(super) text: Text,
}

/// What is kept as it was told and grouped by, at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Texts {
    pub(super) service_tier: Option<String>,
    pub(super) region: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) learner_id: Option<String>,
    pub(super) session_id: Option<String>,
    pub(super) task_type: Option<String>,
    pub(super) intent: Option<String>,
    pub(super) outcome: Option<String>,
    pub(super) ip: Option<String>,
    pub(super) user_agent: Option<String>,
}

impl Told {
    /// A hash of all that was told, the same for the same call however often it is sent: what tells a repetition from
    /// another event under the same id. 64 bits: it guards against mistakes, not against somebody who owns the ids.
    pub(super) fn body_hash(&self) -> i64 {
        let mut hash = Canonical::default();
        let Texts { service_tier, region, user_id, learner_id, session_id, task_type, intent, outcome, ip, user_agent } =
            &self.texts;
        for text in [
            &self.project,
            &self.service,
            &self.provider,
            &self.model,
            &self.status,
            service_tier,
            region,
            user_id,
            learner_id,
            session_id,
            task_type,
            intent,
            outcome,
            ip,
            user_agent,
        ] {
            hash.text(text.as_deref());
        }
        hash.text(self.environment.map(Environment::name));
        hash.number(self.occurred_at.map(|at| at.timestamp_micros()));
        hash.number(self.latency_ms.map(i64::from));
        hash.number(Some(i64::from(self.failed)));
        hash.decimal(self.reported_cost);
        hash.decimal(self.feedback_score);
        hash.decimal(Some(self.used.unsplit.into()));
        for (kind, quantity) in self.used.quantities.iter() {
            hash.text(Some(kind.name()));
            hash.decimal(Some(quantity));
        }
        hash.number(i64::try_from(self.tags.len()).ok());
        self.tags.iter().for_each(|tag| hash.text(Some(tag)));
        // serde_json keeps the keys of an object in order, so equal objects have equal texts.
        hash.text(self.cost_allocation.as_ref().map(Value::to_string).as_deref());
        if !self.metadata.is_empty() {
            hash.text(serde_json::to_string(&self.metadata).ok().as_deref());
        }
        hash.end()
    }
}

/// Bytes that differ whenever what is told differs: every value has its length before it.
pub(super) struct Canonical(Vec<u8>);

impl Default for Canonical {
    fn default() -> Self {
        Self(Vec::with_capacity(1_024))
    }
}

impl Canonical {
    pub(super) fn text(&mut self, text: Option<&str>) {
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        self.0.extend(length.to_le_bytes());
        self.0.extend_from_slice(text.unwrap_or_default().as_bytes());
    }

    pub(super) fn number(&mut self, number: Option<i64>) {
        self.0.push(u8::from(number.is_some()));
        self.0.extend(number.unwrap_or_default().to_le_bytes());
    }

    pub(super) fn decimal(&mut self, decimal: Option<Decimal>) {
        self.0.push(u8::from(decimal.is_some()));
        self.0.extend(decimal.unwrap_or_default().normalize().serialize());
    }

    pub(super) fn end(self) -> i64 {
        let digest = digest(&SHA256, &self.0);
        i64::from_le_bytes(std::array::from_fn(|place| digest.as_ref()[place]))
    }
}

/// What an event id is known by: the first 128 bits of its hash, in the form of a UUID of our own kind (version 8).
pub(super) fn event_key(event_id: &str) -> Uuid {
    let digest = digest(&SHA256, event_id.as_bytes());
    uuid::Builder::from_custom_bytes(std::array::from_fn(|place| digest.as_ref()[place])).into_uuid()
}

/// An event that is ready to be stored.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) key: Uuid,
    pub(super) event_id: String,
    pub(super) body_hash: i64,
    pub(super) source: Source,
    pub(super) occurred_at: DateTime<Utc>,
    pub(super) project_id: Option<Uuid>,
    pub(super) team_id: Option<Uuid>,
    pub(super) api_key_id: Option<Uuid>,
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) price: Price,
    pub(super) told: Told,
    /// What was asked and answered, encrypted.
    pub(super) prompt: Option<Prompt>,
}

/// What our price book made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Price {
    /// In US dollars; nothing is unpriced.
    pub(super) cost: Option<Decimal>,
    pub(super) price_id: Option<Uuid>,
    /// How the name of the model became an entry of the book, or why it did not; see [`told_resolution`].
    pub(super) resolution: Cow<'static, str>,
}

impl Price {
    /// What is known of the cost.
    pub(super) fn state(&self) -> CostState {
        state_of(self.cost)
    }

    /// What the book says of a call of a model.
    pub(super) fn of(priced: Priced, model: &str) -> Self {
        let resolution = match &priced {
            // The commonest, without the name of the model, which stands beside it.
            Priced::Priced { resolution, .. } | Priced::Free { resolution, .. } if resolution.is_exactly(model) => {
                EXACT.into()
            }
            Priced::Priced { resolution, .. } | Priced::Free { resolution, .. } => resolution.to_string().into(),
            Priced::Unpriced { reason } => reason.name().into(),
        };
        Self { cost: priced.cost(), price_id: priced.price_id(), resolution }
    }
}

/// How a name that is the book's own was found.
const EXACT: &str = "exact";

/// A stored resolution as it is told.
pub(super) fn told_resolution(stored: String, model: &str) -> String {
    if stored == EXACT { format!("{EXACT}:{model}") } else { stored }
}

/// What is known of a cost: nothing known is unpriced, exactly zero is free.
pub(super) fn state_of(cost: Option<Decimal>) -> CostState {
    match cost {
        None => CostState::Unpriced,
        Some(cost) if cost.is_zero() => CostState::Free,
        Some(_) => CostState::Estimated,
    }
}

/// The hour that a time falls in.
pub(super) fn hour(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::{Told, event_key};

    #[test]
    fn every_field_is_part_of_the_body() {
        let base = Told { service: Some("a".into()), ..Told::default() };
        assert_eq!(base.body_hash(), base.clone().body_hash());
        let moved = Told { provider: Some("a".into()), ..Told::default() };
        assert_ne!(base.body_hash(), moved.body_hash());
        let failed = Told { failed: true, ..base.clone() };
        assert_ne!(base.body_hash(), failed.body_hash());
        let tagged = Told { tags: vec!["a".into(), "b".into()], ..base.clone() };
        let joined = Told { tags: vec!["ab".into()], ..base };
        assert_ne!(tagged.body_hash(), joined.body_hash());
    }

    #[test]
    fn keys_are_ids_of_our_own_kind() {
        assert_eq!(event_key("evt-1"), event_key("evt-1"));
        assert_ne!(event_key("evt-1"), event_key("evt-2"));
        assert_eq!(event_key("evt-1").get_version_num(), 8);
    }
}
