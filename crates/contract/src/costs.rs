//! What it cost.
//!
//! Two ledgers, one truth: what is billed and what is metered are kept apart and never added. Per project, provider and UTC
//! day a figure is the billed one where it has arrived, else what the provider measured, else what events say. A sum over
//! several of them names its parts.

mod summary;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::money::Amount;
use crate::projects::Environment;
use crate::units::UnitKind;

pub use summary::{CostDriver, CostSummary, CostSummaryQuery, NextAction, PeriodCost, ProjectCost, TrendPoint};

/// Which ledger a figure comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The provider's bill.
    #[default]
    Billed,
    /// What the provider measured, minute by minute, by our price book.
    ProviderUsage,
    /// The calls that were reported to us, by our price book.
    Events,
    /// Several of them, each for other projects or days: `byBasis` tells them apart.
    Mixed,
}

impl Basis {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Billed => "billed",
            Self::ProviderUsage => "provider_usage",
            Self::Events => "events",
            Self::Mixed => "mixed",
        }
    }
}

/// The part of a sum that comes from one ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BasisCost {
    /// The ledger; never `mixed`.
    pub basis: Basis,
    /// What it says.
    pub cost: Amount,
    /// Calls in it that have no price: it cost at least this.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced: i64,
}

fn is_zero(count: &i64) -> bool {
    *count == 0
}

/// What is known of a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CostState {
    /// From the provider's bill.
    #[default]
    Billed,
    /// Computed from usage and prices.
    Estimated,
    /// Usage without a price: not zero, unknown.
    Unpriced,
    /// Known to cost nothing.
    Free,
}

/// Whether a figure may still change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// Not expected to change.
    Settled,
    /// The provider still restates some of its days.
    Moving,
}

/// What a query can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Dimension {
    /// The project of ours.
    Project,
    /// The team that owns the project, or whose key brought the line in.
    Team,
    /// The provider's line item, as it is on the bill.
    LineItem,
    /// The model within the line item, where it names one.
    Model,
    /// The AI vendor.
    Provider,
    /// The provider's API key.
    ApiKey,
    /// The day. Billed buckets are UTC days.
    Day,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: [Self; 7] =
        [Self::Project, Self::Team, Self::LineItem, Self::Model, Self::Provider, Self::ApiKey, Self::Day];

    /// The stable name, as in `groupBy`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Team => "team",
            Self::LineItem => "lineItem",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::ApiKey => "apiKey",
            Self::Day => "day",
        }
    }

    /// The dimension with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dimension| dimension.name() == name)
    }
}

/// `GET /api/costs/query`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CostsQuery {
    /// First day, or a time (RFC 3339) within it, inclusive. Days are UTC days, as bills have them; with `basis` of metered
    /// costs they are the organization's.
    #[cfg_attr(feature = "server", param(example = "2026-11-01"))]
    pub from: String,
    /// The day after the last, or a time (RFC 3339), exclusive; a time within a day takes that day with it.
    #[cfg_attr(feature = "server", param(example = "2026-11-23"))]
    pub to: String,
    /// Only this ledger, whether another takes its place in other answers or not: `billed`, `provider_usage` or `events`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(example = "events"))]
    pub basis: Option<Basis>,
    /// The zone of the days, an IANA name with whole hours; the organization's by default. With `basis` of metered costs
    /// only: billed days are UTC days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(example = "Asia/Seoul"))]
    pub tz: Option<String>,
    /// Comma-separated: `project`, `team`, `lineItem`, `model`, `provider`, `apiKey`, `day`. None gives one row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(example = "project,day"))]
    pub group_by: Option<String>,
    /// Only this project; `none` for what belongs to no project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// Only this team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<Uuid>,
    /// Only this model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Only this line item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_item: Option<String>,
    /// `costs_v1` or `usage_v1`; both by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// How many rows, 1 to 5,000; 1,000 by default. The dearest come first; by day, the days in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(minimum = 1, maximum = 5000))]
    pub limit: Option<u16>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A thing that costs are grouped by, with the name it has or last had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// Its id.
    pub id: Uuid,
    /// Its name; a deleted one keeps its last.
    pub name: String,
    /// Whether it was deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// What a row is about. Only what was grouped by is present; `null` means "belongs to none".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Dimensions {
    /// The project; null for what is unattributed.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    #[cfg_attr(feature = "server", schema(value_type = Option<Named>))]
    pub project: Option<Option<Named>>,
    /// The team.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    #[cfg_attr(feature = "server", schema(value_type = Option<Named>))]
    pub team: Option<Option<Named>>,
    /// The provider's line item.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    #[cfg_attr(feature = "server", schema(value_type = Option<String>))]
    pub line_item: Option<Option<String>>,
    /// The model; null where the line item names none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    #[cfg_attr(feature = "server", schema(value_type = Option<String>))]
    pub model: Option<Option<String>>,
    /// The AI vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The provider's id of its API key.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    #[cfg_attr(feature = "server", schema(value_type = Option<String>))]
    pub api_key: Option<Option<String>>,
    /// The day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<NaiveDate>,
    /// The calling service; null where calls named none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    #[cfg_attr(feature = "server", schema(value_type = Option<String>))]
    pub service: Option<Option<String>>,
    /// Where the calls ran; null where that was not said.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    #[cfg_attr(feature = "server", schema(value_type = Option<Environment>))]
    pub environment: Option<Option<Environment>>,
    /// The learner on whose behalf the calls were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learner: Option<String>,
}

/// Tells a field that is null from one that is absent.
pub(crate) mod present {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<Option<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().and_then(Option::as_ref).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::deserialize(deserializer).map(Some)
    }
}

/// One row of costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CostRow {
    /// What it is about.
    pub dimensions: Dimensions,
    /// What it cost.
    pub cost: Amount,
    /// ISO 4217. Rows of different currencies are never added.
    #[cfg_attr(feature = "server", schema(example = "USD"))]
    pub currency: String,
    /// The ledger it comes from.
    pub basis: Basis,
    /// What is known of it.
    pub state: CostState,
    /// Whether it may still change.
    pub settlement: Settlement,
    /// Its parts, where it comes from several ledgers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_basis: Vec<BasisCost>,
    /// Calls in it that have no price: it cost at least `cost`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced: i64,
    /// Calls of a model, where all of it is metered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<i64>,
    /// Tokens by kind, where all of it is metered; the kinds do not overlap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<BTreeMap<String, i64>>))]
    pub tokens: Option<BTreeMap<UnitKind, i64>>,
    /// All tokens, those too of which it was not said whether they went in or came out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<i64>,
}

/// A sum in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CostTotal {
    /// What it cost.
    pub cost: Amount,
    /// The part of it that belongs to no project.
    pub unattributed: Amount,
    /// ISO 4217.
    #[cfg_attr(feature = "server", schema(example = "USD"))]
    pub currency: String,
    /// The ledger it comes from.
    #[serde(default)]
    pub basis: Basis,
    /// What is known of it.
    #[serde(default)]
    pub state: CostState,
    /// Its parts, where it comes from several ledgers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_basis: Vec<BasisCost>,
    /// Calls in it that have no price: it cost at least `cost`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced: i64,
}

/// The answer of `GET /api/costs/query`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CostsAnswer {
    /// The rows of this page.
    pub data: Vec<CostRow>,
    /// Give it back as `cursor` for the next page.
    pub next_cursor: Option<String>,
    /// The sum of all rows of all pages, one for each currency.
    pub totals: Vec<CostTotal>,
    /// The ledger the rows come from.
    pub basis: Basis,
    /// The first day, inclusive.
    pub from: NaiveDate,
    /// The day after the last, exclusive.
    pub to: NaiveDate,
    /// The zone in which the days run: `UTC` wherever billed costs may be among them.
    #[cfg_attr(feature = "server", schema(example = "UTC"))]
    pub day_zone: String,
    /// How fresh it is.
    pub freshness: Freshness,
}

/// `GET /api/costs/by-service`, `by-learner` and `by-project`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventCostsQuery {
    /// First day, or a time (RFC 3339) within it, inclusive. Days are the organization's.
    #[cfg_attr(feature = "server", param(example = "2026-11-01"))]
    pub from: String,
    /// The day after the last, or a time (RFC 3339), exclusive; a time within a day takes that day with it.
    #[cfg_attr(feature = "server", param(example = "2026-11-23"))]
    pub to: String,
    /// What to group by as well, comma-separated: `service`, `project`, `environment`, `provider`, `model`, `day`; learners
    /// by `project`, `provider` and `day`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(example = "environment,day"))]
    pub group_by: Option<String>,
    /// Only this project; `none` for what belongs to no project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// Only this team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<Uuid>,
    /// The zone of the days, an IANA name with whole hours; the organization's by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(example = "Asia/Seoul"))]
    pub tz: Option<String>,
    /// How many rows, 1 to 5,000; 1,000 by default. The dearest come first; by day, the days in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(minimum = 1, maximum = 5000))]
    pub limit: Option<u16>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// How fresh the costs are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Freshness {
    /// When the collector last brought something in for the organization.
    pub collected_at: Option<DateTime<Utc>>,
    /// Every UTC day before this one is settled.
    pub settled_before: Option<NaiveDate>,
    /// Teams whose last collection failed: their figures are the last good ones.
    pub stale_teams: Vec<Named>,
    /// Every minute before this one is known of the provider's usage; null while none is.
    #[serde(default)]
    pub usage_through: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::{Dimensions, Named};

    #[test]
    fn null_is_told_from_absent() {
        let unattributed = Dimensions { project: Some(None), ..Dimensions::default() };
        let json = serde_json::to_string(&unattributed).unwrap();
        assert_eq!(json, r#"{"project":null}"#);
        assert_eq!(serde_json::from_str::<Dimensions>(&json).unwrap(), unattributed);
        assert_eq!(serde_json::from_str::<Dimensions>("{}").unwrap(), Dimensions::default());
        let named = Dimensions {
            project: Some(Some(Named { id: uuid::Uuid::nil(), name: "a".into(), deleted: false })),
            ..Dimensions::default()
        };
        assert_eq!(serde_json::from_str::<Dimensions>(&serde_json::to_string(&named).unwrap()).unwrap(), named);
    }
}
