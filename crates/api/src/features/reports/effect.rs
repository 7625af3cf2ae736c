//! What came of reports: who read them, what was done in the week after, and what that week cost.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use finops_contract::budgets::BudgetPeriod;
use finops_contract::reports::{FollowUp, FollowUpCount, FollowUpKind, ReportEffect, ReportReader};
use finops_contract::{Amount, Percent};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain;
use super::find::{self, Costs};
use super::store::{self, Done, ModelWeek};
use crate::features::budgets::{Calendar, Span};
use crate::features::value::percent_of;
use crate::platform::db::OrganizationId;
use crate::platform::http::ApiResult;

/// What is done so long after a report counts as done after it.
const AFTER: TimeDelta = TimeDelta::days(7);
/// Things of each kind that are told.
const MOST: i64 = 100;
/// From this change of a model's share on, in percentage points, a project has moved.
const MOVED: Decimal = Decimal::from_parts(20, 0, 0, false, 0);
/// Decimal places of shares.
const SHARE_PLACES: u32 = 2;

/// What people do that changes what is spent, by the audit log's names.
const ACTIONS: [(FollowUpKind, &[&str]); 5] = [
    (
        FollowUpKind::AdminKey,
        &["admin_key.register", "admin_key.rotate", "admin_key.deactivate", "admin_key.activate", "admin_key.delete"],
    ),
    (FollowUpKind::ApiKey, &["api_key.create", "api_key.rotate", "api_key.revoke"]),
    (FollowUpKind::ProjectStopped, &["project.remove_openai_project_id", "project.delete"]),
    (FollowUpKind::Budget, &["budget.create", "budget.update", "budget.delete"]),
    (FollowUpKind::Block, &["block.create", "block.approve", "block.lift"]),
];

/// Of these, what a block and its lift do by themselves: told as the block alone.
const BY_BLOCKS: [&str; 3] = ["project.remove_openai_project_id", "admin_key.deactivate", "admin_key.activate"];

/// What came of the latest reports, the latest first.
///
/// # Errors
/// `sum_too_large`.
pub(super) async fn of_reports(
    conn: &mut PgConnection,
    organization: OrganizationId,
    calendar: Calendar,
    most: i64,
    now: DateTime<Utc>,
) -> ApiResult<Vec<ReportEffect>> {
    let sent = store::sent_weeks(conn, organization, most).await?;
    let (Some((newest, _)), Some((oldest, _))) = (sent.first(), sent.last()) else { return Ok(Vec::new()) };
    let weeks: Vec<NaiveDate> = sent.iter().map(|(week, _)| *week).collect();
    let mut readers = store::readers(conn, organization, &weeks).await?;
    let hull = (*oldest, domain::after(span(calendar, *newest)).to);
    let costs = Costs::of(conn, organization, calendar.days(), hull).await?;
    let models = Models::of(store::models(conn, organization, calendar.days(), hull).await?);
    let names = store::projects(conn, organization).await?;
    let (actions, by_blocks) = (names_of_actions(), BY_BLOCKS.map(str::to_owned));
    let today = calendar.today(now);
    let mut effects = Vec::new();
    for (week, sent_at) in sent {
        let (about, after) = (span(calendar, week), domain::after(span(calendar, week)));
        let readers = readers.remove(&week).unwrap_or_default();
        let done = store::done(conn, organization, (sent_at, sent_at + AFTER), (&actions, &by_blocks), MOST).await?;
        let mut told: Vec<FollowUp> = Vec::new();
        let mut counts: BTreeMap<FollowUpKind, usize> = BTreeMap::new();
        for done in done {
            let Some(kind) = kind(&done.action) else { continue };
            counts.insert(kind, usize::try_from(done.count).unwrap_or(usize::MAX));
            told.push(follow_up(kind, done, &readers));
        }
        let is_over = after.to <= today;
        if is_over {
            let moved = models.moved(week, after.from).filter(|(project, ..)| names.contains_key(project));
            let moved: Vec<FollowUp> = moved.map(|(_, model, by)| moved_to(model, by, calendar, after)).collect();
            if !moved.is_empty() {
                counts.insert(FollowUpKind::Model, moved.len());
            }
            told.extend(moved.into_iter().take(usize::try_from(MOST).unwrap_or(usize::MAX)));
        }
        let cost = costs.week(about)?.whole();
        let cost_after = if is_over { costs.week(after)?.whole() } else { None };
        effects.push(ReportEffect {
            week,
            sent_at,
            opened: readers.iter().filter(|reader| first(reader).is_some()).count(),
            clicked: readers.iter().filter(|reader| reader.clicked_at.is_some()).count(),
            readers,
            actions: told,
            counts: counts.into_iter().map(|(kind, count)| FollowUpCount { kind, count }).collect(),
            cost: cost.map(Amount),
            cost_after: cost_after.map(Amount),
            change_percent: find::change(cost, cost_after),
        });
    }
    Ok(effects)
}

fn span(calendar: Calendar, week: NaiveDate) -> Span {
    calendar.period(BudgetPeriod::Weekly, week)
}

fn names_of_actions() -> Vec<String> {
    ACTIONS.iter().flat_map(|(_, names)| names.iter()).map(|name| (*name).to_owned()).collect()
}

fn kind(action: &str) -> Option<FollowUpKind> {
    ACTIONS.iter().find(|(_, names)| names.contains(&action)).map(|(kind, _)| *kind)
}

/// When a reader is known to have seen it. Whoever follows a link has, though their mail program says nothing.
fn first(reader: &ReportReader) -> Option<DateTime<Utc>> {
    [reader.opened_at, reader.clicked_at].into_iter().flatten().min()
}

fn follow_up(kind: FollowUpKind, done: Done, readers: &[ReportReader]) -> FollowUp {
    let by_reader = readers
        .iter()
        .any(|reader| reader.email.eq_ignore_ascii_case(&done.actor) && first(reader).is_some_and(|at| at <= done.at));
    FollowUp {
        kind,
        action: Some(done.action),
        target: done.target,
        actor: Some(done.actor),
        by_reader,
        share_change: None,
        at: done.at,
    }
}

fn moved_to(model: String, by: Decimal, calendar: Calendar, week: Span) -> FollowUp {
    FollowUp {
        kind: FollowUpKind::Model,
        action: None,
        target: Some(model),
        actor: None,
        by_reader: false,
        share_change: Some(Percent(by)),
        at: calendar.bounds(week).1,
    }
}

/// What models cost projects, week by week. A week in which some calls have no price is left out: shares of what is not known
/// whole are none.
struct Models(BTreeMap<(NaiveDate, Uuid), BTreeMap<String, Decimal>>);

impl Models {
    fn of(rows: Vec<ModelWeek>) -> Self {
        let mut weeks: BTreeMap<(NaiveDate, Uuid), BTreeMap<String, Decimal>> = BTreeMap::new();
        let unknown: Vec<(NaiveDate, Uuid)> =
            rows.iter().filter(|row| row.unpriced > 0).map(|row| (row.week, row.project)).collect();
        for row in rows {
            weeks.entry((row.week, row.project)).or_default().insert(row.model, row.cost);
        }
        weeks.retain(|key, _| !unknown.contains(key));
        Self(weeks)
    }

    /// Projects that moved between models from one week to another: of each the model whose share changed most, and by how
    /// many percentage points; where one gained as much as another lost, the one that gained.
    fn moved(&self, from: NaiveDate, to: NaiveDate) -> impl Iterator<Item = (Uuid, String, Decimal)> {
        let projects = self.0.range((from, Uuid::nil())..).take_while(move |((week, _), _)| *week == from);
        projects.filter_map(move |((_, project), before)| {
            let after = self.0.get(&(to, *project))?;
            let models = before.keys().chain(after.keys().filter(|model| !before.contains_key(*model)));
            let changes = models.filter_map(|model| Some((model, share(after, model)? - share(before, model)?)));
            let (model, by) = changes
                .max_by(|a, b| a.1.abs().cmp(&b.1.abs()).then_with(|| a.1.cmp(&b.1)).then_with(|| b.0.cmp(a.0)))?;
            (by.abs() >= MOVED).then(|| (*project, model.clone(), by))
        })
    }
}

/// A model's share of a week's cost, in percent; nothing where there was none.
fn share(costs: &BTreeMap<String, Decimal>, model: &str) -> Option<Decimal> {
    let all = costs.values().try_fold(Decimal::ZERO, |sum, cost| sum.checked_add(*cost))?;
    percent_of(costs.get(model).copied().unwrap_or_default(), all, SHARE_PLACES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(week: &str, model: &str, cost: i64, unpriced: i64) -> ModelWeek {
        let (week, project) = (week.parse().unwrap(), Uuid::from_u128(1));
        ModelWeek { week, project, model: model.into(), cost: cost.into(), unpriced }
    }

    fn moved(rows: Vec<ModelWeek>) -> Option<(String, String)> {
        let models = Models::of(rows);
        let found = models.moved("2026-03-09".parse().unwrap(), "2026-03-16".parse().unwrap()).next();
        found.map(|(_, model, by)| (model, by.normalize().to_string()))
    }

    #[test]
    fn a_project_has_moved_where_a_models_share_changed_by_a_fifth() {
        let (one, two) = ("2026-03-09", "2026-03-16");
        let weeks = |before: i64, after: i64| {
            vec![
                row(one, "a", before, 0),
                row(one, "b", 100 - before, 0),
                row(two, "a", after, 0),
                row(two, "b", 100 - after, 0),
            ]
        };
        let some = |model: &str, by: &str| Some((model.to_owned(), by.to_owned()));
        assert_eq!(moved(weeks(60, 40)), some("b", "20"), "the one that gained");
        assert_eq!(moved(weeks(60, 41)), None);
        assert_eq!(moved(vec![row(one, "a", 5, 0), row(two, "b", 5, 0)]), some("b", "100"));
        assert_eq!(moved(vec![row(one, "a", 5, 0), row(two, "b", 5, 1)]), None, "nobody knows what it cost");
        assert_eq!(moved(vec![row(one, "a", 5, 0)]), None, "it was not called any more");
        assert_eq!(moved(vec![row(one, "a", 0, 0), row(two, "b", 5, 0)]), None);
    }
}
