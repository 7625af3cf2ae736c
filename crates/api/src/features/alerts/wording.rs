//! The sentences of alerts, in both languages. Pure.

use finops_contract::accounts::Locale;
use finops_contract::alerts::{AlertBudget, AlertCause, AlertEnd, Compared, Grown};
use finops_contract::budgets::{AlertBasis, BudgetKind, BudgetPeriod, ScopeType};
use rust_decimal::Decimal;

use super::domain::Facts;
use crate::platform::letter::{Words, pick};
use crate::platform::words::{count, day, money, percent, times};

/// Of one, and of many.
const fn noun(calls: i64) -> &'static str {
    if calls == 1 { "call" } else { "calls" }
}

/// What an alert says.
pub(super) fn words(facts: &Facts, locale: Locale) -> Words {
    match (&facts.budget, &facts.unpriced) {
        (Some(budget), _) => of_budget(facts, budget, locale),
        (None, Some(calls)) => {
            let (who, model) = (who(facts, locale), format!("{} / {}", calls.provider, calls.model));
            let noun = noun(calls.calls);
            let calls = count(calls.calls);
            let (subject, sentence) = match locale {
                Locale::Ko => (
                    format!("[{who}] 가격을 모르는 호출이 있어요 - {model}"),
                    format!(
                        "지난 7일 동안 {calls}건이 들어왔지만 가격표에 이 모델이 없어서 비용에 더하지 못했어요. \
                         가격을 추가하고 다시 계산하면 비용에 반영돼요."
                    ),
                ),
                Locale::En => (
                    format!("[{who}] Calls without a price: {model}"),
                    format!(
                        "{calls} {noun} came in over the last 7 days, but the price book does not know this model, so they \
                         are missing from the costs. Add a price and price them anew."
                    ),
                ),
            };
            let figures =
                vec![(pick(locale, "모델", "Model").into(), model), (pick(locale, "호출", "Calls").into(), calls)];
            Words { subject, sentences: vec![sentence], figures }
        }
        (None, None) => Words { subject: who(facts, locale), sentences: Vec::new(), figures: Vec::new() },
    }
}

/// Why an alert is over by itself.
pub(super) const fn ended(because: AlertEnd, locale: Locale) -> &'static str {
    let (ko, en) = match because {
        AlertEnd::PeriodOver => ("기간이 끝나서 알림을 닫았어요.", "Closed, because the period is over."),
        AlertEnd::PeriodChanged => {
            ("예산의 기간이 바뀌어서 알림을 닫았어요.", "Closed, because the budget's period was changed.")
        }
        AlertEnd::AmountChanged => (
            "바뀐 금액으로 새 알림을 보내서 이 알림은 닫았어요.",
            "Closed, because the threshold was crossed anew, of another amount.",
        ),
        AlertEnd::BelowThreshold => {
            ("이제 기준에 미치지 않아서 알림을 닫았어요.", "Closed, because the threshold is not reached any more.")
        }
        AlertEnd::BudgetDeleted => ("예산을 삭제해서 알림을 닫았어요.", "Closed, because the budget was deleted."),
    };
    pick(locale, ko, en)
}

/// Whose alert it is: the team, or what else it is about.
fn who(facts: &Facts, locale: Locale) -> String {
    if let Some(team) = &facts.team {
        return team.name.clone();
    }
    let Some(scope) = &facts.scope else { return facts.organization.clone() };
    let name = scope.name.as_deref().or(scope.id.as_deref()).unwrap_or_default();
    match scope.kind {
        ScopeType::Organization => facts.organization.clone(),
        ScopeType::Team | ScopeType::Project => name.to_owned(),
        ScopeType::Service => format!("{} {name}", pick(locale, "서비스", "service")),
        ScopeType::Learner => format!("{} {name}", pick(locale, "학습자", "learner")),
        ScopeType::Environment => name.to_owned(),
    }
}

/// `일일 한도`, `monthly budget`.
fn limit(budget: &AlertBudget, locale: Locale) -> String {
    let period = match budget.period {
        BudgetPeriod::Daily => pick(locale, "일일", "daily"),
        BudgetPeriod::Weekly => pick(locale, "주간", "weekly"),
        BudgetPeriod::Monthly => pick(locale, "월", "monthly"),
        BudgetPeriod::Quarterly => pick(locale, "분기", "quarterly"),
        BudgetPeriod::Yearly => pick(locale, "연간", "yearly"),
    };
    let kind = match budget.kind {
        BudgetKind::Limit => pick(locale, "한도", "limit"),
        BudgetKind::Budget => pick(locale, "예산", "budget"),
    };
    format!("{period} {kind}")
}

fn of_budget(facts: &Facts, budget: &AlertBudget, locale: Locale) -> Words {
    let figures = figures(facts, budget, locale);
    let mut sentences = vec![standing(facts, budget, locale)];
    sentences.extend(facts.compared.as_ref().map(|compared| comparison(facts, compared, locale)));
    sentences.extend(facts.cause.as_ref().and_then(|cause| because(cause, locale)));
    if facts.blocked {
        let blocked = pick(
            locale,
            "설정한 대로 호출을 차단했어요. 관리자가 확인한 뒤 풀 수 있어요.",
            "Spending was blocked, as configured. An administrator can lift that.",
        );
        sentences.push(blocked.into());
    }
    Words { subject: subject(facts, budget, locale), sentences, figures }
}

/// Whether all of the amount is gone, or will be.
fn is_over(budget: &AlertBudget) -> bool {
    budget.figure >= budget.amount
}

fn subject(facts: &Facts, budget: &AlertBudget, locale: Locale) -> String {
    let (who, limit) = (who(facts, locale), limit(budget, locale));
    let (amount, figure) = (money(budget.amount.0, &budget.currency), money(budget.figure.0, &budget.currency));
    let (now, threshold) = (percent(budget.percent.0), percent(budget.threshold.0));
    match (locale, budget.basis, is_over(budget)) {
        (Locale::Ko, AlertBasis::Actual, true) => {
            format!("[{who}] {limit} {amount} 초과 - 현재 {figure} ({now})")
        }
        (Locale::Ko, AlertBasis::Actual, false) => {
            format!("[{who}] {limit} {amount}의 {threshold} 도달 - 현재 {figure} ({now})")
        }
        (Locale::Ko, AlertBasis::Forecast, _) => {
            format!("[{who}] 이대로면 {limit} {amount}의 {threshold}를 넘겨요 - 예상 {figure} ({now})")
        }
        (Locale::En, AlertBasis::Actual, true) => {
            format!("[{who}] {limit} of {amount} exceeded: {figure} now ({now})")
        }
        (Locale::En, AlertBasis::Actual, false) => {
            format!("[{who}] {threshold} of the {limit} of {amount} reached: {figure} now ({now})")
        }
        (Locale::En, AlertBasis::Forecast, _) => {
            format!("[{who}] heading over {threshold} of the {limit} of {amount}: {figure} expected ({now})")
        }
    }
}

fn standing(facts: &Facts, budget: &AlertBudget, locale: Locale) -> String {
    let last = budget.to.pred_opt().unwrap_or(budget.to);
    let span = match budget.from == last {
        true => day(last, locale),
        false => format!("{} – {}", day(budget.from, locale), day(last, locale)),
    };
    let name = facts.project.as_ref().map_or(&budget.name, |project| &project.name);
    match (locale, &facts.project) {
        (Locale::Ko, Some(_)) => format!("{name} 프로젝트 · {span}"),
        (Locale::Ko, None) => format!("{name} 예산 · {span}"),
        (Locale::En, Some(_)) => format!("Project {name}, {span}"),
        (Locale::En, None) => format!("Budget {name}, {span}"),
    }
}

fn comparison(facts: &Facts, compared: &Compared, locale: Locale) -> String {
    let when = match compared.day == facts.today {
        true => pick(locale, "오늘", "Today").to_owned(),
        false => day(compared.day, locale),
    };
    let spent = money(compared.spent.0, &compared.currency);
    let usual = money(compared.usual.0, &compared.currency);
    match (&compared.change, locale) {
        (Some(change), Locale::Ko) if change.0.is_sign_negative() => {
            format!("{when} {spent}, 평소({usual}) 대비 {} 감소", percent(change.0.abs()))
        }
        (Some(change), Locale::Ko) => format!("{when} {spent}, 평소({usual}) 대비 {} 증가", percent(change.0)),
        (None, Locale::Ko) => format!("{when} {spent}, 평소에는 쓰지 않았어요"),
        (Some(change), Locale::En) if change.0.is_sign_negative() => {
            format!("{when} {spent}, {} less than usual ({usual})", percent(change.0.abs()))
        }
        (Some(change), Locale::En) => format!("{when} {spent}, {} more than usual ({usual})", percent(change.0)),
        (None, Locale::En) => format!("{when} {spent}, usually nothing"),
    }
}

fn because(cause: &AlertCause, locale: Locale) -> Option<String> {
    let calls = count(cause.calls);
    let many = times(cause.calls, cause.usual_calls);
    let calls = match (many, locale) {
        (Some(many), Locale::Ko) => format!("호출 {calls}회, 평소의 {many}배"),
        (None, Locale::Ko) => format!("호출 {calls}회, 평소에는 없었어요"),
        (Some(many), Locale::En) => format!("{calls} {}, {many}× the usual number", noun(cause.calls)),
        (None, Locale::En) => format!("{calls} {}, usually none", noun(cause.calls)),
    };
    let named = [
        (pick(locale, "프로젝트", "project"), &cause.project),
        (pick(locale, "모델", "model"), &cause.model),
        (pick(locale, "키", "key"), &cause.api_key),
        (pick(locale, "서비스", "service"), &cause.service),
    ];
    let grown = named.into_iter().filter_map(|(what, grown)| grown.as_ref().map(|grown| (what, grown)));
    let grown: Vec<String> = grown.map(|(what, grown)| format!("{what} {}", grew(grown, locale))).collect();
    if grown.is_empty() {
        return (cause.calls > cause.usual_calls).then_some(calls);
    }
    let most = pick(locale, "가장 많이 늘어난 것", "grew most");
    Some(format!("{calls} · {most}: {}", grown.join(", ")))
}

/// `gpt-5 ($700, 평소 $40)`.
fn grew(grown: &Grown, locale: Locale) -> String {
    let (cost, usual) = (money(grown.cost.0, "USD"), money(grown.usual.0, "USD"));
    format!("{} ({cost}, {} {usual})", grown.name, pick(locale, "평소", "usually"))
}

fn figures(facts: &Facts, budget: &AlertBudget, locale: Locale) -> Vec<(String, String)> {
    let now = match budget.basis {
        AlertBasis::Actual => pick(locale, "현재", "Now"),
        AlertBasis::Forecast => pick(locale, "예상", "Expected"),
    };
    let mut figures = vec![
        (now.to_owned(), format!("{} ({})", money(budget.figure.0, &budget.currency), percent(budget.percent.0))),
        (limit(budget, locale), money(budget.amount.0, &budget.currency)),
    ];
    if let Some(project) = &facts.project {
        figures.push((pick(locale, "프로젝트", "Project").into(), project.name.clone()));
    }
    if let Some(compared) = &facts.compared {
        let usual = money(compared.usual.0, &compared.currency);
        let change = compared.change.map(|change| {
            let sign = if change.0 > Decimal::ZERO { "+" } else { "" };
            format!(" ({sign}{})", percent(change.0))
        });
        let usual = format!("{usual}{}", change.unwrap_or_default());
        figures.push((pick(locale, "평소 하루", "Usual day").into(), usual));
    }
    figures
}
