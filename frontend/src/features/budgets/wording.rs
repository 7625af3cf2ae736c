//! What scopes, periods and states are called, and what is wrong with a field.

use chrono::NaiveDate;
use finops_contract::budgets::{
    AlertAction, AlertBasis, BudgetKind, BudgetPeriod, BudgetState, Enforcement, NamedScope, ScopeType,
};
use finops_contract::costs::Basis;
use finops_contract::projects::Environment;
use leptos::prelude::*;

use super::model;
use crate::api::ApiError;
use crate::data::Task;
use crate::features::projects::model::environment_name;
use crate::format::time::{self, Show};
use crate::i18n::{Word, words};
use crate::ui::Tone;

/// What a kind of scope is called.
pub(super) const fn scope_name(kind: ScopeType) -> Word {
    use words::budgets as w;
    match kind {
        ScopeType::Organization => w::SCOPE_ORGANIZATION,
        ScopeType::Team => words::explore::TEAM,
        ScopeType::Project => words::explore::PROJECT,
        ScopeType::Service => words::events::SERVICE,
        ScopeType::Learner => words::events::LEARNER,
        ScopeType::Environment => words::projects::ENVIRONMENT,
    }
}

/// What a budget is about: its kind and its name.
pub fn scope_text(scope: &NamedScope) -> String {
    let kind = scope_name(scope.kind).get();
    let id = scope.id.as_deref().unwrap_or_default();
    let name = match scope.kind {
        ScopeType::Organization => return kind.to_owned(),
        ScopeType::Environment => Environment::from_name(id).map_or(id, |one| environment_name(one).get()),
        _ => scope.name.as_deref().unwrap_or(id),
    };
    let name = if scope.deleted { words::explore::deleted(&name) } else { name.to_owned() };
    format!("{kind} · {name}")
}

/// What a period is called.
pub const fn period_name(period: BudgetPeriod) -> Word {
    use words::budgets as w;
    match period {
        BudgetPeriod::Daily => w::DAILY,
        BudgetPeriod::Weekly => w::WEEKLY,
        BudgetPeriod::Monthly => w::MONTHLY,
        BudgetPeriod::Quarterly => w::QUARTERLY,
        BudgetPeriod::Yearly => w::YEARLY,
    }
}

/// What happens once it is spent.
pub(super) const fn enforcement_name(enforcement: Enforcement) -> Word {
    match enforcement {
        Enforcement::Soft => words::budgets::SOFT,
        Enforcement::Hard => words::budgets::HARD,
    }
}

/// What a threshold is a percentage of.
pub const fn alert_basis_name(basis: AlertBasis) -> Word {
    match basis {
        AlertBasis::Actual => words::budgets::OF_ACTUAL,
        AlertBasis::Forecast => words::budgets::OF_FORECAST,
    }
}

/// What is to happen when a threshold is reached.
pub const fn action_name(action: AlertAction) -> Word {
    use words::budgets as w;
    match action {
        AlertAction::Email => w::ACTION_EMAIL,
        AlertAction::Slack => w::ACTION_SLACK,
        AlertAction::Webhook => w::ACTION_WEBHOOK,
        AlertAction::Sms => w::ACTION_SMS,
        AlertAction::Pagerduty => w::ACTION_PAGERDUTY,
        AlertAction::Both => w::ACTION_BOTH,
        AlertAction::Block => w::ACTION_BLOCK,
    }
}

/// The ledger that a figure comes from, and what that means.
pub const fn basis_name(basis: Basis) -> (Word, Word) {
    use words::budgets as w;
    match basis {
        Basis::Billed => (w::BASIS_BILLED, w::BASIS_BILLED_NOTE),
        Basis::ProviderUsage => (w::BASIS_PROVIDER, w::BASIS_PROVIDER_NOTE),
        Basis::Events => (w::BASIS_EVENTS, w::BASIS_EVENTS_NOTE),
        Basis::Mixed => (w::BASIS_MIXED, w::BASIS_MIXED_NOTE),
    }
}

/// What a kind of budget is called.
pub const fn kind_name(kind: BudgetKind) -> Word {
    match kind {
        BudgetKind::Budget => words::budgets::BUDGET,
        BudgetKind::Limit => words::budgets::LIMIT,
    }
}

/// How a budget stands: what that means, and what it is called.
pub(super) const fn state_name(state: BudgetState) -> (Tone, Word) {
    use words::budgets as w;
    match state {
        BudgetState::Over => (Tone::Danger, w::STATE_OVER),
        BudgetState::Breaches => (Tone::Warning, w::STATE_BREACHES),
        BudgetState::Reached => (Tone::Warning, w::STATE_REACHED),
        BudgetState::Unknown => (Tone::Neutral, w::STATE_UNKNOWN),
        BudgetState::Partial => (Tone::Neutral, w::STATE_PARTIAL),
        BudgetState::Fine => (Tone::Success, w::STATE_FINE),
    }
}

/// When it is spent, as a sentence.
pub(super) fn breach_text(day: Option<NaiveDate>, state: BudgetState) -> Option<String> {
    let day = time::date(&day?.to_string(), Show::Spoken);
    Some(if state == BudgetState::Over { words::budgets::breached(&day) } else { words::budgets::breaches(&day) })
}

/// The days of a period, the last included.
pub fn span_text(from: NaiveDate, to: NaiveDate) -> String {
    let last = model::last_day(to);
    let first = time::date(&from.to_string(), Show::Date);
    if last == from { first } else { words::shell::period_range(&first, &time::date(&last.to_string(), Show::Date)) }
}

/// What is wrong with the field at a pointer that may move.
pub(super) fn wrong_at(task: Task, pointer: impl Fn() -> String + Send + Sync + 'static) -> Signal<Option<String>> {
    Signal::derive(move || task.error.with(|error| wrong(error.as_ref()?, &pointer())))
}

/// What is wrong with the field at a pointer.
pub(super) fn wrong_with(task: Task, pointer: &'static str) -> Signal<Option<String>> {
    wrong_at(task, move || pointer.to_owned())
}

fn wrong(error: &ApiError, pointer: &str) -> Option<String> {
    use words::budgets as w;
    let field = error.fields.iter().find(|field| field.pointer == pointer)?;
    let word = match field.code.as_str() {
        "duplicate" => w::WRONG_DUPLICATE,
        "order" => w::WRONG_ORDER,
        "needs_hard" => w::WRONG_NEEDS_HARD,
        "not_stoppable" => w::WRONG_NOT_STOPPABLE,
        "needs_actual" => w::WRONG_NEEDS_ACTUAL,
        "too_many" => w::WRONG_TOO_MANY,
        "immutable" => w::WRONG_IMMUTABLE,
        "currency" => w::WRONG_CURRENCY,
        "future" => w::WRONG_DATE,
        "unknown" | "format" => w::WRONG_UNKNOWN,
        "range" if pointer.ends_with("/threshold") => w::WRONG_PERCENT,
        "range" if pointer.ends_with("amount") => w::WRONG_AMOUNT,
        _ => return error.field(pointer),
    };
    Some(word.get().to_owned())
}
