//! Rows of blocks.

use chrono::{DateTime, Utc};
use finops_contract::blocks::{BlockCause, BlockEnding, BlockMode, BlockRestoration, BlockStatus, BlockTargetType};
use finops_contract::reports::ReportBlock;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{Draft, Target};
use crate::platform::db::OrganizationId;

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
pub(super) fn target_type(name: &str) -> BlockTargetType {
    BlockTargetType::from_name(name).unwrap_or(BlockTargetType::Project)
}

pub(super) fn mode(name: &str) -> BlockMode {
    BlockMode::from_name(name).unwrap_or(BlockMode::Stop)
}

pub(super) fn cause(name: &str) -> BlockCause {
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

/// The blocks of a thing that are not over: what is in force, then what waits for a second person. Who holds the thing knows
/// that they stay so.
pub(super) async fn open_of(
    conn: &mut PgConnection,
    organization: OrganizationId,
    target: Target,
) -> sqlx::Result<Vec<Open>> {
    let rows = sqlx::query_as!(
        OpenRow,
        r#"
        SELECT id, target_type, coalesce(admin_key_id, project_id, api_key_id) AS "target_id!", mode, cause, status,
            at_provider, reason, requested_by, lift_requested_by, lift_requested_at, lift_reason, openai_project_id,
            key_was_active
        FROM blocks
        WHERE organization_id = $1 AND coalesce(admin_key_id, project_id, api_key_id) = $2
            AND status IN ('requested', 'active')
        ORDER BY status
        "#,
        organization as OrganizationId,
        target.id()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
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
            at_provider, reason_en)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
            CASE WHEN $10 = 'active' THEN $16::timestamptz END, $17, $18)
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
        draft.at_provider,
        draft.reason_en
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

/// The Project IDs that blocks in force took away from projects of a team: they stand for nobody now, and are theirs again
/// after the lift.
pub(super) async fn taken_away(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Uuid,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        SELECT DISTINCT b.openai_project_id AS "id!"
        FROM blocks b JOIN projects p ON p.organization_id = b.organization_id AND p.id = b.project_id
        WHERE b.organization_id = $1 AND p.team_id = $2 AND p.deleted_at IS NULL AND b.status = 'active'
            AND b.openai_project_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM projects o WHERE o.organization_id = $1 AND o.openai_project_id = b.openai_project_id)
        "#,
        organization as OrganizationId,
        team
    )
    .fetch_all(conn)
    .await
}

/// How far a block of one of its Admin keys stops a team: the strictest there is.
pub(super) async fn holding_team(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Uuid,
) -> sqlx::Result<Option<BlockMode>> {
    let found = sqlx::query_scalar!(
        "
        SELECT b.mode FROM blocks b JOIN admin_keys k ON k.organization_id = b.organization_id AND k.id = b.admin_key_id
        WHERE b.organization_id = $1 AND k.team_id = $2 AND b.status = 'active' ORDER BY b.mode LIMIT 1
        ",
        organization as OrganizationId,
        team
    )
    .fetch_optional(conn)
    .await?;
    // By name a stop comes before a throttle.
    Ok(found.as_deref().map(mode))
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

/// Whether something that was stopped with an alert is stopped still.
///
/// # Errors
/// When the database fails.
pub async fn stopped_with(conn: &mut PgConnection, organization: OrganizationId, alert: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM blocks WHERE organization_id = $1 AND alert_id = $2 AND status = 'active') AS "stopped!""#,
        organization as OrganizationId,
        alert
    )
    .fetch_one(conn)
    .await
}
