//! Puts alerts' messages into the transactions of what they report.

use finops_contract::channels::ChannelType;
use sqlx::PgConnection;

use super::message::{self, Told};
use super::store::Stored;
use crate::features::deliveries::{self, Outgoing, To};
use crate::platform::db::OrganizationId;
use crate::platform::state::State;

/// Tells those that keep an alert open until they are told what became of it.
pub(super) async fn follow_up(
    state: &State,
    conn: &mut PgConnection,
    organization: OrganizationId,
    stored: &Stored,
    told: Told,
) -> sqlx::Result<u64> {
    send(state, conn, organization, stored, told, To::Followers(stored.id), None).await
}

/// Puts an alert's messages into the transaction that raises it.
pub(super) async fn tell(
    state: &State,
    conn: &mut PgConnection,
    organization: OrganizationId,
    stored: &Stored,
    told: Told,
    types: &[ChannelType],
    group: Option<&str>,
) -> sqlx::Result<u64> {
    let team = stored.facts.team.as_ref().map(|team| team.id);
    send(state, conn, organization, stored, told, To::Types { types, team }, group).await
}

async fn send(
    state: &State,
    conn: &mut PgConnection,
    organization: OrganizationId,
    stored: &Stored,
    told: Told,
    to: To<'_>,
    group: Option<&str>,
) -> sqlx::Result<u64> {
    let now = state.clock.now();
    let notice = |locale| message::notice(stored, told, now, &state.config.public_url, locale);
    let outgoing =
        Outgoing { to, alert_id: Some(stored.id), group: group.map(str::to_owned), kind: told.kind(), notice: &notice };
    deliveries::enqueue(conn, organization, &state.clock, &outgoing).await
}
