//! What came of calls, as pages show it: what nobody recorded is said, and is no zero.

use finops_contract::{Amount, Percent};
use leptos::prelude::*;
use rust_decimal::RoundingStrategy;

use super::budgets::{Sure, figure};
use crate::format::number::grouped;
use crate::i18n::{t, words};
use crate::reactive::live;

/// Where a figure would be that nobody recorded.
pub fn not_recorded() -> AnyView {
    view! { <span class="muted">{t(words::value::NOT_RECORDED)}</span> }.into_any()
}

/// How many, or that nobody recorded it.
pub fn count(count: Option<i64>) -> AnyView {
    count.map_or_else(not_recorded, |count| number(count).into_any())
}

/// A whole number.
pub fn number(count: i64) -> String {
    grouped(&count.to_string())
}

/// A rate with one digit, never more than it is: 99.96 % is not all.
pub fn rate_text(rate: Percent) -> String {
    let cut = rate.0.round_dp_with_strategy(1, RoundingStrategy::ToZero).normalize();
    format!("{}%", grouped(&cut.to_string()))
}

/// A mean of scores, with two digits.
pub fn mean_text(mean: Amount) -> String {
    grouped(&mean.0.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero).normalize().to_string())
}

/// The rate of success with what it is made of.
pub fn success(rate: Option<Percent>, successes: Option<i64>, failures: Option<i64>) -> AnyView {
    let Some(rate) = rate else { return not_recorded() };
    let (successes, failures) = (number(successes.unwrap_or_default()), number(failures.unwrap_or_default()));
    view! {
        <div>
            {rate_text(rate)}
            <div class="small muted">{live(move || words::value::success_and_failure(&failures, &successes))}</div>
        </div>
    }
    .into_any()
}

/// What a success cost: at least that, where the cost is not all known. Where none is recorded, that is said.
pub fn per_success(cost: Option<Amount>, sure: Sure) -> AnyView {
    if cost.is_none() { not_recorded() } else { figure(cost, "USD", sure) }
}

/// The mean of the scores with how many there are.
pub fn feedback(mean: Option<Amount>, scores: i64) -> AnyView {
    let Some(mean) = mean else { return not_recorded() };
    view! {
        <div>
            {mean_text(mean)}
            <div class="small muted">{live(move || words::value::scores(u64::try_from(scores).unwrap_or_default()))}</div>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_never_claims_more_than_there_is() {
        let text = |rate: &str| rate_text(Percent(rate.parse().unwrap()));
        assert_eq!([text("99.96"), text("90.00"), text("0.04"), text("100")], ["99.9%", "90%", "0%", "100%"]);
    }

    #[test]
    fn a_mean_has_two_digits() {
        let text = |mean: &str| mean_text(mean.parse().unwrap());
        assert_eq!([text("4.205000"), text("-0.333333"), text("5.000000")], ["4.21", "−0.33", "5"]);
    }
}
