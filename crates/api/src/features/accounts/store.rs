//! Rows of accounts.

use chrono::{DateTime, Utc};
use finops_contract::accounts::{Locale, Role};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;

/// An account with what signing in needs.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) organization: OrganizationId,
    pub(super) id: Uuid,
    pub(super) password_hash: String,
}

/// A new account.
#[derive(Debug)]
pub(super) struct NewUser<'a> {
    pub(super) email: &'a str,
    pub(super) name: &'a str,
    pub(super) password_hash: &'a str,
    pub(super) role: Role,
    pub(super) locale: Locale,
}

/// Who is signed in, as stored.
#[derive(Debug)]
pub(super) struct UserRow {
    pub(super) id: Uuid,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) locale: Locale,
    pub(super) created_at: DateTime<Utc>,
}

/// Serializes registrations, so that there is exactly one first account. In the platform scope.
pub(super) async fn any_account_exists(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('finops.registration'))").execute(&mut *conn).await?;
    account_exists(conn).await
}

/// Whether any account exists. In the platform scope.
pub(super) async fn account_exists(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM users) AS "exists!""#).fetch_one(conn).await
}

pub(super) async fn insert_organization(
    conn: &mut PgConnection,
    organization: OrganizationId,
    name: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO organizations (organization_id, name, created_at) VALUES ($1, $2, $3)",
        organization as OrganizationId,
        name,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn insert_user(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: &NewUser<'_>,
    clock: &Clock,
) -> sqlx::Result<Uuid> {
    let id = clock.new_id();
    sqlx::query!(
        "
        INSERT INTO users (organization_id, id, email, name, password_hash, role, locale, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ",
        organization as OrganizationId,
        id,
        user.email,
        user.name,
        user.password_hash,
        user.role.name(),
        user.locale.tag(),
        clock.now()
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// The account with this address. In the platform scope.
pub(super) async fn credentials_by_email(conn: &mut PgConnection, email: &str) -> sqlx::Result<Option<Credentials>> {
    sqlx::query_as!(
        Credentials,
        r#"
        SELECT organization_id AS "organization: OrganizationId", id, password_hash
        FROM users WHERE lower(email) = $1 AND deleted_at IS NULL
        "#,
        email
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn password_hash(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: Uuid,
) -> sqlx::Result<String> {
    sqlx::query_scalar!(
        "SELECT password_hash FROM users WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL",
        organization as OrganizationId,
        user
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn set_password_hash(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: Uuid,
    hash: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE users SET password_hash = $3 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        user,
        hash
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The account. In the platform scope, because an administrator's account may live in another organization than the
/// one they act in.
pub(super) async fn user(conn: &mut PgConnection, user: Uuid) -> sqlx::Result<Option<UserRow>> {
    let row = sqlx::query!(
        "SELECT id, email, name, role, locale, created_at FROM users WHERE id = $1 AND deleted_at IS NULL",
        user
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| UserRow {
        id: row.id,
        email: row.email,
        name: row.name,
        role: Role::from_name(&row.role).unwrap_or(Role::User),
        locale: Locale::from_tag(&row.locale).unwrap_or_default(),
        created_at: row.created_at,
    }))
}

/// The organization that an account lives in, which is not always the one it acts in. In the platform scope.
///
/// # Errors
/// The database's.
pub async fn home(conn: &mut PgConnection, user: Uuid) -> sqlx::Result<OrganizationId> {
    sqlx::query_scalar!(
        r#"SELECT organization_id AS "organization: OrganizationId" FROM users WHERE id = $1 AND deleted_at IS NULL"#,
        user
    )
    .fetch_one(conn)
    .await
}

/// Whether somebody of the organization has this address.
pub(super) async fn is_member(
    conn: &mut PgConnection,
    organization: OrganizationId,
    email: &str,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM users
            WHERE organization_id = $1 AND lower(email) = $2 AND deleted_at IS NULL) AS "exists!"
        "#,
        organization as OrganizationId,
        email
    )
    .fetch_one(conn)
    .await
}

/// Changes an account's own settings. In the platform scope; answers the organization it lives in.
pub(super) async fn update_user(
    conn: &mut PgConnection,
    user: Uuid,
    name: Option<&str>,
    locale: Option<Locale>,
) -> sqlx::Result<OrganizationId> {
    sqlx::query_scalar!(
        r#"
        UPDATE users SET name = coalesce($2, name), locale = coalesce($3, locale) WHERE id = $1
        RETURNING organization_id AS "organization: OrganizationId"
        "#,
        user,
        name,
        locale.map(Locale::tag)
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn touch_login(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE users SET last_login_at = $3 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        user,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}
