//! OTLP/HTTP traces: model calls that OpenTelemetry saw, from any exporter as it is.
//!
//! Spans are read one at a time (`json`, `protobuf`), so that a body of millions of empty ones takes no more memory than
//! its own length; what a span says becomes an event (`span`), and that goes the way of all events.
//!
//! One call is often reported twice: by two instrumentations, or by an SDK beside them. All of them know the provider's
//! id of the answer, so that is the event's id. But some servers give ids out of a small range again and again. So where
//! an id is taken by another body, what is stored decides: as many tokens at about the same time are the same call, and
//! anything else is stored under the span's own id.

mod attributes;
mod json;
mod protobuf;
mod routes;
mod span;

use chrono::TimeDelta;
use finops_contract::ErrorCode;

pub(super) use self::routes::routes;
use self::span::{Call, Seen};
use super::commit::Outcome;
use super::domain::{Event, Source, event_key};
use super::ingest::{Ingest, Sender};
use super::reject::Reject;
use super::store::{self, Stored};
use crate::platform::db::Db;
use crate::platform::http::ApiResult;

/// How far apart two reports of one call may lie: one may name its beginning, another its end.
const SAME_CALL: TimeDelta = TimeDelta::minutes(15);
/// Events that are stored at a time.
const CHUNK: usize = 1_000;
/// Reasons that one answer names.
const NAMED: usize = 5;

/// What became of an export.
#[derive(Debug, Default, PartialEq, Eq)]
struct Report {
    rejected: usize,
    /// Why, for the first few; also what was left out although it has usage.
    reasons: Vec<String>,
}

impl Report {
    fn reject(&mut self, span: &str, reject: &Reject) {
        self.rejected += 1;
        let Reject { code, pointer, message } = reject;
        self.name(format!("{span}: {code} {pointer}: {message}"));
    }

    fn name(&mut self, reason: String) {
        if self.reasons.len() < NAMED && !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// Empty when everything was taken.
    fn message(&self) -> String {
        self.reasons.join("; ")
    }
}

/// A call that is ready to be stored, and the id that is its span's alone.
struct Ready {
    event: Event,
    own_id: String,
}

/// Sorts what was read into calls and refusals.
fn sort(seen: Result<Seen, Reject>, span: &str, calls: &mut Vec<Call>, report: &mut Report) {
    match seen {
        Ok(Seen::Call(call)) => calls.push(*call),
        Ok(Seen::Nothing) => {}
        Ok(Seen::Unknown(operation)) => {
            report.name(format!("left out: gen_ai.operation.name {operation:?} is no call to a model"));
        }
        Err(reject) => report.reject(span, &reject),
    }
}

/// Stores calls.
async fn take(ingest: &Ingest, db: &Db, sender: &Sender, calls: Vec<Call>, report: &mut Report) -> ApiResult<()> {
    let mut desk = ingest.desk(sender, Source::Otlp).await?;
    let mut ready = Vec::with_capacity(calls.len());
    for Call { told, own_id } in calls {
        desk.look_for(&told).await?;
        match desk.prepare(told) {
            Ok(event) => ready.push(Ready { event, own_id }),
            Err(reject) => report.reject(&own_id, &reject),
        }
    }
    while !ready.is_empty() {
        let rest = ready.split_off(ready.len().min(CHUNK));
        take_chunk(ingest, db, sender, ready, report).await?;
        ready = rest;
    }
    Ok(())
}

async fn take_chunk(
    ingest: &Ingest,
    db: &Db,
    sender: &Sender,
    ready: Vec<Ready>,
    report: &mut Report,
) -> ApiResult<()> {
    let events = ready.iter().map(|ready| ready.event.clone()).collect();
    let outcomes = ingest.store(sender.organization, events).await?;
    let taken = ready.into_iter().zip(outcomes).filter(|(_, outcome)| *outcome == Outcome::Conflict);
    let mut taken: Vec<Ready> = taken.map(|(ready, _)| ready).collect();
    if taken.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = taken.iter().map(|ready| ready.event.key).collect();
    let mut tx = db.analytics(sender.organization).await?;
    let stored = store::stored(&mut tx, sender.organization, &keys).await?;
    tx.commit().await?;
    taken.retain(|ready| !stored.get(&ready.event.key).is_some_and(|stored| is_same_call(stored, &ready.event)));
    let (own, other): (Vec<Ready>, Vec<Ready>) =
        taken.into_iter().partition(|ready| ready.event.event_id == ready.own_id);
    for Ready { own_id, .. } in own {
        report.reject(&own_id, &conflict());
    }
    let ids: Vec<String> = other.iter().map(|ready| ready.own_id.clone()).collect();
    let renamed =
        other.into_iter().map(|Ready { event, own_id }| Event { key: event_key(&own_id), event_id: own_id, ..event });
    for (own_id, outcome) in ids.iter().zip(ingest.store(sender.organization, renamed.collect()).await?) {
        if outcome == Outcome::Conflict {
            report.reject(own_id, &conflict());
        }
    }
    Ok(())
}

fn conflict() -> Reject {
    Reject::new(ErrorCode::EventConflict, "", "another event was stored under this span's id")
}

/// Whether what is stored under an id is the call that came now.
fn is_same_call(stored: &Stored, event: &Event) -> bool {
    let near = (stored.occurred_at - event.occurred_at).abs() <= SAME_CALL;
    let (input, output) = event.told.used.sides();
    // What was dropped after its time can only be compared by when it was.
    near && stored.tokens.is_none_or(|tokens| tokens.are(input, output))
}

#[cfg(test)]
mod tests {
    use super::super::reject::Reject;
    use super::{NAMED, Report};

    #[test]
    fn all_refusals_are_counted_and_few_are_named() {
        let mut report = Report::default();
        for n in 0..20 {
            report.reject(&format!("span-{n}"), &Reject::field("/model", "is required"));
        }
        assert_eq!((report.rejected, report.reasons.len()), (20, NAMED));
        assert!(report.message().starts_with("span-0: validation_failed /model: is required; span-1"));
    }
}
