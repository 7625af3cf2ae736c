//! Bringing the provider in line: limits are clamped while a block in force wants that, and put back afterwards.
//!
//! The job asks what is wanted, does it, and asks again, until both agree. Whoever changes what is wanted enqueues another; one
//! works at a time (the lease in `provider_stops`). What a limit was is written down in a transaction of its own before it is
//! changed, so a job that is killed anywhere is followed by one that knows as much. Changing a limit to what it is already
//! changes nothing, and what is put back is what is still as the clamp left it.

use std::time::Duration;

use async_trait::async_trait;
use finops_contract::admin_keys::Provider;
use finops_contract::blocks::ProviderStopMeans;
use finops_providers::{
    OpenAiClient, ProjectControls as _, ProviderError, RateLimitUpdate, Resource, SpendScope, all_rate_limits,
};
use serde_json::json;
use sqlx::PgConnection;

use super::news::{self, News};
use super::remembered::{self, Remembered};
use super::stops::{self, JOB, Payload, Stop, Taken};
use crate::features::admin_keys::{self, KeyProblem};
use crate::features::{audit, deliveries};
use crate::platform::db::{OrganizationId, Tx};
use crate::platform::http::{Actor, Ctx};
use crate::platform::jobs::{Backoff, JobContext, JobHandler, JobOutcome, JobsBuilder};
use crate::platform::state::State;

/// The least spend limit that OpenAI takes: a cent a month.
const LEAST_CENTS: u64 = 1;
/// The least of a rate limit's numbers; the second where the first is refused.
const LEAST: [u64; 2] = [0, 1];
/// The wait after a failed attempt: a minute at most.
const PATIENCE: Backoff = Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(60) };
/// What a provider says of a key that will not do.
const REFUSALS: [&str; 3] = ["unauthorized", "rejected", "project_not_found"];
/// When somebody else is at it.
const BUSY: Duration = Duration::from_secs(2);

/// This feature's jobs.
pub fn jobs(builder: JobsBuilder, state: &State) -> JobsBuilder {
    builder.handler(StopAtProvider { state: state.clone() })
}

struct StopAtProvider {
    state: State,
}

/// Why an attempt ended early.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// The job is another worker's, or the process is going away.
    #[error("interrupted")]
    Lost,
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyProblem),
    /// The provider did not do it.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The provider did not change these limits, whatever became of the others.
    #[error("{}: {error}", limits.join(", "))]
    Limits {
        /// What they are called, in order.
        limits: Vec<String>,
        /// Why the first of them was not.
        error: ProviderError,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Trouble {
    /// The code that is stored and shown; none for what says nothing about the provider.
    fn code(&self) -> Option<&'static str> {
        match self {
            Self::Key(KeyProblem::Missing) => Some("admin_key_missing"),
            Self::Key(KeyProblem::Secret(error)) => Some(error.code()),
            Self::Key(KeyProblem::Provider(error)) | Self::Provider(error) | Self::Limits { error, .. } => {
                Some(error.user_reason())
            }
            Self::Key(KeyProblem::Database(_)) | Self::Database(_) | Self::Lost => None,
        }
    }

    /// When to try again: an emergency does not wait as long as a bill may, but no sooner than the provider asks.
    fn retry_after(&self, attempt: i32) -> Duration {
        let asked = match self {
            Self::Provider(ProviderError::RateLimited { retry_after })
            | Self::Limits { error: ProviderError::RateLimited { retry_after }, .. } => *retry_after,
            _ => None,
        };
        PATIENCE.delay(attempt).max(asked.unwrap_or_default())
    }

    /// The limits that it is about, where it is not about all of them.
    fn limits(&self) -> &[String] {
        match self {
            Self::Limits { limits, .. } => limits,
            _ => &[],
        }
    }
}

/// What went wrong with single limits. One that is refused keeps none of the others from being changed: those that were are
/// where they are wanted, so that the next attempt is about the rest.
#[derive(Debug, Default)]
struct Failures(Option<(Vec<String>, ProviderError)>);

impl Failures {
    /// Takes note of how it went with a limit; answers what came of it.
    ///
    /// # Errors
    /// What is not about that limit: the job is lost, the database failed, the key is wrong, the provider asks for a wait.
    fn note<T>(&mut self, limit: &str, outcome: Result<T, Trouble>) -> Result<Option<T>, Trouble> {
        let error = match outcome {
            Ok(done) => return Ok(Some(done)),
            Err(Trouble::Provider(error)) if !is_about_all(&error) => error,
            Err(trouble) => return Err(trouble),
        };
        tracing::warn!(limit, %error, "the provider did not change a limit");
        self.0.get_or_insert_with(|| (Vec::new(), error)).0.push(limit.to_owned());
        Ok(None)
    }

    /// # Errors
    /// [`Trouble::Limits`] where there were any.
    fn check(self) -> Result<(), Trouble> {
        self.0.map_or(Ok(()), |(limits, error)| Err(Trouble::Limits { limits, error }))
    }
}

/// How one turn went.
enum Turn {
    /// It is where it is wanted.
    Settled,
    /// Something was done: look again.
    Again,
    /// Another job is at it.
    Busy,
}

/// One job's work on one Project ID.
struct Work<'a> {
    state: &'a State,
    job: &'a JobContext,
    organization: OrganizationId,
    id: &'a str,
}

#[async_trait]
impl JobHandler for StopAtProvider {
    fn name(&self) -> &'static str {
        JOB
    }

    async fn run(&self, job: &JobContext) -> JobOutcome {
        let (Ok(payload), Some(organization)) = (job.payload::<Payload>(), job.organization_id) else {
            return JobOutcome::dead("the payload is not a stop at the provider");
        };
        let work = Work { state: &self.state, job, organization, id: &payload.openai_project_id };
        while !job.is_lost() {
            match work.turn().await {
                Ok(Turn::Settled) => return JobOutcome::Done(json!({"openaiProjectId": work.id})),
                Ok(Turn::Again) => {}
                Ok(Turn::Busy) => return JobOutcome::Reschedule { after: BUSY },
                Err(Trouble::Lost) => break,
                Err(trouble) => return work.give_up(&trouble).await,
            }
        }
        JobOutcome::interrupted()
    }
}

impl Work<'_> {
    /// A transaction in which this job is still the one that works here.
    async fn begin(&self) -> Result<Tx, Trouble> {
        let mut tx = self.state.db.background().tenant(self.organization).await?;
        if self.job.is_lost() || !self.job.still_mine(&mut tx).await? {
            return Err(Trouble::Lost);
        }
        Ok(tx)
    }

    /// The same, with the Project ID locked.
    async fn locked(&self) -> Result<(Tx, Stop), Trouble> {
        let mut tx = self.begin().await?;
        match stops::take(&mut tx, self.organization, self.id, self.job.id).await? {
            Taken::Mine(stop) => Ok((tx, stop)),
            Taken::Busy | Taken::Gone => Err(Trouble::Lost),
        }
    }

    /// Makes sure that nobody else works here: before every call that changes something.
    async fn go_on(&self) -> Result<(), Trouble> {
        let (tx, _) = self.locked().await?;
        Ok(tx.commit().await?)
    }

    async fn turn(&self) -> Result<Turn, Trouble> {
        let mut tx = self.begin().await?;
        let stop = match stops::take(&mut tx, self.organization, self.id, self.job.id).await? {
            Taken::Gone => return Ok(Turn::Settled),
            Taken::Busy => return Ok(Turn::Busy),
            Taken::Mine(stop) if stop.is_settled() => {
                stops::release(&mut tx, self.organization, self.id).await?;
                tx.commit().await?;
                return Ok(Turn::Settled);
            }
            Taken::Mine(stop) => stop,
        };
        tx.commit().await?;
        if stop.wanted {
            let client = self.client(&stop).await?;
            let means = self.clamp(&client, &stop).await?;
            self.note_clamped(means).await?;
        } else if stop.limits.is_empty() {
            self.note_restored(0).await?;
        } else {
            let client = self.client(&stop).await?;
            let left_alone = self.put_back(&client, &stop).await?;
            self.note_restored(left_alone).await?;
        }
        Ok(Turn::Again)
    }

    /// A client with the key that reaches the Project ID, in use or not; with the team's active one where that is gone, or
    /// was refused and another has taken its place.
    async fn client(&self, stop: &Stop) -> Result<OpenAiClient, Trouble> {
        let known = match stop.key {
            Some(key) => admin_keys::open(self.state, self.organization, key).await,
            None => Err(KeyProblem::Missing),
        };
        let was_refused = stop.error_code.as_deref().is_some_and(|code| REFUSALS.contains(&code));
        if known.is_ok() && !was_refused {
            return Ok(self.state.providers.openai_background(known?)?);
        }
        let secret = match admin_keys::open_active(self.state, self.organization, stop.team, Provider::Openai).await {
            Ok(active) => active.secret,
            Err(KeyProblem::Missing) => known?,
            Err(problem) => return Err(problem.into()),
        };
        Ok(self.state.providers.openai_background(secret)?)
    }

    /// Stops the project: by its spend limit, or where the account does not take one, by its rate limits.
    async fn clamp(&self, client: &OpenAiClient, stop: &Stop) -> Result<ProviderStopMeans, Trouble> {
        if stop.means != Some(ProviderStopMeans::RateLimits) || stop.limits.is_empty() {
            match self.clamp_spending(client, stop).await {
                Err(Trouble::Provider(error)) if is_refusal(&error) => {
                    tracing::info!(project = self.id, %error, "no spend limit can be set; rate limits are clamped");
                }
                done => return done.map(|()| ProviderStopMeans::SpendLimit),
            }
        }
        self.clamp_rates(client).await?;
        Ok(ProviderStopMeans::RateLimits)
    }

    async fn clamp_spending(&self, client: &OpenAiClient, stop: &Stop) -> Result<(), Trouble> {
        let scope = SpendScope::Project(self.id.to_owned());
        if !stop.limits.iter().any(|limit| matches!(limit, Remembered::Spend(_))) {
            let before = client.get_spend_limit(&scope).await?;
            self.remember(&[Remembered::Spend(before.map(|limit| limit.threshold_cents))]).await?;
        }
        self.go_on().await?;
        client.set_spend_limit(&scope, LEAST_CENTS).await?;
        Ok(())
    }

    async fn clamp_rates(&self, client: &OpenAiClient) -> Result<(), Trouble> {
        let current = all_rate_limits(client, self.id).await?;
        let before =
            current.iter().map(|limit| Remembered::Rate { id: limit.id.clone(), limits: limit.limits.clone() });
        self.remember(&before.collect::<Vec<_>>()).await?;
        let mut failures = Failures::default();
        for limit in current.iter().filter(|limit| !is_least(&limit.limits)) {
            failures.note(&limit.id, self.clamp_rate(client, &limit.id, &limit.limits).await)?;
        }
        failures.check()
    }

    async fn clamp_rate(&self, client: &OpenAiClient, id: &str, limits: &RateLimitUpdate) -> Result<(), Trouble> {
        self.go_on().await?;
        match client.update_rate_limit(self.id, id, &least(limits, LEAST[0])).await {
            Err(ProviderError::Rejected { status: 400 | 422, .. }) => {
                client.update_rate_limit(self.id, id, &least(limits, LEAST[1])).await?
            }
            done => done?,
        };
        Ok(())
    }

    /// Puts every limit back that is as the clamp left it; answers how many somebody else has changed.
    async fn put_back(&self, client: &OpenAiClient, stop: &Stop) -> Result<i32, Trouble> {
        let (mut left_alone, mut failures) = (0, Failures::default());
        for limit in &stop.limits {
            if let Remembered::Spend(before) = limit {
                let put = self.put_back_spending(client, *before).await;
                left_alone += i32::from(failures.note(remembered::SPEND_LIMIT, put)? == Some(false));
            }
        }
        if stop.limits.iter().any(|limit| matches!(limit, Remembered::Rate { .. })) {
            left_alone += self.put_back_rates(client, stop, &mut failures).await?;
        }
        failures.check()?;
        Ok(left_alone)
    }

    /// Whether the spend limit is as it was; not if somebody else has set another.
    async fn put_back_spending(&self, client: &OpenAiClient, before: Option<u64>) -> Result<bool, Trouble> {
        let scope = SpendScope::Project(self.id.to_owned());
        let now = client.get_spend_limit(&scope).await?.map(|limit| limit.threshold_cents);
        if now == before {
            return Ok(true);
        }
        if now != Some(LEAST_CENTS) {
            return Ok(false);
        }
        self.go_on().await?;
        match before {
            Some(cents) => drop(client.set_spend_limit(&scope, cents).await?),
            None => drop(client.delete_spend_limit(&scope).await?),
        }
        Ok(true)
    }

    async fn put_back_rates(
        &self,
        client: &OpenAiClient,
        stop: &Stop,
        failures: &mut Failures,
    ) -> Result<i32, Trouble> {
        let current = match all_rate_limits(client, self.id).await {
            // Nothing is limited in a project that is gone.
            Err(ProviderError::NotFound { resource: Resource::Project }) => return Ok(0),
            current => current?,
        };
        let mut left_alone = 0;
        for limit in &stop.limits {
            let Remembered::Rate { id, limits } = limit else { continue };
            // A model that is gone has no limits either.
            let Some(now) = current.iter().find(|now| now.id == *id) else { continue };
            if now.limits == *limits {
                continue;
            }
            if !is_least(&now.limits) {
                left_alone += 1;
                continue;
            }
            failures.note(id, self.put_back_rate(client, id, limits).await)?;
        }
        Ok(left_alone)
    }

    async fn put_back_rate(&self, client: &OpenAiClient, id: &str, limits: &RateLimitUpdate) -> Result<(), Trouble> {
        self.go_on().await?;
        client.update_rate_limit(self.id, id, limits).await?;
        Ok(())
    }

    async fn remember(&self, limits: &[Remembered]) -> Result<(), Trouble> {
        let (mut tx, _) = self.locked().await?;
        remembered::keep(&mut tx, self.organization, self.id, limits).await?;
        Ok(tx.commit().await?)
    }

    async fn note_clamped(&self, means: ProviderStopMeans) -> Result<(), Trouble> {
        let (mut tx, stop) = self.locked().await?;
        let ctx = self.ctx();
        stops::clamped(&mut tx, self.organization, self.id, (means, stop.wanted), ctx.now()).await?;
        let limits = stop.limits.len();
        let after = json!({"openaiProjectId": self.id, "state": "clamped", "means": means, "limitsRemembered": limits});
        self.write_down(&mut tx, &ctx, "block.provider_clamped", true, &after).await?;
        Ok(tx.commit().await?)
    }

    async fn note_restored(&self, left_alone: i32) -> Result<(), Trouble> {
        let (mut tx, stop) = self.locked().await?;
        let ctx = self.ctx();
        let after = json!({"openaiProjectId": self.id, "state": "restored", "limitsLeftAlone": left_alone});
        self.write_down(&mut tx, &ctx, "block.provider_restored", false, &after).await?;
        stops::restored(&mut tx, self.organization, self.id, (left_alone, stop.wanted), ctx.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Writes down why it failed, in the audit log too when that is news, and asks to be called again.
    async fn give_up(&self, trouble: &Trouble) -> JobOutcome {
        let Some(code) = trouble.code() else { return JobOutcome::retry(trouble) };
        match self.note_failed(code, trouble.limits()).await {
            Err(Trouble::Lost) => JobOutcome::interrupted(),
            Err(error) => JobOutcome::retry(error),
            Ok(()) => JobOutcome::Retry { error: code.to_owned(), after: Some(trouble.retry_after(self.job.attempt)) },
        }
    }

    async fn note_failed(&self, code: &str, limits: &[String]) -> Result<(), Trouble> {
        let (mut tx, stop) = self.locked().await?;
        stops::failed(&mut tx, self.organization, self.id, code).await?;
        if stop.error_code.as_deref() != Some(code) {
            let mut after =
                json!({"openaiProjectId": self.id, "state": "failed", "errorCode": code, "wanted": stop.wanted});
            if !limits.is_empty() {
                after["limits"] = json!(limits);
            }
            let ctx = self.ctx();
            self.write_down(&mut tx, &ctx, "block.provider_failed", stop.wanted, &after).await?;
            for (block, _) in stops::holders(&mut tx, self.organization, self.id, stop.wanted).await? {
                news::tell(self.state, &mut tx, &ctx, block, News::Failed(self.id, code)).await?;
            }
        }
        tx.commit().await?;
        deliveries::nudge(self.state);
        Ok(())
    }

    fn ctx(&self) -> Ctx {
        Ctx::trusted(Actor::System { job: JOB }, self.organization, self.state.clock.clone())
    }

    /// Writes something down for every block that it is about.
    async fn write_down(
        &self,
        conn: &mut PgConnection,
        ctx: &Ctx,
        action: &'static str,
        in_force: bool,
        after: &serde_json::Value,
    ) -> sqlx::Result<()> {
        for (block, name) in stops::holders(conn, self.organization, self.id, in_force).await? {
            audit::record(conn, ctx, audit::Change::new(action, block, name).after(after)).await?;
        }
        Ok(())
    }
}

/// Whether the next limit would be answered the same.
fn is_about_all(error: &ProviderError) -> bool {
    matches!(error, ProviderError::RateLimited { .. } | ProviderError::Rejected { status: 401, .. })
}

/// Whether the provider has said no, so that nothing was changed.
fn is_refusal(error: &ProviderError) -> bool {
    matches!(error, ProviderError::NotFound { .. })
        || (matches!(error, ProviderError::Rejected { .. }) && !error.is_transient())
}

/// Every number that a limit has, as small as it gets.
fn least(limits: &RateLimitUpdate, number: u64) -> RateLimitUpdate {
    let least = |limit: Option<u64>| limit.map(|_| number);
    RateLimitUpdate {
        max_requests_per_1_minute: least(limits.max_requests_per_1_minute),
        max_tokens_per_1_minute: least(limits.max_tokens_per_1_minute),
        max_images_per_1_minute: least(limits.max_images_per_1_minute),
        max_audio_megabytes_per_1_minute: least(limits.max_audio_megabytes_per_1_minute),
        max_requests_per_1_day: least(limits.max_requests_per_1_day),
        batch_1_day_max_input_tokens: least(limits.batch_1_day_max_input_tokens),
    }
}

/// Whether every number is that small: as the clamp leaves it. So is a limit that has no numbers.
fn is_least(limits: &RateLimitUpdate) -> bool {
    LEAST.iter().any(|number| *limits == least(limits, *number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_limited_is_clamped() {
        let limits = RateLimitUpdate {
            max_requests_per_1_minute: Some(500),
            max_images_per_1_minute: Some(7),
            ..RateLimitUpdate::default()
        };
        let clamped = least(&limits, 0);
        assert_eq!((clamped.max_requests_per_1_minute, clamped.max_tokens_per_1_minute), (Some(0), None));
        assert!(is_least(&clamped) && is_least(&least(&limits, 1)) && is_least(&RateLimitUpdate::default()));
        assert!(!is_least(&limits) && !is_least(&RateLimitUpdate { max_requests_per_1_minute: Some(0), ..limits }));
    }

    #[test]
    fn a_refusal_is_an_answer_that_leaves_things_as_they_are() {
        let rejected = |status| ProviderError::Rejected { status, code: None, message: None };
        assert!(is_refusal(&rejected(403)) && is_refusal(&ProviderError::NotFound { resource: Resource::Project }));
        assert!(!is_refusal(&rejected(409)) && !is_refusal(&ProviderError::Unavailable { reason: "timeout".into() }));
    }
}
