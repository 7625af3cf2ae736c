//! The ground truth: what was billed, exactly, read from the same rows that the answers are served from.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::openai::ledger::next_day;
use crate::openai::state::Organization;

/// A dimension of the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// The UTC day.
    Day,
    /// The project id.
    Project,
    /// The line item's text.
    LineItem,
    /// The API key's id.
    ApiKey,
}

impl Dimension {
    /// Parses a comma-separated list: `project,line_item,day,api_key` (camelCase is accepted too).
    ///
    /// # Errors
    /// If a name is none of these.
    pub fn parse_list(text: &str) -> Result<Vec<Self>> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names
            .map(|name| match name {
                "day" => Ok(Self::Day),
                "project" | "project_id" => Ok(Self::Project),
                "line_item" | "lineItem" => Ok(Self::LineItem),
                "api_key" | "apiKey" | "api_key_id" => Ok(Self::ApiKey),
                _ => bail!("unknown dimension {name:?}"),
            })
            .collect()
    }
}

/// Which part of the truth is wanted.
#[derive(Debug, Clone)]
pub struct TruthQuery {
    /// The organization's id.
    pub organization: String,
    /// The first UTC day.
    pub from: NaiveDate,
    /// The UTC day after the last.
    pub to: NaiveDate,
    /// The dimensions to keep; none gives one row.
    pub group_by: Vec<Dimension>,
    /// Only this project's costs.
    pub project: Option<String>,
    /// The final figures, rather than those that a client asking now would be served.
    pub settled: bool,
}

impl TruthQuery {
    /// The total of an organization over `[from, to)` as served now.
    #[must_use]
    pub fn new(organization: &str, from: NaiveDate, to: NaiveDate) -> Self {
        Self { organization: organization.to_owned(), from, to, group_by: Vec::new(), project: None, settled: false }
    }

    /// Keeps these dimensions.
    #[must_use]
    pub fn group_by(mut self, dimensions: &[Dimension]) -> Self {
        self.group_by = dimensions.to_vec();
        self
    }
}

/// One row of the truth. A dimension that was not asked for is null.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TruthRow {
    /// The UTC day.
    pub day: Option<NaiveDate>,
    /// The project id; null also for costs of no project.
    pub project: Option<String>,
    /// The line item's text.
    pub line_item: Option<String>,
    /// The API key's id; null also for costs without one.
    pub api_key: Option<String>,
    /// USD, exact.
    pub amount: Decimal,
}

/// The answer to a [`TruthQuery`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Truth {
    /// The organization's id.
    pub organization: String,
    /// The first UTC day.
    pub from: NaiveDate,
    /// The UTC day after the last.
    pub to: NaiveDate,
    /// The dimensions kept.
    pub group_by: Vec<Dimension>,
    /// Always `usd`.
    pub currency: String,
    /// The sum of the rows.
    pub total: Decimal,
    /// Sorted by day, project, line item, API key.
    pub rows: Vec<TruthRow>,
}

/// The indices that make up a group: day, project, line item, key.
type Group = (Option<NaiveDate>, Option<u32>, Option<u32>, Option<u32>);

pub(crate) fn truth(organization: &mut Organization, query: &TruthQuery, now: DateTime<Utc>) -> Result<Truth> {
    ensure!(query.from <= query.to, "from is after to");
    ensure!((query.to - query.from).num_days() <= 3_660, "at most ten years");
    let wants = |dimension| query.group_by.contains(&dimension);
    let mut groups: BTreeMap<Group, Decimal> = BTreeMap::new();
    let mut day = query.from;
    while day < query.to && day <= now.date_naive() {
        let moment = if query.settled { now + TimeDelta::days(5) } else { now };
        for row in organization.seen(day, moment) {
            let id = organization.project_id(row.project);
            if query.project.as_deref().is_some_and(|wanted| id != Some(wanted)) {
                continue;
            }
            let group = (
                wants(Dimension::Day).then_some(day),
                wants(Dimension::Project).then_some(row.project),
                wants(Dimension::LineItem).then_some(row.line),
                wants(Dimension::ApiKey).then_some(row.key),
            );
            *groups.entry(group).or_default() += row.amount;
        }
        day = next_day(day);
    }
    let total = groups.values().sum::<Decimal>().normalize();
    let mut rows: Vec<TruthRow> = groups.into_iter().map(|(group, amount)| row(organization, group, amount)).collect();
    rows.sort();
    Ok(Truth {
        organization: query.organization.clone(),
        from: query.from,
        to: query.to,
        group_by: query.group_by.clone(),
        currency: "usd".to_owned(),
        total,
        rows,
    })
}

fn row(organization: &Organization, group: Group, amount: Decimal) -> TruthRow {
    let (day, project, line, key) = group;
    TruthRow {
        day,
        project: project.and_then(|index| organization.project_id(index)).map(str::to_owned),
        line_item: line.and_then(|index| organization.items.get(index as usize)).map(|item| item.name.clone()),
        api_key: key.and_then(|index| organization.key(index)).map(|key| key.id.clone()),
        amount: amount.normalize(),
    }
}
