//! What was spent over days, in dollars, and what is not known of it. Pure.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use finops_contract::budgets::Unconverted;
use rust_decimal::Decimal;

use crate::features::costs::{Parts, Spending};
use crate::platform::exact;
use crate::platform::http::ApiResult;

/// The currency of every figure.
const DOLLARS: &str = "USD";

/// What was spent over days that are over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// In US dollars, by ledger.
    pub dollars: Parts,
    /// In other currencies.
    pub unconverted: Vec<Unconverted>,
    /// Days of which nothing is known.
    pub unknown_days: i64,
}

impl Total {
    /// Of some days that are over, `to` exclusive.
    ///
    /// # Errors
    /// `sum_too_large` where they do not add up exactly.
    pub fn over(spending: &Spending, (from, to): (NaiveDate, NaiveDate)) -> ApiResult<Self> {
        let mut adding = Adding::default();
        for day in from.iter_days().take_while(|day| *day < to) {
            adding.day(spending, day, true)?;
        }
        adding.total()
    }

    /// Whether all of it is known, in dollars.
    pub fn is_complete(&self) -> bool {
        self.dollars.known() && self.unknown_days == 0 && self.unconverted.is_empty() && self.dollars.unpriced() == 0
    }
}

/// A total that days are added to.
#[derive(Default)]
pub(super) struct Adding {
    days: Vec<Parts>,
    unconverted: BTreeMap<String, Decimal>,
    unknown_days: i64,
}

impl Adding {
    /// Adds a day, and says what was spent on it in dollars. Of a day that is not over nothing needs to be known.
    ///
    /// # Errors
    /// `sum_too_large`.
    pub(super) fn day(&mut self, spending: &Spending, day: NaiveDate, is_over: bool) -> ApiResult<Parts> {
        let mut dollars = Parts::default();
        match spending.on(day) {
            Some(spent) => {
                for (currency, parts) in spent.by_currency() {
                    match currency {
                        DOLLARS => dollars = parts.clone(),
                        other => {
                            let sum = self.unconverted.entry(other.to_owned()).or_default();
                            *sum = parts.costs().try_fold(*sum, exact::add)?;
                        }
                    }
                }
            }
            None => self.unknown_days += i64::from(is_over),
        }
        self.days.push(dollars.clone());
        Ok(dollars)
    }

    /// All of them.
    ///
    /// # Errors
    /// `sum_too_large` where they do not add up exactly.
    pub(super) fn total(self) -> ApiResult<Total> {
        exact::hold_sums(self.days.iter().flat_map(Parts::costs))?;
        // Days of silence cost nothing, and do not decide whose word the sum is.
        let (told, silent): (Vec<&Parts>, Vec<&Parts>) =
            self.days.iter().partition(|day| !day.cost().is_zero() || day.unpriced() > 0);
        let mut dollars = Parts::default();
        let days = if told.is_empty() { silent } else { told };
        days.into_iter().for_each(|day| dollars.add(day));
        let unconverted =
            self.unconverted.into_iter().map(|(currency, cost)| Unconverted { cost: cost.into(), currency });
        Ok(Total { dollars, unconverted: unconverted.collect(), unknown_days: self.unknown_days })
    }
}
