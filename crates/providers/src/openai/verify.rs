//! Proving that a key is an admin key that can read costs.

use chrono::{DateTime, Days, NaiveTime, Utc};
use futures_util::future::join;
use reqwest::header::HeaderMap;

use super::client::OpenAiClient;
use super::{costs, projects};
use crate::capabilities::{CostQuery, Project, Verification};
use crate::error::ProviderError;
use crate::pager::all_projects;

/// Costs of a day this far back no longer move, so the call is cheap and answers alike every time.
const SETTLED_DAYS: u64 = 3;

impl OpenAiClient {
    /// Proves that the key is an admin key that can read costs and projects, with one call each, made together.
    ///
    /// A further call a hundred projects is made only when the account is not named in the answer and has to be told
    /// from its oldest project.
    ///
    /// # Errors
    /// [`Rejected`](ProviderError::Rejected) with 401 or 403 when the key is wrong or lacks a scope, whatever the
    /// other call gave; else any [`ProviderError`]. Transient ones say nothing about the key.
    pub async fn verify(&self) -> Result<Verification, ProviderError> {
        let today = DateTime::<Utc>::from((self.policy().now)()).date_naive();
        let day = |back: u64| today.checked_sub_days(Days::new(back)).map(|day| day.and_time(NaiveTime::MIN).and_utc());
        let (Some(start), end @ Some(_)) = (day(SETTLED_DAYS), day(SETTLED_DAYS - 1)) else {
            return Err(ProviderError::InvalidRequest { reason: "the clock is out of range" });
        };
        let query = CostQuery { start, end, project_ids: Vec::new(), limit: 1 };
        let (costs, projects) = match join(self.costs(&query, None), self.projects(true, None)).await {
            (Ok(costs), Ok(projects)) => (costs, projects),
            (Err(costs), Err(projects)) => {
                return Err(if projects.is_unauthorized() && !costs.is_unauthorized() { projects } else { costs });
            }
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
        };
        costs::read_page(&costs)?;
        let page = projects::read_page(&projects)?;
        if let Some(account) = account(&costs.headers).or_else(|| account(&projects.headers)) {
            return Ok(Verification { account: Some(account), projects: ids(&page.projects) });
        }
        // Only all pages together know the oldest project; the first page alone is enough when it is the only one.
        let projects = if page.next.is_some() { all_projects(self, true).await? } else { page.projects };
        let oldest =
            projects.iter().min_by_key(|project| (project.created_at.is_none(), project.created_at, &project.id));
        Ok(Verification { account: oldest.map(|project| project.id.clone()), projects: ids(&projects) })
    }
}

fn ids(projects: &[Project]) -> Vec<String> {
    projects.iter().map(|project| project.id.clone()).collect()
}

/// The organization that OpenAI names in its answers.
fn account(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("openai-organization")?.to_str().ok()?.trim();
    (!value.is_empty() && value.len() <= 128).then(|| value.to_owned())
}
