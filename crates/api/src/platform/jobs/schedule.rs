//! Work that comes by the clock.

use std::time::Duration;

use chrono::{DateTime, NaiveTime, SecondsFormat, TimeDelta, Utc};

/// A job that is made at fixed times, once for all replicas: its slot is the time it stands for.
///
/// Only the latest missed time is caught up with, and at the first start the latest time counts as missed. Finished
/// jobs must be kept for longer than the cadence, or a restarted replica makes the latest one again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The name of its handler.
    pub job: &'static str,
    /// When.
    pub cadence: Cadence,
}

/// When a scheduled job is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cadence {
    /// Every day at this time in UTC.
    Daily {
        /// 0 to 23.
        hour: u32,
        /// 0 to 59.
        minute: u32,
    },
    /// At every multiple of this since 1970, in whole seconds.
    Every(Duration),
}

impl Cadence {
    /// The latest time at or before `now`; none if the cadence makes no sense.
    pub fn latest(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match *self {
            Self::Daily { hour, minute } => {
                let today = now.date_naive().and_time(NaiveTime::from_hms_opt(hour, minute, 0)?).and_utc();
                if today <= now { Some(today) } else { today.checked_sub_signed(TimeDelta::days(1)) }
            }
            Self::Every(period) => {
                let period = i64::try_from(period.as_secs()).ok().filter(|period| *period > 0)?;
                DateTime::from_timestamp(now.timestamp().div_euclid(period) * period, 0)
            }
        }
    }
}

impl Schedule {
    /// The slot that is due at `now`.
    pub fn slot(&self, now: DateTime<Utc>) -> Option<String> {
        self.cadence.latest(now).map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(cadence: Cadence, now: &str) -> Option<String> {
        Schedule { job: "job", cadence }.slot(now.parse().expect("a time"))
    }

    #[test]
    fn daily_is_the_latest_time_that_has_come() {
        let nine = Cadence::Daily { hour: 9, minute: 30 };
        assert_eq!(slot(nine, "2026-03-01T09:30:00Z").as_deref(), Some("2026-03-01T09:30:00Z"));
        assert_eq!(slot(nine, "2026-03-01T23:59:59Z").as_deref(), Some("2026-03-01T09:30:00Z"));
        assert_eq!(slot(nine, "2026-03-01T09:29:59.999Z").as_deref(), Some("2026-02-28T09:30:00Z"));
        let midnight = Cadence::Daily { hour: 0, minute: 0 };
        assert_eq!(slot(midnight, "2026-03-01T00:00:00Z").as_deref(), Some("2026-03-01T00:00:00Z"));
        assert_eq!(slot(midnight, "2026-02-28T23:59:59.999Z").as_deref(), Some("2026-02-28T00:00:00Z"));
    }

    #[test]
    fn every_is_the_latest_multiple() {
        let quarter = Cadence::Every(Duration::from_secs(900));
        assert_eq!(slot(quarter, "2026-03-01T10:14:59Z").as_deref(), Some("2026-03-01T10:00:00Z"));
        assert_eq!(slot(quarter, "2026-03-01T10:15:00Z").as_deref(), Some("2026-03-01T10:15:00Z"));
        assert_eq!(slot(quarter, "1969-12-31T23:59:00Z").as_deref(), Some("1969-12-31T23:45:00Z"));
    }

    #[test]
    fn nonsense_is_never_due() {
        assert_eq!(slot(Cadence::Daily { hour: 24, minute: 0 }, "2026-03-01T10:00:00Z"), None);
        assert_eq!(slot(Cadence::Every(Duration::from_millis(10)), "2026-03-01T10:00:00Z"), None);
    }

    #[test]
    fn a_slot_is_a_time() {
        let slot = slot(Cadence::Daily { hour: 0, minute: 0 }, "2026-03-01T10:00:00Z").expect("due");
        assert!(DateTime::parse_from_rfc3339(&slot).is_ok());
    }
}
