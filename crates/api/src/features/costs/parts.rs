//! What a sum is made of, ledger by ledger.

use finops_contract::costs::{Basis, BasisCost, CostState};
use rust_decimal::Decimal;

use crate::platform::exact::{self, Exact};

/// The ledgers, in the order of precedence and of [`Parts`].
pub(super) const LEDGERS: [Basis; 3] = [Basis::Billed, Basis::ProviderUsage, Basis::Events];

/// What each ledger says where its word counts. A ledger that says nothing is none, not zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts([Part; LEDGERS.len()]);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Part {
    cost: Option<Decimal>,
    unpriced: i64,
}

impl Parts {
    /// As [`super::ledgers::SUMS`] selects them.
    ///
    /// # Errors
    /// [`Inexact`](exact::Inexact) when they cannot be added up exactly.
    pub(super) fn new(costs: &[Option<Exact>], unpriced: &[i64]) -> sqlx::Result<Self> {
        exact::hold_sums(costs.iter().flatten().map(|cost| cost.0))
            .map_err(|error| sqlx::Error::Decode(error.into()))?;
        let mut parts = Self::default();
        for ((part, cost), unpriced) in parts.0.iter_mut().zip(costs).zip(unpriced) {
            *part = Part { cost: cost.map(|cost| cost.0), unpriced: *unpriced };
        }
        Ok(parts)
    }

    /// One ledger's word.
    pub(super) fn of(basis: Basis, cost: Decimal, unpriced: i64) -> Self {
        let mut parts = Self::default();
        if let Some(at) = LEDGERS.iter().position(|ledger| *ledger == basis) {
            parts.0[at] = Part { cost: Some(cost), unpriced };
        }
        parts
    }

    /// Notes which ledgers there are, of costs that cannot be added: another currency's.
    pub fn note(&mut self, more: &Self) {
        for (part, more) in self.0.iter_mut().zip(&more.0) {
            part.cost = part.cost.or(more.cost);
        }
    }

    /// What each ledger says.
    pub fn costs(&self) -> impl Iterator<Item = Decimal> + '_ {
        self.0.iter().filter_map(|part| part.cost)
    }

    /// Adds what is about other projects or days. They must be known to add up exactly.
    pub fn add(&mut self, more: &Self) {
        for (part, more) in self.0.iter_mut().zip(&more.0) {
            part.cost = match (part.cost, more.cost) {
                (Some(cost), Some(more)) => Some(cost + more),
                (cost, more) => cost.or(more),
            };
            part.unpriced += more.unpriced;
        }
    }

    /// The same at other figures: in another currency.
    ///
    /// # Errors
    /// The first that `figure` fails with.
    pub fn try_map<E>(&self, figure: impl Fn(Decimal) -> Result<Decimal, E>) -> Result<Self, E> {
        let mut mapped = self.clone();
        for part in &mut mapped.0 {
            part.cost = part.cost.map(&figure).transpose()?;
        }
        Ok(mapped)
    }

    /// Whether any ledger says anything.
    pub fn known(&self) -> bool {
        self.0.iter().any(|part| part.cost.is_some())
    }

    /// Whether anything in it is not billed.
    pub(super) fn is_metered(&self) -> bool {
        self.0[1..].iter().any(|part| part.cost.is_some())
    }

    /// Whether all of it is metered, and there is some.
    pub(super) fn is_all_metered(&self) -> bool {
        self.0[0].cost.is_none() && self.is_metered()
    }

    /// What all of them say together.
    pub fn cost(&self) -> Decimal {
        self.0.iter().filter_map(|part| part.cost).sum()
    }

    /// Calls that have no price.
    pub fn unpriced(&self) -> i64 {
        self.0.iter().map(|part| part.unpriced).sum()
    }

    /// The ledger that it comes from; the bill, which has nothing to say, when none does.
    pub fn basis(&self) -> Basis {
        let mut known =
            LEDGERS.into_iter().zip(&self.0).filter(|(_, part)| part.cost.is_some()).map(|(basis, _)| basis);
        match (known.next(), known.next()) {
            (None, _) => Basis::Billed,
            (Some(basis), None) => basis,
            (Some(_), Some(_)) => Basis::Mixed,
        }
    }

    /// The parts, where there are several.
    pub fn by_basis(&self) -> Vec<BasisCost> {
        if self.basis() != Basis::Mixed {
            return Vec::new();
        }
        let part = |(basis, part): (Basis, &Part)| {
            part.cost.map(|cost| BasisCost { basis, cost: cost.into(), unpriced: part.unpriced })
        };
        LEDGERS.into_iter().zip(&self.0).filter_map(part).collect()
    }

    /// What is known of it. Nothing but calls without a price is unpriced, whatever zero they add up to.
    pub fn state(&self) -> CostState {
        if !self.is_metered() {
            return CostState::Billed;
        }
        let something = self.0[0].cost.is_some() || !self.cost().is_zero();
        match (something, self.unpriced()) {
            (true, _) => CostState::Estimated,
            (false, 0) => CostState::Free,
            (false, _) => CostState::Unpriced,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(costs: [Option<i64>; 3], unpriced: [i64; 3]) -> Parts {
        Parts::new(&costs.map(|cost| cost.map(|cost| Exact(cost.into()))), &unpriced).unwrap()
    }

    #[test]
    fn a_sum_says_where_it_comes_from_and_what_is_known_of_it() {
        for (costs, unpriced, basis, state) in [
            ([None, None, None], [0; 3], Basis::Billed, CostState::Billed),
            ([Some(3), None, None], [0; 3], Basis::Billed, CostState::Billed),
            ([None, Some(2), None], [0, 1, 0], Basis::ProviderUsage, CostState::Estimated),
            ([None, None, Some(0)], [0, 0, 4], Basis::Events, CostState::Unpriced),
            ([None, None, Some(0)], [0; 3], Basis::Events, CostState::Free),
            ([None, Some(0), Some(0)], [0, 1, 0], Basis::Mixed, CostState::Unpriced),
            ([Some(0), None, Some(0)], [0, 0, 1], Basis::Mixed, CostState::Estimated),
            ([Some(3), Some(2), None], [0; 3], Basis::Mixed, CostState::Estimated),
        ] {
            let parts = parts(costs, unpriced);
            assert_eq!((parts.basis(), parts.state()), (basis, state), "{costs:?} {unpriced:?}");
            let said: Decimal = parts.by_basis().iter().map(|part| part.cost.0).sum();
            assert!(parts.by_basis().is_empty() || said == parts.cost());
        }
    }

    #[test]
    fn nothing_added_to_something_is_something() {
        let mut sum = parts([None, Some(2), None], [0, 1, 0]);
        sum.add(&parts([Some(3), Some(4), None], [0, 2, 0]));
        assert_eq!(sum, parts([Some(3), Some(6), None], [0, 3, 0]));
    }
}
