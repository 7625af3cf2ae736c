//! Which organizations' budgets are to be held against their spending again: told by whoever changed either, in the change's
//! own transaction, so that no replica that dies takes the news with it.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::platform::db::OrganizationId;

/// Says that an organization's spending, or what it is held against, changes with this transaction.
///
/// # Errors
/// When the database fails.
pub async fn check_soon(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<()> {
    sqlx::query!("INSERT INTO budget_checks (organization_id) VALUES ($1)", organization as OrganizationId)
        .execute(conn)
        .await
        .map(drop)
}

/// Whose budgets are to be checked now, each with whether its past periods were put off until now at the latest. Asked in the
/// platform's scope.
///
/// # Errors
/// When the database fails.
pub async fn to_check(conn: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Vec<(OrganizationId, bool)>> {
    let rows = sqlx::query!(
        r#"
        SELECT organization_id, bool_or(past_from IS NOT NULL) AS "past!" FROM budget_checks
        WHERE past_from IS NULL OR past_from <= $1 GROUP BY organization_id ORDER BY min(id)
        "#,
        now
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (OrganizationId(row.organization_id), row.past)).collect())
}

/// What was said of an organization when it was asked.
#[derive(Debug, Default)]
pub struct Said {
    changes: Vec<i64>,
    put_off: Vec<i64>,
}

/// What was said of an organization so far: what to call [`checked`] with after a check that begins now.
///
/// # Errors
/// When the database fails.
pub async fn said(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Said> {
    let rows = sqlx::query!(
        r#"SELECT id, past_from IS NOT NULL AS "put_off!" FROM budget_checks WHERE organization_id = $1"#,
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await?;
    let mut said = Said::default();
    for row in rows {
        if row.put_off { &mut said.put_off } else { &mut said.changes }.push(row.id);
    }
    Ok(said)
}

/// Strikes off what a check has answered. Where it left past periods for later, that is what remains to be done.
///
/// # Errors
/// When the database fails.
pub async fn checked(
    conn: &mut PgConnection,
    organization: OrganizationId,
    said: &Said,
    past_from: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    let mut answered: Vec<i64> = said.changes.clone();
    if past_from.is_none() {
        answered.extend(&said.put_off);
    }
    sqlx::query!(
        "DELETE FROM budget_checks WHERE organization_id = $1 AND id = ANY ($2)",
        organization as OrganizationId,
        &answered
    )
    .execute(&mut *conn)
    .await?;
    if past_from.is_some() && said.put_off.is_empty() && !said.changes.is_empty() {
        sqlx::query!(
            "INSERT INTO budget_checks (organization_id, past_from) VALUES ($1, $2)",
            organization as OrganizationId,
            past_from
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}
