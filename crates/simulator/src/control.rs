//! Steering the simulator from a test: the same operations that `/_sim` offers over HTTP.

use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::channels::Channel;
use crate::channels::inbox::{InboxQuery, Letter};
use crate::faults::FaultSpec;
use crate::openai::spec::OrganizationSpec;
use crate::openai::stops::Limits;
use crate::truth::{Truth, TruthQuery, truth};
use crate::world::Shared;

/// A handle on a running simulator. Cheap to clone; it keeps working after the server has stopped.
#[derive(Debug, Clone)]
pub struct Control {
    pub(crate) world: Shared,
}

/// A later statement of what one day cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestateSpec {
    /// The organization's id.
    pub organization: String,
    /// The project's id, empty for costs of no project.
    pub project: String,
    /// The UTC day.
    pub day: NaiveDate,
    /// The line item; `None`: all of the project's.
    #[serde(default)]
    pub line_item: Option<String>,
    /// The new sum of the rows chosen, spread in proportion, shown in full from now on.
    #[serde(default)]
    pub amount: Option<Decimal>,
    /// What each row is multiplied by.
    #[serde(default)]
    pub factor: Option<Decimal>,
    /// The rows vanish.
    #[serde(default)]
    pub remove: bool,
}

impl RestateSpec {
    /// All line items of a project's day multiplied by `factor`.
    #[must_use]
    pub fn factor(organization: &str, project: &str, day: NaiveDate, factor: Decimal) -> Self {
        Self { factor: Some(factor), ..Self::nothing(organization, project, day) }
    }

    /// A project's day costs `amount` in all.
    #[must_use]
    pub fn amount(organization: &str, project: &str, day: NaiveDate, amount: Decimal) -> Self {
        Self { amount: Some(amount), ..Self::nothing(organization, project, day) }
    }

    /// A project's day has no costs any more.
    #[must_use]
    pub fn remove(organization: &str, project: &str, day: NaiveDate) -> Self {
        Self { remove: true, ..Self::nothing(organization, project, day) }
    }

    /// Only this line item.
    #[must_use]
    pub fn line_item(mut self, name: &str) -> Self {
        self.line_item = Some(name.to_owned());
        self
    }

    fn nothing(organization: &str, project: &str, day: NaiveDate) -> Self {
        let (organization, project) = (organization.to_owned(), project.to_owned());
        Self { organization, project, day, line_item: None, amount: None, factor: None, remove: false }
    }
}

/// What a restatement does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Restatement {
    Amount(Decimal),
    Factor(Decimal),
    Remove,
}

impl TryFrom<&RestateSpec> for Restatement {
    type Error = anyhow::Error;

    fn try_from(spec: &RestateSpec) -> Result<Self> {
        match (spec.amount, spec.factor, spec.remove) {
            (Some(amount), None, false) => Ok(Self::Amount(amount)),
            (None, Some(factor), false) => Ok(Self::Factor(factor)),
            (None, None, true) => Ok(Self::Remove),
            _ => bail!("a restatement has one of amount, factor and remove"),
        }
    }
}

/// One request to a simulated vendor, without its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestRecord {
    /// The HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query string as sent.
    pub query: String,
    /// The organization that the key belongs to, if it is known.
    pub organization: Option<String>,
    /// The `x-request-id` of the answer.
    pub request_id: String,
}

impl Control {
    /// Adds an organization.
    ///
    /// # Errors
    /// If its id or one of its keys is taken.
    pub fn add_organization(&self, spec: OrganizationSpec) -> Result<()> {
        self.world.lock().add_organization(spec)
    }

    /// The specs of all organizations, with their keys.
    #[must_use]
    pub fn organizations(&self) -> Vec<OrganizationSpec> {
        self.world.lock().organizations.iter().map(|organization| organization.spec.clone()).collect()
    }

    /// Registers another admin key. `scopes: None` gives every scope; the others are `api.usage.read` (costs, usage),
    /// `api.management.read` and `api.management.write`. An empty list makes a key that is answered 403 everywhere.
    ///
    /// # Errors
    /// If there is no such organization or the key is registered.
    pub fn add_key(&self, organization: &str, key: &str, scopes: Option<&[&str]>) -> Result<()> {
        let scopes = scopes.map(|scopes| scopes.iter().map(|scope| (*scope).to_owned()).collect());
        self.world.lock().add_key(organization, key.to_owned(), scopes)
    }

    /// Revokes an admin key: it is answered 401 from now on.
    ///
    /// # Errors
    /// If the key is not known.
    pub fn revoke_key(&self, key: &str) -> Result<()> {
        let mut world = self.world.lock();
        world.keys.get_mut(key).ok_or_else(|| anyhow!("no such key"))?.revoked = true;
        Ok(())
    }

    /// Archives a project: no costs after today, and it is listed only on request.
    ///
    /// # Errors
    /// If there is no such organization or project.
    pub fn archive_project(&self, organization: &str, project: &str) -> Result<()> {
        let mut world = self.world.lock();
        let now = world.now();
        let organization = world.organization(organization)?;
        let index = organization.project_index(project).ok_or_else(|| anyhow!("no project {project:?}"))?;
        organization.projects[index].archived_at.get_or_insert(now);
        Ok(())
    }

    /// The limits of a project, and whether they stop it.
    ///
    /// # Errors
    /// If there is no such organization or project.
    pub fn limits(&self, organization: &str, project: &str) -> Result<Limits> {
        let mut world = self.world.lock();
        let now = world.now();
        let organization = world.organization(organization)?;
        let index = organization.project_index(project).ok_or_else(|| anyhow!("no project {project:?}"))?;
        organization.enforce(now);
        Ok(organization.limits(index))
    }

    /// What answers call an organization from now on; `None`: they do not name it.
    ///
    /// # Errors
    /// If there is no such organization.
    pub fn call_organization(&self, organization: &str, called: Option<&str>) -> Result<()> {
        self.world.lock().organization(organization)?.called = called.map(str::to_owned);
        Ok(())
    }

    /// Fixes the clock, or lets it run with the real one.
    pub fn set_now(&self, now: Option<DateTime<Utc>>) {
        self.world.lock().clock = now;
    }

    /// The simulator's time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.world.lock().now()
    }

    /// Adds a fault and returns its number. The oldest that matches a request hits it.
    pub fn add_fault(&self, fault: FaultSpec) -> u64 {
        self.world.lock().faults.add(fault)
    }

    /// The faults still in force.
    #[must_use]
    pub fn faults(&self) -> Vec<FaultSpec> {
        self.world.lock().faults.list().map(|(_, spec)| spec.clone()).collect()
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.world.lock().faults.clear();
    }

    /// Changes what was billed; returns how many rows changed.
    ///
    /// # Errors
    /// If nothing like it was billed.
    pub fn restate(&self, spec: &RestateSpec) -> Result<usize> {
        self.world.lock().organization(&spec.organization)?.restate(spec)
    }

    /// Says that a project used `percent` per cent of what it was said to have used on a day, minute by minute; returns how
    /// many rows changed. The bill's quantities change with it, its amounts do not.
    ///
    /// # Errors
    /// If nothing like it was used.
    pub fn restate_usage(&self, organization: &str, project: &str, day: NaiveDate, percent: u64) -> Result<usize> {
        self.world.lock().organization(organization)?.restate_usage(project, day, percent)
    }

    /// What was billed, exactly.
    ///
    /// # Errors
    /// If there is no such organization or the range is not one.
    pub fn truth(&self, query: &TruthQuery) -> Result<Truth> {
        let mut world = self.world.lock();
        let now = world.now();
        let organization = world.organization(&query.organization)?;
        organization.enforce(now);
        truth(organization, query, now)
    }

    /// What arrived, oldest first.
    #[must_use]
    pub fn inbox(&self, query: &InboxQuery) -> Vec<Letter> {
        self.world.lock().post.find(query)
    }

    /// Waits until at least `count` letters are there, and returns what is there then or `within` later.
    pub async fn await_inbox(&self, query: &InboxQuery, count: usize, within: Duration) -> Vec<Letter> {
        let mut letters = self.world.letters();
        let enough = async { while self.inbox(query).len() < count && letters.changed().await.is_ok() {} };
        // Too few in that time are an answer as well.
        let _ = tokio::time::timeout(within, enough).await;
        self.inbox(query)
    }

    /// Forgets what arrived so far.
    pub fn clear_inbox(&self) {
        self.world.lock().post.letters.clear();
    }

    /// Makes a credential good: a key; for Slack what follows `/slack/services/`; for Twilio `sid:token`.
    pub fn add_credential(&self, channel: Channel, credential: &str) {
        self.world.lock().post.credentials.insert((channel, credential.to_owned()));
    }

    /// Makes a credential bad.
    ///
    /// # Errors
    /// If it was not good.
    pub fn revoke_credential(&self, channel: Channel, credential: &str) -> Result<()> {
        let known = self.world.lock().post.credentials.remove(&(channel, credential.to_owned()));
        if known { Ok(()) } else { bail!("no such credential") }
    }

    /// The requests made to the simulated AI vendors, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.world.lock().requests.clone()
    }

    /// Forgets the requests made so far.
    pub fn clear_requests(&self) {
        self.world.lock().requests.clear();
    }
}
