//! Which projects made the most of their money, and which have most to gain. Pure.

use std::cmp::Ordering;

use finops_contract::reports::Measure;
use rust_decimal::Decimal;

use crate::features::value::{Tally, cost_per_success, score_per_dollar};

/// Projects that each list names at most.
const MOST: usize = 3;

/// How well a project did, by one measure. The greater the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Merit {
    pub(super) measure: Measure,
    /// Whether anything came of it.
    worthy: bool,
    /// Whether it came for nothing.
    free: bool,
    figure: Decimal,
}

impl Merit {
    /// Of what is known of a project; nothing, where nobody said what came of it.
    pub(super) fn of(cost: Decimal, tally: &Tally) -> Option<Self> {
        if tally.successes + tally.failures > 0 {
            let each = cost_per_success(cost, tally.successes);
            // Of those without a success the dearest is the worst.
            let figure = -each.unwrap_or(cost);
            return Some(Self { measure: Measure::CostPerSuccess, worthy: each.is_some(), free: false, figure });
        }
        if tally.scores == 0 {
            return None;
        }
        let by_dollar = score_per_dollar(tally.score, cost);
        let worthy = tally.score > Decimal::ZERO;
        let figure = by_dollar.unwrap_or(tally.score);
        Some(Self { measure: Measure::FeedbackPerDollar, worthy, free: worthy && by_dollar.is_none(), figure })
    }

    fn compare(&self, other: &Self) -> Ordering {
        (self.worthy, self.free, self.figure).cmp(&(other.worthy, other.free, other.figure))
    }
}

/// A project that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate<T> {
    pub(super) merit: Merit,
    pub(super) cost: Decimal,
    pub(super) project: T,
}

/// The best, the best first, and those with most to gain, the worst first: three at most, and none in both. Those of different
/// measures are placed by how far up they are among those of their own. Of equals the dearer one is the better, since more
/// came of it.
pub(super) fn place<T: Ord + Copy>(candidates: Vec<Candidate<T>>) -> (Vec<T>, Vec<T>) {
    let mut placed: Vec<(usize, usize, Candidate<T>)> = Vec::new();
    let (outcomes, feedback): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|one| one.merit.measure == Measure::CostPerSuccess);
    for mut group in [outcomes, feedback] {
        group.sort_by(|a, b| {
            b.merit.compare(&a.merit).then_with(|| b.cost.cmp(&a.cost)).then_with(|| a.project.cmp(&b.project))
        });
        let all = group.len();
        placed.extend(group.into_iter().enumerate().map(|(at, one)| (2 * at + 1, all, one)));
    }
    // Stable: of those equally far up among their own, those with outcomes go first.
    placed.sort_by(|(a, of, _), (b, all, _)| (a * all).cmp(&(b * of)));
    let count = placed.len();
    let best: Vec<T> = placed
        .iter()
        .take(MOST.min(count.div_ceil(2)))
        .filter(|(_, _, one)| one.merit.worthy)
        .map(|(_, _, one)| one.project)
        .collect();
    let others = placed.iter().rev().map(|(_, _, one)| one.project).filter(|project| !best.contains(project));
    let worst = others.take(MOST).collect();
    (best, worst)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(project: u8, cost: i64, successes: i64, failures: i64) -> Candidate<u8> {
        candidate(project, cost, &Tally { successes, failures, ..Tally::default() })
    }

    fn feedback(project: u8, cost: i64, score: i64) -> Candidate<u8> {
        candidate(project, cost, &Tally { scores: 2, score: score.into(), ..Tally::default() })
    }

    fn candidate(project: u8, cost: i64, tally: &Tally) -> Candidate<u8> {
        let cost = cost.into();
        Candidate { merit: Merit::of(cost, tally).unwrap(), cost, project }
    }

    #[test]
    fn nobody_is_in_both_lists() {
        let all: Vec<_> = (1..=9).map(|n| outcomes(n, i64::from(n), 1, 0)).collect();
        let found = |count: usize| place(all[..count].to_vec());
        assert_eq!(found(0), (vec![], vec![]));
        assert_eq!(found(1), (vec![1], vec![]));
        assert_eq!(found(2), (vec![1], vec![2]));
        assert_eq!(found(3), (vec![1, 2], vec![3]));
        assert_eq!(found(5), (vec![1, 2, 3], vec![5, 4]));
        assert_eq!(found(6), (vec![1, 2, 3], vec![6, 5, 4]));
        assert_eq!(found(9), (vec![1, 2, 3], vec![9, 8, 7]));
    }

    #[test]
    fn without_a_success_nobody_is_among_the_best() {
        assert_eq!(place(vec![outcomes(1, 5, 0, 3)]), (vec![], vec![1]));
        let all = vec![outcomes(1, 5, 0, 3), outcomes(2, 100, 1, 0), outcomes(3, 9, 0, 1), outcomes(4, 0, 3, 0)];
        assert_eq!(place(all), (vec![4, 2], vec![3, 1]), "the dearer failure is the worse");
        assert_eq!(place(vec![feedback(1, 5, -3), feedback(2, 5, 0)]), (vec![], vec![1, 2]));
    }

    #[test]
    fn different_measures_are_placed_by_how_far_up_their_own_they_are() {
        // Outcomes: 1, 2, 3, 4 at 1/8, 3/8, 5/8, 7/8; feedback: 5, 6 at 1/4, 3/4.
        let mut all: Vec<_> = (1..=4).map(|n| outcomes(n, i64::from(n), 1, 0)).collect();
        all.extend([feedback(6, 10, 10), feedback(5, 10, 50)]);
        assert_eq!(place(all), (vec![1, 5, 2], vec![4, 6, 3]));
        // Alone of its measure it is in the middle.
        let all = vec![outcomes(1, 1, 1, 0), outcomes(2, 2, 1, 0), feedback(3, 1, 9)];
        assert_eq!(place(all), (vec![1, 3], vec![2]));
    }

    #[test]
    fn what_came_for_nothing_is_the_best_and_equals_go_by_what_came_of_them() {
        assert_eq!(place(vec![feedback(1, 1, 900), feedback(2, 0, 1)]), (vec![2], vec![1]));
        assert_eq!(place(vec![outcomes(1, 2, 2, 0), outcomes(2, 4, 4, 0)]), (vec![2], vec![1]));
        let nothing = Tally { others: 4, ..Tally::default() };
        assert_eq!(Merit::of(Decimal::ONE, &nothing), None, "neither success nor failure");
    }
}
