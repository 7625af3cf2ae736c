//! Rows of accounts, sessions and invitations.

use chrono::{DateTime, Utc};
use finops_contract::accounts::{Invitation, Locale, Role};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::platform::auth::OpaqueToken;
use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;

use super::domain::{INVITATION_LIFETIME, SESSION_LIFETIME};

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

/// Adds a refresh token to a family; a new family is a new session.
pub(super) async fn insert_refresh_token(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: Uuid,
    family: Uuid,
    token: &OpaqueToken,
    clock: &Clock,
) -> sqlx::Result<()> {
    let now = clock.now();
    sqlx::query!(
        "
        INSERT INTO refresh_tokens (organization_id, id, user_id, family_id, token_hash, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ",
        organization as OrganizationId,
        clock.new_id(),
        user,
        family,
        token.hash(),
        now,
        now + SESSION_LIFETIME
    )
    .execute(conn)
    .await
    .map(drop)
}

/// A stored refresh token, locked so that of many uses at once one rotates it.
#[derive(Debug)]
pub(super) struct RefreshRow {
    pub(super) organization: OrganizationId,
    pub(super) id: Uuid,
    pub(super) user_id: Uuid,
    pub(super) family_id: Uuid,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) used_at: Option<DateTime<Utc>>,
    pub(super) revoked_at: Option<DateTime<Utc>>,
    pub(super) user_deleted: bool,
}

pub(super) async fn lock_refresh_token(
    conn: &mut PgConnection,
    token: &OpaqueToken,
) -> sqlx::Result<Option<RefreshRow>> {
    sqlx::query_as!(
        RefreshRow,
        r#"
        SELECT r.organization_id AS "organization: OrganizationId", r.id, r.user_id, r.family_id, r.expires_at, r.used_at,
            r.revoked_at, u.deleted_at IS NOT NULL AS "user_deleted!"
        FROM refresh_tokens r JOIN users u ON u.organization_id = r.organization_id AND u.id = r.user_id
        WHERE r.token_hash = $1
        FOR UPDATE OF r
        "#,
        token.hash()
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn mark_refresh_used(
    conn: &mut PgConnection,
    row: &RefreshRow,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE refresh_tokens SET used_at = $3 WHERE organization_id = $1 AND id = $2",
        row.organization as OrganizationId,
        row.id,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn end_session(
    conn: &mut PgConnection,
    organization: OrganizationId,
    family: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE refresh_tokens SET revoked_at = $3 WHERE organization_id = $1 AND family_id = $2 AND revoked_at IS NULL",
        organization as OrganizationId,
        family,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Ends every session of an account but one.
pub async fn end_sessions(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: Uuid,
    but: Option<Uuid>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE refresh_tokens SET revoked_at = $4
        WHERE organization_id = $1 AND user_id = $2 AND family_id IS DISTINCT FROM $3 AND revoked_at IS NULL
        ",
        organization as OrganizationId,
        user,
        but,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Forgets sessions that ended long ago. In the platform scope.
pub async fn prune_sessions(conn: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let deleted = sqlx::query!("DELETE FROM refresh_tokens WHERE expires_at < $1", before).execute(conn).await?;
    Ok(deleted.rows_affected())
}

struct InvitationRow {
    id: Uuid,
    email: String,
    role: String,
    team_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl From<InvitationRow> for Invitation {
    fn from(row: InvitationRow) -> Self {
        Self {
            id: row.id,
            email: row.email,
            role: Role::from_name(&row.role).unwrap_or(Role::User),
            team_id: row.team_id,
            expires_at: row.expires_at,
            created_at: row.created_at,
        }
    }
}

/// Makes an invitation; an older open one to the same address is void from now on.
pub(super) async fn insert_invitation(
    conn: &mut PgConnection,
    organization: OrganizationId,
    invitation: &finops_contract::accounts::CreateInvitationRequest,
    token: &OpaqueToken,
    invited_by: Uuid,
    clock: &Clock,
) -> sqlx::Result<Invitation> {
    let now = clock.now();
    let email = super::domain::normalize_email(&invitation.email);
    sqlx::query!(
        "
        UPDATE invitations SET revoked_at = $3
        WHERE organization_id = $1 AND lower(email) = $2 AND accepted_at IS NULL AND revoked_at IS NULL
        ",
        organization as OrganizationId,
        email,
        now
    )
    .execute(&mut *conn)
    .await?;
    let row = sqlx::query_as!(
        InvitationRow,
        "
        INSERT INTO invitations (organization_id, id, email, role, team_id, token_hash, invited_by, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        RETURNING id, email, role, team_id, created_at, expires_at
        ",
        organization as OrganizationId,
        clock.new_id(),
        email,
        invitation.role.name(),
        invitation.team_id,
        token.hash(),
        invited_by,
        now,
        now + INVITATION_LIFETIME
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}

pub(super) async fn list_invitations(
    conn: &mut PgConnection,
    organization: OrganizationId,
    after: Option<Uuid>,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Invitation>> {
    let rows = sqlx::query_as!(
        InvitationRow,
        "
        SELECT id, email, role, team_id, created_at, expires_at FROM invitations
        WHERE organization_id = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $2
            AND ($3::uuid IS NULL OR id < $3)
        ORDER BY id DESC LIMIT $4
        ",
        organization as OrganizationId,
        now,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn revoke_invitation(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Invitation>> {
    let row = sqlx::query_as!(
        InvitationRow,
        "
        UPDATE invitations SET revoked_at = $3
        WHERE organization_id = $1 AND id = $2 AND accepted_at IS NULL AND revoked_at IS NULL
        RETURNING id, email, role, team_id, created_at, expires_at
        ",
        organization as OrganizationId,
        id,
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Into::into))
}

/// An invitation that can be accepted, locked. In the platform scope.
#[derive(Debug)]
pub(super) struct OpenInvitation {
    pub(super) organization: OrganizationId,
    pub(super) organization_name: String,
    pub(super) id: Uuid,
    pub(super) email: String,
    pub(super) role: String,
    pub(super) team_id: Option<Uuid>,
}

pub(super) async fn lock_invitation(
    conn: &mut PgConnection,
    token: &OpaqueToken,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<OpenInvitation>> {
    sqlx::query_as!(
        OpenInvitation,
        r#"
        SELECT i.organization_id AS "organization: OrganizationId", o.name AS organization_name, i.id, i.email, i.role, i.team_id
        FROM invitations i JOIN organizations o ON o.organization_id = i.organization_id
        WHERE i.token_hash = $1 AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > $2
        FOR UPDATE OF i
        "#,
        token.hash(),
        now
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn accept_invitation(
    conn: &mut PgConnection,
    invitation: &OpenInvitation,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE invitations SET accepted_at = $3 WHERE organization_id = $1 AND id = $2",
        invitation.organization as OrganizationId,
        invitation.id,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Puts a new account into the team that its invitation named, if that team still exists. In the tenant scope.
pub(super) async fn join_team(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Uuid,
    user: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        INSERT INTO team_members (organization_id, team_id, user_id, created_at)
        SELECT organization_id, id, $3, $4 FROM teams WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL
        ",
        organization as OrganizationId,
        team,
        user,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}
