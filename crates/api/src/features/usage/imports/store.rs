//! Rows of imports.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::projects::Environment;
use finops_contract::usage_imports::{ImportFormat, ImportState, RejectedLine, UsageImport};
use finops_contract::{ErrorCode, FieldError};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::ingest::Sender;
use super::super::reject::Reject;
use super::upload::Chain;
use crate::features::teams::Visibility;
use crate::platform::db::OrganizationId;
use crate::platform::http::ApiError;

/// Refused lines that are kept; all are counted.
const KEPT_REJECTS: i64 = 1_000;

/// A row.
#[derive(Clone, Debug)]
pub(super) struct Import {
    pub(super) id: Uuid,
    pub(super) name: Option<String>,
    pub(super) format: ImportFormat,
    pub(super) state: ImportState,
    pub(super) sender: Sender,
    pub(super) received_bytes: u64,
    pub(super) next_line: u64,
    pub(super) chain: Chain,
    pub(super) columns: Option<Vec<String>>,
    pub(super) lines: u64,
    accepted: u64,
    duplicates: u64,
    rejected: u64,
    error: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    uploaded_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

impl Import {
    /// As callers see it.
    pub(super) fn shown(self, rejects: Vec<RejectedLine>) -> UsageImport {
        UsageImport {
            id: self.id,
            name: self.name,
            format: self.format,
            state: self.state,
            received_bytes: self.received_bytes,
            lines: self.lines,
            processed: self.accepted + self.duplicates + self.rejected,
            accepted: self.accepted,
            duplicates: self.duplicates,
            rejected: self.rejected,
            rejects,
            error: self.error,
            created_at: self.created_at,
            uploaded_at: self.uploaded_at,
            finished_at: self.finished_at,
        }
    }
}

/// The upload is not where the caller thinks.
pub(super) fn elsewhere() -> ApiError {
    let field = FieldError {
        pointer: "/offset".into(),
        code: "offset".into(),
        message: "must be the import's receivedBytes while it is uploading".into(),
    };
    ApiError { fields: vec![field], ..ApiError::new(ErrorCode::ImportOffset) }
}

/// Makes one.
pub(super) async fn create(
    conn: &mut PgConnection,
    sender: &Sender,
    created_by: Uuid,
    (id, format, name): (Uuid, ImportFormat, Option<&str>),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let chain = Chain::begin(format);
    sqlx::query!(
        "
        INSERT INTO usage_imports (organization_id, id, name, format, state, created_by, api_key_id, project_id,
            environment, sees_teams, sees_projects, digest, created_at, updated_at)
        VALUES ($1, $2, $3, $4, 'uploading', $5, $6, $7, $8, $9, $10, $11, $12, $12)
        ",
        sender.organization as OrganizationId,
        id,
        name,
        format.name(),
        created_by,
        sender.api_key,
        sender.bound,
        sender.environment.map(Environment::name),
        sender.sees.teams(),
        sender.sees.projects(),
        chain.0.as_slice(),
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Imports of an organization: one, or those before an id, of one maker or of all; the newest first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filter {
    pub(super) id: Option<Uuid>,
    pub(super) maker: Option<Uuid>,
    pub(super) after: Option<Uuid>,
}

/// Finds them.
pub(super) async fn list(
    conn: &mut PgConnection,
    organization: OrganizationId,
    filter: Filter,
    limit: i64,
) -> sqlx::Result<Vec<Import>> {
    let rows = sqlx::query!(
        "
        SELECT id, name, format, state, api_key_id, project_id, environment, sees_teams, sees_projects, received_bytes,
            next_line, digest, columns, lines, accepted, duplicates, rejected, error, created_at, uploaded_at, finished_at
        FROM usage_imports
        WHERE organization_id = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR created_by = $3)
            AND ($4::uuid IS NULL OR id < $4)
        ORDER BY id DESC LIMIT $5
        ",
        organization as OrganizationId,
        filter.id,
        filter.maker,
        filter.after,
        limit
    )
    .fetch_all(conn)
    .await?;
    let import = rows.into_iter().map(|row| Import {
        id: row.id,
        name: row.name,
        // The table's CHECKs allow no other.
        format: ImportFormat::from_name(&row.format).unwrap_or(ImportFormat::Ndjson),
        state: ImportState::from_name(&row.state).unwrap_or(ImportState::Cancelled),
        sender: Sender {
            organization,
            sees: match (row.sees_teams, row.sees_projects) {
                (None, None) => Visibility::Everything,
                (teams, projects) => {
                    Visibility::Only { teams: teams.unwrap_or_default(), projects: projects.unwrap_or_default() }
                }
            },
            bound: row.project_id,
            environment: row.environment.as_deref().and_then(Environment::from_name),
            api_key: row.api_key_id,
        },
        received_bytes: row.received_bytes.cast_unsigned(),
        next_line: row.next_line.cast_unsigned(),
        chain: chain(&row.digest),
        columns: row.columns,
        lines: row.lines.cast_unsigned(),
        accepted: row.accepted.cast_unsigned(),
        duplicates: row.duplicates.cast_unsigned(),
        rejected: row.rejected.cast_unsigned(),
        error: row.error,
        created_at: row.created_at,
        uploaded_at: row.uploaded_at,
        finished_at: row.finished_at,
    });
    Ok(import.collect())
}

fn chain(digest: &[u8]) -> Chain {
    // The table's CHECKs allow no other length.
    Chain(std::array::from_fn(|place| digest.get(place).copied().unwrap_or_default()))
}

/// The refused lines that are kept of one.
pub(super) async fn rejects(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
) -> sqlx::Result<Vec<RejectedLine>> {
    let rows = sqlx::query!(
        "
        SELECT line, code, pointer, message FROM usage_import_rejects
        WHERE organization_id = $1 AND import_id = $2 ORDER BY line LIMIT $3
        ",
        organization as OrganizationId,
        id,
        KEPT_REJECTS
    )
    .fetch_all(conn)
    .await?;
    let line = rows.into_iter().map(|row| RejectedLine {
        line: row.line.cast_unsigned(),
        code: row.code,
        pointer: row.pointer,
        message: row.message,
    });
    Ok(line.collect())
}

/// What is put away of an upload at a time.
#[derive(Debug)]
pub(super) struct Part {
    /// The chain before its first line.
    pub(super) chain: Chain,
    pub(super) numbers: Vec<i64>,
    pub(super) texts: Vec<String>,
    pub(super) rejects: Vec<(i64, Reject)>,
    /// Bytes of the request that were put away before it.
    pub(super) whole: u64,
}

impl Part {
    pub(super) fn new(chain: Chain) -> Self {
        Self { chain, numbers: Vec::new(), texts: Vec::new(), rejects: Vec::new(), whole: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len() + self.rejects.len()
    }
}

/// Puts a part away and says how far the upload is; false if it was not where it was thought to be.
pub(super) async fn put_away(
    conn: &mut PgConnection,
    organization: OrganizationId,
    import: &mut Import,
    before: u64,
    part: &Part,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let row = sqlx::query!(
        "
        UPDATE usage_imports SET received_bytes = $4, next_line = $5, digest = $6, columns = $7,
            lines = lines + $8 + $9, rejected = rejected + $9, slices = slices + 1, updated_at = $10
        WHERE organization_id = $1 AND id = $2 AND state = 'uploading' AND received_bytes = $3
        RETURNING slices, lines, rejected
        ",
        organization as OrganizationId,
        import.id,
        before.cast_signed(),
        import.received_bytes.cast_signed(),
        import.next_line.cast_signed(),
        import.chain.0.as_slice(),
        import.columns.as_deref(),
        count(part.texts.len()),
        count(part.rejects.len()),
        now
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(false) };
    (import.lines, import.rejected) = (row.lines.cast_unsigned(), row.rejected.cast_unsigned());
    keep_rejects(conn, organization, import.id, &part.rejects).await?;
    if !part.texts.is_empty() {
        sqlx::query!(
            "
            INSERT INTO usage_import_slices (organization_id, import_id, number, digest, line_numbers, texts)
            VALUES ($1, $2, $3, $4, $5, $6)
            ",
            organization as OrganizationId,
            import.id,
            row.slices,
            part.chain.0.as_slice(),
            &part.numbers,
            &part.texts
        )
        .execute(conn)
        .await?;
    }
    Ok(true)
}

/// Keeps refused lines, as long as there is room.
async fn keep_rejects(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    rejects: &[(i64, Reject)],
) -> sqlx::Result<()> {
    if rejects.is_empty() {
        return Ok(());
    }
    let (lines, texts): (Vec<i64>, Vec<&Reject>) = rejects.iter().map(|(line, reject)| (*line, reject)).unzip();
    let codes: Vec<String> = texts.iter().map(|reject| reject.code.name().to_owned()).collect();
    let pointers: Vec<String> = texts.iter().map(|reject| reject.pointer.replace('\0', "")).collect();
    let messages: Vec<String> = texts.iter().map(|reject| reject.message.replace('\0', "")).collect();
    sqlx::query!(
        "
        INSERT INTO usage_import_rejects (organization_id, import_id, line, code, pointer, message)
        SELECT $1, $2, t.line, t.code, t.pointer, t.message
        FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[]) AS t (line, code, pointer, message)
        ORDER BY t.line
        LIMIT greatest(0, $7 - (SELECT count(*) FROM usage_import_rejects WHERE organization_id = $1 AND import_id = $2))
        ON CONFLICT DO NOTHING
        ",
        organization as OrganizationId,
        id,
        &lines,
        &codes,
        &pointers,
        &messages,
        KEPT_REJECTS
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Moves one from a state to another; false if it was in none of those.
pub(super) async fn enter_state(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    (from, to): (&[ImportState], ImportState),
    error: Option<&str>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let from: Vec<String> = from.iter().map(|state| state.name().to_owned()).collect();
    let done = sqlx::query!(
        "
        UPDATE usage_imports SET state = $4, error = $5, updated_at = $6,
            uploaded_at = CASE WHEN $4 = 'queued' THEN $6 ELSE uploaded_at END,
            finished_at = CASE WHEN $4 IN ('done', 'cancelled') THEN $6 END
        WHERE organization_id = $1 AND id = $2 AND state = ANY ($3)
        ",
        organization as OrganizationId,
        id,
        &from,
        to.name(),
        error,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Forgets what waits of one.
pub(super) async fn drop_slices(conn: &mut PgConnection, organization: OrganizationId, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM usage_import_slices WHERE organization_id = $1 AND import_id = $2",
        organization as OrganizationId,
        id
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Uploads of an organization with which nobody went on for this long.
pub(super) async fn abandoned(
    conn: &mut PgConnection,
    organization: OrganizationId,
    before: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM usage_imports WHERE organization_id = $1 AND state = 'uploading' AND updated_at < $2",
        organization as OrganizationId,
        before
    )
    .fetch_all(conn)
    .await
}

/// A slice that waits.
#[derive(Debug)]
pub(super) struct Slice {
    pub(super) number: i32,
    pub(super) chain: Chain,
    pub(super) numbers: Vec<i64>,
    pub(super) texts: Vec<String>,
    /// When it was first begun, if it was begun before.
    pub(super) begun_at: Option<DateTime<Utc>>,
}

/// The first slice that waits, which is begun now unless it was before.
pub(super) async fn begin_slice(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Slice>> {
    let row = sqlx::query!(
        "
        SELECT number, digest, line_numbers, texts, started_at FROM usage_import_slices
        WHERE organization_id = $1 AND import_id = $2 ORDER BY number LIMIT 1 FOR UPDATE
        ",
        organization as OrganizationId,
        id
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.started_at.is_none() {
        sqlx::query!(
            "UPDATE usage_import_slices SET started_at = $4 WHERE organization_id = $1 AND import_id = $2 AND number = $3",
            organization as OrganizationId,
            id,
            row.number,
            now
        )
        .execute(conn)
        .await?;
    }
    Ok(Some(Slice {
        number: row.number,
        chain: chain(&row.digest),
        numbers: row.line_numbers,
        texts: row.texts,
        begun_at: row.started_at,
    }))
}

/// What became of a slice's lines.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) accepted: i64,
    pub(super) duplicates: i64,
    pub(super) rejects: Vec<(i64, Reject)>,
}

/// Deletes a slice and adds what became of its lines; false if it is gone already.
pub(super) async fn end_slice(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: Uuid,
    number: i32,
    tally: &Tally,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let gone = sqlx::query!(
        "DELETE FROM usage_import_slices WHERE organization_id = $1 AND import_id = $2 AND number = $3",
        organization as OrganizationId,
        id,
        number
    )
    .execute(&mut *conn)
    .await?;
    if gone.rows_affected() == 0 {
        return Ok(false);
    }
    keep_rejects(conn, organization, id, &tally.rejects).await?;
    sqlx::query!(
        "
        UPDATE usage_imports SET accepted = accepted + $3, duplicates = duplicates + $4, rejected = rejected + $5,
            updated_at = $6
        WHERE organization_id = $1 AND id = $2
        ",
        organization as OrganizationId,
        id,
        tally.accepted,
        tally.duplicates,
        i64::try_from(tally.rejects.len()).unwrap_or(i64::MAX),
        now
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// Which of these ids were stored at this time or later. A second is left for clocks that differ.
pub(super) async fn stored_since(
    conn: &mut PgConnection,
    organization: OrganizationId,
    keys: &[Uuid],
    since: DateTime<Utc>,
) -> sqlx::Result<HashSet<Uuid>> {
    let keys = sqlx::query_scalar!(
        "
        SELECT event_key FROM usage_event_ids
        WHERE organization_id = $1 AND event_key = ANY ($2) AND received_at >= $3
        ",
        organization as OrganizationId,
        keys,
        since - TimeDelta::seconds(1)
    )
    .fetch_all(conn)
    .await?;
    Ok(keys.into_iter().collect())
}
