//! Secrets: sealed and opened here, stored in the table `secrets`.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgConnection;
use uuid::Uuid;

use super::aead::{self, NONCE_BYTES, Refused};
use super::cache::{CacheId, DataKeyCache, SharedKey};
use super::vault::{EncryptionContext, KeyVault, VaultError};
use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;

/// Keeps a secret apart from everything else that the associated data protects.
const LABEL: &str = "finops secret 1";

/// The row that a secret belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretOwner {
    /// Its table, such as `admin_keys`.
    pub table: &'static str,
    /// Its id.
    pub id: Uuid,
}

impl SecretOwner {
    fn context(self, organization: OrganizationId, version: i32) -> EncryptionContext {
        EncryptionContext { organization, table: self.table.into(), row: self.id, version }
    }
}

/// Why a secret was not sealed, opened or stored. Holds nothing of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The vault gave no data key.
    #[error("the secret cannot be encrypted: {0}")]
    Seal(#[source] VaultError),
    /// The vault did not unwrap the data key; or ([`VaultError::Rejected`]) the ciphertext does not belong here.
    #[error("the secret cannot be decrypted: {0}")]
    Open(#[source] VaultError),
    /// As new a secret is stored already: another change was faster.
    #[error("the secret was changed at the same time")]
    Conflict,
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl SecretError {
    /// A stable name, for answers and for the collector's state of a team: `encryption_unavailable` (try again),
    /// `decryption_failed` (someone must act), `conflict`, `unavailable` (the database).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Seal(_) | Self::Open(VaultError::Unavailable(_)) => "encryption_unavailable",
            Self::Open(_) => "decryption_failed",
            Self::Conflict => "conflict",
            Self::Database(_) => "unavailable",
        }
    }
}

/// An encrypted secret, in its place.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    pub(super) context: EncryptionContext,
    pub(super) key_id: String,
    pub(super) wrapped_data_key: Vec<u8>,
    pub(super) nonce: [u8; NONCE_BYTES],
    pub(super) ciphertext: Vec<u8>,
}

impl Sealed {
    /// The owner's count of its secrets; the next secret of the same owner is sealed with one more.
    pub fn version(&self) -> i32 {
        self.context.version
    }

    /// The vault's key that its data key is wrapped with.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Stores it for the owner it was sealed for, in place of an earlier version.
    ///
    /// # Errors
    /// [`SecretError::Conflict`] when this version or a later one is stored already, and the database's.
    pub async fn store(&self, connection: &mut PgConnection, now: DateTime<Utc>) -> Result<(), SecretError> {
        let stored = sqlx::query!(
            "INSERT INTO secrets (organization_id, owner_table, owner_id, version, key_id, wrapped_data_key, nonce,
                                  ciphertext, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (organization_id, owner_table, owner_id) DO UPDATE
             SET version = excluded.version, key_id = excluded.key_id, wrapped_data_key = excluded.wrapped_data_key,
                 nonce = excluded.nonce, ciphertext = excluded.ciphertext, updated_at = excluded.updated_at
             WHERE secrets.version < excluded.version",
            self.context.organization.0,
            &*self.context.table,
            self.context.row,
            self.context.version,
            self.key_id,
            self.wrapped_data_key,
            self.nonce.as_slice(),
            self.ciphertext,
            now,
        )
        .execute(connection)
        .await?;
        if stored.rows_affected() == 1 { Ok(()) } else { Err(SecretError::Conflict) }
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("context", &self.context).field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// A row of `secrets`.
pub(super) struct SecretRow {
    pub(super) owner_table: String,
    pub(super) owner_id: Uuid,
    pub(super) version: i32,
    pub(super) key_id: String,
    pub(super) wrapped_data_key: Vec<u8>,
    pub(super) nonce: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
}

impl SecretRow {
    pub(super) fn into_sealed(self, organization: OrganizationId) -> sqlx::Result<Sealed> {
        let nonce = self.nonce.try_into().map_err(|_| sqlx::Error::Decode("secrets.nonce is not 12 bytes".into()))?;
        let context = EncryptionContext {
            organization,
            table: self.owner_table.into(),
            row: self.owner_id,
            version: self.version,
        };
        Ok(Sealed {
            context,
            key_id: self.key_id,
            wrapped_data_key: self.wrapped_data_key,
            nonce,
            ciphertext: self.ciphertext,
        })
    }
}

/// The owner's secret, still sealed; `None` when it has none.
///
/// # Errors
/// The database's.
pub async fn load(
    connection: &mut PgConnection,
    organization: OrganizationId,
    owner: SecretOwner,
) -> sqlx::Result<Option<Sealed>> {
    let row = sqlx::query_as!(
        SecretRow,
        "SELECT owner_table, owner_id, version, key_id, wrapped_data_key, nonce, ciphertext
         FROM secrets
         WHERE organization_id = $1 AND owner_table = $2 AND owner_id = $3",
        organization.0,
        owner.table,
        owner.id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| row.into_sealed(organization)).transpose()
}

/// Deletes the owner's secret; whether there was one.
///
/// # Errors
/// The database's.
pub async fn delete(
    connection: &mut PgConnection,
    organization: OrganizationId,
    owner: SecretOwner,
) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "DELETE FROM secrets WHERE organization_id = $1 AND owner_table = $2 AND owner_id = $3",
        organization.0,
        owner.table,
        owner.id,
    )
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Seals and opens secrets. Cheap to clone; clones share the cache of data keys.
#[derive(Clone)]
pub struct SecretStore {
    vault: Arc<dyn KeyVault>,
    clock: Clock,
    cache: Arc<Mutex<DataKeyCache>>,
}

impl fmt::Debug for SecretStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretStore").field("key_id", &self.vault.key_id()).finish_non_exhaustive()
    }
}

impl SecretStore {
    /// A store whose data keys this vault wraps.
    pub fn new(vault: Arc<dyn KeyVault>, clock: Clock) -> Self {
        Self { vault, clock, cache: Arc::default() }
    }

    /// The vault, to check it.
    pub fn vault(&self) -> &dyn KeyVault {
        &*self.vault
    }

    /// Encrypts a secret for its owner under a new data key. `version` counts the owner's secrets from 1. May ask the
    /// key service: call it outside transactions, then [`Sealed::store`] inside.
    ///
    /// # Errors
    /// [`SecretError::Seal`].
    pub async fn seal(
        &self,
        organization: OrganizationId,
        owner: SecretOwner,
        version: i32,
        plaintext: &SecretString,
    ) -> Result<Sealed, SecretError> {
        self.seal_in(owner.context(organization, version), plaintext).await
    }

    /// Decrypts a secret that was sealed for this owner. May ask the key service: call it outside transactions.
    ///
    /// # Errors
    /// [`SecretError::Open`].
    pub async fn open(
        &self,
        organization: OrganizationId,
        owner: SecretOwner,
        sealed: &Sealed,
    ) -> Result<SecretString, SecretError> {
        self.open_in(&owner.context(organization, sealed.version()), sealed).await
    }

    /// Lets go of data keys that were kept long enough. Every call of [`SecretStore::open`] does it too; a timer makes
    /// it hold while nothing is opened.
    pub fn evict_expired(&self) {
        self.cached(|cache, now| cache.evict_expired(now));
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(super) async fn seal_in(
        &self,
        context: EncryptionContext,
        plaintext: &SecretString,
    ) -> Result<Sealed, SecretError> {
        let data_key = self.vault.generate_data_key(&context).await.map_err(SecretError::Seal)?;
        let key = aead::prepare(&data_key.plaintext);
        let (nonce, ciphertext) = aead::seal(&key, &context.aad(LABEL), plaintext.expose_secret().as_bytes())
            .map_err(|Refused| SecretError::Seal(VaultError::Unavailable("no randomness to be had".to_owned())))?;
        Ok(Sealed { context, key_id: data_key.key_id, wrapped_data_key: data_key.wrapped, nonce, ciphertext })
    }

    pub(super) async fn open_in(
        &self,
        context: &EncryptionContext,
        sealed: &Sealed,
    ) -> Result<SecretString, SecretError> {
        let rejected = || SecretError::Open(VaultError::Rejected);
        let data_key = self.data_key(context, sealed).await.map_err(SecretError::Open)?;
        let plaintext = aead::open(&aead::prepare(&data_key), &context.aad(LABEL), sealed.nonce, &sealed.ciphertext)
            .map_err(|Refused| rejected())?;
        let text = std::str::from_utf8(&plaintext).map_err(|_| rejected())?;
        // Copied at its exact length: a String with room to spare would be moved, and its bytes left behind.
        Ok(SecretString::from(Box::<str>::from(text)))
    }

    async fn data_key(&self, context: &EncryptionContext, sealed: &Sealed) -> Result<SharedKey, VaultError> {
        let id = CacheId::new(&sealed.key_id, &sealed.wrapped_data_key, context);
        if let Some(key) = self.cached(|cache, now| cache.get(&id, now)) {
            return Ok(key);
        }
        let unwrapped = self.vault.unwrap_data_key(&sealed.key_id, &sealed.wrapped_data_key, context).await?;
        let key = Arc::new(unwrapped);
        self.cached(|cache, now| cache.insert(id, Arc::clone(&key), now));
        Ok(key)
    }

    fn cached<T>(&self, work: impl FnOnce(&mut DataKeyCache, DateTime<Utc>) -> T) -> T {
        let now = self.clock.now();
        work(&mut self.cache.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}
