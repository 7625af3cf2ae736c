//! Putting messages into the outbox.

use finops_contract::accounts::Locale;
use finops_providers::{Notice, Stage};
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain;
use super::store::{self, New};
use crate::features::channels::{self, ChannelType, Place};
use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;

/// Whom a message goes to.
#[derive(Clone, Copy, Debug)]
pub enum To<'a> {
    /// Every enabled channel of these types that is the organization's or this team's. Where mail is wanted and there is no channel
    /// for it, and where there is no channel of any of the types, it goes to the organization's administrators by mail, each in
    /// their language: nothing is silent from the first day.
    Types {
        /// The types.
        types: &'a [ChannelType],
        /// The team that it is about.
        team: Option<Uuid>,
    },
    /// Every such channel that was not told of this alert. Nobody in their stead: the alert found somebody.
    Beside {
        /// The types.
        types: &'a [ChannelType],
        /// The team that it is about.
        team: Option<Uuid>,
        /// The alert, whose messages are in the outbox.
        alert: Uuid,
    },
    /// One channel, if it is enabled.
    Channel(Uuid),
    /// People, by e-mail, over the operator's route, each in their language.
    People(&'a [(String, Locale)]),
    /// Those that keep an alert open until they are told that it is over, and were told of this one: PagerDuty and webhooks.
    /// Nobody in their stead: people have been told once. What they were not told of it yet goes out before that; from PagerDuty
    /// it is withdrawn once it is over, or it might open an incident that nobody ends.
    Followers(Uuid),
}

/// What is told.
pub struct Outgoing<'a> {
    /// Whom.
    pub to: To<'a>,
    /// The alert that it tells of.
    pub alert_id: Option<Uuid>,
    /// Messages of one group go out at most once in five minutes; the others are told together. At most 200 characters.
    pub group: Option<String>,
    /// `alert.triggered`, `alert.acknowledged`, `alert.resolved`, `report.weekly`, …
    pub kind: &'static str,
    /// The message in a language; `Notice::id` is replaced by the delivery's.
    pub notice: &'a (dyn Fn(Locale) -> Notice + Sync),
}

impl std::fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { to, alert_id, group, kind, .. } = self;
        f.debug_struct("Outgoing")
            .field("to", to)
            .field("alert_id", alert_id)
            .field("group", group)
            .field("kind", kind)
            .finish_non_exhaustive()
    }
}

/// One who is told.
struct Recipient {
    kind: ChannelType,
    channel: Option<Uuid>,
    recipient: Option<String>,
    locale: Locale,
    host: String,
    /// The types that were wanted instead.
    instead_of: Option<String>,
}

impl Recipient {
    fn person((address, locale): (String, Locale), instead_of: Option<String>) -> Self {
        let kind = ChannelType::Email;
        let host = kind.name().to_owned();
        Self { kind, channel: None, recipient: Some(address), locale, host, instead_of }
    }

    /// A channel is one recipient, but each number of an SMS channel is one.
    fn of(place: Place) -> Vec<Self> {
        let Place { id, kind, locale, host, numbers } = place;
        let one = |recipient| Self { kind, channel: Some(id), recipient, locale, host: host.clone(), instead_of: None };
        if kind == ChannelType::Sms { numbers.into_iter().map(Some).map(one).collect() } else { vec![one(None)] }
    }
}

/// Puts deliveries into the transaction of what they report; gives how many.
///
/// # Errors
/// When the database fails.
pub async fn enqueue(
    conn: &mut PgConnection,
    organization: OrganizationId,
    clock: &Clock,
    outgoing: &Outgoing<'_>,
) -> sqlx::Result<u64> {
    let recipients = recipients(conn, organization, outgoing.to).await?;
    let mut rendered: Vec<(Locale, Notice)> = Vec::new();
    let mut enqueued = 0;
    for recipient in recipients {
        let known = rendered.iter().find(|(locale, _)| *locale == recipient.locale);
        let mut notice = match known {
            Some((_, notice)) => notice.clone(),
            None => {
                let notice = (outgoing.notice)(recipient.locale);
                rendered.push((recipient.locale, notice.clone()));
                notice
            }
        };
        if let Some(types) = &recipient.instead_of {
            say_instead(&mut notice, recipient.locale, types);
        }
        let id = clock.new_id();
        if let (To::Followers(alert), Some(channel)) = (outgoing.to, recipient.channel) {
            let (about, now) = ((alert, channel), clock.now());
            match (recipient.kind, notice.stage) {
                (ChannelType::Pagerduty, Stage::Resolve) => store::withdraw(conn, organization, about, id, now).await?,
                _ => store::hurry(conn, organization, about, now).await?,
            }
        }
        let new = New {
            id,
            channel_type: recipient.kind,
            channel: recipient.channel,
            recipient: recipient.recipient.as_deref(),
            lane: domain::lane(recipient.channel, recipient.recipient.as_deref()),
            host: &recipient.host,
            alert: outgoing.alert_id,
            group: outgoing.group.as_deref(),
            direct: false,
            kind: outgoing.kind,
            locale: recipient.locale,
            notice: &notice,
            fallback: recipient.instead_of.is_some(),
        };
        store::insert(conn, organization, &new, clock.now()).await?;
        enqueued += 1;
    }
    Ok(enqueued)
}

async fn recipients(conn: &mut PgConnection, organization: OrganizationId, to: To<'_>) -> sqlx::Result<Vec<Recipient>> {
    match to {
        To::People(people) => Ok(people.iter().map(|person| Recipient::person(person.clone(), None)).collect()),
        To::Channel(id) => {
            let place = channels::place(conn, organization, id, true).await?;
            Ok(place.into_iter().flat_map(Recipient::of).collect())
        }
        To::Followers(alert) => {
            let mut recipients = Vec::new();
            for id in store::followers(conn, organization, alert).await? {
                let place = channels::place(conn, organization, id, true).await?;
                recipients.extend(place.into_iter().flat_map(Recipient::of));
            }
            Ok(recipients)
        }
        To::Beside { types, team, alert } => {
            let told = store::told(conn, organization, alert).await?;
            let places = channels::places(conn, organization, types, team).await?;
            Ok(places.into_iter().filter(|place| !told.contains(&place.id)).flat_map(Recipient::of).collect())
        }
        To::Types { types, team } => {
            let places = channels::places(conn, organization, types, team).await?;
            let wants_mail = types.contains(&ChannelType::Email);
            let has_mail = places.iter().any(|place| place.kind == ChannelType::Email);
            let instead = places.is_empty() && !wants_mail && !types.is_empty();
            let mut recipients: Vec<Recipient> = places.into_iter().flat_map(Recipient::of).collect();
            if instead || (wants_mail && !has_mail) {
                let names: Vec<&str> = types.iter().map(|kind| domain::brand(*kind)).collect();
                let instead_of = instead.then(|| names.join(", "));
                let administrators = store::administrators(conn, organization).await?;
                recipients.extend(administrators.into_iter().map(|one| Recipient::person(one, instead_of.clone())));
            }
            Ok(recipients)
        }
    }
}

/// Says in a mail why it is one.
fn say_instead(notice: &mut Notice, locale: Locale, types: &str) {
    let words = match locale {
        Locale::Ko => format!("보낼 수 있는 {types} 채널이 없어서 관리자에게 이메일로 보냈어요."),
        Locale::En => format!(
            "There is no channel for {types} that takes messages, so this went to the administrators by e-mail."
        ),
    };
    notice.text = format!("{}\n\n{words}", notice.text);
    if let Some(html) = &mut notice.html {
        let place = html.rfind("</body>").unwrap_or(html.len());
        html.insert_str(place, &format!("<p>{words}</p>"));
    }
}
