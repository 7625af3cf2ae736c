//! What people asked models and were answered, of projects that opted in.
//!
//! A text is encrypted before it comes near the database, with its organization's key of the day. Of the key service that
//! takes one call an organization and day, and one every five minutes to open the key again. Storing events waits for
//! none of them for long: when the key is not to be had, the event is stored without its text, and that is counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use finops_contract::ErrorCode;
use finops_contract::usage::UsagePrompt;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use tokio::time::Instant;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::domain::{Event, event_key};
use crate::features::audit;
use crate::features::teams;
use crate::platform::clock::Clock;
use crate::platform::crypto::{self, BulkKey, BulkSealed, EncryptionContext, SecretError, SecretOwner, SecretStore};
use crate::platform::db::{Db, OrganizationId};
use crate::platform::http::{ApiError, ApiResult, Ctx};
use crate::platform::state::State;

/// How long a key is kept in memory.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// How long storing events waits for a key at most.
const WAIT: Duration = Duration::from_millis(300);
/// How long nobody waits again once it took longer.
const PAUSE: Duration = Duration::from_secs(15);
/// How long a text is kept at most.
const KEPT: TimeDelta = TimeDelta::days(30);
/// Rows that one transaction deletes at most.
const SLICE: i64 = 1_000;
const TABLE: &str = "usage_prompts";
const KEYS: &str = "prompt_keys";

/// The text of a call as it was told: the names of its fields, and their JSON. Shows nothing of itself.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Text(Vec<(&'static str, Zeroizing<String>)>);

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Text")
    }
}

impl Text {
    /// Adds a field; its value is JSON.
    pub(super) fn add(&mut self, name: &'static str, json: &str) {
        self.0.push((name, Zeroizing::new(json.to_owned())));
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of it as one JSON object.
    fn json(&self) -> Zeroizing<String> {
        // Of the right size from the start: a text that grew would leave its beginning behind.
        let size = self.0.iter().map(|(name, json)| name.len() + json.len() + 4).sum::<usize>() + 2;
        let mut object = Zeroizing::new(String::with_capacity(size));
        for (place, (name, json)) in self.0.iter().enumerate() {
            object.push_str(if place == 0 { "{\"" } else { ",\"" });
            object.push_str(name);
            object.push_str("\":");
            object.push_str(json);
        }
        object.push('}');
        object
    }
}

/// An encrypted text on its way.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    day: NaiveDate,
    sealed: BulkSealed,
}

/// Where the text of an event belongs.
fn place(organization: OrganizationId, event: Uuid) -> EncryptionContext {
    EncryptionContext { organization, table: TABLE.into(), row: event, version: 1 }
}

#[derive(Clone, Debug)]
struct Known {
    key: Arc<BulkKey>,
    day: NaiveDate,
    since: DateTime<Utc>,
}

/// The keys of the day. One a process; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Prompts {
    db: Db,
    clock: Clock,
    secrets: SecretStore,
    known: Arc<Mutex<HashMap<OrganizationId, Known>>>,
    /// Nobody waits for a key until then.
    paused: Arc<Mutex<Option<Instant>>>,
    /// One at a time asks for a key.
    asking: Arc<tokio::sync::Mutex<()>>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Prompts {
    pub(super) fn new(state: &State) -> Self {
        Self {
            db: state.db.clone(),
            clock: state.clock.clone(),
            secrets: state.secrets.clone(),
            known: Arc::default(),
            paused: Arc::default(),
            asking: Arc::default(),
        }
    }

    /// Encrypts the texts of events, and takes away those that cannot be; how many these were.
    pub(super) async fn seal(&self, organization: OrganizationId, events: &mut [Event]) -> u64 {
        if events.iter().all(|event| event.told.text.is_empty()) {
            return 0;
        }
        let known = self.key(organization).await;
        let mut dropped = 0;
        for event in events {
            let text = std::mem::take(&mut event.told.text);
            if text.is_empty() {
                continue;
            }
            let sealed = known.as_ref().and_then(|known| {
                let sealed = known.key.seal(&place(organization, event.key), text.json().as_bytes()).ok()?;
                Some(Prompt { day: known.day, sealed })
            });
            dropped += u64::from(sealed.is_none());
            event.prompt = sealed;
        }
        dropped
    }

    fn known(&self, organization: OrganizationId) -> Option<Known> {
        let (now, mut known) = (self.clock.now(), locked(&self.known));
        known.retain(|_, known| known.since <= now && now - known.since < LIFETIME && known.day == now.date_naive());
        known.get(&organization).cloned()
    }

    /// Today's key, if it is to be had soon.
    async fn key(&self, organization: OrganizationId) -> Option<Known> {
        if let Some(known) = self.known(organization) {
            return Some(known);
        }
        if locked(&self.paused).is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let this = self.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "it ends within the key service's time limit, and is of use even late"
        )]
        let asked = tokio::spawn(async move { this.ask(organization).await });
        match tokio::time::timeout(WAIT, asked).await {
            Ok(Ok(Ok(known))) => return Some(known),
            Ok(Ok(Err(error))) => tracing::warn!(%organization, %error, "prompts are not stored: there is no key"),
            Ok(Err(_)) | Err(_) => tracing::warn!(%organization, "prompts are not stored: no key came in time"),
        }
        *locked(&self.paused) = Some(Instant::now() + PAUSE);
        None
    }

    /// Fetches or makes today's key, whoever else asks for it.
    async fn ask(&self, organization: OrganizationId) -> Result<Known, SecretError> {
        let _turn = self.asking.lock().await;
        if let Some(known) = self.known(organization) {
            return Ok(known);
        }
        let (day, since) = (self.clock.today(), self.clock.now());
        let text = match stored(&self.db, organization, day).await? {
            Some((owner, sealed)) => self.secrets.open(organization, owner, &sealed).await?,
            None => self.make(organization, day).await?,
        };
        let key = BulkKey::new(&text).map_err(|_| SecretError::Open(crypto::VaultError::Rejected))?;
        let known = Known { key: Arc::new(key), day, since };
        locked(&self.known).insert(organization, known.clone());
        *locked(&self.paused) = None;
        Ok(known)
    }

    async fn make(&self, organization: OrganizationId, day: NaiveDate) -> Result<secrecy::SecretString, SecretError> {
        let text =
            BulkKey::generate().map_err(|_| SecretError::Seal(crypto::VaultError::Unavailable(String::new())))?;
        let owner = SecretOwner { table: KEYS, id: self.clock.new_id() };
        let sealed = self.secrets.seal(organization, owner, 1, &text).await?;
        let mut tx = self.db.tenant(organization).await?;
        let made = sqlx::query!(
            "INSERT INTO prompt_keys (organization_id, day, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            organization as OrganizationId,
            day,
            owner.id
        )
        .execute(&mut *tx)
        .await?;
        if made.rows_affected() == 1 {
            sealed.store(&mut tx, self.clock.now()).await?;
            tx.commit().await?;
            return Ok(text);
        }
        tx.rollback().await?;
        // Another replica was faster: its key is everybody's.
        let (owner, sealed) = stored(&self.db, organization, day).await?.ok_or(SecretError::Conflict)?;
        self.secrets.open(organization, owner, &sealed).await
    }
}

/// The key of a day as it is stored.
async fn stored(
    db: &Db,
    organization: OrganizationId,
    day: NaiveDate,
) -> sqlx::Result<Option<(SecretOwner, crypto::Sealed)>> {
    let mut tx = db.tenant(organization).await?;
    let id = sqlx::query_scalar!(
        "SELECT id FROM prompt_keys WHERE organization_id = $1 AND day = $2",
        organization as OrganizationId,
        day
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(id) = id else { return Ok(None) };
    let owner = SecretOwner { table: KEYS, id };
    let sealed = crypto::load(&mut tx, organization, owner).await?;
    tx.commit().await?;
    Ok(sealed.map(|sealed| (owner, sealed)))
}

/// What is sealed, as it was told.
#[derive(Debug, Deserialize)]
struct UsagePromptText {
    prompt: Option<Box<RawValue>>,
    completion: Option<Box<RawValue>>,
    messages: Option<Box<RawValue>>,
}

/// Writes the texts of events, in the transaction that stores the events; how many there were.
pub(super) async fn insert(
    conn: &mut PgConnection,
    organization: OrganizationId,
    events: &[&Event],
    received_at: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let with: Vec<(&Event, &Prompt, Uuid)> =
        events.iter().filter_map(|event| Some((*event, event.prompt.as_ref()?, event.project_id?))).collect();
    if with.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query!(
        "
        INSERT INTO usage_prompts (organization_id, received_at, event_key, project_id, occurred_at, day, nonce, ciphertext)
        SELECT $1, $2, t.* FROM unnest($3::uuid[], $4::uuid[], $5::timestamptz[], $6::date[], $7::bytea[], $8::bytea[]) AS t
        ON CONFLICT DO NOTHING
        ",
        organization as OrganizationId,
        received_at,
        &with.iter().map(|(event, ..)| event.key).collect::<Vec<_>>(),
        &with.iter().map(|(.., project)| *project).collect::<Vec<_>>(),
        &with.iter().map(|(event, ..)| event.occurred_at).collect::<Vec<_>>(),
        &with.iter().map(|(_, prompt, _)| prompt.day).collect::<Vec<_>>(),
        &with.iter().map(|(_, prompt, _)| prompt.sealed.nonce.to_vec()).collect::<Vec<_>>(),
        &with.iter().map(|(_, prompt, _)| prompt.sealed.ciphertext.clone()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The text of an event, decrypted. Who reads what people said leaves a trace.
///
/// # Errors
/// `not_found` when there is none, also once its project has opted out; `encryption_unavailable`.
pub(super) async fn read(state: &State, ctx: &Ctx, event_id: &str) -> ApiResult<UsagePrompt> {
    let key = event_key(event_id);
    let mut tx = state.db.tenant(ctx.organization).await?;
    let row = sqlx::query!(
        "
        SELECT u.project_id, p.team_id, u.day, u.nonce, u.ciphertext, u.received_at
        FROM usage_prompts u JOIN projects p ON p.organization_id = u.organization_id AND p.id = u.project_id
        WHERE u.organization_id = $1 AND u.event_key = $2 AND p.store_prompts AND p.deleted_at IS NULL
        ",
        ctx.organization as OrganizationId,
        key
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(ErrorCode::NotFound)?;
    let sees = teams::visibility(&mut tx, ctx).await?;
    tx.commit().await?;
    if !sees.sees_project(row.project_id, row.team_id) {
        return Err(ErrorCode::NotFound.into());
    }
    let (owner, sealed) = stored(&state.db, ctx.organization, row.day).await?.ok_or(ErrorCode::NotFound)?;
    let text = state.secrets.open(ctx.organization, owner, &sealed).await?;
    let bulk = BulkKey::new(&text).map_err(ApiError::internal)?;
    let nonce = row.nonce.try_into().map_err(|_| ErrorCode::Internal)?;
    let sealed = BulkSealed { nonce, ciphertext: row.ciphertext };
    let bytes = bulk.open(&place(ctx.organization, key), &sealed).map_err(ApiError::internal)?;
    let fields: UsagePromptText = serde_json::from_slice(&bytes).map_err(ApiError::internal)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    audit::record(&mut tx, ctx, audit::Change::new("usage_prompt.read", key, event_id.to_owned())).await?;
    tx.commit().await?;
    Ok(UsagePrompt {
        event_id: event_id.to_owned(),
        received_at: row.received_at,
        prompt: fields.prompt,
        completion: fields.completion,
        messages: fields.messages,
    })
}

/// Deletes some texts that are kept no longer, of one organization; how many.
pub(super) async fn forget(
    conn: &mut PgConnection,
    organization: OrganizationId,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "
        DELETE FROM usage_prompts WHERE organization_id = $1 AND event_key IN (
            SELECT u.event_key FROM usage_prompts u
            LEFT JOIN projects p ON p.organization_id = u.organization_id AND p.id = u.project_id
                AND p.store_prompts AND p.deleted_at IS NULL
            WHERE u.organization_id = $1 AND (u.received_at < $2 OR p.id IS NULL
                OR u.occurred_at < (SELECT since FROM usage_kept WHERE organization_id = $1)::timestamp AT TIME ZONE 'UTC')
            LIMIT $3)
        ",
        organization as OrganizationId,
        now - KEPT,
        SLICE
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes keys of days that are over and encrypt nothing any more.
pub(super) async fn forget_keys(
    conn: &mut PgConnection,
    organization: OrganizationId,
    today: NaiveDate,
) -> sqlx::Result<()> {
    let ids = sqlx::query_scalar!(
        "
        DELETE FROM prompt_keys k
        WHERE organization_id = $1 AND day < $2
            AND NOT EXISTS (SELECT FROM usage_prompts u WHERE u.organization_id = $1 AND u.day = k.day)
        RETURNING id
        ",
        organization as OrganizationId,
        // A group of yesterday's may still be on its way.
        today - TimeDelta::days(1)
    )
    .fetch_all(&mut *conn)
    .await?;
    for id in ids {
        crypto::delete(conn, organization, SecretOwner { table: KEYS, id }).await?;
    }
    Ok(())
}
