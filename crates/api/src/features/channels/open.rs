//! A channel made ready to send: read in a transaction, opened outside of one.

use chrono::{DateTime, Utc};
use finops_contract::channels::{ChannelType, MailSecurity, MailServer};
use finops_providers::{SmtpSecurity, SmtpServer};
use secrecy::SecretString;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::domain::Settings;
use super::kept::Kept;
use super::store;
use crate::platform::crypto::{self, Sealed, SecretError};
use crate::platform::db::OrganizationId;
use crate::platform::notifiers::{Messenger, Notifiers, Unsendable};
use crate::platform::state::State;

/// Why a channel could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Unopened {
    /// What is secret about it cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It is not what it should be.
    #[error("what is kept of the channel cannot be read")]
    Unreadable,
    /// No client comes of it.
    #[error(transparent)]
    Unsendable(#[from] Unsendable),
}

impl Unopened {
    /// A stable code to store and show.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Secret(error) => error.code(),
            Self::Unreadable => "decryption_failed",
            Self::Unsendable(error) => error.reason(),
        }
    }

    /// Whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Secret(error) if matches!(error.code(), "encryption_unavailable" | "unavailable"))
    }
}

/// All that is needed to send to a channel.
#[derive(Debug)]
pub struct Ready {
    /// Whether it takes messages now.
    pub in_use: bool,
    id: Uuid,
    kind: ChannelType,
    built_in: bool,
    settings: Settings,
    former_secret_until: Option<DateTime<Utc>>,
    sealed: Option<Sealed>,
}

/// Reads what is needed to send to a channel; nothing, if there is none.
///
/// # Errors
/// The database's.
pub async fn ready(conn: &mut PgConnection, organization: OrganizationId, id: Uuid) -> sqlx::Result<Option<Ready>> {
    let row = sqlx::query!(
        r#"
        SELECT type AS kind, built_in, settings AS "settings: Json<Settings>", former_secret_until,
            enabled AND state <> 'disabled' AS "in_use!"
        FROM channels WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL
        "#,
        organization as OrganizationId,
        id
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Ready {
        in_use: row.in_use,
        id,
        kind: ChannelType::from_name(&row.kind).unwrap_or(ChannelType::Email),
        built_in: row.built_in.is_some(),
        settings: row.settings.0,
        former_secret_until: row.former_secret_until,
        sealed: crypto::load(conn, organization, store::owner(id)).await?,
    }))
}

impl Ready {
    /// Whether it is one recipient: not one of several numbers.
    pub const fn is_one(&self) -> bool {
        self.settings.numbers.len() <= 1
    }

    /// Opens it for one message; `number` says which one of an SMS channel. May ask the key service: outside transactions.
    ///
    /// # Errors
    /// [`Unopened`].
    pub async fn open(
        &self,
        state: &State,
        notifiers: &Notifiers,
        organization: OrganizationId,
        number: Option<&str>,
    ) -> Result<Messenger, Unopened> {
        if self.built_in {
            return Ok(match self.kind {
                ChannelType::Slack => notifiers.operators_slack()?,
                ChannelType::Pagerduty => notifiers.operators_pagerduty()?,
                _ => notifiers.mail(&self.settings.addresses)?,
            });
        }
        let kept = match &self.sealed {
            None => Kept::default(),
            Some(sealed) => {
                let text = state.secrets.open(organization, store::owner(self.id), sealed).await?;
                Kept::read(&text).map_err(|_| Unopened::Unreadable)?
            }
        };
        self.client(notifiers, kept, number, state.clock.now())
    }

    fn client(
        &self,
        notifiers: &Notifiers,
        kept: Kept,
        number: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Messenger, Unopened> {
        let there = |secret: Option<SecretString>| secret.ok_or(Unopened::Unreadable);
        let Settings { addresses, smtp, account, .. } = &self.settings;
        Ok(match self.kind {
            ChannelType::Email => match (smtp, account) {
                (Some(server), _) => notifiers.own_mail(of(server, kept.password), &server.from, addresses)?,
                (None, Some(account)) => notifiers.account_mail(account, there(kept.account_key)?, addresses)?,
                (None, None) => notifiers.mail(addresses)?,
            },
            ChannelType::Sms => {
                let number = number.ok_or(Unopened::Unreadable)?;
                match account {
                    Some(account) => notifiers.account_sms(account, there(kept.account_key)?, number)?,
                    None => notifiers.sms(number)?,
                }
            }
            ChannelType::Slack => notifiers.slack(there(kept.url)?)?,
            ChannelType::Pagerduty => notifiers.pagerduty(there(kept.routing_key)?)?,
            ChannelType::Webhook => {
                let former = kept.former_secret.filter(|_| self.former_secret_until.is_some_and(|until| now < until));
                let secrets: Vec<SecretString> = [there(kept.secret)?].into_iter().chain(former).collect();
                notifiers.webhook(there(kept.url)?, &secrets)?
            }
        })
    }
}

fn of(server: &MailServer, password: Option<SecretString>) -> SmtpServer {
    SmtpServer {
        host: server.host.clone(),
        port: server.port,
        security: match server.security {
            MailSecurity::Tls => SmtpSecurity::Tls,
            MailSecurity::Starttls => SmtpSecurity::StartTls,
        },
        credentials: server.username.clone().zip(password),
        extra_roots: Vec::new(),
    }
}
