//! What an organization's settings may be.

use chrono_tz::Tz;
use finops_contract::organizations::{Organization, UpdateOrganizationRequest};

use crate::platform::http::{ApiError, ApiResult};

/// The currencies with a name that people see costs in. Costs themselves keep the provider's currency.
const CURRENCIES: [&str; 8] = ["USD", "KRW", "EUR", "JPY", "GBP", "CNY", "SGD", "AUD"];

/// Whether days or fiscal years begin otherwise.
pub(super) fn is_another_calendar(before: &Organization, after: &Organization) -> bool {
    let calendar = |one: &Organization| (one.time_zone.clone(), one.fiscal_year_start_month);
    calendar(before) != calendar(after)
}

/// Checks what cannot be said by length and range.
///
/// # Errors
/// `validation_failed` at `/timeZone` or `/currency`.
pub(super) fn check(request: &UpdateOrganizationRequest) -> ApiResult<()> {
    if request.time_zone.as_deref().is_some_and(|zone| zone.parse::<Tz>().is_err()) {
        return Err(ApiError::field("/timeZone", "time_zone", "must be an IANA time zone, such as Asia/Seoul"));
    }
    if request.currency.as_deref().is_some_and(|currency| !CURRENCIES.contains(&currency)) {
        return Err(ApiError::field("/currency", "currency", format!("must be one of {}", CURRENCIES.join(", "))));
    }
    Ok(())
}
