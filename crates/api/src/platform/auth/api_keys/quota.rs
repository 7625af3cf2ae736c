//! Requests or calls a minute, counted in the database for all replicas together, without a write for every one.
//!
//! A process takes a share of the minute's quota at once and hands it out. Shares are counted as they are taken, so that
//! all replicas together never hand out more than the quota in one minute of the clock. What one of them has taken and
//! does not need is lost to the others until the minute is over: with `n` replicas a key may be refused up to `n - 1`
//! shares early, a twentieth of its quota each.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use moka::future::Cache;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::platform::auth::rate_limit;
use crate::platform::db::Db;
use crate::platform::http::ApiResult;

/// What quotas are counted over.
const WINDOW: TimeDelta = TimeDelta::seconds(60);
/// Shares that a quota is taken in.
const SHARES: u32 = 20;
/// Keys, or whatever else has a quota, that are counted at once. What is forgotten has lost its share.
const COUNTED: u64 = 10_000;

/// What is left of a quota after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Whether the request is within it.
    pub granted: bool,
    /// Requests in a minute.
    pub quota: u32,
    /// Requests that are left, as far as this process knows.
    pub remaining: u32,
    /// Seconds until all of them are back.
    pub resets_in: u64,
}

/// What this process holds of one quota.
#[derive(Debug)]
struct Share {
    /// When the minute began that it was taken in.
    window: DateTime<Utc>,
    /// Requests that it is still good for.
    left: u32,
    /// Requests that nobody has taken yet.
    untaken: u32,
}

/// The quotas of one kind of thing. Cheap to clone; clones share what they hold.
#[derive(Clone, Debug)]
pub struct Quotas {
    /// What kind: quotas of two kinds are counted apart.
    of: &'static str,
    shares: Cache<Uuid, Arc<Mutex<Share>>>,
}

impl Quotas {
    /// Those of a kind of thing.
    pub fn of(of: &'static str) -> Self {
        Self { of, shares: Cache::builder().max_capacity(COUNTED).time_to_idle(Duration::from_secs(300)).build() }
    }

    /// Takes one request out of the quota of something. Those who wait for the same share wait for one query.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn take(&self, db: &Db, id: Uuid, quota: u32, now: DateTime<Utc>) -> ApiResult<Allowance> {
        let nothing = async { Arc::new(Mutex::new(Share { window: DateTime::UNIX_EPOCH, left: 0, untaken: 0 })) };
        let share = self.shares.get_with(id, nothing).await;
        let mut share = share.lock().await;
        let over = now >= share.window + WINDOW;
        if over || (share.left == 0 && share.untaken > 0) {
            *share = self.next(db, id, quota, now).await?;
        }
        let granted = share.left > 0;
        share.left = share.left.saturating_sub(1);
        let resets_in = (share.window + WINDOW - now).num_milliseconds().clamp(1, WINDOW.num_milliseconds());
        Ok(Allowance {
            granted,
            quota,
            remaining: share.left + share.untaken,
            resets_in: u64::try_from(resets_in).unwrap_or(1).div_ceil(1000),
        })
    }

    /// Gives back what [`Self::take`] granted at that time and nobody used. Of a minute that is over, nothing is.
    pub async fn give_back(&self, id: Uuid, taken_at: DateTime<Utc>) {
        if let Some(share) = self.shares.get(&id).await {
            let mut share = share.lock().await;
            if taken_at >= share.window {
                share.left += 1;
            }
        }
    }

    /// Takes the next share.
    async fn next(&self, db: &Db, id: Uuid, quota: u32, now: DateTime<Utc>) -> ApiResult<Share> {
        let size = (quota / SHARES).max(1);
        let window = now.duration_trunc(WINDOW).unwrap_or(now);
        let mut tx = db.platform().await?;
        let taken = rate_limit::count(&mut tx, &[self.of, &id.to_string()], size, window).await?;
        tx.commit().await?;
        let before = u64::from(quota).saturating_sub(taken.total.saturating_sub(u64::from(size)));
        let left = size.min(u32::try_from(before).unwrap_or(u32::MAX));
        let untaken = u64::from(quota).saturating_sub(taken.total);
        // A replica whose clock is ahead may have begun the next minute.
        Ok(Share { window: taken.window, left, untaken: u32::try_from(untaken).unwrap_or(u32::MAX) })
    }
}
