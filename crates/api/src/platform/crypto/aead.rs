//! AES-256-GCM, and the randomness it needs. Nothing else of the service calls a cipher.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

/// Bytes of a key.
pub(super) const KEY_BYTES: usize = 32;
/// Bytes of a nonce.
pub(super) const NONCE_BYTES: usize = 12;
/// Bytes that encryption adds.
pub(super) const TAG_BYTES: usize = 16;

/// The cipher refused. Says no more on purpose.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// A key ready for use. AWS-LC wipes its copy when this is dropped.
pub(super) fn prepare(key: &[u8; KEY_BYTES]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("an AES-256 key has 32 bytes"))
}

/// Random bytes of the operating system's quality.
pub(super) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Refused> {
    let mut bytes = Zeroizing::new([0; N]);
    rand::fill(bytes.as_mut_slice()).map_err(|_| Refused)?;
    Ok(bytes)
}

/// Encrypts under a nonce of its own: `(nonce, ciphertext and tag)`.
pub(super) fn seal(key: &LessSafeKey, aad: &[u8], plaintext: &[u8]) -> Result<([u8; NONCE_BYTES], Vec<u8>), Refused> {
    let nonce = *random::<NONCE_BYTES>()?;
    // Room for the tag from the start: a buffer that grew would leave plaintext behind.
    let mut buffer = Zeroizing::new(Vec::with_capacity(plaintext.len() + TAG_BYTES));
    buffer.extend_from_slice(plaintext);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut *buffer)
        .map_err(|_| Refused)?;
    Ok((nonce, std::mem::take(&mut *buffer)))
}

/// Decrypts and authenticates.
pub(super) fn open(
    key: &LessSafeKey,
    aad: &[u8],
    nonce: [u8; NONCE_BYTES],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let length =
        key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut buffer).map_err(|_| Refused)?.len();
    buffer.truncate(length);
    Ok(buffer)
}
