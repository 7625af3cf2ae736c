//! The book of every organization, kept in the process. A look at two numbers, twice a second at most, says whether
//! what is kept still holds; so every replica sees a change within a second, and the one that made it at once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::book::{Book, Catalog};
use super::overrides::Overrides;
use super::{import, negotiated, store};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, OrganizationId, Tx};
use crate::platform::http::{ApiError, ApiResult};

/// For how long a book holds without a look. Half of what other replicas are promised: reading takes its time, too.
const HOLDS: Duration = Duration::from_millis(500);
/// How many organizations can be looked for at once.
const LOCKS: usize = 16;

/// Every organization's price book. Cheap to clone; clones are the same one.
#[derive(Clone)]
pub struct Books(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    kept: Mutex<Kept>,
    /// Whoever looks for an organization holds one of these; the others wait for what it finds.
    looking: [tokio::sync::Mutex<()>; LOCKS],
}

#[derive(Default)]
struct Kept {
    catalog: Option<(i64, Arc<Catalog>)>,
    books: HashMap<OrganizationId, KeptBook>,
    /// Counts what this process changed: what was read before that holds no more.
    changes: u64,
}

#[derive(Clone)]
struct KeptBook {
    book: Arc<Book>,
    number: i64,
    revision: i64,
    looked: Instant,
    changes: u64,
}

impl Books {
    /// No books yet.
    pub fn new(db: Db, clock: Clock) -> Self {
        Self(Arc::new(Inner { db, clock, kept: Mutex::default(), looking: Default::default() }))
    }

    /// The book of an organization, if it was looked at a moment ago.
    pub fn cached(&self, organization: OrganizationId) -> Option<Arc<Book>> {
        let kept = self.kept();
        let book = kept.books.get(&organization)?;
        (book.looked.elapsed() < HOLDS && book.changes == kept.changes).then(|| Arc::clone(&book.book))
    }

    /// The book of an organization, as it is now.
    ///
    /// # Errors
    /// `unavailable` when the database does not answer.
    pub async fn of(&self, organization: OrganizationId) -> ApiResult<Arc<Book>> {
        if let Some(book) = self.cached(organization) {
            return Ok(book);
        }
        let [.., lock] = organization.0.into_bytes();
        let _looking = self.0.looking[usize::from(lock) % LOCKS].lock().await;
        match self.cached(organization) {
            Some(book) => Ok(book),
            None => self.look(organization).await,
        }
    }

    /// Says that prices were changed by this process: the next that asks looks. To be called after the commit.
    pub fn changed(&self) {
        self.kept().changes += 1;
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look(&self, organization: OrganizationId) -> ApiResult<Arc<Book>> {
        // Before the database is asked: what changes after that is for the next look.
        let looked = Instant::now();
        let (changes, known, catalog) = {
            let kept = self.kept();
            (kept.changes, kept.books.get(&organization).cloned(), kept.catalog.clone())
        };
        let mut tx = self.0.db.tenant(organization).await?;
        let mut number = store::number(&mut tx).await?;
        if number == 0 {
            tx.commit().await?;
            self.install().await?;
            tx = self.0.db.tenant(organization).await?;
            number = store::number(&mut tx).await?;
        }
        let revision = negotiated::revision(&mut tx, organization).await?;
        let catalog = match catalog {
            Some((of, catalog)) if of == number => catalog,
            _ => Arc::new(store::catalog(&mut tx).await?),
        };
        let overrides = match &known {
            Some(known) if known.revision == revision => Arc::clone(&known.book.overrides),
            _ => Arc::new(Overrides::new(negotiated::all(&mut tx, organization).await?)),
        };
        tx.commit().await?;
        let book = match known {
            Some(known) if (known.number, known.revision) == (number, revision) => known.book,
            _ => Arc::new(Book { catalog: Arc::clone(&catalog), overrides }),
        };
        let mut kept = self.kept();
        kept.catalog = Some((number, catalog));
        kept.books.insert(organization, KeptBook { book: Arc::clone(&book), number, revision, looked, changes });
        Ok(book)
    }

    /// Reads the shipped book into a database that has none.
    async fn install(&self) -> ApiResult<()> {
        let mut tx: Tx = self.0.db.platform().await?;
        let installed = import::install(&mut tx, &self.0.clock).await;
        installed.map_err(|error| error.downcast::<sqlx::Error>().map_or_else(ApiError::internal, ApiError::from))?;
        Ok(tx.commit().await?)
    }
}

impl fmt::Debug for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Books").field("kept", &self.kept().books.len()).finish_non_exhaustive()
    }
}
