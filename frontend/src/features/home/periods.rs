//! Today so far; yesterday, last week, last month: each with its change and the reason for it.

use finops_contract::costs::{Basis, CostDriver, CostSummary, PeriodCost, Settlement};
use leptos::prelude::*;

use super::model::{Direction, direction};
use crate::format::money;
use crate::format::number::percent;
use crate::format::time::{self, Show};
use crate::i18n::{Word, t, words};
use crate::reactive::live;
use crate::ui::{Badge, Glyph, Icon, Money, Skeleton, Stat, Text};

/// What is compared with what.
#[derive(Clone, Copy)]
enum Span {
    Today,
    Yesterday,
    Week,
    Month,
    MonthToDate,
}

impl Span {
    const fn name(self) -> Word {
        match self {
            Span::Today => words::home::TODAY,
            Span::Yesterday => words::home::YESTERDAY,
            Span::Week => words::home::LAST_WEEK,
            Span::Month => words::home::LAST_MONTH,
            Span::MonthToDate => words::home::THIS_MONTH,
        }
    }

    const fn before(self) -> Word {
        match self {
            Span::Today | Span::Yesterday => words::home::DAY_BEFORE,
            Span::Week => words::home::WEEK_BEFORE,
            Span::Month => words::home::MONTH_BEFORE,
            Span::MonthToDate => words::home::SAME_DAYS_BEFORE,
        }
    }
}

/// The periods of a summary: today only once something is known of it, for the bill comes later. `own`: of one project, so that a reason need not name it.
pub fn periods(summary: &CostSummary, own: bool) -> AnyView {
    let stat = |span: Span, period: &PeriodCost| stat(span, period.clone(), summary.currency.clone(), own);
    view! {
        <h2 class="sr-only">{t(words::home::PERIODS)}</h2>
        <div class="stats">
            {summary.today.as_ref().filter(|today| today.has_data).map(|today| stat(Span::Today, today))}
            {stat(Span::Yesterday, &summary.yesterday)}
            {stat(Span::Week, &summary.last_week)}
            {stat(Span::Month, &summary.last_month)}
            {stat(Span::MonthToDate, &summary.month_to_date)}
        </div>
    }
    .into_any()
}

/// The outline of the periods while they load.
pub fn periods_skeleton() -> AnyView {
    (0..4)
        .map(|_| view! { <div class="stat"><Skeleton shape="short" /><Skeleton shape="number" /><Skeleton /></div> })
        .collect_view()
        .into_any()
}

fn stat(span: Span, period: PeriodCost, currency: String, own: bool) -> AnyView {
    let days = (period.from.to_string(), period.to.pred_opt().unwrap_or(period.to).to_string());
    let range = move || {
        let (first, last) = (time::date(&days.0, Show::Day), time::date(&days.1, Show::Day));
        if days.0 == days.1 { format!("{first} (UTC)") } else { words::shell::period_range(&first, &last) }
    };
    let label = Text::from(span.name());
    // On a line of its own: five of these beside each other leave no room for both.
    let range = view! { <span class="reason">{live(range)}</span> };
    if !period.has_data {
        return view! {
            <Stat label value=move || view! { {range}<span class="muted">"–"</span> }>
                {t(words::home::NOT_COLLECTED)}
            </Stat>
        }
        .into_any();
    }
    let amount = period.cost.to_string();
    let code = currency.clone();
    let mark = match (period.basis, period.settlement) {
        (Basis::Billed, Settlement::Settled) => None,
        (Basis::Billed, Settlement::Moving) => Some((words::home::MOVING_NOTE, words::explore::MOVING)),
        _ => Some((words::home::ESTIMATED_NOTE, words::home::ESTIMATED)),
    };
    let badge = move || {
        mark.map(|(note, name)| {
            view! { <span title=move || note.get()><Badge>{t(name)}</Badge></span> }
        })
    };
    let unpriced = u64::try_from(period.unpriced).unwrap_or_default();
    let unpriced =
        (unpriced > 0).then(|| view! { <p class="reason"><a class="link" href="/explore?groupBy=model">{live(move || words::home::unpriced(unpriced))}</a></p> });
    let value = move || view! { {range}<Money amount=amount currency=code /> };
    let reason = period.driver.map(|driver| {
        let currency = currency.clone();
        view! { <p class="reason">{live(move || reason(&driver, &currency, own))}</p> }
    });
    let change = if matches!(span, Span::Today) {
        view! { <span>{t(words::home::SO_FAR)}</span> }.into_any()
    } else if period.complete {
        change(span, period.change_percent.as_deref())
    } else {
        view! { <span>{t(words::home::PARTIAL)}</span> }.into_any()
    };
    view! {
        <Stat label badge value>
            {change}
            {reason}
            {unpriced}
        </Stat>
    }
    .into_any()
}

/// The change as a sentence, with an arrow. More cost is bad.
fn change(span: Span, change_percent: Option<&str>) -> AnyView {
    let Some(direction) = direction(change_percent) else {
        return view! { <span>{t(words::home::NOTHING_BEFORE)}</span> }.into_any();
    };
    let (tone, icon) = match direction {
        Direction::Up(_) => ("bad", Icon::ArrowUp),
        Direction::Down(_) => ("good", Icon::ArrowDown),
        Direction::Same => ("flat", Icon::Minus),
    };
    let text = move || {
        let before = span.before().get();
        match direction {
            Direction::Up(value) => words::home::up(&before, &percent(value)),
            Direction::Down(value) => words::home::down(&before, &percent(value)),
            Direction::Same => words::home::same(&before),
        }
    };
    view! { <span class="change" data-tone=tone><Glyph icon size=12 />{text}</span> }.into_any()
}

/// What moved the cost most, in words.
fn reason(driver: &CostDriver, currency: &str, own: bool) -> String {
    let project = driver.project.as_ref().map(|project| project.name.as_str());
    let project = if own { None } else { Some(project.unwrap_or(words::explore::NO_PROJECT.get())) };
    let what: Vec<_> = project.into_iter().chain(driver.model.as_deref()).collect();
    let amount = money::parts(&driver.delta.0.abs().to_string(), currency).amount();
    let is_up = driver.delta.0.is_sign_positive();
    match (what.is_empty(), is_up) {
        (true, true) => words::home::reason_up_all(&amount),
        (true, false) => words::home::reason_down_all(&amount),
        (false, true) => words::home::reason_up(&amount, &what.join(" · ")),
        (false, false) => words::home::reason_down(&amount, &what.join(" · ")),
    }
}
