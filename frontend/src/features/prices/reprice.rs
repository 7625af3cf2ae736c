//! Pricing past events anew: choose which, look at the difference, then apply it. And what was done before.

use finops_contract::Page;
use finops_contract::reprices::{Reprice, RepriceState};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::draft::Range;
use super::page::View;
use super::provider::ProviderField;
use super::report::ReportCard;
use crate::api;
use crate::data::{self, Query, Task, use_get};
use crate::features::explore::wording::provider_name;
use crate::features::moment;
use crate::format::number::grouped;
use crate::format::time::Show;
use crate::i18n::{Word, t, words};
use crate::reactive::{effect, live, memo};
use crate::ui::{
    Badge, Button, ButtonKind, Card, Column, EmptyKind, EmptyState, Form, FormActions, Pager, Row, Skeleton, Table,
    TextField, Tone,
};
use crate::url::{query, use_param, use_set_params};

/// The tab.
#[component]
pub fn RepricePanel(
    /// The page.
    view: View,
) -> AnyView {
    let run = use_param("run");
    let cursor = use_param("cursor");
    let runs: Query<Page<Reprice>> =
        use_get(move || Some(format!("/prices/reprices{}", query(&[("cursor", cursor.get().as_deref())]))));
    effect(move |before: Option<()>| {
        view.changed.track();
        if before.is_some() {
            runs.reload();
        }
    });
    let known = memo(move |_| run.with(|run| run.as_deref().and_then(|id| id.parse::<uuid::Uuid>().ok())));
    let next = Signal::derive(move || runs.data.with(|page| page.as_ref()?.next_cursor.clone()));
    let skeleton = || view! { <div class="pad"><Skeleton shape="row" count=3 /></div> }.into_any();
    view! {
        <div class="sections">
            <RangeCard runs />
            {live(move || known.get().map(|id| view! { <ReportCard id view /> }))}
            <Card title=words::prices::RUNS note=words::prices::RUNS_NOTE flush=true>
                {data::section(runs, skeleton, move |page| {
                    if page.data.is_empty() {
                        view! { <EmptyState kind=EmptyKind::NoData title=words::prices::RUNS_EMPTY /> }.into_any()
                    } else {
                        table(page.data)
                    }
                })}
                <Pager next />
            </Card>
        </div>
    }
    .into_any()
}

/// What the form holds.
#[derive(Clone, Copy)]
struct Fields {
    since: RwSignal<String>,
    until: RwSignal<String>,
    provider: RwSignal<String>,
    model: RwSignal<String>,
}

/// Which events, and the dry run. It begins with what the URL names.
#[component]
fn RangeCard(runs: Query<Page<Reprice>>) -> AnyView {
    let params = ["since", "until", "provider", "model"].map(use_param);
    let values = params.map(|param| RwSignal::new(param.get_untracked().unwrap_or_default()));
    // The values alone follow: a form made anew would lose the focus.
    for (param, value) in params.into_iter().zip(values) {
        effect(move |_| value.set(param.get().unwrap_or_default()));
    }
    let [since, until, provider, model] = values;
    let fields = Fields { since, until, provider, model };
    view! {
        <Card title=words::prices::REPRICE note=words::prices::REPRICE_NOTE><RangeForm fields runs /></Card>
    }
    .into_any()
}

#[component]
fn RangeForm(fields: Fields, runs: Query<Page<Reprice>>) -> AnyView {
    let set = StoredValue::new(use_set_params());
    let task = Task::new();
    let submit = move |()| {
        let range = Range {
            first_day: fields.since.get_untracked(),
            last_day: fields.until.get_untracked(),
            provider: fields.provider.get_untracked(),
            model: fields.model.get_untracked(),
        };
        let request = match range.read(moment::start_of, moment::end_of) {
            Ok(request) => request,
            Err(wrong) => {
                task.refuse(&wrong);
                return;
            }
        };
        task.run(async move { api::post::<Reprice>("/prices/reprice", &request).await }, move |begun| {
            runs.reload();
            let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            let [since, until, provider, model] =
                [&range.first_day, &range.last_day, &range.provider, &range.model].map(|it| text(it));
            let run = begun.id.to_string();
            let changes = [
                ("run", Some(run.as_str())),
                ("since", since.as_deref()),
                ("until", until.as_deref()),
                ("provider", provider.as_deref()),
                ("model", model.as_deref()),
                ("cursor", None),
            ];
            set.try_with_value(|set| set(&changes, false));
        });
    };
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            <div class="grid">
                <TextField label=words::prices::FROM value=fields.since kind="date" error=task.field("/from") />
                <TextField label=words::prices::TO value=fields.until kind="date" error=task.field("/to") hint=words::prices::TO_HINT />
                <ProviderField value=fields.provider none=words::prices::PROVIDER_ALL error=task.field("/provider") />
                <TextField
                    label=words::prices::MODEL
                    value=fields.model
                    placeholder="gpt-5.4"
                    error=task.field("/model")
                    mono=true
                    optional=true
                />
            </div>
            <FormActions>
                <Button kind=ButtonKind::Secondary submit=true busy=task.busy>{t(words::prices::DRY_RUN)}</Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

/// Where a run stands: what that means, and what it is called.
pub(super) const fn state(run: &Reprice) -> (Tone, Word) {
    use words::prices as w;
    match (run.state, run.apply) {
        (RepriceState::Running, _) => (Tone::Info, w::RUN_RUNNING),
        (RepriceState::Failed, _) => (Tone::Danger, w::RUN_FAILED),
        (RepriceState::Done, true) => (Tone::Success, w::RUN_APPLIED),
        (RepriceState::Done, false) => (Tone::Neutral, w::RUN_LOOKED_AT),
    }
}

/// The days that a run is about.
pub(super) fn span(run: &Reprice) -> String {
    // The end is the first instant that is no part of it.
    let last = run.to - chrono::TimeDelta::milliseconds(1);
    format!("{} – {}", moment::exact(run.from, Show::Date), moment::exact(last, Show::Date))
}

/// What of these days it is about.
pub(super) fn scope(run: &Reprice) -> String {
    let provider = run.provider.as_deref().map(provider_name);
    match (provider, run.model.as_deref()) {
        (Some(provider), Some(model)) => format!("{provider} · {model}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => words::prices::EVERYTHING.get().to_owned(),
    }
}

fn table(runs: Vec<Reprice>) -> AnyView {
    let columns = vec![
        Column::text(words::prices::REQUESTED),
        Column::text(words::prices::RANGE),
        Column::text(words::prices::SCOPE),
        Column::text(words::prices::STATE),
        Column::number(words::prices::EVENTS_CHANGED),
        Column::text(words::prices::REQUESTED_BY),
    ];
    let location = use_location();
    let rows = Callback::new(move |()| {
        let path = location.pathname.get_untracked();
        let row = |run: &Reprice| {
            let params = [("tab", Some("reprice".to_owned())), ("run", Some(run.id.to_string()))];
            let params: Vec<_> = params.iter().map(|(name, value)| (*name, value.as_deref())).collect();
            row(run, format!("{path}{}", query(&params)))
        };
        runs.iter().map(row).collect::<Vec<_>>()
    });
    view! { <Table label=words::prices::RUNS columns rows /> }.into_any()
}

fn row(run: &Reprice, href: String) -> Row {
    let (tone, word) = state(run);
    let (created, of_span, of_scope) = (run.created_at, run.clone(), run.clone());
    let created = live(move || moment::exact(created, Show::Minute));
    let cells = vec![
        view! { <a class="row-link nowrap" href=href data-noscroll="">{created}</a> }.into_any(),
        view! { <span class="nowrap">{live(move || span(&of_span))}</span> }.into_any(),
        live(move || scope(&of_scope)),
        view! { <Badge tone>{t(word)}</Badge> }.into_any(),
        grouped(&run.totals.changed.to_string()).into_any(),
        run.requested_by.clone().into_any(),
    ];
    Row { linked: true, cells }
}
