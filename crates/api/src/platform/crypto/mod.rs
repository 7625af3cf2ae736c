//! Secrets at rest: envelope encryption, a data key per secret, the data key wrapped by a key vault.
//!
//! [`SecretStore`] is what features use: [`SecretStore::seal`] and [`SecretStore::open`] may call the key service over
//! the network, so they run outside transactions; [`Sealed::store`], [`load`] and [`delete`] only touch the table
//! `secrets`, inside the caller's transaction. [`rekey::run`] moves everything under the current key.
//!
//! Invariant: a ciphertext opens only in the place it was sealed for. Its organization, table, row and version are the
//! associated data of AES-256-GCM and the vault's encryption context.

mod aead;
mod bulk;
mod cache;
mod kms;
mod local;
pub mod rekey;
mod secrets;
#[cfg(test)]
mod tests;
mod vault;

use std::sync::Arc;

use secrecy::ExposeSecret as _;

pub use self::bulk::{BulkKey, BulkRefused, BulkSealed};
pub use self::kms::KmsVault;
pub use self::local::LocalVault;
pub use self::secrets::{Sealed, SecretError, SecretOwner, SecretStore, delete, load};
pub use self::vault::{DataKey, EncryptionContext, KeyVault, VaultError};
use crate::platform::config::Encryption;

/// The vault of this configuration. Reads AWS's own configuration (environment, profile, instance metadata) when the
/// key is in KMS; asks the key service nothing yet, so that the service starts without it ([`KeyVault::check`] asks).
pub async fn vault(encryption: &Encryption) -> Arc<dyn KeyVault> {
    match encryption {
        Encryption::Kms { key_id, region, endpoint } => {
            Arc::new(KmsVault::connect(key_id, region.as_deref(), endpoint.as_deref()).await)
        }
        Encryption::Local { master_key, previous } => {
            Arc::new(LocalVault::new(master_key.expose_secret(), previous.iter().map(|key| key.expose_secret())))
        }
    }
}
