//! Which account a provider's name for one stands for.
//!
//! An account is stored under the first name that it had. A Project ID belongs to one account for good: a name that has
//! no bill of its own, but comes with Project IDs (or, where there are none, with the very lines) of one stored account,
//! is that account's name too. Whatever else does not fit is refused: a bill must not be stored twice.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use finops_contract::admin_keys::Provider;
use rust_decimal::Decimal;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::Line;
use super::store::starts;
use crate::features::{audit, teams};
use crate::platform::db::OrganizationId;
use crate::platform::http::Ctx;

/// A provider's name for an account, as one of the organization's keys shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'a> {
    /// Whose keys.
    pub(super) organization: OrganizationId,
    /// The provider.
    pub(super) provider: &'a str,
    /// The name.
    pub(super) name: &'a str,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recognition {
    /// The account that is stored under this name.
    Account(String),
    /// The same, found out just now: the name is not the one it is stored under.
    Adopted(String),
    /// It holds what is stored under another name, and has a bill of its own as well; or it holds what several accounts do.
    Ambiguous,
}

impl Named<'_> {
    /// The account that a name stands for as far as is known.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn account(&self, conn: &mut PgConnection) -> sqlx::Result<String> {
        let alias = sqlx::query_scalar!(
            "SELECT provider_account FROM account_aliases WHERE organization_id = $1 AND provider = $2 AND name = $3",
            self.organization as OrganizationId,
            self.provider,
            self.name
        )
        .fetch_optional(conn)
        .await?;
        Ok(alias.unwrap_or_else(|| self.name.to_owned()))
    }

    /// Finds out what a name stands for from the Project IDs that come with it, and remembers them.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn recognize(
        &self,
        conn: &mut PgConnection,
        projects: &BTreeSet<&str>,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Recognition> {
        let account = self.account(conn).await?;
        let owners = self.owners(conn, projects).await?;
        if owners.len() == projects.len() && owners.iter().all(|owner| *owner == account) {
            return Ok(Recognition::Account(account));
        }
        // Two names of one account may come for the first time at once: one of them is first.
        let lock = format!("accounts:{}:{}", self.organization, self.provider);
        sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", lock).fetch_one(&mut *conn).await?;
        let account = self.account(conn).await?;
        let owners: BTreeSet<String> = self.owners(conn, projects).await?.into_iter().collect();
        let mut others = owners.into_iter().filter(|owner| *owner != account);
        let found = match (others.next(), others.next()) {
            (None, _) => Recognition::Account(account),
            (Some(other), None) if account == self.name && !self.is_known(conn).await? => {
                self.adopt(conn, &other, now).await?;
                Recognition::Adopted(other)
            }
            _ => return Ok(Recognition::Ambiguous),
        };
        if let Recognition::Account(account) | Recognition::Adopted(account) = &found {
            self.claim(conn, account, projects, now).await?;
        }
        Ok(found)
    }

    /// The same for a page of the bill. A page without Project IDs is told by its lines while its name is a new one.
    pub(super) async fn recognize_page(
        &self,
        conn: &mut PgConnection,
        lines: &[Line],
        now: DateTime<Utc>,
    ) -> sqlx::Result<Recognition> {
        let projects = lines.iter().filter_map(|line| line.key.provider_project_id.as_deref()).collect();
        let found = self.recognize(conn, &projects, now).await?;
        let lines: Vec<&Line> = lines.iter().filter(|line| !line.amount.is_zero()).collect();
        let nameless = projects.is_empty() && !lines.is_empty();
        if !nameless || found != Recognition::Account(self.name.to_owned()) || self.is_known(conn).await? {
            return Ok(found);
        }
        let twins = self.twins(conn, &lines).await?;
        match twins.as_slice() {
            [] => Ok(found),
            [(account, same)] if usize::try_from(*same) == Ok(lines.len()) => {
                self.adopt(conn, account, now).await?;
                Ok(Recognition::Adopted(account.clone()))
            }
            _ => Ok(Recognition::Ambiguous),
        }
    }

    /// The accounts that have these Project IDs, one for each that has any.
    async fn owners(&self, conn: &mut PgConnection, projects: &BTreeSet<&str>) -> sqlx::Result<Vec<String>> {
        if projects.is_empty() {
            return Ok(Vec::new());
        }
        let projects: Vec<&str> = projects.iter().copied().collect();
        sqlx::query_scalar!(
            "
            SELECT provider_account FROM account_projects
            WHERE organization_id = $1 AND provider = $2 AND provider_project_id = ANY ($3)
            ",
            self.organization as OrganizationId,
            self.provider,
            &projects as &[&str]
        )
        .fetch_all(conn)
        .await
    }

    /// Whether anything is stored under the name itself.
    async fn is_known(&self, conn: &mut PgConnection) -> sqlx::Result<bool> {
        sqlx::query_scalar!(
            r#"
            SELECT EXISTS (SELECT FROM billed_daily WHERE organization_id = $1 AND provider = $2 AND provider_account = $3
                    AND api_version = 'costs_v1')
                OR EXISTS (SELECT FROM account_projects WHERE organization_id = $1 AND provider = $2
                    AND provider_account = $3) AS "known!"
            "#,
            self.organization as OrganizationId,
            self.provider,
            self.name
        )
        .fetch_one(conn)
        .await
    }

    async fn adopt(&self, conn: &mut PgConnection, account: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
        sqlx::query!(
            "
            INSERT INTO account_aliases (organization_id, provider, name, provider_account, noted_at)
            VALUES ($1, $2, $3, $4, $5)
            ",
            self.organization as OrganizationId,
            self.provider,
            self.name,
            account,
            now
        )
        .execute(conn)
        .await
        .map(drop)
    }

    async fn claim(
        &self,
        conn: &mut PgConnection,
        account: &str,
        projects: &BTreeSet<&str>,
        now: DateTime<Utc>,
    ) -> sqlx::Result<()> {
        let projects: Vec<&str> = projects.iter().copied().collect();
        sqlx::query!(
            "
            INSERT INTO account_projects (organization_id, provider, provider_project_id, provider_account, seen_at)
            SELECT $1, $2, id, $3, $4 FROM unnest($5::text[]) AS id ON CONFLICT DO NOTHING
            ",
            self.organization as OrganizationId,
            self.provider,
            account,
            now,
            &projects as &[&str]
        )
        .execute(conn)
        .await
        .map(drop)
    }

    /// Accounts that some of these lines are stored under, to the last decimal, and how many.
    async fn twins(&self, conn: &mut PgConnection, lines: &[&Line]) -> sqlx::Result<Vec<(String, i64)>> {
        let days: Vec<_> = lines.iter().map(|line| line.key.day).collect();
        let items: Vec<_> = lines.iter().map(|line| line.key.line_item.as_deref()).collect();
        let keys: Vec<_> = lines.iter().map(|line| line.key.provider_api_key_id.as_deref()).collect();
        let currencies: Vec<_> = lines.iter().map(|line| line.key.currency.as_str()).collect();
        let amounts: Vec<Decimal> = lines.iter().map(|line| line.amount).collect();
        let rows = sqlx::query!(
            r#"
            SELECT b.provider_account AS account, count(*) AS "same!"
            FROM unnest($4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::numeric[])
                    AS l (bucket_start, line_item, api_key, currency, amount)
                JOIN billed_costs b ON b.organization_id = $1 AND b.bucket_start = l.bucket_start AND b.provider = $2
                    AND b.provider_account <> $3 AND b.api_version = 'costs_v1' AND b.provider_project_id IS NULL
                    AND b.line_item IS NOT DISTINCT FROM l.line_item
                    AND b.provider_api_key_id IS NOT DISTINCT FROM l.api_key
                    AND b.currency = l.currency AND b.amount = l.amount
            GROUP BY b.provider_account
            "#,
            self.organization as OrganizationId,
            self.provider,
            self.name,
            &starts(&days),
            &items as &[Option<&str>],
            &keys as &[Option<&str>],
            &currencies as &[&str],
            &amounts
        )
        .fetch_all(conn)
        .await?;
        Ok(rows.into_iter().map(|row| (row.account, row.same)).collect())
    }

    /// Writes down that a name was found to be another one of a stored account.
    pub(super) async fn record(
        &self,
        conn: &mut PgConnection,
        ctx: &Ctx,
        team: Uuid,
        account: &str,
    ) -> sqlx::Result<()> {
        let team_name = teams::find(conn, self.organization, team).await?.map(|team| team.name).unwrap_or_default();
        let change = audit::Change::new("collection.adopt_account", team, team_name)
            .after(json!({"account": account, "name": self.name}));
        audit::record(conn, ctx, change).await
    }
}

/// The account that is stored under a name that the provider has for it, or under another.
///
/// # Errors
/// The database's.
pub async fn account_of(
    conn: &mut PgConnection,
    organization: OrganizationId,
    provider: Provider,
    name: &str,
) -> sqlx::Result<String> {
    Named { organization, provider: provider.name(), name }.account(conn).await
}

/// Remembers what a team's key shows of its account. What does not fit together is left to the collector to refuse.
///
/// # Errors
/// The database's.
pub async fn note_account(
    conn: &mut PgConnection,
    ctx: &Ctx,
    team: Uuid,
    provider: Provider,
    name: &str,
    projects: &[String],
) -> sqlx::Result<()> {
    let named = Named { organization: ctx.organization, provider: provider.name(), name };
    let projects = projects.iter().map(String::as_str).collect();
    match named.recognize(conn, &projects, ctx.now()).await? {
        Recognition::Adopted(account) => named.record(conn, ctx, team, &account).await,
        Recognition::Account(_) | Recognition::Ambiguous => Ok(()),
    }
}
