//! Stops that a budget makes: at once, and lifted by an administrator alone.

use finops_contract::admin_keys::Provider;
use finops_contract::blocks::{BlockCause, BlockMode};
use uuid::Uuid;

use super::domain::{self, Draft, Target};
use super::targets::{self, Found};
use super::{endings, news, service, store};
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
    /// Why, for people, in Korean and in English: 1 to 1,000 characters each.
    pub reasons: [String; 2],
}

/// What a budget's stop came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// The blocks that were made. They are told of by [`tell_of_stops`].
    pub made: Vec<Uuid>,
    /// Whether something of it is stopped now, by these blocks or by earlier ones.
    pub holds: bool,
}

/// Stops whose spending a budget is about, in the transaction that noticed; gives what came of it. Nudge the jobs after the
/// commit.
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
) -> ApiResult<Stopped> {
    let ctx = context(state, organization);
    let Some(targets) = targets_of(tx, organization, &cause.spender).await? else {
        return Ok(Stopped { made: Vec::new(), holds: true });
    };
    let mut stopped = Stopped::default();
    for target in targets {
        match stop(state, tx, &ctx, target, cause).await? {
            Stop::Made(id) => stopped.made.push(id),
            Stop::Stands => stopped.holds = true,
            Stop::Gone => {}
        }
    }
    stopped.holds |= !stopped.made.is_empty();
    Ok(stopped)
}

/// Tells of a budget's stops whoever did not hear of them by the alert that says so, once that is in the outbox: webhooks, and
/// the channels of teams that the budget is not about alone. Nudge the deliveries after the commit.
///
/// # Errors
/// When the database fails.
pub async fn tell_of_stops(
    state: &State,
    tx: &mut Tx,
    organization: OrganizationId,
    alert: Uuid,
    blocks: &[Uuid],
) -> ApiResult<()> {
    let ctx = context(state, organization);
    for block in blocks {
        news::tell_beside(state, tx, &ctx, *block, alert).await?;
    }
    Ok(())
}

fn context(state: &State, organization: OrganizationId) -> Ctx {
    Ctx::trusted(Actor::System { job: ACTOR }, organization, state.clock.clone())
}

/// What to stop; nothing where all of it is stopped already.
async fn targets_of(tx: &mut Tx, organization: OrganizationId, spender: &Spender) -> ApiResult<Option<Vec<Target>>> {
    let (team, environment) = match spender {
        Spender::Service(_) | Spender::Learner(_) => return Ok(Some(Vec::new())),
        Spender::Project(project) => return Ok(Some(vec![Target::Project(*project)])),
        Spender::Organization => (None, None),
        Spender::Environment(environment) => (None, Some(environment.name())),
        Spender::Team(team) => {
            if let Some(key) = admin_keys::active(tx, organization, *team, Provider::Openai).await? {
                return Ok(Some(vec![Target::AdminKey(key.id)]));
            }
            if store::holding_team(tx, organization, *team).await? == Some(BlockMode::Stop) {
                return Ok(None);
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
    Ok(Some(projects.into_iter().map(Target::Project).collect()))
}

/// What came of stopping one thing.
enum Stop {
    /// This block.
    Made(Uuid),
    /// It was stopped already.
    Stands,
    /// There is no such thing any more.
    Gone,
}

async fn stop(state: &State, tx: &mut Tx, ctx: &Ctx, target: Target, cause: &BudgetStop) -> ApiResult<Stop> {
    targets::hold(tx, ctx.organization, target, BlockMode::Stop).await?;
    let Some(found) = targets::find(tx, ctx.organization, target).await? else { return Ok(Stop::Gone) };
    let open = store::open_of(tx, ctx.organization, target).await?;
    if open.iter().any(|open| open.is_active && open.mode == BlockMode::Stop) {
        return Ok(Stop::Stands);
    }
    for open in &open {
        endings::replace(state, tx, ctx, open, &found.name).await?;
    }
    let draft = draft(&found, cause);
    service::store(state, tx, ctx, &found, &draft, true).await.map(Stop::Made)
}

fn draft(found: &Found, cause: &BudgetStop) -> Draft {
    let [reason, english] = cause.reasons.clone();
    Draft {
        target: found.target,
        mode: BlockMode::Stop,
        limit: None,
        cause: BlockCause::Budget,
        reason,
        reason_en: Some(english),
        alert: cause.alert_id,
        budget: Some(cause.budget_id),
        at_provider: domain::can_tell_provider(found, BlockMode::Stop),
    }
}
