//! Rows of invitations.

use chrono::{DateTime, Utc};
use finops_contract::accounts::{CreateInvitationRequest, Invitation, Role};
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{INVITATION_LIFETIME, normalize_email};
use crate::platform::auth::OpaqueToken;
use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;

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
    invitation: &CreateInvitationRequest,
    token: &OpaqueToken,
    invited_by: Uuid,
    clock: &Clock,
) -> sqlx::Result<Invitation> {
    let now = clock.now();
    let email = normalize_email(&invitation.email);
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
