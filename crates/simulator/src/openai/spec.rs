//! What a caller says about an organization before it exists. Everything else follows from it and from the seed.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One provider organization: its keys, its projects and the seed of its bill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrganizationSpec {
    /// The provider's id, `org-…`.
    pub id: String,
    /// The display name.
    pub name: String,
    /// Equal seeds and equal specs give equal bills.
    pub seed: u64,
    /// Admin keys with every scope. A key with fewer scopes is added by [`crate::Control::add_key`].
    pub admin_keys: Vec<String>,
    /// The projects, in creation order.
    pub projects: Vec<ProjectSpec>,
    /// The first UTC day that has costs.
    pub first_day: NaiveDate,
    /// How amounts are written in answers.
    #[serde(default)]
    pub amount_style: AmountStyle,
}

impl OrganizationSpec {
    /// An organization with no project yet and one made-up admin key.
    #[must_use]
    pub fn new(id: &str, seed: u64, first_day: NaiveDate) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            seed,
            admin_keys: vec![crate::presets::fake_admin_key(id, seed)],
            projects: Vec::new(),
            first_day,
            amount_style: AmountStyle::default(),
        }
    }

    /// Adds a project.
    #[must_use]
    pub fn with_project(mut self, project: ProjectSpec) -> Self {
        self.projects.push(project);
        self
    }
}

/// One project and the shape of its spend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectSpec {
    /// The provider's id, `proj_…`. An empty id stands for costs that belong to no project: served with
    /// `project_id: null`, and absent from the list of projects.
    pub id: String,
    /// The display name.
    pub name: String,
    /// Mean spend a day in USD before the trend.
    pub daily_usd: Decimal,
    /// How the spend moves over time.
    #[serde(default)]
    pub trend: Trend,
    /// How many line items are billed a day.
    pub line_items: usize,
    /// How many API keys share each line item; each (line item, key) is one row. 0: one row, `api_key_id: null`.
    pub api_keys: usize,
    /// Whether about one day in six has no cost at all. The days are the organization's: if all its projects say so,
    /// those days' buckets are empty.
    #[serde(default)]
    pub empty_days: bool,
}

impl ProjectSpec {
    /// A flat project with six line items and one API key.
    #[must_use]
    pub fn new(id: &str, name: &str, daily_usd: Decimal) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            daily_usd,
            trend: Trend::Flat,
            line_items: 6,
            api_keys: 1,
            empty_days: false,
        }
    }
}

/// How a project's spend moves. Day offsets count from the organization's first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Trend {
    /// No trend.
    #[default]
    Flat,
    /// From 0.6 times the mean, up by 0.01 a day, at most 3 times.
    Growing,
    /// From the mean, down by 0.01 a day, at least 0.05 times.
    Shrinking,
    /// Flat, but one day costs fifteen times as much.
    Spike {
        /// The day that runs away.
        day_offset: u32,
    },
    /// Nothing before that day, flat from then on.
    Since {
        /// The first day with costs.
        day_offset: u32,
    },
}

/// How the value of an amount is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AmountStyle {
    /// Each row its own, as observed in the wild: numbers, strings and Decimal128 renderings, bare and quoted.
    #[default]
    Mixed,
    /// JSON numbers, as the provider's specification says.
    Number,
    /// JSON strings with at least two decimals.
    String,
    /// 34 significant digits, zero as `0E-6176`; half of them bare, half quoted.
    Decimal128,
}
