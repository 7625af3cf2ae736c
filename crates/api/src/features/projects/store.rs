//! Rows of projects and their members.

use chrono::{DateTime, Utc};
use finops_contract::ErrorCode;
use finops_contract::projects::{
    AttributionProgress, CreateProjectRequest, Environment, Project, UpdateProjectRequest,
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::OpenaiProjectId;
use crate::features::teams::Visibility;
use crate::platform::db::{OrganizationId, violates};
use crate::platform::http::{ApiError, ApiResult};

struct Row {
    id: Uuid,
    name: String,
    description: Option<String>,
    environment: String,
    team_id: Uuid,
    team_name: String,
    openai_project_id: Option<String>,
    openai_project_id_since: Option<DateTime<Utc>>,
    lines_done: Option<i64>,
    lines_total: Option<i64>,
    member_count: i64,
    store_prompts: bool,
    created_at: DateTime<Utc>,
}

impl From<Row> for Project {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            description: row.description,
            // The table's CHECK allows no other.
            environment: Environment::from_name(&row.environment).unwrap_or(Environment::Production),
            team_id: row.team_id,
            team_name: row.team_name,
            openai_project_id: row.openai_project_id,
            openai_project_id_since: row.openai_project_id_since,
            attribution: row.lines_done.zip(row.lines_total).map(|(done, total)| AttributionProgress { done, total }),
            member_count: row.member_count,
            store_prompts: row.store_prompts,
            created_at: row.created_at,
        }
    }
}

/// Projects that exist, by name, among those that are seen.
pub(super) async fn list(
    conn: &mut PgConnection,
    organization: OrganizationId,
    visibility: &Visibility,
    team: Option<Uuid>,
    after: Option<&(String, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<Project>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT p.id, p.name, p.description, p.environment, p.team_id, t.name AS team_name, p.openai_project_id,
            p.openai_project_id_since, p.created_at, p.store_prompts,
            a.lines_done AS "lines_done?", a.lines_total AS "lines_total?",
            (SELECT count(*) FROM project_members m
                WHERE m.organization_id = $1 AND m.project_id = p.id) AS "member_count!"
        FROM projects p JOIN teams t ON t.organization_id = p.organization_id AND t.id = p.team_id
            LEFT JOIN pending_attributions a ON a.organization_id = p.organization_id AND a.project_id = p.id
        WHERE p.organization_id = $1 AND p.deleted_at IS NULL
            AND ($2::uuid[] IS NULL OR p.team_id = ANY ($2) OR p.id = ANY ($3))
            AND ($4::uuid IS NULL OR p.team_id = $4)
            AND ($5::text IS NULL OR (p.name, p.id) > ($5, $6))
        ORDER BY p.name, p.id LIMIT $7
        "#,
        organization as OrganizationId,
        visibility.teams(),
        visibility.projects(),
        team,
        after.map(|(name, _)| name),
        after.map(|(_, id)| *id),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// A project that exists.
pub(super) async fn find(
    conn: &mut PgConnection,
    organization: OrganizationId,
    project: Uuid,
) -> sqlx::Result<Option<Project>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT p.id, p.name, p.description, p.environment, p.team_id, t.name AS team_name, p.openai_project_id,
            p.openai_project_id_since, p.created_at, p.store_prompts,
            a.lines_done AS "lines_done?", a.lines_total AS "lines_total?",
            (SELECT count(*) FROM project_members m
                WHERE m.organization_id = $1 AND m.project_id = p.id) AS "member_count!"
        FROM projects p JOIN teams t ON t.organization_id = p.organization_id AND t.id = p.team_id
            LEFT JOIN pending_attributions a ON a.organization_id = p.organization_id AND a.project_id = p.id
        WHERE p.organization_id = $1 AND p.id = $2 AND p.deleted_at IS NULL
        "#,
        organization as OrganizationId,
        project
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Into::into))
}

/// Locks a project that is about to change.
pub(super) async fn lock(conn: &mut PgConnection, organization: OrganizationId, project: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT id FROM projects WHERE organization_id = $1 AND id = $2 FOR UPDATE",
        organization as OrganizationId,
        project
    )
    .fetch_optional(conn)
    .await
    .map(drop)
}

/// Keeps a project as it is until the transaction ends.
pub(super) async fn hold(conn: &mut PgConnection, organization: OrganizationId, project: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT id FROM projects WHERE organization_id = $1 AND id = $2 FOR SHARE",
        organization as OrganizationId,
        project
    )
    .fetch_optional(conn)
    .await
    .map(drop)
}

fn taken(error: sqlx::Error) -> ApiError {
    if violates(&error, "projects_name") {
        ErrorCode::NameTaken.into()
    } else if violates(&error, "projects_openai_project_id") {
        ErrorCode::OpenaiProjectIdTaken.into()
    } else {
        error.into()
    }
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    request: &CreateProjectRequest,
    now: DateTime<Utc>,
) -> ApiResult<()> {
    sqlx::query!(
        "
        INSERT INTO projects (organization_id, id, team_id, name, description, environment, created_at)
        VALUES ($1, $2, $3, $4, nullif($5, ''), $6, $7)
        ",
        organization as OrganizationId,
        id,
        request.team_id,
        request.name,
        request.description,
        request.environment.name(),
        now
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(taken)
}

pub(super) async fn update(
    conn: &mut PgConnection,
    organization: OrganizationId,
    project: Uuid,
    request: &UpdateProjectRequest,
) -> ApiResult<()> {
    sqlx::query!(
        "
        UPDATE projects SET
            store_prompts = coalesce($7, store_prompts),
            team_id = coalesce($3, team_id),
            name = coalesce($4, name),
            description = CASE WHEN $5::text IS NULL THEN description ELSE nullif($5, '') END,
            environment = coalesce($6, environment)
        WHERE organization_id = $1 AND id = $2
        ",
        organization as OrganizationId,
        project,
        request.team_id,
        request.name,
        request.description,
        request.environment.map(Environment::name),
        request.store_prompts
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(taken)
}

/// Registers or removes a Project ID.
pub(super) async fn set_openai_project_id(
    conn: &mut PgConnection,
    organization: OrganizationId,
    project: Uuid,
    id: Option<&OpenaiProjectId>,
    now: DateTime<Utc>,
) -> ApiResult<()> {
    sqlx::query!(
        "
        UPDATE projects SET openai_project_id = $3,
            openai_project_id_since = CASE WHEN $3::text IS NULL THEN NULL ELSE $4::timestamptz END
        WHERE organization_id = $1 AND id = $2
        ",
        organization as OrganizationId,
        project,
        id.map(OpenaiProjectId::as_str),
        now
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(taken)
}

/// Hides a project and frees its Project ID. Its row stays: past costs name it.
pub(super) async fn delete(
    conn: &mut PgConnection,
    organization: OrganizationId,
    project: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM project_members WHERE organization_id = $1 AND project_id = $2",
        organization as OrganizationId,
        project
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "
        UPDATE projects SET openai_project_id = NULL, openai_project_id_since = NULL, deleted_at = $3
        WHERE organization_id = $1 AND id = $2
        ",
        organization as OrganizationId,
        project,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Which project has this Project ID.
pub(super) async fn owner_of(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: &OpenaiProjectId,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM projects WHERE organization_id = $1 AND openai_project_id = $2",
        organization as OrganizationId,
        id.as_str()
    )
    .fetch_optional(conn)
    .await
}

/// What a Project ID stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribution {
    /// The Project ID.
    pub openai_project_id: String,
    /// The project.
    pub project_id: Uuid,
    /// The team that owns it.
    pub team_id: Uuid,
}

/// What every registered Project ID of the organization stands for now.
pub async fn attributions(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<Attribution>> {
    sqlx::query_as!(
        Attribution,
        r#"
        SELECT openai_project_id AS "openai_project_id!", id AS project_id, team_id FROM projects
        WHERE organization_id = $1 AND openai_project_id IS NOT NULL
        "#,
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await
}
