//! One simulated organization: its spec, what was changed since, and its bill.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::catalogue::{LineItem, line_items};
use super::ledger::{self, Day, NO_KEY, Row, Source};
use super::rate_limits::RateLimit;
use super::spec::{OrganizationSpec, ProjectSpec};
use super::stops::Stop;
use crate::control::{RestateSpec, Restatement};
use crate::rng;

/// A project as the provider knows it.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Unix seconds.
    pub(crate) created_at: i64,
    pub(crate) archived_at: Option<DateTime<Utc>>,
    /// `None` for a project created through the API: it has no costs.
    pub(crate) spec: Option<ProjectSpec>,
    pub(crate) rate_limits: Vec<RateLimit>,
    /// Cents a month.
    pub(crate) spend_limit: Option<i64>,
    /// Whether the spend has reached it.
    pub(crate) spend_limit_holds: bool,
    /// When limits stopped it.
    pub(crate) stops: Vec<Stop>,
}

/// A project's API key.
#[derive(Debug)]
pub(crate) struct ProjectKey {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) project: u32,
    pub(crate) created_at: i64,
    /// Owned by a service account rather than by a person.
    pub(crate) service_account: bool,
    /// `user-…` or `svc_acct_…`.
    pub(crate) owner: String,
    pub(crate) deleted_at: Option<DateTime<Utc>>,
}

/// What the provider shows of one row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) project: u32,
    pub(crate) line: u32,
    pub(crate) key: u32,
    pub(crate) amount: Decimal,
    pub(crate) quantity: u64,
}

/// One organization.
#[derive(Debug)]
pub(crate) struct Organization {
    pub(crate) spec: OrganizationSpec,
    pub(crate) projects: Vec<Project>,
    pub(crate) keys: Vec<ProjectKey>,
    pub(crate) items: Vec<LineItem>,
    /// Cents a month.
    pub(crate) spend_limit: Option<i64>,
    /// What answers call the organization; `None`: they do not name it.
    pub(crate) called: Option<String>,
    days: BTreeMap<NaiveDate, Day>,
}

impl Organization {
    pub(crate) fn new(spec: OrganizationSpec) -> Self {
        let created_at = ledger::midnight(spec.first_day).timestamp() - 86_400;
        let widest = spec.projects.iter().map(|project| project.line_items).max().unwrap_or(0);
        let mut organization = Self {
            items: line_items(widest),
            projects: Vec::new(),
            keys: Vec::new(),
            spend_limit: None,
            called: Some(spec.id.clone()),
            days: BTreeMap::new(),
            spec,
        };
        for project in organization.spec.projects.clone() {
            organization.add_project(&project.id.clone(), &project.name.clone(), created_at, Some(project));
        }
        organization
    }

    /// Adds a project and its API keys; returns its index.
    pub(crate) fn add_project(&mut self, id: &str, name: &str, created_at: i64, spec: Option<ProjectSpec>) -> usize {
        let index = self.projects.len();
        let key_count = spec.as_ref().map_or(0, |spec| spec.api_keys);
        for number in 0..key_count {
            let word = rng::hash(&[self.spec.seed, rng::hash_text(id), number as u64]);
            let service_account = number % 2 == 1;
            let prefix = if service_account { "svc_acct_" } else { "user-" };
            self.keys.push(ProjectKey {
                id: format!("key_{}", rng::identifier(word, 16)),
                name: format!("{name} {}", number + 1),
                project: u32::try_from(index).unwrap_or(u32::MAX),
                created_at,
                service_account,
                owner: format!("{prefix}{}", rng::identifier(word ^ 1, 16)),
                deleted_at: None,
            });
        }
        self.projects.push(Project {
            id: id.to_owned(),
            name: name.to_owned(),
            created_at,
            archived_at: None,
            spec,
            rate_limits: RateLimit::defaults(),
            spend_limit: None,
            spend_limit_holds: false,
            stops: Vec::new(),
        });
        index
    }

    /// The index of a project that the provider lists.
    pub(crate) fn project_index(&self, id: &str) -> Option<usize> {
        self.projects.iter().position(|project| !id.is_empty() && project.id == id)
    }

    /// The final rows of `day`, generated at the first call.
    pub(crate) fn rows(&mut self, day: NaiveDate) -> &mut Day {
        self.days.entry(day).or_insert_with(|| {
            let sources: Vec<Source<'_>> = self
                .projects
                .iter()
                .zip(0..)
                .filter_map(|(project, index)| {
                    let owned = |(key, number): (&ProjectKey, u32)| (key.project == index).then_some(number);
                    let keys = self.keys.iter().zip(0..).filter_map(owned).collect();
                    project.spec.as_ref().map(|spec| Source { index, spec, keys })
                })
                .collect();
            ledger::generate(&self.spec, &self.items, &sources, day)
        })
    }

    /// The rows of `day` if they were generated, see [`Self::rows`].
    pub(crate) fn generated(&self, day: NaiveDate) -> &[Row] {
        self.days.get(&day).map_or(&[], Vec::as_slice)
    }

    /// What the provider shows of `day` at `now`: nothing of the future, a part of what still moves, nothing of a project
    /// after it was archived or of a key after it was deleted, and nothing of the time in which limits stopped it.
    pub(crate) fn seen(&mut self, day: NaiveDate, now: DateTime<Utc>) -> Vec<Seen> {
        if day < self.spec.first_day || ledger::midnight(day) > now {
            return Vec::new();
        }
        self.rows(day);
        let stopped: Vec<_> = (0u32..).zip(&self.projects).map(|(index, _)| self.stopped(index, day)).collect();
        self.generated(day)
            .iter()
            .filter(|row| self.row_alive(row, day))
            .filter_map(|row| {
                let stopped = stopped.get(row.project as usize).map_or(&[][..], Vec::as_slice);
                let (amount, quantity) = row.seen(day, now, stopped)?;
                Some(Seen { project: row.project, line: row.line, key: row.key, amount, quantity })
            })
            .collect()
    }

    /// Whether the project and the key of a row were still alive on `day`.
    pub(crate) fn row_alive(&self, row: &Row, day: NaiveDate) -> bool {
        let ended = |at: Option<DateTime<Utc>>| at.is_some_and(|at| day > at.date_naive());
        let archived = ended(self.projects.get(row.project as usize).and_then(|project| project.archived_at));
        !archived && !ended(self.key(row.key).and_then(|key| key.deleted_at))
    }

    /// The API key at `index`, if the row has one.
    pub(crate) fn key(&self, index: u32) -> Option<&ProjectKey> {
        if index == NO_KEY { None } else { self.keys.get(index as usize) }
    }

    /// The project id of a row as served: `None` for costs of no project.
    pub(crate) fn project_id(&self, index: u32) -> Option<&str> {
        self.projects.get(index as usize).map(|project| project.id.as_str()).filter(|id| !id.is_empty())
    }

    /// What was spent from the first of the month of `now` until `now`, by one project or by all.
    pub(crate) fn spent_this_month(&mut self, project: Option<usize>, now: DateTime<Utc>) -> Decimal {
        let mut day = chrono::Datelike::with_day(&now.date_naive(), 1).unwrap_or(now.date_naive());
        let mut spent = Decimal::ZERO;
        while day <= now.date_naive() {
            let rows = self.seen(day, now);
            let mine = rows.iter().filter(|row| project.is_none_or(|index| row.project as usize == index));
            spent += mine.map(|row| row.amount).sum::<Decimal>();
            day = ledger::next_day(day);
        }
        spent
    }

    /// Changes what a project used on one day, in proportion.
    pub(crate) fn restate_usage(&mut self, project: &str, day: NaiveDate, percent: u64) -> Result<usize> {
        let position = self.projects.iter().position(|known| known.id == project);
        let project = position.ok_or_else(|| anyhow!("no project {project:?}"))?;
        let mut changed = 0;
        for row in self.rows(day).iter_mut().filter(|row| row.project as usize == project) {
            row.quantity = row.quantity.saturating_mul(percent) / 100;
            changed += 1;
        }
        if changed == 0 { Err(anyhow!("no such usage")) } else { Ok(changed) }
    }

    /// Changes what was billed for one day.
    pub(crate) fn restate(&mut self, spec: &RestateSpec) -> Result<usize> {
        let position = self.projects.iter().position(|project| project.id == spec.project);
        let project = position.ok_or_else(|| anyhow!("no project {:?}", spec.project))?;
        let line = match &spec.line_item {
            None => None,
            Some(name) => {
                let position = self.items.iter().position(|item| &item.name == name);
                Some(position.ok_or_else(|| anyhow!("no line item {name:?}"))?)
            }
        };
        let change = Restatement::try_from(spec)?;
        let chosen = |row: &Row| row.project as usize == project && line.is_none_or(|line| row.line as usize == line);
        ledger::restate(self.rows(spec.day), chosen, change)
    }
}
