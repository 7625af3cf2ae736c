//! Giving the earlier lines of a Project ID to the project that registers it: a job's, some hours at a time, each with
//! their sums in one transaction, so that one that is killed goes on where it was.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::store::Slice;
use crate::features::{budgets, collector, projects};
use crate::platform::db::{OrganizationId, Tx};
use crate::platform::http::Ctx;
use crate::platform::jobs::{JobContext, JobHandler, JobOutcome, NewJob, queue};
use crate::platform::state::State;

/// The job.
const ATTRIBUTE: &str = "attribute_usage";
const ATTEMPTS: i32 = 16;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    project_id: Uuid,
    openai_project_id: String,
}

/// Has a Project ID's earlier lines given to its project, if there are any: nudge the jobs after the commit. Needs
/// [`collector::hold_attribution`].
///
/// # Errors
/// The database's.
pub async fn attribute(tx: &mut Tx, ctx: &Ctx, openai_project_id: &str, project: Uuid) -> sqlx::Result<()> {
    let any = sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM provider_usage
            WHERE organization_id = $1 AND provider_project_id = $2 AND project_id IS NULL) AS "any!"
        "#,
        ctx.organization as OrganizationId,
        openai_project_id
    )
    .fetch_one(&mut **tx)
    .await?;
    if !any {
        return Ok(());
    }
    let job = NewJob {
        organization_id: Some(ctx.organization),
        name: ATTRIBUTE,
        slot: &format!("{project}:{}", ctx.clock.new_id()),
        payload: json!(Payload { project_id: project, openai_project_id: openai_project_id.to_owned() }),
        run_at: None,
        max_attempts: ATTEMPTS,
    };
    queue::enqueue(tx, &ctx.clock, job).await.map(drop)
}

/// The job's handler.
pub(super) struct Attribute {
    pub(super) state: State,
}

impl Attribute {
    /// Gives the oldest hours; how many lines, or nothing when the Project ID stands for something else by now.
    async fn step(
        &self,
        job: &JobContext,
        organization: OrganizationId,
        payload: &Payload,
    ) -> sqlx::Result<Option<i64>> {
        let mut tx = self.state.db.background().tenant(organization).await?;
        collector::hold_attribution(&mut tx, organization).await?;
        if !job.still_mine(&mut tx).await? {
            return Ok(None);
        }
        let owners = projects::attributions(&mut tx, organization).await?;
        let id = &payload.openai_project_id;
        let owner =
            owners.iter().find(|owner| owner.openai_project_id == *id && owner.project_id == payload.project_id);
        let Some(owner) = owner else { return Ok(None) };
        let rows = sqlx::query!(
            r#"
            WITH first AS (
                SELECT date_trunc('hour', min(minute), 'UTC') AS hour FROM provider_usage
                WHERE organization_id = $1 AND provider_project_id = $2 AND project_id IS NULL
            ), changed AS (
                UPDATE provider_usage u SET project_id = $3, team_id = $4 FROM first
                WHERE u.organization_id = $1 AND u.provider_project_id = $2 AND u.project_id IS NULL
                    AND u.minute >= first.hour AND u.minute < first.hour + interval '12 hours'
                RETURNING u.provider, u.provider_account, u.meter, u.minute
            )
            SELECT provider AS "provider!", provider_account AS "account!", meter AS "meter!",
                array_agg(DISTINCT date_trunc('hour', minute, 'UTC') ORDER BY date_trunc('hour', minute, 'UTC')) AS "hours!",
                count(*) AS "lines!"
            FROM changed GROUP BY provider, provider_account, meter
            "#,
            organization as OrganizationId,
            id,
            owner.project_id,
            owner.team_id
        )
        .fetch_all(&mut *tx)
        .await?;
        let mut lines = 0;
        for row in rows {
            let slice = Slice { organization, provider: &row.provider, account: &row.account, meter: &row.meter };
            slice.rebuild(&mut tx, &row.hours).await?;
            lines += row.lines;
        }
        if lines > 0 {
            budgets::check_soon(&mut tx, organization).await?;
        }
        tx.commit().await?;
        Ok(Some(lines))
    }
}

#[async_trait]
impl JobHandler for Attribute {
    fn name(&self) -> &'static str {
        ATTRIBUTE
    }

    async fn run(&self, job: &JobContext) -> JobOutcome {
        let (Ok(payload), Some(organization)) = (job.payload::<Payload>(), job.organization_id) else {
            return JobOutcome::dead("the payload is not an attribution");
        };
        let mut total = 0;
        while !job.is_lost() {
            match self.step(job, organization, &payload).await {
                Ok(Some(lines)) if lines > 0 => total += lines,
                Ok(_) => return JobOutcome::Done(json!({"linesAttributed": total})),
                Err(error) => return JobOutcome::retry(error),
            }
        }
        JobOutcome::interrupted()
    }
}
