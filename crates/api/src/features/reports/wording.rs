//! What the report says, in both languages: the same parts for mail programs that show HTML and for the others. Pure.

use chrono::{DateTime, Utc};
use finops_contract::accounts::Locale;
use finops_contract::alerts::{AlertKind, AlertStatus};
use finops_contract::budgets::AlertBasis;
use finops_contract::costs::Basis;
use finops_contract::reports::{
    Measure, RankedProject, ReportAlert, ReportBlock, Suggestion, SuggestionKind, UnmeasuredReason, WeekCost,
    WeeklyReport,
};
use finops_contract::{Amount, Percent};
use rust_decimal::Decimal;

use crate::features::costs::Days;
use crate::platform::letter::pick;
use crate::platform::words::{count, day, money};

/// A part of the mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Heading(String),
    Text(String),
    Figures(Vec<(String, String)>),
    Entry(Entry),
}

/// One of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) figure: String,
    pub(super) details: String,
    pub(super) advice: String,
    /// What it is called, and the page of the app.
    pub(super) link: Option<(String, String)>,
}

/// One line that says it all.
pub(super) fn subject(report: &WeeklyReport, locale: Locale) -> String {
    let cost = total(&report.total, locale);
    let change = report.total.change_percent.map(|change| format!(" ({})", changed(change, locale)));
    let change = change.unwrap_or_default();
    match locale {
        Locale::Ko => format!("[{}] 지난주 AI 비용: {cost}{change}", report.organization),
        Locale::En => format!("[{}] AI costs of last week: {cost}{change}", report.organization),
    }
}

/// All that it says.
pub(super) fn parts(report: &WeeklyReport, locale: Locale) -> Vec<Part> {
    let mut parts = vec![Part::Text(period(report, locale)), Part::Figures(figures(&report.total, locale))];
    parts.extend(unknown(&report.total, locale).into_iter().map(Part::Text));
    projects(report, locale, &mut parts);
    happened(report, locale, &mut parts);
    parts
}

/// Why somebody has it.
pub(super) fn why(report: &WeeklyReport, locale: Locale) -> String {
    let name = &report.organization;
    match locale {
        Locale::Ko => {
            format!("{name}의 주간 리포트 수신자여서 보냈습니다. 수신자는 앱의 주간 리포트 화면에서 바꿀 수 있습니다.")
        }
        Locale::En => {
            format!("Sent because you receive the weekly report of {name}. Who does is set on its page in the app.")
        }
    }
}

/// An amount of dollars.
fn dollars(amount: Amount) -> String {
    money(amount.0, "USD")
}

fn at_least(amount: Amount, is_least: bool, locale: Locale) -> String {
    match (is_least, locale) {
        (false, _) => dollars(amount),
        (true, Locale::Ko) => format!("{} 이상", dollars(amount)),
        (true, Locale::En) => format!("at least {}", dollars(amount)),
    }
}

fn total(total: &WeekCost, locale: Locale) -> String {
    match total.cost {
        Some(cost) => at_least(cost, !total.complete, locale),
        None => pick(locale, "알 수 없음", "unknown").into(),
    }
}

fn changed(change: Percent, locale: Locale) -> String {
    let by = Percent(change.0.abs());
    match (change.0.cmp(&Decimal::ZERO), locale) {
        (std::cmp::Ordering::Greater, Locale::Ko) => format!("{by}% 증가"),
        (std::cmp::Ordering::Greater, Locale::En) => format!("{by}% more"),
        (std::cmp::Ordering::Less, Locale::Ko) => format!("{by}% 감소"),
        (std::cmp::Ordering::Less, Locale::En) => format!("{by}% less"),
        (std::cmp::Ordering::Equal, _) => pick(locale, "변화 없음", "no change").into(),
    }
}

fn period(report: &WeeklyReport, locale: Locale) -> String {
    let last = report.to.pred_opt().unwrap_or(report.to);
    let (from, to, zone) = (day(report.from, locale), day(last, locale), &report.time_zone);
    match locale {
        Locale::Ko => format!("{from} 월요일부터 {to} 일요일까지 ({zone} 기준)"),
        Locale::En => format!("Monday {from} to Sunday {to} ({zone})"),
    }
}

const fn basis(basis: Basis, locale: Locale) -> &'static str {
    match basis {
        Basis::Billed => pick(locale, "청구서", "the bill"),
        Basis::ProviderUsage => pick(locale, "공급자가 측정한 사용량(추정)", "what the provider measured (estimated)"),
        Basis::Events => pick(locale, "보고된 호출(추정)", "calls as reported (estimated)"),
        Basis::Mixed => pick(locale, "여러 장부", "several ledgers"),
    }
}

fn figures(of: &WeekCost, locale: Locale) -> Vec<(String, String)> {
    let mut figures = vec![(pick(locale, "총비용", "Total cost").to_owned(), total(of, locale))];
    let change = of.change_percent.map(|change| changed(change, locale));
    let compared = match (of.previous_cost, change) {
        (Some(previous), Some(change)) => format!("{change} ({} → {})", dollars(previous), total(of, locale)),
        (Some(_), None) => pick(locale, "전주에는 비용이 없었음", "there were no costs the week before").into(),
        (None, _) => pick(locale, "비교할 수 없음", "cannot be compared").into(),
    };
    figures.push((pick(locale, "전주 대비", "Compared with the week before").into(), compared));
    if of.cost.is_some() {
        figures.push((pick(locale, "근거", "By").into(), basis(of.basis, locale).into()));
    }
    figures.extend(of.by_basis.iter().map(|part| (format!("· {}", basis(part.basis, locale)), dollars(part.cost))));
    figures
}

/// What is not known of the total, and what that means.
fn unknown(total: &WeekCost, locale: Locale) -> Vec<String> {
    let mut said = Vec::new();
    if total.unknown_days > 0 {
        let days = count(total.unknown_days);
        said.push(match locale {
            Locale::Ko => format!("7일 가운데 {days}일은 비용을 아직 다 알지 못합니다."),
            Locale::En => format!("Of the 7 days, {days} are not known whole yet."),
        });
    }
    if total.unpriced > 0 {
        let calls = count(total.unpriced);
        said.push(match locale {
            Locale::Ko => format!("가격을 모르는 호출 {calls}건은 비용에 더하지 못했습니다."),
            Locale::En => format!("Calls without a price are missing from the costs: {calls}."),
        });
    }
    if !total.unconverted.is_empty() {
        let sums: Vec<String> = total.unconverted.iter().map(|one| money(one.cost.0, &one.currency)).collect();
        let sums = sums.join(", ");
        said.push(match locale {
            Locale::Ko => format!("다른 통화로 청구된 금액은 합계에 없습니다: {sums}."),
            Locale::En => format!("What was billed in other currencies is not in the total: {sums}."),
        });
    }
    if total.complete && total.previous_cost.is_none() {
        let (ko, en) = (
            "전주 비용을 다 알지 못해 비교하지 않았습니다.",
            "It is not compared, because the week before is not known whole.",
        );
        said.push(pick(locale, ko, en).into());
    }
    said
}

fn projects(report: &WeeklyReport, locale: Locale, parts: &mut Vec<Part>) {
    let lists = [
        (&report.best, pick(locale, "비용 효율이 가장 높은 프로젝트", "Most cost-efficient projects")),
        (&report.worst, pick(locale, "개선이 필요한 프로젝트", "Projects with most to gain")),
    ];
    for (list, heading) in lists.into_iter().filter(|(list, _)| !list.is_empty()) {
        parts.push(Part::Heading(heading.into()));
        let ranked = list.iter().enumerate();
        parts.extend(ranked.map(|(at, project)| Part::Entry(ranked_entry(at + 1, project, locale))));
    }
    if report.measured == 0 {
        let (ko, en) = match lacks(report, UnmeasuredReason::CostUnknown) {
            true => (
                "비용을 다 알고 결과나 피드백도 기록된 프로젝트가 없어 비용 효율을 비교하지 못했습니다.",
                "No project could be compared: of none are both the whole cost and outcomes or feedback known.",
            ),
            false => (
                "결과나 피드백이 기록된 프로젝트가 없어 비용 효율을 비교하지 못했습니다.",
                "No project has outcomes or feedback recorded, so none could be compared.",
            ),
        };
        parts.push(Part::Text(pick(locale, ko, en).into()));
    }
    if report.not_measured_count > 0 {
        parts.push(Part::Heading(pick(locale, "비교하지 못한 프로젝트", "Projects that are not compared").into()));
        parts.push(Part::Text(not_measured(report, locale)));
    }
}

/// Whether a project that is named is not compared for this reason.
fn lacks(report: &WeeklyReport, reason: UnmeasuredReason) -> bool {
    report.not_measured.iter().any(|one| one.reason == reason)
}

fn not_measured(report: &WeeklyReport, locale: Locale) -> String {
    let named = report.not_measured.iter().map(|one| {
        let cost = match (one.cost, one.reason) {
            (None, _) => pick(locale, "비용 알 수 없음", "cost unknown").to_owned(),
            (Some(cost), UnmeasuredReason::Unrecorded) => at_least(cost, one.partial, locale),
            (Some(cost), UnmeasuredReason::CostUnknown) => {
                let why = pick(locale, "비용을 다 알지 못함", "not all of its cost is known");
                format!("{}, {why}", at_least(cost, one.partial, locale))
            }
        };
        format!("{} ({cost})", one.project.name)
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let all = report.not_measured_count;
    let others = all.saturating_sub(report.not_measured.len());
    let others = match (others, locale) {
        (0, _) => String::new(),
        (others, Locale::Ko) => format!(" 외 {others}개"),
        (others, Locale::En) => format!(" and {others} more"),
    };
    let mut said = match locale {
        Locale::Ko => format!("{all}개: {named}{others}."),
        Locale::En => format!("{all}: {named}{others}."),
    };
    if lacks(report, UnmeasuredReason::CostUnknown) {
        said.push_str(pick(
            locale,
            " 비용을 다 알지 못하는 프로젝트는 순위에 넣지 않았습니다.",
            " Those whose cost is not known whole are not ranked.",
        ));
    }
    if lacks(report, UnmeasuredReason::Unrecorded) {
        said.push_str(pick(
            locale,
            " 호출의 결과나 피드백을 기록하면 다음 리포트에서 비교합니다.",
            " Record outcomes or feedback, and the next report compares them.",
        ));
    }
    said
}

fn ranked_entry(place: usize, ranked: &RankedProject, locale: Locale) -> Entry {
    Entry {
        name: match &ranked.openai_project_id {
            Some(id) => format!("{place}. {} ({}, {id})", ranked.project.name, ranked.team.name),
            None => format!("{place}. {} ({})", ranked.project.name, ranked.team.name),
        },
        figure: measured(ranked, locale),
        details: details(ranked, locale),
        advice: advice(&ranked.suggestion, locale),
        link: Some((label(ranked.suggestion.kind, locale).into(), ranked.suggestion.path.clone())),
    }
}

/// What it is ranked by.
fn measured(ranked: &RankedProject, locale: Locale) -> String {
    match (ranked.measure, ranked.cost_per_success, ranked.feedback_per_dollar) {
        (Measure::CostPerSuccess, Some(each), _) => {
            let each = at_least(each, ranked.unpriced > 0, locale);
            match locale {
                Locale::Ko => format!("성공 1건당 {each}"),
                Locale::En => format!("{each} per success"),
            }
        }
        (Measure::CostPerSuccess, None, _) => pick(locale, "성공한 호출이 없음", "no success").into(),
        (Measure::FeedbackPerDollar, _, Some(score)) => {
            let score = score.0.normalize();
            match locale {
                Locale::Ko => format!("1달러당 피드백 점수 {score}"),
                Locale::En => format!("feedback score of {score} per dollar"),
            }
        }
        (Measure::FeedbackPerDollar, _, None) => pick(locale, "비용 없이 피드백을 받음", "feedback at no cost").into(),
    }
}

fn details(ranked: &RankedProject, locale: Locale) -> String {
    let cost = at_least(ranked.cost, ranked.unpriced > 0, locale);
    let mut said = vec![format!("{} {cost}", pick(locale, "비용", "cost"))];
    if let Some(change) = ranked.change_percent {
        said.push(format!("{} {:+}%", pick(locale, "전주 대비", "on the week before"), change.0.normalize()));
    }
    if let (Some(successes), Some(failures)) = (ranked.successes, ranked.failures) {
        let (successes, failures) = (count(successes), count(failures));
        said.push(match locale {
            Locale::Ko => format!("성공 {successes}건, 실패 {failures}건"),
            Locale::En => format!("successes {successes}, failures {failures}"),
        });
    }
    if let Some(rate) = ranked.success_rate {
        said.push(format!("{} {rate}%", pick(locale, "성공률", "success rate")));
    }
    if let Some(mean) = ranked.feedback_mean {
        let (scores, mean) = (count(ranked.feedback_scores), mean.0.normalize());
        said.push(match locale {
            Locale::Ko => format!("피드백 {scores}건, 평균 {mean}"),
            Locale::En => format!("feedback {scores}, mean {mean}"),
        });
    }
    said.join(" · ")
}

/// What to do, and why.
fn advice(of: &Suggestion, locale: Locale) -> String {
    let amount = of.amount.map(dollars).unwrap_or_default();
    let share = of.share.map(|share| format!("{share}%")).unwrap_or_default();
    let (model, other) = (of.model.as_deref().unwrap_or_default(), of.other_model.as_deref().unwrap_or_default());
    match (of.kind, locale) {
        (SuggestionKind::CheaperModel, Locale::Ko) => format!(
            "{model} → {other} 전환을 검토하십시오. 성공률이 낮지 않으면서 호출당 비용이 적어, 지난주 {amount}까지 줄일 수 \
             있었습니다. 호출 비용의 {share}: {model}"
        ),
        (SuggestionKind::CheaperModel, Locale::En) => format!(
            "Consider moving from {model} to {other}: it succeeds as often and a call costs less, which would have saved up \
             to {amount} last week. {model} makes {share} of what calls cost."
        ),
        (SuggestionKind::FixFailures, Locale::Ko) => {
            format!("실패 원인을 확인하십시오. 결과의 {share}가 실패이고, 그 비율만큼의 비용은 {amount}입니다.")
        }
        (SuggestionKind::FixFailures, Locale::En) => {
            format!("Find out why so many fail: {share} of the outcomes did, and that share of the cost is {amount}.")
        }
        (SuggestionKind::UseCache, Locale::Ko) => format!(
            "프롬프트 캐시를 사용하십시오. 입력의 {share}만 캐시에서 읽었습니다. 입력의 10%를 캐시에서 읽을 때마다 한 주에 \
             {amount} 정도 줄어듭니다."
        ),
        (SuggestionKind::UseCache, Locale::En) => format!(
            "Use prompt caching: {share} of the input was read from a cache. Each 10% of the input that is saves about \
             {amount} a week."
        ),
        (SuggestionKind::SetBudget, Locale::Ko) => {
            format!("예산을 설정하십시오. 이 속도라면 30일 동안 {amount} 정도입니다.")
        }
        (SuggestionKind::SetBudget, Locale::En) => {
            format!("Set a budget: at this rate 30 days cost about {amount}.")
        }
        (SuggestionKind::Keep, _) => pick(locale, "지금처럼 운영하십시오.", "Go on like this.").into(),
        (SuggestionKind::RecordOutcomes, _) => pick(
            locale,
            "호출의 성공과 실패를 기록하십시오. 그러면 성공 1건당 비용으로 비교합니다.",
            "Record which calls succeeded: then it is compared by what a success costs.",
        )
        .into(),
    }
}

const fn label(kind: SuggestionKind, locale: Locale) -> &'static str {
    match kind {
        SuggestionKind::SetBudget => pick(locale, "예산 설정하기", "Set a budget"),
        _ => pick(locale, "프로젝트 보기", "See the project"),
    }
}

fn happened(report: &WeeklyReport, locale: Locale, parts: &mut Vec<Part>) {
    parts.push(Part::Heading(pick(locale, "알림", "Alerts").into()));
    let raised = count(report.alerts_raised);
    parts.push(Part::Text(match (report.alerts_raised, report.open_alerts.is_empty(), locale) {
        (0, ..) => pick(locale, "알림이 없었습니다.", "There were none.").into(),
        (_, true, Locale::Ko) => format!("알림 {raised}건이 있었고, 모두 해결되었습니다."),
        (_, true, Locale::En) => format!("Raised: {raised}, all of them resolved."),
        (_, false, Locale::Ko) => format!("알림 {raised}건이 있었습니다. 아래 알림은 아직 해결되지 않았습니다."),
        (_, false, Locale::En) => format!("Raised: {raised}. These are not resolved yet:"),
    }));
    parts.extend(report.open_alerts.iter().map(|alert| Part::Entry(alert_entry(alert, locale))));
    if !report.blocks.is_empty() {
        parts.push(Part::Heading(pick(locale, "차단", "Blocks").into()));
        let days = Days::of(&report.time_zone);
        parts.extend(report.blocks.iter().map(|block| Part::Entry(block_entry(block, days, locale))));
    }
}

fn alert_entry(alert: &ReportAlert, locale: Locale) -> Entry {
    let name = match (alert.kind, &alert.budget) {
        (AlertKind::Unpriced, _) | (_, None) => pick(locale, "가격을 모르는 호출", "Calls without a price").to_owned(),
        (AlertKind::Budget, Some(budget)) => budget.clone(),
    };
    let is_forecast = alert.basis == Some(AlertBasis::Forecast);
    let figure = match (alert.threshold, is_forecast, locale) {
        (Some(threshold), false, Locale::Ko) => format!("예산의 {threshold}% 도달"),
        (Some(threshold), false, Locale::En) => format!("reached {threshold}% of the budget"),
        (Some(threshold), true, Locale::Ko) => format!("예산의 {threshold}% 도달 예상"),
        (Some(threshold), true, Locale::En) => format!("forecast to reach {threshold}% of the budget"),
        (None, ..) => String::new(),
    };
    let status = match alert.status {
        AlertStatus::Acknowledged => pick(locale, "확인 중", "acknowledged"),
        AlertStatus::Open | AlertStatus::Resolved => pick(locale, "확인 필요", "open"),
    };
    let project = alert.project.as_ref().map(|project| project.name.clone());
    let details = [project, Some(status.to_owned())].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let link = Some((pick(locale, "알림 보기", "See the alert").into(), format!("/alerts/{}", alert.id)));
    Entry { name, figure, details, advice: String::new(), link }
}

fn block_entry(block: &ReportBlock, days: Days, locale: Locale) -> Entry {
    let kind = match block.target_type.as_str() {
        "admin_key" => pick(locale, "Admin 키", "Admin key"),
        "api_key" => pick(locale, "API 키", "API key"),
        _ => pick(locale, "프로젝트", "Project"),
    };
    let by = match block.by_budget {
        true => pick(locale, "예산에 따라 차단", "stopped by a budget"),
        false => pick(locale, "사람이 차단", "stopped by a person"),
    };
    let on = |at: DateTime<Utc>| -> String { day(days.day(at), locale) };
    let since = on(block.activated_at);
    let held = match (block.lifted_at.map(on), locale) {
        (None, Locale::Ko) => format!("{since}부터 차단 중"),
        (None, Locale::En) => format!("since {since}, still in force"),
        (Some(until), Locale::Ko) => format!("{since} 차단, {until} 해제"),
        (Some(until), Locale::En) => format!("{since}, lifted {until}"),
    };
    let link = Some((pick(locale, "차단 보기", "See the block").into(), format!("/blocks?block={}", block.id)));
    Entry { name: format!("{kind} {}", block.target), figure: held, details: by.into(), advice: String::new(), link }
}
