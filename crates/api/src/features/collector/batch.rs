//! The daily batch, run now and waited for: for a cron outside, and the command line.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use finops_contract::accounts::Locale;
use finops_contract::admin_keys::Provider;
use finops_contract::collector::{CollectionError, CollectionNotice, DailyBatchReport, TeamBatchReport};
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tokio::time::Instant;

use super::domain::BACKFILL_DAYS;
use super::error::{self, CollectError};
use super::page::Tally;
use super::service::{self, Target};
use crate::features::admin_keys::{self, CollectedTeam};
use crate::features::{audit, organizations, projects};
use crate::platform::db::OrganizationId;
use crate::platform::http::{Actor, Ctx};
use crate::platform::state::State;

/// Teams at once: enough to hide the provider's waits, few enough to leave connections for everybody else.
const AT_ONCE: usize = 3;
/// How long another worker's run of the same team is waited for, and how often it is looked at.
const BUSY_PATIENCE: Duration = Duration::from_secs(120);
const BUSY_POLL: Duration = Duration::from_millis(250);

/// Who runs the batch, and from where.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// The language of what is reported.
    pub locale: Locale,
    /// Which request, if it is one.
    pub request_id: Option<String>,
    /// From which address.
    pub ip: Option<String>,
}

impl Caller {
    /// The command line.
    pub const CLI: Self = Self { actor: Actor::Cli, locale: Locale::En, request_id: None, ip: None };

    fn ctx(&self, state: &State, organization: OrganizationId) -> Ctx {
        Ctx {
            locale: self.locale,
            request_id: self.request_id.clone(),
            ip: self.ip.clone(),
            ..Ctx::trusted(self.actor.clone(), organization, state.clock.clone())
        }
    }
}

/// Whether the bill can be collected up to this day: it is over, and a new key would reach back to it.
pub fn collectable(date: NaiveDate, today: NaiveDate) -> bool {
    date < today && date >= today - Days::new(BACKFILL_DAYS)
}

/// Collects every team's bill up to a day and reports. One team's failure leaves the others untouched.
///
/// # Errors
/// When the teams cannot be listed.
pub async fn daily(state: &State, caller: &Caller, date: Option<NaiveDate>) -> sqlx::Result<DailyBatchReport> {
    let started = Instant::now();
    let date = date.or_else(|| state.clock.today().pred_opt()).unwrap_or_default();
    let teams = teams(state).await?;
    let mut reports: Vec<(usize, TeamBatchReport)> = stream::iter(teams.into_iter().enumerate())
        .map(|(at, (organization, team))| {
            let ctx = caller.ctx(state, organization);
            async move { (at, one(state, &ctx, team, date).await) }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    reports.sort_by_key(|(at, _)| *at);
    let teams: Vec<TeamBatchReport> = reports.into_iter().map(|(_, report)| report).collect();
    Ok(DailyBatchReport {
        success: teams.iter().all(|team| team.success),
        records_created: teams.iter().map(|team| team.records_created).sum(),
        records_updated: teams.iter().map(|team| team.records_updated).sum(),
        date,
        duration: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
        api_version: "costs_v1".into(),
        teams,
    })
}

async fn teams(state: &State) -> sqlx::Result<Vec<(OrganizationId, CollectedTeam)>> {
    let mut tx = state.db.background().platform().await?;
    let organizations = organizations::ids(&mut tx).await?;
    tx.commit().await?;
    let mut teams = Vec::new();
    for organization in organizations {
        let mut tx = state.db.background().tenant(organization).await?;
        let found = admin_keys::teams_with_active_keys(&mut tx, organization, Provider::Openai).await?;
        tx.commit().await?;
        teams.extend(found.into_iter().map(|team| (organization, team)));
    }
    Ok(teams)
}

async fn one(state: &State, ctx: &Ctx, team: CollectedTeam, date: NaiveDate) -> TeamBatchReport {
    let locale = ctx.locale;
    let target = Target { team: team.id, through: Some(date) };
    let outcome = match note_request(state, ctx, &team, date).await {
        Ok(()) => collect_when_free(state, ctx, target).await,
        Err(error) => Err(error.into()),
    };
    let at = state.clock.now();
    let (tally, error) = match outcome {
        Ok(tally) => (tally, None),
        Err(error) => (Tally::default(), Some(failure(&error, at, locale))),
    };
    let notices =
        if error.is_none() { notices(state, ctx.organization, team.id, &tally, locale).await } else { Vec::new() };
    TeamBatchReport {
        team_id: team.id,
        team_name: team.name,
        success: error.is_none(),
        records_created: tally.created,
        records_updated: tally.updated,
        records_unattributed: tally.unattributed,
        error,
        notices,
    }
}

/// Writes down who had a team's bill collected, before it is.
async fn note_request(state: &State, ctx: &Ctx, team: &CollectedTeam, date: NaiveDate) -> sqlx::Result<()> {
    let mut tx = state.db.background().tenant(ctx.organization).await?;
    let change = audit::Change::new("collection.request", team.id, team.name.clone()).after(json!({"through": date}));
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await
}

fn failure(error: &CollectError, at: DateTime<Utc>, locale: Locale) -> CollectionError {
    error::describe(error.code(), at, locale)
}

/// Waits for another worker of the same team, then looks at what that one may have left.
async fn collect_when_free(state: &State, ctx: &Ctx, target: Target) -> Result<Tally, CollectError> {
    let until = Instant::now() + BUSY_PATIENCE;
    loop {
        match service::collect(state, ctx, target, std::future::pending()).await {
            Err(CollectError::Busy) if Instant::now() < until => tokio::time::sleep(BUSY_POLL).await,
            outcome => return outcome,
        }
    }
}

async fn notices(
    state: &State,
    organization: OrganizationId,
    team: uuid::Uuid,
    tally: &Tally,
    locale: Locale,
) -> Vec<CollectionNotice> {
    let mut notices = Vec::new();
    let mut add = |code: &str, en: String, ko: String| {
        let message = if locale == Locale::Ko { ko } else { en };
        notices.push(CollectionNotice { code: code.into(), message });
    };
    if tally.lines == 0 {
        add(
            "no_usage_data",
            "No usage data found: OpenAI's data is delayed by 8 to 24 hours.".into(),
            "No usage data found: OpenAI 데이터는 8~24시간 늦게 들어와요.".into(),
        );
    }
    if !has_project_ids(state, organization, team).await.unwrap_or(true) {
        add(
            "no_project_ids",
            "No projects with OpenAI Project ID found: register Project IDs in the projects' settings.".into(),
            "No projects with OpenAI Project ID found: 프로젝트 설정에서 Project ID를 등록해 주세요.".into(),
        );
    }
    if !tally.unknown_projects.is_empty() {
        let ids = tally.unknown_projects.join(", ");
        add(
            "unknown_project_ids",
            format!("Unknown OpenAI Project ID, kept as unattributed: {ids}"),
            format!("Unknown OpenAI Project ID, 미분류로 보관했어요: {ids}"),
        );
    }
    notices
}

async fn has_project_ids(state: &State, organization: OrganizationId, team: uuid::Uuid) -> sqlx::Result<bool> {
    let mut tx = state.db.background().tenant(organization).await?;
    let known = projects::attributions(&mut tx, organization).await?;
    tx.commit().await?;
    Ok(known.iter().any(|known| known.team_id == team))
}
