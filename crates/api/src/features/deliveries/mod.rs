//! stub
use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;
use crate::platform::state::State;
use finops_contract::accounts::Locale;
use finops_contract::channels::ChannelType;
use finops_providers::Notice;
use sqlx::PgConnection;
use uuid::Uuid;
pub enum To<'a> {
    Types { types: &'a [ChannelType], team: Option<Uuid> },
    Channel(Uuid),
    People(&'a [(String, Locale)]),
}
pub struct Outgoing<'a> {
    pub to: To<'a>,
    pub alert_id: Option<Uuid>,
    pub group: Option<String>,
    pub kind: &'static str,
    pub notice: &'a (dyn Fn(Locale) -> Notice + Sync),
}
pub async fn enqueue(_: &mut PgConnection, _: OrganizationId, _: &Clock, _: &Outgoing<'_>) -> sqlx::Result<u64> {
    Ok(0)
}
pub fn nudge(_: &State) {}
