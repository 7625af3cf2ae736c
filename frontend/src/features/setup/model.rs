//! Where an organization stands on its way to its first cost and its first event.

use finops_contract::costs::CostSummary;
use finops_contract::projects::Project;
use finops_contract::teams::Team;
use uuid::Uuid;

use crate::ui::StepState;

/// The steps that can be done today, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Team,
    Key,
    Project,
    Cost,
    Event,
}

impl Stage {
    pub(super) const ALL: [Stage; 5] = [Stage::Team, Stage::Key, Stage::Project, Stage::Cost, Stage::Event];
}

/// The team whose steps are shown: the one that was asked for, else the one that has come furthest.
pub(super) fn team<'a>(teams: &'a [Team], projects: &[Project], wanted: Option<Uuid>) -> Option<&'a Team> {
    let asked = teams.iter().find(|team| Some(team.id) == wanted);
    let rank = |team: &&Team| (team.has_active_admin_key, connected(projects, team.id).is_some());
    // The first of equals: `max_by_key` would take the last.
    asked.or_else(|| teams.iter().rev().max_by_key(rank))
}

/// A project of the team that has a Project ID.
pub(super) fn connected(projects: &[Project], team: Uuid) -> Option<&Project> {
    projects.iter().find(|project| project.team_id == team && project.openai_project_id.is_some())
}

/// Whether anything was billed. Zero is no first cost: nothing may have come in yet.
pub(super) fn has_cost(summary: &CostSummary) -> bool {
    !summary.total.0.is_zero() || summary.other_currencies.iter().any(|total| !total.cost.0.is_zero())
}

/// Where each step stands, from what is done of each: the first that is not done is next.
pub(super) fn states(done: [bool; 5]) -> [StepState; 5] {
    let next = done.iter().position(|done| !done);
    let mut states = [StepState::Later; 5];
    for (index, state) in states.iter_mut().enumerate() {
        if done[index] {
            *state = StepState::Done;
        } else if Some(index) == next {
            *state = StepState::Open;
        }
    }
    states
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team_with(id: u128, key: bool) -> Team {
        Team {
            id: Uuid::from_u128(id),
            name: id.to_string(),
            project_count: 0,
            member_count: 0,
            has_active_admin_key: key,
            allow_provider_stops: false,
            created_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_first_step_that_is_not_done_is_next() {
        use StepState::{Done, Later, Open};
        assert_eq!(states([false; 5]), [Open, Later, Later, Later, Later]);
        assert_eq!(states([true, true, false, false, false]), [Done, Done, Open, Later, Later]);
        // Costs arrive without a project, and events without anything else.
        assert_eq!(states([true, true, false, true, true]), [Done, Done, Open, Done, Done]);
        assert_eq!(states([true; 5]), [Done; 5]);
    }

    #[test]
    fn the_team_that_has_come_furthest_is_shown_unless_another_is_asked_for() {
        let teams = [team_with(1, false), team_with(2, true), team_with(3, true)];
        assert_eq!(team(&teams, &[], None).map(|t| t.id), Some(Uuid::from_u128(2)));
        assert_eq!(team(&teams, &[], Some(Uuid::from_u128(1))).map(|t| t.id), Some(Uuid::from_u128(1)));
        assert_eq!(team(&teams, &[], Some(Uuid::from_u128(9))).map(|t| t.id), Some(Uuid::from_u128(2)));
        assert_eq!(team(&[], &[], None), None);
    }
}
