//! Projects beside what they cost. Pure.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use finops_contract::costs::{CostRow, CostSummary};
use finops_contract::projects::{Environment, Project, ProviderProject};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::i18n::{Word, words};
use crate::order::{folded, sort_by};
use crate::period::Period;

/// The same number of days before a period.
pub fn before(period: Period) -> Period {
    let days = Days::new(u64::try_from(period.days()).unwrap_or_default());
    Period { from: period.from.checked_sub_days(days).unwrap_or(period.from), to: period.from }
}

/// Whether a period can be compared with the one before it: the service compares the dearest projects only where all of
/// both was collected. A part of a period would always seem to cost less.
pub fn comparable(summary: &CostSummary, period: Period) -> bool {
    let ends = (summary.trend.first().map(|point| point.day), summary.trend.last().map(|point| point.day));
    ends == (Some(period.from), Some(period.last()))
        && summary.top_projects.iter().any(|project| project.previous_cost.is_some())
}

/// A project with what it cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The project.
    pub project: Project,
    /// What it cost; `None` where the bill has nothing for it, which may mean that nothing was collected.
    pub cost: Option<Decimal>,
    /// The change in percent, one fraction digit; `None` without a base to compare with.
    pub change: Option<Decimal>,
    /// What it cost on each day; empty where that is not known.
    pub trend: Vec<Option<Decimal>>,
    /// How much of its budget is spent, in percent; `None` where it has none, or nothing is known.
    pub used: Option<Decimal>,
}

/// Sums by project, in one currency. The key is `None` for what belongs to none.
pub fn by_project(rows: &[CostRow], currency: &str) -> BTreeMap<Option<Uuid>, Decimal> {
    let mut sums = BTreeMap::new();
    for row in rows.iter().filter(|row| row.currency == currency) {
        let id = row.dimensions.project.as_ref().and_then(Option::as_ref).map(|project| project.id);
        *sums.entry(id).or_insert(Decimal::ZERO) += row.cost.0;
    }
    sums
}

/// The change in percent with one fraction digit; `None` without a base to compare with.
pub fn change(now: Decimal, before: Decimal) -> Option<Decimal> {
    if before <= Decimal::ZERO {
        return None;
    }
    let ratio = (now - before).checked_mul(Decimal::ONE_HUNDRED)?.checked_div(before)?;
    Some(ratio.round_dp(1))
}

/// What each project cost on each day of a period. A day for which the bill has no row at all was not collected: a gap.
pub fn trends(rows: &[CostRow], currency: &str, period: Period) -> BTreeMap<Uuid, Vec<Option<Decimal>>> {
    let place = |day: NaiveDate| usize::try_from((day - period.from).num_days()).ok();
    let mut empty = vec![None; usize::try_from(period.days()).unwrap_or_default()];
    for at in rows.iter().filter_map(|row| place(row.dimensions.day?)) {
        if let Some(value) = empty.get_mut(at) {
            *value = Some(Decimal::ZERO);
        }
    }
    let mut trends = BTreeMap::new();
    for row in rows.iter().filter(|row| row.currency == currency) {
        let (Some(Some(project)), Some(day)) = (&row.dimensions.project, row.dimensions.day) else { continue };
        let values = trends.entry(project.id).or_insert_with(|| empty.clone());
        if let Some(Some(value)) = place(day).and_then(|at| values.get_mut(at)) {
            *value += row.cost.0;
        }
    }
    trends
}

/// What rows are sorted by: a column of the table. What is not known comes last either way.
pub fn sort(lines: &mut [Line], key: &str, down: bool) {
    let turn = |order: Ordering| if down { order.reverse() } else { order };
    let known = |a: Option<Decimal>, b: Option<Decimal>| match (a, b) {
        (Some(a), Some(b)) => turn(a.cmp(&b)),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    sort_by(lines, |a, b| {
        let by_name = folded(&a.project.name).cmp(&folded(&b.project.name));
        match key {
            "name" => turn(by_name),
            "team" => turn(a.project.team_name.cmp(&b.project.team_name)).then(by_name),
            "change" => known(a.change, b.change).then(by_name),
            "budget" => known(a.used, b.used).then(by_name),
            _ => known(a.cost, b.cost).then(by_name),
        }
    });
}

/// Whether this can be a Project ID at OpenAI: `proj_` and at least one letter, digit, `_` or `-`.
pub fn is_project_id(text: &str) -> bool {
    text.strip_prefix("proj_").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    })
}

/// Those that can be picked first, by name.
pub fn order_for_picking(projects: &mut [ProviderProject]) {
    sort_by(projects, |a, b| {
        (a.project_id.is_some().cmp(&b.project_id.is_some()))
            .then(a.archived.cmp(&b.archived))
            .then_with(|| folded(&a.name).cmp(&folded(&b.name)))
            .then_with(|| a.id.cmp(&b.id))
    });
}

/// What an environment is called.
pub const fn environment_name(environment: Environment) -> Word {
    match environment {
        Environment::Production => words::projects::ENV_PRODUCTION,
        Environment::Staging => words::projects::ENV_STAGING,
        Environment::Development => words::projects::ENV_DEVELOPMENT,
        Environment::Ci => words::projects::ENV_CI,
    }
}

/// The days of a period until today; a day to come has no trend.
pub fn until_today(period: Period, today: NaiveDate) -> Period {
    Period { to: period.to.min(today.succ_opt().unwrap_or(today)).max(period.from), ..period }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn row(project: &str, day: &str, cost: &str) -> CostRow {
        serde_json::from_str(&format!(
            r#"{{"dimensions":{{"project":{project},"day":"{day}"}},"cost":"{cost}","currency":"USD","basis":"billed",
            "state":"billed","settlement":"settled"}}"#
        ))
        .unwrap()
    }

    const A: &str = r#"{"id":"00000000-0000-0000-0000-00000000000a","name":"a"}"#;

    fn line(name: &str, cost: Option<&str>) -> Line {
        let project = serde_json::from_str(&format!(
            r#"{{"id":"00000000-0000-0000-0000-00000000000a","name":"{name}","description":null,"environment":"ci",
            "teamId":"00000000-0000-0000-0000-00000000000b","teamName":"t","openaiProjectId":null,
            "openaiProjectIdSince":null,"memberCount":0,"createdAt":"2026-08-01T00:00:00Z"}}"#
        ))
        .unwrap();
        Line { project, cost: cost.map(decimal), change: None, trend: Vec::new(), used: None }
    }

    #[test]
    fn sums_and_trends_are_by_project() {
        let rows = [row(A, "2026-11-20", "0.1"), row(A, "2026-11-22", "0.2"), row("null", "2026-11-20", "7")];
        let a = Uuid::from_u128(10);
        let sums = by_project(&rows, "USD");
        assert_eq!((sums[&Some(a)], sums[&None]), (decimal("0.3"), decimal("7")));
        assert!(by_project(&rows, "EUR").is_empty());
        let period = Period { from: "2026-11-20".parse().unwrap(), to: "2026-11-23".parse().unwrap() };
        assert_eq!(trends(&rows, "USD", period)[&a], [Some(decimal("0.1")), None, Some(decimal("0.2"))]);
        let other = row(r#"{"id":"00000000-0000-0000-0000-00000000000c","name":"c"}"#, "2026-11-21", "1");
        assert_eq!(trends(&[&rows[..], &[other]].concat(), "USD", period)[&a][1], Some(Decimal::ZERO));
    }

    #[test]
    fn a_change_needs_something_to_compare_with() {
        assert_eq!(change(decimal("112.44"), decimal("100")), Some(decimal("12.4")));
        assert_eq!(change(decimal("50"), decimal("100")), Some(decimal("-50.0")));
        assert_eq!(change(decimal("50"), Decimal::ZERO), None);
        assert_eq!(change(decimal("50"), decimal("-1")), None);
    }

    #[test]
    fn only_whole_periods_are_compared() {
        let period = Period { from: "2026-11-21".parse().unwrap(), to: "2026-11-23".parse().unwrap() };
        let empty = r#"{"from":"2026-11-22","to":"2026-11-23","cost":"0","previousCost":null,"changePercent":null,
            "driver":null,"settlement":"settled","hasData":false}"#;
        let summary = |previous: &str| {
            serde_json::from_str::<CostSummary>(&format!(
                r#"{{"currency":"USD","otherCurrencies":[],"basis":"billed","dayZone":"UTC","yesterday":{empty},
                "lastWeek":{empty},"lastMonth":{empty},"monthToDate":{empty},"trend":[
                {{"day":"2026-11-21","cost":"1","settlement":"settled"}},{{"day":"2026-11-22","cost":"1","settlement":"settled"}}],
                "topProjects":[{{"project":{A},"team":null,"cost":"2","previousCost":{previous},"changePercent":null,"trend":[]}}],
                "unattributed":"0","total":"2","nextActions":[],
                "freshness":{{"collectedAt":null,"settledBefore":null,"staleTeams":[]}}}}"#
            ))
            .unwrap()
        };
        assert!(comparable(&summary(r#""0""#), period));
        assert!(!comparable(&summary("null"), period));
        // The answer of another period.
        assert!(!comparable(&summary(r#""0""#), before(period)));
    }

    #[test]
    fn what_is_not_known_comes_last_either_way() {
        let mut lines = vec![line("none", None), line("little", Some("1")), line("much", Some("9"))];
        let names = |lines: &[Line]| lines.iter().map(|line| line.project.name.clone()).collect::<Vec<_>>();
        sort(&mut lines, "cost", true);
        assert_eq!(names(&lines), ["much", "little", "none"]);
        sort(&mut lines, "cost", false);
        assert_eq!(names(&lines), ["little", "much", "none"]);
        lines[1].used = Some(decimal("80"));
        sort(&mut lines, "budget", true);
        assert_eq!(names(&lines)[0], "much");
        sort(&mut lines, "name", false);
        assert_eq!(names(&lines), ["little", "much", "none"]);
    }

    #[test]
    fn a_project_id_has_a_prefix_and_plain_characters() {
        for good in ["proj_a", "proj_abc-123_X"] {
            assert!(is_project_id(good), "{good}");
        }
        for bad in ["", "proj_", "abc", "Proj_a", "proj_a b", "proj_가", "proj_a\n", " proj_a"] {
            assert!(!is_project_id(bad), "{bad:?}");
        }
    }

    #[test]
    fn the_period_before_has_as_many_days() {
        let period = Period { from: "2026-03-01".parse().unwrap(), to: "2026-03-08".parse().unwrap() };
        assert_eq!(before(period), Period { from: "2026-02-22".parse().unwrap(), to: period.from });
        let today = "2026-03-03".parse().unwrap();
        assert_eq!(until_today(period, today).days(), 3);
    }
}
