//! Encryption against a real KMS API (moto) and a real database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kms::config::{Credentials, SharedCredentialsProvider};
use chrono::DateTime;
use finops_api::platform::clock::Clock;
use finops_api::platform::crypto::rekey::{self, RekeyReport};
use finops_api::platform::crypto::{
    self, DataKey, EncryptionContext, KeyVault, KmsVault, LocalVault, SecretError, SecretOwner, SecretStore, VaultError,
};
use finops_api::platform::db::{Db, OrganizationId};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

const OLD: [u8; 32] = [1; 32];
const NEW: [u8; 32] = [2; 32];

fn clock() -> Clock {
    Clock::fixed(DateTime::from_timestamp(1_800_000_000, 0).unwrap())
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

// KMS

#[expect(clippy::disallowed_methods, reason = "the harness is told where its servers are")]
fn kms_endpoint() -> String {
    std::env::var("KMS_TEST_ENDPOINT")
        .expect("KMS_TEST_ENDPOINT is not set: run `cargo xtask test`, or start moto_server and set it to its address")
}

/// Dummy credentials; everything else as the service has it.
fn sdk_config() -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")))
        .build()
}

/// A client to prepare keys with.
fn kms() -> aws_sdk_kms::Client {
    let config = aws_sdk_kms::config::Builder::from(&sdk_config()).endpoint_url(kms_endpoint()).build();
    aws_sdk_kms::Client::from_conf(config)
}

async fn new_key(client: &aws_sdk_kms::Client) -> String {
    client.create_key().send().await.unwrap().key_metadata.unwrap().arn.unwrap()
}

fn kms_vault(key_id: &str) -> KmsVault {
    KmsVault::with_sdk_config(&sdk_config(), key_id, Some(&kms_endpoint()))
}

/// For who runs it without an audit log.
async fn unrecorded(_: &mut PgConnection, _: OrganizationId, _: &str) -> sqlx::Result<()> {
    Ok(())
}

fn context(version: i32) -> EncryptionContext {
    EncryptionContext {
        organization: OrganizationId(Uuid::from_u128(1)),
        table: "admin_keys".into(),
        row: Uuid::from_u128(2),
        version,
    }
}

#[tokio::test]
async fn kms_wraps_data_keys_for_one_context() {
    let arn = new_key(&kms()).await;
    let vault = kms_vault(&arn);
    vault.check().await.unwrap();
    assert_eq!(vault.current_key_id().await.unwrap(), arn);

    let key = vault.generate_data_key(&context(1)).await.unwrap();
    assert_eq!(key.key_id, arn);
    assert_ne!(*key.plaintext, [0; 32]);
    let unwrapped = vault.unwrap_data_key(&key.key_id, &key.wrapped, &context(1)).await.unwrap();
    assert_eq!(*unwrapped, *key.plaintext);

    let elsewhere = [
        context(2),
        EncryptionContext { organization: OrganizationId(Uuid::from_u128(9)), ..context(1) },
        EncryptionContext { row: Uuid::from_u128(9), ..context(1) },
        EncryptionContext { table: "Admin_keys".into(), ..context(1) },
    ];
    for place in elsewhere {
        let error = vault.unwrap_data_key(&key.key_id, &key.wrapped, &place).await.unwrap_err();
        assert_eq!(error, VaultError::Rejected, "{place:?}");
    }
    let mut altered = key.wrapped.clone();
    *altered.last_mut().unwrap() ^= 1;
    let error = vault.unwrap_data_key(&key.key_id, &altered, &context(1)).await.unwrap_err();
    assert_eq!(error, VaultError::Rejected);
}

#[tokio::test]
async fn kms_seals_secrets() {
    let client = kms();
    let arn = new_key(&client).await;
    let store = SecretStore::new(Arc::new(kms_vault(&arn)), clock());
    let (organization, owner) =
        (OrganizationId(Uuid::from_u128(1)), SecretOwner { table: "admin_keys", id: Uuid::from_u128(2) });
    let sealed = store.seal(organization, owner, 1, &secret("sk-admin-1")).await.unwrap();
    assert_eq!(sealed.key_id(), arn);
    assert_eq!(store.open(organization, owner, &sealed).await.unwrap().expose_secret(), "sk-admin-1");
    let other = SecretOwner { id: Uuid::from_u128(3), ..owner };
    assert_eq!(store.open(organization, other, &sealed).await.unwrap_err().code(), "decryption_failed");
}

#[tokio::test]
async fn a_kms_key_that_does_not_exist_is_named() {
    let missing = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000";
    let vault = kms_vault(missing);
    let error = vault.check().await.unwrap_err();
    assert_eq!(error, VaultError::KeyNotFound);
    assert_eq!(error.to_string(), "KMS key not found");
    // Not to be seen from outside as a broken secret, when one is to be stored.
    let store = SecretStore::new(Arc::new(vault), clock());
    let owner = SecretOwner { table: "admin_keys", id: Uuid::from_u128(2) };
    let error = store.seal(OrganizationId(Uuid::from_u128(1)), owner, 1, &secret("x")).await.unwrap_err();
    assert_eq!(error.code(), "encryption_unavailable");
}

#[tokio::test]
async fn an_alias_is_kept_as_the_key_behind_it() {
    let client = kms();
    let (one, two) = (new_key(&client).await, new_key(&client).await);
    let alias = format!("alias/finops-{}", Clock::system().new_id());
    client.create_alias().alias_name(&alias).target_key_id(&one).send().await.unwrap();
    let vault = kms_vault(&alias);
    assert_eq!(vault.key_id(), alias);
    let key = vault.generate_data_key(&context(1)).await.unwrap();
    assert_eq!(key.key_id, one);

    // Pointed elsewhere: what was wrapped opens, and the current key is another.
    client.update_alias().alias_name(&alias).target_key_id(&two).send().await.unwrap();
    let unwrapped = vault.unwrap_data_key(&key.key_id, &key.wrapped, &context(1)).await.unwrap();
    assert_eq!(*unwrapped, *key.plaintext);
    assert_eq!(vault.current_key_id().await.unwrap(), two);
}

#[tokio::test]
async fn a_key_service_that_hangs_is_given_up_after_five_seconds() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let vault = KmsVault::with_sdk_config(&sdk_config(), "alias/finops", Some(&endpoint));
    let started = Instant::now();
    let error = vault.generate_data_key(&context(1)).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(6), "took {:?}", started.elapsed());
}

// The table, and re-encryption

/// A database of its own, dropped at the end of [`with_database`].
struct Database {
    db: Db,
    clock: Clock,
}

async fn with_database(test: impl AsyncFnOnce(&Database)) {
    let scratch = crate::support::Database::new().await;
    test(&Database { db: scratch.db(), clock: clock() }).await;
}

impl Database {
    fn store(&self, vault: impl KeyVault + 'static) -> SecretStore {
        SecretStore::new(Arc::new(vault), self.clock.clone())
    }

    async fn organization(&self) -> OrganizationId {
        let id = OrganizationId(self.clock.new_id());
        let mut tx = self.db.platform().await.unwrap();
        sqlx::query!(
            "INSERT INTO organizations (organization_id, name, created_at) VALUES ($1, 'Acme', $2)",
            id.0,
            self.clock.now(),
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        id
    }

    fn owner(&self) -> SecretOwner {
        SecretOwner { table: "admin_keys", id: self.clock.new_id() }
    }

    async fn put(
        &self,
        store: &SecretStore,
        organization: OrganizationId,
        owner: SecretOwner,
        version: i32,
        text: &str,
    ) -> Result<(), SecretError> {
        let sealed = store.seal(organization, owner, version, &secret(text)).await?;
        let mut tx = self.db.tenant(organization).await?;
        sealed.store(&mut tx, self.clock.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn get(&self, store: &SecretStore, organization: OrganizationId, owner: SecretOwner) -> (i32, String) {
        let mut tx = self.db.tenant(organization).await.unwrap();
        let sealed = crypto::load(&mut tx, organization, owner).await.unwrap().expect("no such secret");
        tx.commit().await.unwrap();
        let opened = store.open(organization, owner, &sealed).await.unwrap();
        (sealed.version(), opened.expose_secret().to_owned())
    }
}

#[tokio::test]
async fn secrets_are_stored_replaced_and_deleted() {
    with_database(async |database| {
        let store = database.store(LocalVault::new(&NEW, []));
        let (mine, other) = (database.organization().await, database.organization().await);
        let owner = database.owner();
        database.put(&store, mine, owner, 1, "first").await.unwrap();
        database.put(&store, mine, owner, 2, "second").await.unwrap();
        assert_eq!(database.get(&store, mine, owner).await, (2, "second".to_owned()));
        for late in [1, 2] {
            let error = database.put(&store, mine, owner, late, "late").await.unwrap_err();
            assert_eq!(error.code(), "conflict");
        }
        assert_eq!(database.get(&store, mine, owner).await, (2, "second".to_owned()));

        // Row-level security: not even by asking for the right organization.
        let mut tx = database.db.tenant(other).await.unwrap();
        assert_eq!(crypto::load(&mut tx, mine, owner).await.unwrap(), None);
        assert!(!crypto::delete(&mut tx, mine, owner).await.unwrap());
        drop(tx);

        let mut tx = database.db.tenant(mine).await.unwrap();
        assert!(crypto::delete(&mut tx, mine, owner).await.unwrap());
        assert!(!crypto::delete(&mut tx, mine, owner).await.unwrap());
        assert_eq!(crypto::load(&mut tx, mine, owner).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn ciphertexts_swapped_between_rows_are_rejected() {
    with_database(async |database| {
        let store = database.store(LocalVault::new(&NEW, []));
        let organization = database.organization().await;
        let owners = [database.owner(), database.owner()];
        for owner in owners {
            database.put(&store, organization, owner, 1, "secret").await.unwrap();
        }
        let mut tx = database.db.tenant(organization).await.unwrap();
        sqlx::query!(
            "UPDATE secrets a
             SET key_id = b.key_id, wrapped_data_key = b.wrapped_data_key, nonce = b.nonce, ciphertext = b.ciphertext
             FROM secrets b
             WHERE b.organization_id = a.organization_id AND b.owner_table = a.owner_table AND b.owner_id <> a.owner_id",
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        for owner in owners {
            let sealed = crypto::load(&mut tx, organization, owner).await.unwrap().unwrap();
            let error = store.open(organization, owner, &sealed).await.unwrap_err();
            assert!(matches!(error, SecretError::Open(VaultError::Rejected)), "{error:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn rekey_moves_everything_under_the_current_key() {
    with_database(async |database| {
        let old = database.store(LocalVault::new(&OLD, []));
        let mut secrets = Vec::new();
        // More than one batch in the first organization, none in the second.
        for count in [150, 0, 3] {
            let organization = database.organization().await;
            for number in 0..count {
                let owner = database.owner();
                database.put(&old, organization, owner, 1 + number % 3, &format!("secret {number}")).await.unwrap();
                secrets.push((organization, owner, 1 + number % 3, format!("secret {number}")));
            }
        }
        let broken = secrets[7].1.id;
        let mut tx = database.db.tenant(secrets[7].0).await.unwrap();
        sqlx::query!("UPDATE secrets SET ciphertext = '\\x00' WHERE owner_id = $1", broken)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();

        let both = database.store(LocalVault::new(&NEW, [&OLD]));
        let mut steps = Vec::new();
        let report = rekey::run(&database.db, &both, unrecorded, |report| steps.push(*report)).await.unwrap();
        assert_eq!(
            report,
            RekeyReport { organizations: 3, checked: 153, rekeyed: 152, changed_meanwhile: 0, failed: 1 }
        );
        assert_eq!(steps.first().unwrap().checked, 100);
        assert_eq!(steps.last(), Some(&report));
        let again = rekey::run(&database.db, &both, unrecorded, |_| ()).await.unwrap();
        assert_eq!(again, RekeyReport { rekeyed: 0, ..report });

        // The former key is not needed any more; versions are the owners'.
        let new = database.store(LocalVault::new(&NEW, []));
        for (organization, owner, version, text) in secrets.into_iter().filter(|secret| secret.1.id != broken) {
            assert_eq!(database.get(&new, organization, owner).await, (version, text));
        }
    })
    .await;
}

/// Replaces a secret in the moment in which rekey has read it and not yet written it; afterwards an ordinary vault.
struct Racing {
    vault: LocalVault,
    db: Db,
    clock: Clock,
    owner: SecretOwner,
    done: AtomicBool,
}

#[async_trait]
impl KeyVault for Racing {
    fn key_id(&self) -> &str {
        self.vault.key_id()
    }

    async fn generate_data_key(&self, context: &EncryptionContext) -> Result<DataKey, VaultError> {
        if context.row == self.owner.id && !self.done.swap(true, Ordering::Relaxed) {
            // Still under the old key: a replica that was not restarted yet.
            let store = SecretStore::new(Arc::new(LocalVault::new(&OLD, [])), self.clock.clone());
            let sealed = store.seal(context.organization, self.owner, 2, &secret("rotated")).await.unwrap();
            let mut tx = self.db.tenant(context.organization).await.unwrap();
            sealed.store(&mut tx, self.clock.now()).await.unwrap();
            tx.commit().await.unwrap();
        }
        self.vault.generate_data_key(context).await
    }

    async fn unwrap_data_key(
        &self,
        key_id: &str,
        wrapped: &[u8],
        context: &EncryptionContext,
    ) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        self.vault.unwrap_data_key(key_id, wrapped, context).await
    }
}

#[tokio::test]
async fn rekey_never_undoes_what_the_service_does_meanwhile() {
    with_database(async |database| {
        let old = database.store(LocalVault::new(&OLD, []));
        let organization = database.organization().await;
        let (racing, other) = (database.owner(), database.owner());
        for owner in [racing, other] {
            database.put(&old, organization, owner, 1, "original").await.unwrap();
        }
        let store = database.store(Racing {
            vault: LocalVault::new(&NEW, [&OLD]),
            db: database.db.clone(),
            clock: database.clock.clone(),
            owner: racing,
            done: AtomicBool::new(false),
        });
        let report = rekey::run(&database.db, &store, unrecorded, |_| ()).await.unwrap();
        assert_eq!(report, RekeyReport { organizations: 1, checked: 2, rekeyed: 1, changed_meanwhile: 1, failed: 0 });
        assert_eq!(database.get(&store, organization, racing).await, (2, "rotated".to_owned()));

        let report = rekey::run(&database.db, &store, unrecorded, |_| ()).await.unwrap();
        assert_eq!((report.rekeyed, report.changed_meanwhile), (1, 0));
        let new = database.store(LocalVault::new(&NEW, []));
        assert_eq!(database.get(&new, organization, racing).await, (2, "rotated".to_owned()));
        assert_eq!(database.get(&new, organization, other).await, (1, "original".to_owned()));
    })
    .await;
}

/// Loses the key service after some data keys.
struct Failing(LocalVault, AtomicI32);

#[async_trait]
impl KeyVault for Failing {
    fn key_id(&self) -> &str {
        self.0.key_id()
    }

    async fn generate_data_key(&self, context: &EncryptionContext) -> Result<DataKey, VaultError> {
        if self.1.fetch_sub(1, Ordering::Relaxed) <= 0 {
            return Err(VaultError::Unavailable("ThrottlingException".to_owned()));
        }
        self.0.generate_data_key(context).await
    }

    async fn unwrap_data_key(
        &self,
        key_id: &str,
        wrapped: &[u8],
        context: &EncryptionContext,
    ) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        self.0.unwrap_data_key(key_id, wrapped, context).await
    }
}

#[tokio::test]
async fn rekey_goes_on_where_it_was_stopped() {
    with_database(async |database| {
        let old = database.store(LocalVault::new(&OLD, []));
        let organization = database.organization().await;
        for number in 0..10 {
            database.put(&old, organization, database.owner(), 1, &format!("secret {number}")).await.unwrap();
        }
        let failing = database.store(Failing(LocalVault::new(&NEW, [&OLD]), 4.into()));
        let error = rekey::run(&database.db, &failing, unrecorded, |_| ()).await.unwrap_err();
        assert_eq!(error.code(), "encryption_unavailable");
        let report =
            rekey::run(&database.db, &database.store(LocalVault::new(&NEW, [&OLD])), unrecorded, |_| ()).await.unwrap();
        assert_eq!((report.checked, report.rekeyed, report.failed), (10, 6, 0));
    })
    .await;
}

#[tokio::test]
async fn rekey_moves_from_one_kms_key_to_another() {
    let client = kms();
    let (one, two) = (new_key(&client).await, new_key(&client).await);
    with_database(async |database| {
        let old = database.store(kms_vault(&one));
        let organization = database.organization().await;
        let owner = database.owner();
        database.put(&old, organization, owner, 1, "sk-admin-1").await.unwrap();
        let new = database.store(kms_vault(&two));
        assert_eq!(database.get(&new, organization, owner).await, (1, "sk-admin-1".to_owned()));
        assert_eq!(rekey::run(&database.db, &new, unrecorded, |_| ()).await.unwrap().rekeyed, 1);
        assert_eq!(rekey::run(&database.db, &new, unrecorded, |_| ()).await.unwrap().rekeyed, 0);
        assert_eq!(database.get(&new, organization, owner).await, (1, "sk-admin-1".to_owned()));
    })
    .await;
}
