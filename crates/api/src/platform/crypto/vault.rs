//! What wraps data keys.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::platform::db::OrganizationId;

/// Where a secret belongs. What was encrypted for one place does not decrypt in another.
///
/// KMS logs it in clear (CloudTrail): it holds ids and the table's name, never anything of the secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EncryptionContext {
    /// The tenant.
    pub organization: OrganizationId,
    /// The table of the row that owns the secret.
    pub table: Cow<'static, str>,
    /// The row's id.
    pub row: Uuid,
    /// The owner's count of its secrets, from 1: a replaced secret is not taken for the present one.
    pub version: i32,
}

impl EncryptionContext {
    /// The context as bytes, for AES-GCM's associated data. Unambiguous: the label must have no NUL byte and ends with
    /// one; then organization (16 bytes), row (16), version (4, big-endian), and the table's name to the end.
    pub(super) fn aad(&self, label: &str) -> Vec<u8> {
        debug_assert!(!label.contains('\0'), "the label's end would be unclear");
        let mut bytes = Vec::with_capacity(label.len() + 1 + 36 + self.table.len());
        bytes.extend_from_slice(label.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(self.organization.0.as_bytes());
        bytes.extend_from_slice(self.row.as_bytes());
        bytes.extend_from_slice(&self.version.to_be_bytes());
        bytes.extend_from_slice(self.table.as_bytes());
        bytes
    }

    /// The context as KMS takes it.
    pub(super) fn pairs(&self) -> HashMap<String, String> {
        HashMap::from([
            ("organization".to_owned(), self.organization.to_string()),
            ("table".to_owned(), self.table.clone().into_owned()),
            ("row".to_owned(), self.row.to_string()),
            ("version".to_owned(), self.version.to_string()),
        ])
    }

    /// A place where no secret is: what [`KeyVault::check`] tries a key with.
    pub(super) fn probe() -> Self {
        Self { organization: OrganizationId(Uuid::nil()), table: "(check)".into(), row: Uuid::nil(), version: 0 }
    }
}

/// A fresh data key: to use once, and wrapped, to keep.
pub struct DataKey {
    /// The vault's key that wrapped it, as [`KeyVault::unwrap_data_key`] wants it back.
    pub key_id: String,
    /// The key itself, 32 bytes.
    pub plaintext: Zeroizing<[u8; 32]>,
    /// The key, encrypted by the vault.
    pub wrapped: Vec<u8>,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// Makes data keys and unwraps them. The master key stays inside.
#[async_trait]
pub trait KeyVault: Send + Sync {
    /// The key that new data keys are wrapped with, as it was configured. With KMS this may be an alias.
    fn key_id(&self) -> &str;

    /// The key that new data keys are wrapped with, as [`DataKey::key_id`] spells it: an alias is resolved.
    ///
    /// # Errors
    /// As [`KeyVault::generate_data_key`].
    async fn current_key_id(&self) -> Result<String, VaultError> {
        Ok(self.key_id().to_owned())
    }

    /// A fresh data key, bound to its context.
    ///
    /// # Errors
    /// When the key service does not answer, or refuses its key.
    async fn generate_data_key(&self, context: &EncryptionContext) -> Result<DataKey, VaultError>;

    /// The data key that was wrapped with this key for this context.
    ///
    /// # Errors
    /// [`VaultError::Rejected`] when it was altered or belongs to another context; otherwise as
    /// [`KeyVault::generate_data_key`].
    async fn unwrap_data_key(
        &self,
        key_id: &str,
        wrapped: &[u8],
        context: &EncryptionContext,
    ) -> Result<Zeroizing<[u8; 32]>, VaultError>;

    /// Whether a data key can be made and unwrapped now.
    ///
    /// # Errors
    /// As the two.
    async fn check(&self) -> Result<(), VaultError> {
        let context = EncryptionContext::probe();
        let key = self.generate_data_key(&context).await?;
        let unwrapped = self.unwrap_data_key(&key.key_id, &key.wrapped, &context).await?;
        if *unwrapped == *key.plaintext { Ok(()) } else { Err(VaultError::Rejected) }
    }
}

/// Why a vault did not do it. The texts of the first words are the setup guide's (section 8.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// No answer in time, throttled, network, credentials not to be had: another attempt may succeed.
    #[error("the key service does not answer: {0}")]
    Unavailable(String),
    /// The key does not exist, or is a local master key that was not given.
    #[error("KMS key not found")]
    KeyNotFound,
    /// The key exists and cannot be used: disabled, pending deletion, or of another kind.
    #[error("KMS key cannot be used: it is disabled, pending deletion or not for encryption")]
    KeyUnusable,
    /// The service's identity may not use the key.
    #[error("Access denied")]
    AccessDenied,
    /// Altered, or meant for another place.
    #[error("it was altered or belongs to another row")]
    Rejected,
}

impl VaultError {
    /// Whether another attempt may succeed without anyone doing something.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}
