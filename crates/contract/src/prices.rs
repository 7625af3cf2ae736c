//! The price book: what a unit of a model costs, since when, and who says so.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Amount, UnitKind};

/// How urgently a provider works on a call, which changes its price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PriceTier {
    /// As usual.
    #[default]
    Standard,
    /// Within a day, at a discount.
    Batch,
    /// When there is room, at a discount.
    Flex,
    /// Before others, at a surcharge.
    Priority,
}

impl PriceTier {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Standard, Self::Batch, Self::Flex, Self::Priority];

    /// The name in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::Priority => "priority",
        }
    }

    /// The tier of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.name() == name)
    }

    /// The tier that a caller or a provider means: none said is standard, and so are OpenAI's `default` and `auto` and
    /// Anthropic's `standard_only`. Nothing for a tier whose price nobody publishes.
    pub fn said(text: Option<&str>) -> Option<Self> {
        match text.map(str::trim) {
            None | Some("" | "standard" | "default" | "auto" | "standard_only" | "on_demand") => Some(Self::Standard),
            Some("batch" | "batches") => Some(Self::Batch),
            Some(other) => Self::from_name(other),
        }
    }
}

/// One unit price, in USD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnitPrice {
    /// What is counted.
    pub kind: UnitKind,
    /// At which urgency.
    pub tier: PriceTier,
    /// It holds for the whole of a call with more input tokens than this; 0 for every call.
    #[cfg_attr(feature = "server", schema(example = 0))]
    pub above_tokens: u32,
    /// USD a unit.
    #[cfg_attr(feature = "server", schema(example = "0.0000025"))]
    pub price: Amount,
}

/// What tokens cost in a region, as a multiple of their price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegionFactor {
    /// The region, as the provider names it.
    #[cfg_attr(feature = "server", schema(example = "eu"))]
    pub region: String,
    /// The multiple.
    #[cfg_attr(feature = "server", schema(example = "1.100000"))]
    pub factor: Amount,
}

/// Everything that one entry of the book says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PriceListing {
    /// Unit prices.
    pub prices: Vec<UnitPrice>,
    /// What tokens cost in a region, as a multiple of their price.
    pub factors: Vec<RegionFactor>,
    /// The page on which the provider says so.
    #[cfg_attr(feature = "server", schema(example = "https://developers.openai.com/api/docs/pricing"))]
    pub source: Option<String>,
}

/// How a state of the public prices came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PriceVersionKind {
    /// It came with the program.
    Shipped,
    /// Somebody read a list in.
    Import,
    /// The daily job read the configured list.
    Update,
    /// An administrator confirmed a change that was too strange to be believed at once.
    Confirmation,
}

impl PriceVersionKind {
    /// The name in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::Import => "import",
            Self::Update => "update",
            Self::Confirmation => "confirmation",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Shipped, Self::Import, Self::Update, Self::Confirmation].into_iter().find(|kind| kind.name() == name)
    }
}

/// Something of a list that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SkippedPrice {
    /// Its name in the list.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// What reading a list did to the book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PriceImportReport {
    /// The list.
    pub source: String,
    /// Entries for what had none.
    pub entries_new: u32,
    /// Entries that cost something else from now on.
    pub entries_changed: u32,
    /// Entries that the list agrees with.
    pub entries_unchanged: u32,
    /// Changes that wait for an administrator.
    pub entries_suspicious: u32,
    /// Entries that could not be read or taken.
    pub entries_skipped: u32,
    /// The first hundred of these.
    pub skipped: Vec<SkippedPrice>,
}

/// What a model costs at a provider for some time, everywhere or in one region. It never changes: other prices are
/// another entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PriceEntry {
    /// Its id; events name it as what they were priced with.
    pub id: Uuid,
    /// Who asks the price.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Where it holds; null for everywhere else.
    #[cfg_attr(feature = "server", schema(example = "us"))]
    pub region: Option<String>,
    /// Since when.
    pub effective_from: DateTime<Utc>,
    /// Until when; null for now and on.
    pub effective_to: Option<DateTime<Utc>>,
    /// Always `USD`.
    pub currency: String,
    /// Unit prices.
    pub prices: Vec<UnitPrice>,
    /// What tokens cost in a region, as a multiple of their price.
    pub factors: Vec<RegionFactor>,
    /// The page on which the provider says so.
    #[cfg_attr(feature = "server", schema(example = "https://developers.openai.com/api/docs/pricing"))]
    pub source: Option<String>,
    /// The list that was last found to agree.
    #[cfg_attr(feature = "server", schema(example = "https://prices.example.com/model_prices.json"))]
    pub confirmed_by: String,
    /// When that was.
    pub checked_at: DateTime<Utc>,
}

/// `GET /api/prices`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PricesQuery {
    /// How many items, 1 to 200; 50 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(minimum = 1, maximum = 200))]
    pub limit: Option<u16>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only this provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Only models whose name holds this text, in capitals or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The prices of this time; now by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
    /// The prices of all times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<bool>,
}

/// A state of the public prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PriceVersion {
    /// Its id.
    pub id: Uuid,
    /// Counts up from 1.
    #[cfg_attr(feature = "server", schema(minimum = 1))]
    pub number: i64,
    /// How it came about.
    pub kind: PriceVersionKind,
    /// The list that says so.
    #[cfg_attr(feature = "server", schema(example = "https://prices.example.com/model_prices.json"))]
    pub source: String,
    /// Under which terms the list may be used.
    #[cfg_attr(feature = "server", schema(example = "MIT"))]
    pub licence: Option<String>,
    /// Since when what it changed holds.
    pub effective_from: DateTime<Utc>,
    /// Since when the next version holds; null for the latest.
    pub effective_to: Option<DateTime<Utc>>,
    /// When its list was last looked at.
    pub checked_at: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Entries for what had none.
    pub entries_new: i32,
    /// Entries that cost something else than before.
    pub entries_changed: i32,
    /// Entries that ended.
    pub entries_ended: i32,
    /// Entries that its list agreed with.
    pub entries_unchanged: i32,
    /// Changes that waited for an administrator.
    pub entries_suspicious: i32,
    /// Entries of its list that could not be read.
    pub entries_skipped: i32,
}

/// Where a change stands that was too strange to be believed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PriceChangeState {
    /// It waits for an administrator.
    Pending,
    /// An administrator believed it.
    Confirmed,
    /// An administrator did not.
    Dismissed,
    /// Its list says something else by now.
    Withdrawn,
}

impl PriceChangeState {
    /// The name in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Dismissed => "dismissed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Pending, Self::Confirmed, Self::Dismissed, Self::Withdrawn]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// A change of the public prices that was too strange to be believed at once: more than ten times as much or as little,
/// to or from nothing, or a price that vanished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PriceChange {
    /// Its id.
    pub id: Uuid,
    /// Who asks the price.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Where it holds; null for everywhere else.
    #[cfg_attr(feature = "server", schema(example = "us"))]
    pub region: Option<String>,
    /// The list that says so.
    #[cfg_attr(feature = "server", schema(example = "https://prices.example.com/model_prices.json"))]
    pub source: String,
    /// What is strange about it: `ten_times: standard input`, `to_zero: …`, `from_zero: …`, `missing: …`, `missing`.
    #[cfg_attr(feature = "server", schema(example = json!(["ten_times: standard input"])))]
    pub reasons: Vec<String>,
    /// What it costs now.
    pub current: PriceListing,
    /// What it would cost; null for a model that its list has no more.
    pub proposed: Option<PriceListing>,
    /// Where it stands.
    pub state: PriceChangeState,
    /// When it was found.
    pub created_at: DateTime<Utc>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
}

/// `GET /api/prices/changes`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PriceChangesQuery {
    /// How many items, 1 to 200; 50 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(minimum = 1, maximum = 200))]
    pub limit: Option<u16>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only those that stand so; `pending` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<PriceChangeState>,
}

/// What an organization negotiated, or what it calls a model of the book. Exactly one of `unitPrice`, `discountPercent`
/// and `sameAs` is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PriceOverride {
    /// Its id.
    pub id: Uuid,
    /// Who asks the price.
    pub provider: String,
    /// The model; null for a discount on everything of the provider.
    pub model: Option<String>,
    /// What the price is of.
    pub kind: Option<UnitKind>,
    /// At which urgency.
    pub tier: Option<PriceTier>,
    /// USD a unit, instead of the book's.
    #[cfg_attr(feature = "server", schema(example = "0.000002"))]
    pub unit_price: Option<Amount>,
    /// Percent off the book's prices.
    #[cfg_attr(feature = "server", schema(example = "12.500000"))]
    pub discount_percent: Option<Amount>,
    /// The model of the book that the name stands for.
    #[cfg_attr(feature = "server", schema(example = "gpt-5.4"))]
    pub same_as: Option<String>,
    /// Why, in the organization's own words.
    #[cfg_attr(feature = "server", schema(example = "Enterprise agreement 2026"))]
    pub note: Option<String>,
    /// Always `USD`.
    pub currency: String,
    /// Since when.
    pub effective_from: DateTime<Utc>,
    /// Until when; null for now and on.
    pub effective_to: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// `POST /api/prices/overrides`. Exactly one of `unitPrice` (with `model` and `kind`), `discountPercent` (on the model, or
/// on everything of the provider) and `sameAs` (with `model`, the organization's own name for a model of the book).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[cfg_attr(feature = "server", schema(example = json!({
    "provider": "openai", "model": "gpt-5.4", "kind": "input", "unitPrice": "0.000002", "note": "Enterprise agreement 2026"
})))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreatePriceOverrideRequest {
    /// Who asks the price.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 64)))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 64))]
    pub provider: String,
    /// The model, by any name that the book knows it by, or a name of the organization's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 200), custom(function = "crate::teams::not_blank")))]
    pub model: Option<String>,
    /// What the price is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<UnitKind>,
    /// At which urgency; `standard` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<PriceTier>,
    /// USD a unit, with at most 18 decimal places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Amount>,
    /// More than 0 and at most 100, with at most four decimal places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_percent: Option<Amount>,
    /// A model of the book.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 200), custom(function = "crate::teams::not_blank")))]
    pub same_as: Option<String>,
    /// At most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(max = 500)))]
    pub note: Option<String>,
    /// Since when; now by default. A time that is past needs `reprice`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<DateTime<Utc>>,
    /// Until when; for good by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_to: Option<DateTime<Utc>>,
    /// Prices the events of the time that is past anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reprice: Option<bool>,
}

/// `GET /api/prices/resolve`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResolvePriceQuery {
    /// Who is called, by any name that SDKs use.
    pub provider: String,
    /// The model, as the caller names it.
    pub model: String,
    /// The urgency; `standard` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Where it is worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// When; now by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
}

/// What a call of the organization would be priced with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ResolvedPrice {
    /// The provider, as the book names it.
    pub provider: String,
    /// The model, as the book names it; null if it has none of that name.
    pub model: Option<String>,
    /// The region whose prices hold, if the provider asks others there.
    #[cfg_attr(feature = "server", schema(example = "us"))]
    pub region: Option<String>,
    /// The urgency; null if nobody publishes prices for it.
    pub tier: Option<PriceTier>,
    /// The entry of the book; null where there is none.
    pub entry_id: Option<Uuid>,
    /// How the name became the entry, as events keep it.
    #[cfg_attr(feature = "server", schema(example = "dated_snapshot:gpt-5.4"))]
    pub resolution: Option<String>,
    /// Why there is no price: `unknown_model`, `not_then`, `unknown_region`, `unknown_tier`.
    #[cfg_attr(feature = "server", schema(example = "unknown_model"))]
    pub reason: Option<String>,
    /// Always `USD`.
    pub currency: String,
    /// What the organization pays, with its discounts and prices, in that region.
    pub prices: Vec<ResolvedUnitPrice>,
}

/// What an organization pays for a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ResolvedUnitPrice {
    /// What is counted.
    pub kind: UnitKind,
    /// It holds for the whole of a call with more input tokens than this; 0 for every call.
    #[cfg_attr(feature = "server", schema(example = 0))]
    pub above_tokens: u32,
    /// USD a unit.
    #[cfg_attr(feature = "server", schema(example = "0.0000025"))]
    pub price: Amount,
    /// Whether a price or a discount of the organization's own was applied.
    pub negotiated: bool,
}
