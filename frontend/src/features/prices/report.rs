//! What pricing anew comes to, by model and project: followed while it runs, applied once somebody has seen it.

use finops_contract::reprices::{Reprice, RepriceDifference, RepriceReport, RepriceRequest, RepriceState, RepriceSums};
use leptos::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::model;
use super::page::View;
use super::reprice::{scope, span, state};
use crate::api;
use crate::data::{self, Task, use_get};
use crate::features::explore::wording::provider_name;
use crate::format::money;
use crate::format::number::grouped;
use crate::i18n::{t, words};
use crate::reactive::{effect, live, memo};
use crate::ui::{
    Badge, Banner, Button, ButtonKind, Card, Column, ConfirmDialog, Dot, EmptyKind, EmptyState, Money, Row, Skeleton,
    Stat, Table, Text, Tone, toast,
};
use crate::url::use_set_params;

/// Seconds between two looks at a run.
const FOLLOW: u64 = 2;

/// One run.
#[component]
pub fn ReportCard(
    /// The run.
    id: Uuid,
    /// The page.
    view: View,
) -> AnyView {
    let report = use_get::<RepriceReport>(move || Some(format!("/prices/reprices/{id}")));
    let runs = memo(move |_| {
        report.data.with(|one| one.as_ref().is_some_and(|one| one.reprice.state == RepriceState::Running))
    });
    data::poll(report, FOLLOW, move || runs.get_untracked());
    // What it changed is seen in the other lists once it is done, which it may be at the first look.
    let done = memo(move |_| {
        report.data.with(|one| one.as_ref().is_some_and(|one| one.reprice.state != RepriceState::Running))
    });
    effect(move |before: Option<bool>| {
        let now = done.get();
        if before == Some(false) && now {
            view.tell();
        }
        now
    });
    let asking = RwSignal::new(false);
    let skeleton = || view! { <div class="pad"><Skeleton shape="row" count=4 /></div> }.into_any();
    let said = memo(move |_| report.data.with(|one| one.as_ref().map(|one| one.reprice.clone())));
    let note = Text::derive(move || {
        said.with(|run| run.as_ref().map(|run| format!("{} · {}", span(run), scope(run))).unwrap_or_default())
    });
    let badge = move || {
        live(move || {
            said.get().map(|run| {
                let (tone, word) = state(&run);
                view! { <Badge tone>{t(word)}</Badge> }
            })
        })
    };
    view! {
        <Card title=words::prices::REPORT note actions=badge flush=true>
            {data::section(report, skeleton, move |report| content(report, asking))}
        </Card>
        {live(move || said.get().filter(can_apply).map(|run| view! { <ApplyDialog run open=asking view /> }))}
    }
    .into_any()
}

/// Whether a run has shown a difference that is not made yet.
fn can_apply(run: &Reprice) -> bool {
    run.state == RepriceState::Done && !run.apply && run.totals.changed > 0
}

fn content(report: RepriceReport, asking: RwSignal<bool>) -> AnyView {
    let RepriceReport { reprice, differences } = report;
    let currency = reprice.currency.clone();
    let can_apply = can_apply(&reprice);
    view! {
        <div class="stack pad">{progress(&reprice)}{sums(&reprice.totals, &currency)}</div>
        {if differences.is_empty() { nothing(reprice.state) } else { table(differences, currency) }}
        {can_apply.then(|| view! {
            <div class="card-foot">
                <span>{t(words::prices::APPLY_NOTE)}</span>
                <Button kind=ButtonKind::Primary on_press=move |_| asking.set(true)>{t(words::prices::APPLY)}</Button>
            </div>
        })}
    }
    .into_any()
}

fn progress(run: &Reprice) -> AnyView {
    let seen = run.totals.events;
    match run.state {
        RepriceState::Running => view! {
            <p class="row" role="status">
                <Dot tone=Tone::Info live=true />
                {live(move || words::prices::run_progress(&grouped(&seen.to_string())))}
            </p>
        }
        .into_any(),
        RepriceState::Failed => {
            view! { <Banner tone=Tone::Danger>{t(words::prices::RUN_FAILED_BODY)}</Banner> }.into_any()
        }
        RepriceState::Done if run.apply => {
            view! { <Banner tone=Tone::Success>{t(words::prices::RUN_APPLIED_BODY)}</Banner> }.into_any()
        }
        RepriceState::Done => ().into_any(),
    }
}

fn nothing(state: RepriceState) -> AnyView {
    match state {
        RepriceState::Done => {
            view! { <EmptyState kind=EmptyKind::NoMatch title=words::prices::NO_DIFFERENCE body=words::prices::NO_DIFFERENCE_BODY /> }
                .into_any()
        }
        RepriceState::Running | RepriceState::Failed => ().into_any(),
    }
}

fn amount(amount: Decimal, currency: &str) -> AnyView {
    view! { <Money amount=amount.to_string() currency=currency.to_owned() /> }.into_any()
}

/// More with its sign: less has one of its own.
fn change(sums: &RepriceSums, currency: &str) -> AnyView {
    let Some(change) = model::difference(sums) else { return t(words::common::UNKNOWN).into_any() };
    let plus = (change > Decimal::ZERO).then_some("+");
    view! { <span class="nowrap">{plus}{amount(change, currency)}</span> }.into_any()
}

/// A cost, unless nothing of it is known.
fn known(cost: Decimal, unpriced: i64, currency: &str) -> AnyView {
    if cost.is_zero() && unpriced > 0 { t(words::events::STATE_UNPRICED).into_any() } else { amount(cost, currency) }
}

fn counts(before: i64, after: i64) -> String {
    format!("{} → {}", grouped(&before.to_string()), grouped(&after.to_string()))
}

fn sums(totals: &RepriceSums, currency: &str) -> AnyView {
    let (events, changed) = (totals.events, totals.changed);
    let (before, after) = (amount(totals.cost_before.0, currency), amount(totals.cost_after.0, currency));
    let difference = change(totals, currency);
    let unpriced = counts(totals.unpriced_before, totals.unpriced_after);
    view! {
        <div class="stats">
            <Stat label=words::prices::COST_BEFORE value=move || before>
                <span>{live(move || words::prices::of_events(&grouped(&events.to_string())))}</span>
            </Stat>
            <Stat label=words::prices::COST_AFTER value=move || after>
                <span>{live(move || words::prices::events_change(&grouped(&changed.to_string())))}</span>
            </Stat>
            <Stat label=words::prices::DIFFERENCE value=move || difference>
                <span>{t(words::prices::AGAINST_NOW)}</span>
            </Stat>
            <Stat label=words::prices::UNPRICED_EVENTS value=move || unpriced>
                <span>{t(words::prices::BEFORE_AFTER)}</span>
            </Stat>
        </div>
    }
    .into_any()
}

fn table(differences: Vec<RepriceDifference>, currency: String) -> AnyView {
    let columns = vec![
        Column::text(words::prices::MODEL),
        Column::text(words::prices::PROJECT),
        Column::number(words::prices::EVENTS_CHANGED),
        Column::number(words::prices::COST_BEFORE),
        Column::number(words::prices::COST_AFTER),
        Column::number(words::prices::DIFFERENCE),
        Column::number(words::prices::UNPRICED_EVENTS),
    ];
    let rows = Callback::new(move |()| differences.iter().map(|one| row(one, &currency)).collect::<Vec<_>>());
    view! { <Table label=words::prices::REPORT columns rows /> }.into_any()
}

fn row(one: &RepriceDifference, currency: &str) -> Row {
    let project = match one.project.clone() {
        Some(project) if project.deleted => live(move || words::explore::deleted(&project.name)),
        Some(project) => project.name.into_any(),
        None => t(words::explore::NO_PROJECT).into_any(),
    };
    let sums = &one.sums;
    let cells = vec![
        view! {
            <span><code class="strong">{one.model.clone()}</code>" "<span class="muted">{provider_name(&one.provider).to_owned()}</span></span>
        }
        .into_any(),
        project,
        grouped(&sums.changed.to_string()).into_any(),
        known(sums.cost_before.0, sums.unpriced_before, currency),
        known(sums.cost_after.0, sums.unpriced_after, currency),
        change(sums, currency),
        view! { <span class="nowrap">{counts(sums.unpriced_before, sums.unpriced_after)}</span> }.into_any(),
    ];
    Row { linked: false, cells }
}

#[component]
fn ApplyDialog(run: Reprice, open: RwSignal<bool>, view: View) -> AnyView {
    let set = StoredValue::new(use_set_params());
    let task = Task::new();
    let request = RepriceRequest {
        from: run.from,
        to: run.to,
        provider: run.provider.clone(),
        model: run.model.clone(),
        apply: true,
    };
    let confirm = Callback::new(move |()| {
        let request = request.clone();
        task.run(async move { api::post::<Reprice>("/prices/reprice", &request).await }, move |begun| {
            open.set(false);
            toast::done(words::prices::APPLY_BEGUN.get_untracked());
            view.tell();
            let run = begun.id.to_string();
            set.try_with_value(|set| set(&[("run", Some(&run)), ("cursor", None)], false));
        });
    });
    let currency = run.currency.clone();
    let costs = (run.totals.cost_before.to_string(), run.totals.cost_after.to_string());
    let changed = run.totals.changed;
    let consequences = vec![
        Text::derive(move || words::prices::apply_1(&grouped(&changed.to_string()))),
        Text::derive(move || {
            let text = |amount: &str| money::text(amount, &currency);
            words::prices::apply_2(&text(&costs.1), &text(&costs.0))
        }),
        words::prices::APPLY_3.into(),
    ];
    view! {
        <ConfirmDialog
            open
            title=words::prices::APPLY_TITLE
            consequences
            confirm=words::prices::APPLY
            kind=ButtonKind::Primary
            busy=task.busy
            error=task.text()
            on_confirm=confirm
        />
    }
    .into_any()
}
