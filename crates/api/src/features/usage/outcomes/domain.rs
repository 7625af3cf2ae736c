//! An outcome that is told, and what counts of a call. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::ErrorCode;
use finops_contract::value::OutcomeRequest;
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::super::domain::{Canonical, MAX_AGE, MAX_AHEAD, REMEMBERED, event_key};
use super::super::incoming::{MAX_TEXT, checked, is_score};
use super::super::reject::Reject;
use super::super::rollups::CameOf;

/// The most that one outcome may stand for.
const MAX_COUNT: u32 = 1_000_000_000;
/// How soon, and how late, a call that was not reported is looked for again.
const SOONEST: TimeDelta = TimeDelta::seconds(10);
const LATEST: TimeDelta = TimeDelta::days(1);

/// What was told, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// The caller's id, as it is stored; nothing where they gave none.
    pub(super) key: Option<Uuid>,
    /// A hash of all that was told: what tells a repetition from another outcome under the same id.
    pub(super) body_hash: i64,
    /// The call that it names.
    pub(super) event_key: Option<Uuid>,
    pub(super) occurred_at: DateTime<Utc>,
    pub(super) count: i64,
    pub(super) outcome: Option<String>,
    pub(super) score: Option<Decimal>,
    pub(super) task_type: Option<String>,
    pub(super) intent: Option<String>,
}

impl Told {
    /// Reads one of a project.
    ///
    /// # Errors
    /// The first field that cannot be taken, with its pointer.
    pub(super) fn read(project: Uuid, raw: &RawValue, now: DateTime<Utc>) -> Result<Self, Reject> {
        // Read as a map, because a struct may be told as an array of its fields, too.
        let fields: BTreeMap<String, &RawValue> =
            serde_json::from_str(raw.get()).map_err(|error| Reject::json(&error, ""))?;
        drop(fields);
        let request: OutcomeRequest = serde_json::from_str(raw.get()).map_err(|error| Reject::json(&error, ""))?;
        let body_hash = body_hash(&request);
        let text = |text: Option<String>, at| text.map(|text| checked(&text, at, MAX_TEXT)).transpose();
        let id = text(request.id, "/id")?;
        let event_id = text(request.event_id, "/eventId")?;
        let outcome = text(request.outcome, "/outcome")?;
        let score = request.feedback_score.map(|score| score.0);
        if !score.is_none_or(is_score) {
            let message = "must be -1,000 to 1,000 with at most 6 fraction digits";
            return Err(Reject::new(ErrorCode::QuantityInvalid, "/feedbackScore", message));
        }
        if outcome.is_none() && score.is_none() {
            return Err(Reject::field("/outcome", "is required, or feedbackScore is"));
        }
        let count = request.count.unwrap_or(1);
        if !(1..=MAX_COUNT).contains(&count) {
            return Err(Reject::new(ErrorCode::QuantityInvalid, "/count", "must be 1 to 1,000,000,000"));
        }
        if event_id.is_some() && count != 1 {
            return Err(Reject::new(ErrorCode::QuantityInvalid, "/count", "must be 1 with eventId: that is one call"));
        }
        Ok(Self {
            // Of its project: what is known under an id says nothing to those who see another one.
            key: id.map(|id| event_key(&format!("{project} {id}"))),
            body_hash,
            event_key: event_id.as_deref().map(event_key),
            occurred_at: time(request.occurred_at, now)?,
            count: count.into(),
            outcome,
            score,
            task_type: text(request.task_type, "/taskType")?,
            intent: text(request.intent, "/intent")?,
        })
    }
}

fn time(told: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Reject> {
    let Some(at) = told else { return Ok(now) };
    if at > now + MAX_AHEAD {
        let message = "is more than 5 minutes in the future";
        return Err(Reject::new(ErrorCode::TimestampInFuture, "/occurredAt", message));
    }
    if at < now - MAX_AGE {
        return Err(Reject::new(ErrorCode::TimestampTooOld, "/occurredAt", "is more than 30 days ago"));
    }
    // As the database keeps it.
    DateTime::from_timestamp_micros(at.timestamp_micros())
        .ok_or_else(|| Reject::new(ErrorCode::TimestampInvalid, "/occurredAt", "is no time"))
}

fn body_hash(request: &OutcomeRequest) -> i64 {
    let OutcomeRequest { id: _, event_id, outcome, feedback_score, task_type, intent, count, occurred_at } = request;
    let mut hash = Canonical::default();
    for text in [event_id, outcome, task_type, intent] {
        hash.text(text.as_deref());
    }
    hash.decimal(feedback_score.map(|score| score.0));
    hash.number(count.map(i64::from));
    hash.number(occurred_at.map(|at| at.timestamp_micros()));
    hash.end()
}

/// A call as it was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) event_key: Uuid,
    pub(super) occurred_at: DateTime<Utc>,
    pub(super) project: Option<Uuid>,
    pub(super) team: Option<Uuid>,
    pub(super) task_type: Option<String>,
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) outcome: Option<String>,
    pub(super) score: Option<Decimal>,
}

impl Call {
    /// What the event said, as it was counted with it; nothing where it said nothing.
    pub(super) fn came_of(&self) -> Option<CameOf<'_>> {
        (self.outcome.is_some() || self.score.is_some()).then_some(CameOf {
            at: self.occurred_at,
            project: self.project,
            team: self.team,
            task_type: self.task_type.as_deref(),
            call: Some((&self.provider, &self.model)),
            outcome: self.outcome.as_deref(),
            score: self.score,
        })
    }
}

/// What counts of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counting {
    pub(super) call: Call,
    /// As of when its outcome, and its score, are known.
    pub(super) outcome_at: DateTime<Utc>,
    pub(super) score_at: DateTime<Utc>,
}

impl Counting {
    /// Takes what is told of it, unless something later is known. Of the same moment, what comes last counts.
    pub(super) fn hear(&mut self, at: DateTime<Utc>, outcome: Option<&str>, score: Option<Decimal>) {
        if let Some(outcome) = outcome
            && (self.call.outcome.is_none() || at >= self.outcome_at)
        {
            self.call.outcome = Some(outcome.to_owned());
            self.outcome_at = at;
        }
        if let Some(score) = score
            && (self.call.score.is_none() || at >= self.score_at)
        {
            self.call.score = Some(score);
            self.score_at = at;
        }
    }
}

/// When a call is looked for again that was named at `received` and is not there now: in a quarter of the time that it has
/// been waited for. Nothing once a call that comes would be one too late to be taken.
pub(super) fn look_again(received: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let waited = now - received;
    (waited < REMEMBERED).then(|| now + (waited / 4).clamp(SOONEST, LATEST))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROJECT: Uuid = Uuid::from_u128(7);

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn now() -> DateTime<Utc> {
        at("2026-03-20T10:30:00Z")
    }

    fn read(json: &str) -> Result<Told, Reject> {
        Told::read(PROJECT, serde_json::from_str(json).unwrap(), now())
    }

    #[test]
    fn what_is_told_is_read() {
        let told = read(
            r#"{"id":"a","eventId":"e","outcome":" success ","feedbackScore":"4.5","occurredAt":"2026-03-19T10:00:00.1234567Z"}"#,
        );
        let told = told.unwrap();
        assert_eq!(
            (told.outcome.as_deref(), told.score, told.count),
            (Some("success"), Some("4.5".parse().unwrap()), 1)
        );
        assert_eq!((told.event_key, told.occurred_at), (Some(event_key("e")), at("2026-03-19T10:00:00.123456Z")));
        let other =
            Told::read(Uuid::from_u128(8), serde_json::from_str(r#"{"id":"a","outcome":"ok"}"#).unwrap(), now());
        assert_ne!(told.key, other.unwrap().key, "ids are a project's own");
        let many = read(r#"{"outcome":"failure","count":1000000000}"#).unwrap();
        assert_eq!((many.key, many.count, many.occurred_at), (None, 1_000_000_000, now()));
    }

    #[test]
    fn what_cannot_be_taken_is_named() {
        for (json, code, pointer) in [
            (r#"{"taskType":"grading"}"#, ErrorCode::ValidationFailed, "/outcome"),
            (r#"{"outcome":" "}"#, ErrorCode::ValidationFailed, "/outcome"),
            (r#"{"outcome":"a\nb"}"#, ErrorCode::ValidationFailed, "/outcome"),
            (r#"{"outcome":"ok","result":1}"#, ErrorCode::ValidationFailed, ""),
            (r#"{"outcome":7}"#, ErrorCode::ValidationFailed, ""),
            ("[]", ErrorCode::ValidationFailed, ""),
            (r#"{"feedbackScore":1000.5}"#, ErrorCode::QuantityInvalid, "/feedbackScore"),
            (r#"{"feedbackScore":"0.1234567"}"#, ErrorCode::QuantityInvalid, "/feedbackScore"),
            (r#"{"outcome":"ok","count":0}"#, ErrorCode::QuantityInvalid, "/count"),
            (r#"{"outcome":"ok","count":1000000001}"#, ErrorCode::QuantityInvalid, "/count"),
            (r#"{"outcome":"ok","count":2,"eventId":"e"}"#, ErrorCode::QuantityInvalid, "/count"),
            (r#"{"outcome":"ok","occurredAt":"2026-03-20T10:36:00Z"}"#, ErrorCode::TimestampInFuture, "/occurredAt"),
            (r#"{"outcome":"ok","occurredAt":"2026-02-01T00:00:00Z"}"#, ErrorCode::TimestampTooOld, "/occurredAt"),
        ] {
            let reject = read(json).unwrap_err();
            assert_eq!((reject.code, reject.pointer.as_str()), (code, pointer), "{json}");
        }
    }

    #[test]
    fn a_repetition_is_one_whatever_its_id() {
        let hash = |json: &str| read(json).unwrap().body_hash;
        assert_eq!(hash(r#"{"id":"a","outcome":"ok"}"#), hash(r#"{"outcome":"ok","id":"b"}"#));
        assert_ne!(hash(r#"{"outcome":"ok"}"#), hash(r#"{"outcome":"ok","count":2}"#));
        assert_ne!(hash(r#"{"outcome":"ok"}"#), hash(r#"{"outcome":"ok","taskType":"ok"}"#));
    }

    fn call(outcome: Option<&str>) -> Counting {
        let occurred_at = at("2026-03-20T09:00:00Z");
        let call = Call {
            event_key: event_key("e"),
            occurred_at,
            project: Some(PROJECT),
            team: None,
            task_type: None,
            provider: "openai".into(),
            model: "gpt-4o".into(),
            outcome: outcome.map(str::to_owned),
            score: None,
        };
        Counting { call, outcome_at: occurred_at, score_at: occurred_at }
    }

    #[test]
    fn the_latest_counts_of_each() {
        let mut counting = call(Some("success"));
        counting.hear(at("2026-03-20T08:59:00Z"), Some("early"), Some(Decimal::ONE));
        assert_eq!((counting.call.outcome.as_deref(), counting.call.score), (Some("success"), Some(Decimal::ONE)));
        counting.hear(at("2026-03-20T09:30:00Z"), Some("failure"), None);
        counting.hear(at("2026-03-20T09:10:00Z"), Some("success"), Some(Decimal::TWO));
        assert_eq!((counting.call.outcome.as_deref(), counting.call.score), (Some("failure"), Some(Decimal::TWO)));
    }

    #[test]
    fn a_call_that_never_comes_is_looked_for_less_and_less() {
        let (received, mut moment, mut looks) = (now(), now(), 0);
        while let Some(next) = look_again(received, moment) {
            assert!(next - moment >= SOONEST && next - moment <= LATEST);
            (moment, looks) = (next, looks + 1);
        }
        assert!(moment - received >= REMEMBERED && looks < 90, "{looks}");
    }

    proptest! {
        #[test]
        fn whatever_order_they_come_in_the_same_counts(
            order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let mut counting = call(Some("own"));
            for minute in order {
                let moment = at("2026-03-20T09:01:00Z") + TimeDelta::minutes(i64::try_from(minute).unwrap());
                let outcome = minute.is_multiple_of(2).then(|| format!("o{minute}"));
                counting.hear(moment, outcome.as_deref(), (minute < 4).then(|| Decimal::from(minute)));
            }
            prop_assert_eq!((counting.call.outcome.as_deref(), counting.call.score), (Some("o4"), Some(Decimal::from(3))));
        }
    }
}
