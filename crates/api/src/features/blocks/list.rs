//! Blocks as they are shown.

use chrono::{DateTime, Utc};
use finops_contract::accounts::Locale;
use finops_contract::blocks::{
    Block, BlockEnding, BlockRestoration, BlockStatus, BlockTargetType, BlockedTarget, BlocksQuery, LiftRequest,
};
use finops_contract::costs::Named;
use uuid::Uuid;

use super::store;
use crate::features::teams::Visibility;
use crate::platform::db::{self, OrganizationId, Tx};
use crate::platform::letter::pick;

/// Which blocks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filter<'a> {
    /// Only those of what is seen; of what they made themselves in any case.
    pub(super) seen: Option<(&'a Visibility, Option<Uuid>)>,
    pub(super) id: Option<Uuid>,
    pub(super) after: Option<Uuid>,
    pub(super) query: Option<&'a BlocksQuery>,
}

struct Row {
    id: Uuid,
    target_type: String,
    target_id: Uuid,
    target_name: Option<String>,
    target_deleted: bool,
    team_id: Option<Uuid>,
    team_name: Option<String>,
    team_deleted: bool,
    mode: String,
    limit_per_minute: Option<i32>,
    status: String,
    cause: String,
    reason: String,
    reason_en: Option<String>,
    budget_is_seen: bool,
    alert_id: Option<Uuid>,
    budget_id: Option<Uuid>,
    requested_by: Option<Uuid>,
    requested_by_name: Option<String>,
    requested_at: DateTime<Utc>,
    decided_by: Option<Uuid>,
    decided_by_name: Option<String>,
    activated_at: Option<DateTime<Utc>>,
    lift_requested_by: Option<Uuid>,
    lift_requested_by_name: Option<String>,
    lift_requested_at: Option<DateTime<Utc>>,
    lifted_by: Option<Uuid>,
    lifted_by_name: Option<String>,
    lifted_at: Option<DateTime<Utc>>,
    lift_reason: Option<String>,
    ended: Option<String>,
    restoration: Option<String>,
    openai_project_id: Option<String>,
    at_provider: bool,
}

fn person(id: Option<Uuid>, name: Option<String>) -> Option<Named> {
    id.map(|id| Named { id, name: name.unwrap_or_default(), deleted: false })
}

/// A block, and what its reason is in English where that is the service's own.
pub(super) struct Shown {
    pub(super) block: Block,
    pub(super) reason_en: Option<String>,
    /// Whether its budget, if it has one, is one that is seen: the reason tells its figures.
    pub(super) budget_is_seen: bool,
}

impl Shown {
    /// With its reason in a language, as far as that may be known.
    pub(super) fn in_language(self, locale: Locale) -> Block {
        if !self.budget_is_seen {
            let reason =
                pick(locale, "상위 예산을 다 써서 멈췄어요.", "A budget that it belongs to is spent.").to_owned();
            return Block { reason, budget_id: None, alert_id: None, ..self.block };
        }
        let reason = self.reason_en.filter(|_| locale == Locale::En).unwrap_or(self.block.reason);
        Block { reason, ..self.block }
    }
}

impl From<Row> for Shown {
    fn from(row: Row) -> Self {
        let status = BlockStatus::from_name(&row.status).unwrap_or(BlockStatus::Active);
        let asked = row.lift_requested_at.filter(|_| status == BlockStatus::Active);
        let lift_request = asked.map(|at| LiftRequest {
            by: person(row.lift_requested_by, row.lift_requested_by_name),
            at,
            reason: row.lift_reason.clone().unwrap_or_default(),
        });
        let block = Block {
            id: row.id,
            target: BlockedTarget {
                kind: store::target_type(&row.target_type),
                id: row.target_id,
                name: row.target_name.unwrap_or_default(),
                deleted: row.target_deleted,
            },
            team: row.team_id.zip(row.team_name).map(|(id, name)| Named { id, name, deleted: row.team_deleted }),
            mode: store::mode(&row.mode),
            limit_per_minute: row.limit_per_minute.map(i32::unsigned_abs),
            status,
            cause: store::cause(&row.cause),
            reason: row.reason,
            alert_id: row.alert_id,
            budget_id: row.budget_id,
            requested_by: person(row.requested_by, row.requested_by_name),
            requested_at: row.requested_at,
            decided_by: person(row.decided_by, row.decided_by_name),
            activated_at: row.activated_at,
            lift_reason: row.lift_reason.filter(|_| lift_request.is_none()),
            lift_request,
            lifted_by: person(row.lifted_by, row.lifted_by_name),
            lifted_at: row.lifted_at,
            ended: row.ended.as_deref().and_then(BlockEnding::from_name),
            restoration: row.restoration.as_deref().and_then(BlockRestoration::from_name),
            openai_project_id: row.openai_project_id,
            at_provider: row.at_provider,
            provider: Vec::new(),
            may_approve: false,
            may_lift: false,
        };
        Self { block, reason_en: row.reason_en, budget_is_seen: row.budget_is_seen }
    }
}

/// Blocks, the newest first. A team's Admin key's are those of everybody who sees a project that they stop. What depends on
/// others or on the caller is left out. Looks across organizations for this one statement: whoever runs the platform may have
/// made one without belonging here.
pub(super) async fn list(
    tx: &mut Tx,
    organization: OrganizationId,
    filter: &Filter<'_>,
    limit: i64,
) -> sqlx::Result<Vec<Shown>> {
    let query = filter.query;
    db::look_across(tx, true).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT b.id, b.target_type, coalesce(b.admin_key_id, b.project_id, b.api_key_id) AS "target_id!",
            -- Who sees a project alone is not told its team's keys apart.
            CASE WHEN k.id IS NOT NULL AND NOT t.id = ANY ($4) THEN t.name
                ELSE coalesce(p.name, k.key_prefix || '…' || k.last4, a.name) END AS target_name,
            coalesce(p.deleted_at, k.deleted_at, a.revoked_at) IS NOT NULL AS "target_deleted!",
            t.id AS "team_id?", t.name AS "team_name?", t.deleted_at IS NOT NULL AS "team_deleted!",
            b.mode, b.limit_per_minute, b.status, b.cause, b.reason, b.reason_en, b.alert_id, b.budget_id,
            b.budget_id IS NULL OR $4::uuid[] IS NULL OR EXISTS (SELECT FROM budgets g
                LEFT JOIN projects y ON y.organization_id = g.organization_id AND y.id = g.project_id
                WHERE g.organization_id = $1 AND g.id = b.budget_id
                    AND (g.team_id = ANY ($4) OR g.project_id = ANY ($5) OR y.team_id = ANY ($4))) AS "budget_is_seen!",
            b.requested_by, ru.name AS "requested_by_name?", b.requested_at, b.decided_by, du.name AS "decided_by_name?",
            b.activated_at, b.lift_requested_by, qu.name AS "lift_requested_by_name?", b.lift_requested_at,
            b.lifted_by, lu.name AS "lifted_by_name?", b.lifted_at, b.lift_reason, b.ended, b.restoration,
            b.openai_project_id, b.at_provider
        FROM blocks b
            LEFT JOIN projects p ON p.organization_id = b.organization_id AND p.id = b.project_id
            LEFT JOIN admin_keys k ON k.organization_id = b.organization_id AND k.id = b.admin_key_id
            LEFT JOIN api_keys a ON a.organization_id = b.organization_id AND a.id = b.api_key_id
            LEFT JOIN projects o ON o.organization_id = b.organization_id AND o.id = a.project_id
            LEFT JOIN teams t ON t.organization_id = b.organization_id
                AND t.id = coalesce(p.team_id, k.team_id, o.team_id)
            LEFT JOIN users ru ON ru.id = b.requested_by
            LEFT JOIN users du ON du.id = b.decided_by
            LEFT JOIN users qu ON qu.id = b.lift_requested_by
            LEFT JOIN users lu ON lu.id = b.lifted_by
        WHERE b.organization_id = $1
            AND ($2::uuid IS NULL OR b.id = $2)
            AND ($3::uuid IS NULL OR b.id < $3)
            AND ($4::uuid[] IS NULL OR t.id = ANY ($4) OR coalesce(p.id, o.id) = ANY ($5) OR a.created_by = $6
                OR (k.id IS NOT NULL AND EXISTS (SELECT FROM projects x
                    WHERE x.organization_id = $1 AND x.id = ANY ($5) AND x.team_id = k.team_id AND x.deleted_at IS NULL)))
            AND ($7::text IS NULL OR b.status = $7)
            AND ($8::text IS NULL OR b.target_type = $8)
            AND ($9::uuid IS NULL OR coalesce(b.admin_key_id, b.project_id, b.api_key_id) = $9)
            AND ($10::uuid IS NULL OR coalesce(p.id, o.id) = $10 OR (k.id IS NOT NULL AND EXISTS (SELECT FROM projects x
                WHERE x.organization_id = $1 AND x.id = $10 AND x.team_id = k.team_id)))
            AND ($11::uuid IS NULL OR t.id = $11)
        ORDER BY b.id DESC LIMIT $12
        "#,
        organization as OrganizationId,
        filter.id,
        filter.after,
        filter.seen.and_then(|(seen, _)| seen.teams()),
        filter.seen.and_then(|(seen, _)| seen.projects()),
        filter.seen.and_then(|(_, me)| me),
        query.and_then(|query| query.status).map(BlockStatus::name),
        query.and_then(|query| query.target_type).map(BlockTargetType::name),
        query.and_then(|query| query.target_id),
        query.and_then(|query| query.project_id),
        query.and_then(|query| query.team_id),
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    db::look_across(tx, false).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}
