//! Whose budgets are checked when: everybody's now and then, others' once something changed, and each by one check at a time.
//! Pure.

use std::collections::{HashMap, HashSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use crate::platform::db::OrganizationId;

/// How long past periods may wait, where what changed may be in one: a call that is reported late, a bill that is restated.
const PAST_PERIODS: TimeDelta = TimeDelta::seconds(30);

/// A check that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// Whose budgets.
    pub(super) organization: OrganizationId,
    /// From when on past periods are to be looked at; nothing where they are now.
    pub(super) past_from: Option<DateTime<Utc>>,
}

/// When this process looked last.
#[derive(Default)]
pub(super) struct Seen {
    /// At all organizations.
    all: Option<DateTime<Utc>>,
    /// At an organization's past periods too.
    past: HashMap<OrganizationId, DateTime<Utc>>,
}

impl Seen {
    /// Whether it is time to look at all of them.
    pub(super) fn wants_all(&self, now: DateTime<Utc>, interval: TimeDelta) -> bool {
        self.all.is_none_or(|last| now < last || now - last >= interval)
    }

    /// Takes what is due of what there is to do: all organizations, or those of which something was said, each with whether
    /// past periods were put off until now.
    pub(super) fn take(
        &mut self,
        now: DateTime<Utc>,
        all: Option<Vec<OrganizationId>>,
        said: Vec<(OrganizationId, bool)>,
    ) -> Vec<Due> {
        if let Some(all) = all {
            self.all = Some(now);
            self.past = all.iter().map(|organization| (*organization, now)).collect();
            return all.into_iter().map(|organization| Due { organization, past_from: None }).collect();
        }
        let due = said.into_iter().map(|(organization, is_put_off)| {
            let next = self.past.get(&organization).map(|at| *at + PAST_PERIODS);
            let past_from = next.filter(|next| !is_put_off && now < *next);
            if past_from.is_none() {
                self.past.insert(organization, now);
            }
            Due { organization, past_from }
        });
        due.collect()
    }
}

/// What waits for its turn, and who is at it.
#[derive(Default)]
pub(super) struct Turns {
    waiting: VecDeque<Due>,
    busy: HashSet<OrganizationId>,
}

impl Turns {
    /// Adds what is due. Who waits already is looked at once.
    pub(super) fn add(&mut self, due: Vec<Due>) {
        for due in due {
            match self.waiting.iter_mut().find(|waiting| waiting.organization == due.organization) {
                // Past periods too, if either says so.
                Some(waiting) => waiting.past_from = waiting.past_from.and(due.past_from),
                None => self.waiting.push_back(due),
            }
        }
    }

    /// The next one that nobody is at.
    pub(super) fn take(&mut self) -> Option<Due> {
        let at = self.waiting.iter().position(|due| !self.busy.contains(&due.organization))?;
        let due = self.waiting.remove(at)?;
        self.busy.insert(due.organization);
        Some(due)
    }

    /// Says that an organization's check has ended.
    pub(super) fn ended(&mut self, organization: OrganizationId) {
        self.busy.remove(&organization);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ONE: OrganizationId = OrganizationId(Uuid::from_u128(1));
    const OTHER: OrganizationId = OrganizationId(Uuid::from_u128(2));

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn due(organization: OrganizationId, past_from: Option<i64>) -> Due {
        Due { organization, past_from: past_from.map(at) }
    }

    #[test]
    fn past_periods_are_looked_at_twice_a_minute_at_most() {
        let mut seen = Seen::default();
        assert!(seen.wants_all(at(0), TimeDelta::seconds(300)));
        assert_eq!(seen.take(at(0), Some(vec![ONE, OTHER]), vec![(ONE, false)]), [due(ONE, None), due(OTHER, None)]);
        assert!(!seen.wants_all(at(299), TimeDelta::seconds(300)) && seen.wants_all(at(300), TimeDelta::seconds(300)));
        assert_eq!(seen.take(at(5), None, vec![(ONE, false)]), [due(ONE, Some(30))]);
        assert_eq!(seen.take(at(29), None, vec![]), []);
        // What changed then may have been in a past period: somebody has put that off until now.
        assert_eq!(seen.take(at(30), None, vec![(ONE, true)]), [due(ONE, None)]);
        assert_eq!(seen.take(at(31), None, vec![(ONE, false), (OTHER, false)]), [due(ONE, Some(60)), due(OTHER, None)]);
    }

    #[test]
    fn each_is_checked_by_one_at_a_time_and_nobody_waits_for_another() {
        let mut turns = Turns::default();
        turns.add(vec![due(ONE, Some(30)), due(OTHER, None)]);
        turns.add(vec![due(ONE, None)]);
        assert_eq!(turns.take(), Some(due(ONE, None)), "once, with its past periods");
        turns.add(vec![due(ONE, Some(60))]);
        assert_eq!((turns.take(), turns.take()), (Some(due(OTHER, None)), None), "somebody is at it");
        turns.ended(ONE);
        assert_eq!((turns.take(), turns.take()), (Some(due(ONE, Some(60))), None));
    }
}
