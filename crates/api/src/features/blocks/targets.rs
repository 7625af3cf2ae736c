//! What can be stopped: found, seen, and held still.

use finops_contract::ErrorCode;
use finops_contract::blocks::BlockMode;
use finops_contract::costs::Named;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::Target;
use crate::features::{collector, teams};
use crate::platform::auth::Permission;
use crate::platform::db::{OrganizationId, Tx};
use crate::platform::http::{ApiResult, Ctx};

/// Something that can be stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) target: Target,
    /// As people know it.
    pub(super) name: String,
    /// Its team; none for an API key that is bound to no project.
    pub(super) team: Option<Named>,
    /// The project itself, or the one that an API key is bound to.
    pub(super) project: Option<Uuid>,
    /// Who made an API key.
    pub(super) made_by: Option<Uuid>,
    /// Whether its team lets limits at the provider be clamped.
    pub(super) allows_provider_stops: bool,
}

impl Found {
    /// Its team's id.
    pub(super) fn team_id(&self) -> Option<Uuid> {
        self.team.as_ref().map(|team| team.id)
    }

    /// Whether the caller may stop it: who runs the organization; an API key also whoever made it, as they may revoke it.
    pub(super) fn may_be_blocked_by(&self, ctx: &Ctx) -> bool {
        let own = self.made_by.is_some() && self.made_by == ctx.user_id().ok();
        own || ctx.require(Permission::BlocksWrite).is_ok()
    }
}

struct Row {
    name: String,
    team_id: Option<Uuid>,
    team_name: Option<String>,
    allowed: Option<bool>,
    project_id: Option<Uuid>,
    made_by: Option<Uuid>,
}

/// Something that exists; what was deleted or revoked does not.
pub(super) async fn find(
    conn: &mut PgConnection,
    organization: OrganizationId,
    target: Target,
) -> sqlx::Result<Option<Found>> {
    let row = match target {
        Target::Project(id) => {
            sqlx::query_as!(
                Row,
                r#"
                SELECT p.name, t.id AS "team_id?", t.name AS "team_name?", t.allow_provider_stops AS "allowed?",
                    p.id AS "project_id?", NULL::uuid AS made_by
                FROM projects p JOIN teams t ON t.organization_id = p.organization_id AND t.id = p.team_id
                WHERE p.organization_id = $1 AND p.id = $2 AND p.deleted_at IS NULL
                "#,
                organization as OrganizationId,
                id
            )
            .fetch_optional(conn)
            .await?
        }
        Target::AdminKey(id) => {
            sqlx::query_as!(
                Row,
                r#"
                SELECT k.key_prefix || '…' || k.last4 AS "name!", t.id AS "team_id?", t.name AS "team_name?",
                    t.allow_provider_stops AS "allowed?", NULL::uuid AS project_id, NULL::uuid AS made_by
                FROM admin_keys k JOIN teams t ON t.organization_id = k.organization_id AND t.id = k.team_id
                WHERE k.organization_id = $1 AND k.id = $2 AND k.deleted_at IS NULL
                "#,
                organization as OrganizationId,
                id
            )
            .fetch_optional(conn)
            .await?
        }
        Target::ApiKey(id) => {
            sqlx::query_as!(
                Row,
                r#"
                SELECT k.name, t.id AS "team_id?", t.name AS "team_name?", t.allow_provider_stops AS "allowed?",
                    k.project_id, k.created_by AS "made_by?"
                FROM api_keys k
                    LEFT JOIN projects p ON p.organization_id = k.organization_id AND p.id = k.project_id
                    LEFT JOIN teams t ON t.organization_id = p.organization_id AND t.id = p.team_id
                WHERE k.organization_id = $1 AND k.id = $2 AND k.revoked_at IS NULL
                "#,
                organization as OrganizationId,
                id
            )
            .fetch_optional(conn)
            .await?
        }
    };
    Ok(row.map(|row| Found {
        target,
        name: row.name,
        team: row.team_id.zip(row.team_name).map(|(id, name)| Named { id, name, deleted: false }),
        project: row.project_id,
        made_by: row.made_by,
        allows_provider_stops: row.allowed.unwrap_or(false),
    }))
}

/// Something that the caller sees; anything else does not exist.
///
/// # Errors
/// `not_found`.
pub(super) async fn seen(conn: &mut PgConnection, ctx: &Ctx, target: Target) -> ApiResult<Found> {
    let found = find(conn, ctx.organization, target).await?.ok_or(ErrorCode::NotFound)?;
    let visibility = teams::visibility(conn, ctx).await?;
    let sees = match (target, found.team_id(), found.project) {
        (Target::Project(id), Some(team), _) => visibility.sees_project(id, team),
        (Target::AdminKey(_), Some(team), _) => visibility.sees_team(team),
        (Target::ApiKey(_), Some(team), Some(project)) => visibility.sees_project(project, team),
        _ => visibility == teams::Visibility::Everything,
    };
    let own = found.made_by.is_some() && found.made_by == ctx.user_id().ok();
    if sees || own { Ok(found) } else { Err(ErrorCode::NotFound.into()) }
}

/// Keeps something as it is until the transaction ends, and everybody else from stopping, lifting or deleting it. What its
/// Project ID stands for is locked first, as everywhere.
pub(super) async fn hold(
    tx: &mut Tx,
    organization: OrganizationId,
    target: Target,
    mode: BlockMode,
) -> sqlx::Result<()> {
    let id = target.id();
    match target {
        Target::Project(_) => {
            if mode == BlockMode::Stop {
                collector::hold_attribution(tx, organization).await?;
            }
            sqlx::query!(
                "SELECT id FROM projects WHERE organization_id = $1 AND id = $2 FOR UPDATE",
                organization as OrganizationId,
                id
            )
            .fetch_optional(&mut **tx)
            .await
            .map(drop)
        }
        Target::AdminKey(_) => sqlx::query!(
            "SELECT id FROM admin_keys WHERE organization_id = $1 AND id = $2 FOR UPDATE",
            organization as OrganizationId,
            id
        )
        .fetch_optional(&mut **tx)
        .await
        .map(drop),
        Target::ApiKey(_) => sqlx::query!(
            "SELECT id FROM api_keys WHERE organization_id = $1 AND id = $2 FOR UPDATE",
            organization as OrganizationId,
            id
        )
        .fetch_optional(&mut **tx)
        .await
        .map(drop),
    }
}
