//! Holding money for calls: decided under a lock that all replicas share, and stored in a group with others'.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::ErrorCode;
use rust_decimal::Decimal;

use super::snapshot::{Snapshot, of_each};
use super::store::{self, Reservation};
use super::watch::Snapshots;
use crate::platform::db::OrganizationId;
use crate::platform::exact::{self, Inexact};
use crate::platform::group_commit::{Commit, Limits};
use crate::platform::http::{ApiError, ApiResult};

/// Two transactions at a time, of different organizations mostly: those of one wait for each other.
pub(super) const LIMITS: Limits = Limits { workers: 2, waiting: 10_000, group: 256, linger: Duration::from_millis(1) };
/// How often what ended is forgotten.
const FORGETS_EVERY: TimeDelta = TimeDelta::seconds(60);

/// Somebody who wants to hold something.
pub(super) struct Wish {
    pub(super) organization: OrganizationId,
    pub(super) reservation: Reservation,
}

/// What became of it, and what is held of each budget with it.
pub(super) struct Decided {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) held: Vec<Result<Decimal, Inexact>>,
    /// The budget into which the call does not fit, by its place; none if it is held.
    pub(super) refused_by: Option<usize>,
}

/// Holds.
pub(super) struct Holder {
    snapshots: Arc<Snapshots>,
    forgot_at: Mutex<BTreeMap<OrganizationId, DateTime<Utc>>>,
}

impl Holder {
    pub(super) fn new(snapshots: Arc<Snapshots>) -> Self {
        Self { snapshots, forgot_at: Mutex::default() }
    }

    /// Decides about all wishes of an organization, one after the other.
    async fn decide(&self, organization: OrganizationId, wishes: &[&Wish]) -> ApiResult<Vec<ApiResult<Decided>>> {
        let snapshot = self.snapshots.get(organization).await?;
        let now = self.snapshots.clock.now();
        let mut tx = self.snapshots.db.guard(organization).await?;
        store::lock(&mut tx, organization).await?;
        if self.is_time_to_forget(organization, now) {
            store::forget(&mut tx, organization, now).await?;
        }
        let mut held = of_each(&snapshot.budgets, &store::held(&mut tx, organization, snapshot.as_of).await?);
        let (mut granted, mut decided) = (Vec::new(), Vec::new());
        for Wish { reservation, .. } in wishes {
            let one = decide_one(&snapshot, &mut held, reservation, now);
            if one.as_ref().is_ok_and(|one| one.refused_by.is_none()) {
                granted.push(reservation);
            }
            decided.push(one.map_err(ApiError::from));
        }
        if !granted.is_empty() {
            store::insert(&mut tx, organization, &granted, now).await?;
        }
        tx.commit().await?;
        Ok(decided)
    }

    fn is_time_to_forget(&self, organization: OrganizationId, now: DateTime<Utc>) -> bool {
        let mut forgot_at = self.forgot_at.lock().unwrap_or_else(PoisonError::into_inner);
        let last = forgot_at.entry(organization).or_insert(DateTime::UNIX_EPOCH);
        let is_time = now - *last >= FORGETS_EVERY;
        if is_time {
            *last = now;
        }
        is_time
    }
}

fn decide_one(
    snapshot: &Arc<Snapshot>,
    held: &mut [Result<Decimal, Inexact>],
    reservation: &Reservation,
    now: DateTime<Utc>,
) -> Result<Decided, Inexact> {
    let covering: Vec<usize> =
        (0..snapshot.budgets.len()).filter(|place| reservation.call.is_of(&snapshot.budgets[*place].spender)).collect();
    let mut refused_by = None;
    for place in &covering {
        if snapshot.budgets[*place].refuses(held[*place]?, Some(reservation.estimate), now)? {
            refused_by = Some(*place);
            break;
        }
    }
    if refused_by.is_none() {
        for place in covering {
            held[place] = held[place].and_then(|held| exact::add(held, reservation.estimate));
        }
    }
    Ok(Decided { snapshot: Arc::clone(snapshot), held: held.to_vec(), refused_by })
}

#[async_trait]
impl Commit for Holder {
    type Item = Wish;
    type Outcome = ApiResult<Decided>;
    type Error = std::convert::Infallible;

    async fn commit(&self, groups: &[Vec<Wish>]) -> Result<Vec<Vec<ApiResult<Decided>>>, Self::Error> {
        let mut by_organization: BTreeMap<OrganizationId, Vec<&Wish>> = BTreeMap::new();
        for wish in groups.iter().flatten() {
            by_organization.entry(wish.organization).or_default().push(wish);
        }
        // A transaction each: what fails for one organization is nobody else's.
        let mut outcomes = BTreeMap::new();
        for (organization, wishes) in by_organization {
            let decided = match self.decide(organization, &wishes).await {
                Ok(decided) => decided,
                Err(error) => wishes.iter().map(|_| Err(again(&error))).collect(),
            };
            outcomes.insert(organization, decided.into_iter());
        }
        let mut next = |wish: &Wish| outcomes.get_mut(&wish.organization).and_then(Iterator::next);
        Ok(groups.iter().map(|group| group.iter().filter_map(&mut next).collect()).collect())
    }

    fn is_about_items(&self, error: &Self::Error) -> bool {
        match *error {}
    }

    fn copy(&self, error: &Self::Error) -> Self::Error {
        *error
    }
}

/// What failed for one, for all whom it failed for. That the database is away is the guard's to say.
fn again(error: &ApiError) -> ApiError {
    let code = if error.code == ErrorCode::Unavailable { ErrorCode::GuardUnavailable } else { error.code };
    tracing::debug!(%error, "nothing could be held for calls");
    ApiError { retry_after: Some(1), ..ApiError::new(code) }
}
