//! How long to wait before the next attempt.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Exponential, with full jitter, so that jobs that failed together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The most after the first attempt.
    pub base: Duration,
    /// The most after any attempt.
    pub cap: Duration,
}

/// The least: an attempt that follows at once meets the same failure.
const FLOOR: Duration = Duration::from_secs(1);

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_secs(5), cap: Duration::from_secs(600) }
    }
}

impl Backoff {
    /// A random wait after this attempt (from 1), between a second and [`Self::ceiling`].
    pub fn delay(&self, attempt: i32) -> Duration {
        // The keys of a `RandomState` are random; a job queue needs no better.
        self.at(attempt, RandomState::new().build_hasher().finish())
    }

    /// The longest wait after this attempt (from 1).
    pub fn ceiling(&self, attempt: i32) -> Duration {
        let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or_default().min(31);
        self.base.saturating_mul(1 << doublings).min(self.cap)
    }

    fn at(&self, attempt: i32, random: u64) -> Duration {
        let spread = self.ceiling(attempt).saturating_sub(FLOOR);
        let share = random as f64 / u64::MAX as f64;
        FLOOR + spread.mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_cap() {
        let ceilings: Vec<u64> = (1..=9).map(|attempt| Backoff::default().ceiling(attempt).as_secs()).collect();
        assert_eq!(ceilings, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!(Backoff::default().ceiling(i32::MAX), Duration::from_secs(600));
        assert_eq!(Backoff::default().ceiling(i32::MIN), Duration::from_secs(5));
    }

    #[test]
    fn spreads_over_the_whole_range() {
        let backoff = Backoff::default();
        assert_eq!(backoff.at(3, 0), FLOOR);
        assert_eq!(backoff.at(3, u64::MAX), Duration::from_secs(20));
        let half = backoff.at(3, u64::MAX / 2).as_secs_f64();
        assert!((10.0..11.0).contains(&half), "{half}");
    }

    #[test]
    fn is_random_and_in_bounds() {
        let backoff = Backoff::default();
        let delays: Vec<Duration> = (0..200).map(|_| backoff.delay(8)).collect();
        assert!(delays.iter().all(|delay| (FLOOR..=backoff.cap).contains(delay)));
        assert!(delays.iter().any(|delay| *delay < backoff.cap / 2));
        assert!(delays.iter().any(|delay| *delay > backoff.cap / 2));
    }

    #[test]
    fn a_cap_below_the_floor_waits_the_floor() {
        let backoff = Backoff { base: Duration::ZERO, cap: Duration::ZERO };
        assert_eq!(backoff.at(5, u64::MAX), FLOOR);
    }
}
