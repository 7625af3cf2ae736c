//! Whose costs a query is about, as SQL.

use finops_contract::ErrorCode;
use finops_contract::projects::Environment;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::domain::Period;
use crate::features::teams::{self, Visibility};
use crate::platform::clock::midnight;
use crate::platform::db::OrganizationId;
use crate::platform::http::{ApiError, ApiResult, Ctx};

/// Where sums come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The rollup: project, team, provider and day.
    Daily,
    /// The lines: everything.
    Lines,
}

impl Source {
    pub(super) const fn table(self) -> &'static str {
        match self {
            Self::Daily => "billed_daily",
            Self::Lines => "billed_costs",
        }
    }

    /// The UTC day of a row of `b`.
    pub(super) const fn day(self) -> &'static str {
        match self {
            Self::Daily => "b.day",
            Self::Lines => "(b.bucket_start AT TIME ZONE 'UTC')::date",
        }
    }
}

/// Which project's costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProjectFilter {
    /// This one's.
    One(Uuid),
    /// What belongs to no project.
    None,
}

impl ProjectFilter {
    /// Reads an id, or `none`.
    ///
    /// # Errors
    /// `validation_failed` at `/projectId`.
    pub(super) fn read(text: &str) -> ApiResult<Self> {
        if text == "none" {
            return Ok(Self::None);
        }
        text.parse().map(Self::One).map_err(|_| ApiError::field("/projectId", "format", "must be an id, or none"))
    }
}

/// Whose costs: the organization's, of what the caller sees, narrowed to what they ask for.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    organization: OrganizationId,
    /// Teams and projects that are seen; everything when absent.
    seen: Option<Seen>,
    pub(super) project: Option<ProjectFilter>,
    pub(super) team: Option<Uuid>,
    environment: Option<InEnvironment>,
}

/// The projects of an environment.
#[derive(Clone, Debug)]
struct InEnvironment {
    environment: Environment,
    projects: Vec<Uuid>,
}

#[derive(Clone, Debug)]
struct Seen {
    teams: Vec<Uuid>,
    projects: Vec<Uuid>,
}

impl Scope {
    /// What the caller sees, narrowed.
    ///
    /// # Errors
    /// `not_found` for a team or project that they do not see. A deleted one keeps its costs.
    pub(super) async fn of(
        conn: &mut PgConnection,
        ctx: &Ctx,
        project: Option<ProjectFilter>,
        team: Option<Uuid>,
    ) -> ApiResult<Self> {
        let visibility = teams::visibility(conn, ctx).await?;
        if let Some(team) = team
            && !(visibility.sees_team(team) && team_exists(conn, ctx.organization, team).await?)
        {
            return Err(ErrorCode::NotFound.into());
        }
        if let Some(ProjectFilter::One(project)) = project {
            let owner = team_of(conn, ctx.organization, project).await?.ok_or(ErrorCode::NotFound)?;
            if !visibility.sees_project(project, owner) {
                return Err(ErrorCode::NotFound.into());
            }
        }
        let seen = match visibility {
            Visibility::Everything => None,
            Visibility::Only { teams, projects } => {
                let projects = projects_of(conn, ctx.organization, &teams, &projects).await?;
                Some(Seen { teams, projects })
            }
        };
        Ok(Self { seen, project, team, ..Self::everything(ctx.organization) })
    }

    /// All of an organization, whoever asks.
    pub(super) const fn everything(organization: OrganizationId) -> Self {
        Self { organization, seen: None, project: None, team: None, environment: None }
    }

    /// The projects of an environment, deleted ones too, and the events of no project that name it.
    pub(super) async fn of_environment(
        conn: &mut PgConnection,
        organization: OrganizationId,
        environment: Environment,
    ) -> sqlx::Result<Self> {
        let projects = sqlx::query_scalar!(
            "SELECT id FROM projects WHERE organization_id = $1 AND environment = $2",
            organization as OrganizationId,
            environment.name()
        )
        .fetch_all(conn)
        .await?;
        let environment = Some(InEnvironment { environment, projects });
        Ok(Self { environment, ..Self::everything(organization) })
    }

    /// The organization.
    pub(super) const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The same for one project of it.
    pub(super) fn within(&self, project: Uuid) -> Self {
        Self { project: Some(ProjectFilter::One(project)), ..self.clone() }
    }

    /// Whether there is nothing that the caller sees.
    pub(super) fn is_empty(&self) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen.teams.is_empty() && seen.projects.is_empty())
    }

    /// Whether a team's name may be told.
    pub(super) fn sees_team(&self, team: Uuid) -> bool {
        self.seen.as_ref().is_none_or(|seen| seen.teams.contains(&team))
    }

    /// `FROM … WHERE …` of the rows of a period, as `b`.
    pub(super) fn push(&self, sql: &mut QueryBuilder<Postgres>, source: Source, period: Period) {
        sql.push(" FROM ").push(source.table()).push(" b WHERE b.organization_id = ").push_bind(self.organization);
        match source {
            Source::Daily => {
                sql.push(" AND b.day >= ").push_bind(period.from).push(" AND b.day < ").push_bind(period.to);
            }
            Source::Lines => {
                sql.push(" AND b.bucket_start >= ").push_bind(midnight(period.from));
                sql.push(" AND b.bucket_start < ").push_bind(midnight(period.to));
            }
        }
        self.narrow(sql, "b");
    }

    /// ` AND …`: of a row with a project and a team, that it is asked for and seen.
    pub(super) fn narrow(&self, sql: &mut QueryBuilder<Postgres>, row: &str) {
        self.narrow_to_seen(sql, row);
        if let Some(environment) = &self.environment {
            sql.push(" AND ").push(row).push(".project_id = ANY (").push_bind(environment.projects.clone()).push(")");
        }
    }

    /// The same of a row of events, which name an environment themselves.
    pub(super) fn narrow_events(&self, sql: &mut QueryBuilder<Postgres>, row: &str) {
        self.narrow_to_seen(sql, row);
        if let Some(InEnvironment { environment, projects }) = &self.environment {
            sql.push(" AND (")
                .push(row)
                .push(".project_id = ANY (")
                .push_bind(projects.clone())
                .push(") OR ")
                .push(row);
            sql.push(".project_id IS NULL AND ")
                .push(row)
                .push(".environment = ")
                .push_bind(environment.name())
                .push(")");
        }
    }

    fn narrow_to_seen(&self, sql: &mut QueryBuilder<Postgres>, row: &str) {
        match self.project {
            Some(ProjectFilter::One(project)) => {
                sql.push(" AND ").push(row).push(".project_id = ").push_bind(project);
            }
            Some(ProjectFilter::None) => {
                sql.push(" AND ").push(row).push(".project_id IS NULL");
            }
            None => {}
        }
        if let Some(team) = self.team {
            sql.push(" AND ").push(row).push(".team_id = ").push_bind(team);
        }
        if let Some(seen) = &self.seen {
            sql.push(" AND (").push(row).push(".team_id = ANY (").push_bind(seen.teams.clone()).push(") OR ").push(row);
            sql.push(".project_id = ANY (").push_bind(seen.projects.clone()).push("))");
        }
    }

    /// Legacy lines count only where the provider's own bill is silent: never the same cost twice. A project's are replaced
    /// by the bill's lines of that project. A team's that belong to no project are a part of everything that its key opens, so
    /// they are replaced by whatever the bill of the team, or of its account, says of that day: attributed or not.
    ///
    /// What both tell is a set of its own, computed when the first legacy line is met. As a question about each line it
    /// would dominate the planner's estimate, and have it sort and compile for lines that are never asked about.
    pub(super) fn push_once(&self, sql: &mut QueryBuilder<Postgres>, source: Source, period: Period) {
        sql.push(" AND (b.api_version = 'costs_v1' OR (b.provider, ").push(source.day()).push(", ");
        sql.push(owner_key("b")).push(", b.currency) NOT IN (SELECT l.provider, l.day, ").push(owner_key("l"));
        sql.push(", l.currency FROM billed_daily l WHERE l.api_version = 'usage_v1' AND l.organization_id = ");
        sql.push_bind(self.organization);
        sql.push(" AND l.day >= ").push_bind(period.from).push(" AND l.day < ").push_bind(period.to);
        sql.push(
            " AND EXISTS (SELECT FROM billed_daily c WHERE c.organization_id = l.organization_id AND c.day = l.day
                AND c.provider = l.provider AND c.currency = l.currency AND c.api_version = 'costs_v1'
                AND CASE WHEN l.project_id IS NOT NULL THEN c.project_id = l.project_id
                    ELSE c.team_id = l.team_id OR c.provider_account IN (SELECT k.provider_account FROM collections k
                        WHERE k.organization_id = l.organization_id AND k.team_id = l.team_id AND k.provider = l.provider)
                    END)))",
        );
    }
}

/// Whose a row is, as a value that `NOT IN` compares: its project, or its team where it belongs to none.
fn owner_key(row: &str) -> String {
    format!("coalesce({row}.project_id, {row}.team_id)")
}

async fn team_exists(conn: &mut PgConnection, organization: OrganizationId, team: Uuid) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM teams WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        team
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// The team that owns a project, deleted or not.
pub(super) async fn team_of(
    conn: &mut PgConnection,
    organization: OrganizationId,
    project: Uuid,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "SELECT team_id FROM projects WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        project
    )
    .fetch_optional(conn)
    .await
}

/// The projects of these teams, and these projects; deleted ones too, for their past costs.
async fn projects_of(
    conn: &mut PgConnection,
    organization: OrganizationId,
    teams: &[Uuid],
    projects: &[Uuid],
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM projects WHERE organization_id = $1 AND (team_id = ANY ($2) OR id = ANY ($3))",
        organization as OrganizationId,
        teams,
        projects
    )
    .fetch_all(conn)
    .await
}
