//! Models that events have no price of.

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::reprices::{UnpricedModel, UnpricedQuery};
use finops_contract::{ErrorCode, Quantities};
use sqlx::PgConnection;

use crate::features::prices::{Book, Lookup, Priced};
use crate::features::teams;
use crate::platform::db::OrganizationId;
use crate::platform::http::{ApiResult, Ctx};

/// How far is looked back by default.
const DEFAULT: TimeDelta = TimeDelta::days(30);
/// Models that are listed.
const SHOWN: i64 = 200;

/// Models with events that have no price, among what the caller sees; the most first.
///
/// # Errors
/// `range_too_large`.
pub(super) async fn list(
    conn: &mut PgConnection,
    ctx: &Ctx,
    book: &Book,
    query: &UnpricedQuery,
) -> ApiResult<Vec<UnpricedModel>> {
    let to = query.to.unwrap_or_else(|| ctx.now() + TimeDelta::minutes(5));
    let from = query.from.unwrap_or_else(|| to - DEFAULT);
    if from >= to {
        return Err(ErrorCode::RangeTooLarge.into());
    }
    let sees = teams::visibility(conn, ctx).await?;
    let rows = sqlx::query!(
        r#"
        SELECT provider AS "provider!", model AS "model!", sum(unpriced)::bigint AS "events!", min(hour) AS "first_seen!", max(hour) AS "last_seen!"
        FROM usage_sums
        WHERE organization_id = $1 AND hour >= date_trunc('hour', $2::timestamptz, 'UTC') AND hour < $3
            AND ($4::uuid[] IS NULL OR team_id = ANY ($4) OR project_id = ANY ($5)) AND unpriced > 0
        GROUP BY provider, model ORDER BY 3 DESC, provider, model LIMIT $6
        "#,
        ctx.organization as OrganizationId,
        from,
        to,
        sees.teams(),
        sees.projects(),
        SHOWN
    )
    .fetch_all(conn)
    .await?;
    let models = rows.into_iter().map(|row| UnpricedModel {
        reason: reason(book, &row.provider, &row.model, ctx.now()),
        provider: row.provider,
        model: row.model,
        events: row.events,
        first_seen: row.first_seen,
        last_seen: row.last_seen,
    });
    Ok(models.collect())
}

/// Why a call of a model has no price now.
fn reason(book: &Book, provider: &str, model: &str, at: DateTime<Utc>) -> Option<String> {
    let nothing = Quantities::default();
    let lookup = Lookup { provider, model, tier: None, region: None, at, quantities: &nothing };
    match book.price(&lookup) {
        Priced::Unpriced { reason } => Some(reason.name().to_owned()),
        Priced::Priced { .. } | Priced::Free { .. } => None,
    }
}
