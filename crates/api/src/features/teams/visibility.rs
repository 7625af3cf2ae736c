//! What a person sees: everything, or the teams and projects they belong to. And what an API key does: one project, or
//! everything.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::platform::auth::Permission;
use crate::platform::db::OrganizationId;
use crate::platform::http::{ApiResult, Ctx};

/// Which teams and projects somebody sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// All of the organization.
    Everything,
    /// These teams with all their projects, and these projects of other teams.
    Only {
        /// Teams they belong to.
        teams: Vec<Uuid>,
        /// Projects they belong to.
        projects: Vec<Uuid>,
    },
}

impl Visibility {
    /// Whether a team is seen.
    pub fn sees_team(&self, team: Uuid) -> bool {
        match self {
            Self::Everything => true,
            Self::Only { teams, .. } => teams.contains(&team),
        }
    }

    /// Whether a project of a team is seen.
    pub fn sees_project(&self, project: Uuid, team: Uuid) -> bool {
        match self {
            Self::Everything => true,
            Self::Only { teams, projects } => teams.contains(&team) || projects.contains(&project),
        }
    }

    /// The teams to filter by, or null for no filter.
    pub fn teams(&self) -> Option<&[Uuid]> {
        match self {
            Self::Everything => None,
            Self::Only { teams, .. } => Some(teams),
        }
    }

    /// The projects to filter by besides the teams', or null for no filter.
    pub fn projects(&self) -> Option<&[Uuid]> {
        match self {
            Self::Everything => None,
            Self::Only { projects, .. } => Some(projects),
        }
    }
}

/// What the caller sees.
///
/// # Errors
/// When the database fails.
pub async fn visibility(conn: &mut PgConnection, ctx: &Ctx) -> ApiResult<Visibility> {
    if let Some(key) = &ctx.key {
        // A key bound to none is in force only while its maker sees everything.
        return Ok(match key.project {
            Some(project) => Visibility::Only { teams: Vec::new(), projects: vec![project] },
            None => Visibility::Everything,
        });
    }
    if Permission::SeeEverything.granted_to(ctx.role) {
        return Ok(Visibility::Everything);
    }
    let user = ctx.user_id()?;
    let teams = sqlx::query_scalar!(
        "SELECT team_id FROM team_members WHERE organization_id = $1 AND user_id = $2",
        ctx.organization as OrganizationId,
        user
    )
    .fetch_all(&mut *conn)
    .await?;
    let projects = sqlx::query_scalar!(
        "SELECT project_id FROM project_members WHERE organization_id = $1 AND user_id = $2",
        ctx.organization as OrganizationId,
        user
    )
    .fetch_all(conn)
    .await?;
    Ok(Visibility::Only { teams, projects })
}
