//! What calls were worth by what they were for.
//!
//! Intents are free text, and in no rollup: one an hour and intent may be as many rows as there are calls. So they are read
//! from the calls themselves, no more than [`MOST_CALLS`] of the organization (the index of events is by time alone), the
//! latest whole hours of the period; what is told says since when it is.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::costs::Named;
use finops_contract::projects::Project;
use finops_contract::value::{IntentValue, OtherIntents, ProjectIntents, ValueQuery};
use sqlx::PgConnection;

use super::domain::{self, CallSums, Cost, Tally};
use super::service;
use super::store::{self, Question};
use crate::features::costs::Days;
use crate::platform::db::OrganizationId;
use crate::platform::exact;
use crate::platform::http::ApiResult;

/// Calls of the organization that are read.
const MOST_CALLS: i64 = 250_000;
/// Intents that are told apart.
const MOST: i32 = 20;

/// What a project's calls were worth by intent.
///
/// # Errors
/// `range_too_large`, `sum_too_large`.
pub(super) async fn of_project(
    conn: &mut PgConnection,
    organization: OrganizationId,
    project: &Project,
    days: Days,
    query: &ValueQuery,
    now: DateTime<Utc>,
) -> ApiResult<ProjectIntents> {
    let (from, to) = service::period(query, days.day(now))?;
    let (begin, end) = (days.start(from), days.start(to));
    let kept = store::kept_since(conn, organization).await?.unwrap_or(begin);
    let hours = store::calls_by_hour(conn, organization, (begin, end)).await?;
    let since = readable(begin, end, &hours, MOST_CALLS).max(kept.min(end));
    let question = Question { organization, projects: &[project.id], from: since, to: end, days };
    let rows = store::by_intent(conn, &question, MOST).await?;
    exact::hold_sums(rows.iter().map(|row| row.calls.cost))?;
    let (mut intents, mut other) = (Vec::new(), None);
    for row in rows {
        let calls = (row.calls.calls > 0).then_some(row.calls);
        let value = domain::value(Cost::of_calls(calls), calls, row.tally);
        if row.place > MOST {
            other = Some(OtherIntents { count: row.intents, value });
        } else {
            intents.push(IntentValue { intent: row.intent, value });
        }
    }
    Ok(ProjectIntents {
        project: Named { id: project.id, name: project.name.clone(), deleted: false },
        from,
        to,
        time_zone: days.name().into(),
        since: (since > begin).then_some(since),
        intents,
        other,
    })
}

/// Since when at most so many calls were made before `end`, by whole hours.
fn readable(
    begin: DateTime<Utc>,
    end: DateTime<Utc>,
    hours: &BTreeMap<DateTime<Utc>, i64>,
    most: i64,
) -> DateTime<Utc> {
    let mut left = most;
    for (hour, calls) in hours.iter().rev() {
        left -= calls;
        if left < 0 {
            return (*hour + TimeDelta::hours(1)).clamp(begin, end);
        }
    }
    begin
}

/// What is known of an intent, or of the others together.
#[derive(Clone, Debug)]
pub(super) struct OfIntent {
    /// Its place among the dearest, from 1; 0 for no intent, and one past the last for the others.
    pub(super) place: i32,
    pub(super) intent: Option<String>,
    /// How many intents it is.
    pub(super) intents: i64,
    pub(super) calls: CallSums,
    pub(super) tally: Tally,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_whole_hours_are_read_that_are_not_too_many() {
        let at = |hour: i64| DateTime::UNIX_EPOCH + TimeDelta::hours(hour);
        let hours = BTreeMap::from([(at(1), 5), (at(2), 3), (at(4), 2)]);
        let since = |most| (readable(at(0), at(6), &hours, most) - at(0)).num_hours();
        assert_eq!([since(10), since(9), since(5), since(4), since(1), since(0)], [0, 2, 2, 3, 5, 5]);
        assert_eq!(readable(at(0), at(6), &BTreeMap::new(), 0), at(0), "there are none");
        assert_eq!(readable(at(0), at(4), &BTreeMap::from([(at(3), 9)]), 1), at(4), "not one hour");
    }
}
