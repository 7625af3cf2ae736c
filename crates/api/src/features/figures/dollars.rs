//! What was spent over some days in US dollars, by the rates of those days, and what has no rate.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::features::budgets::{Calendar, DailyRates};
use crate::features::costs::{self, Spender};
use crate::platform::db::OrganizationId;
use crate::platform::exact::{self, Inexact};
use crate::platform::http::ApiResult;

/// What an organization spent.
#[derive(Debug, Default)]
pub(super) struct Dollars {
    /// All of it but `unconverted`; nothing where nothing is known.
    pub(super) total: Option<Decimal>,
    /// Providers of which nothing is known are left out.
    pub(super) by_provider: BTreeMap<String, Decimal>,
    /// What was spent on days without a rate, in its own currency.
    pub(super) unconverted: BTreeMap<String, Decimal>,
}

impl Dollars {
    /// On some days, `to` exclusive.
    ///
    /// # Errors
    /// `sum_too_large`.
    pub(super) async fn spent(
        conn: &mut PgConnection,
        organization: OrganizationId,
        calendar: Calendar,
        (from, to): (NaiveDate, NaiveDate),
    ) -> ApiResult<Self> {
        let (of, days) = (calendar.days(), (from, to));
        let rates = DailyRates::over(conn, organization, days).await?;
        let spending = costs::spending(conn, organization, &Spender::Organization, of, days).await?;
        let mut dollars = Self::default();
        for day in from.iter_days().take_while(|day| *day < to) {
            let spent = spending.on(day).unwrap_or_default();
            for (currency, parts) in spent.by_currency() {
                match rates.dollars(parts.cost(), currency, day)? {
                    Some(cost) => dollars.total = Some(exact::add(dollars.total.unwrap_or_default(), cost)?),
                    None => add(&mut dollars.unconverted, currency, parts.cost())?,
                }
            }
        }
        for cost in costs::by_provider(conn, organization, of, days).await? {
            if let Some(converted) = rates.dollars(cost.cost.0, &cost.currency, cost.day)? {
                add(&mut dollars.by_provider, &cost.provider, converted)?;
            }
        }
        Ok(dollars)
    }
}

fn add(sums: &mut BTreeMap<String, Decimal>, name: &str, cost: Decimal) -> Result<(), Inexact> {
    let sum = sums.entry(name.to_owned()).or_default();
    *sum = exact::add(*sum, cost)?;
    Ok(())
}
