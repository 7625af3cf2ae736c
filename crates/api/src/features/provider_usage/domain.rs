//! Which minutes to ask for, and what an answer changes about what is stored.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use uuid::Uuid;

use super::measure::{Price, Units};

/// How far back an account is brought in that was never polled.
pub(super) const BACKFILL: TimeDelta = TimeDelta::days(2);
/// How far back minutes are brought in that were missed; the bill has long come for what is older.
pub(super) const CATCH_UP: TimeDelta = TimeDelta::days(7);
/// An hour is asked for again until it has been over, and unchanged, for as long as this.
pub(super) const STILL: TimeDelta = TimeDelta::hours(3);
/// Nor is it asked for again when it lies as far back as this, however it moves: the bill decides then.
pub(super) const MOVES: TimeDelta = TimeDelta::days(2);
/// Minutes a page holds: a transaction has a quarter of a day at most.
pub(super) const PAGE_MINUTES: u16 = 360;

/// The hour that a time falls in.
pub(super) fn hour(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at)
}

/// Whole minutes: `start` inclusive, `end` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
}

impl Window {
    /// The minutes to ask for now: from the oldest hour that still moves, or where the last run ended. Nothing when no
    /// minute has passed since.
    pub(super) fn new(done: Option<DateTime<Utc>>, moving: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<Self> {
        let end = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
        if done.is_some_and(|done| done >= end) {
            return None;
        }
        let start = match done {
            None => hour(end - BACKFILL),
            Some(done) => hour(moving.map_or(done, |moving| moving.min(done))).max(hour(end - CATCH_UP)),
        };
        Some(Self { start, end })
    }

    pub(super) fn holds(self, minute: DateTime<Utc>) -> bool {
        (self.start..self.end).contains(&minute)
    }
}

/// What makes a line of a meter the same line at the next look, within its account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LineKey {
    pub(super) minute: DateTime<Utc>,
    pub(super) provider_project_id: Option<String>,
    pub(super) provider_api_key_id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) batch: Option<bool>,
    pub(super) tier: Option<String>,
}

/// A line as it is stored, or as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) units: Units,
    pub(super) price: Price,
    /// The project and the team that it is attributed to.
    pub(super) project_id: Option<Uuid>,
    pub(super) team_id: Uuid,
}

/// Lines in the order of their minutes.
pub(super) type Lines = BTreeMap<LineKey, Line>;

/// What an answer changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Minutes that are replaced.
    pub(super) minutes: Vec<DateTime<Utc>>,
    /// All lines of those minutes.
    pub(super) lines: Lines,
    /// Hours in which the provider said something else than before.
    pub(super) moved: Vec<DateTime<Utc>>,
}

impl Changes {
    /// The hours whose sums change.
    pub(super) fn hours(&self) -> Vec<DateTime<Utc>> {
        self.minutes.iter().copied().map(hour).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// Compares what is stored with what the provider says now, over the same minutes. A line that is there already keeps the
/// project that it was attributed to, and its price if it has one: neither moves because somebody looked again.
pub(super) fn changes(mut stored: Lines, now: Lines) -> Changes {
    let (mut minutes, mut moved) = (BTreeSet::new(), BTreeSet::new());
    let mut lines = Lines::new();
    for (key, mut line) in now {
        let minute = key.minute;
        match stored.remove(&key) {
            None => {
                minutes.insert(minute);
                moved.insert(hour(minute));
            }
            Some(before) => {
                (line.project_id, line.team_id) = (before.project_id, before.team_id);
                if line.units != before.units {
                    moved.insert(hour(minute));
                } else if before.price.cost.is_some() {
                    line.price = before.price.clone();
                }
                if line != before {
                    minutes.insert(minute);
                }
            }
        }
        lines.insert(key, line);
    }
    for gone in stored.into_keys() {
        minutes.insert(gone.minute);
        moved.insert(hour(gone.minute));
    }
    lines.retain(|key, _| minutes.contains(&key.minute));
    Changes { minutes: minutes.into_iter().collect(), lines, moved: moved.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn key(minute: &str, model: &str) -> LineKey {
        LineKey {
            minute: at(minute),
            provider_project_id: None,
            provider_api_key_id: None,
            model: Some(model.to_owned()),
            batch: None,
            tier: None,
        }
    }

    fn line(input: i64, cost: Option<i64>) -> Line {
        Line {
            units: Units { calls: 1, input, ..Units::default() },
            price: Price { cost: cost.map(Decimal::from), price_id: None, resolution: "exact:m".to_owned() },
            project_id: None,
            team_id: Uuid::nil(),
        }
    }

    #[test]
    fn a_new_account_brings_in_two_days_and_an_old_one_what_moves() {
        let now = at("2026-03-20T10:30:42Z");
        let window = |done: Option<&str>, moving: Option<&str>| Window::new(done.map(at), moving.map(at), now);
        let from = |start| Some(Window { start: at(start), end: at("2026-03-20T10:30:00Z") });
        assert_eq!(window(None, None), from("2026-03-18T10:00:00Z"));
        assert_eq!(window(Some("2026-03-20T10:29:00Z"), Some("2026-03-20T07:00:00Z")), from("2026-03-20T07:00:00Z"));
        assert_eq!(window(Some("2026-03-20T10:29:00Z"), None), from("2026-03-20T10:00:00Z"));
        assert_eq!(window(Some("2026-03-19T10:29:00Z"), Some("2026-03-20T07:00:00Z")), from("2026-03-19T10:00:00Z"));
        assert_eq!(window(Some("2026-01-01T00:00:00Z"), None), from("2026-03-13T10:00:00Z"), "a week at most");
        assert_eq!(window(Some("2026-03-20T10:30:00Z"), Some("2026-03-20T07:00:00Z")), None, "no minute has passed");
    }

    #[test]
    fn what_is_the_same_is_left_alone_and_what_is_gone_goes() {
        let stored = Lines::from([
            (key("2026-03-20T10:00:00Z", "a"), line(5, Some(1))),
            (key("2026-03-20T10:01:00Z", "a"), line(5, Some(1))),
            (key("2026-03-20T10:01:00Z", "b"), line(7, Some(1))),
            (key("2026-03-20T11:00:00Z", "a"), line(9, None)),
        ]);
        let now = Lines::from([
            (key("2026-03-20T10:00:00Z", "a"), line(5, Some(2))),
            (key("2026-03-20T10:01:00Z", "a"), line(5, Some(2))),
            (key("2026-03-20T11:00:00Z", "a"), line(9, Some(3))),
        ]);
        let changes = changes(stored, now);
        assert_eq!(changes.minutes, [at("2026-03-20T10:01:00Z"), at("2026-03-20T11:00:00Z")]);
        assert_eq!(changes.moved, [at("2026-03-20T10:00:00Z")], "a price that became known moves no hour");
        assert_eq!(changes.lines[&key("2026-03-20T10:01:00Z", "a")].price.cost, Some(Decimal::ONE), "priced once");
        assert_eq!(changes.lines[&key("2026-03-20T11:00:00Z", "a")].price.cost, Some(Decimal::from(3)));
        assert_eq!(changes.lines.len(), 2);
    }

    proptest! {
        /// Whatever was stored, replacing the changed minutes makes the stored what the provider says, and a second look
        /// changes nothing.
        #[test]
        fn applied_changes_make_the_stored_the_providers(
            before in proptest::collection::vec((0..4u8, 0..3u8, 0..3i64), 0..10),
            now in proptest::collection::vec((0..4u8, 0..3u8, 0..3i64), 0..10),
        ) {
            let lines = |rows: &[(u8, u8, i64)]| -> Lines {
                rows.iter().map(|(m, model, n)| (key(&format!("2026-03-20T10:0{m}:00Z"), &model.to_string()), line(*n, Some(*n)))).collect()
            };
            let (mut after, now) = (lines(&before), lines(&now));
            let changed = changes(after.clone(), now.clone());
            after.retain(|key, _| !changed.minutes.contains(&key.minute));
            after.extend(changed.lines);
            prop_assert_eq!(&after, &now);
            prop_assert_eq!(changes(after, now), Changes::default());
        }
    }
}
