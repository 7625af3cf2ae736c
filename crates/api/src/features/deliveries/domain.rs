//! Rules of sending, pure: when the next attempt is made, what an attempt's end means, what is sent one after the other.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use aws_lc_rs::digest;
use chrono::TimeDelta;
use finops_contract::channels::ChannelType;
use finops_providers::{Delivered, NotifyError, Said};
use uuid::Uuid;

use crate::features::channels::{Sign, Unopened};

/// What a message that tries a channel is called.
pub(super) const TEST: &str = "channel.test";
/// What a digest is called.
pub(super) const DIGEST: &str = "digest";
/// Of a group, one message goes out in this time.
pub(super) const WINDOW: TimeDelta = TimeDelta::minutes(5);
/// Messages that a lane tells in an hour before it goes on with digests.
pub(super) const HOURLY: i64 = 60;
/// That hour.
pub(super) const HOUR: TimeDelta = TimeDelta::hours(1);
/// Attempts of one message that nobody saw the end of: more of them, and it is the message that kills.
pub(super) const INTERRUPTIONS: i64 = 5;
/// Failures of one message after which its channel is said to fail.
const FAILING_AFTER: i32 = 3;

const MINUTE: u64 = 60;
const HOURS: u64 = 3600;
/// How long after each failure the next attempt is made (Standard Webhooks). The first attempt is made at once.
const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(30 * MINUTE),
    Duration::from_secs(2 * HOURS),
    Duration::from_secs(5 * HOURS),
    Duration::from_secs(10 * HOURS),
    Duration::from_secs(14 * HOURS),
    Duration::from_secs(20 * HOURS),
    Duration::from_secs(24 * HOURS),
];
/// The longest that the other side can make us wait.
const LONGEST: Duration = Duration::from_secs(24 * HOURS);

/// How long to wait after so many failures of the schedule, 20 % more or less, and no shorter than the other side asks; nothing once
/// the schedule is through.
pub(super) fn wait(failures: i32, retry_after: Option<Duration>) -> Option<Duration> {
    // The keys of a `RandomState` are random; spreading needs no better.
    wait_at(failures, retry_after, RandomState::new().build_hasher().finish())
}

fn wait_at(failures: i32, retry_after: Option<Duration>, random: u64) -> Option<Duration> {
    let usual = *WAITS.get(usize::try_from(failures.checked_sub(1)?).ok()?)?;
    let share = random as f64 / u64::MAX as f64;
    let spread = usual.mul_f64(0.8 + 0.4 * share);
    Some(retry_after.map_or(spread, |asked| spread.max(asked.min(LONGEST))))
}

/// What is sent one after the other: a channel, one number of it, or a person. Known by a hash where it has no id of its own, so that
/// nobody's address is where all organizations can be looked across.
pub(super) fn lane(channel: Option<Uuid>, recipient: Option<&str>) -> Uuid {
    match (channel, recipient) {
        (Some(channel), None) => channel,
        (channel, recipient) => {
            let named = format!("{}\n{}", channel.unwrap_or_default(), recipient.unwrap_or_default().to_lowercase());
            let hash = digest::digest(&digest::SHA256, named.as_bytes());
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&hash.as_ref()[..16]);
            uuid::Builder::from_custom_bytes(bytes).into_uuid()
        }
    }
}

/// What people call a type of channel.
pub(super) const fn brand(kind: ChannelType) -> &'static str {
    match kind {
        ChannelType::Email => "e-mail",
        ChannelType::Slack => "Slack",
        ChannelType::Webhook => "webhook",
        ChannelType::Sms => "SMS",
        ChannelType::Pagerduty => "PagerDuty",
    }
}

/// Whether programs listen, which want every message.
pub(super) const fn is_for_programs(kind: ChannelType) -> bool {
    matches!(kind, ChannelType::Webhook | ChannelType::Pagerduty)
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The other side took it.
    Delivered {
        /// What it calls it.
        id: Option<String>,
    },
    /// It did not.
    Failed(Failure),
}

/// Why not, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// A stable code.
    pub(super) reason: &'static str,
    /// What the other side said.
    pub(super) said: Said,
    /// How long it asks to wait.
    pub(super) retry_after: Option<Duration>,
    /// What to do.
    pub(super) next: Next,
}

/// What follows a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another attempt, by the schedule.
    Again,
    /// The same, though nothing will pass until somebody acts: at the end of the schedule the channel is disabled.
    AgainUntilRefused,
    /// Nothing: this message will never be taken.
    Never,
    /// The same, and that is the channel's fault, or ours.
    NeverHere,
    /// Nothing more goes there.
    Disable,
}

impl From<Result<Delivered, NotifyError>> for Ended {
    fn from(result: Result<Delivered, NotifyError>) -> Self {
        let error = match result {
            Ok(Delivered { id }) => return Self::Delivered { id },
            Err(error) => error,
        };
        let next = match &error {
            NotifyError::Later { .. } => Next::Again,
            NotifyError::Credentials { .. } => Next::AgainUntilRefused,
            NotifyError::Permanent { .. } => Next::Never,
            NotifyError::Gone { .. } => Next::Disable,
            NotifyError::Destination(_) => Next::NeverHere,
        };
        let (reason, retry_after) = (error.user_reason(), error.retry_after());
        let said = match &error {
            NotifyError::Destination(refused) => {
                Said { code: Some(refused.user_reason().to_owned()), ..Said::default() }
            }
            other => other.said().cloned().unwrap_or_default(),
        };
        Self::Failed(Failure { reason, said, retry_after, next })
    }
}

impl From<Unopened> for Ended {
    fn from(error: Unopened) -> Self {
        let next = if error.is_transient() { Next::Again } else { Next::NeverHere };
        Self::Failed(Failure { reason: error.reason(), said: Said::default(), retry_after: None, next })
    }
}

/// What becomes of a message whose attempt has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Becomes {
    /// It is delivered.
    Delivered,
    /// It is tried again after this time.
    Retried(Duration),
    /// It is given up.
    Dead,
}

/// What is decided about an attempt that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What becomes of the message.
    pub(super) becomes: Becomes,
    /// What that shows of its channel.
    pub(super) sign: Option<Sign>,
    /// How long the whole lane rests.
    pub(super) rest: Option<Duration>,
}

/// Decides. `failures` counts those of the schedule before this attempt; `once` is for what is tried once; `alone` says whether the
/// channel is this one recipient.
pub(super) fn verdict(ended: &Ended, failures: i32, once: bool, alone: bool) -> Verdict {
    let failure = match ended {
        Ended::Delivered { .. } => {
            return Verdict { becomes: Becomes::Delivered, sign: Some(Sign::Passed), rest: None };
        }
        Ended::Failed(failure) => failure,
    };
    let again = matches!(failure.next, Next::Again | Next::AgainUntilRefused) && !once;
    let wait = if again { wait(failures + 1, failure.retry_after) } else { None };
    let failing = Some(Sign::Failing(failure.reason));
    let sign = match failure.next {
        Next::Again if failures + 1 >= FAILING_AFTER => failing,
        Next::Again => None,
        Next::AgainUntilRefused if wait.is_none() && !once => Some(Sign::Gone(failure.reason)),
        Next::AgainUntilRefused | Next::NeverHere => failing,
        Next::Never => None,
        // One of several numbers that wants nothing more says nothing of the others.
        Next::Disable => alone.then_some(Sign::Gone(failure.reason)),
    };
    let rest = failure.retry_after.filter(|_| failure.said.status == Some(429)).map(|asked| asked.min(LONGEST));
    Verdict { becomes: wait.map_or(Becomes::Dead, Becomes::Retried), sign, rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(next: Next, reason: &'static str) -> Ended {
        Ended::Failed(Failure { reason, said: Said::default(), retry_after: None, next })
    }

    #[test]
    fn the_schedule_is_that_of_standard_webhooks_with_a_fifth_more_or_less() {
        let seconds = |failures, random| wait_at(failures, None, random).map(|wait| wait.as_secs_f64().round() as u64);
        let usual: Vec<u64> = (1..=9).filter_map(|n| seconds(n, u64::MAX / 2)).collect();
        assert_eq!(usual, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert_eq!((seconds(2, 0), seconds(2, u64::MAX)), (Some(240), Some(360)));
        assert_eq!((seconds(10, 0), seconds(0, 0), seconds(i32::MIN, 0)), (None, None, None));
        let spread: std::collections::HashSet<_> = (0..20).filter_map(|_| wait(5, None)).collect();
        assert!(spread.len() > 1);
    }

    #[test]
    fn the_later_of_the_schedule_and_the_other_sides_wish_holds_up_to_a_day() {
        let at =
            |asked| wait_at(1, Some(Duration::from_secs(asked)), u64::MAX / 2).unwrap().as_secs_f64().round() as u64;
        assert_eq!((at(1), at(90), at(10 * 365 * 86_400)), (5, 90, 86_400));
    }

    #[test]
    fn lanes_tell_channels_numbers_and_people_apart() {
        let channel = Uuid::from_u128(1);
        assert_eq!(lane(Some(channel), None), channel);
        let lanes = [
            lane(Some(channel), Some("+821")),
            lane(Some(channel), Some("+822")),
            lane(Some(Uuid::from_u128(2)), Some("+821")),
            lane(None, Some("a@example.com")),
        ];
        for (number, one) in lanes.iter().enumerate() {
            assert!(lanes[number + 1..].iter().all(|other| other != one));
        }
        assert_eq!(lane(None, Some("A@example.com")), lanes[3]);
    }

    #[test]
    fn what_follows_a_failure() {
        let becomes = |ended: &Ended, failures| match verdict(ended, failures, false, true) {
            Verdict { becomes: Becomes::Retried(_), sign, .. } => ("again", sign),
            Verdict { becomes: Becomes::Dead, sign, .. } => ("dead", sign),
            Verdict { becomes: Becomes::Delivered, sign, .. } => ("delivered", sign),
        };
        let (again, refused) = (failed(Next::Again, "unavailable"), failed(Next::AgainUntilRefused, "unauthorized"));
        assert_eq!(becomes(&again, 0), ("again", None));
        assert_eq!(becomes(&again, 2), ("again", Some(Sign::Failing("unavailable"))));
        assert_eq!(becomes(&again, 9), ("dead", Some(Sign::Failing("unavailable"))));
        assert_eq!(becomes(&refused, 0), ("again", Some(Sign::Failing("unauthorized"))));
        assert_eq!(becomes(&refused, 9), ("dead", Some(Sign::Gone("unauthorized"))));
        assert_eq!(becomes(&failed(Next::Never, "rejected"), 0), ("dead", None));
        assert_eq!(
            becomes(&failed(Next::NeverHere, "refused_destination"), 0).1,
            Some(Sign::Failing("refused_destination"))
        );
        assert_eq!(becomes(&failed(Next::Disable, "gone"), 0), ("dead", Some(Sign::Gone("gone"))));
        assert_eq!(verdict(&failed(Next::Disable, "gone"), 0, false, false).sign, None);
        assert_eq!(verdict(&again, 0, true, true).becomes, Becomes::Dead);
        assert_eq!(verdict(&refused, 0, true, true).sign, Some(Sign::Failing("unauthorized")));
        assert_eq!(becomes(&Ended::Delivered { id: None }, 5), ("delivered", Some(Sign::Passed)));
    }

    #[test]
    fn too_many_requests_rest_the_lane() {
        let later = |status| {
            let said = Said { status: Some(status), ..Said::default() };
            let error = NotifyError::Later { said, retry_after: Some(Duration::from_secs(30)) };
            verdict(&Ended::from(Err(error)), 0, false, true).rest
        };
        assert_eq!((later(429), later(503)), (Some(Duration::from_secs(30)), None));
    }
}
