//! Rows of organizations and their members.

use chrono::{DateTime, Utc};
use finops_contract::accounts::Role;
use finops_contract::organizations::{Member, Organization, UpdateOrganizationRequest};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::platform::db::{self, OrganizationId, Tx};

struct Row {
    organization_id: Uuid,
    name: String,
    time_zone: String,
    currency: String,
    fiscal_year_start_month: i16,
    retention_days: i32,
    two_person_blocks: bool,
    created_at: DateTime<Utc>,
}

impl From<Row> for Organization {
    fn from(row: Row) -> Self {
        Self {
            id: row.organization_id,
            name: row.name,
            time_zone: row.time_zone,
            currency: row.currency,
            fiscal_year_start_month: u8::try_from(row.fiscal_year_start_month).unwrap_or(1),
            retention_days: u16::try_from(row.retention_days).unwrap_or(u16::MAX),
            two_person_blocks: row.two_person_blocks,
            created_at: row.created_at,
        }
    }
}

/// The organization, in its own scope or the platform's.
pub async fn find(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Option<Organization>> {
    let row = sqlx::query_as!(
        Row,
        "
        SELECT organization_id, name, time_zone, currency, fiscal_year_start_month, retention_days,
            two_person_blocks, created_at
        FROM organizations WHERE organization_id = $1
        ",
        organization as OrganizationId
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Into::into))
}

/// Every organization there is. In the platform scope.
pub async fn ids(conn: &mut PgConnection) -> sqlx::Result<Vec<OrganizationId>> {
    sqlx::query_scalar!(r#"SELECT organization_id AS "id: OrganizationId" FROM organizations ORDER BY organization_id"#)
        .fetch_all(conn)
        .await
}

/// Organizations by id. In the platform scope.
pub async fn list(conn: &mut PgConnection, after: Option<Uuid>, limit: i64) -> sqlx::Result<Vec<Organization>> {
    let rows = sqlx::query_as!(
        Row,
        "
        SELECT organization_id, name, time_zone, currency, fiscal_year_start_month, retention_days,
            two_person_blocks, created_at
        FROM organizations WHERE $1::uuid IS NULL OR organization_id > $1 ORDER BY organization_id LIMIT $2
        ",
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn update(
    conn: &mut PgConnection,
    organization: OrganizationId,
    request: &UpdateOrganizationRequest,
) -> sqlx::Result<Organization> {
    let row = sqlx::query_as!(
        Row,
        "
        UPDATE organizations SET name = coalesce($2, name), time_zone = coalesce($3, time_zone),
            currency = coalesce($4, currency), fiscal_year_start_month = coalesce($5, fiscal_year_start_month),
            retention_days = coalesce($6, retention_days), two_person_blocks = coalesce($7, two_person_blocks)
        WHERE organization_id = $1
        RETURNING organization_id, name, time_zone, currency, fiscal_year_start_month, retention_days,
            two_person_blocks, created_at
        ",
        organization as OrganizationId,
        request.name,
        request.time_zone,
        request.currency,
        request.fiscal_year_start_month.map(i16::from),
        request.retention_days.map(i32::from),
        request.two_person_blocks
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}

struct MemberRow {
    id: Uuid,
    email: String,
    name: String,
    role: String,
    last_login_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<MemberRow> for Member {
    fn from(row: MemberRow) -> Self {
        Self {
            user_id: row.id,
            email: row.email,
            name: row.name,
            role: Role::from_name(&row.role).unwrap_or(Role::User),
            last_login_at: row.last_login_at,
            created_at: row.created_at,
        }
    }
}

pub(super) async fn list_members(
    conn: &mut PgConnection,
    organization: OrganizationId,
    after: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<Member>> {
    let rows = sqlx::query_as!(
        MemberRow,
        "
        SELECT id, email, name, role, last_login_at, created_at FROM users
        WHERE organization_id = $1 AND deleted_at IS NULL AND ($2::uuid IS NULL OR id > $2)
        ORDER BY id LIMIT $3
        ",
        organization as OrganizationId,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// A member. Locks all of the organization's administrators first, so that the last one cannot be removed twice at once.
pub(super) async fn lock_member(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: Uuid,
) -> sqlx::Result<Option<Member>> {
    sqlx::query!(
        "SELECT id FROM users WHERE organization_id = $1 AND role <> 'user' AND deleted_at IS NULL ORDER BY id FOR UPDATE",
        organization as OrganizationId
    )
    .fetch_all(&mut *conn)
    .await?;
    let row = sqlx::query_as!(
        MemberRow,
        "
        SELECT id, email, name, role, last_login_at, created_at FROM users
        WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE
        ",
        organization as OrganizationId,
        user
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Into::into))
}

/// How many others run the organization.
pub(super) async fn other_administrators(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: Uuid,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "count!" FROM users
        WHERE organization_id = $1 AND id <> $2 AND role <> 'user' AND deleted_at IS NULL
        "#,
        organization as OrganizationId,
        user
    )
    .fetch_one(conn)
    .await
}

/// How many others run the platform. Locks them, so that no two of them leave at once. Looks across organizations for
/// this one statement.
pub(super) async fn lock_other_platform_administrators(tx: &mut Tx, user: Uuid) -> sqlx::Result<usize> {
    db::look_across(tx, true).await?;
    let others = sqlx::query_scalar!(
        "SELECT id FROM users WHERE role = 'admin' AND deleted_at IS NULL AND id <> $1 ORDER BY id FOR UPDATE",
        user
    )
    .fetch_all(&mut **tx)
    .await?;
    db::look_across(tx, false).await?;
    Ok(others.len())
}

pub(super) async fn set_role(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: Uuid,
    role: Role,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE users SET role = $3 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        user,
        role.name()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Removes an account. Its row stays, for the names in the audit log.
pub(super) async fn remove_member(
    conn: &mut PgConnection,
    organization: OrganizationId,
    user: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE users SET deleted_at = $3 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        user,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM team_members WHERE organization_id = $1 AND user_id = $2",
        organization as OrganizationId,
        user
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM project_members WHERE organization_id = $1 AND user_id = $2",
        organization as OrganizationId,
        user
    )
    .execute(conn)
    .await
    .map(drop)
}
