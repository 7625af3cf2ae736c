//! Exchange rates, and amounts in another currency.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::ErrorCode;
use finops_contract::budgets::Budget;
use finops_contract::fx_rates::{FxRate, SetFxRateRequest};
use rust_decimal::{Decimal, RoundingStrategy};
use sqlx::PgConnection;

use super::{checks, domain, service};
use crate::features::audit;
use crate::platform::db::OrganizationId;
use crate::platform::exact::Inexact;
use crate::platform::http::{ApiError, ApiResult, Ctx};
use crate::platform::state::State;

/// What rates are of.
pub(super) const DOLLARS: &str = "USD";
/// A rate is below this, …
const MAX_RATE: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
/// … and has no more decimal places. Nor does what is converted.
const PLACES: u32 = 10;

/// A rate that can be stored.
///
/// # Errors
/// `validation_failed`.
fn check(request: &SetFxRateRequest, today: NaiveDate) -> ApiResult<()> {
    if let Some(fault) = domain::currency_fault(&request.currency, "/currency") {
        return Err(ApiError::fields(vec![fault]));
    }
    if request.currency == DOLLARS {
        return Err(ApiError::field("/currency", "currency", "rates are of one US dollar"));
    }
    let rate = request.rate.0;
    if rate <= Decimal::ZERO || rate >= MAX_RATE || rate.normalize().scale() > PLACES {
        let message = "must be more than 0 and below 10^9, with at most ten decimal places";
        return Err(ApiError::field("/rate", "range", message));
    }
    if request.date > today || request.date < crate::platform::clock::FIRST_DAY {
        return Err(ApiError::field("/date", "future", "must be a day of this century, and not after today"));
    }
    Ok(())
}

struct Row {
    currency: String,
    day: NaiveDate,
    rate: Decimal,
    source: String,
}

impl From<Row> for FxRate {
    fn from(row: Row) -> Self {
        Self { currency: row.currency, date: row.day, rate: row.rate.into(), source: row.source }
    }
}

/// Rates by currency, the latest first.
pub(super) async fn list(
    conn: &mut PgConnection,
    organization: OrganizationId,
    after: Option<&(String, NaiveDate)>,
    limit: i64,
) -> sqlx::Result<Vec<FxRate>> {
    let rows = sqlx::query_as!(
        Row,
        "
        SELECT currency, day, rate, source FROM fx_rates
        WHERE organization_id = $1 AND ($2::text IS NULL OR currency > $2 OR (currency = $2 AND day < $3))
        ORDER BY currency, day DESC LIMIT $4
        ",
        organization as OrganizationId,
        after.map(|(currency, _)| currency),
        after.map(|(_, day)| *day),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Stores a rate, or mends it. Budgets keep the rate that they were set with.
///
/// # Errors
/// `validation_failed`.
pub(super) async fn set(state: &State, ctx: &Ctx, request: &SetFxRateRequest) -> ApiResult<FxRate> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let today = service::calendar(&mut tx, ctx.organization).await?.today(ctx.now());
    check(request, today)?;
    let before = on(&mut tx, ctx.organization, &request.currency, request.date).await?;
    let rate = request.rate.0.normalize();
    let after = FxRate {
        currency: request.currency.clone(),
        date: request.date,
        rate: rate.into(),
        source: request.source.clone(),
    };
    if before.as_ref() != Some(&after) {
        store(&mut tx, ctx.organization, &after, ctx.now()).await?;
        let name = format!("{} {}", after.currency, after.date);
        checks::check_soon(&mut tx, ctx.organization).await?;
        let change = audit::Change::new("fx_rate.set", ctx.organization.0, name).before(before).after(&after);
        audit::record(&mut tx, ctx, change).await?;
    }
    tx.commit().await?;
    Ok(after)
}

async fn store(
    conn: &mut PgConnection,
    organization: OrganizationId,
    rate: &FxRate,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        INSERT INTO fx_rates (organization_id, currency, day, rate, source, set_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (organization_id, currency, day)
            DO UPDATE SET rate = excluded.rate, source = excluded.source, set_at = excluded.set_at
        ",
        organization as OrganizationId,
        rate.currency,
        rate.date,
        rate.rate.0,
        rate.source,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

async fn on(
    conn: &mut PgConnection,
    organization: OrganizationId,
    currency: &str,
    day: NaiveDate,
) -> sqlx::Result<Option<FxRate>> {
    let row = sqlx::query_as!(
        Row,
        "
        SELECT currency, day, rate, source FROM fx_rates
        WHERE organization_id = $1 AND currency = $2 AND day = $3 FOR UPDATE
        ",
        organization as OrganizationId,
        currency,
        day
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Into::into))
}

/// The rates that hold on a day.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates(BTreeMap<String, FxRate>);

impl Rates {
    pub(super) async fn on(
        conn: &mut PgConnection,
        organization: OrganizationId,
        day: NaiveDate,
    ) -> sqlx::Result<Self> {
        let rows = sqlx::query_as!(
            Row,
            "
            SELECT DISTINCT ON (currency) currency, day, rate, source FROM fx_rates
            WHERE organization_id = $1 AND day <= $2 ORDER BY currency, day DESC
            ",
            organization as OrganizationId,
            day
        )
        .fetch_all(conn)
        .await?;
        Ok(Self(rows.into_iter().map(|row| (row.currency.clone(), row.into())).collect()))
    }

    /// The rate that an amount in a currency is set with; none for US dollars.
    ///
    /// # Errors
    /// `fx_rate_missing`.
    pub(super) fn pin(&self, currency: &str) -> ApiResult<Option<FxRate>> {
        if currency == DOLLARS {
            return Ok(None);
        }
        self.0.get(currency).cloned().map(Some).ok_or_else(|| ErrorCode::FxRateMissing.into())
    }
}

/// The rates of some days, each from its day on until the next.
#[derive(Clone, Debug, Default)]
pub struct DailyRates(BTreeMap<String, BTreeMap<NaiveDate, Decimal>>);

impl DailyRates {
    /// Those that hold on any of some days, `to` exclusive.
    ///
    /// # Errors
    /// The database's.
    pub async fn over(
        conn: &mut PgConnection,
        organization: OrganizationId,
        (from, to): (NaiveDate, NaiveDate),
    ) -> sqlx::Result<Self> {
        let rows = sqlx::query!(
            "
            SELECT currency, day, rate FROM fx_rates r
            WHERE organization_id = $1 AND day < $3 AND NOT EXISTS (SELECT FROM fx_rates later
                WHERE later.organization_id = $1 AND later.currency = r.currency AND later.day > r.day AND later.day <= $2)
            ",
            organization as OrganizationId,
            from,
            to
        )
        .fetch_all(conn)
        .await?;
        let mut rates = Self::default();
        for row in rows {
            rates.0.entry(row.currency).or_default().insert(row.day, row.rate);
        }
        Ok(rates)
    }

    /// What an amount of a day is in US dollars, with ten decimal places. Nothing without a rate of its currency.
    ///
    /// # Errors
    /// [`Inexact`] for what cannot be held.
    pub fn dollars(&self, amount: Decimal, currency: &str, day: NaiveDate) -> Result<Option<Decimal>, Inexact> {
        if currency == DOLLARS {
            return Ok(Some(amount));
        }
        self.on(currency, day).map(|rate| Ok(rounded(in_dollars(amount, rate)?))).transpose()
    }

    /// The rate that holds on a day.
    fn on(&self, currency: &str, day: NaiveDate) -> Option<Decimal> {
        let (_, rate) = self.0.get(currency)?.range(..=day).next_back()?;
        Some(*rate)
    }
}

fn in_dollars(amount: Decimal, rate: Decimal) -> Result<Decimal, Inexact> {
    amount.checked_div(rate).ok_or(Inexact)
}

fn rounded(converted: Decimal) -> Decimal {
    converted.round_dp_with_strategy(PLACES, RoundingStrategy::MidpointAwayFromZero).normalize()
}

/// Makes amounts of costs in a budget's currency.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange<'a> {
    /// The budget's currency, and its rate unless that is US dollars.
    pub(super) to: &'a str,
    pub(super) pinned: Option<Decimal>,
    /// What other currencies are by: each cost by the rate of its own day, so that a later rate changes nothing that is over.
    pub(super) rates: &'a DailyRates,
}

impl Exchange<'_> {
    /// An amount of a day in the budget's currency: through US dollars, by the budget's own rate, with ten decimal places.
    /// Nothing without a rate of its currency.
    ///
    /// # Errors
    /// [`Inexact`] for what cannot be held.
    pub(super) fn convert(&self, amount: Decimal, currency: &str, day: NaiveDate) -> Result<Option<Decimal>, Inexact> {
        if currency == self.to {
            return Ok(Some(amount));
        }
        let dollars = match self.rates.on(currency, day) {
            _ if currency == DOLLARS => amount,
            Some(rate) => in_dollars(amount, rate)?,
            None => return Ok(None),
        };
        let converted = match self.pinned {
            None => dollars,
            Some(rate) => dollars.checked_mul(rate).ok_or(Inexact)?,
        };
        Ok(Some(rounded(converted)))
    }

    /// Whether amounts of a day in a currency can be made of.
    pub(super) fn knows(&self, currency: &str, day: NaiveDate) -> bool {
        currency == self.to || currency == DOLLARS || self.rates.on(currency, day).is_some()
    }
}

/// Dollars in a budget's currency, by the rate that it keeps.
///
/// # Errors
/// [`Inexact`] for what cannot be held.
pub fn of_dollars(budget: &Budget, dollars: Decimal) -> Result<Decimal, Inexact> {
    let (rates, pinned) = (DailyRates::default(), budget.fx.as_ref().map(|fx| fx.rate.0));
    // Of dollars every day is alike.
    Exchange { to: &budget.currency, pinned, rates: &rates }.convert(dollars, DOLLARS, NaiveDate::MIN)?.ok_or(Inexact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn rates(all: &[(&str, &str)]) -> Rates {
        let rate = |(currency, rate): &(&str, &str)| {
            let date = "2026-03-02".parse().unwrap();
            let rate = FxRate { currency: (*currency).into(), date, rate: decimal(rate).into(), source: "x".into() };
            ((*currency).to_owned(), rate)
        };
        Rates(all.iter().map(rate).collect())
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn euros(rates: &[(&str, &str)]) -> DailyRates {
        let rates = rates.iter().map(|(at, rate)| (day(at), decimal(rate)));
        DailyRates([("EUR".to_owned(), rates.collect())].into())
    }

    #[test]
    fn amounts_go_through_dollars_by_the_rate_of_their_day_and_the_budgets_own() {
        let rates = euros(&[("2026-03-02", "0.92"), ("2026-03-10", "0.5")]);
        let krw = Exchange { to: "KRW", pinned: Some(decimal("1385.5")), rates: &rates };
        let convert = |exchange: Exchange<'_>, amount, currency, at| {
            exchange.convert(decimal(amount), currency, day(at)).unwrap()
        };
        assert_eq!(convert(krw, "0.00027", "USD", "2026-03-01"), Some(decimal("0.374085")));
        assert_eq!(convert(krw, "5000", "KRW", "2026-03-01"), Some(decimal("5000")), "as it is");
        assert_eq!(convert(krw, "0.92", "EUR", "2026-03-01"), None, "unknown, and never zero");
        assert_eq!(convert(krw, "0.92", "EUR", "2026-03-09"), Some(decimal("1385.5")));
        assert_eq!(convert(krw, "0.92", "EUR", "2026-03-10"), Some(decimal("2549.32")));
        assert_eq!(convert(krw, "1", "JPY", "2026-03-10"), None);
        let usd = Exchange { to: "USD", pinned: None, rates: &rates };
        assert_eq!(convert(usd, "1", "EUR", "2026-03-09"), Some(decimal("1.0869565217")));
        let fine = "0.123456789012345678";
        assert_eq!(convert(usd, fine, "USD", "2026-03-01"), Some(decimal(fine)));
        assert!(usd.knows("EUR", day("2026-03-02")) && !usd.knows("EUR", day("2026-03-01")));
        assert_eq!(usd.convert(Decimal::MAX, "USD", NaiveDate::MIN), Ok(Some(Decimal::MAX)));
        assert_eq!(krw.convert(Decimal::MAX, "USD", NaiveDate::MIN), Err(Inexact));
    }

    #[test]
    fn a_rate_holds_from_its_day_until_the_next() {
        let rates = euros(&[("2026-03-02", "0.92"), ("2026-03-10", "0.5")]);
        let dollars = |amount, currency, at| rates.dollars(decimal(amount), currency, day(at)).unwrap();
        assert_eq!(dollars("1", "EUR", "2026-03-01"), None, "unknown, and never zero");
        assert_eq!(dollars("1", "EUR", "2026-03-02"), Some(decimal("1.0869565217")));
        assert_eq!(dollars("9.2", "EUR", "2026-03-09"), Some(decimal("10")));
        assert_eq!(dollars("9.2", "EUR", "2026-03-31"), Some(decimal("18.4")));
        assert_eq!(dollars("0.123456789012345678", "USD", "2026-03-01"), Some(decimal("0.123456789012345678")));
        assert_eq!(dollars("1", "JPY", "2026-03-10"), None);
    }

    #[test]
    fn a_currency_without_a_rate_is_refused() {
        let rates = rates(&[("KRW", "1400")]);
        assert_eq!(rates.pin("USD").unwrap(), None);
        assert_eq!(rates.pin("KRW").unwrap().map(|rate| rate.rate.to_string()).as_deref(), Some("1400.000000"));
        assert_eq!(rates.pin("EUR").unwrap_err().code, ErrorCode::FxRateMissing);
    }
}
