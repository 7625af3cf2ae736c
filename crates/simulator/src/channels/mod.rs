//! Where alerts go: Slack, Resend, SendGrid, Twilio, PagerDuty and sinks for webhooks, each with its vendor's validation,
//! words and codes, and an inbox of what arrived.
//!
//! One module a vendor; [`serve`] is the HTTP side of all of them.

mod answer;
pub(crate) mod inbox;
mod pagerduty;
mod resend;
mod sendgrid;
mod serve;
mod sink;
mod slack;
mod twilio;

use serde::{Deserialize, Serialize};

use crate::presets;

pub(crate) use serve::configure;

/// A vendor that takes messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Incoming webhooks below `/slack/services/`.
    Slack,
    /// The mail API below `/resend`.
    Resend,
    /// The mail API below `/sendgrid`.
    SendGrid,
    /// The messages API below `/twilio`.
    Twilio,
    /// The events API v2 below `/pagerduty`.
    PagerDuty,
    /// Any receiver of Standard Webhooks: `/webhook/` and a name of the test's choice.
    Webhook,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Slack, Self::Resend, Self::SendGrid, Self::Twilio, Self::PagerDuty, Self::Webhook];

    /// What its paths begin with, and what the control API calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Resend => "resend",
            Self::SendGrid => "sendgrid",
            Self::Twilio => "twilio",
            Self::PagerDuty => "pagerduty",
            Self::Webhook => "webhook",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// The credential that is good from the start; a webhook has none.
    pub(crate) fn preset(self) -> Option<&'static str> {
        match self {
            Self::Slack => Some(presets::SLACK_WEBHOOK),
            Self::Resend => Some(presets::RESEND_KEY),
            Self::SendGrid => Some(presets::SENDGRID_KEY),
            Self::Twilio => Some(presets::TWILIO_CREDENTIAL),
            Self::PagerDuty => Some(presets::PAGERDUTY_KEY),
            Self::Webhook => None,
        }
    }
}
