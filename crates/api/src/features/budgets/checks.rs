//! Which organizations' budgets are to be held against their spending again: told by whoever changed either, in the change's
//! own transaction, so that no replica that dies takes the news with it.

use sqlx::PgConnection;
use uuid::Uuid;

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

/// Whose budgets are to be checked. Asked in the platform's scope.
///
/// # Errors
/// When the database fails.
pub async fn to_check(conn: &mut PgConnection) -> sqlx::Result<Vec<OrganizationId>> {
    let ids: Vec<Uuid> =
        sqlx::query_scalar!("SELECT DISTINCT organization_id FROM budget_checks").fetch_all(conn).await?;
    Ok(ids.into_iter().map(OrganizationId).collect())
}

/// What was said of an organization so far: what to call [`checked`] with after a check that begins now.
///
/// # Errors
/// When the database fails.
pub async fn said(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!("SELECT id FROM budget_checks WHERE organization_id = $1", organization as OrganizationId)
        .fetch_all(conn)
        .await
}

/// Strikes off what a check has answered.
///
/// # Errors
/// When the database fails.
pub async fn checked(conn: &mut PgConnection, organization: OrganizationId, said: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM budget_checks WHERE organization_id = $1 AND id = ANY ($2)",
        organization as OrganizationId,
        said
    )
    .execute(conn)
    .await
    .map(drop)
}
