//! Outcomes beside costs. Pure.

use finops_contract::costs::{Basis, CostState};
use finops_contract::value::Value;
use finops_contract::{Amount, Percent};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::features::costs::Parts;

/// Decimal places of a cost per success.
const COST_PLACES: u32 = 12;
/// Decimal places of a mean score.
const SCORE_PLACES: u32 = 6;
/// Decimal places of a success rate.
const RATE_PLACES: u32 = 2;

/// Outcomes and feedback scores, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Outcomes that say that it worked.
    pub successes: i64,
    /// Outcomes that say that it did not.
    pub failures: i64,
    /// Outcomes that say neither.
    pub others: i64,
    /// How many feedback scores there are.
    pub scores: i64,
    /// Their sum.
    pub score: Decimal,
}

impl Tally {
    /// How many outcomes were recorded.
    pub const fn outcomes(&self) -> i64 {
        self.successes + self.failures + self.others
    }

    /// Whether nothing was.
    pub const fn is_empty(&self) -> bool {
        self.outcomes() == 0 && self.scores == 0
    }

    /// Successes of successes and failures, in percent.
    pub fn success_rate(&self) -> Option<Decimal> {
        percent_of(self.successes.into(), (self.successes + self.failures).into(), RATE_PLACES)
    }

    /// The mean of the scores.
    pub fn mean_score(&self) -> Option<Decimal> {
        ratio(self.score, self.scores.into(), SCORE_PLACES)
    }
}

/// Calls that were reported, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallSums {
    /// How many.
    pub calls: i64,
    /// Of those, how many failed technically.
    pub failed: i64,
    /// How many have no price.
    pub unpriced: i64,
    /// What the others cost.
    pub cost: Decimal,
}

impl CallSums {
    fn state(&self) -> CostState {
        match (self.cost.is_zero(), self.unpriced) {
            (false, _) => CostState::Estimated,
            (true, 0) => CostState::Free,
            (true, _) => CostState::Unpriced,
        }
    }
}

/// What a success cost, in US dollars; nothing where there was none.
pub fn cost_per_success(cost: Decimal, successes: i64) -> Option<Decimal> {
    ratio(cost, successes.into(), COST_PLACES)
}

/// Feedback scores by the dollar, of their sum; nothing where it cost nothing.
pub fn score_per_dollar(score: Decimal, cost: Decimal) -> Option<Decimal> {
    ratio(score, cost, SCORE_PLACES)
}

/// A part in percent of a whole that is above zero.
pub fn percent_of(part: Decimal, whole: Decimal, places: u32) -> Option<Decimal> {
    ratio(part.checked_mul(Decimal::ONE_HUNDRED)?, whole, places)
}

/// A quotient, rounded to so many decimal places, a half away from zero; nothing where there is nothing to divide by.
fn ratio(of: Decimal, by: Decimal, places: u32) -> Option<Decimal> {
    let quotient = if by > Decimal::ZERO { of.checked_div(by)? } else { return None };
    Some(quotient.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero))
}

/// What is known of a cost.
#[derive(Clone, Debug, Default)]
pub(super) struct Cost {
    known: Option<Decimal>,
    basis: Basis,
    state: CostState,
    unpriced: i64,
}

impl Cost {
    /// By the ledgers' word, in dollars.
    pub(super) fn of_ledgers(parts: &Parts) -> Self {
        let known = parts.known().then(|| parts.cost());
        Self { known, basis: parts.basis(), state: parts.state(), unpriced: parts.unpriced() }
    }

    /// By the calls that were reported.
    pub(super) fn of_calls(calls: Option<CallSums>) -> Self {
        let Some(calls) = calls else { return Self { basis: Basis::Events, ..Self::default() } };
        Self { known: Some(calls.cost), basis: Basis::Events, state: calls.state(), unpriced: calls.unpriced }
    }
}

/// All of it, as it is told.
pub(super) fn value(cost: Cost, calls: Option<CallSums>, tally: Tally) -> Value {
    let recorded = |count: i64| (tally.outcomes() > 0).then_some(count);
    let per_success = cost.known.and_then(|known| cost_per_success(known, tally.successes));
    Value {
        cost: cost.known.map(Amount),
        basis: cost.basis,
        state: cost.state,
        unpriced: cost.unpriced,
        calls: calls.map(|calls| calls.calls),
        failed_calls: calls.map(|calls| calls.failed),
        outcomes: tally.outcomes(),
        successes: recorded(tally.successes),
        failures: recorded(tally.failures),
        success_rate: tally.success_rate().map(Percent),
        cost_per_success: per_success.map(Amount),
        feedback_scores: tally.scores,
        feedback_mean: tally.mean_score().map(Amount),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn what_was_not_recorded_is_not_zero() {
        let calls = CallSums { calls: 10, failed: 1, unpriced: 0, cost: decimal("2.5") };
        let told = value(Cost::of_calls(Some(calls)), Some(calls), Tally::default());
        assert_eq!((told.outcomes, told.successes, told.failures, told.success_rate), (0, None, None, None));
        assert_eq!((told.cost_per_success, told.feedback_mean, told.calls), (None, None, Some(10)));
        let nothing = value(Cost::of_calls(None), None, Tally { successes: 3, ..Tally::default() });
        assert_eq!((nothing.cost, nothing.cost_per_success, nothing.calls), (None, None, None));
        assert_eq!((nothing.successes, nothing.failures), (Some(3), Some(0)));
    }

    #[test]
    fn ratios_are_rounded_once_and_as_they_say() {
        let tally = Tally { successes: 2, failures: 1, others: 4, scores: 3, score: decimal("10") };
        assert_eq!((tally.outcomes(), tally.success_rate()), (7, Some(decimal("66.67"))));
        assert_eq!(tally.mean_score(), Some(decimal("3.333333")));
        assert_eq!(cost_per_success(decimal("10"), 3), Some(decimal("3.333333333333")));
        assert_eq!(cost_per_success(decimal("0.000000000001"), 2), Some(decimal("0.000000000001")), "a half goes up");
        assert_eq!(cost_per_success(decimal("-0.000000000001"), 2), Some(decimal("-0.000000000001")));
        assert_eq!(cost_per_success(decimal("1"), 0), None);
        let neither = Tally { others: 2, ..Tally::default() };
        assert_eq!((neither.outcomes(), neither.success_rate()), (2, None));
        let bad = Tally { scores: 2, score: decimal("-1"), ..Tally::default() };
        assert_eq!(bad.mean_score(), Some(decimal("-0.5")));
    }

    #[test]
    fn calls_without_a_price_are_no_free_ones() {
        let state = |cost: &str, unpriced| CallSums { calls: 2, failed: 0, unpriced, cost: decimal(cost) }.state();
        assert_eq!(
            [state("0", 0), state("0", 1), state("1", 1)],
            [CostState::Free, CostState::Unpriced, CostState::Estimated]
        );
    }
}
