//! `/api/audit-log`.

use actix_web::{get, web};
use finops_contract::Page;
use finops_contract::audit::{AuditEntry, AuditQuery};

use super::store;
use crate::platform::auth::Permission;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config.service(list_audit_entries);
}

/// The changes of the organization, newest first
#[utoipa::path(tag = "audit", params(AuditQuery), responses((status = 200, description = "Changes", body = Page<AuditEntry>)))]
#[get("/audit-log")]
async fn list_audit_entries(
    ctx: Ctx,
    state: web::Data<State>,
    query: Query<AuditQuery>,
) -> ApiResult<web::Json<Page<AuditEntry>>> {
    ctx.require(Permission::AuditRead)?;
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let entries = store::list(&mut tx, ctx.organization, &query.0, &keyset).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(entries, |entry| entry.id)))
}
