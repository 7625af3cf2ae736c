//! Rows of what is stopped at the provider: who holds it, and how far it is.
//!
//! Invariant: whether a Project ID is to be stopped is asked under the lock of its row, in a statement after the one that
//! took it: what others have committed by then is seen, and whoever changes it later takes the lock too.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use finops_contract::accounts::Locale;
use finops_contract::blocks::{ProviderStop, ProviderStopMeans, ProviderStopState};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain;
use super::remembered::{self, Remembered};
use crate::platform::db::{OrganizationId, Tx};
use crate::platform::http::Ctx;
use crate::platform::jobs::{NewJob, queue};

/// The job that brings one Project ID to where it is wanted.
pub(super) const JOB: &str = "stop_at_provider";

/// What the job is given.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payload {
    pub(super) openai_project_id: String,
}

/// What a block is to stop.
pub(super) struct Hold<'a> {
    pub(super) block: Uuid,
    pub(super) team: Uuid,
    /// The key that reaches it, in use or not.
    pub(super) key: Option<Uuid>,
    pub(super) openai_project_ids: &'a [String],
}

/// The key of a team that is used, or was last.
pub(super) async fn key_of_team(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Uuid,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "
        SELECT id FROM admin_keys WHERE organization_id = $1 AND team_id = $2 AND deleted_at IS NULL
        ORDER BY is_active DESC, id DESC LIMIT 1
        ",
        organization as OrganizationId,
        team
    )
    .fetch_optional(conn)
    .await
}

/// Has Project IDs stopped for a block.
pub(super) async fn hold(tx: &mut Tx, ctx: &Ctx, hold: &Hold<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "
        INSERT INTO block_holds (organization_id, block_id, openai_project_id)
        SELECT $1, $2, id FROM unnest($3::text[]) AS ids (id)
        ",
        ctx.organization as OrganizationId,
        hold.block,
        hold.openai_project_ids
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "
        INSERT INTO provider_stops AS s (organization_id, openai_project_id, admin_key_id, team_id, state, changed_at)
        SELECT $1, id, $2, $3, 'clamping', $5 FROM unnest($4::text[]) AS ids (id) ORDER BY id
        ON CONFLICT (organization_id, openai_project_id) DO UPDATE SET
            admin_key_id = coalesce(excluded.admin_key_id, s.admin_key_id), team_id = excluded.team_id,
            state = CASE WHEN s.state = 'clamped' THEN s.state ELSE 'clamping' END,
            changed_at = CASE WHEN s.state = 'clamped' THEN s.changed_at ELSE excluded.changed_at END,
            error_code = NULL, failures = 0, left_alone = 0
        ",
        ctx.organization as OrganizationId,
        hold.key,
        hold.team,
        hold.openai_project_ids,
        ctx.now()
    )
    .execute(&mut **tx)
    .await?;
    for id in hold.openai_project_ids {
        enqueue(tx, ctx, id).await?;
    }
    Ok(())
}

/// Has limits put back after a block, unless another one in force holds them. The block is over by now.
pub(super) async fn let_go(tx: &mut Tx, ctx: &Ctx, block: Uuid) -> sqlx::Result<()> {
    let held = sqlx::query_scalar!(
        "
        SELECT s.openai_project_id FROM provider_stops s
            JOIN block_holds h ON h.organization_id = s.organization_id AND h.openai_project_id = s.openai_project_id
        WHERE h.organization_id = $1 AND h.block_id = $2 AND h.released_at IS NULL
        ORDER BY s.openai_project_id FOR UPDATE OF s
        ",
        ctx.organization as OrganizationId,
        block
    )
    .fetch_all(&mut **tx)
    .await?;
    for id in held {
        if is_wanted(tx, ctx.organization, &id).await? {
            continue;
        }
        sqlx::query!(
            "
            UPDATE provider_stops SET state = 'restoring', error_code = NULL, failures = 0, changed_at = $3
            WHERE organization_id = $1 AND openai_project_id = $2
            ",
            ctx.organization as OrganizationId,
            id,
            ctx.now()
        )
        .execute(&mut **tx)
        .await?;
        enqueue(tx, ctx, &id).await?;
    }
    Ok(())
}

/// Attempts never run out: what is wanted is wanted until somebody says otherwise.
async fn enqueue(tx: &mut Tx, ctx: &Ctx, id: &str) -> sqlx::Result<()> {
    let job = NewJob {
        organization_id: Some(ctx.organization),
        name: JOB,
        slot: &format!("{}:{id}:{}", ctx.organization, ctx.clock.new_id()),
        payload: json!(Payload { openai_project_id: id.to_owned() }),
        run_at: None,
        max_attempts: i32::MAX,
    };
    queue::enqueue(tx, &ctx.clock, job).await.map(drop)
}

/// Whether a block in force wants a Project ID stopped.
pub(super) async fn is_wanted(conn: &mut PgConnection, organization: OrganizationId, id: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM block_holds h
            JOIN blocks b ON b.organization_id = h.organization_id AND b.id = h.block_id
            WHERE h.organization_id = $1 AND h.openai_project_id = $2 AND b.status = 'active') AS "wanted!"
        "#,
        organization as OrganizationId,
        id
    )
    .fetch_one(conn)
    .await
}

/// Whether limits are still to be put back with a key. Where the provider refuses, the key puts nothing back.
pub(super) async fn need_key(conn: &mut PgConnection, organization: OrganizationId, key: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM provider_stops
            WHERE organization_id = $1 AND admin_key_id = $2 AND state <> 'restored'
                AND coalesce(error_code, '') NOT IN ('unauthorized', 'rejected', 'project_not_found')) AS "needed!"
        "#,
        organization as OrganizationId,
        key
    )
    .fetch_one(conn)
    .await
}

/// How one Project ID stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    /// Whether it is to be stopped.
    pub(super) wanted: bool,
    /// Where it is, but for a failure.
    pub(super) state: ProviderStopState,
    pub(super) means: Option<ProviderStopMeans>,
    pub(super) key: Option<Uuid>,
    pub(super) team: Uuid,
    pub(super) error_code: Option<String>,
    /// What was there before.
    pub(super) limits: Vec<Remembered>,
}

impl Stop {
    /// Whether it is where it is wanted.
    pub(super) fn is_settled(&self) -> bool {
        let wanted = if self.wanted { ProviderStopState::Clamped } else { ProviderStopState::Restored };
        self.state == wanted
    }
}

/// What somebody who wants to work on a Project ID is told.
pub(super) enum Taken {
    /// It is theirs, for longer than any call takes.
    Mine(Stop),
    /// Another job is at it.
    Busy,
    /// There is no such thing.
    Gone,
}

fn state_of(name: &str) -> ProviderStopState {
    // The table's CHECK allows no other.
    ProviderStopState::from_name(name).unwrap_or(ProviderStopState::Clamping)
}

/// Locks a Project ID for a job and says how it stands, now that nobody can change that; the lease lasts longer than any call.
pub(super) async fn take(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: &str,
    job: Uuid,
) -> sqlx::Result<Taken> {
    let row = sqlx::query!(
        r#"
        SELECT state, means, admin_key_id, team_id, error_code,
            coalesce(lease_owner <> $3 AND lease_until > now(), false) AS "busy!"
        FROM provider_stops WHERE organization_id = $1 AND openai_project_id = $2 FOR UPDATE
        "#,
        organization as OrganizationId,
        id,
        job
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(Taken::Gone) };
    if row.busy {
        return Ok(Taken::Busy);
    }
    sqlx::query!(
        "
        UPDATE provider_stops SET lease_owner = $3, lease_until = now() + interval '5 minutes'
        WHERE organization_id = $1 AND openai_project_id = $2
        ",
        organization as OrganizationId,
        id,
        job
    )
    .execute(&mut *conn)
    .await?;
    Ok(Taken::Mine(Stop {
        wanted: is_wanted(conn, organization, id).await?,
        state: state_of(&row.state),
        means: row.means.as_deref().and_then(ProviderStopMeans::from_name),
        key: row.admin_key_id,
        team: row.team_id,
        error_code: row.error_code,
        limits: remembered::of(conn, organization, id).await?,
    }))
}

/// Lets others work on a Project ID.
pub(super) async fn release(conn: &mut PgConnection, organization: OrganizationId, id: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE provider_stops SET lease_owner = NULL, lease_until = NULL
        WHERE organization_id = $1 AND openai_project_id = $2
        ",
        organization as OrganizationId,
        id
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Writes down that a Project ID is stopped, by what means; if that is not wanted any more, that it goes on from there.
pub(super) async fn clamped(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: &str,
    (means, wanted): (ProviderStopMeans, bool),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE provider_stops SET state = CASE WHEN $4 THEN 'clamped' ELSE 'restoring' END, means = $3, error_code = NULL,
            failures = 0, changed_at = $5
        WHERE organization_id = $1 AND openai_project_id = $2
        ",
        organization as OrganizationId,
        id,
        means.name(),
        wanted,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Writes down that limits are back, but for some that somebody else has changed; if it is wanted again, that it goes on from
/// there. What they were is forgotten.
pub(super) async fn restored(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: &str,
    (left_alone, wanted): (i32, bool),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    remembered::forget(conn, organization, id).await?;
    sqlx::query!(
        "
        UPDATE provider_stops SET state = CASE WHEN $4 THEN 'clamping' ELSE 'restored' END, left_alone = $3,
            error_code = NULL, failures = 0, changed_at = $5
        WHERE organization_id = $1 AND openai_project_id = $2
        ",
        organization as OrganizationId,
        id,
        left_alone,
        wanted,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "
        UPDATE block_holds h SET released_at = $3 FROM blocks b
        WHERE h.organization_id = $1 AND h.openai_project_id = $2 AND h.released_at IS NULL
            AND b.organization_id = h.organization_id AND b.id = h.block_id AND b.status <> 'active'
        ",
        organization as OrganizationId,
        id,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Writes down why an attempt failed, and lets others try.
pub(super) async fn failed(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: &str,
    code: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE provider_stops SET error_code = $3, failures = failures + 1, lease_owner = NULL, lease_until = NULL
        WHERE organization_id = $1 AND openai_project_id = $2
        ",
        organization as OrganizationId,
        id,
        code
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The blocks that a Project ID is held by and that are in force, or that were and wait for its limits; each with the name of
/// what it stops.
pub(super) async fn holders(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: &str,
    in_force: bool,
) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        r#"
        SELECT b.id, coalesce(p.name, k.key_prefix || '…' || k.last4, '') AS "name!"
        FROM block_holds h
            JOIN blocks b ON b.organization_id = h.organization_id AND b.id = h.block_id
            LEFT JOIN projects p ON p.organization_id = b.organization_id AND p.id = b.project_id
            LEFT JOIN admin_keys k ON k.organization_id = b.organization_id AND k.id = b.admin_key_id
        WHERE h.organization_id = $1 AND h.openai_project_id = $2 AND h.released_at IS NULL
            AND (b.status = 'active') = $3
        ORDER BY b.id
        "#,
        organization as OrganizationId,
        id,
        in_force
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// How the provider stands with each of some blocks.
pub(super) async fn of_blocks(
    conn: &mut PgConnection,
    organization: OrganizationId,
    blocks: &[Uuid],
    locale: Locale,
) -> sqlx::Result<HashMap<Uuid, Vec<ProviderStop>>> {
    let rows = sqlx::query!(
        r#"
        SELECT h.block_id, h.openai_project_id, h.released_at, s.state, s.means, s.error_code, s.failures, s.left_alone,
            s.changed_at, EXISTS (SELECT FROM block_holds o
                JOIN blocks b ON b.organization_id = o.organization_id AND b.id = o.block_id
                WHERE o.organization_id = $1 AND o.openai_project_id = h.openai_project_id AND b.status = 'active') AS "wanted!"
        FROM block_holds h JOIN provider_stops s
            ON s.organization_id = h.organization_id AND s.openai_project_id = h.openai_project_id
        WHERE h.organization_id = $1 AND h.block_id = ANY ($2)
        ORDER BY h.openai_project_id
        "#,
        organization as OrganizationId,
        blocks
    )
    .fetch_all(conn)
    .await?;
    let mut all: HashMap<Uuid, Vec<ProviderStop>> = HashMap::new();
    for row in rows {
        // What came after its limits were put back is another block's.
        let released = row.released_at;
        let error_code = row.error_code.filter(|_| released.is_none());
        let state = match (released, &error_code) {
            (Some(_), _) => ProviderStopState::Restored,
            (None, Some(_)) => ProviderStopState::Failed,
            (None, None) => state_of(&row.state),
        };
        all.entry(row.block_id).or_default().push(ProviderStop {
            openai_project_id: row.openai_project_id,
            state,
            wanted: released.is_none() && row.wanted,
            means: row.means.as_deref().and_then(ProviderStopMeans::from_name),
            error: error_code.as_deref().map(|code| domain::trouble(code, locale).to_owned()),
            error_code,
            failures: if released.is_none() { row.failures } else { 0 },
            left_alone: row.left_alone,
            changed_at: released.unwrap_or(row.changed_at),
        });
    }
    Ok(all)
}
