//! From what callers send to what is stored: one path for every way in.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use finops_contract::ErrorCode;
use finops_contract::projects::Environment;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use uuid::Uuid;

use super::commit::{Arriving, Outcome, Store};
use super::domain::{Event, MAX_AHEAD, Price, Source, Told, event_key, max_age};
use super::prompts::{Prompts, Text};
use super::reject::Reject;
use super::vendor;
use crate::features::prices::{Book, Books, Lookup, provider_name};
use crate::features::projects::{self, Directory, Place};
use crate::features::teams::{self, Visibility};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, OrganizationId};
use crate::platform::group_commit::{GroupCommit, Limits, Refused};
use crate::platform::http::{ApiError, ApiResult, Ctx};
use crate::platform::snapshots::Snapshots;
use crate::platform::state::State;
use crate::platform::telemetry::UsageMetrics;

/// How old what is known of projects may be: a deleted one takes events no longer than this.
const DIRECTORY_AGE: Duration = Duration::from_secs(1);
/// Seconds after which a caller who met a full queue may try again.
const RETRY_AFTER: u64 = 1;

/// Limits of the committer. Two transactions at a time: while one waits for the disk, the other works. Groups beyond a few
/// hundred events gain nothing, and their arrays no longer fit the caches.
const LIMITS: Limits = Limits { workers: 2, waiting: 20_000, group: 256, linger: Duration::from_millis(1) };

/// Batches that are read, priced and stored at a time. A batch of a thousand takes some megabytes from when it is read until it is
/// stored, so how many callers there are must not decide how much memory that is: the others' bodies wait as they came. Fewer
/// would leave the committer with groups that are too small (with four, batches of a hundred were a quarter slower).
const TURNS: usize = 16;
/// How long a batch waits for its turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// Takes events. One a process; cheap to clone.
#[derive(Clone, Debug)]
pub struct Ingest {
    db: Db,
    clock: Clock,
    books: Books,
    projects: Arc<Snapshots<Directory>>,
    committer: GroupCommit<Store>,
    turns: Arc<Semaphore>,
    metrics: UsageMetrics,
    prompts: Prompts,
}

/// A batch's turn, over when it is dropped.
#[derive(Debug)]
pub(super) struct Turn(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

/// Who sends events, and what follows from that.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    pub(super) organization: OrganizationId,
    /// Whose projects they may name.
    pub(super) sees: Visibility,
    /// The project that their key is bound to.
    pub(super) bound: Option<Uuid>,
    /// The environment of their key.
    pub(super) environment: Option<Environment>,
    pub(super) api_key: Option<Uuid>,
}

impl Sender {
    /// Whoever asks. What a key sees is known with it; what a person sees is asked for.
    pub(super) async fn of(ctx: &Ctx, db: &Db) -> ApiResult<Self> {
        let organization = ctx.organization;
        if let Some(key) = &ctx.key {
            let (bound, environment, api_key) = (key.project, key.environment, Some(key.id));
            return Ok(Self { organization, sees: Visibility::Everything, bound, environment, api_key });
        }
        let mut tx = db.tenant(organization).await?;
        let sees = teams::visibility(&mut tx, ctx).await?;
        tx.commit().await?;
        Ok(Self { organization, sees, bound: None, environment: None, api_key: None })
    }
}

/// What events are prepared with: what is known now, the same for all of a request.
pub(super) struct Desk<'a> {
    ingest: &'a Ingest,
    sender: &'a Sender,
    source: Source,
    projects: Arc<Directory>,
    book: Arc<Book>,
    begun: Instant,
    /// Whether projects were read again for it.
    looked_again: bool,
    now: DateTime<Utc>,
    /// When an event was that does not say.
    undated: DateTime<Utc>,
}

impl Ingest {
    /// Starts the committer.
    pub fn new(state: &State, books: Books) -> Self {
        let (db, clock) = (state.db.clone(), state.clock.clone());
        let metrics = state.metrics.usage.clone();
        let committer = GroupCommit::start(Store::new(db.clone(), clock.clone(), metrics.clone()), LIMITS);
        Self {
            db,
            clock,
            books,
            projects: Arc::new(Snapshots::new(DIRECTORY_AGE)),
            committer,
            turns: Arc::new(Semaphore::new(TURNS)),
            metrics,
            prompts: Prompts::new(state),
        }
    }

    /// How many more events may wait to be stored.
    pub fn room(&self) -> usize {
        self.committer.room()
    }

    /// Waits until a batch may be read.
    ///
    /// # Errors
    /// `unavailable` when too many others wait already.
    pub(super) async fn turn(&self) -> ApiResult<Turn> {
        match tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Turn(permit)),
            Ok(Err(_)) | Err(_) => Err(ApiError::new(ErrorCode::Unavailable).with_retry_after(RETRY_AFTER)),
        }
    }

    /// Counts an event that cannot be taken, and passes on why.
    pub(super) fn rejected(&self, source: Source, reject: Reject) -> Reject {
        self.metrics.rejected(source.name(), reject.code.name());
        reject
    }

    /// What a request's events are prepared with.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn desk<'a>(&'a self, sender: &'a Sender, source: Source) -> ApiResult<Desk<'a>> {
        let (organization, begun) = (sender.organization, Instant::now());
        let projects = self.projects.get(organization, || self.directory(organization)).await?;
        let book = self.books.of(organization).await?;
        let now = self.clock.now();
        Ok(Desk { ingest: self, sender, source, projects, book, begun, looked_again: false, now, undated: now })
    }

    async fn directory(&self, organization: OrganizationId) -> sqlx::Result<Directory> {
        let mut tx = self.db.tenant(organization).await?;
        let directory = projects::directory(&mut tx, organization).await?;
        tx.commit().await?;
        Ok(directory)
    }

    /// Stores events that are ready, and says after the commit what became of each.
    ///
    /// # Errors
    /// `unavailable` when too much waits already or the database does not answer. Nothing was stored then.
    pub(super) async fn store(&self, organization: OrganizationId, mut events: Vec<Event>) -> ApiResult<Vec<Outcome>> {
        self.metrics.prompts("dropped", self.prompts.seal(organization, &mut events).await);
        let (source, count) = (events.first().map(|event| event.source.name()), events.len());
        let arriving = events.into_iter().map(|event| Arriving { organization, event }).collect();
        let submitted = self.committer.submit(arriving).await;
        if let (Err(_), Some(source)) = (&submitted, source) {
            self.metrics.events(source, "unavailable", u64::try_from(count).unwrap_or_default());
        }
        submitted.map_err(refused)
    }
}

fn refused(refused: Refused<sqlx::Error>) -> ApiError {
    match refused {
        Refused::Full => ApiError::new(ErrorCode::Unavailable).with_retry_after(RETRY_AFTER),
        Refused::Failed(error) => error.into(),
        Refused::Gone => ApiError::new(ErrorCode::Unavailable).with_retry_after(RETRY_AFTER),
    }
}

impl Desk<'_> {
    /// Lets events that do not say when they were be of this time.
    pub(super) fn undated(self, undated: DateTime<Utc>) -> Self {
        Self { undated, ..self }
    }

    /// Looks once more where a project is not known: it may have been made since projects were read, and its calls are not to be
    /// lost for that.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn look_for(&mut self, told: &Told) -> ApiResult<()> {
        if !self.looked_again && self.place(told.project.as_deref()).is_err() {
            let (ingest, organization) = (self.ingest, self.sender.organization);
            let read = || ingest.directory(organization);
            self.projects = ingest.projects.newer(organization, self.begun, read).await?;
            self.looked_again = true;
        }
        Ok(())
    }

    /// Makes an event of what was told: places it, names its vendor, prices it.
    ///
    /// # Errors
    /// Why it cannot be taken.
    pub(super) fn prepare(&self, mut told: Told) -> Result<Event, Reject> {
        let body_hash = told.body_hash();
        let occurred_at = self.time(told.occurred_at)?;
        let place = self.place(told.project.as_deref())?;
        if !place.is_some_and(|place| place.store_prompts) {
            told.text = Text::default();
        }
        let model = told.model.take().ok_or_else(|| Reject::field("/model", "is required"))?;
        let provider = provider(&mut told, &model);
        let environment = self.sender.environment.or(place.map(|place| place.environment));
        told.environment = told.environment.or(environment);
        let price = self.price(&told, &provider, &model, occurred_at);
        let event_id = told.event_id.take().unwrap_or_else(|| self.ingest.clock.new_id().to_string());
        Ok(Event {
            key: event_key(&event_id),
            event_id,
            body_hash,
            source: self.source,
            occurred_at,
            project_id: place.map(|place| place.project),
            team_id: place.map(|place| place.team),
            api_key_id: self.sender.api_key,
            provider,
            model,
            price,
            told,
            prompt: None,
        })
    }

    fn time(&self, told: Option<DateTime<Utc>>) -> Result<DateTime<Utc>, Reject> {
        let Some(at) = told else { return Ok(self.undated) };
        if at > self.now + MAX_AHEAD {
            let message = "is more than 5 minutes in the future";
            return Err(Reject::new(ErrorCode::TimestampInFuture, "/timestamp", message));
        }
        if at < self.now - max_age(self.source) {
            let message = format!("is more than {} days ago", max_age(self.source).num_days());
            return Err(Reject::new(ErrorCode::TimestampTooOld, "/timestamp", message));
        }
        Ok(at)
    }

    /// The project that an event belongs to. What is not seen does not exist.
    fn place(&self, told: Option<&str>) -> Result<Option<Place>, Reject> {
        let unknown = || Reject::new(ErrorCode::ProjectUnknown, "/projectId", "there is no such project");
        let Some(told) = told else {
            return match self.sender.bound {
                Some(bound) => self.projects.place(bound).map(Some).ok_or_else(unknown),
                None if self.sender.sees == Visibility::Everything => Ok(None),
                None => Err(Reject::new(ErrorCode::ProjectRequired, "/projectId", "is required")),
            };
        };
        let place = self.projects.find(told).ok_or_else(unknown)?;
        let bound = self.sender.bound.is_none_or(|bound| bound == place.project);
        let seen = bound && self.sender.sees.sees_project(place.project, place.team);
        if seen { Ok(Some(place)) } else { Err(unknown()) }
    }

    fn price(&self, told: &Told, provider: &str, model: &str, at: DateTime<Utc>) -> Price {
        // What was not measured has no price: no units are not the same as nothing used.
        let unknown = |why: &'static str| Price { cost: None, price_id: None, resolution: why.into() };
        if told.used.unsplit > 0 {
            return unknown("unsplit_tokens");
        }
        if !told.used.measured {
            return unknown("nothing_measured");
        }
        let lookup = Lookup {
            provider,
            model,
            tier: told.texts.service_tier.as_deref(),
            region: told.texts.region.as_deref(),
            at,
            quantities: &told.used.quantities,
        };
        Price::of(self.book.price(&lookup), model)
    }
}

/// The vendor: as told, or where callers say it in `service`, or by the model.
fn provider(told: &mut Told, model: &str) -> String {
    if let Some(told) = &told.provider {
        return provider_name(told).into_owned();
    }
    if let Some(service) = &told.service {
        let name = provider_name(service).into_owned();
        if vendor::is_vendor(&name) {
            told.service = None;
            return name;
        }
    }
    vendor::of_model(model).to_owned()
}
