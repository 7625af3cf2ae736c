//! A vault in this process: data keys are wrapped with a master key from the configuration.

use std::fmt;

use async_trait::async_trait;
use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::digest::{SHA256, digest};
use zeroize::Zeroizing;

use super::aead::{self, KEY_BYTES, NONCE_BYTES, Refused};
use super::vault::{DataKey, EncryptionContext, KeyVault, VaultError};

/// First byte of what [`LocalVault`] wraps: nonce (12 bytes), encrypted data key (32) and tag (16) follow.
const FORMAT: u8 = 1;

/// Keeps a wrapped data key apart from everything else that the associated data protects.
const LABEL: &str = "finops data key 1";

/// Wraps data keys with a master key; unwraps with former ones too.
pub struct LocalVault {
    current: MasterKey,
    previous: Vec<MasterKey>,
}

struct MasterKey {
    id: String,
    key: LessSafeKey,
}

impl MasterKey {
    fn new(key: &[u8; KEY_BYTES]) -> Self {
        let digest = digest(&SHA256, key);
        let id = digest.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { id: format!("local:{id}"), key: aead::prepare(key) }
    }
}

impl LocalVault {
    /// A vault of this master key, and of those that still decrypt.
    pub fn new<'a>(master_key: &[u8; 32], previous: impl IntoIterator<Item = &'a [u8; 32]>) -> Self {
        Self { current: MasterKey::new(master_key), previous: previous.into_iter().map(MasterKey::new).collect() }
    }
}

impl fmt::Debug for LocalVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalVault").field("key_id", &self.current.id).finish_non_exhaustive()
    }
}

#[async_trait]
impl KeyVault for LocalVault {
    fn key_id(&self) -> &str {
        &self.current.id
    }

    async fn generate_data_key(&self, context: &EncryptionContext) -> Result<DataKey, VaultError> {
        let no_randomness = |_: Refused| VaultError::Unavailable("no randomness to be had".to_owned());
        let plaintext = aead::random::<KEY_BYTES>().map_err(no_randomness)?;
        let (nonce, ciphertext) =
            aead::seal(&self.current.key, &context.aad(LABEL), plaintext.as_slice()).map_err(no_randomness)?;
        let wrapped = [[FORMAT].as_slice(), nonce.as_slice(), ciphertext.as_slice()].concat();
        Ok(DataKey { key_id: self.current.id.clone(), plaintext, wrapped })
    }

    async fn unwrap_data_key(
        &self,
        key_id: &str,
        wrapped: &[u8],
        context: &EncryptionContext,
    ) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let mut candidates =
            std::iter::once(&self.current).chain(&self.previous).filter(|key| key.id == key_id).peekable();
        if candidates.peek().is_none() {
            return Err(VaultError::KeyNotFound);
        }
        let (nonce, ciphertext) = wrapped
            .strip_prefix(&[FORMAT])
            .and_then(|rest| rest.split_first_chunk::<NONCE_BYTES>())
            .ok_or(VaultError::Rejected)?;
        let aad = context.aad(LABEL);
        let plaintext = candidates
            .find_map(|master| aead::open(&master.key, &aad, *nonce, ciphertext).ok())
            .ok_or(VaultError::Rejected)?;
        let key = <&[u8; KEY_BYTES]>::try_from(plaintext.as_slice()).map_err(|_| VaultError::Rejected)?;
        Ok(Zeroizing::new(*key))
    }
}
