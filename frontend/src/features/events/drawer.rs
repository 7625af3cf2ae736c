//! Everything that is known of one event, beside the list.

use finops_contract::costs::CostState;
use finops_contract::usage::UsageEvent;
use leptos::prelude::*;
use serde::Deserialize;
use uuid::Uuid;

use super::log::Log;
use super::model::{self, quantity};
use super::table::{latency, project};
use super::wording::{reason, resolution_text, state_badge, unit_name};
use crate::data::{self, use_get};
use crate::features::explore::wording::provider_name;
use crate::features::projects::model::environment_name;
use crate::features::{self, moment};
use crate::format::number::grouped;
use crate::format::time::Show;
use crate::i18n::{Word, t, words};
use crate::reactive::{live, memo};
use crate::ui::{Badge, ButtonSize, CopyButton, Fact, Facts, Glyph, Icon, LinkButton, Money, Skeleton, Tone};
use crate::url::{escape, query};

/// The drawer.
pub(super) fn drawer(log: Log) -> AnyView {
    let known = memo(move |_| {
        let id = log.opened.get()?;
        log.lines.with_untracked(|lines| {
            let line = lines.rows.iter().find(|line| line.event.event_id == id);
            line.map(|line| (*line.event).clone())
        })
    });
    // A link may lead to what the list does not show.
    let asked = use_get::<UsageEvent>(move || {
        let id = log.opened.get().filter(|_| known.with(Option::is_none))?;
        Some(format!("/usage-events/{}", escape(&id)))
    });
    let skeleton = || view! { <Skeleton shape="row" count=6 /> }.into_any();
    let content = move |_| match known.get() {
        Some(event) => details(&event),
        None => data::section(asked, skeleton, |event| details(&event)),
    };
    features::drawer::drawer("event", words::events::EVENT, content)
}

fn details(event: &UsageEvent) -> AnyView {
    view! {
        <div class="stack" data-gap="24">
        {head(event)}
        {price(event)}
        {units(event)}
        {place(event)}
        {people(event)}
        {timing(event)}
        {json(words::events::ALLOCATION, model::pretty(event.cost_allocation.as_ref()))}
        {json(words::events::METADATA, model::pretty(event.metadata.as_ref()))}
        </div>
    }
    .into_any()
}

fn head(event: &UsageEvent) -> AnyView {
    let amount = event.cost.filter(|_| event.state != CostState::Free).map(|cost| {
        view! { <b><Money amount=cost.to_string() currency=event.currency.clone() /></b> }
    });
    let failed = event.failed.then(|| {
        view! { <Badge tone=Tone::Danger><Glyph icon=Icon::Failure size=12 />{t(words::events::FAILED)}</Badge> }
    });
    let id = event.event_id.clone();
    view! {
        <div class="stack" data-gap="8">
            <p class="sum">{amount}{state_badge(event.state)}{failed}</p>
            <p class="row" data-gap="4">
                <span class="muted">{t(words::events::ID)}</span>
                <code>{id.clone()}</code>
                <CopyButton text=id size=ButtonSize::Small />
            </p>
        </div>
    }
    .into_any()
}

/// A group of facts under its heading, unless there is none.
fn group(title: Word, facts: Vec<(Word, AnyView)>) -> Option<AnyView> {
    let facts: Vec<_> =
        facts.into_iter().map(|(label, value)| view! { <Fact label=label>{value}</Fact> }.into_any()).collect();
    let any = !facts.is_empty();
    any.then(|| {
        view! { <section class="stack" data-gap="8"><h3>{t(title)}</h3><Facts>{facts}</Facts></section> }.into_any()
    })
}

fn text(label: Word, value: Option<&String>) -> Option<(Word, AnyView)> {
    value.map(|value| (label, value.clone().into_any()))
}

fn code(label: Word, value: Option<String>) -> Option<(Word, AnyView)> {
    value.map(|value| (label, view! { <code>{value}</code> }.into_any()))
}

fn price(event: &UsageEvent) -> Option<AnyView> {
    let money = |amount: String| view! { <Money amount currency=event.currency.clone() /> }.into_any();
    let reported = event.reported_cost.map(|cost| (words::events::REPORTED, money(cost.to_string())));
    let ours = match event.cost {
        Some(cost) => money(cost.to_string()),
        None => view! { <span class="muted">{t(words::common::UNKNOWN)}</span> }.into_any(),
    };
    let mut facts = vec![(words::events::OURS, ours)];
    facts.extend(reported);
    let book = |model: &str| {
        let href = format!("/pricebook{}", query(&[("model", Some(model))]));
        view! { <LinkButton href icon=Icon::ArrowRight>{t(words::events::TO_PRICE)}</LinkButton> }.into_any()
    };
    match event.resolution.as_deref().map(|text| (text, model::resolution(text))) {
        Some((_, Some(found))) => {
            let link = book(&found.model);
            let region = found.region.clone();
            facts.push((words::events::PRICED_AS, view! { <code>{found.model.clone()}</code> }.into_any()));
            facts.extend(code(words::events::REGION, region));
            facts.push((words::events::FOUND_BY, live(move || resolution_text(&found))));
            facts.push((words::events::PRICE, link));
        }
        Some((why, None)) => {
            facts.push((words::events::WHY, t(reason(why)).into_any()));
            facts.push((words::events::PRICE, book(&event.model)));
        }
        None => {}
    }
    group(words::events::COST, facts)
}

fn units(event: &UsageEvent) -> Option<AnyView> {
    let number = |text: String| view! { <span class="strong">{text}</span> }.into_any();
    let kinds = event.units.iter().map(|(kind, amount)| (unit_name(*kind), number(quantity(amount.0))));
    let unsplit = event.unsplit_tokens.filter(|count| *count > 0);
    let unsplit = unsplit.map(|count| (words::events::UNSPLIT_TOKENS, number(grouped(&count.to_string()))));
    group(words::events::UNITS, kinds.chain(unsplit).collect())
}

fn place(event: &UsageEvent) -> Option<AnyView> {
    let link = match &event.project {
        Some(named) if !named.deleted => {
            let href = format!("/projects/{}", named.id);
            view! { <a class="link" href=href>{named.name.clone()}</a> }.into_any()
        }
        other => project(other.as_ref()),
    };
    let facts = [
        Some((words::explore::PROJECT, link)),
        event.environment.map(|it| (words::projects::ENVIRONMENT, t(environment_name(it)).into_any())),
        text(words::events::SERVICE, event.service.as_ref()),
        Some((words::explore::PROVIDER, provider_name(&event.provider).to_owned().into_any())),
        code(words::explore::MODEL, Some(event.model.clone())),
        text(words::events::TIER, event.service_tier.as_ref()),
        text(words::events::REGION, event.region.as_ref()),
        event.api_key_id.map(|id| (words::explore::API_KEY, api_key(id))),
    ];
    group(words::events::PLACE, facts.into_iter().flatten().collect())
}

/// What is shown of a key.
#[derive(Clone, PartialEq, Deserialize)]
struct KeyName {
    name: String,
    masked: String,
}

/// A key by the name that people know it by; by its id while that is not known, and where it is not the reader's to see.
fn api_key(id: Uuid) -> AnyView {
    let key = use_get::<KeyName>(move || Some(format!("/api-keys/{id}")));
    live(move || match key.data.get() {
        Some(key) => view! {
            <span title=id.to_string()>{key.name}" "<code class="small muted">{key.masked}</code></span>
        }
        .into_any(),
        None => view! { <code>{id.to_string()}</code> }.into_any(),
    })
}

fn people(event: &UsageEvent) -> Option<AnyView> {
    let tags = (!event.tags.is_empty()).then(|| {
        let tags = event.tags.iter().cloned().map(|tag| view! { <Badge>{tag}</Badge> }).collect_view();
        (words::events::TAG, view! { <span class="row" data-gap="4">{tags}</span> }.into_any())
    });
    let facts = [
        text(words::events::USER, event.user_id.as_ref()),
        text(words::events::LEARNER, event.learner_id.as_ref()),
        text(words::events::SESSION, event.session_id.as_ref()),
        text(words::events::TASK, event.task_type.as_ref()),
        text(words::events::INTENT, event.intent.as_ref()),
        text(words::events::OUTCOME, event.outcome.as_ref()),
        event.feedback_score.map(|score| (words::events::SCORE, quantity(score.0).into_any())),
        tags,
    ];
    group(words::events::PEOPLE, facts.into_iter().flatten().collect())
}

fn timing(event: &UsageEvent) -> Option<AnyView> {
    let at = |label: Word, at: chrono::DateTime<chrono::Utc>| {
        Some((
            label,
            view! { <time datetime=at.to_rfc3339()>{live(move || moment::exact(at, Show::Second))}</time> }.into_any(),
        ))
    };
    let facts = [
        at(words::events::TIME, event.timestamp),
        at(words::events::RECEIVED, event.received_at),
        event.response_time.map(|taken| (words::events::LATENCY, latency(taken).into_any())),
        text(words::events::STATUS, event.status.as_ref()),
        code(words::events::SOURCE, Some(event.source.clone())),
        code(words::events::IP, event.ip.clone()),
        text(words::events::AGENT, event.user_agent.as_ref()),
    ];
    group(words::events::CALL, facts.into_iter().flatten().collect())
}

fn json(title: Word, json: Option<String>) -> Option<AnyView> {
    json.map(|json| {
        let copied = json.clone();
        view! {
            <section class="stack" data-gap="8">
                <div class="spread"><h3>{t(title)}</h3><CopyButton text=copied size=ButtonSize::Small /></div>
                <pre class="guide table-scroll" tabindex="0" role="group" aria-label=move || title.get()><code>{json}</code></pre>
            </section>
        }
        .into_any()
    })
}
