//! What arrived, and waiting for it.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::Channel;
use super::resend::Remembered;

/// One attempt to deliver something, as it arrived.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Letter {
    /// Counts all attempts of all channels, from 1.
    pub number: u64,
    /// Whom it was for.
    pub channel: Channel,
    /// By the simulator's clock.
    pub at: DateTime<Utc>,
    /// The path, the channel's name included.
    pub path: String,
    /// Names in lower case; without `authorization`.
    pub headers: BTreeMap<String, String>,
    /// As it was sent: what signatures are about.
    pub body: String,
    /// The body's JSON, or the fields of its form; null when it is neither.
    pub content: Value,
    /// What was answered; `None`: nothing so far, or nothing at all.
    pub status: Option<u16>,
    /// Whether it was taken; a repetition under the same idempotency key is answered well and not taken again.
    pub accepted: bool,
}

/// Which attempts.
#[derive(Debug, Clone)]
pub struct InboxQuery {
    /// Whose.
    pub channel: Channel,
    /// Only with this path; `None`: all of the channel.
    pub path: Option<String>,
    /// Only those with a higher number.
    pub after: u64,
    /// Those that were not taken, too.
    pub attempts: bool,
}

impl InboxQuery {
    /// What a channel took.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        Self { channel, path: None, after: 0, attempts: false }
    }

    /// What a webhook's sink took, by its name.
    #[must_use]
    pub fn webhook(name: &str) -> Self {
        Self { path: Some(format!("/webhook/{name}")), ..Self::new(Channel::Webhook) }
    }

    /// Only after the one with this number.
    #[must_use]
    pub fn after(self, number: u64) -> Self {
        Self { after: number, ..self }
    }

    /// Every attempt, taken or not.
    #[must_use]
    pub fn attempts(self) -> Self {
        Self { attempts: true, ..self }
    }

    fn finds(&self, letter: &Letter) -> bool {
        letter.channel == self.channel
            && letter.number > self.after
            && (self.attempts || letter.accepted)
            && self.path.as_ref().is_none_or(|path| *path == letter.path)
    }
}

/// The channels' part of the world.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) letters: Vec<Letter>,
    /// The number of the last letter, whether it is still there or not.
    pub(crate) last: u64,
    pub(crate) credentials: HashSet<(Channel, String)>,
    pub(crate) resend: Remembered,
}

impl Default for Post {
    fn default() -> Self {
        let presets = Channel::ALL.into_iter().filter_map(|channel| Some((channel, channel.preset()?.to_owned())));
        Self { letters: Vec::new(), last: 0, credentials: presets.collect(), resend: Remembered::default() }
    }
}

impl Post {
    pub(crate) fn knows(&self, channel: Channel, credential: &str) -> bool {
        self.credentials.contains(&(channel, credential.to_owned()))
    }

    /// A letter that may have been cleared away meanwhile.
    pub(crate) fn letter(&mut self, number: u64) -> Option<&mut Letter> {
        self.letters.iter_mut().find(|letter| letter.number == number)
    }

    pub(crate) fn find(&self, query: &InboxQuery) -> Vec<Letter> {
        self.letters.iter().filter(|letter| query.finds(letter)).cloned().collect()
    }
}
