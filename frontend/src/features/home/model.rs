//! What the summary means. Pure.

use finops_contract::costs::{CostSummary, NextAction, TrendPoint};

use crate::ui::chart::{Place, Plot, Series};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

/// Why the home page has nothing to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// Nothing was ever collected: set it up.
    NotCollected,
    /// A team's collection fails, and nothing came before it did.
    Delayed,
    /// There are costs, none of which the reader may see.
    Hidden,
    /// Nothing was billed in the chosen period.
    OutOfPeriod,
}

/// Why there is nothing, if there is nothing. `sees_all`: the reader sees every project of the organization.
pub fn nothing(summary: &CostSummary, sees_all: bool) -> Option<Nothing> {
    let periods = [&summary.yesterday, &summary.last_week, &summary.last_month, &summary.month_to_date];
    let ever = periods.iter().any(|period| period.has_data);
    let today = summary.today.as_ref().is_some_and(|today| today.has_data);
    if today || summary.trend.iter().any(|point| point.cost.is_some()) {
        return None;
    }
    Some(match (summary.freshness.collected_at.is_some(), summary.freshness.stale_teams.is_empty()) {
        _ if ever => Nothing::OutOfPeriod,
        (_, false) => Nothing::Delayed,
        (true, true) if !sees_all => Nothing::Hidden,
        (true, true) => Nothing::OutOfPeriod,
        (false, true) => Nothing::NotCollected,
    })
}

/// The trend as one line. A day that was not collected is a gap.
pub fn plot(trend: &[TrendPoint], currency: &str, name: &str) -> Plot {
    let place = |point: &TrendPoint| Place {
        day: point.day.to_string(),
        moving: point.settlement == finops_contract::costs::Settlement::Moving,
    };
    let series = Series {
        key: String::new(),
        name: name.to_owned(),
        colour: 1,
        values: trend.iter().map(|point| point.cost.map(|cost| cost.0)).collect(),
    };
    Plot {
        places: trend.iter().map(place).collect(),
        series: vec![series],
        currency: currency.to_owned(),
        of: 1,
        apart: false,
    }
}

/// What an action asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Todo {
    /// A project costs much more than before.
    ReviewSpike,
    /// Costs belong to no project.
    Attribute,
    /// A team's collection fails.
    FixCollection,
    /// A team has no admin key.
    RegisterKey,
    /// A project has no Project ID.
    RegisterProjectId,
}

/// What an action asks for and where that is done; `None` for one that this version does not know.
pub fn todo(action: &NextAction) -> Option<(Todo, String)> {
    let project = action.project.as_ref().map(|project| format!("/projects/{}", project.id));
    let team = action.team.as_ref().map(|team| format!("/teams/{}", team.id));
    Some(match action.code.as_str() {
        "review_spike" => {
            (Todo::ReviewSpike, project.unwrap_or_else(|| "/explore?projectId=none&groupBy=model".to_owned()))
        }
        "attribute_costs" => {
            (Todo::Attribute, team.unwrap_or_else(|| "/explore?projectId=none&groupBy=team".to_owned()))
        }
        "fix_collection" => (Todo::FixCollection, team.unwrap_or_else(|| "/teams".to_owned())),
        "register_admin_key" => (Todo::RegisterKey, team.unwrap_or_else(|| "/setup".to_owned())),
        "register_project_id" => (
            Todo::RegisterProjectId,
            project.map_or_else(|| "/projects".to_owned(), |project| format!("{project}?tab=keys")),
        ),
        _ => return None,
    })
}

/// A change in percent as the contract writes it: up, down or none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Direction {
    /// More, by so many percent.
    Up(f64),
    /// Less, by so many percent.
    Down(f64),
    /// The same.
    Same,
}

/// Reads a change; `None` where there is nothing to compare with.
pub fn direction(change_percent: Option<&str>) -> Option<Direction> {
    let value = change_percent?.parse::<Decimal>().ok()?.to_f64()?;
    Some(if value > 0.0 {
        Direction::Up(value)
    } else if value < 0.0 {
        Direction::Down(-value)
    } else {
        Direction::Same
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = r#"{"from":"2026-11-22","to":"2026-11-23","cost":"0","previousCost":null,"changePercent":null,
        "driver":null,"settlement":"moving","hasData":false}"#;

    fn summary() -> CostSummary {
        serde_json::from_str(&format!(
            r#"{{"currency":"USD","otherCurrencies":[],"basis":"billed","dayZone":"UTC","yesterday":{EMPTY},
            "lastWeek":{EMPTY},"lastMonth":{EMPTY},"monthToDate":{EMPTY},"trend":[
            {{"day":"2026-11-21","cost":null,"settlement":"settled"}},{{"day":"2026-11-22","cost":null,"settlement":"moving"}}],
            "topProjects":[],"unattributed":"0","total":"0","nextActions":[],
            "freshness":{{"collectedAt":null,"settledBefore":null,"staleTeams":[]}}}}"#
        ))
        .unwrap()
    }

    #[test]
    fn each_kind_of_nothing_is_told_apart() {
        let mut summary = summary();
        assert_eq!(nothing(&summary, true), Some(Nothing::NotCollected));
        summary.freshness.collected_at = Some("2026-11-22T00:00:00Z".parse().unwrap());
        assert_eq!(nothing(&summary, false), Some(Nothing::Hidden));
        assert_eq!(nothing(&summary, true), Some(Nothing::OutOfPeriod));
        let team = serde_json::from_str(r#"{"id":"00000000-0000-0000-0000-000000000000","name":"a"}"#).unwrap();
        summary.freshness.stale_teams = vec![team];
        assert_eq!(nothing(&summary, false), Some(Nothing::Delayed));
        summary.last_month.has_data = true;
        assert_eq!(nothing(&summary, true), Some(Nothing::OutOfPeriod));
        summary.trend[0].cost = Some(finops_contract::Amount::ZERO);
        assert_eq!(nothing(&summary, true), None);
    }

    #[test]
    fn a_day_that_was_not_collected_is_a_gap() {
        let mut summary = summary();
        summary.trend[0].cost = Some("1.5".parse().unwrap());
        let plot = plot(&summary.trend, "USD", "Cost");
        assert_eq!(plot.series[0].values, [Some("1.5".parse().unwrap()), None]);
        assert_eq!(plot.places.iter().map(|place| place.moving).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn an_action_leads_to_where_it_is_done() {
        let action = |code: &str| NextAction {
            code: code.to_owned(),
            amount: None,
            change_percent: None,
            project: None,
            team: serde_json::from_str(r#"{"id":"00000000-0000-0000-0000-000000000001","name":"a"}"#).unwrap(),
        };
        let team = "/teams/00000000-0000-0000-0000-000000000001".to_owned();
        assert_eq!(todo(&action("fix_collection")), Some((Todo::FixCollection, team.clone())));
        assert_eq!(todo(&action("register_admin_key")), Some((Todo::RegisterKey, team)));
        assert_eq!(todo(&action("register_project_id")), Some((Todo::RegisterProjectId, "/projects".to_owned())));
        assert_eq!(todo(&action("something_new")), None);
    }

    #[test]
    fn a_change_has_a_direction() {
        assert_eq!(direction(Some("12.4")), Some(Direction::Up(12.4)));
        assert_eq!(direction(Some("-3.0")), Some(Direction::Down(3.0)));
        assert_eq!(direction(Some("0.0")), Some(Direction::Same));
        assert_eq!(direction(None), None);
    }
}
