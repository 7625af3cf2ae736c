//! A key that seals many small things: one call of the key service for all of them.

use std::fmt;

use aws_lc_rs::aead::LessSafeKey;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::{Zeroize as _, Zeroizing};

use super::aead::{self, KEY_BYTES, NONCE_BYTES};
use super::vault::EncryptionContext;

/// Keeps what is sealed in bulk apart from everything else that the associated data protects.
const LABEL: &str = "finops bulk 1";

/// The cipher refused, or what should be a key is none. Says no more on purpose.
#[derive(Debug, thiserror::Error)]
#[error("it cannot be encrypted or decrypted with this key")]
pub struct BulkRefused;

/// A key in use. It is kept as a secret of its owner ([`super::SecretStore`]); nonces are random, so one key is good for
/// billions of texts, not for more.
pub struct BulkKey(LessSafeKey);

/// Something sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkSealed {
    /// The nonce.
    pub nonce: [u8; NONCE_BYTES],
    /// The text and the tag.
    pub ciphertext: Vec<u8>,
}

impl fmt::Debug for BulkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BulkKey")
    }
}

impl BulkKey {
    /// A fresh key's text, to seal as a secret and to make a key of.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub fn generate() -> Result<SecretString, BulkRefused> {
        let bytes = aead::random::<KEY_BYTES>().map_err(|_| BulkRefused)?;
        let mut text = BASE64_STANDARD_NO_PAD.encode(bytes.as_slice());
        let secret = SecretString::from(text.as_str());
        text.zeroize();
        Ok(secret)
    }

    /// The key of a text.
    ///
    /// # Errors
    /// When the text is no key's.
    pub fn new(text: &SecretString) -> Result<Self, BulkRefused> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        let read = BASE64_STANDARD_NO_PAD.decode_slice(text.expose_secret(), bytes.as_mut_slice());
        match read {
            Ok(KEY_BYTES) => Ok(Self(aead::prepare(&bytes))),
            _ => Err(BulkRefused),
        }
    }

    /// Encrypts a text for one place.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub fn seal(&self, place: &EncryptionContext, text: &[u8]) -> Result<BulkSealed, BulkRefused> {
        let (nonce, ciphertext) = aead::seal(&self.0, &place.aad(LABEL), text).map_err(|_| BulkRefused)?;
        Ok(BulkSealed { nonce, ciphertext })
    }

    /// Decrypts what was sealed for this place.
    ///
    /// # Errors
    /// When it was altered, or sealed for another place or with another key.
    pub fn open(&self, place: &EncryptionContext, sealed: &BulkSealed) -> Result<Zeroizing<Vec<u8>>, BulkRefused> {
        aead::open(&self.0, &place.aad(LABEL), sealed.nonce, &sealed.ciphertext).map_err(|_| BulkRefused)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::BulkKey;
    use crate::platform::crypto::EncryptionContext;
    use crate::platform::db::OrganizationId;

    fn place(organization: u128, row: u128, table: &'static str) -> EncryptionContext {
        let organization = OrganizationId(Uuid::from_u128(organization));
        EncryptionContext { organization, table: table.into(), row: Uuid::from_u128(row), version: 1 }
    }

    #[test]
    fn a_text_opens_in_its_place_alone() {
        let text = BulkKey::generate().unwrap();
        let (key, same, other) =
            (BulkKey::new(&text).unwrap(), BulkKey::new(&text).unwrap(), BulkKey::new(&BulkKey::generate().unwrap()));
        let here = place(1, 2, "usage_prompts");
        let sealed = key.seal(&here, b"hello").unwrap();
        assert_eq!(same.open(&here, &sealed).unwrap().as_slice(), b"hello");
        for elsewhere in [place(9, 2, "usage_prompts"), place(1, 9, "usage_prompts"), place(1, 2, "others")] {
            assert!(key.open(&elsewhere, &sealed).is_err());
        }
        assert!(other.unwrap().open(&here, &sealed).is_err());
        assert_ne!(key.seal(&here, b"hello").unwrap().nonce, sealed.nonce);
        assert!(BulkKey::new(&"c2hvcnQ".to_owned().into()).is_err());
    }
}
