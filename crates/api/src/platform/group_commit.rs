//! Group commit: what many callers want stored at about the same time is stored by one transaction, and each is
//! answered after its commit.
//!
//! A worker takes whatever waits; while it is at the database, the next group gathers. Callers who were just answered are
//! about to come back, so it waits a moment for as many as the last group had: a crowd shares the cost of a commit, and a
//! lone caller, whose last group was one as well, is never held back.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

/// What a group is stored by.
#[async_trait]
pub trait Commit: Send + Sync + 'static {
    /// What a caller hands over.
    type Item: Send + Sync + 'static;
    /// What they learn of each item.
    type Outcome: Send + 'static;
    /// Why a whole group failed.
    type Error: Send + 'static;

    /// Stores the items of all submissions in one transaction, all of them or none, and gives one outcome for each, in
    /// their order.
    async fn commit(&self, groups: &[Vec<Self::Item>]) -> Result<Vec<Vec<Self::Outcome>>, Self::Error>;

    /// Whether an error is about the items, so that trying each submission alone makes sense. One that is about the
    /// database is everybody's.
    fn is_about_items(&self, error: &Self::Error) -> bool;

    /// The same error for another caller.
    fn copy(&self, error: &Self::Error) -> Self::Error;
}

/// Why a submission was not taken.
#[derive(Debug)]
pub enum Refused<E> {
    /// As much waits as may wait: try again in a moment. Nothing of it was stored.
    Full,
    /// The transaction failed. Nothing of it was stored.
    Failed(E),
    /// The committer is gone, and whether anything was stored is not known.
    Gone,
}

/// Limits of a committer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Transactions at a time.
    pub workers: usize,
    /// Items that may wait or be on their way, over all callers.
    pub waiting: usize,
    /// Items a transaction takes, but for a single submission that is larger.
    pub group: usize,
    /// How long to wait for a group that is as large as the last.
    pub linger: Duration,
}

/// A per-process committer. Cheap to clone.
pub struct GroupCommit<C: Commit> {
    queue: mpsc::UnboundedSender<Submission<C>>,
    room: Arc<Semaphore>,
}

impl<C: Commit> Clone for GroupCommit<C> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), room: Arc::clone(&self.room) }
    }
}

impl<C: Commit> std::fmt::Debug for GroupCommit<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupCommit").field("room", &self.room.available_permits()).finish_non_exhaustive()
    }
}

/// What a caller is told.
type Answer<C> = Result<Vec<<C as Commit>::Outcome>, Refused<<C as Commit>::Error>>;

struct Submission<C: Commit> {
    items: Vec<C::Item>,
    answer: oneshot::Sender<Answer<C>>,
    /// Held until the items are stored or refused: the bound on what waits.
    _room: OwnedSemaphorePermit,
}

impl<C: Commit> GroupCommit<C> {
    /// Starts the workers. They end when the last clone of what is given back is gone.
    pub fn start(commit: C, limits: Limits) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        let (commit, waiting) = (Arc::new(commit), Arc::new(Mutex::new(waiting)));
        for _ in 0..limits.workers {
            let (commit, waiting) = (Arc::clone(&commit), Arc::clone(&waiting));
            #[expect(clippy::disallowed_methods, reason = "it ends with the queue, which outlives every request")]
            tokio::spawn(work(commit, waiting, limits));
        }
        Self { queue, room: Arc::new(Semaphore::new(limits.waiting)) }
    }

    /// How many more items may wait.
    pub fn room(&self) -> usize {
        self.room.available_permits()
    }

    /// Has items stored, and gives their outcomes after the commit. Going away does not take them back.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn submit(&self, items: Vec<C::Item>) -> Result<Vec<C::Outcome>, Refused<C::Error>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let room = u32::try_from(items.len()).map_err(|_| Refused::Full)?;
        let room = Arc::clone(&self.room).try_acquire_many_owned(room).map_err(|_| Refused::Full)?;
        let (answer, answered) = oneshot::channel();
        self.queue.send(Submission { items, answer, _room: room }).map_err(|_| Refused::Gone)?;
        answered.await.unwrap_or(Err(Refused::Gone))
    }
}

type Waiting<C> = Arc<Mutex<mpsc::UnboundedReceiver<Submission<C>>>>;

async fn work<C: Commit>(commit: Arc<C>, waiting: Waiting<C>, limits: Limits) {
    let mut last = 1;
    loop {
        let group = gather(&mut *waiting.lock().await, &limits, last).await;
        if group.is_empty() {
            return;
        }
        last = group.len();
        store(&*commit, group).await;
    }
}

/// What waits, up to a size, and what comes within a moment until there are as many submissions as last time; nothing once
/// the queue is closed.
async fn gather<C: Commit>(
    waiting: &mut mpsc::UnboundedReceiver<Submission<C>>,
    limits: &Limits,
    last: usize,
) -> Vec<Submission<C>> {
    let Some(first) = waiting.recv().await else { return Vec::new() };
    let mut size = first.items.len();
    let mut group = vec![first];
    let until = Instant::now() + limits.linger;
    while size < limits.group {
        let next = match waiting.try_recv() {
            Ok(next) => next,
            Err(_) if group.len() >= last => break,
            Err(_) => match tokio::time::timeout_at(until, waiting.recv()).await {
                Ok(Some(next)) => next,
                Ok(None) | Err(_) => break,
            },
        };
        size += next.items.len();
        group.push(next);
    }
    group
}

async fn store<C: Commit>(commit: &C, group: Vec<Submission<C>>) {
    let mut items = Vec::with_capacity(group.len());
    let mut callers = Vec::with_capacity(group.len());
    for submission in group {
        items.push(submission.items);
        callers.push((submission.answer, submission._room));
    }
    match commit.commit(&items).await {
        Ok(outcomes) => {
            for ((answer, _room), outcome) in callers.into_iter().zip(outcomes) {
                answer.send(Ok(outcome)).ok();
            }
        }
        // One caller's items spoil the transaction of all: each has its own then.
        Err(error) if callers.len() > 1 && commit.is_about_items(&error) => {
            for (items, (answer, _room)) in items.into_iter().zip(callers) {
                let stored = commit.commit(&[items]).await;
                let outcome = stored.map(|mut outcomes| outcomes.pop().unwrap_or_default());
                answer.send(outcome.map_err(Refused::Failed)).ok();
            }
        }
        Err(error) => {
            for (answer, _room) in callers {
                answer.send(Err(Refused::Failed(commit.copy(&error)))).ok();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as StdMutex;
    use std::time::Duration;

    use async_trait::async_trait;
    use tokio::sync::Notify;

    use super::{Commit, GroupCommit, Limits, Refused};

    /// Doubles numbers; thirteen spoils its transaction; the first waits until it is let go.
    #[derive(Default)]
    struct Doubling {
        go: Notify,
        transactions: StdMutex<Vec<usize>>,
    }

    struct Shared(std::sync::Arc<Doubling>);

    #[async_trait]
    impl Commit for Shared {
        type Item = u32;
        type Outcome = u32;
        type Error = String;

        async fn commit(&self, groups: &[Vec<u32>]) -> Result<Vec<Vec<u32>>, String> {
            let first = {
                let mut transactions = self.0.transactions.lock().unwrap();
                transactions.push(groups.len());
                transactions.len() == 1
            };
            if first {
                self.0.go.notified().await;
            }
            if groups.iter().flatten().any(|item| *item == 13) {
                return Err("unlucky".into());
            }
            Ok(groups.iter().map(|group| group.iter().map(|item| item * 2).collect()).collect())
        }

        fn is_about_items(&self, _: &String) -> bool {
            true
        }

        fn copy(&self, error: &String) -> String {
            error.clone()
        }
    }

    #[tokio::test]
    async fn what_gathers_meanwhile_is_one_transaction_and_one_bad_item_is_nobody_elses() {
        let doubling = std::sync::Arc::new(Doubling::default());
        let limits = Limits { workers: 1, waiting: 8, group: 100, linger: Duration::from_millis(1) };
        let committer = GroupCommit::start(Shared(doubling.clone()), limits);
        let submissions = [vec![1], vec![2, 3], vec![13], vec![5]].map(|items| {
            let committer = committer.clone();
            Box::pin(async move { committer.submit(items).await })
        });
        let let_go = async {
            // Polled after the submissions, so all of them wait by now.
            assert!(matches!(committer.submit(vec![0; 4]).await, Err(Refused::Full)), "5 of 8 places are taken");
            doubling.go.notify_one();
        };
        let (answers, ()) = tokio::join!(futures_util::future::join_all(submissions), let_go);
        assert_eq!(answers[0].as_ref().unwrap(), &[2]);
        assert_eq!(answers[1].as_ref().unwrap(), &[4, 6]);
        assert!(matches!(&answers[2], Err(Refused::Failed(why)) if why == "unlucky"));
        assert_eq!(answers[3].as_ref().unwrap(), &[10]);
        assert_eq!(committer.submit(vec![4; 8]).await.unwrap(), [8; 8], "the places are free again");
        let transactions = doubling.transactions.lock().unwrap().clone();
        assert!(transactions.iter().any(|size| *size > 1), "{transactions:?}");
    }
}
