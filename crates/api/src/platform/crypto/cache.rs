//! Unwrapped data keys, kept for a few minutes so that the key service is not asked at every call to a provider.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use chrono::{DateTime, TimeDelta, Utc};
use zeroize::Zeroizing;

use super::aead::KEY_BYTES;
use super::vault::EncryptionContext;

/// How long a data key is kept at most.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// How many are kept at most.
const CAPACITY: usize = 1024;

/// A data key in memory. Behind a pointer, because a value that moves leaves its bytes behind.
pub(super) type SharedKey = Arc<Zeroizing<[u8; KEY_BYTES]>>;

/// Which wrapped data key, in which place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CacheId([u8; 32]);

impl CacheId {
    pub(super) fn new(key_id: &str, wrapped: &[u8], context: &EncryptionContext) -> Self {
        let mut hash = Context::new(&SHA256);
        for part in [key_id.as_bytes(), wrapped, &context.aad("finops cache")] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut id = [0; 32];
        id.copy_from_slice(hash.finish().as_ref());
        Self(id)
    }
}

struct Entry {
    key: SharedKey,
    kept_since: DateTime<Utc>,
}

/// The cache. Entries are wiped when they leave it and nobody uses them any more.
#[derive(Default)]
pub(super) struct DataKeyCache {
    entries: HashMap<CacheId, Entry>,
}

impl DataKeyCache {
    pub(super) fn get(&mut self, id: &CacheId, now: DateTime<Utc>) -> Option<SharedKey> {
        self.evict_expired(now);
        self.entries.get(id).map(|entry| Arc::clone(&entry.key))
    }

    pub(super) fn insert(&mut self, id: CacheId, key: SharedKey, now: DateTime<Utc>) {
        self.evict_expired(now);
        if self.entries.len() >= CAPACITY && !self.entries.contains_key(&id) {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.kept_since).map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                self.entries.remove(&oldest);
            }
        }
        self.entries.insert(id, Entry { key, kept_since: now });
    }

    /// Lets go of what is too old, or from a future that a corrected clock took back.
    pub(super) fn evict_expired(&mut self, now: DateTime<Utc>) {
        self.entries.retain(|_, entry| entry.kept_since <= now && now - entry.kept_since < LIFETIME);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> CacheId {
        CacheId::new("k", &number.to_be_bytes(), &EncryptionContext::probe())
    }

    #[test]
    fn it_stays_small_and_drops_the_oldest() {
        let mut cache = DataKeyCache::default();
        let start = DateTime::UNIX_EPOCH;
        for number in 0..u32::try_from(CAPACITY).unwrap() + 10 {
            cache.insert(id(number), Arc::default(), start + TimeDelta::milliseconds(number.into()));
        }
        let now = start + TimeDelta::minutes(1);
        assert_eq!(cache.entries.len(), CAPACITY);
        assert!(cache.get(&id(9), now).is_none() && cache.get(&id(10), now).is_some());
    }

    #[test]
    fn what_is_old_or_from_the_future_leaves() {
        let mut cache = DataKeyCache::default();
        let start = DateTime::UNIX_EPOCH;
        let key = SharedKey::default();
        cache.insert(id(1), Arc::clone(&key), start);
        assert!(cache.get(&id(1), start + LIFETIME - TimeDelta::seconds(1)).is_some());
        assert!(cache.get(&id(2), start + LIFETIME).is_none());
        assert_eq!(Arc::strong_count(&key), 1, "an expired key stayed in memory");
        cache.insert(id(1), key, start);
        assert!(cache.get(&id(1), start - TimeDelta::seconds(1)).is_none());
    }
}
