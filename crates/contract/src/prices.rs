//! The price book: what a unit of a model costs, since when, and who says so.

use serde::{Deserialize, Serialize};

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
