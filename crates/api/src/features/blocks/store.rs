//! Rows of blocks.

use chrono::{DateTime, Utc};
use finops_contract::blocks::{
    Block, BlockCause, BlockEnding, BlockMode, BlockRestoration, BlockStatus, BlockTargetType, BlockedTarget,
    BlocksQuery, LiftRequest,
};
use finops_contract::costs::Named;
use finops_contract::reports::ReportBlock;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{Draft, Target};
use crate::features::teams::Visibility;
use crate::platform::db::{self, OrganizationId, Tx};

/// A block that is not over, locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) id: Uuid,
    pub(super) target: Target,
    pub(super) mode: BlockMode,
    pub(super) cause: BlockCause,
    /// In force, or waiting for a second person.
    pub(super) is_active: bool,
    pub(super) at_provider: bool,
    pub(super) reason: String,
    pub(super) requested_by: Option<Uuid>,
    pub(super) lift_requested_by: Option<Uuid>,
    pub(super) is_lift_requested: bool,
    pub(super) lift_reason: Option<String>,
    /// What is to be put back.
    pub(super) openai_project_id: Option<String>,
    pub(super) key_was_active: Option<bool>,
}

struct OpenRow {
    id: Uuid,
    target_type: String,
    target_id: Uuid,
    mode: String,
    cause: String,
    status: String,
    at_provider: bool,
    reason: String,
    requested_by: Option<Uuid>,
    lift_requested_by: Option<Uuid>,
    lift_requested_at: Option<DateTime<Utc>>,
    lift_reason: Option<String>,
    openai_project_id: Option<String>,
    key_was_active: Option<bool>,
}

// The table's CHECKs allow no other names.
fn target_type(name: &str) -> BlockTargetType {
    BlockTargetType::from_name(name).unwrap_or(BlockTargetType::Project)
}

fn mode(name: &str) -> BlockMode {
    BlockMode::from_name(name).unwrap_or(BlockMode::Stop)
}

fn cause(name: &str) -> BlockCause {
    BlockCause::from_name(name).unwrap_or(BlockCause::Budget)
}

impl From<OpenRow> for Open {
    fn from(row: OpenRow) -> Self {
        Self {
            id: row.id,
            target: Target::new(target_type(&row.target_type), row.target_id),
            mode: mode(&row.mode),
            cause: cause(&row.cause),
            is_active: row.status == BlockStatus::Active.name(),
            at_provider: row.at_provider,
            reason: row.reason,
            requested_by: row.requested_by,
            lift_requested_by: row.lift_requested_by,
            is_lift_requested: row.lift_requested_at.is_some(),
            lift_reason: row.lift_reason,
            openai_project_id: row.openai_project_id,
            key_was_active: row.key_was_active,
        }
    }
}

/// The block of a thing that is not over, locked: the thing is held already.
pub(super) async fn open_of(
    conn: &mut PgConnection,
    organization: OrganizationId,
    target: Target,
) -> sqlx::Result<Option<Open>> {
    let row = sqlx::query_as!(
        OpenRow,
        r#"
        SELECT id, target_type, coalesce(admin_key_id, project_id, api_key_id) AS "target_id!", mode, cause, status,
            at_provider, reason, requested_by, lift_requested_by, lift_requested_at, lift_reason, openai_project_id,
            key_was_active
        FROM blocks
        WHERE organization_id = $1 AND coalesce(admin_key_id, project_id, api_key_id) = $2
            AND status IN ('requested', 'active')
        FOR UPDATE
        "#,
        organization as OrganizationId,
        target.id()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Into::into))
}

/// The block of a thing that is not over.
pub(super) async fn open_id(
    conn: &mut PgConnection,
    organization: OrganizationId,
    target: Target,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "
        SELECT id FROM blocks
        WHERE organization_id = $1 AND coalesce(admin_key_id, project_id, api_key_id) = $2
            AND status IN ('requested', 'active')
        ",
        organization as OrganizationId,
        target.id()
    )
    .fetch_optional(conn)
    .await
}

/// What a block stops, and how far.
pub(super) async fn target_of(
    conn: &mut PgConnection,
    organization: OrganizationId,
    block: Uuid,
) -> sqlx::Result<Option<(Target, BlockMode)>> {
    let row = sqlx::query!(
        r#"
        SELECT target_type, coalesce(admin_key_id, project_id, api_key_id) AS "target_id!", mode
        FROM blocks WHERE organization_id = $1 AND id = $2
        "#,
        organization as OrganizationId,
        block
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (Target::new(target_type(&row.target_type), row.target_id), mode(&row.mode))))
}

/// Whether something is stopped now by a block of its own.
pub(super) async fn is_stopped(
    conn: &mut PgConnection,
    organization: OrganizationId,
    target: Target,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM blocks
            WHERE organization_id = $1 AND coalesce(admin_key_id, project_id, api_key_id) = $2 AND status = 'active'
                AND mode = 'stop') AS "stopped!"
        "#,
        organization as OrganizationId,
        target.id()
    )
    .fetch_one(conn)
    .await
}

/// Stores a block, in force from now on or waiting.
pub(super) async fn insert(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    draft: &Draft,
    (team, by, active): (Option<Uuid>, Option<Uuid>, bool),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let of = |kind| (draft.target.kind() == kind).then(|| draft.target.id());
    sqlx::query!(
        "
        INSERT INTO blocks (organization_id, id, target_type, admin_key_id, project_id, api_key_id, team_id, mode,
            limit_per_minute, status, cause, alert_id, budget_id, reason, requested_by, requested_at, activated_at,
            at_provider)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
            CASE WHEN $10 = 'active' THEN $16::timestamptz END, $17)
        ",
        organization as OrganizationId,
        id,
        draft.target.kind().name(),
        of(BlockTargetType::AdminKey),
        of(BlockTargetType::Project),
        of(BlockTargetType::ApiKey),
        team,
        draft.mode.name(),
        draft.limit,
        if active { BlockStatus::Active.name() } else { BlockStatus::Requested.name() },
        draft.cause.name(),
        draft.alert,
        draft.budget,
        draft.reason,
        by,
        now,
        draft.at_provider
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Whether there is such an alert.
pub(super) async fn alert_exists(
    conn: &mut PgConnection,
    organization: OrganizationId,
    alert: Uuid,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM alerts WHERE organization_id = $1 AND id = $2) AS "exists!""#,
        organization as OrganizationId,
        alert
    )
    .fetch_one(conn)
    .await
}

/// Puts a request into force.
pub(super) async fn activate(
    conn: &mut PgConnection,
    organization: OrganizationId,
    block: Uuid,
    (by, at_provider): (Option<Uuid>, bool),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE blocks SET status = 'active', decided_by = $3, activated_at = $4, at_provider = $5
        WHERE organization_id = $1 AND id = $2
        ",
        organization as OrganizationId,
        block,
        by,
        now,
        at_provider
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Remembers what lifting puts back.
pub(super) async fn remember(
    conn: &mut PgConnection,
    organization: OrganizationId,
    block: Uuid,
    openai_project_id: Option<&str>,
    key_was_active: Option<bool>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE blocks SET openai_project_id = $3, key_was_active = $4 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        block,
        openai_project_id,
        key_was_active
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Notes that somebody asks for the lift.
pub(super) async fn request_lift(
    conn: &mut PgConnection,
    organization: OrganizationId,
    block: Uuid,
    (by, reason): (Option<Uuid>, &str),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE blocks SET lift_requested_by = $3, lift_requested_at = $4, lift_reason = $5
        WHERE organization_id = $1 AND id = $2
        ",
        organization as OrganizationId,
        block,
        by,
        now,
        reason
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Forgets that again: the block stays in force.
pub(super) async fn refuse_lift(
    conn: &mut PgConnection,
    organization: OrganizationId,
    block: Uuid,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE blocks SET lift_requested_by = NULL, lift_requested_at = NULL, lift_reason = NULL
        WHERE organization_id = $1 AND id = $2
        ",
        organization as OrganizationId,
        block
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Ends a request that never was in force.
pub(super) async fn decline(
    conn: &mut PgConnection,
    organization: OrganizationId,
    block: Uuid,
    (by, ended): (Option<Uuid>, BlockEnding),
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE blocks SET status = 'declined', decided_by = $3, ended = $4 WHERE organization_id = $1 AND id = $2",
        organization as OrganizationId,
        block,
        by,
        ended.name()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// How a block in force ends.
pub(super) struct Lift<'a> {
    pub(super) by: Option<Uuid>,
    pub(super) reason: Option<&'a str>,
    pub(super) ended: BlockEnding,
    pub(super) restoration: BlockRestoration,
}

/// Ends a block that was in force.
pub(super) async fn lift(
    conn: &mut PgConnection,
    organization: OrganizationId,
    block: Uuid,
    lift: &Lift<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE blocks SET status = 'lifted', lifted_by = $3, lifted_at = $4, lift_reason = $5, ended = $6, restoration = $7
        WHERE organization_id = $1 AND id = $2
        ",
        organization as OrganizationId,
        block,
        lift.by,
        now,
        lift.reason,
        lift.ended.name(),
        lift.restoration.name()
    )
    .execute(conn)
    .await
    .map(drop)
}

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

impl From<Row> for Block {
    fn from(row: Row) -> Self {
        let status = BlockStatus::from_name(&row.status).unwrap_or(BlockStatus::Active);
        let asked = row.lift_requested_at.filter(|_| status == BlockStatus::Active);
        let lift_request = asked.map(|at| LiftRequest {
            by: person(row.lift_requested_by, row.lift_requested_by_name),
            at,
            reason: row.lift_reason.clone().unwrap_or_default(),
        });
        Self {
            id: row.id,
            target: BlockedTarget {
                kind: target_type(&row.target_type),
                id: row.target_id,
                name: row.target_name.unwrap_or_default(),
                deleted: row.target_deleted,
            },
            team: row.team_id.zip(row.team_name).map(|(id, name)| Named { id, name, deleted: row.team_deleted }),
            mode: mode(&row.mode),
            limit_per_minute: row.limit_per_minute.map(i32::unsigned_abs),
            status,
            cause: cause(&row.cause),
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
        }
    }
}

/// Blocks, the newest first; what depends on others or on the caller is left out. Looks across organizations for this one
/// statement: whoever runs the platform may have made one without belonging here.
pub(super) async fn list(
    tx: &mut Tx,
    organization: OrganizationId,
    filter: &Filter<'_>,
    limit: i64,
) -> sqlx::Result<Vec<Block>> {
    let query = filter.query;
    db::look_across(tx, true).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT b.id, b.target_type, coalesce(b.admin_key_id, b.project_id, b.api_key_id) AS "target_id!",
            coalesce(p.name, k.key_prefix || '…' || k.last4, a.name) AS target_name,
            coalesce(p.deleted_at, k.deleted_at, a.revoked_at) IS NOT NULL AS "target_deleted!",
            t.id AS "team_id?", t.name AS "team_name?", t.deleted_at IS NOT NULL AS "team_deleted!",
            b.mode, b.limit_per_minute, b.status, b.cause, b.reason, b.alert_id, b.budget_id,
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
            AND ($4::uuid[] IS NULL OR t.id = ANY ($4) OR coalesce(p.id, o.id) = ANY ($5) OR a.created_by = $6)
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

/// What was stopped between two moments, or still was, the latest first.
///
/// # Errors
/// The database's.
pub async fn stopped_between(
    conn: &mut PgConnection,
    organization: OrganizationId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    most: i64,
) -> sqlx::Result<Vec<ReportBlock>> {
    sqlx::query_as!(
        ReportBlock,
        r#"
        SELECT b.id, b.target_type, coalesce(p.name, t.name || ' …' || k.last4, a.name, '') AS "target!",
            b.cause = 'budget' AS "by_budget!", b.activated_at AS "activated_at!", b.lifted_at
        FROM blocks b
            LEFT JOIN projects p ON p.organization_id = b.organization_id AND p.id = b.project_id
            LEFT JOIN admin_keys k ON k.organization_id = b.organization_id AND k.id = b.admin_key_id
            LEFT JOIN teams t ON t.organization_id = b.organization_id AND t.id = k.team_id
            LEFT JOIN api_keys a ON a.organization_id = b.organization_id AND a.id = b.api_key_id
        WHERE b.organization_id = $1 AND b.mode = 'stop' AND b.activated_at < $3
            AND (b.lifted_at IS NULL OR b.lifted_at >= $2)
        ORDER BY b.activated_at DESC, b.id DESC LIMIT $4
        "#,
        organization as OrganizationId,
        from,
        to,
        most
    )
    .fetch_all(conn)
    .await
}
