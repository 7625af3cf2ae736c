//! Envelope encryption with the local vault. KMS and the database are in `tests/it/crypto.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    DataKey, EncryptionContext, KeyVault, LocalVault, Sealed, SecretError, SecretOwner, SecretStore, VaultError,
};
use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;

const MASTER: [u8; 32] = [7; 32];
const CANARY: &str = "sk-admin-canary-5f0c2e";
const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(1));
const OWNER: SecretOwner = SecretOwner { table: "admin_keys", id: Uuid::from_u128(2) };

fn clock() -> Clock {
    Clock::fixed(DateTime::UNIX_EPOCH)
}

fn store_of(vault: impl KeyVault + 'static) -> SecretStore {
    SecretStore::new(Arc::new(vault), clock())
}

fn store() -> SecretStore {
    store_of(LocalVault::new(&MASTER, []))
}

async fn sealed(store: &SecretStore) -> Sealed {
    store.seal(ORGANIZATION, OWNER, 1, &SecretString::from(CANARY)).await.unwrap()
}

/// Fails in the one way that says: this does not belong here.
async fn assert_rejected(store: &SecretStore, organization: OrganizationId, owner: SecretOwner, sealed: &Sealed) {
    let error = store.open(organization, owner, sealed).await.unwrap_err();
    assert!(matches!(error, SecretError::Open(VaultError::Rejected)), "{error:?}");
    assert_eq!(error.code(), "decryption_failed");
}

/// Counts how often a data key is unwrapped.
struct Counting(LocalVault, Arc<AtomicUsize>);

#[async_trait]
impl KeyVault for Counting {
    fn key_id(&self) -> &str {
        self.0.key_id()
    }

    async fn generate_data_key(&self, context: &EncryptionContext) -> Result<DataKey, VaultError> {
        self.0.generate_data_key(context).await
    }

    async fn unwrap_data_key(
        &self,
        key_id: &str,
        wrapped: &[u8],
        context: &EncryptionContext,
    ) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.unwrap_data_key(key_id, wrapped, context).await
    }
}

/// A key service that is down.
struct Down;

#[async_trait]
impl KeyVault for Down {
    fn key_id(&self) -> &str {
        "down"
    }

    async fn generate_data_key(&self, _: &EncryptionContext) -> Result<DataKey, VaultError> {
        Err(VaultError::Unavailable("no answer in time".to_owned()))
    }

    async fn unwrap_data_key(
        &self,
        _: &str,
        _: &[u8],
        _: &EncryptionContext,
    ) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        Err(VaultError::Unavailable("no answer in time".to_owned()))
    }
}

#[tokio::test]
async fn what_is_sealed_opens_again() {
    let store = store();
    for text in ["", "x", CANARY, "열쇠 🔑", &"long ".repeat(10_000)] {
        let sealed = store.seal(ORGANIZATION, OWNER, 3, &SecretString::from(text)).await.unwrap();
        assert_eq!(sealed.version(), 3);
        assert_eq!(store.open(ORGANIZATION, OWNER, &sealed).await.unwrap().expose_secret(), text);
        // The same again from the vault, not from the cache.
        assert_eq!(self::store().open(ORGANIZATION, OWNER, &sealed).await.unwrap().expose_secret(), text);
    }
}

#[tokio::test]
async fn every_secret_has_its_own_data_key_and_nonce() {
    let store = store();
    let (one, two) = (sealed(&store).await, sealed(&store).await);
    assert_ne!(one.wrapped_data_key, two.wrapped_data_key);
    assert_ne!(one.nonce, two.nonce);
    assert_ne!(one.ciphertext, two.ciphertext);
    assert!(!one.ciphertext.windows(8).any(|window| CANARY.as_bytes().windows(8).any(|canary| canary == window)));
}

#[tokio::test]
async fn a_ciphertext_in_another_place_is_rejected() {
    let store = store();
    let mine = sealed(&store).await;
    let elsewhere = [
        (OrganizationId(Uuid::from_u128(9)), OWNER),
        (ORGANIZATION, SecretOwner { id: Uuid::from_u128(9), ..OWNER }),
        (ORGANIZATION, SecretOwner { table: "channels", ..OWNER }),
    ];
    for warm in [false, true] {
        if warm {
            // With the data key in the cache, the answer is the same.
            store.open(ORGANIZATION, OWNER, &mine).await.unwrap();
        }
        for (organization, owner) in elsewhere {
            assert_rejected(&store, organization, owner, &mine).await;
        }
        let mut other_version = mine.clone();
        other_version.context.version = 2;
        assert_rejected(&store, ORGANIZATION, OWNER, &other_version).await;
    }
}

#[tokio::test]
async fn a_ciphertext_under_another_rows_data_key_is_rejected() {
    let store = store();
    let mut mine = sealed(&store).await;
    let other = sealed(&store).await;
    mine.ciphertext.clone_from(&other.ciphertext);
    assert_rejected(&store, ORGANIZATION, OWNER, &mine).await;
    mine.nonce = other.nonce;
    assert_rejected(&store, ORGANIZATION, OWNER, &mine).await;
}

#[tokio::test]
async fn every_altered_byte_is_noticed() {
    let store = store();
    let good = sealed(&store).await;
    for at in 0..good.ciphertext.len() {
        let mut bad = good.clone();
        bad.ciphertext[at] ^= 1;
        assert_rejected(&store, ORGANIZATION, OWNER, &bad).await;
    }
    for at in 0..good.wrapped_data_key.len() {
        let mut bad = good.clone();
        bad.wrapped_data_key[at] ^= 1;
        assert_rejected(&store, ORGANIZATION, OWNER, &bad).await;
    }
    for length in 0..good.wrapped_data_key.len() {
        let mut bad = good.clone();
        bad.wrapped_data_key.truncate(length);
        assert_rejected(&store, ORGANIZATION, OWNER, &bad).await;
    }
    for length in 0..good.ciphertext.len() {
        let mut bad = good.clone();
        bad.ciphertext.truncate(length);
        assert_rejected(&store, ORGANIZATION, OWNER, &bad).await;
    }
    let mut bad = good.clone();
    bad.nonce[0] ^= 1;
    assert_rejected(&store, ORGANIZATION, OWNER, &bad).await;
}

#[tokio::test]
async fn another_master_key_does_not_open_it() {
    let sealed = sealed(&store()).await;
    let other = store_of(LocalVault::new(&[8; 32], []));
    let error = other.open(ORGANIZATION, OWNER, &sealed).await.unwrap_err();
    assert!(matches!(error, SecretError::Open(VaultError::KeyNotFound)), "{error:?}");
    assert_eq!(error.code(), "decryption_failed");

    let mut renamed = sealed;
    other.vault().key_id().clone_into(&mut renamed.key_id);
    assert_rejected(&other, ORGANIZATION, OWNER, &renamed).await;
}

#[tokio::test]
async fn a_previous_master_key_still_opens_and_no_longer_seals() {
    let old = sealed(&store()).await;
    let rotated = store_of(LocalVault::new(&[8; 32], [&[9; 32], &MASTER]));
    assert_eq!(rotated.open(ORGANIZATION, OWNER, &old).await.unwrap().expose_secret(), CANARY);
    let new = sealed(&rotated).await;
    assert_eq!(new.key_id(), rotated.vault().current_key_id().await.unwrap());
    assert_ne!(new.key_id(), old.key_id());
}

#[tokio::test]
async fn a_data_key_is_kept_for_less_than_five_minutes() {
    let unwrapped = Arc::new(AtomicUsize::new(0));
    let clock = clock();
    let vault = Counting(LocalVault::new(&MASTER, []), Arc::clone(&unwrapped));
    let store = SecretStore::new(Arc::new(vault), clock.clone());
    let sealed = sealed(&store).await;
    let mut expected = 0;
    for (advance, unwraps) in [(0, 1), (0, 0), (299, 0), (1, 1), (299, 0), (300, 1)] {
        clock.advance(TimeDelta::seconds(advance));
        // A clone shares the cache.
        store.clone().open(ORGANIZATION, OWNER, &sealed).await.unwrap();
        expected += unwraps;
        assert_eq!(unwrapped.load(Ordering::Relaxed), expected, "after {advance} s");
    }
}

#[tokio::test]
async fn a_key_service_that_is_down_is_not_a_broken_secret() {
    let store = store_of(Down);
    let seal = store.seal(ORGANIZATION, OWNER, 1, &SecretString::from(CANARY)).await.unwrap_err();
    let open = store.open(ORGANIZATION, OWNER, &sealed(&self::store()).await).await.unwrap_err();
    assert_eq!((seal.code(), open.code()), ("encryption_unavailable", "encryption_unavailable"));
    assert!(store.vault().check().await.unwrap_err().is_transient());
    self::store().vault().check().await.unwrap();
}

#[tokio::test]
async fn nothing_secret_shows() {
    let vault = LocalVault::new(&MASTER, [&[8; 32]]);
    let context =
        EncryptionContext { organization: ORGANIZATION, table: OWNER.table.into(), row: OWNER.id, version: 1 };
    let data_key = vault.generate_data_key(&context).await.unwrap();
    assert_eq!(format!("{data_key:?}"), format!("DataKey {{ key_id: {:?}, .. }}", vault.key_id()));
    assert_eq!(format!("{vault:?}"), format!("LocalVault {{ key_id: {:?}, .. }}", vault.key_id()));
    let store = store_of(vault);
    let sealed = sealed(&store).await;
    let opened = store.open(ORGANIZATION, OWNER, &sealed).await.unwrap();
    let mut altered = sealed.clone();
    altered.ciphertext[0] ^= 1;
    let error = store.open(ORGANIZATION, OWNER, &altered).await.unwrap_err();
    let shown = format!("{store:?} {sealed:?} {opened:?} {error:?} {error}");
    // Bytes would show as a list.
    assert!(!shown.contains("canary") && !shown.replace("[REDACTED]", "").contains('['), "{shown}");
}

/// What is stored must open after an upgrade: these bytes never change.
#[test]
fn the_associated_data_is_fixed() {
    let context = EncryptionContext {
        organization: OrganizationId(Uuid::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff)),
        table: "admin_keys".into(),
        row: Uuid::from_u128(0x1122_3344_5566_7788_99aa_bbcc_ddee_ff00),
        version: 258,
    };
    let expected = [
        b"finops secret 1\0".as_slice(),
        &0x0011_2233_4455_6677_8899_aabb_ccdd_eeff_u128.to_be_bytes(),
        &0x1122_3344_5566_7788_99aa_bbcc_ddee_ff00_u128.to_be_bytes(),
        &[0, 0, 1, 2],
        b"admin_keys",
    ];
    assert_eq!(context.aad("finops secret 1"), expected.concat());
}

/// Sealed outside of this code (Python's `cryptography`, from the documented format) with the master key 07…07.
#[tokio::test]
async fn the_stored_format_is_the_documented_one() {
    let bytes = |hex: &str| {
        hex.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect::<Vec<_>>()
    };
    let sealed = Sealed {
        context: EncryptionContext { organization: ORGANIZATION, table: OWNER.table.into(), row: OWNER.id, version: 1 },
        key_id: "local:4bb06f8e".to_owned(),
        wrapped_data_key: bytes(
            "01c12dfb678586796dda97ddbd581ebeb8f0df879f498824a1ff72179d76ce112096bc8a3fbc3dc0afaf2a850fb12d1c8dc389dbdd64da8965216b7d1b",
        ),
        nonce: bytes("05d82203edf7e7fd7ec535d3").try_into().unwrap(),
        ciphertext: bytes("7bc2edf6e4810e593b5ca83c76071b1231baca21e16f78395fa578eca3af79d215577208e896"),
    };
    assert_eq!(store().open(ORGANIZATION, OWNER, &sealed).await.unwrap().expose_secret(), CANARY);
}
