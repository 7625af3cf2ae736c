//! Finds out what a week's report says.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use finops_contract::costs::CostState;
use finops_contract::organizations::Organization;
use finops_contract::reports::{RankedProject, UnmeasuredProject, UnmeasuredReason, WeekCost, WeeklyReport};
use finops_contract::{Amount, Percent, Quantities, UnitKind};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain;
use super::rank::{self, Candidate, Merit};
use super::store::{self, Input, ProjectNames};
use super::suggest::{self, Caching, Case};
use crate::features::budgets::{self, Calendar, Span};
use crate::features::costs::{self, Days, Spender, Spending};
use crate::features::prices::{Book, Lookup};
use crate::features::value::{self, Total, Worth};
use crate::features::{alerts, blocks};
use crate::platform::db::OrganizationId;
use crate::platform::http::ApiResult;

/// Projects that are named though nobody measured them.
const UNMEASURED: usize = 10;
/// Alerts and blocks that are named.
const NAMED: i64 = 10;
/// Tenths of the input: caching is told by each of them.
const TENTHS: Decimal = Decimal::TEN;
/// Decimal places of a change.
const CHANGE_PLACES: u32 = 1;

/// What the organization's weeks cost, as is known now.
pub(super) struct Costs {
    spending: Spending,
    /// Days of which somebody's share is missing.
    missing: BTreeSet<NaiveDate>,
}

/// What one of them cost.
pub(super) struct Week {
    total: Total,
    complete: bool,
}

impl Costs {
    /// Of the weeks from one day to another.
    ///
    /// # Errors
    /// `sum_too_large`.
    pub(super) async fn of(
        conn: &mut PgConnection,
        organization: OrganizationId,
        days: Days,
        period: (NaiveDate, NaiveDate),
    ) -> ApiResult<Self> {
        let spending = costs::spending(conn, organization, &Spender::Organization, days, period).await?;
        let missing = costs::missing_days(conn, organization, period).await?;
        Ok(Self { spending, missing })
    }

    /// One week.
    ///
    /// # Errors
    /// `sum_too_large`.
    pub(super) fn week(&self, week: Span) -> ApiResult<Week> {
        let mut total = Total::over(&self.spending, (week.from, week.to))?;
        let unknown = |day: &NaiveDate| self.missing.contains(day) || self.spending.on(*day).is_none();
        total.unknown_days = i64::try_from(week.each().filter(unknown).count()).unwrap_or(i64::MAX);
        let complete = total.is_complete();
        Ok(Week { total, complete })
    }
}

impl Week {
    /// What it cost, if all of that is known.
    pub(super) fn whole(&self) -> Option<Decimal> {
        self.complete.then(|| self.total.dollars.cost())
    }
}

/// The change from one to the other in percent; nothing where one is not known, or there was nothing.
pub(super) fn change(from: Option<Decimal>, to: Option<Decimal>) -> Option<Percent> {
    let (from, to) = (from?, to?);
    value::percent_of(to.checked_sub(from)?, from, CHANGE_PLACES).map(Percent)
}

/// What is known of a sum of dollars: nothing where nothing but calls without a price is.
fn known(total: &Total) -> Option<Decimal> {
    let dollars = &total.dollars;
    (dollars.known() && dollars.state() != CostState::Unpriced).then(|| dollars.cost())
}

/// What a project cost, where it may be compared by that: all of it is known, but for calls without a price, which are told
/// beside it. Days of which nothing is known, and other currencies, may be most of it.
fn comparable(total: &Total) -> Option<Decimal> {
    known(total).filter(|_| total.unknown_days == 0 && total.unconverted.is_empty())
}

fn week_cost(week: &Week, before: &Week) -> WeekCost {
    let Total { dollars, unconverted, unknown_days } = &week.total;
    let previous = before.whole().filter(|_| week.complete);
    WeekCost {
        cost: known(&week.total).map(Amount),
        basis: dollars.basis(),
        state: dollars.state(),
        by_basis: dollars.by_basis(),
        unpriced: dollars.unpriced(),
        unknown_days: *unknown_days,
        unconverted: unconverted.clone(),
        complete: week.complete,
        previous_cost: previous.map(Amount),
        change_percent: change(previous, week.whole()),
    }
}

/// The report of a week that is over, of what is known now.
///
/// # Errors
/// `sum_too_large`.
pub(super) async fn report(
    conn: &mut PgConnection,
    organization: &Organization,
    book: &Book,
    week: Span,
) -> ApiResult<WeeklyReport> {
    let (id, calendar) = (OrganizationId(organization.id), Calendar::of(organization));
    let (days, bounds) = (calendar.days(), calendar.bounds(week));
    let before = domain::before(week);
    let costs = Costs::of(conn, id, days, (before.from, week.to)).await?;
    let projects = Projects::of(conn, id, book, days, week).await?;
    let (alerts_raised, open_alerts) = alerts::raised_between(conn, id, bounds, NAMED).await?;
    let (best, worst) = projects.placed();
    let not_measured = projects.not_measured();
    let not_measured_count = not_measured.len();
    Ok(WeeklyReport {
        organization: organization.name.clone(),
        from: week.from,
        to: week.to,
        time_zone: days.name().into(),
        total: week_cost(&costs.week(week)?, &costs.week(before)?),
        measured: projects.measured().count(),
        best,
        worst,
        not_measured: not_measured.into_iter().take(UNMEASURED).collect(),
        not_measured_count,
        alerts_raised,
        open_alerts,
        blocks: blocks::stopped_between(conn, id, bounds, NAMED).await?,
        sent_at: None,
    })
}

/// What is known of an organization's projects in a week.
struct Projects {
    names: BTreeMap<Uuid, ProjectNames>,
    worth: BTreeMap<Uuid, Worth>,
    /// What they cost in the week before.
    before: BTreeMap<Uuid, Total>,
    caching: BTreeMap<Uuid, Caching>,
    /// Whose spending budgets are about.
    watched: Vec<Spender>,
}

impl Projects {
    async fn of(
        conn: &mut PgConnection,
        organization: OrganizationId,
        book: &Book,
        days: Days,
        week: Span,
    ) -> ApiResult<Self> {
        let names = store::projects(conn, organization).await?;
        let mut worth = value::of_projects(conn, organization, days, (week.from, week.to)).await?;
        worth.retain(|project, _| names.contains_key(project));
        let before = domain::before(week);
        let before = (before.from, before.to);
        let spending = costs::spending_of_projects(conn, organization, days, before).await?;
        let before = spending.iter().map(|(project, spent)| Ok((*project, Total::over(spent, before)?)));
        let before = before.collect::<ApiResult<_>>()?;
        let (start, end) = (days.start(week.from), days.start(week.to));
        let mut caching: BTreeMap<Uuid, Caching> = BTreeMap::new();
        for input in store::inputs(conn, organization, (start, end)).await? {
            let sum = caching.entry(input.project).or_default();
            sum.input += input.tokens;
            sum.cached += input.cached;
            sum.saves += saves(book, &input, end).unwrap_or_default();
        }
        let watched = budgets::in_force(conn, organization).await?.iter().filter_map(budgets::spender).collect();
        Ok(Self { names, worth, before, caching, watched })
    }

    /// Those that can be compared, with what they cost.
    fn measured(&self) -> impl Iterator<Item = (Uuid, Decimal, Merit, &Worth)> {
        self.worth.iter().filter_map(|(project, worth)| {
            let cost = comparable(&worth.total)?;
            Some((*project, cost, Merit::of(cost, &worth.tally)?, worth))
        })
    }

    fn placed(&self) -> (Vec<RankedProject>, Vec<RankedProject>) {
        let measured: BTreeMap<Uuid, (Decimal, Merit, &Worth)> =
            self.measured().map(|(project, cost, merit, worth)| (project, (cost, merit, worth))).collect();
        let candidates = measured.iter().map(|(project, (cost, merit, _))| Candidate {
            merit: *merit,
            cost: *cost,
            project: *project,
        });
        let (best, worst) = rank::place(candidates.collect());
        let shown = |projects: Vec<Uuid>| {
            let found = projects.into_iter().filter_map(|project| {
                let (cost, merit, worth) = measured.get(&project)?;
                Some(self.shown(self.names.get(&project)?, *cost, merit, worth))
            });
            found.collect()
        };
        (shown(best), shown(worst))
    }

    fn shown(&self, names: &ProjectNames, cost: Decimal, merit: &Merit, worth: &Worth) -> RankedProject {
        let (tally, dollars) = (&worth.tally, &worth.total.dollars);
        let recorded = |count: i64| (tally.outcomes() > 0).then_some(count);
        let case = Case {
            project: names.project.id,
            measure: merit.measure,
            cost,
            worth,
            caching: self.caching.get(&names.project.id).copied().unwrap_or_default(),
            has_budget: self.watched.iter().any(|spender| watches(spender, names)),
        };
        let whole = |total: &Total| total.is_complete().then(|| total.dollars.cost());
        let this_week = whole(&worth.total);
        let previous = self.before.get(&names.project.id).and_then(whole).filter(|_| this_week.is_some());
        RankedProject {
            project: names.project.clone(),
            team: names.team.clone(),
            openai_project_id: names.openai_project_id.clone(),
            measure: merit.measure,
            cost: Amount(cost),
            previous_cost: previous.map(Amount),
            change_percent: change(previous, this_week),
            basis: dollars.basis(),
            unpriced: dollars.unpriced(),
            successes: recorded(tally.successes),
            failures: recorded(tally.failures),
            success_rate: tally.success_rate().map(Percent),
            cost_per_success: value::cost_per_success(cost, tally.successes).map(Amount),
            feedback_scores: tally.scores,
            feedback_mean: tally.mean_score().map(Amount),
            feedback_per_dollar: value::score_per_dollar(tally.score, cost).filter(|_| tally.scores > 0).map(Amount),
            suggestion: suggest::suggest(&case),
        }
    }

    /// Those of which it is not known what came of them, or what they cost, all of it; the dearest first.
    fn not_measured(&self) -> Vec<UnmeasuredProject> {
        let mut projects: Vec<UnmeasuredProject> = self
            .worth
            .iter()
            .filter_map(|(project, worth)| {
                let cost = known(&worth.total);
                let is_recorded = Merit::of(cost.unwrap_or_default(), &worth.tally).is_some();
                let is_measured = is_recorded && comparable(&worth.total).is_some();
                let is_silent =
                    cost == Some(Decimal::ZERO) && worth.tally.is_empty() && worth.total.unconverted.is_empty();
                // Of what only costs something in another currency, it is not known in dollars.
                let has_something = cost.is_some()
                    || !worth.tally.is_empty()
                    || worth.total.dollars.unpriced() > 0
                    || !worth.total.unconverted.is_empty();
                let named = self.names.get(project).filter(|_| !is_measured && !is_silent && has_something)?;
                Some(UnmeasuredProject {
                    project: named.project.clone(),
                    cost: cost.map(Amount),
                    partial: cost.is_some() && !worth.total.is_complete(),
                    reason: match is_recorded {
                        true => UnmeasuredReason::CostUnknown,
                        false => UnmeasuredReason::Unrecorded,
                    },
                })
            })
            .collect();
        projects.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.project.name.cmp(&b.project.name)));
        projects
    }
}

/// Whether a budget over somebody's spending has this project's in it, whole.
fn watches(spender: &Spender, names: &ProjectNames) -> bool {
    match spender {
        Spender::Organization => true,
        Spender::Team(team) => *team == names.team.id,
        Spender::Project(project) => *project == names.project.id,
        Spender::Environment(environment) => Some(*environment) == names.environment,
        Spender::Service(_) | Spender::Learner(_) => false,
    }
}

/// What each tenth of a model's input saves that is read from a cache, by the prices of the week's end.
fn saves(book: &Book, input: &Input, end: chrono::DateTime<chrono::Utc>) -> Option<Decimal> {
    let price = |kind: UnitKind| {
        let quantities = Quantities::default().with(kind, input.tokens);
        let at = end - chrono::TimeDelta::microseconds(1);
        let (provider, model) = (input.provider.as_str(), input.model.as_str());
        let lookup = Lookup { provider, model, tier: None, region: None, at, quantities: &quantities };
        book.price_sum(&lookup, u64::try_from(input.calls).unwrap_or(1)).cost()
    };
    price(UnitKind::Input)?.checked_sub(price(UnitKind::CachedInput)?)?.checked_div(TENTHS)
}
