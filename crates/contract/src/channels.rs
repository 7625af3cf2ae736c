//! Channels: where messages go. An organization has any number of them, of its own or of one of its teams.
//!
//! What opens a channel (Slack's URL, a webhook's URL and secret, a routing key, a password) is stored encrypted and never
//! comes back; `masked` tells one from another.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::Locale;
use crate::costs::Named;

names! {
    /// How a channel reaches people or programs.
    ChannelType {
        /// A mail to one or more addresses.
        Email = "email",
        /// A message by an incoming webhook of Slack.
        Slack = "slack",
        /// A signed request (Standard Webhooks) to a URL.
        Webhook = "webhook",
        /// A text message to each of one or more numbers.
        Sms = "sms",
        /// An incident in PagerDuty, opened, acknowledged and resolved.
        Pagerduty = "pagerduty",
    }
    /// Whether messages pass.
    ChannelState {
        /// They do, as far as is known.
        Ok = "ok",
        /// The last ones did not; they are tried again.
        Failing = "failing",
        /// Nothing is sent: the other side is gone, or refused the credential to the end. Enabling it begins anew.
        Disabled = "disabled",
    }
    /// How the connection to a mail server is protected.
    MailSecurity {
        /// TLS from the first byte (port 465).
        Tls = "tls",
        /// `STARTTLS` before anything else (port 587).
        Starttls = "starttls",
    }
    /// Who carries messages for an account of the organization's own.
    Carrier {
        /// Resend, for mail.
        Resend = "resend",
        /// SendGrid, for mail.
        Sendgrid = "sendgrid",
        /// Twilio, for text messages.
        Twilio = "twilio",
    }
}

/// A mail server of the organization's own, as it is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MailServerRequest {
    /// Its name: a public one.
    #[cfg_attr(feature = "server", schema(example = "smtp.example.com"))]
    pub host: String,
    /// 587 for `starttls` and 465 for `tls` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(minimum = 1, maximum = 65535, example = 587))]
    pub port: Option<u16>,
    /// How the connection is protected.
    pub security: MailSecurity,
    /// Who signs in; nobody does without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(example = "alerts@example.com"))]
    pub username: Option<String>,
    /// Their password. Left out in a change, it stays for the same host and user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(format = "password", example = "correct horse battery"))]
    pub password: Option<String>,
    /// The sender: `mail@example.com` or `Name <mail@example.com>`.
    #[cfg_attr(feature = "server", schema(example = "FinOps <alerts@example.com>"))]
    pub from: String,
}

/// A mail server of the organization's own. Its password never comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MailServer {
    /// Its name.
    #[cfg_attr(feature = "server", schema(example = "smtp.example.com"))]
    pub host: String,
    /// Its port.
    #[cfg_attr(feature = "server", schema(example = 587))]
    pub port: u16,
    /// How the connection is protected.
    pub security: MailSecurity,
    /// Who signs in.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(example = "alerts@example.com"))]
    pub username: Option<String>,
    /// The sender.
    #[cfg_attr(feature = "server", schema(example = "FinOps <alerts@example.com>"))]
    pub from: String,
}

/// An account of the organization's own at who carries its messages, as it is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CarrierAccountRequest {
    /// `resend` or `sendgrid` for an e-mail channel, `twilio` for an SMS channel.
    pub carrier: Carrier,
    /// Twilio's account SID: `AC` and 32 hexadecimal digits. Nobody else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(pattern = "^AC[0-9a-fA-F]{32}$"))]
    pub account_sid: Option<String>,
    /// The API key (Resend's `re_…`, SendGrid's `SG.…`) or Twilio's auth token. Left out in a change, it stays for the same
    /// account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(format = "password", example = "re_the-key-of-the-account"))]
    pub key: Option<String>,
    /// The sender: of mail `mail@example.com` or `Name <mail@example.com>`, of text messages a number, a sender's name or a
    /// messaging service (`MG…`).
    #[cfg_attr(feature = "server", schema(example = "FinOps <alerts@example.com>"))]
    pub from: String,
}

/// An account of the organization's own at who carries its messages. Its key never comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CarrierAccount {
    /// Who carries them.
    pub carrier: Carrier,
    /// Twilio's account SID; null for others.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(example = json!(null)))]
    pub account_sid: Option<String>,
    /// The sender.
    #[cfg_attr(feature = "server", schema(example = "FinOps <alerts@example.com>"))]
    pub from: String,
}

/// How a channel does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChannelHealth {
    /// Whether messages pass.
    pub state: ChannelState,
    /// Since when they do not; null while they do.
    pub since: Option<DateTime<Utc>>,
    /// Why not: `rate_limited`, `unavailable`, `rejected`, `unauthorized`, `gone`, `refused_destination`,
    /// `channel_not_configured`; null while they do.
    #[cfg_attr(feature = "server", schema(example = "unavailable"))]
    pub reason: Option<String>,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// Its id.
    pub id: Uuid,
    /// How it reaches people or programs.
    #[serde(rename = "type")]
    pub kind: ChannelType,
    /// What it is called.
    #[cfg_attr(feature = "server", schema(example = "FinOps in Slack"))]
    pub name: String,
    /// The language of its messages.
    pub locale: Locale,
    /// The team that it is for: it is told of what concerns that team alone. Null: of everything in the organization.
    pub team: Option<Named>,
    /// Whether anything is sent to it.
    pub enabled: bool,
    /// Whether it comes from the service's own settings (`ADMIN_EMAIL`, `SLACK_WEBHOOK_URL`, `PAGERDUTY_INTEGRATION_KEY`): it can
    /// be tested, and not be changed here.
    pub built_in: bool,
    /// The addresses of an e-mail channel; empty for others.
    #[cfg_attr(feature = "server", schema(example = json!(["finops@example.com"])))]
    pub addresses: Vec<String>,
    /// The numbers of an SMS channel; empty for others.
    #[cfg_attr(feature = "server", schema(example = json!(["+821012345678"])))]
    pub numbers: Vec<String>,
    /// The mail server of an e-mail channel that has one of its own; null where another way is used.
    pub smtp: Option<MailServer>,
    /// The account of an e-mail or SMS channel that has one of its own; null where another way is used. Without both it is the
    /// service's way.
    #[serde(default)]
    pub account: Option<CarrierAccount>,
    /// What is secret about it, with all but its host and its last four characters hidden: the URL of Slack's or of a webhook, a
    /// routing key, an account's key. Null for others.
    #[cfg_attr(feature = "server", schema(example = "https://hooks.slack.com/…a1B2"))]
    pub masked: Option<String>,
    /// How it does.
    pub health: ChannelHealth,
    /// Until when a webhook's former secret signs beside the new one; null when it does not.
    pub former_secret_until: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A channel, with a webhook's secret. The only answer that holds it.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatedChannel {
    /// The channel as it is listed.
    #[serde(flatten)]
    pub channel: Channel,
    /// What its requests are signed with (`whsec_…`); null but for a webhook. Keep it: it is not shown again.
    #[cfg_attr(
        feature = "server",
        schema(format = "password", example = "whsec_the-secret-of-the-webhook-shown-this-once")
    )]
    pub secret: Option<String>,
}

/// `POST /api/channels`. Beside what every channel has, a type's own fields: `addresses` and perhaps `smtp` or `account` for `email`,
/// `url` for `slack` and `webhook`, `numbers` and perhaps `account` for `sms`, `routingKey` for `pagerduty`. Others' are refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[cfg_attr(feature = "server", schema(example = json!({
    "type": "slack", "name": "FinOps in Slack", "locale": "en", "url": "https://hooks.slack.com/services/T000/B000/XXXX"
})))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateChannelRequest {
    /// How it reaches people or programs. It stays: another type is another channel.
    #[serde(rename = "type")]
    pub kind: ChannelType,
    /// 1 to 100 characters.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 100), custom(function = "crate::teams::not_blank")))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 100))]
    pub name: String,
    /// The language of its messages; the caller's by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// The team that it is for; the whole organization by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<Uuid>,
    /// Whether anything is sent to it; true by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// 1 to 20 mail addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    /// A mail server of one's own, instead of the service's way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtp: Option<MailServerRequest>,
    /// An account of one's own, instead of the service's way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<CarrierAccountRequest>,
    /// Slack's incoming webhook, or where the webhook's requests go: `https`, with a public name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// 1 to 20 telephone numbers, `+` and the country code first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Vec<String>>,
    /// The integration key of PagerDuty's Events API v2: 32 letters and digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_key: Option<String>,
}

/// `PATCH /api/channels/{channelId}`. What is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[cfg_attr(feature = "server", schema(example = json!({"name": "FinOps in Slack", "enabled": true})))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateChannelRequest {
    /// 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 100), custom(function = "crate::teams::not_blank")))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 100))]
    pub name: Option<String>,
    /// The language of its messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// The team that it is for; null: the whole organization.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::costs::present")]
    #[cfg_attr(feature = "server", schema(value_type = Option<Uuid>))]
    pub team_id: Option<Option<Uuid>>,
    /// Whether anything is sent to it. True enables one that is `disabled`, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// 1 to 20 mail addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    /// A mail server of one's own, instead of any account; null: none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::costs::present")]
    #[cfg_attr(feature = "server", schema(value_type = Option<MailServerRequest>))]
    pub smtp: Option<Option<MailServerRequest>>,
    /// An account of one's own, instead of any mail server; null: none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::costs::present")]
    #[cfg_attr(feature = "server", schema(value_type = Option<CarrierAccountRequest>))]
    pub account: Option<Option<CarrierAccountRequest>>,
    /// Another URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// 1 to 20 telephone numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Vec<String>>,
    /// Another integration key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_key: Option<String>,
}

/// `GET /api/channels`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChannelsQuery {
    /// How many items, 1 to 200; 50 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(minimum = 1, maximum = 200))]
    pub limit: Option<u16>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only of this type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<ChannelType>,
    /// Only this team's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<Uuid>,
}

/// What became of a message that was sent to try a channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChannelTest {
    /// Whether the other side took it: all of them, where there is one a number.
    pub delivered: bool,
    /// The deliveries, one a number of an SMS channel and one of any other, each with its attempt.
    pub deliveries: Vec<crate::deliveries::DeliveryDetail>,
    /// The channel as it is since.
    pub channel: Channel,
}
