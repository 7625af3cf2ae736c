//! Alerts about calls that have no price: one a model, until it has one or somebody resolves it. However many models come up at
//! once, their messages are one group.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::alerts::{AlertKind, AlertSeverity, UnpricedCalls};
use finops_contract::budgets::AlertAction;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{self, Facts};
use super::ending::end;
use super::find::Place;
use super::message::Told;
use super::store::{self, New};
use super::telling::tell;
use crate::features::budgets;
use crate::platform::db::OrganizationId;
use crate::platform::http::ApiResult;
use crate::platform::state::State;

/// How far is looked back.
const LOOKS_BACK: TimeDelta = TimeDelta::days(7);
/// How long a model is left alone after somebody resolved its alert.
const LEFT_ALONE: TimeDelta = TimeDelta::days(1);
/// Alerts that one check raises; the next ones raise the rest.
const AT_A_TIME: usize = 100;

/// What is done about calls without a price, if nobody said otherwise.
pub(super) const DEFAULT: (bool, AlertAction) = (true, AlertAction::Both);

/// Raises and resolves alerts about calls without a price.
pub(super) async fn check(
    state: &State,
    conn: &mut PgConnection,
    place: &Place<'_>,
    now: DateTime<Utc>,
) -> ApiResult<()> {
    let organization = place.organization;
    let (enabled, action) = store::rule(conn, organization, AlertKind::Unpriced).await?.unwrap_or(DEFAULT);
    let models = if enabled { unpriced(conn, organization, now).await? } else { Vec::new() };
    let mut open = store::open_by_key(conn, organization, AlertKind::Unpriced).await?;
    let left_alone = store::resolved_since(conn, organization, AlertKind::Unpriced, now - LEFT_ALONE).await?;
    let mut known = BTreeSet::new();
    let news: Vec<(String, UnpricedCalls)> = models
        .into_iter()
        .map(|calls| (domain::unpriced_key(&calls.provider, &calls.model), calls))
        // Names that are cut may be the same.
        .filter(|(key, _)| known.insert(key.clone()) && open.remove(key).is_none() && !left_alone.contains(key))
        .collect();
    if news.len() > AT_A_TIME {
        budgets::check_soon(conn, organization).await?;
    }
    for (key, calls) in news.into_iter().take(AT_A_TIME) {
        let facts = Facts::unpriced(place.name, place.today, calls);
        let new = New {
            id: state.clock.new_id(),
            kind: AlertKind::Unpriced,
            severity: AlertSeverity::Warning,
            subject_key: &key,
            crossing: None,
            facts: &facts,
            raised_at: now,
        };
        if store::insert(conn, organization, &new).await? {
            let group = Some(AlertKind::Unpriced.name());
            tell(state, conn, organization, &new.stored(), Told::Triggered, domain::channels(action), group).await?;
        }
    }
    let gone: Vec<Uuid> = open.into_values().collect();
    for id in gone {
        end(state, conn, organization, id, None, now).await?;
    }
    Ok(())
}

/// Models with calls that have no price, the most first.
async fn unpriced(
    conn: &mut PgConnection,
    organization: OrganizationId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<UnpricedCalls>> {
    sqlx::query_as!(
        UnpricedCalls,
        r#"
        SELECT provider AS "provider!", model AS "model!", sum(unpriced)::bigint AS "calls!"
        FROM usage_sums WHERE organization_id = $1 AND hour >= $2 AND unpriced > 0
        GROUP BY provider, model ORDER BY 3 DESC, provider, model
        "#,
        organization as OrganizationId,
        now - LOOKS_BACK
    )
    .fetch_all(conn)
    .await
}
