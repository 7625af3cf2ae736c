//! stub
use crate::features::costs::Spender;
use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;
use sqlx::PgConnection;
use uuid::Uuid;
pub struct BudgetStop {
    pub budget_id: Uuid,
    pub alert_id: Option<Uuid>,
    pub spender: Spender,
    pub reason: String,
}
pub async fn stop_for_budget(
    _: &mut PgConnection,
    _: OrganizationId,
    _: &Clock,
    _: &BudgetStop,
) -> sqlx::Result<Vec<Uuid>> {
    Ok(vec![])
}
pub async fn end_with_team(_: &mut PgConnection, _: &crate::platform::http::Ctx, _: Uuid) -> sqlx::Result<()> {
    Ok(())
}
