//! What is worth doing now, the weightiest first.

use std::cmp::Reverse;
use std::collections::HashMap;

use finops_contract::costs::{Freshness, Named, NextAction};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::change_percent;
use super::scope::Scope;
use super::summary::{ProjectName, Sums};
use crate::platform::auth::Permission;
use crate::platform::db::OrganizationId;
use crate::platform::http::Ctx;

/// Actions that are shown at once.
const SHOWN: usize = 3;
/// A project is worth a look when yesterday cost this many times what is usual, and this much more.
const SPIKE_FACTOR: Decimal = Decimal::TWO;
const SPIKE_LEAST: Decimal = Decimal::ONE;
const USUAL_DAYS: Decimal = Decimal::from_parts(7, 0, 0, false, 0);

/// The actions for the caller.
pub(super) async fn next(
    conn: &mut PgConnection,
    ctx: &Ctx,
    scope: &Scope,
    sums: &[Sums],
    names: &HashMap<Uuid, ProjectName>,
    freshness: &Freshness,
) -> sqlx::Result<Vec<NextAction>> {
    let mut actions = spikes(sums, names);
    let whole = scope.project.is_none() && scope.team.is_none();
    if whole && ctx.require(Permission::AdminKeysWrite).is_ok() {
        // Figures that are out of date come before what they say.
        let stale =
            freshness.stale_teams.iter().map(|team| NextAction { team: Some(team.clone()), ..of("fix_collection") });
        actions.splice(0..0, stale);
        let unattributed: Decimal = sums.iter().filter(|sums| sums.project_id.is_none()).map(Sums::trend).sum();
        if unattributed > Decimal::ZERO {
            actions.push(NextAction { amount: Some(unattributed.into()), ..of("attribute_costs") });
        }
        if actions.len() < SHOWN {
            actions.extend(missing_keys(conn, ctx.organization).await?);
            actions.extend(missing_project_ids(conn, ctx.organization).await?);
        }
    }
    actions.truncate(SHOWN);
    Ok(actions)
}

fn of(code: &str) -> NextAction {
    NextAction { code: code.into(), amount: None, change_percent: None, project: None, team: None }
}

fn spikes(sums: &[Sums], names: &HashMap<Uuid, ProjectName>) -> Vec<NextAction> {
    let mut spikes: Vec<(Decimal, NextAction)> = sums
        .iter()
        .filter_map(|sums| {
            let usual = sums.usual() / USUAL_DAYS;
            let more = sums.yesterday() - usual;
            let name = names.get(&sums.project_id?)?;
            let spike = usual > Decimal::ZERO && sums.yesterday() >= usual * SPIKE_FACTOR && more >= SPIKE_LEAST;
            spike.then(|| {
                let action = NextAction {
                    amount: Some(more.round_dp(6).into()),
                    change_percent: change_percent(sums.yesterday(), Some(usual)),
                    project: Some(name.project.clone()),
                    team: Some(name.team.clone()),
                    ..of("review_spike")
                };
                (more, action)
            })
        })
        .collect();
    spikes.sort_by_key(|(more, _)| Reverse(*more));
    spikes.into_iter().map(|(_, action)| action).collect()
}

async fn missing_keys(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<NextAction>> {
    let teams = sqlx::query!(
        "
        SELECT id, name FROM teams t WHERE organization_id = $1 AND deleted_at IS NULL
            AND NOT EXISTS (SELECT FROM admin_keys k WHERE k.organization_id = $1 AND k.team_id = t.id AND k.is_active)
        ORDER BY name, id LIMIT 3
        ",
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await?;
    let named = |id, name| Some(Named { id, name, deleted: false });
    Ok(teams
        .into_iter()
        .map(|team| NextAction { team: named(team.id, team.name), ..of("register_admin_key") })
        .collect())
}

async fn missing_project_ids(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<NextAction>> {
    let projects = sqlx::query!(
        "
        SELECT p.id, p.name, t.id AS team_id, t.name AS team_name
        FROM projects p JOIN teams t ON t.organization_id = p.organization_id AND t.id = p.team_id
        WHERE p.organization_id = $1 AND p.deleted_at IS NULL AND p.openai_project_id IS NULL
            AND EXISTS (SELECT FROM admin_keys k WHERE k.organization_id = $1 AND k.team_id = t.id AND k.is_active)
        ORDER BY p.name, p.id LIMIT 3
        ",
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await?;
    let action = |id, name, team_id, team_name| NextAction {
        project: Some(Named { id, name, deleted: false }),
        team: Some(Named { id: team_id, name: team_name, deleted: false }),
        ..of("register_project_id")
    };
    Ok(projects.into_iter().map(|row| action(row.id, row.name, row.team_id, row.team_name)).collect())
}
