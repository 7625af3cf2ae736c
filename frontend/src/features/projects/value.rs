//! The value tab: what the project cost beside what came of its calls.

use finops_contract::value::{ProjectIntents, ProjectValue, Value};
use leptos::prelude::*;
use uuid::Uuid;

use super::record::{guide, record_card};
use super::value_model::{MOST_DAYS, PerDay, is_silent, per_day, sure};
use super::value_table::{by_intent, by_model, by_task_type};
use crate::data::{Query, section, use_get};
use crate::features::budgets::{basis_badge, basis_name, figure, unknown_banner};
use crate::features::worth::{mean_text, not_recorded, number, per_success, rate_text};
use crate::format::time;
use crate::i18n::{t, words};
use crate::period::{Period, Preset, today, use_period, use_set_period};
use crate::reactive::{live, memo};
use crate::shell::period_note;
use crate::ui::{
    Button, Card, Chart, ChartKind, Choice, EmptyKind, EmptyState, Money, SegmentedControl, Skeleton, Stat, Text,
};

/// The tab.
#[component]
pub fn ValueTab(
    /// The project.
    id: Uuid,
) -> AnyView {
    let period = use_period();
    let fits = memo(move |_| period.get().days() <= MOST_DAYS);
    let value =
        use_get::<ProjectValue>(move || fits.get().then(|| format!("/projects/{id}/value?{}", period.get().query())));
    // Read by itself: it is found out from the calls, and may come later than the sums.
    let intents = use_get::<ProjectIntents>(move || {
        fits.get().then(|| format!("/projects/{id}/value/intents?{}", period.get().query()))
    });
    // Outlive the chart, which is drawn anew for every period.
    let (shown, as_table) = (RwSignal::new(PerDay::Cost.name().to_owned()), RwSignal::new(false));
    live(move || {
        if fits.get() {
            return section(value, skeleton, move |value| loaded(value, intents, shown, as_table));
        }
        too_long()
    })
}

fn skeleton() -> AnyView {
    view! {
        <div class="card"><div class="card-body"><Skeleton shape="number" /><Skeleton shape="chart" /></div></div>
    }
    .into_any()
}

/// Costs can be looked at for longer.
fn too_long() -> AnyView {
    let set = use_set_period();
    let narrow = move |_| set(Preset::Quarter.period(today()), Some(Preset::Quarter));
    view! {
        <div class="card">
            <EmptyState
                kind=EmptyKind::NoMatch
                title=words::value::TOO_LONG
                actions=move || view! { <Button on_press=narrow>{t(words::explore::LAST_90)}</Button> }
            />
        </div>
    }
    .into_any()
}

fn loaded(
    value: ProjectValue,
    intents: Query<ProjectIntents>,
    shown: RwSignal<String>,
    as_table: RwSignal<bool>,
) -> AnyView {
    let id = value.project.id;
    if is_silent(&value) {
        return view! {
            <div class="sections">
                <div class="card"><EmptyState kind=EmptyKind::NoData body=words::value::SILENT /></div>
                {record_card(id)}
            </div>
        }
        .into_any();
    }
    let unknown =
        (!value.complete).then(|| unknown_banner(value.unknown_days, value.total.unpriced, &value.unconverted));
    let is_measured = value.total.outcomes > 0 || value.total.feedback_scores > 0;
    let ask = (!is_measured).then(|| record_card(id));
    let again = is_measured.then(|| guide(id));
    view! {
        <div class="sections">
            {unknown}
            <section class="card" aria-label=move || words::value::TOTAL.get()>{stats(&value)}</section>
            {ask}
            {days(&value, shown, as_table)}
            {by_task_type(&value)}
            {by_what(intents)}
            {by_model(&value)}
            {again}
        </div>
    }
    .into_any()
}

/// By intent, where calls say what they are for. That it is read is not worth a place; that it cannot be is.
fn by_what(intents: Query<ProjectIntents>) -> AnyView {
    live(move || match intents.data.get() {
        Some(found) => by_intent(found).into_any(),
        None if intents.error.with(Option::is_some) => {
            let body = section(intents, || ().into_any(), |_| ().into_any());
            view! { <Card title=words::value::BY_INTENT>{body}</Card> }.into_any()
        }
        None => ().into_any(),
    })
}

fn stats(value: &ProjectValue) -> AnyView {
    let total = &value.total;
    view! {
        <h2 class="sr-only">{t(words::value::TOTAL)}</h2>
        <div class="stats">{cost(value)}{calls(total)}{rate(total)}{one_success(value)}{feedback(total)}</div>
    }
    .into_any()
}

fn cost(value: &ProjectValue) -> AnyView {
    let total = &value.total;
    let (amount, basis) = (figure(total.cost, "USD", sure(value.complete)), total.basis);
    let is_known = total.cost.is_some();
    let parts = (value.by_basis.len() > 1).then_some(&value.by_basis).into_iter().flatten().map(|part| {
        let amount = part.cost.to_string();
        view! { <p class="reason"><Money amount currency="USD" bare=true />" · "{t(basis_name(part.basis).0)}</p> }
    });
    let parts = parts.collect_view();
    view! {
        <Stat label=words::explore::COST value=move || amount badge=move || is_known.then(|| basis_badge(basis))>
            {parts}
        </Stat>
    }
    .into_any()
}

fn calls(total: &Value) -> AnyView {
    let failed = total.failed_calls.map(number);
    let text = move || match &failed {
        Some(failed) => words::value::failed_calls(failed),
        None => words::value::NO_CALLS.get().to_owned(),
    };
    let calls = total.calls.map_or_else(not_recorded, |calls| number(calls).into_any());
    view! { <Stat label=words::value::CALLS value=move || calls>{live(text)}</Stat> }.into_any()
}

fn rate(total: &Value) -> AnyView {
    let value = total.success_rate.map_or_else(not_recorded, |rate| rate_text(rate).into_any());
    let made_of = total.successes.zip(total.failures).map(|(successes, failures)| {
        let rest = total.outcomes - successes - failures;
        (number(successes), number(failures), (rest > 0).then(|| number(rest)))
    });
    let text = move || match &made_of {
        None => words::value::NO_OUTCOMES.get().to_owned(),
        Some((successes, failures, None)) => words::value::success_and_failure(failures, successes),
        Some((successes, failures, Some(rest))) => words::value::success_failure_rest(failures, rest, successes),
    };
    view! { <Stat label=words::value::SUCCESS_RATE value=move || value>{live(text)}</Stat> }.into_any()
}

fn one_success(value: &ProjectValue) -> AnyView {
    let total = &value.total;
    let amount = per_success(total.cost_per_success, sure(value.complete));
    let why = match (total.cost_per_success.is_some(), total.successes, total.cost) {
        (true, ..) => words::value::PER_SUCCESS_NOTE,
        (false, None, _) => words::value::NO_OUTCOMES,
        (false, Some(0), _) => words::value::NO_SUCCESS,
        (false, Some(_), _) => words::value::COST_UNKNOWN,
    };
    view! { <Stat label=words::value::PER_SUCCESS value=move || amount>{t(why)}</Stat> }.into_any()
}

fn feedback(total: &Value) -> AnyView {
    let mean = total.feedback_mean.map_or_else(not_recorded, |mean| mean_text(mean).into_any());
    let scores = u64::try_from(total.feedback_scores).unwrap_or_default();
    let text = move || if scores > 0 { words::value::scores(scores) } else { words::value::NO_SCORES.get().to_owned() };
    view! { <Stat label=words::value::FEEDBACK value=move || mean>{live(text)}</Stat> }.into_any()
}

fn days(value: &ProjectValue, shown: RwSignal<String>, as_table: RwSignal<bool>) -> AnyView {
    let set_period = use_set_period();
    let on_range = Callback::new(move |(first, last): (String, String)| {
        if let (Ok(from), Ok(last)) = (first.parse(), last.parse::<chrono::NaiveDate>()) {
            set_period(Period { from, to: last.succ_opt().unwrap_or(last) }, None);
        }
    });
    let has_success = value.by_day.iter().any(|day| day.value.cost_per_success.is_some());
    let zone = value.time_zone.clone();
    let (days, today) = (value.by_day.clone(), time::today(&zone));
    let chosen = memo(move |_| {
        let wanted = shown.with(|shown| PerDay::from_name(shown));
        if has_success { wanted } else { PerDay::Cost }
    });
    let plot = Signal::derive(move || {
        let per = chosen.get();
        per_day(&days, &today, per, name(per).get())
    });
    let choose = move || {
        has_success.then(|| {
            let choices = PerDay::ALL.map(|per| Choice::new(per.name(), name(per))).to_vec();
            let value = Signal::derive(move || chosen.get().name().to_owned());
            view! {
                <SegmentedControl label=words::value::BY_DAY choices value on_change=move |name: &'static str| shown.set(name.to_owned()) />
            }
        })
    };
    let (total, sure) = (value.total.clone(), sure(value.complete));
    let sum = move || {
        let per = chosen.get();
        let whole = match per {
            PerDay::Cost => figure(total.cost, "USD", sure),
            PerDay::Success => per_success(total.cost_per_success, sure),
        };
        view! { <span class="muted">{t(name(per))}{period_note()}</span><b>{whole}</b> }
    };
    let note = Text::derive(move || words::value::zone_note(&zone));
    view! {
        <Card title=words::value::BY_DAY note actions=choose>
            <div class="stack">
                <p class="sum">{live(sum)}</p>
                <Chart label=words::value::BY_DAY kind=ChartKind::Line plot on_range as_table />
            </div>
        </Card>
    }
    .into_any()
}

const fn name(per: PerDay) -> crate::i18n::Word {
    match per {
        PerDay::Cost => words::explore::COST,
        PerDay::Success => words::value::PER_SUCCESS,
    }
}
