//! API keys: who presents one, and how much of its quota is left.
//!
//! A text that is no key of ours by its checksum is refused without asking anybody. Any other one is looked up by its
//! hash; what was found is believed for [`VALID`] and then looked up again, once for all callers that wait for it.
//!
//! Invariant: a request that arrives more than [`VALID`] after a key was revoked or blocked, or after its maker lost what it opens,
//! is refused, on every replica: nothing is believed that was asked earlier than that before the request arrived.

mod lookup;
mod quota;
mod text;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::ErrorCode;
use finops_contract::api_keys::Scope;
use finops_contract::projects::Environment;
use moka::Expiry;
use moka::future::Cache;
use prometheus_client::metrics::counter::Counter;
use uuid::Uuid;

pub use self::quota::{Allowance, Quotas};
pub use self::text::{ApiKeyText, PREFIX};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, OrganizationId};
use crate::platform::http::{ApiError, ApiResult};

/// How long an answer of the database is believed.
const VALID: Duration = Duration::from_millis(500);
/// Hashes that are remembered at once, of keys and of what only looked like one. Those in use stay: the cache drops what
/// is asked for least.
const REMEMBERED: u64 = 10_000;

/// What a key may be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Whether this one is among them.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | 1 << scope as u8))
    }
}

/// Who presents a key.
#[derive(Clone, Debug)]
pub struct ApiKeyIdentity {
    /// The key. Rotating keeps it.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The only project that it sees; everything of the organization if there is none.
    pub project: Option<Uuid>,
    /// Where what it reports comes from; its project's environment if there is none.
    pub environment: Option<Environment>,
    /// What it may be used for.
    pub scopes: Scopes,
    /// Requests it may make in a minute; unlimited if there is none.
    pub quota_per_minute: Option<u32>,
    /// When it ends by itself, or by having been rotated.
    ends_at: Option<DateTime<Utc>>,
    /// Whether it is stopped in an emergency.
    blocked: bool,
}

/// What the database said of a hash.
#[derive(Clone)]
struct Verdict {
    /// Before it was asked.
    asked_at: Instant,
    /// Nothing, if there is no such key in force.
    identity: Option<Arc<ApiKeyIdentity>>,
}

struct ForAMoment;

impl Expiry<[u8; 32], Verdict> for ForAMoment {
    fn expire_after_create(&self, _: &[u8; 32], verdict: &Verdict, _: Instant) -> Option<Duration> {
        Some(VALID.saturating_sub(verdict.asked_at.elapsed()))
    }

    /// One that takes the place of another: it is no older for that.
    fn expire_after_update(
        &self,
        hash: &[u8; 32],
        verdict: &Verdict,
        at: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(hash, verdict, at)
    }
}

/// Tells API keys apart. Cheap to clone; clones share what they remember.
#[derive(Clone)]
pub struct ApiKeys {
    db: Db,
    clock: Clock,
    known: Cache<[u8; 32], Verdict>,
    /// Keys that the database said are in force, and when it did last, for when it says nothing.
    in_use: Cache<[u8; 32], (DateTime<Utc>, Arc<ApiKeyIdentity>)>,
    quotas: Quotas,
    lookups: Counter,
}

impl ApiKeys {
    /// Keys in this database. What is looked up there is counted.
    pub fn new(db: Db, clock: Clock, lookups: Counter) -> Self {
        let known = Cache::builder().max_capacity(REMEMBERED).expire_after(ForAMoment).build();
        let in_use = Cache::builder().max_capacity(REMEMBERED).build();
        Self { quotas: Quotas::of("api_key"), lookups, db, clock, known, in_use }
    }

    /// Who presents this text.
    ///
    /// # Errors
    /// `api_key_invalid` for what is no key, is revoked, expired, or has outlived what its maker may do; `blocked` for what is
    /// stopped in an emergency; `unavailable`.
    pub async fn authenticate(&self, text: &str) -> ApiResult<Arc<ApiKeyIdentity>> {
        let hash = ApiKeyText::hash_of(text).ok_or(ErrorCode::ApiKeyInvalid)?;
        let identity = self.look_up(hash).await?.ok_or(ErrorCode::ApiKeyInvalid)?;
        let ended = identity.ends_at.is_some_and(|end| end <= self.clock.now());
        if ended {
            return Err(ErrorCode::ApiKeyInvalid.into());
        }
        // Whoever holds the key learns why nothing works any more, and that it may work again.
        if identity.blocked { Err(ErrorCode::Blocked.into()) } else { Ok(identity) }
    }

    /// Who presents this text, as far as was known at most so long ago: for what has to be answered while the database is
    /// away. Whether the key was revoked or blocked since is not known, so nobody else may go by this.
    ///
    /// # Errors
    /// `blocked` for what was stopped in an emergency by then.
    pub async fn remembered(&self, text: &str, at_most: TimeDelta) -> ApiResult<Option<Arc<ApiKeyIdentity>>> {
        let Some(hash) = ApiKeyText::hash_of(text) else { return Ok(None) };
        let now = self.clock.now();
        let remembered = self.in_use.get(&hash).await.filter(|(asked_at, identity)| {
            let ended = identity.ends_at.is_some_and(|end| end <= now);
            !ended && now - *asked_at <= at_most
        });
        match remembered {
            Some((_, identity)) if identity.blocked => Err(ErrorCode::Blocked.into()),
            remembered => Ok(remembered.map(|(_, identity)| identity)),
        }
    }

    /// Takes one request out of the key's quota; nothing, if it has none.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn charge(&self, key: &ApiKeyIdentity) -> ApiResult<Option<Allowance>> {
        let Some(quota) = key.quota_per_minute else { return Ok(None) };
        self.quotas.take(&self.db, key.id, quota, self.clock.now()).await.map(Some)
    }

    /// How many times the database was asked about a key.
    pub fn lookups(&self) -> u64 {
        self.lookups.get()
    }

    async fn look_up(&self, hash: [u8; 32]) -> ApiResult<Option<Arc<ApiKeyIdentity>>> {
        let arrived = Instant::now();
        loop {
            let asked = self.known.try_get_with(hash, self.ask(hash)).await;
            let verdict = asked.map_err(failed)?;
            // Somebody else may have asked long before, and only now been answered.
            if verdict.asked_at + VALID >= arrived {
                return Ok(verdict.identity);
            }
        }
    }

    async fn ask(&self, hash: [u8; 32]) -> ApiResult<Verdict> {
        let (asked_at, now) = (Instant::now(), self.clock.now());
        self.lookups.inc();
        let found = lookup::find(&self.db, &hash).await?;
        if let Some(found) = &found {
            lookup::note_use(&self.db, found, now);
        }
        let identity = found.map(|found| Arc::new(found.identity));
        match &identity {
            Some(identity) => self.in_use.insert(hash, (now, Arc::clone(identity))).await,
            None => self.in_use.invalidate(&hash).await,
        }
        Ok(Verdict { asked_at, identity })
    }
}

/// What failed for one, for all who waited for it.
fn failed(error: Arc<ApiError>) -> ApiError {
    let retry_after = error.retry_after;
    ApiError { retry_after, ..ApiError::new(error.code).with_source(error) }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys").field("lookups", &self.lookups()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use finops_contract::api_keys::Scope;

    use super::Scopes;

    #[test]
    fn scopes_are_the_ones_that_were_given() {
        for given in [vec![], vec![Scope::Read], vec![Scope::Ingest, Scope::Guard], Scope::ALL.to_vec()] {
            let scopes: Scopes = given.iter().copied().collect();
            for scope in Scope::ALL {
                assert_eq!(scopes.contains(scope), given.contains(&scope), "{scope:?} in {given:?}");
            }
        }
    }
}
