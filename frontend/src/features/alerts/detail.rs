//! `/alerts/:id`: what was said, why it is likely so, and what to do now.

use finops_contract::alerts::{Alert, AlertBudget, AlertMark, AlertStatus, Compared, Grown};
use finops_contract::{Amount, Percent};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::acts::{Acts, use_acts};
use super::deliveries::AlertDeliveries;
use super::list::used;
use super::model::{link, times};
use super::wording::{about, kind_name, severity_badge, status_badge};
use crate::data::{Query, poll, section, use_told};
use crate::features::budgets::{action_name, alert_basis_name, percent_text, period_name, scope_text, span_text};
use crate::features::moment;
use crate::format::number::grouped;
use crate::format::time::{self, Show};
use crate::i18n::{Word, t, words};
use crate::reactive::{live, memo};
use crate::session;
use crate::shell;
use crate::ui::{
    Button, ButtonKind, Card, Change, Crumb, Fact, Facts, Icon, LinkButton, Money, PageHeader, Skeleton, Stat, Text,
};

/// One alert.
#[component]
pub fn AlertPage() -> AnyView {
    let params = use_params_map();
    // What is no id names nothing, which the service says best.
    let id = memo(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<Uuid>().ok())));
    let alert = use_told::<Alert>(move || Some(format!("/alerts/{}", id.get().unwrap_or_default())));
    poll(alert, 20, || true);
    let title = Text::derive(move || {
        let subject = alert.data.with(|alert| alert.as_ref().map(|alert| alert.subject.clone()));
        subject.unwrap_or_else(|| words::alerts::ALERT.get().to_owned())
    });
    let lead = Text::derive(move || {
        let text = |alert: &Alert| format!("{} · {}", about(alert), moment::exact(alert.raised_at, Show::Minute));
        alert.data.with(|alert| alert.as_ref().map(text).unwrap_or_default())
    });
    let acts = use_acts(Callback::new(move |()| alert.reload()));
    let trail = vec![Crumb { href: "/alerts", label: words::alerts::TITLE.into() }];
    view! {
        <PageHeader title lead trail actions=move || view! { {live(move || buttons(alert, acts))} } />
        {section(alert, skeleton, |alert| loaded(&alert))}
    }
    .into_any()
}

fn skeleton() -> AnyView {
    view! { <div class="card"><div class="card-body"><Skeleton shape="number" /><Skeleton shape="row" count=4 /></div></div> }
        .into_any()
}

fn buttons(alert: Query<Alert>, acts: Acts) -> Option<AnyView> {
    let (id, status, block) = alert.data.with(|alert| {
        let alert = alert.as_ref()?;
        Some((alert.id, alert.status, link(alert, "block").map(str::to_owned)))
    })?;
    let block = block.filter(|_| status != AlertStatus::Resolved).and_then(|path| {
        if shell::is_stopped(&path) {
            let href = "/blocks?status=active";
            return Some(view! { <LinkButton href icon=Icon::Stop>{t(words::blocks::SEE_ACTIVE)}</LinkButton> }.into_any());
        }
        let button = || view! { <LinkButton href=path kind=ButtonKind::Danger icon=Icon::Stop>{t(words::alerts::BLOCK_NOW)}</LinkButton> };
        session::manages().then(|| button().into_any())
    });
    let step = |to: AlertStatus, icon: Icon, word: Word| {
        view! { <Button icon busy=acts.task.busy on_press=move |_| acts.advance(id, to)>{t(word)}</Button> }
    };
    let acknowledge =
        (status == AlertStatus::Open).then(|| step(AlertStatus::Acknowledged, Icon::Eye, words::alerts::ACKNOWLEDGE));
    let resolve =
        (status != AlertStatus::Resolved).then(|| step(AlertStatus::Resolved, Icon::Check, words::alerts::RESOLVE));
    Some(view! { {acknowledge}{resolve}{block} }.into_any())
}

fn loaded(alert: &Alert) -> AnyView {
    let id = alert.id;
    view! {
        <div class="sections">
            {figures(alert)}
            <div class="split">
                <div class="sections">
                    {message(alert)}
                    {cause(alert)}
                    {session::manages().then(|| view! { <AlertDeliveries id /> })}
                </div>
                {facts(alert)}
            </div>
        </div>
    }
    .into_any()
}

/// The figures that matter, if there are any.
fn figures(alert: &Alert) -> Option<AnyView> {
    let budget = alert.budget.as_ref().map(of_budget);
    let compared = alert.compared.as_ref().map(of_usual);
    let calls = alert.cause.as_ref().map(|cause| calls(cause.calls, cause.usual_calls));
    let unpriced = alert.unpriced.as_ref().map(|of| calls_of(words::alerts::CALLS_UNPRICED, of.calls));
    (budget.is_some() || compared.is_some() || calls.is_some() || unpriced.is_some()).then(|| {
        view! {
            <section class="card" aria-label=move || words::alerts::FIGURES.get()>
                <h2 class="sr-only">{t(words::alerts::FIGURES)}</h2>
                <div class="stats">{budget}{compared}{calls}{unpriced}</div>
            </section>
        }
        .into_any()
    })
}

fn of_budget(budget: &AlertBudget) -> AnyView {
    let (amount, currency) = (budget.amount.to_string(), budget.currency.clone());
    let shown = used(budget);
    let (from, to) = (budget.from, budget.to);
    let period = period_name(budget.period);
    view! {
        <Stat label=alert_basis_name(budget.basis) value=move || shown>
            <span>{live(move || words::budgets::of_amount(&crate::format::money::parts(&amount, &currency).amount()))}</span>
            <span>{live(move || format!("{} · {}", period.get(), span_text(from, to)))}</span>
        </Stat>
    }
    .into_any()
}

fn of_usual(compared: &Compared) -> AnyView {
    let (spent, currency) = (compared.spent.to_string(), compared.currency.clone());
    let (usual, code) = (compared.usual.to_string(), compared.currency.clone());
    let day = compared.day.to_string();
    let label = Text::derive(move || time::date(&day, Show::Weekday));
    let change = compared.change.map(|change| view! { <Change percent=Some(change.to_string()) /> });
    view! {
        <Stat label value=move || view! { <Money amount=spent currency /> }>
            {change}
            <span>{t(words::alerts::USUAL)}" "<Money amount=usual currency=code /></span>
        </Stat>
    }
    .into_any()
}

fn calls(now: i64, usual: i64) -> AnyView {
    let more = times(now.into(), usual.into());
    let value = grouped(&now.to_string());
    let usual = grouped(&usual.to_string());
    let badge = more.map(|times| view! { <b class="danger">{live(move || words::alerts::times(&times))}</b> });
    view! {
        <Stat label=words::alerts::CALLS value=move || value>
            {badge}
            <span>{live(move || words::alerts::usual_calls(&usual))}</span>
        </Stat>
    }
    .into_any()
}

fn calls_of(label: Word, calls: i64) -> AnyView {
    let value = grouped(&calls.to_string());
    view! { <Stat label value=move || value>{t(words::alerts::LAST_7_DAYS)}</Stat> }.into_any()
}

/// The message as it was sent.
fn message(alert: &Alert) -> AnyView {
    let lines = alert.text.lines().filter(|line| !line.is_empty()).map(|line| view! { <p>{line.to_owned()}</p> });
    let lines = lines.collect_view();
    let subject = alert.subject.clone();
    view! {
        <Card title=words::alerts::MESSAGE note=words::alerts::MESSAGE_NOTE>
            <div class="guide stack" data-gap="8"><p class="strong">{subject}</p>{lines}</div>
        </Card>
    }
    .into_any()
}

/// What grew most.
fn cause(alert: &Alert) -> Option<AnyView> {
    let cause = alert.cause.as_ref()?;
    let parts = [
        (words::explore::PROJECT, cause.project.as_ref()),
        (words::explore::MODEL, cause.model.as_ref()),
        (words::explore::API_KEY, cause.api_key.as_ref()),
        (words::events::SERVICE, cause.service.as_ref()),
    ];
    let facts: Vec<_> = parts.into_iter().filter_map(|(label, one)| Some((label, grown(one?)))).collect();
    if facts.is_empty() {
        return None;
    }
    let facts = facts.into_iter().map(|(label, value)| view! { <Fact label>{value}</Fact> }).collect_view();
    Some(
        view! {
            <Card title=words::alerts::CAUSE note=words::alerts::CAUSE_NOTE><Facts>{facts}</Facts></Card>
        }
        .into_any(),
    )
}

fn grown(one: &Grown) -> AnyView {
    let money = |amount: Amount| view! { <Money amount=amount.to_string() currency="USD" /> };
    let more = times(one.cost.0, one.usual.0);
    let more = more.map(|times| view! { " · "<b class="danger">{live(move || words::alerts::times(&times))}</b> });
    let usual = (one.usual.0 > Decimal::ZERO).then(|| view! { " · "{t(words::alerts::USUAL)}" "{money(one.usual)} });
    view! {
        <div>
            <code>{one.name.clone()}</code>
            <div class="small muted">{money(one.cost)}{usual}{more}</div>
        </div>
    }
    .into_any()
}

fn facts(alert: &Alert) -> AnyView {
    let linked = |label: Word, href: String, name: String| {
        view! { <Fact label><a class="link" href=href>{name}</a></Fact> }.into_any()
    };
    let team = alert.team.clone().map(|team| linked(words::explore::TEAM, format!("/teams/{}", team.id), team.name));
    let project = alert.project.clone();
    let project = project.map(|it| linked(words::explore::PROJECT, format!("/projects/{}", it.id), it.name));
    let prices = link(alert, "prices").map(|path| {
        view! { <LinkButton href=path icon=Icon::Tag>{t(words::budgets::TO_UNPRICED)}</LinkButton> }
    });
    let unpriced = alert.unpriced.clone().map(|of| {
        view! { <Fact label=words::explore::MODEL>{of.provider}" · "<code>{of.model}</code></Fact> }
    });
    let budget = alert.budget.clone().map(|budget| {
        let (threshold, basis, action) = (budget.threshold, budget.basis, budget.action);
        view! {
            {linked(words::budgets::BUDGET, format!("/budgets/{}", budget.id), budget.name)}
            <Fact label=words::budgets::THRESHOLD>
                {live(move || threshold_text(threshold, alert_basis_name(basis)))}
            </Fact>
            <Fact label=words::budgets::THRESHOLD_ACTION>{t(action_name(action))}</Fact>
        }
    });
    // Its team or project is a fact of its own, with a link.
    let is_told = |id: &str| [&alert.team, &alert.project].into_iter().flatten().any(|one| one.id.to_string() == id);
    let scope = alert.scope.clone().filter(|scope| !scope.id.as_deref().is_some_and(is_told)).map(|scope| {
        view! { <Fact label=words::budgets::SCOPE>{live(move || scope_text(&scope))}</Fact> }
    });
    let acknowledged = mark(words::alerts::ACKNOWLEDGED, alert.acknowledged.as_ref());
    let resolved = mark(words::alerts::RESOLVED, alert.resolved.as_ref());
    let (severity, status, kind, raised) = (alert.severity, alert.status, alert.kind, alert.raised_at);
    view! {
        <Card title=words::alerts::DETAILS actions=move || view! { {prices} }>
            <Facts>
                <Fact label=words::alerts::SEVERITY>{severity_badge(severity)}</Fact>
                <Fact label=words::alerts::STATUS>{status_badge(status)}</Fact>
                <Fact label=words::alerts::KIND>{t(kind_name(kind))}</Fact>
                {scope}{team}{project}{unpriced}{budget}
                <Fact label=words::alerts::RAISED>{moment::at(Some(raised), words::common::NONE)}</Fact>
                {acknowledged}{resolved}
            </Facts>
        </Card>
    }
    .into_any()
}

fn threshold_text(threshold: Percent, basis: Word) -> String {
    format!("{} · {}", percent_text(threshold), basis.get())
}

/// Who did something to it; nobody where it went away by itself.
fn mark(label: Word, mark: Option<&AlertMark>) -> Option<AnyView> {
    let AlertMark { at, by } = mark?.clone();
    let by = move || by.as_ref().map_or(words::alerts::BY_ITSELF.get(), |by| &by.name).to_owned();
    Some(view! { <Fact label>{live(by)}" · "{moment::at(Some(at), words::common::NONE)}</Fact> }.into_any())
}
