//! What is spent of an amount: a bar with the thresholds on it, the sum, and where it comes from.

use finops_contract::budgets::{Budget, BudgetState, PeriodSpend};
use finops_contract::costs::Basis;
use finops_contract::{Amount, Percent};
use leptos::prelude::*;

use super::model::{self, Meter};
use super::wording::{basis_name, state_name};
use crate::i18n::{t, words};
use crate::ui::{Badge, Glyph, Icon, Money, Tone};

/// How sure a figure is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sure {
    /// It is what it is.
    Exactly,
    /// Something unknown may come on top of it.
    AtLeast,
    /// Something unknown may take from it.
    AtMost,
}

/// An amount with how sure it is; a word where nothing is known.
pub fn figure(amount: Option<Amount>, currency: &str, sure: Sure) -> AnyView {
    let Some(amount) = amount else {
        return view! { <span class="muted">{t(words::budgets::NOTHING_KNOWN)}</span> }.into_any();
    };
    let word = match sure {
        Sure::Exactly => None,
        Sure::AtLeast => Some(words::budgets::AT_LEAST),
        Sure::AtMost => Some(words::budgets::AT_MOST),
    };
    let word = word.map(|word| view! { <span class="small muted">{t(word)}" "</span> });
    view! { <span>{word}<Money amount=amount.to_string() currency=currency.to_owned() /></span> }.into_any()
}

/// How sure what is known of a period is, and what is expected of it.
pub(super) const fn sure(period: &PeriodSpend) -> Sure {
    if period.complete { Sure::Exactly } else { Sure::AtLeast }
}

/// What was spent in a period: at least that, where something is unknown.
pub(super) fn spent(period: &PeriodSpend, currency: &str) -> AnyView {
    figure(period.spent, currency, sure(period))
}

/// The bar. Decorative: the numbers stand beside it.
pub fn bar(percent: Option<Percent>, thresholds: &[Percent], tone: Tone) -> AnyView {
    let Meter { fill, marks, amount } = model::meter(percent, thresholds);
    let at = |percent: f64| format!("{percent:.1}%");
    let marks = marks.into_iter().map(|mark| view! { <line x1=at(mark) x2=at(mark) y1="1" y2="11" /> });
    let fill = (fill > 0.0).then(|| {
        view! { <rect class="meter-fill" y="3" width=at(fill.max(1.0)) height="6" rx="3" /> }
    });
    let amount = amount.map(|amount| view! { <line x1=at(amount) x2=at(amount) y1="0" y2="12" stroke-width="3" /> });
    view! {
        <svg class="meter" width="100%" height="12" aria-hidden="true" data-tone=tone.name()>
            <rect y="3" width="100%" height="6" rx="3" />
            {fill}
            {marks.collect_view()}
            {amount}
        </svg>
    }
    .into_any()
}

/// The thresholds of a budget.
pub(super) fn percents(budget: &Budget) -> Vec<Percent> {
    budget.alerts.iter().map(|alert| alert.threshold).collect()
}

/// The bar of the period that runs. Only what needs somebody has a tone of its own.
pub(super) fn current_bar(budget: &Budget, current: &PeriodSpend, state: BudgetState) -> AnyView {
    let tone = match state_name(state).0 {
        Tone::Success => Tone::Neutral,
        tone => tone,
    };
    bar(current.percent, &percents(budget), tone)
}

/// The ledger that a figure comes from.
pub fn basis_badge(basis: Basis) -> AnyView {
    let (name, note) = basis_name(basis);
    view! { <span title=move || note.get()><Badge>{t(name)}</Badge></span> }.into_any()
}

/// How a budget stands.
pub(super) fn state_badge(state: BudgetState) -> AnyView {
    let (tone, word) = state_name(state);
    let icon = match state {
        BudgetState::Over => Icon::Failure,
        BudgetState::Breaches | BudgetState::Reached => Icon::Warning,
        BudgetState::Fine => Icon::Success,
        BudgetState::Unknown | BudgetState::Partial => Icon::Info,
    };
    view! { <Badge tone><Glyph icon size=12 />{t(word)}</Badge> }.into_any()
}
