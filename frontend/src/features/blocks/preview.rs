//! What a block would do, before it does.

use finops_contract::blocks::{BlockMode, BlockPreview, BlockTargetType, BlockedUsage};
use leptos::prelude::*;

use super::model::services;
use super::wording::means_name;
use crate::format::{money, number::grouped};
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{Banner, Tone};

/// The most services that are named.
const NAMED: usize = 4;

/// A list of names; of a long one the first few, and how many more there are.
pub fn names_text(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(NAMED) as u64;
    if more == 0 { shown } else { words::blocks::and_more(more, &shown) }
}

/// The consequences, the worst first.
pub(super) fn consequences(preview: &BlockPreview) -> AnyView {
    let lines: Vec<_> =
        [Some(recent(&preview.day)), keys(preview), provider(preview), people(preview), Some(lifting(preview))]
            .into_iter()
            .flatten()
            .map(|line| view! { <li>{line}</li> })
            .collect();
    let headline = headline(preview);
    let tone = if preview.mode == BlockMode::Throttle { Tone::Warning } else { Tone::Danger };
    view! {
        <Banner tone>{headline}</Banner>
        <ul class="consequences">{lines}</ul>
        {going_on(preview)}
    }
    .into_any()
}

fn headline(preview: &BlockPreview) -> AnyView {
    let names: Vec<_> = services(preview).into_iter().map(|(name, _)| name).collect();
    let (count, projects) = (names.len() as u64, preview.projects.len() as u64);
    let is_throttle = preview.mode == BlockMode::Throttle;
    let first = move || match (count, projects) {
        _ if is_throttle => words::blocks::THROTTLES.get().to_owned(),
        (0, 0) => words::blocks::NOTHING_CALLS.get().to_owned(),
        (0, projects) => words::blocks::projects_stop(projects),
        (services, _) => words::blocks::services_stop(services),
    };
    let projects: Vec<_> = preview.projects.iter().map(|project| project.name.clone()).collect();
    let names = if names.is_empty() { projects } else { names };
    let named = (!names.is_empty()).then(|| view! { <p class="small">{live(move || names_text(&names))}</p> });
    view! { <p class="strong">{live(first)}</p>{named} }.into_any()
}

/// What it did lately. A sum with calls in it that have no price is the least that it was.
fn recent(day: &BlockedUsage) -> AnyView {
    let calls = grouped(&day.calls.to_string());
    let cost = money::text(&day.cost.to_string(), &day.currency);
    let is_part = day.unpriced > 0;
    live(move || {
        let cost = if is_part { format!("{} {cost}", words::budgets::AT_LEAST.get()) } else { cost.clone() };
        words::blocks::last_day(&calls, &cost)
    })
}

fn keys(preview: &BlockPreview) -> Option<AnyView> {
    let is_throttle = preview.mode == BlockMode::Throttle;
    if preview.target.kind == BlockTargetType::ApiKey {
        let word = if is_throttle { words::blocks::THIS_KEY_THROTTLED } else { words::blocks::THIS_KEY_REFUSED };
        return Some(t(word).into_any());
    }
    let keys = &preview.api_keys;
    let count = |refused: bool| keys.iter().filter(|key| key.refused == refused).count() as u64;
    let (refused, guarded) = (count(true), count(false));
    let text = move || {
        let refused = (refused > 0).then(|| words::blocks::keys_refused(refused));
        let told = if is_throttle { words::blocks::keys_throttled } else { words::blocks::keys_guarded };
        let guarded = (guarded > 0).then(|| told(guarded));
        [refused, guarded].into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    (!keys.is_empty()).then(|| live(text))
}

fn provider(preview: &BlockPreview) -> Option<AnyView> {
    let stop = &preview.provider;
    if !stop.will_clamp {
        return None;
    }
    let (ids, means) = (stop.openai_project_ids.join(", "), stop.means.first().copied());
    Some(live(move || {
        let how = means.map(|means| means_name(means).get()).unwrap_or_default();
        words::blocks::at_provider(&ids, &how)
    }))
}

fn people(preview: &BlockPreview) -> Option<AnyView> {
    let names: Vec<_> = preview.people.iter().map(|one| one.name.clone()).collect();
    (!names.is_empty()).then(|| live(move || words::blocks::concerns(&names_text(&names))))
}

fn lifting(preview: &BlockPreview) -> AnyView {
    let names: Vec<_> = preview.lifted_by.iter().map(|one| one.name.clone()).collect();
    let needs_approval = preview.needs_approval;
    live(move || {
        let who = names_text(&names);
        let text = if names.is_empty() {
            words::blocks::REVERSIBLE.get().to_owned()
        } else {
            words::blocks::reversible_by(&who)
        };
        if needs_approval { format!("{text} {}", words::blocks::NEEDS_APPROVAL.get()) } else { text }
    })
}

/// What is not stopped: nobody should think it were.
fn going_on(preview: &BlockPreview) -> Option<AnyView> {
    let lines: Vec<_> = preview.not_stopped.iter().map(|one| view! { <li>{one.text.clone()}</li> }).collect();
    (!lines.is_empty()).then(|| {
        view! {
            <div class="guide">
                <p class="strong">{t(words::blocks::GOES_ON)}</p>
                <ul class="consequences">{lines}</ul>
            </div>
        }
        .into_any()
    })
}
