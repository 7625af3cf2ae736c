//! The list of changes, by day. Each unfolds into what was before and what is since.

use finops_contract::audit::{Actor, AuditEntry};
use leptos::prelude::*;
use serde_json::Value;

use super::model::{self, Difference};
use crate::features::moment;
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::{live, memo};
use crate::ui::{Badge, Button, ButtonKind, ButtonSize, CopyButton, Fact, Facts, Glyph, Icon, dom};
use crate::url::{use_param, use_set_params};

/// The changes.
pub fn log(entries: Vec<AuditEntry>) -> AnyView {
    let list = move || {
        let mut days: Vec<(String, Vec<AuditEntry>)> = Vec::new();
        for entry in &entries {
            let day = moment::exact(entry.at, Show::Date);
            match days.last_mut() {
                Some((last, entries)) if *last == day => entries.push(entry.clone()),
                _ => days.push((day, vec![entry.clone()])),
            }
        }
        let group = |(day, entries): (String, Vec<AuditEntry>)| {
            let rows = entries.into_iter().map(|entry| view! { <Entry entry /> });
            view! {
                <section class="log-day">
                    <h2 class="log-date">{day}</h2>
                    <ul>{rows.collect_view()}</ul>
                </section>
            }
        };
        days.into_iter().map(group).collect_view()
    };
    view! { <div class="log">{live(list)}</div> }.into_any()
}

#[component]
fn Entry(entry: AuditEntry) -> AnyView {
    let opened = use_param("entry");
    let set = StoredValue::new(use_set_params());
    let id = entry.id.to_string();
    let body_id = dom::unique_id("entry");
    let open = {
        let id = id.clone();
        memo(move |_| opened.with(|opened| opened.as_deref() == Some(&id)))
    };
    let toggle = move |_| {
        let to = (!open.get_untracked()).then_some(id.as_str());
        set.with_value(|set| set(&[("entry", to)], true));
    };
    let at = entry.at;
    let name = entry.target_name.clone().filter(|name| !name.is_empty());
    let what = {
        let code = entry.action.clone();
        move || model::action(&code).map_or_else(|| code.clone(), |word| word.get().to_owned())
    };
    let controls = body_id.clone();
    let actor = actor(&entry.actor);
    view! {
        <li class="log-entry">
            <button
                class="log-head"
                type="button"
                aria-expanded=move || open.get().to_string()
                aria-controls=move || open.get().then(|| controls.clone())
                on:click=toggle
            >
                <time class="log-time" datetime=at.to_rfc3339()>{live(move || moment::exact(at, Show::Clock))}</time>
                <span class="log-what"><span class="strong">{what}</span>{name.map(|name| view! { <span class="log-target">{name}</span> })}</span>
                <span class="log-who">{actor}</span>
                <Glyph icon=Icon::ChevronDown size=12 />
            </button>
            {live(move || open.get().then(|| view! {
                <div class="log-body" id=body_id.clone()>{details(&entry)}</div>
            }))}
        </li>
    }
    .into_any()
}

fn actor(actor: &Actor) -> AnyView {
    let name = actor.name.clone();
    match actor.kind.as_str() {
        "system" => view! { <Badge>{t(words::audit::BY_SYSTEM)}</Badge><span>{name}</span> }.into_any(),
        "cli" => view! { <Badge>{t(words::audit::BY_CLI)}</Badge> }.into_any(),
        _ => view! { <span>{name}</span> }.into_any(),
    }
}

fn details(entry: &AuditEntry) -> AnyView {
    let differences = model::differences(entry.before.as_ref(), entry.after.as_ref());
    let set = StoredValue::new(use_set_params());
    let target = entry.target_id.map(|id| id.to_string());
    let (at, action) = (entry.at, entry.action.clone());
    let request = entry.request_id.clone().map(|id| {
        view! {
            <Fact label=words::audit::REQUEST>
                <span class="row" data-gap="4"><code>{id.clone()}</code><CopyButton text=id size=ButtonSize::Small /></span>
            </Fact>
        }
    });
    let ip = entry.ip.clone().map(|ip| view! { <Fact label=words::audit::IP><code>{ip}</code></Fact> });
    view! {
        {if differences.is_empty() {
            view! { <p class="muted">{t(words::audit::NO_DETAILS)}</p> }.into_any()
        } else {
            table(differences)
        }}
        <Facts>
            <Fact label=words::audit::AT>{live(move || moment::exact(at, Show::Second))}</Fact>
            <Fact label=words::audit::ACTION_CODE><code>{action}</code></Fact>
            {ip}
            {request}
        </Facts>
        {target.map(|target| view! {
            <div>
                <Button
                    kind=ButtonKind::Secondary
                    icon=Icon::Filter
                    on_press=move |_| {
                        set.with_value(|set| set(&[("target", Some(&target)), ("entry", None), ("cursor", None)], false));
                    }
                >
                    {t(words::audit::ONLY_TARGET_BUTTON)}
                </Button>
            </div>
        })}
    }
    .into_any()
}

fn table(differences: Vec<Difference>) -> AnyView {
    let rows = differences.into_iter().map(|difference| {
        let (before, after) = (difference.before, difference.after);
        view! {
            <tr>
                <th scope="row"><code>{difference.path}</code></th>
                <td data-side="before" data-label=move || words::audit::BEFORE.get()>{live(move || shown(before.as_ref()))}</td>
                <td data-side="after" data-label=move || words::audit::AFTER.get()>{live(move || shown(after.as_ref()))}</td>
            </tr>
        }
    });
    view! {
        <table class="diff">
            <thead>
                <tr>
                    <th scope="col">{t(words::audit::FIELD)}</th>
                    <th scope="col">{t(words::audit::BEFORE)}</th>
                    <th scope="col">{t(words::audit::AFTER)}</th>
                </tr>
            </thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
    .into_any()
}

/// A value as people read it.
fn shown(value: Option<&Value>) -> AnyView {
    let absent = || view! { <span class="muted">{t(words::audit::ABSENT)}</span> }.into_any();
    match value {
        None | Some(Value::Null) => absent(),
        Some(Value::Bool(true)) => t(words::audit::YES).into_any(),
        Some(Value::Bool(false)) => t(words::audit::NO).into_any(),
        Some(Value::String(text)) if text.is_empty() => {
            view! { <span class="muted">{t(words::audit::EMPTY_TEXT)}</span> }.into_any()
        }
        Some(Value::String(text)) => text.clone().into_any(),
        Some(other) => other.to_string().into_any(),
    }
}
