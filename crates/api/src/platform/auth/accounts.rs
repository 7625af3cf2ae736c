//! The account behind a request, read anew for each so that a changed role or an ended session counts at once.

use finops_contract::accounts::{Locale, Role};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::platform::db::OrganizationId;

/// An account as far as a request needs it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id.
    pub id: Uuid,
    /// Its own organization.
    pub organization: OrganizationId,
    /// Its e-mail address.
    pub email: String,
    /// What it may do.
    pub role: Role,
    /// Its language.
    pub locale: Locale,
}

/// The account, while it exists and its session (a family of refresh tokens) has not ended. In the platform scope.
pub async fn signed_in(conn: &mut PgConnection, user: Uuid, session: Uuid) -> sqlx::Result<Option<Account>> {
    let row = sqlx::query!(
        r#"
        SELECT u.organization_id AS "organization: OrganizationId", u.id, u.email, u.role, u.locale
        FROM users u
        WHERE u.id = $1 AND u.deleted_at IS NULL AND EXISTS (
            SELECT FROM refresh_tokens r
            WHERE r.organization_id = u.organization_id AND r.family_id = $2 AND r.user_id = u.id AND r.revoked_at IS NULL
        )
        "#,
        user,
        session
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Account {
        id: row.id,
        organization: row.organization,
        email: row.email,
        role: Role::from_name(&row.role).unwrap_or(Role::User),
        locale: Locale::from_tag(&row.locale).unwrap_or_default(),
    }))
}

/// Whether an organization exists. In the platform scope.
pub async fn organization_exists(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM organizations WHERE organization_id = $1) AS "exists!""#,
        organization as OrganizationId
    )
    .fetch_one(conn)
    .await
}
