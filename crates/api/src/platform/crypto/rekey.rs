//! Re-encrypts every secret that is not under the current key, while the service runs.

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::secrets::{Sealed, SecretError, SecretRow, SecretStore};
use crate::platform::db::{Db, OrganizationId};

/// Rows read at once.
const BATCH: i64 = 100;

/// What a run did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RekeyReport {
    /// Organizations done.
    pub organizations: u64,
    /// Secrets looked at.
    pub checked: u64,
    /// Secrets moved under the current key.
    pub rekeyed: u64,
    /// Secrets that were replaced or deleted meanwhile, and left alone.
    pub changed_meanwhile: u64,
    /// Secrets that could not be opened: their key is gone or they were altered. Each one is logged.
    pub failed: u64,
}

/// Moves every secret of every organization under the vault's current key: opens it and seals it again with a new data
/// key, and writes it only if nothing changed it meanwhile. Can be stopped and run again at any time; a second run finds
/// nothing to do. `record` writes down, in the transaction of the first secret of an organization that is moved, that its
/// secrets are moved under a key of this id. `progress` is called after every batch and every organization. Give every replica the new key first:
/// one that still seals under the old key adds work for the next run.
///
/// # Errors
/// When the key service or the database does not answer; what was done until then stays done, and was reported to
/// `progress`. A secret that cannot be opened is counted, not an error.
pub async fn run(
    db: &Db,
    store: &SecretStore,
    record: impl AsyncFn(&mut PgConnection, OrganizationId, &str) -> sqlx::Result<()>,
    mut progress: impl FnMut(&RekeyReport) + Send,
) -> Result<RekeyReport, SecretError> {
    let current = store.vault().current_key_id().await.map_err(SecretError::Seal)?;
    let mut report = RekeyReport::default();
    let mut after = Uuid::nil();
    loop {
        let mut tx = db.background().platform().await?;
        let organizations = organizations(&mut tx, after).await?;
        tx.commit().await?;
        let Some(last) = organizations.last() else { return Ok(report) };
        after = last.0;
        for organization in organizations {
            let run = Run { db, store, current: &current, record: &record };
            run.organization(organization, &mut report, &mut progress).await?;
            report.organizations += 1;
            progress(&report);
        }
    }
}

struct Run<'a, R> {
    db: &'a Db,
    store: &'a SecretStore,
    current: &'a str,
    record: &'a R,
}

impl<R: AsyncFn(&mut PgConnection, OrganizationId, &str) -> sqlx::Result<()>> Run<'_, R> {
    async fn organization(
        &self,
        organization: OrganizationId,
        report: &mut RekeyReport,
        progress: &mut (impl FnMut(&RekeyReport) + Send),
    ) -> Result<(), SecretError> {
        let before = report.rekeyed;
        let mut after = (String::new(), Uuid::nil());
        loop {
            let mut tx = self.db.background().tenant(organization).await?;
            let secrets = batch(&mut tx, organization, &after).await?;
            tx.commit().await?;
            let Some(last) = secrets.last() else { return Ok(()) };
            after = (last.context.table.clone().into_owned(), last.context.row);
            for sealed in secrets {
                report.checked += 1;
                if sealed.key_id() != self.current {
                    let first = report.rekeyed == before;
                    self.secret(&sealed, first, report).await?;
                }
            }
            progress(report);
        }
    }

    async fn secret(&self, old: &Sealed, first: bool, report: &mut RekeyReport) -> Result<(), SecretError> {
        let plaintext = match self.store.open_in(&old.context, old).await {
            Ok(plaintext) => plaintext,
            Err(SecretError::Open(reason)) if !reason.is_transient() => {
                let place = &old.context;
                tracing::warn!(
                    organization = %place.organization, table = %place.table, row = %place.row, version = place.version,
                    key_id = old.key_id(), %reason, "a secret cannot be re-encrypted"
                );
                report.failed += 1;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let new = self.store.seal_in(old.context.clone(), &plaintext).await?;
        let mut tx = self.db.background().tenant(old.context.organization).await?;
        let replaced = replace(&mut tx, old, &new, self.store).await?;
        if replaced && first {
            (self.record)(&mut tx, old.context.organization, self.current).await?;
        }
        tx.commit().await?;
        if replaced {
            report.rekeyed += 1;
        } else {
            report.changed_meanwhile += 1;
        }
        Ok(())
    }
}

async fn organizations(connection: &mut PgConnection, after: Uuid) -> sqlx::Result<Vec<OrganizationId>> {
    sqlx::query_scalar!(
        r#"SELECT organization_id AS "id: OrganizationId"
           FROM organizations
           WHERE organization_id > $1
           ORDER BY organization_id
           LIMIT $2"#,
        after,
        BATCH,
    )
    .fetch_all(connection)
    .await
}

async fn batch(
    connection: &mut PgConnection,
    organization: OrganizationId,
    after: &(String, Uuid),
) -> sqlx::Result<Vec<Sealed>> {
    let rows = sqlx::query_as!(
        SecretRow,
        "SELECT owner_table, owner_id, version, key_id, wrapped_data_key, nonce, ciphertext
         FROM secrets
         WHERE organization_id = $1 AND (owner_table, owner_id) > ($2, $3)
         ORDER BY owner_table, owner_id
         LIMIT $4",
        organization.0,
        after.0,
        after.1,
        BATCH,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|row| row.into_sealed(organization)).collect()
}

/// Writes the new ciphertext where the old one still is; whether it was.
async fn replace(connection: &mut PgConnection, old: &Sealed, new: &Sealed, store: &SecretStore) -> sqlx::Result<bool> {
    let replaced = sqlx::query!(
        "UPDATE secrets
         SET key_id = $1, wrapped_data_key = $2, nonce = $3, ciphertext = $4, updated_at = $5
         WHERE organization_id = $6 AND owner_table = $7 AND owner_id = $8 AND version = $9
           AND ciphertext = $10 AND wrapped_data_key = $11",
        new.key_id,
        new.wrapped_data_key,
        new.nonce.as_slice(),
        new.ciphertext,
        store.now(),
        old.context.organization.0,
        &*old.context.table,
        old.context.row,
        old.context.version,
        old.ciphertext,
        old.wrapped_data_key,
    )
    .execute(connection)
    .await?;
    Ok(replaced.rows_affected() == 1)
}
