//! What many requests ask for and seldom changes, one snapshot an organization: read again once it is too old, by one
//! caller for all who wait.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::platform::db::OrganizationId;

/// Snapshots of `V` that are never older than a given age.
pub struct Snapshots<V> {
    age: Duration,
    slots: RwLock<HashMap<OrganizationId, Arc<Slot<V>>>>,
}

struct Slot<V> {
    current: RwLock<Option<(Instant, Arc<V>)>>,
    reading: Mutex<()>,
}

impl<V> std::fmt::Debug for Snapshots<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshots").field("age", &self.age).finish_non_exhaustive()
    }
}

impl<V> Snapshots<V> {
    /// An empty set.
    pub fn new(age: Duration) -> Self {
        Self { age, slots: RwLock::default() }
    }

    /// The organization's snapshot, read by `read` if there is none that is young enough.
    ///
    /// # Errors
    /// What `read` fails with; the next caller tries again.
    pub async fn get<E, F>(&self, organization: OrganizationId, read: impl FnOnce() -> F) -> Result<Arc<V>, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        self.find(organization, |asked| asked.elapsed() < self.age, read).await
    }

    /// The organization's snapshot, read by `read` if there is none of after a moment: for whoever misses something in theirs
    /// that may have come since.
    ///
    /// # Errors
    /// As [`Snapshots::get`].
    pub async fn newer<E, F>(
        &self,
        organization: OrganizationId,
        than: Instant,
        read: impl FnOnce() -> F,
    ) -> Result<Arc<V>, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        self.find(organization, |asked| asked > than, read).await
    }

    async fn find<E, F>(
        &self,
        organization: OrganizationId,
        does: impl Fn(Instant) -> bool,
        read: impl FnOnce() -> F,
    ) -> Result<Arc<V>, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        let slot = self.slot(organization);
        if let Some(value) = slot.current_if(&does) {
            return Ok(value);
        }
        let _reading = slot.reading.lock().await;
        if let Some(value) = slot.current_if(&does) {
            return Ok(value);
        }
        // The age counts from before the reading: what changes meanwhile may not be in it.
        let asked = Instant::now();
        let value = Arc::new(read().await?);
        *slot.current.write().unwrap_or_else(PoisonError::into_inner) = Some((asked, Arc::clone(&value)));
        Ok(value)
    }

    /// Forgets the organization's snapshot, after something in it changed.
    pub fn forget(&self, organization: OrganizationId) {
        let slot = self.slot(organization);
        *slot.current.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn slot(&self, organization: OrganizationId) -> Arc<Slot<V>> {
        if let Some(slot) = self.slots.read().unwrap_or_else(PoisonError::into_inner).get(&organization) {
            return Arc::clone(slot);
        }
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let empty = || Arc::new(Slot { current: RwLock::new(None), reading: Mutex::new(()) });
        Arc::clone(slots.entry(organization).or_insert_with(empty))
    }
}

impl<V> Slot<V> {
    /// The snapshot, if one that was asked for then does.
    fn current_if(&self, does: impl Fn(Instant) -> bool) -> Option<Arc<V>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|(asked, _)| does(*asked)).map(|(_, value)| Arc::clone(value))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use tokio::time::Instant;
    use uuid::Uuid;

    use super::Snapshots;
    use crate::platform::db::OrganizationId;

    #[tokio::test(start_paused = true)]
    async fn many_ask_and_one_reads() {
        let reads = AtomicU32::new(0);
        let snapshots = Snapshots::new(Duration::from_secs(1));
        let organization = OrganizationId(Uuid::nil());
        let ask = || {
            snapshots.get(organization, || async {
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(reads.fetch_add(1, Ordering::SeqCst))
            })
        };
        let all = futures_util::future::join_all((0..50).map(|_| ask())).await;
        assert!(all.into_iter().all(|value| *value.unwrap() == 0));
        assert_eq!(*ask().await.unwrap(), 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(*ask().await.unwrap(), 1);
        snapshots.forget(organization);
        assert_eq!(*ask().await.unwrap(), 2);
        // Whoever misses something in it has it read again, and who did before it was asked for has not.
        let before = Instant::now();
        tokio::time::advance(Duration::from_millis(1)).await;
        let newer = || {
            snapshots
                .newer(organization, before, || async { Ok::<_, Infallible>(reads.fetch_add(1, Ordering::SeqCst)) })
        };
        assert_eq!((*newer().await.unwrap(), *newer().await.unwrap(), *ask().await.unwrap()), (3, 3, 3));
    }
}
