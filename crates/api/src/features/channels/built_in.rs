//! The channels that the service's own settings name.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use finops_contract::accounts::Locale;
use finops_contract::channels::ChannelType;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::domain::{self, Settings};
use super::store::{self, Rewrite, Written};
use crate::features::audit;
use crate::platform::config::Messages;
use crate::platform::db::{OrganizationId, Tx};
use crate::platform::http::{Actor, Ctx};
use crate::platform::jobs::Reconciler;
use crate::platform::state::State;

/// The name of the work.
const NAME: &str = "built_in_channels";
/// How often to look whether there is an account yet.
const PERIOD: Duration = Duration::from_secs(10);

/// Keeps the channels of the service's settings as these say: in the organization of the first account, which runs the platform.
/// They need doing once a process, as settings do not change while it runs.
pub(super) struct BuiltInChannels {
    state: State,
    done: AtomicBool,
}

impl BuiltInChannels {
    pub(super) fn new(state: State) -> Self {
        Self { state, done: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Reconciler for BuiltInChannels {
    fn name(&self) -> &'static str {
        NAME
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    async fn pass(&self) -> anyhow::Result<()> {
        if self.done.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut tx = self.state.db.background().platform().await?;
        let home = home(&mut tx).await?;
        tx.commit().await?;
        let Some((organization, locale)) = home else { return Ok(()) };
        let ctx = Ctx::trusted(Actor::System { job: NAME }, organization, self.state.clock.clone());
        let mut tx = self.state.db.background().tenant(organization).await?;
        for wanted in all(&self.state.config.messages) {
            keep(&mut tx, &ctx, locale, &wanted).await?;
        }
        tx.commit().await?;
        self.done.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// The organization of the first account, and its language.
async fn home(conn: &mut PgConnection) -> sqlx::Result<Option<(OrganizationId, Locale)>> {
    let row = sqlx::query!(
        r#"SELECT organization_id AS "organization: OrganizationId", locale FROM users ORDER BY created_at, id LIMIT 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.organization, Locale::from_tag(&row.locale).unwrap_or_default())))
}

/// One of them, and what it should be; nothing, if it should not be there.
struct BuiltIn {
    /// The setting's name, which is the channel's as well.
    name: &'static str,
    kind: ChannelType,
    wanted: Option<(Settings, Option<String>)>,
}

fn all(messages: &Messages) -> [BuiltIn; 3] {
    let addresses = messages.admin_email.clone();
    let is_email = !addresses.is_empty() && messages.mail.is_some();
    let (url, key) = (messages.slack_webhook_url.as_ref(), messages.pagerduty_key.as_ref());
    [
        BuiltIn {
            name: "ADMIN_EMAIL",
            kind: ChannelType::Email,
            wanted: is_email.then(|| (Settings { addresses, ..Settings::default() }, None)),
        },
        BuiltIn {
            name: "SLACK_WEBHOOK_URL",
            kind: ChannelType::Slack,
            wanted: url.map(|url| (Settings::default(), domain::masked(Some(url), None))),
        },
        BuiltIn {
            name: "PAGERDUTY_INTEGRATION_KEY",
            kind: ChannelType::Pagerduty,
            wanted: key.map(|key| (Settings::default(), domain::masked(None, Some(key)))),
        },
    ]
}

/// Makes, changes or deletes one, and writes that down.
async fn keep(tx: &mut Tx, ctx: &Ctx, locale: Locale, built_in: &BuiltIn) -> sqlx::Result<()> {
    let (organization, now) = (ctx.organization, ctx.now());
    let known = known(tx, organization, built_in.name).await?;
    let id = known.as_ref().map_or_else(|| ctx.clock.new_id(), |(id, ..)| *id);
    let before = store::find(tx, organization, id, now).await?;
    match (&built_in.wanted, &known) {
        (None, None) => return Ok(()),
        (None, Some(_)) => store::delete(tx, organization, id, now).await?,
        (Some((settings, masked)), Some((_, same, shown))) if (settings, masked) == (same, shown) => return Ok(()),
        (Some((settings, masked)), known) => {
            let written = Written {
                id,
                kind: built_in.kind,
                built_in: Some(built_in.name),
                name: built_in.name,
                locale: before.as_ref().map_or(locale, |channel| channel.locale),
                team: None,
                enabled: true,
                settings,
                masked: masked.clone(),
                host: None,
            };
            match known {
                Some(_) => {
                    store::update(tx, organization, &written, Rewrite { secrets: true, begin_anew: true }, now).await?
                }
                // Another process was faster, and has written it down.
                None if !store::insert(tx, organization, &written, now).await? => return Ok(()),
                None => {}
            }
        }
    }
    let after = store::find(tx, organization, id, now).await?;
    let action = match (&before, &after) {
        (None, _) => "channel.create",
        (Some(_), None) => "channel.delete",
        (Some(_), Some(_)) => "channel.update",
    };
    let change = audit::Change::new(action, id, built_in.name);
    let change = before.into_iter().fold(change, |change, before| change.before(before));
    let change = after.into_iter().fold(change, |change, after| change.after(after));
    audit::record(tx, ctx, change).await
}

/// The one that is there: its id, its settings, and what its secret is told by.
async fn known(
    conn: &mut PgConnection,
    organization: OrganizationId,
    name: &str,
) -> sqlx::Result<Option<(Uuid, Settings, Option<String>)>> {
    let row = sqlx::query!(
        r#"
        SELECT id, settings AS "settings: Json<Settings>", masked FROM channels
        WHERE organization_id = $1 AND built_in = $2 AND deleted_at IS NULL FOR UPDATE
        "#,
        organization as OrganizationId,
        name
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.settings.0, row.masked)))
}
