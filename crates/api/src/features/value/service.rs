//! Putting costs, calls and outcomes of a project together.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::ErrorCode;
use finops_contract::costs::Named;
use finops_contract::projects::Project;
use finops_contract::value::{DayValue, ModelValue, ProjectValue, TaskTypeValue, Value, ValueQuery};
use sqlx::PgConnection;

use super::domain::{self, CallSums, Cost, Tally};
use super::store::{self, Of, Question};
use super::total::Adding;
use crate::features::costs::{self, Days, Spender, Spending};
use crate::platform::clock::{END_OF_DAYS, FIRST_DAY};
use crate::platform::db::OrganizationId;
use crate::platform::exact;
use crate::platform::http::ApiResult;

/// The longest period, in days.
const MAX_DAYS: i64 = 366;
/// Days when none are asked for.
const USUAL_DAYS: u64 = 30;
/// Task types and models that are told.
const MOST: usize = 100;

/// What is known of a project, before it is told.
struct Facts {
    outcomes: BTreeMap<Of, Tally>,
    calls: BTreeMap<Of, CallSums>,
    spending: Spending,
}

/// What a project's calls were worth.
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
) -> ApiResult<ProjectValue> {
    let today = days.day(now);
    let (from, to) = period(query, today)?;
    let question = Question { organization, projects: &[project.id], from: days.start(from), to: days.start(to), days };
    let facts = Facts {
        outcomes: store::outcomes(conn, &question).await?.into_iter().map(|(_, of, tally)| (of, tally)).collect(),
        calls: store::calls(conn, &question).await?.into_iter().map(|(_, of, sums)| (of, sums)).collect(),
        spending: costs::spending(conn, organization, &Spender::Project(project.id), days, (from, to)).await?,
    };
    let by_task_type = store::calls_by_task_type(conn, &question).await?;
    let mut adding = Adding::default();
    let mut by_day = Vec::new();
    for day in from.iter_days().take_while(|day| *day < to && *day <= today) {
        let parts = adding.day(&facts.spending, day, day < today)?;
        by_day.push(DayValue { day, value: facts.value(&Of::Day(day), Cost::of_ledgers(&parts)) });
    }
    let total = adding.total()?;
    Ok(ProjectValue {
        project: Named { id: project.id, name: project.name.clone(), deleted: false },
        from,
        to,
        time_zone: days.name().into(),
        total: facts.value(&Of::All, Cost::of_ledgers(&total.dollars)),
        by_basis: total.dollars.by_basis(),
        complete: total.is_complete(),
        unconverted: total.unconverted,
        unknown_days: total.unknown_days,
        by_task_type: facts.by_task_type(by_task_type)?,
        by_model: facts.by_model(),
        by_day,
    })
}

/// The days that are asked for.
///
/// # Errors
/// `range_too_large`.
pub(super) fn period(query: &ValueQuery, today: NaiveDate) -> ApiResult<(NaiveDate, NaiveDate)> {
    let to = query.to.or_else(|| today.succ_opt()).unwrap_or(today);
    let from = query.from.or_else(|| to.checked_sub_days(chrono::Days::new(USUAL_DAYS))).unwrap_or(to);
    let known = from >= FIRST_DAY && to <= END_OF_DAYS && (1..=MAX_DAYS).contains(&(to - from).num_days());
    if known { Ok((from, to)) } else { Err(ErrorCode::RangeTooLarge.into()) }
}

impl Facts {
    fn value(&self, of: &Of, cost: Cost) -> Value {
        domain::value(cost, self.calls.get(of).copied(), self.outcomes.get(of).copied().unwrap_or_default())
    }

    /// By task type, with what names none as the rest of all.
    fn by_task_type(&self, named: Vec<(String, CallSums)>) -> ApiResult<Vec<TaskTypeValue>> {
        let mut calls: BTreeMap<Option<String>, CallSums> = BTreeMap::new();
        let all = self.calls.get(&Of::All).copied().unwrap_or_default();
        exact::hold_sums(named.iter().map(|(_, sums)| sums.cost).chain([all.cost]))?;
        let mut rest = all;
        for (task_type, sums) in named {
            rest.calls -= sums.calls;
            rest.failed -= sums.failed;
            rest.unpriced -= sums.unpriced;
            rest.cost -= sums.cost;
            calls.insert(Some(task_type), sums);
        }
        if rest.calls > 0 {
            calls.insert(None, rest);
        }
        let told = self.outcomes.iter().filter_map(|(of, tally)| match of {
            Of::TaskType(task_type) => Some((task_type.clone(), *tally)),
            _ => None,
        });
        let mut tallies: BTreeMap<Option<String>, Tally> = told.collect();
        let names: Vec<_> =
            calls.keys().cloned().chain(tallies.keys().filter(|name| !calls.contains_key(*name)).cloned()).collect();
        let mut values: Vec<TaskTypeValue> = names
            .into_iter()
            .map(|task_type| {
                let (sums, tally) = (calls.get(&task_type).copied(), tallies.remove(&task_type).unwrap_or_default());
                TaskTypeValue { task_type, value: domain::value(Cost::of_calls(sums), sums, tally) }
            })
            .collect();
        values.sort_by(|a, b| b.value.cost.cmp(&a.value.cost).then_with(|| a.task_type.cmp(&b.task_type)));
        values.truncate(MOST);
        Ok(values)
    }

    fn by_model(&self) -> Vec<ModelValue> {
        let models = self.calls.keys().chain(self.outcomes.keys().filter(|of| !self.calls.contains_key(*of)));
        let mut values: Vec<ModelValue> = models
            .filter_map(|of| match of {
                Of::Model(provider, model) => {
                    let value = self.value(of, Cost::of_calls(self.calls.get(of).copied()));
                    Some(ModelValue { provider: provider.clone(), model: model.clone(), value })
                }
                _ => None,
            })
            .collect();
        values.sort_by(|a, b| b.value.cost.cmp(&a.value.cost).then_with(|| a.model.cmp(&b.model)));
        values.truncate(MOST);
        values
    }
}
