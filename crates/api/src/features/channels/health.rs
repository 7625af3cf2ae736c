//! How a channel does, by how its messages fared.

use finops_contract::channels::ChannelState;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store;
use crate::features::audit;
use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;
use crate::platform::http::{Actor, Ctx};

/// What a message showed of its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It passed.
    Passed,
    /// It did not, for this reason, and the next one may not either.
    Failing(&'static str),
    /// Nothing will pass any more, for this reason.
    Gone(&'static str),
}

/// Takes over what a message showed. A change of state is written into the audit log; a channel that is disabled stays so until
/// somebody enables it.
///
/// # Errors
/// The database's.
pub async fn note(
    conn: &mut PgConnection,
    clock: &Clock,
    organization: OrganizationId,
    id: Uuid,
    sign: Sign,
) -> sqlx::Result<()> {
    let is_news = |health: &store::Health| match (health.state, sign) {
        (ChannelState::Disabled, _) | (ChannelState::Ok, Sign::Passed) => false,
        (ChannelState::Failing, Sign::Failing(reason)) => health.reason.as_deref() != Some(reason),
        _ => true,
    };
    // Almost always there is no news, and nobody has to wait for the row.
    if !store::health(conn, organization, id).await?.is_some_and(|health| is_news(&health)) {
        return Ok(());
    }
    if !store::lock(conn, organization, id).await? {
        return Ok(());
    }
    let Some(before) = store::health(conn, organization, id).await?.filter(is_news) else { return Ok(()) };
    let now = clock.now();
    let (state, reason) = match sign {
        Sign::Passed => (ChannelState::Ok, None),
        Sign::Failing(reason) => (ChannelState::Failing, Some(reason)),
        Sign::Gone(reason) => (ChannelState::Disabled, Some(reason)),
    };
    store::set_health(conn, organization, id, state, reason.map(|reason| (now, reason))).await?;
    let ctx = Ctx::trusted(Actor::System { job: "deliveries" }, organization, clock.clone());
    let change = audit::Change::new("channel.health", id, before.name)
        .before(json!({"state": before.state, "reason": before.reason}))
        .after(json!({"state": state, "reason": reason}));
    audit::record(conn, &ctx, change).await
}
