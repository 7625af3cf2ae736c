//! Exchange rates, as an organization says them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::money::Amount;

/// What a US dollar is in another currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FxRate {
    /// The other currency.
    #[cfg_attr(feature = "server", schema(example = "KRW"))]
    pub currency: String,
    /// The day of the rate. It holds until the next one.
    pub date: NaiveDate,
    /// Units of the currency for one US dollar.
    #[cfg_attr(feature = "server", schema(example = "1385.500000"))]
    pub rate: Amount,
    /// Who says so.
    #[cfg_attr(feature = "server", schema(example = "Seoul Money Brokerage"))]
    pub source: String,
}

/// `PUT /api/fx-rates`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[cfg_attr(feature = "server", schema(example = json!({
    "currency": "KRW", "date": "2026-03-02", "rate": "1385.5", "source": "Seoul Money Brokerage"
})))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetFxRateRequest {
    /// An ISO 4217 code, upper case; not `USD`.
    #[cfg_attr(feature = "server", schema(pattern = "^[A-Z]{3}$"))]
    pub currency: String,
    /// The day of the rate, not after today.
    pub date: NaiveDate,
    /// Units of the currency for one US dollar: more than 0, below 10⁹, with at most ten decimal places.
    pub rate: Amount,
    /// Who says so, 1 to 200 characters.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 200), custom(function = "crate::teams::not_blank")))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 200))]
    pub source: String,
}
