//! Stops that a budget makes: at once, and lifted by an administrator alone.

use finops_contract::admin_keys::Provider;
use finops_contract::blocks::{BlockCause, BlockMode};
use uuid::Uuid;

use super::domain::{self, Draft, Target};
use super::targets::{self, Found};
use super::{endings, service, store};
use crate::features::admin_keys;
use crate::features::costs::Spender;
use crate::platform::db::{OrganizationId, Tx};
use crate::platform::http::{Actor, ApiResult, Ctx};
use crate::platform::state::State;

/// Who is said to have done it, in the audit log.
const ACTOR: &str = "budgets";

/// A threshold that stops spending.
#[derive(Clone, Debug)]
pub struct BudgetStop {
    /// The budget.
    pub budget_id: Uuid,
    /// The alert that says so.
    pub alert_id: Option<Uuid>,
    /// Whose spending stops.
    pub spender: Spender,
    /// Why, for people: 1 to 1,000 characters.
    pub reason: String,
}

/// Stops whose spending a budget is about, in the transaction that noticed; gives the blocks that were made. Nudge the jobs
/// after the commit.
///
/// A project is stopped itself; a team by its active Admin key, and where it has none by its projects; an environment and the
/// organization by their projects. Services and learners are no things that can be stopped: the guard alone refuses them,
/// where the budget is hard. What is stopped already stays as it is; a throttle, or a request that waits for a second
/// person, gives way. The provider is told where the team allows it.
///
/// # Errors
/// When the database fails.
pub async fn stop_for_budget(
    state: &State,
    tx: &mut Tx,
    organization: OrganizationId,
    cause: &BudgetStop,
) -> ApiResult<Vec<Uuid>> {
    let ctx = Ctx::trusted(Actor::System { job: ACTOR }, organization, state.clock.clone());
    let mut blocks = Vec::new();
    for target in targets_of(tx, organization, &cause.spender).await? {
        blocks.extend(stop(state, tx, &ctx, target, cause).await?);
    }
    Ok(blocks)
}

async fn targets_of(tx: &mut Tx, organization: OrganizationId, spender: &Spender) -> ApiResult<Vec<Target>> {
    let (team, environment) = match spender {
        Spender::Service(_) | Spender::Learner(_) => return Ok(Vec::new()),
        Spender::Project(project) => return Ok(vec![Target::Project(*project)]),
        Spender::Organization => (None, None),
        Spender::Environment(environment) => (None, Some(environment.name())),
        Spender::Team(team) => {
            if let Some(key) = admin_keys::active(tx, organization, *team, Provider::Openai).await? {
                return Ok(vec![Target::AdminKey(key.id)]);
            }
            if store::holding_team(tx, organization, *team).await? == Some(BlockMode::Stop) {
                return Ok(Vec::new());
            }
            (Some(*team), None)
        }
    };
    let projects = sqlx::query_scalar!(
        "
        SELECT id FROM projects
        WHERE organization_id = $1 AND deleted_at IS NULL AND ($2::uuid IS NULL OR team_id = $2)
            AND ($3::text IS NULL OR environment = $3)
        ORDER BY id
        ",
        organization as OrganizationId,
        team,
        environment
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(projects.into_iter().map(Target::Project).collect())
}

/// Stops one thing; nothing, if it is stopped already, or gone.
async fn stop(state: &State, tx: &mut Tx, ctx: &Ctx, target: Target, cause: &BudgetStop) -> ApiResult<Option<Uuid>> {
    targets::hold(tx, ctx.organization, target, BlockMode::Stop).await?;
    let Some(found) = targets::find(tx, ctx.organization, target).await? else { return Ok(None) };
    let open = store::open_of(tx, ctx.organization, target).await?;
    if open.iter().any(|open| open.is_active && open.mode == BlockMode::Stop) {
        return Ok(None);
    }
    for open in &open {
        endings::replace(state, tx, ctx, open, &found.name).await?;
    }
    let draft = draft(&found, cause);
    service::store(state, tx, ctx, &found, &draft, true).await.map(Some)
}

fn draft(found: &Found, cause: &BudgetStop) -> Draft {
    Draft {
        target: found.target,
        mode: BlockMode::Stop,
        limit: None,
        cause: BlockCause::Budget,
        reason: cause.reason.clone(),
        alert: cause.alert_id,
        budget: Some(cause.budget_id),
        at_provider: domain::can_tell_provider(found, BlockMode::Stop),
    }
}
