//! What to do about a project: rules, each of which says only what its figures say. Pure.

use finops_contract::reports::{Measure, Suggestion, SuggestionKind};
use finops_contract::{Amount, Percent};
use rust_decimal::{Decimal, RoundingStrategy};
use uuid::Uuid;

use crate::features::value::{CallSums, Tally, Worth, percent_of};

/// From this share of failures on, in percent, they are what to look at.
const MANY_FAILURES: Decimal = Decimal::from_parts(20, 0, 0, false, 0);
/// Fewer failures than this are chance.
const FEWEST_FAILURES: i64 = 5;
/// Outcomes of a model from which on its success rate is more than chance.
const ENOUGH_OUTCOMES: i64 = 20;
/// Savings below this share of the cost, in percent, are not worth the work.
const WORTH_MOVING: Decimal = Decimal::from_parts(5, 0, 0, false, 0);
/// The same of each tenth of the input that is read from a cache.
const WORTH_CACHING: Decimal = Decimal::ONE;
/// Below this share of the input, in percent, little is read from a cache.
const LITTLE_CACHED: Decimal = Decimal::from_parts(20, 0, 0, false, 0);
/// Days of the month that a week is projected to, and of a week.
const MONTH: (Decimal, Decimal) = (Decimal::from_parts(30, 0, 0, false, 0), Decimal::from_parts(7, 0, 0, false, 0));
/// Decimal places of amounts that are divided, and of shares.
const AMOUNT_PLACES: u32 = 6;
const SHARE_PLACES: u32 = 2;

/// What a project reads from caches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Caching {
    /// Tokens of its input, in all.
    pub(super) input: i64,
    /// Of those, what was read from a cache.
    pub(super) cached: i64,
    /// What each tenth of the input that is read from a cache saves, in US dollars, where prices are known.
    pub(super) saves: Decimal,
}

/// What is known of a project.
pub(super) struct Case<'a> {
    pub(super) project: Uuid,
    pub(super) measure: Measure,
    pub(super) cost: Decimal,
    pub(super) worth: &'a Worth,
    pub(super) caching: Caching,
    /// Whether any budget watches over it.
    pub(super) has_budget: bool,
}

/// The first that there is reason for: what fails, what costs too much, what is not known, what nobody watches.
pub(super) fn suggest(case: &Case<'_>) -> Suggestion {
    let found = fix_failures(case).or_else(|| cheaper_model(case)).or_else(|| use_cache(case));
    found.unwrap_or_else(|| {
        let kind = match (case.measure, case.has_budget) {
            (Measure::FeedbackPerDollar, _) => SuggestionKind::RecordOutcomes,
            (Measure::CostPerSuccess, false) => SuggestionKind::SetBudget,
            (Measure::CostPerSuccess, true) => SuggestionKind::Keep,
        };
        let monthly = case.cost.checked_mul(MONTH.0).and_then(|cost| divided(cost, MONTH.1));
        Suggestion { amount: monthly.filter(|_| kind == SuggestionKind::SetBudget).map(Amount), ..plain(case, kind) }
    })
}

fn plain(case: &Case<'_>, kind: SuggestionKind) -> Suggestion {
    let path = match kind {
        SuggestionKind::SetBudget => format!("/budgets?projectId={}&new=budget", case.project),
        _ => format!("/projects/{}?tab=value", case.project),
    };
    Suggestion { kind, amount: None, share: None, model: None, other_model: None, path }
}

fn fix_failures(case: &Case<'_>) -> Option<Suggestion> {
    let (failures, outcomes) = (case.worth.tally.failures, case.worth.tally.outcomes());
    let share = percent_of(failures.into(), outcomes.into(), SHARE_PLACES)?;
    if failures < FEWEST_FAILURES || share < MANY_FAILURES {
        return None;
    }
    let amount = divided(case.cost.checked_mul(failures.into())?, outcomes.into());
    let (amount, share) = (amount.map(Amount), Some(Percent(share)));
    Some(Suggestion { amount, share, ..plain(case, SuggestionKind::FixFailures) })
}

/// A model that all of is known of, and that is compared by what a call costs: outcomes may be recorded of some calls only.
struct Compared<'a> {
    name: &'a str,
    sums: &'a CallSums,
    rate: Decimal,
}

impl<'a> Compared<'a> {
    fn of(name: &'a str, sums: &'a CallSums, tally: &Tally) -> Option<Self> {
        let enough = tally.successes > 0 && tally.successes + tally.failures >= ENOUGH_OUTCOMES;
        let priced = sums.unpriced == 0 && sums.calls > 0;
        let rate = tally.success_rate().filter(|_| enough && priced)?;
        Some(Self { name, sums, rate })
    }

    /// What its calls would have cost less with another model.
    fn saving(&self, other: &Self) -> Option<Decimal> {
        let instead = divided(other.sums.cost.checked_mul(self.sums.calls.into())?, other.sums.calls.into())?;
        self.sums.cost.checked_sub(instead).filter(|saving| *saving > Decimal::ZERO)
    }
}

fn cheaper_model(case: &Case<'_>) -> Option<Suggestion> {
    let models = &case.worth.models;
    let all: Decimal = models.values().try_fold(Decimal::ZERO, |sum, (calls, _)| sum.checked_add(calls.cost))?;
    let known: Vec<Compared<'_>> =
        models.iter().filter_map(|((_, name), (sums, tally))| Compared::of(name, sums, tally)).collect();
    let pairs = known.iter().flat_map(|one| known.iter().map(move |other| (one, other)));
    let better = pairs.filter(|(one, other)| one.name != other.name && other.rate >= one.rate);
    let (saving, one, other) = better
        .filter_map(|(one, other)| Some((one.saving(other)?, one, other)))
        .max_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.name.cmp(a.1.name)).then_with(|| b.2.name.cmp(a.2.name)))?;
    if percent_of(saving, all, SHARE_PLACES)? < WORTH_MOVING {
        return None;
    }
    Some(Suggestion {
        amount: Some(Amount(saving)),
        share: percent_of(one.sums.cost, all, SHARE_PLACES).map(Percent),
        model: Some(one.name.to_owned()),
        other_model: Some(other.name.to_owned()),
        ..plain(case, SuggestionKind::CheaperModel)
    })
}

fn use_cache(case: &Case<'_>) -> Option<Suggestion> {
    let Caching { input, cached, saves } = case.caching;
    let share = percent_of(cached.into(), input.into(), SHARE_PLACES)?;
    let worth_it = percent_of(saves, case.cost, SHARE_PLACES).is_some_and(|part| part >= WORTH_CACHING);
    let found = Suggestion {
        amount: Some(Amount(saves.round_dp_with_strategy(AMOUNT_PLACES, RoundingStrategy::MidpointAwayFromZero))),
        share: Some(Percent(share)),
        ..plain(case, SuggestionKind::UseCache)
    };
    (share < LITTLE_CACHED && worth_it).then_some(found)
}

fn divided(of: Decimal, by: Decimal) -> Option<Decimal> {
    let quotient = of.checked_div(by)?;
    Some(quotient.round_dp_with_strategy(AMOUNT_PLACES, RoundingStrategy::MidpointAwayFromZero))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(successes: i64, failures: i64) -> Tally {
        Tally { successes, failures, ..Tally::default() }
    }

    fn model(worth: &mut Worth, name: &str, (calls, cost): (i64, i64), tally: Tally) {
        let sums = CallSums { calls, failed: 0, unpriced: 0, cost: cost.into() };
        worth.models.insert(("openai".into(), name.into()), (sums, tally));
    }

    fn case(worth: &Worth) -> Case<'_> {
        Case {
            project: Uuid::from_u128(1),
            measure: Measure::CostPerSuccess,
            cost: Decimal::from(70),
            worth,
            caching: Caching::default(),
            has_budget: true,
        }
    }

    fn said(case: &Case<'_>) -> (SuggestionKind, Option<String>, Option<String>) {
        let found = suggest(case);
        (found.kind, found.amount.map(|amount| amount.0.normalize().to_string()), found.share.map(|s| s.to_string()))
    }

    #[test]
    fn what_fails_goes_first_and_chance_is_none() {
        let worth = |successes, failures| Worth { tally: tally(successes, failures), ..Worth::default() };
        let text = |text: &str| Some(text.to_owned());
        // A quarter of 70 dollars.
        assert_eq!(said(&case(&worth(15, 5))), (SuggestionKind::FixFailures, text("17.5"), text("25")));
        assert_eq!(said(&case(&worth(12, 4))).0, SuggestionKind::Keep, "four");
        assert_eq!(said(&case(&worth(40, 9))).0, SuggestionKind::Keep, "18 percent");
    }

    #[test]
    fn a_model_is_named_that_succeeds_as_often_for_less() {
        let mut worth = Worth { tally: tally(70, 10), ..Worth::default() };
        model(&mut worth, "large", (100, 50), tally(36, 4));
        model(&mut worth, "small", (100, 10), tally(36, 4));
        let found = suggest(&case(&worth));
        // 100 calls at ten cents instead of fifty; five sixths of the cost.
        assert_eq!((found.model.as_deref(), found.other_model.as_deref()), (Some("large"), Some("small")));
        assert_eq!((found.amount, found.share), (Some(Amount(40.into())), Some(Percent("83.33".parse().unwrap()))));
        model(&mut worth, "small", (100, 10), tally(35, 5));
        assert_eq!(said(&case(&worth)).0, SuggestionKind::Keep, "it succeeds less often");
        model(&mut worth, "small", (100, 10), tally(19, 0));
        assert_eq!(said(&case(&worth)).0, SuggestionKind::Keep, "nobody can know");
        model(&mut worth, "small", (100, 48), tally(36, 4));
        assert_eq!(said(&case(&worth)).0, SuggestionKind::Keep, "it is not worth it");
        model(&mut worth, "small", (100, 10), tally(36, 4));
        worth.models.get_mut(&("openai".into(), "small".into())).unwrap().0.unpriced = 1;
        assert_eq!(said(&case(&worth)).0, SuggestionKind::Keep, "nobody knows what it costs");
    }

    #[test]
    fn caches_budgets_and_outcomes_are_missed_where_they_are_missing() {
        let worth = Worth { tally: tally(10, 0), ..Worth::default() };
        let caching = |cached, saves: &str| Caching { input: 1_000, cached, saves: saves.parse().unwrap() };
        let with = |caching| said(&Case { caching, ..case(&worth) });
        assert_eq!(with(caching(100, "0.7")), (SuggestionKind::UseCache, Some("0.7".into()), Some("10".into())));
        assert_eq!(with(caching(200, "0.7")).0, SuggestionKind::Keep, "a fifth is cached");
        assert_eq!(with(caching(0, "0.69")).0, SuggestionKind::Keep, "less than a percent");
        let without = Case { has_budget: false, ..case(&worth) };
        assert_eq!(said(&without), (SuggestionKind::SetBudget, Some("300".into()), None), "30 days at 10 a day");
        assert_eq!(suggest(&without).path, format!("/budgets?projectId={}&new=budget", Uuid::from_u128(1)));
        let unrecorded = Case { measure: Measure::FeedbackPerDollar, ..case(&worth) };
        assert_eq!(said(&unrecorded), (SuggestionKind::RecordOutcomes, None, None));
    }
}
