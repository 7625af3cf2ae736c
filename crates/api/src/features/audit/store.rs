//! Rows of the audit log.

use chrono::{DateTime, Utc};
use finops_contract::audit::{Actor as ActorDto, AuditEntry, AuditQuery};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::platform::db::OrganizationId;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::{Actor, Ctx};

/// What was done, to what.
#[derive(Debug)]
pub struct Change {
    action: &'static str,
    target_type: &'static str,
    target_id: Option<Uuid>,
    target_name: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
}

impl Change {
    /// A change to one thing: `<subject>.<verb>`, the id and the name it has now.
    pub fn new(action: &'static str, target_id: Uuid, target_name: impl Into<String>) -> Self {
        let target_type = action.split('.').next().unwrap_or_default();
        let target_name = Some(target_name.into());
        Self { action, target_type, target_id: Some(target_id), target_name, before: None, after: None }
    }

    /// The changed fields as they were. DTOs only: they never hold a secret.
    #[must_use]
    pub fn before(mut self, value: impl Serialize) -> Self {
        self.before = serde_json::to_value(value).ok();
        self
    }

    /// The changed fields as they are from now on.
    #[must_use]
    pub fn after(mut self, value: impl Serialize) -> Self {
        self.after = serde_json::to_value(value).ok();
        self
    }
}

/// Writes a change down, in the transaction that makes it.
pub async fn record(conn: &mut PgConnection, ctx: &Ctx, change: Change) -> sqlx::Result<()> {
    let (actor_type, actor_id, actor_name) = match &ctx.actor {
        Actor::User { id, email } => ("user", Some(*id), email.as_str()),
        Actor::ApiKey { id, name } => ("api_key", Some(*id), name.as_str()),
        Actor::System { job } => ("system", None, *job),
        Actor::Cli => ("cli", None, "finops"),
    };
    sqlx::query!(
        "
        INSERT INTO audit_log (organization_id, id, at, actor_type, actor_id, actor_name, action, target_type, target_id,
            target_name, before, after, request_id, ip)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ",
        ctx.organization as OrganizationId,
        ctx.clock.new_id(),
        ctx.now(),
        actor_type,
        actor_id,
        actor_name,
        change.action,
        change.target_type,
        change.target_id,
        change.target_name,
        change.before,
        change.after,
        ctx.request_id,
        ctx.ip
    )
    .execute(conn)
    .await
    .map(drop)
}

struct Row {
    id: Uuid,
    at: DateTime<Utc>,
    actor_type: String,
    actor_id: Option<Uuid>,
    actor_name: String,
    action: String,
    target_type: String,
    target_id: Option<Uuid>,
    target_name: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
    request_id: Option<String>,
    ip: Option<String>,
}

impl From<Row> for AuditEntry {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            at: row.at,
            actor: ActorDto { kind: row.actor_type, id: row.actor_id, name: row.actor_name },
            action: row.action,
            target_type: row.target_type,
            target_id: row.target_id,
            target_name: row.target_name,
            before: row.before,
            after: row.after,
            request_id: row.request_id,
            ip: row.ip,
        }
    }
}

/// What was done to one thing, newest first.
///
/// # Errors
/// The database's.
pub async fn history(
    conn: &mut PgConnection,
    organization: OrganizationId,
    target: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<AuditEntry>> {
    let query = AuditQuery { target_id: Some(target), ..AuditQuery::default() };
    list(conn, organization, &query, &Keyset { limit: limit - 1, after: None }).await
}

/// The changes of an organization, newest first.
pub(super) async fn list(
    conn: &mut PgConnection,
    organization: OrganizationId,
    query: &AuditQuery,
    keyset: &Keyset<Uuid>,
) -> sqlx::Result<Vec<AuditEntry>> {
    let subject = query.action.as_deref().filter(|action| action.ends_with('.'));
    let action = query.action.as_deref().filter(|action| !action.ends_with('.'));
    let rows = sqlx::query_as!(
        Row,
        "
        SELECT id, at, actor_type, actor_id, actor_name, action, target_type, target_id, target_name, before, after,
            request_id, ip
        FROM audit_log
        WHERE organization_id = $1
            AND ($2::uuid IS NULL OR id < $2)
            AND ($3::text IS NULL OR action = $3)
            AND ($4::text IS NULL OR starts_with(action, $4))
            AND ($5::uuid IS NULL OR target_id = $5)
            AND ($6::uuid IS NULL OR actor_id = $6)
            AND ($7::timestamptz IS NULL OR at >= $7)
            AND ($8::timestamptz IS NULL OR at < $8)
        ORDER BY id DESC
        LIMIT $9
        ",
        organization as OrganizationId,
        keyset.after,
        action,
        subject,
        query.target_id,
        query.actor_id,
        query.from,
        query.to,
        keyset.fetch()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}
