//! Storing what is told, and bringing it together with calls that are reported later.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use finops_contract::ErrorCode;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::reject::Reject;
use super::super::rollups::{CameOf, Deltas};
use super::domain::{Call, Told, look_again};
use super::store::{self, Arriving, Looked, Named, Waiting};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, OrganizationId};

/// Outcomes that one transaction looks for the calls of.
const AT_ONCE: i64 = 500;

/// What became of an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Stored.
    Stored,
    /// Stored; its call was not reported yet.
    Waiting,
    /// Stored before, with the same body.
    Duplicate,
    /// Not stored.
    Rejected(Reject),
}

/// Whose outcomes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) organization: OrganizationId,
    pub(super) project: Uuid,
    pub(super) team: Uuid,
}

/// What is told of a call.
struct Heard<'a> {
    at: DateTime<Utc>,
    outcome: Option<&'a str>,
    score: Option<Decimal>,
}

/// What is told of calls, each in its order.
type ByCall<'a> = BTreeMap<Uuid, (&'a Call, Vec<Heard<'a>>)>;

/// Stores outcomes of a project and adds them to the sums. Says of each what became of it, in their order.
pub(super) async fn tell(
    conn: &mut PgConnection,
    place: Place,
    clock: &Clock,
    told: &[&Told],
) -> sqlx::Result<Vec<Taken>> {
    let (organization, now) = (place.organization, clock.now());
    let keys: Vec<Uuid> = told.iter().filter_map(|told| told.event_key).collect();
    let calls = own_calls(conn, organization, place.project, &keys).await?;
    let mut first: HashMap<Uuid, i64> = HashMap::new();
    let mut taken: Vec<Option<Taken>> = vec![None; told.len()];
    let mut arriving: Vec<(usize, Arriving<'_>)> = Vec::new();
    for (index, told) in told.iter().enumerate() {
        let call = told.event_key.and_then(|key| calls.get(&key));
        if let Some(Named::Gone) = call {
            taken[index] = Some(Taken::Rejected(gone()));
            continue;
        }
        let key = told.key.unwrap_or_else(|| clock.new_id());
        if let Some(hash) = first.get(&key) {
            taken[index] = Some(repeated(*hash == told.body_hash));
            continue;
        }
        first.insert(key, told.body_hash);
        let event_at = call.and_then(|call| if let Named::Kept(call) = call { Some(call.occurred_at) } else { None });
        let waits = told.event_key.is_some() && event_at.is_none();
        let look_at = if waits { look_again(now, now) } else { None };
        arriving.push((index, Arriving { key, told, event_at, look_at }));
    }
    let rows: Vec<Arriving<'_>> = arriving.iter().map(|(_, one)| one.clone()).collect();
    let stored = store::insert(conn, organization, (place.project, place.team), &rows, now).await?;
    let stored: HashSet<Uuid> = stored.into_iter().collect();
    let known: Vec<Uuid> = rows.iter().map(|one| one.key).filter(|key| !stored.contains(key)).collect();
    let known = if known.is_empty() { HashMap::new() } else { store::hashes(conn, organization, &known).await? };
    let mut deltas = Deltas::default();
    let mut by_call: ByCall<'_> = BTreeMap::new();
    for (index, one) in &arriving {
        let told = one.told;
        taken[*index] = Some(if !stored.contains(&one.key) {
            repeated(known.get(&one.key) == Some(&told.body_hash))
        } else if let Some(Named::Kept(call)) = told.event_key.and_then(|key| calls.get(&key)) {
            let heard = Heard { at: told.occurred_at, outcome: told.outcome.as_deref(), score: told.score };
            by_call.entry(call.event_key).or_insert_with(|| (call, Vec::new())).1.push(heard);
            Taken::Stored
        } else {
            deltas.count(by_itself(place, told), told.count);
            if one.look_at.is_some() { Taken::Waiting } else { Taken::Stored }
        });
    }
    correct(conn, organization, place.project, by_call, deltas).await?;
    Ok(taken.into_iter().flatten().collect())
}

/// What is known of calls; those of another project do not exist.
async fn own_calls(
    conn: &mut PgConnection,
    organization: OrganizationId,
    project: Uuid,
    keys: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, Named>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let mut calls = store::calls(conn, organization, keys).await?;
    calls.retain(|_, call| !matches!(call, Named::Kept(call) if call.project != Some(project)));
    Ok(calls)
}

/// Corrects what counts of calls, and adds that and what else there is to the sums.
async fn correct(
    conn: &mut PgConnection,
    organization: OrganizationId,
    project: Uuid,
    by_call: ByCall<'_>,
    others: Deltas<'_>,
) -> sqlx::Result<()> {
    let calls: Vec<&Call> = by_call.values().map(|(call, _)| *call).collect();
    let before = if calls.is_empty() { Vec::new() } else { store::hold(conn, organization, project, &calls).await? };
    let mut after = before.clone();
    for counting in &mut after {
        for heard in by_call.get(&counting.call.event_key).into_iter().flat_map(|(_, heard)| heard) {
            counting.hear(heard.at, heard.outcome, heard.score);
        }
    }
    if !after.is_empty() {
        store::update(conn, organization, &after).await?;
    }
    let mut deltas = others;
    for (before, after) in before.iter().zip(&after).filter(|(before, after)| before != after) {
        before.call.came_of().into_iter().for_each(|said| deltas.count(said, -1));
        after.call.came_of().into_iter().for_each(|said| deltas.count(said, 1));
    }
    deltas.add(conn, organization).await
}

fn by_itself(place: Place, told: &Told) -> CameOf<'_> {
    CameOf {
        at: told.occurred_at,
        project: Some(place.project),
        team: Some(place.team),
        task_type: told.task_type.as_deref(),
        call: None,
        outcome: told.outcome.as_deref(),
        score: told.score,
    }
}

fn repeated(same: bool) -> Taken {
    if same {
        return Taken::Duplicate;
    }
    Taken::Rejected(Reject::new(ErrorCode::EventConflict, "/id", "another outcome was stored under this id"))
}

fn gone() -> Reject {
    Reject::new(ErrorCode::EventNotKept, "/eventId", "the event is kept no longer")
}

/// Looks for calls that outcomes of an organization name and that were not reported when those were told. Returns
/// whether there may be more.
pub(super) async fn match_waiting(db: &Db, clock: &Clock, organization: OrganizationId) -> sqlx::Result<bool> {
    let now = clock.now();
    let mut tx = db.background().tenant(organization).await?;
    let waiting = store::waiting(&mut tx, organization, now, AT_ONCE).await?;
    let mut by_project: BTreeMap<Uuid, Vec<&Waiting>> = BTreeMap::new();
    for one in &waiting {
        by_project.entry(one.project).or_default().push(one);
    }
    let mut looked = Vec::with_capacity(waiting.len());
    for (project, waiting) in by_project {
        let keys: Vec<Uuid> = waiting.iter().map(|one| one.event_key).collect();
        let calls = own_calls(&mut tx, organization, project, &keys).await?;
        let mut deltas = Deltas::default();
        let mut by_call: ByCall<'_> = BTreeMap::new();
        for one in waiting {
            match calls.get(&one.event_key) {
                Some(Named::Kept(call)) => {
                    deltas.count(one.by_itself(), -1);
                    let heard = Heard { at: one.occurred_at, outcome: one.outcome.as_deref(), score: one.score };
                    by_call.entry(call.event_key).or_insert_with(|| (call, Vec::new())).1.push(heard);
                    looked.push(Looked { key: one.key, event_at: Some(call.occurred_at), look_at: None });
                }
                // What it said is not known any more, so it stays as it is.
                Some(Named::Gone) => looked.push(Looked { key: one.key, event_at: None, look_at: None }),
                None => {
                    let look_at = look_again(one.received_at, now);
                    looked.push(Looked { key: one.key, event_at: None, look_at });
                }
            }
        }
        correct(&mut tx, organization, project, by_call, deltas).await?;
    }
    store::looked(&mut tx, organization, &looked).await?;
    tx.commit().await?;
    Ok(i64::try_from(looked.len()).is_ok_and(|looked| looked == AT_ONCE))
}

impl Waiting {
    fn by_itself(&self) -> CameOf<'_> {
        CameOf {
            at: self.occurred_at,
            project: Some(self.project),
            team: Some(self.team),
            task_type: self.task_type.as_deref(),
            call: None,
            outcome: self.outcome.as_deref(),
            score: self.score,
        }
    }
}
