//! What limits stop: while they do, a project uses nothing and is billed for nothing.
//!
//! A project is stopped by a hard spend limit that this month's spend has reached, or by rate limits that let no call of any
//! model through. A spend limit that once held holds until it is changed: the turn of the month is left out, because what
//! a limit of a cent lets through then would be over in seconds.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ledger::midnight;
use super::state::Organization;

const DAY: i64 = 86_400;

/// A time in which a project was stopped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    pub(crate) from: DateTime<Utc>,
    /// `None`: it still is.
    pub(crate) until: Option<DateTime<Utc>>,
}

impl Stop {
    /// The seconds of `day` that it covers.
    fn of_day(self, day: NaiveDate) -> Option<(i64, i64)> {
        let second = |at: DateTime<Utc>| (at - midnight(day)).num_seconds().clamp(0, DAY);
        let span = (second(self.from), self.until.map_or(DAY, second));
        (span.0 < span.1).then_some(span)
    }
}

/// The limits of a project, and whether they stop it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Cents a month.
    pub spend_limit_cents: Option<i64>,
    /// By rate limit: requests, tokens, images, megabytes of audio a minute, requests a day, batch input tokens a day.
    pub rate_limits: BTreeMap<String, [Option<i64>; 6]>,
    /// Since when nothing is used and billed; `None`: it is not stopped.
    pub stopped_since: Option<DateTime<Utc>>,
}

impl Organization {
    /// Notes whether limits stop projects, as of `now`: before anything is shown, and after limits were changed.
    pub(crate) fn enforce(&mut self, now: DateTime<Utc>) {
        for index in 0..self.projects.len() {
            let reached = match self.projects[index].spend_limit {
                None => false,
                Some(_) if self.projects[index].spend_limit_holds => true,
                Some(cents) => self.spent_this_month(Some(index), now) >= Decimal::new(cents, 2),
            };
            let project = &mut self.projects[index];
            project.spend_limit_holds = reached;
            let limited = !project.rate_limits.is_empty();
            let stopped = reached
                || limited && project.rate_limits.iter().all(super::rate_limits::RateLimit::lets_nothing_through);
            match project.stops.last_mut().filter(|stop| stop.until.is_none()) {
                None if stopped => project.stops.push(Stop { from: now, until: None }),
                Some(stop) if !stopped => stop.until = Some(now.max(stop.from)),
                _ => {}
            }
        }
    }

    /// The seconds of `day` in which a project was stopped, as disjoint spans.
    pub(crate) fn stopped(&self, project: u32, day: NaiveDate) -> Vec<(i64, i64)> {
        let stops = self.projects.get(project as usize).map_or(&[][..], |project| &project.stops);
        stops.iter().filter_map(|stop| stop.of_day(day)).collect()
    }

    /// A project's limits.
    pub(crate) fn limits(&self, index: usize) -> Limits {
        let project = &self.projects[index];
        Limits {
            spend_limit_cents: project.spend_limit,
            rate_limits: project.rate_limits.iter().map(|limit| (limit.id(), limit.values())).collect(),
            stopped_since: project.stops.last().filter(|stop| stop.until.is_none()).map(|stop| stop.from),
        }
    }
}

/// Of the first so many seconds of a day, those outside of the spans.
pub(crate) fn active(seconds: i64, stopped: &[(i64, i64)]) -> i64 {
    seconds - stopped.iter().map(|(from, until)| (seconds.min(*until) - from).max(0)).sum::<i64>()
}

#[cfg(test)]
mod tests {
    use super::{Stop, active};
    use crate::openai::ledger::midnight;

    #[test]
    fn seconds_in_a_stop_do_not_count() {
        assert_eq!(active(3_600, &[]), 3_600);
        let stopped = [(600, 1_200), (3_000, 86_400)];
        assert_eq!([0, 600, 900, 1_200, 3_600, 86_400].map(|s| active(s, &stopped)), [0, 600, 600, 600, 2_400, 2_400]);
    }

    #[test]
    fn a_stop_covers_its_days() {
        let day = "2026-03-20".parse().unwrap();
        let noon = midnight(day) + chrono::TimeDelta::hours(12);
        let open = Stop { from: noon, until: None };
        assert_eq!(open.of_day(day), Some((43_200, 86_400)));
        assert_eq!(open.of_day(day.succ_opt().unwrap()), Some((0, 86_400)));
        assert_eq!(open.of_day(day.pred_opt().unwrap()), None);
        assert_eq!(Stop { until: Some(noon), ..open }.of_day(day), None);
    }
}
