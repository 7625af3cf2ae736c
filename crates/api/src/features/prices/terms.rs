//! What somebody says that was negotiated, made into what can be stored.

use chrono::{DateTime, Utc};
use finops_contract::prices::CreatePriceOverrideRequest;
use finops_contract::{ErrorCode, FieldError, Quantities};
use rust_decimal::Decimal;

use super::book::Book;
use super::domain::{Lookup, provider_name};
use super::overrides::Terms;
use crate::platform::clock::{END_OF_DAYS, FIRST_DAY, midnight};
use crate::platform::http::{ApiError, ApiResult};

/// The dearest unit, in USD.
const MAX_PRICE: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// Something negotiated that can be stored.
#[derive(Debug)]
pub(super) struct Agreed {
    pub(super) provider: String,
    pub(super) model: Option<String>,
    pub(super) terms: Terms,
    pub(super) from: DateTime<Utc>,
    pub(super) to: Option<DateTime<Utc>>,
    /// Whether it also holds for a time that is past.
    pub(super) is_past: bool,
}

fn wrong<T>(pointer: &str, code: &str, message: &str) -> ApiResult<T> {
    Err(ApiError::field(pointer, code, message))
}

/// Reads a request. Models are stored under the names of the book.
///
/// # Errors
/// `validation_failed` with the field at fault.
pub(super) fn read(request: &CreatePriceOverrideRequest, book: &Book, now: DateTime<Utc>) -> ApiResult<Agreed> {
    let provider = provider_name(&request.provider).into_owned();
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
    if provider.is_empty() || !provider.bytes().all(fits) {
        return wrong("/provider", "format", "must be letters, digits, dots, hyphens and underscores");
    }
    let terms = terms(request, &provider, book, now)?;
    let known = |name: &str| entry_model(book, &provider, name, now);
    let model = request.model.as_deref().map(|name| known(name).unwrap_or_else(|| name.to_owned()));
    if matches!(terms, Terms::SameAs(_)) && request.model.as_deref().is_some_and(|name| known(name).is_some()) {
        return wrong("/model", "known", "the book has a model of that name");
    }
    let (from, to) = period(request, now)?;
    Ok(Agreed { provider, model, terms, from, to, is_past: from < now })
}

fn terms(request: &CreatePriceOverrideRequest, provider: &str, book: &Book, now: DateTime<Utc>) -> ApiResult<Terms> {
    let is_price = request.unit_price.is_some();
    for (pointer, given) in [("/kind", request.kind.is_some()), ("/tier", request.tier.is_some())] {
        if given && !is_price {
            return wrong(pointer, "unexpected", "goes with `unitPrice`");
        }
    }
    match (request.unit_price, request.discount_percent, request.same_as.as_deref()) {
        (Some(price), None, None) => {
            let price = price.0.normalize();
            if price.is_sign_negative() || price >= MAX_PRICE || price.scale() > 18 {
                return wrong("/unitPrice", "range", "must be 0 to 1,000,000, with at most 18 decimal places");
            }
            let (Some(kind), Some(_)) = (request.kind, &request.model) else {
                let missing = if request.kind.is_none() { "/kind" } else { "/model" };
                return wrong(missing, "required", "a price is of one kind of unit of one model");
            };
            Ok(Terms::Price { kind, tier: request.tier.unwrap_or_default(), price })
        }
        (None, Some(percent), None) => {
            let percent = percent.0.normalize();
            if percent <= Decimal::ZERO || percent > Decimal::ONE_HUNDRED || percent.scale() > 4 {
                return wrong("/discountPercent", "range", "must be more than 0 and at most 100, with four places");
            }
            Ok(Terms::Discount(percent))
        }
        (None, None, Some(name)) => {
            if request.model.is_none() {
                return wrong("/model", "required", "say which name stands for it");
            }
            let known = entry_model(book, provider, name, now);
            known.map(Terms::SameAs).ok_or_else(|| ApiError::field("/sameAs", "unknown", "the book has no such model"))
        }
        given => {
            let code = if given == (None, None, None) { "required" } else { "unexpected" };
            wrong("/unitPrice", code, "give one of `unitPrice`, `discountPercent` and `sameAs`")
        }
    }
}

/// The book's own name of a model.
fn entry_model(book: &Book, provider: &str, model: &str, now: DateTime<Utc>) -> Option<String> {
    let public = Book { catalog: book.catalog.clone(), ..Book::default() };
    let quantities = Quantities::default();
    let lookup = Lookup { provider, model, tier: None, region: None, at: now, quantities: &quantities };
    public.find(provider, &lookup).ok().map(|found| found.resolution.model.to_string())
}

fn period(
    request: &CreatePriceOverrideRequest,
    now: DateTime<Utc>,
) -> ApiResult<(DateTime<Utc>, Option<DateTime<Utc>>)> {
    let field = |pointer: &str, code: &str, message: &str| FieldError {
        pointer: pointer.into(),
        code: code.into(),
        message: message.into(),
    };
    let mut fields = Vec::new();
    let (from, to) = (request.effective_from.unwrap_or(now), request.effective_to);
    let sane = midnight(FIRST_DAY)..midnight(END_OF_DAYS);
    if !sane.contains(&from) {
        fields.push(field("/effectiveFrom", "range", "must be a time of this century"));
    } else if from < now && !request.reprice.unwrap_or_default() {
        fields.push(field("/effectiveFrom", "past", "a time that is past needs `reprice`"));
    }
    if to.is_some_and(|to| to <= from || !sane.contains(&to)) {
        fields.push(field("/effectiveTo", "range", "must be after `effectiveFrom`"));
    }
    if fields.is_empty() {
        return Ok((from, to));
    }
    Err(ApiError { fields, ..ApiError::new(ErrorCode::ValidationFailed) })
}
