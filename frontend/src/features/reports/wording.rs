//! What changes, suggestions and what was done are called.

use chrono::NaiveDate;
use finops_contract::budgets::AlertBasis;
use finops_contract::reports::{FollowUp, FollowUpKind, ReportAlert, Suggestion, SuggestionKind};
use finops_contract::{Amount, Percent};
use leptos::prelude::*;

use crate::features::budgets::{percent_text, span_text};
use crate::features::home::model::{Direction, direction};
use crate::features::worth::rate_text;
use crate::format::time::Show;
use crate::format::{money, time};
use crate::i18n::{Word, words};
use crate::reactive::live;
use crate::ui::{Glyph, Icon};

use super::model::after;

/// The days of a week.
pub(super) fn week_text(week: NaiveDate) -> String {
    span_text(week, after(week))
}

/// The days of a week, without the year.
pub(super) fn short_week(week: NaiveDate) -> String {
    let last = after(week).pred_opt().unwrap_or(week);
    let day = |day: NaiveDate| time::date(&day.to_string(), Show::Day);
    words::shell::period_range(&day(week), &day(last))
}

/// A change as a sentence, with an arrow. More cost is bad.
pub(super) fn change(before: Word, change: Percent) -> Option<AnyView> {
    let direction = direction(Some(&change.to_string()))?;
    let by = rate_text(Percent(change.0.abs()));
    let (tone, icon) = match direction {
        Direction::Up(_) => ("bad", Icon::ArrowUp),
        Direction::Down(_) => ("good", Icon::ArrowDown),
        Direction::Same => ("flat", Icon::Minus),
    };
    let text = move || match direction {
        Direction::Up(_) => words::home::up(&before.get(), &by),
        Direction::Down(_) => words::home::down(&before.get(), &by),
        Direction::Same => words::home::same(&before.get()),
    };
    Some(view! { <span class="change" data-tone=tone><Glyph icon size=12 />{live(text)}</span> }.into_any())
}

/// An amount of dollars within a sentence.
fn dollars(amount: Amount) -> String {
    money::parts(&amount.to_string(), "USD").amount()
}

/// What to do, as the name of a link.
pub(super) const fn suggestion_name(kind: SuggestionKind) -> Word {
    use words::reports as w;
    match kind {
        SuggestionKind::CheaperModel => w::DO_CHEAPER_MODEL,
        SuggestionKind::FixFailures => w::DO_FIX_FAILURES,
        SuggestionKind::UseCache => w::DO_USE_CACHE,
        SuggestionKind::SetBudget => w::DO_SET_BUDGET,
        SuggestionKind::Keep => w::DO_KEEP,
        SuggestionKind::RecordOutcomes => w::DO_RECORD,
    }
}

/// Why, in sentences.
pub(super) fn suggestion_why(suggestion: &Suggestion) -> String {
    use words::reports as w;
    let amount = suggestion.amount.map(dollars);
    let share = suggestion.share.map(rate_text);
    let (model, other) = (suggestion.model.as_deref(), suggestion.other_model.as_deref());
    let (first, second) = match suggestion.kind {
        SuggestionKind::CheaperModel => (
            share.zip(model).map(|(share, model)| w::why_model(&model, &share)),
            amount.zip(other).map(|(amount, other)| w::why_other_model(&amount, &other)),
        ),
        SuggestionKind::FixFailures => {
            (share.map(|share| w::why_failures(&share)), amount.map(|amount| w::why_failures_cost(&amount)))
        }
        SuggestionKind::UseCache => {
            (share.map(|share| w::why_cache(&share)), amount.map(|amount| w::why_cache_saves(&amount)))
        }
        SuggestionKind::SetBudget => {
            (Some(w::WHY_BUDGET.get().to_owned()), amount.map(|amount| w::why_budget_month(&amount)))
        }
        SuggestionKind::Keep => (Some(w::WHY_KEEP.get().to_owned()), None),
        SuggestionKind::RecordOutcomes => (Some(w::WHY_RECORD.get().to_owned()), None),
    };
    [first, second].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// What an alert is about, in a line.
pub(super) fn alert_name(alert: &ReportAlert) -> String {
    let what = alert.budget.clone().or_else(|| alert.project.as_ref().map(|project| project.name.clone()));
    match (what, alert.threshold) {
        (Some(what), Some(threshold)) => {
            let threshold = percent_text(threshold);
            match alert.basis {
                Some(AlertBasis::Forecast) => words::reports::forecast_reached(&what, &threshold),
                Some(AlertBasis::Actual) | None => words::reports::reached(&what, &threshold),
            }
        }
        (Some(what), None) => what,
        (None, _) => words::alerts::KIND_UNPRICED.get().to_owned(),
    }
}

/// What kind of thing was done.
pub(super) const fn kind_name(kind: FollowUpKind) -> Word {
    use words::reports as w;
    match kind {
        FollowUpKind::AdminKey => w::KIND_ADMIN_KEY,
        FollowUpKind::ApiKey => w::KIND_API_KEY,
        FollowUpKind::ProjectStopped => w::KIND_PROJECT_STOPPED,
        FollowUpKind::Budget => w::KIND_BUDGET,
        FollowUpKind::Block => w::KIND_BLOCK,
        FollowUpKind::Model => w::KIND_MODEL,
    }
}

/// What was done, as the audit log says it; the kind of it for an action of a later version.
pub(super) fn done_name(done: &FollowUp) -> Word {
    use words::audit as w;
    match done.action.as_deref().unwrap_or_default() {
        "admin_key.register" => w::ADMIN_KEY_REGISTER,
        "admin_key.rotate" => w::ADMIN_KEY_ROTATE,
        "admin_key.activate" => w::ADMIN_KEY_ACTIVATE,
        "admin_key.deactivate" => w::ADMIN_KEY_DEACTIVATE,
        "admin_key.delete" => w::ADMIN_KEY_DELETE,
        "api_key.create" => w::API_KEY_CREATE,
        "api_key.rotate" => w::API_KEY_ROTATE,
        "api_key.revoke" => w::API_KEY_REVOKE,
        "project.remove_openai_project_id" => w::PROJECT_REMOVE_OPENAI_PROJECT_ID,
        "project.delete" => w::PROJECT_DELETE,
        "budget.create" => w::BUDGET_CREATE,
        "budget.update" => w::BUDGET_UPDATE,
        "budget.delete" => w::BUDGET_DELETE,
        "block.create" => w::BLOCK_CREATE,
        "block.approve" => w::BLOCK_APPROVE,
        _ => kind_name(done.kind),
    }
}

/// By how many percentage points a share changed.
pub(super) fn points_text(change: Percent) -> String {
    let points = change.0.round_dp(1).normalize();
    let sign = if points.is_sign_negative() { "−" } else { "+" };
    words::reports::points(&format!("{sign}{}", points.abs()))
}
