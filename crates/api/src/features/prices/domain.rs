//! What the book is made of, and what a call is priced with.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use finops_contract::prices::PriceTier;
use finops_contract::{Quantities, UnitKind};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::platform::exact::Inexact;

/// The longest name of a model, in characters.
pub(super) const MAX_NAME: usize = 200;

/// Which of an entry's prices: at which urgency, above how many input tokens, of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PriceKey {
    pub(super) tier: PriceTier,
    /// The price holds for calls with more input tokens than this.
    pub(super) above: u32,
    pub(super) kind: UnitKind,
}

impl PriceKey {
    /// The usual price, however long the call.
    pub(super) const fn standard(kind: UnitKind) -> Self {
        Self { tier: PriceTier::Standard, above: 0, kind }
    }
}

/// Which entry of the book: a model at a provider, everywhere or in one region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct EntryKey {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) region: Option<String>,
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)?;
        self.region.as_deref().map_or(Ok(()), |region| write!(f, " ({region})"))
    }
}

/// What somebody says that a model costs, in USD a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// Unit prices.
    pub(super) prices: BTreeMap<PriceKey, Decimal>,
    /// What tokens cost there, as a multiple of their price.
    pub(super) factors: BTreeMap<String, Decimal>,
    /// The page where the provider says so.
    pub(super) source: Option<String>,
}

/// A call that wants a price.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    /// Who was called; any spelling that [`provider_name`] knows.
    pub provider: &'a str,
    /// The model, as the caller names it.
    pub model: &'a str,
    /// The urgency that was asked for, or that the provider says it worked with.
    pub tier: Option<&'a str>,
    /// Where it was worked on, if the caller says so: `eu`, `us-east-1`.
    pub region: Option<&'a str>,
    /// When.
    pub at: DateTime<Utc>,
    /// What was used.
    pub quantities: &'a Quantities,
}

/// What a call costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Priced {
    /// This much, exactly, in USD.
    Priced {
        /// At most nine digits before the point and eighteen after it, so that sums of many stay exact.
        cost: Decimal,
        /// The book's entry, or the organization's own price where the book has none.
        price_id: Uuid,
        /// How it was found.
        resolution: Resolution,
    },
    /// Nothing: the book says that everything that was used is free.
    Free {
        /// The book's entry, or the organization's own price where the book has none.
        price_id: Uuid,
        /// How it was found.
        resolution: Resolution,
    },
    /// Nobody knows.
    Unpriced {
        /// Why.
        reason: Reason,
    },
}

impl Priced {
    /// The exact cost in USD; nothing where it is not known.
    pub fn cost(&self) -> Option<Decimal> {
        match self {
            Self::Priced { cost, .. } => Some(*cost),
            Self::Free { .. } => Some(Decimal::ZERO),
            Self::Unpriced { .. } => None,
        }
    }

    /// What it was priced with.
    pub fn price_id(&self) -> Option<Uuid> {
        match self {
            Self::Priced { price_id, .. } | Self::Free { price_id, .. } => Some(*price_id),
            Self::Unpriced { .. } => None,
        }
    }

    /// How its price was found.
    pub fn resolution(&self) -> Option<&Resolution> {
        match self {
            Self::Priced { resolution, .. } | Self::Free { resolution, .. } => Some(resolution),
            Self::Unpriced { .. } => None,
        }
    }
}

/// Why a call has no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The book has no such model.
    UnknownModel,
    /// It has the model, but no price of it for that time.
    NotThen,
    /// The provider charges by region, and the book has no price for that one.
    UnknownRegion,
    /// The book has no price for that urgency.
    UnknownTier,
    /// Something was used that the book has no price of.
    UnknownKind,
    /// The cost has more digits than can be kept exactly.
    TooLarge,
}

impl Reason {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownModel => "unknown_model",
            Self::NotThen => "not_then",
            Self::UnknownRegion => "unknown_region",
            Self::UnknownTier => "unknown_tier",
            Self::UnknownKind => "unknown_kind",
            Self::TooLarge => "too_large",
        }
    }
}

impl From<Inexact> for Reason {
    fn from(_: Inexact) -> Self {
        Self::TooLarge
    }
}

/// How the caller's name of a model became the book's. Several steps may have been needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// The organization, or a known other spelling, says that it is the same model.
    pub alias: bool,
    /// A prefix that names the provider was taken off: `models/`, `openai/`, an ARN.
    pub provider_prefix: bool,
    /// A prefix that names a region was taken off: `us.`.
    pub region_prefix: bool,
    /// The date or version of a snapshot was taken off.
    pub dated_snapshot: bool,
    /// `-latest` was taken off.
    pub latest: bool,
    /// What was trained further and by whom was taken off: `ft:gpt-4o-mini:acme::x` is an `ft:gpt-4o-mini`.
    pub fine_tuned: bool,
}

impl Steps {
    fn names(self) -> impl Iterator<Item = &'static str> {
        [
            (self.alias, "alias"),
            (self.provider_prefix, "provider_prefix"),
            (self.region_prefix, "region_prefix"),
            (self.fine_tuned, "fine_tuned"),
            (self.dated_snapshot, "dated_snapshot"),
            (self.latest, "latest"),
        ]
        .into_iter()
        .filter_map(|(taken, name)| taken.then_some(name))
    }
}

/// How a price was found. Its text is short and kept on the event: `exact:gpt-5.4`,
/// `provider_prefix+dated_snapshot:gpt-5.4`, `region_prefix:anthropic.claude-opus-4-6-v1@us`, and `…*` where the
/// organization's own price or discount was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The steps that were needed; none is `exact`.
    pub steps: Steps,
    /// The entry's model.
    pub model: Arc<str>,
    /// The entry's region, or the one whose factor was applied.
    pub region: Option<Arc<str>>,
    /// Whether a price or a discount of the organization's own was applied.
    pub negotiated: bool,
}

impl Resolution {
    /// Whether the name was the book's own, and the price the book's.
    pub fn is_exactly(&self, model: &str) -> bool {
        self.steps == Steps::default() && *self.model == *model && self.region.is_none() && !self.negotiated
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for step in self.steps.names() {
            if !std::mem::take(&mut first) {
                f.write_str("+")?;
            }
            f.write_str(step)?;
        }
        if first {
            f.write_str("exact")?;
        }
        write!(f, ":{}", self.model)?;
        if let Some(region) = &self.region {
            write!(f, "@{region}")?;
        }
        if self.negotiated { f.write_str("*") } else { Ok(()) }
    }
}

/// The name under which the book knows a provider. What SDKs, gateways and OpenTelemetry call one and the same is one;
/// Google's AI Studio and Vertex AI are two, as their prices differ.
pub fn provider_name(said: &str) -> Cow<'_, str> {
    let said = said.trim();
    let lower = if said.bytes().any(|byte| byte.is_ascii_uppercase()) { Some(said.to_ascii_lowercase()) } else { None };
    let known = match lower.as_deref().unwrap_or(said) {
        "openai" | "open_ai" | "text-completion-openai" => "openai",
        "anthropic" | "claude" => "anthropic",
        "google_ai"
        | "gemini"
        | "google"
        | "google_ai_studio"
        | "gcp.gemini"
        | "gcp.gen_ai"
        | "google.generative_ai"
        | "google_genai" => "google_ai",
        "vertex_ai" | "gcp.vertex_ai" | "google_vertex" | "vertex" => "vertex_ai",
        "aws_bedrock" | "aws.bedrock" | "bedrock" | "bedrock_converse" | "amazon_bedrock" => "aws_bedrock",
        "azure" | "azure.ai.openai" | "az.ai.openai" | "azure_openai" => "azure",
        "azure_ai" | "azure.ai.inference" | "az.ai.inference" => "azure_ai",
        "mistral" | "mistral_ai" => "mistral",
        "xai" | "x_ai" => "xai",
        "watsonx" | "ibm.watsonx.ai" => "watsonx",
        "cohere" | "cohere_chat" => "cohere",
        _ => return lower.map_or(Cow::Borrowed(said), Cow::Owned),
    };
    Cow::Borrowed(known)
}

/// What a kind without a price of its own is priced as. Only where every provider bills it so:
/// tokens read from a cache are input tokens when no discount is published, as are tokens written to one when no
/// surcharge is; tokens that a model thinks with are output. A cache that keeps for an hour has its own price or none,
/// and audio, images, characters, seconds, calls and searches are never something else.
pub(super) const fn priced_as(kind: UnitKind) -> Option<UnitKind> {
    match kind {
        UnitKind::CachedInput | UnitKind::CacheWrite5m => Some(UnitKind::Input),
        UnitKind::Reasoning => Some(UnitKind::Output),
        _ => None,
    }
}

/// The length of a call, which decides about steps: every token that the model was given.
pub(super) fn input_length(quantities: &Quantities) -> Decimal {
    [UnitKind::Input, UnitKind::CachedInput, UnitKind::CacheWrite5m, UnitKind::CacheWrite1h, UnitKind::AudioInput]
        .into_iter()
        .map(|kind| quantities.get(kind))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_provider_has_one_name() {
        for (said, known) in [
            ("OpenAI", "openai"),
            ("aws.bedrock", "aws_bedrock"),
            ("gcp.gemini", "google_ai"),
            ("gcp.vertex_ai", "vertex_ai"),
            ("Groq", "groq"),
            (" anthropic ", "anthropic"),
        ] {
            assert_eq!(provider_name(said), known);
        }
    }

    #[test]
    fn a_resolution_reads_as_what_was_done() {
        let mut resolution =
            Resolution { steps: Steps::default(), model: "gpt-5.4".into(), region: None, negotiated: false };
        assert_eq!(resolution.to_string(), "exact:gpt-5.4");
        resolution.steps = Steps { provider_prefix: true, dated_snapshot: true, ..Steps::default() };
        (resolution.region, resolution.negotiated) = (Some("eu".into()), true);
        assert_eq!(resolution.to_string(), "provider_prefix+dated_snapshot:gpt-5.4@eu*");
    }
}
