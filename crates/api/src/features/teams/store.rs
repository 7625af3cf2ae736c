//! Rows of teams and their members.

use chrono::{DateTime, Utc};
use finops_contract::ErrorCode;
use finops_contract::teams::Team;
use sqlx::PgConnection;
use uuid::Uuid;

use super::members::group_members;
use super::visibility::Visibility;
use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;
use crate::platform::http::{ApiError, ApiResult};

/// Teams that exist, by name, among those that are seen.
pub(super) async fn list(
    conn: &mut PgConnection,
    organization: OrganizationId,
    visibility: &Visibility,
    after: Option<&(String, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<Team>> {
    sqlx::query_as!(
        Team,
        r#"
        SELECT t.id, t.name, t.created_at, t.allow_provider_stops,
            (SELECT count(*) FROM projects p
                WHERE p.organization_id = $1 AND p.team_id = t.id AND p.deleted_at IS NULL) AS "project_count!",
            (SELECT count(*) FROM team_members m WHERE m.organization_id = $1 AND m.team_id = t.id) AS "member_count!",
            EXISTS (SELECT FROM admin_keys k
                WHERE k.organization_id = $1 AND k.team_id = t.id AND k.is_active) AS "has_active_admin_key!"
        FROM teams t
        WHERE t.organization_id = $1 AND t.deleted_at IS NULL
            AND ($2::uuid[] IS NULL OR t.id = ANY ($2))
            AND ($3::text IS NULL OR (t.name, t.id) > ($3, $4))
        ORDER BY t.name, t.id LIMIT $5
        "#,
        organization as OrganizationId,
        visibility.teams(),
        after.map(|(name, _)| name),
        after.map(|(_, id)| *id),
        limit
    )
    .fetch_all(conn)
    .await
}

/// Every team that exists, by name.
///
/// # Errors
/// The database's.
pub async fn all(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<Team>> {
    list(conn, organization, &Visibility::Everything, None, i64::MAX).await
}

/// A team that exists.
pub async fn find(conn: &mut PgConnection, organization: OrganizationId, team: Uuid) -> sqlx::Result<Option<Team>> {
    sqlx::query_as!(
        Team,
        r#"
        SELECT t.id, t.name, t.created_at, t.allow_provider_stops,
            (SELECT count(*) FROM projects p
                WHERE p.organization_id = $1 AND p.team_id = t.id AND p.deleted_at IS NULL) AS "project_count!",
            (SELECT count(*) FROM team_members m WHERE m.organization_id = $1 AND m.team_id = t.id) AS "member_count!",
            EXISTS (SELECT FROM admin_keys k
                WHERE k.organization_id = $1 AND k.team_id = t.id AND k.is_active) AS "has_active_admin_key!"
        FROM teams t
        WHERE t.organization_id = $1 AND t.id = $2 AND t.deleted_at IS NULL
        "#,
        organization as OrganizationId,
        team
    )
    .fetch_optional(conn)
    .await
}

/// Makes sure that a team named in a body exists, and keeps it from being deleted until the transaction ends.
///
/// # Errors
/// `validation_failed` at the pointer.
pub async fn require(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Uuid,
    pointer: &str,
) -> ApiResult<()> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM teams WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL FOR SHARE",
        organization as OrganizationId,
        team
    )
    .fetch_optional(conn)
    .await?;
    found.map(drop).ok_or_else(|| ApiError::field(pointer, "unknown", "there is no such team"))
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    organization: OrganizationId,
    name: &str,
    clock: &Clock,
) -> ApiResult<Team> {
    let (id, now) = (clock.new_id(), clock.now());
    sqlx::query!(
        "INSERT INTO teams (organization_id, id, name, created_at) VALUES ($1, $2, $3, $4)",
        organization as OrganizationId,
        id,
        name,
        now
    )
    .execute(conn)
    .await
    .map_err(name_taken)?;
    let name = name.to_owned();
    Ok(Team {
        id,
        name,
        project_count: 0,
        member_count: 0,
        has_active_admin_key: false,
        allow_provider_stops: false,
        created_at: now,
    })
}

pub(super) async fn update(conn: &mut PgConnection, organization: OrganizationId, team: &Team) -> ApiResult<()> {
    sqlx::query!(
        "UPDATE teams SET name = $3, allow_provider_stops = $4 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        team.id,
        team.name,
        team.allow_provider_stops
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(name_taken)
}

fn name_taken(error: sqlx::Error) -> ApiError {
    if crate::platform::db::violates(&error, "teams_name") { ErrorCode::NameTaken.into() } else { error.into() }
}

/// Locks a team that is about to be deleted.
pub(super) async fn lock(conn: &mut PgConnection, organization: OrganizationId, team: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT id FROM teams WHERE organization_id = $1 AND id = $2 FOR UPDATE",
        organization as OrganizationId,
        team
    )
    .fetch_optional(conn)
    .await
    .map(drop)
}

/// Hides a team. Its row stays: past costs name it.
pub(super) async fn delete(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM team_members WHERE organization_id = $1 AND team_id = $2",
        organization as OrganizationId,
        team
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE teams SET deleted_at = $3 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        team,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

group_members!("team_members", "team_id");
