//! What an API key looks like: `fin_`, 32 random letters and digits, and six more that are the CRC-32 of those.

use aws_lc_rs::{digest, rand};
use secrecy::{ExposeSecret as _, SecretString};

use crate::platform::http::{ApiError, ApiResult};

/// What every key begins with.
pub const PREFIX: &str = "fin_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 190 random bits.
const RANDOM: usize = 32;
/// 62^6 is more than 2^32.
const CHECKSUM: usize = 6;

/// The text of a new key. Only its hash is stored.
pub struct ApiKeyText(SecretString);

impl ApiKeyText {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate() -> ApiResult<Self> {
        let mut random = String::with_capacity(RANDOM);
        let mut bytes = [0; 2 * RANDOM];
        while random.len() < RANDOM {
            rand::fill(&mut bytes).map_err(|_| ApiError::internal(anyhow::anyhow!("no randomness")))?;
            // From 248 on, the first letters would come more often than the others.
            let even = bytes.iter().filter(|byte| **byte < 248);
            random.extend(even.take(RANDOM - random.len()).map(|byte| char::from(ALPHABET[usize::from(byte % 62)])));
        }
        let checksum = checksum(&random);
        Ok(Self(format!("{PREFIX}{random}{checksum}").into()))
    }

    /// The text, for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is stored in its place.
    pub fn hash(&self) -> [u8; 32] {
        hash(self.reveal())
    }

    /// Its last four characters, to tell it from others.
    pub fn last4(&self) -> &str {
        let text = self.reveal();
        &text[text.len() - 4..]
    }

    /// The hash of a text that a caller presents; nothing, if it cannot be a key of ours.
    pub fn hash_of(presented: &str) -> Option<[u8; 32]> {
        let body = presented.strip_prefix(PREFIX)?;
        if body.len() != RANDOM + CHECKSUM || !body.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let (random, given) = body.split_at(RANDOM);
        (checksum(random) == given).then(|| hash(presented))
    }
}

fn hash(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    hash
}

/// The CRC-32 of a text in base 62, the highest digit first.
fn checksum(random: &str) -> String {
    let mut rest = crc32fast::hash(random.as_bytes());
    let mut digits = [0; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::{ApiKeyText, PREFIX};

    #[test]
    fn a_new_key_is_one_of_ours_and_no_other_is_the_same() {
        let keys: Vec<_> = (0..100).map(|_| ApiKeyText::generate().unwrap()).collect();
        for key in &keys {
            assert_eq!(key.reveal().len(), PREFIX.len() + 38);
            assert_eq!(ApiKeyText::hash_of(key.reveal()), Some(key.hash()));
            assert!(key.reveal().ends_with(key.last4()));
        }
        assert_eq!(keys.iter().map(ApiKeyText::hash).collect::<HashSet<_>>().len(), keys.len());
    }

    #[test]
    fn the_checksum_is_the_one_that_was_given_out() {
        // CRC-32 (IEEE) of 32 zeros is 0x190a55ad, of nothing 0.
        assert_eq!(super::checksum(&"\0".repeat(32)), "0SQjCX");
        assert_eq!(super::checksum(""), "000000");
    }

    proptest! {
        #[test]
        fn any_typo_is_noticed(at in 0_usize..42, other in "[0-9A-Za-z]") {
            let key = ApiKeyText::generate().unwrap();
            let mut typed = key.reveal().to_owned();
            typed.replace_range(at..=at, &other);
            prop_assume!(typed != key.reveal());
            prop_assert_eq!(ApiKeyText::hash_of(&typed), None);
        }

        #[test]
        fn what_is_no_key_is_none(text in ".{0,60}") {
            prop_assert_eq!(ApiKeyText::hash_of(&text), None);
            let text = format!("fin_{text}");
            prop_assert_eq!(ApiKeyText::hash_of(&text), None);
        }
    }
}
