//! One block: why, how it stands at the provider, who decides, and everything that happened to it.

use finops_contract::blocks::{Block, BlockDetail, BlockEntry, ProviderStop};
use leptos::prelude::*;

use super::acts::{Asked, buttons};
use super::model::{is_moving, is_waiting};
use super::wording::{
    badges, by_text, ending, means_name, mode_text, restoration, step, stop_failure, stop_name, target_text,
};
use crate::data::{poll, section, use_told};
use crate::features::drawer::drawer;
use crate::features::moment;
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::{effect, live};
use crate::ui::{Badge, Banner, Fact, Facts, Glyph, Skeleton, Tone};
use crate::url::escape;

/// The drawer; read anew when `again` changes.
pub(super) fn details(asked: Asked, again: RwSignal<u32>) -> AnyView {
    drawer("block", words::blocks::TITLE, move |id| {
        let detail = use_told::<BlockDetail>(move || Some(format!("/blocks/{}", escape(&id))));
        effect(move |before: Option<u32>| {
            let now = again.get();
            if before.is_some_and(|before| before != now) {
                detail.reload();
            }
            now
        });
        let lively = move || {
            let moves = |it: &BlockDetail| is_moving(&it.block) || is_waiting(&it.block);
            detail.data.with_untracked(|it| it.as_ref().is_some_and(moves))
        };
        poll(detail, 5, lively);
        let skeleton = || view! { <Skeleton shape="row" count=6 /> }.into_any();
        section(detail, skeleton, move |detail| shown(&detail, asked))
    })
}

fn shown(detail: &BlockDetail, asked: Asked) -> AnyView {
    let block = &detail.block;
    let target = block.target.clone();
    let steps = detail.history.iter().map(entry).collect_view();
    view! {
        <div class="stack" data-gap="24">
            <div class="stack" data-gap="8">
                <p class="strong">{live(move || target_text(&target))}</p>
                {badges(block)}
                <div class="row">{buttons(block, asked)}</div>
            </div>
            {waits(block)}
            {facts(block)}
            {provider(&block.provider)}
            <section class="stack" data-gap="8">
                <h3>{t(words::blocks::COURSE)}</h3>
                <ol class="picks">{steps}</ol>
            </section>
        </div>
    }
    .into_any()
}

/// What a second person has to decide.
fn waits(block: &Block) -> Option<AnyView> {
    if !is_waiting(block) {
        return None;
    }
    let (by, why, word) = match &block.lift_request {
        Some(lift) => (lift.by.as_ref().map(|by| by.name.clone()), lift.reason.clone(), words::blocks::LIFT_WAITS_BODY),
        None => {
            (block.requested_by.as_ref().map(|by| by.name.clone()), block.reason.clone(), words::blocks::WAITS_BODY)
        }
    };
    let by = by.unwrap_or_default();
    let view = view! {
        <Banner tone=Tone::Warning>
            <p>{t(word)}</p>
            <p class="small">{live(move || words::blocks::asked_by(&by, &why))}</p>
        </Banner>
    };
    Some(view.into_any())
}

fn facts(block: &Block) -> AnyView {
    let (by, mode, reason) = (block.clone(), block.clone(), block.reason.clone());
    let at = |at| moment::at(at, words::common::NONE);
    let (asked, since) = (at(Some(block.requested_at)), at(block.activated_at));
    let decided = block.decided_by.clone().map(|by| view! { <Fact label=words::blocks::DECIDED_BY>{by.name}</Fact> });
    let alert = block.alert_id.map(|id| {
        view! {
            <Fact label=words::alerts::ALERT>
                <a class="link" href=format!("/alerts/{id}")>{t(words::alerts::OPEN_ALERT)}</a>
            </Fact>
        }
    });
    let budget = block.budget_id.map(|id| {
        view! {
            <Fact label=words::budgets::BUDGET>
                <a class="link" href=format!("/budgets/{id}")>{t(words::budgets::PROJECT_BUDGETS)}</a>
            </Fact>
        }
    });
    let ended = block.ended.map(|one| view! { <Fact label=words::blocks::ENDED>{t(ending(one))}</Fact> });
    let lifted = block.lifted_at.map(|when| {
        let by = block.lifted_by.as_ref().map(|by| format!("{} · ", by.name));
        view! { <Fact label=words::blocks::LIFTED_AT>{by}{at(Some(when))}</Fact> }
    });
    let lift_reason = block.lift_reason.clone().map(|why| view! { <Fact label=words::blocks::LIFT_WHY>{why}</Fact> });
    let restored =
        block.restoration.map(|one| view! { <Fact label=words::blocks::PUT_BACK>{t(restoration(one))}</Fact> });
    let project_id = block.openai_project_id.clone().map(|id| {
        view! { <Fact label=words::teams::PROJECT_ID><code>{id}</code></Fact> }
    });
    view! {
        <Facts>
            <Fact label=words::blocks::MODE>{live(move || mode_text(&mode))}</Fact>
            <Fact label=words::blocks::REASON>{reason}</Fact>
            <Fact label=words::blocks::BY>{live(move || by_text(&by))}</Fact>
            <Fact label=words::blocks::ASKED_AT>{asked}</Fact>
            <Fact label=words::blocks::SINCE>{since}</Fact>
            {decided}{alert}{budget}{project_id}{ended}{lifted}{lift_reason}{restored}
        </Facts>
    }
    .into_any()
}

/// How it stands at the provider, by Project ID.
fn provider(stops: &[ProviderStop]) -> Option<AnyView> {
    if stops.is_empty() {
        return None;
    }
    let items = stops.iter().map(stop).collect_view();
    Some(
        view! {
            <section class="stack" data-gap="8"><h3>"OpenAI"</h3><ul class="picks">{items}</ul></section>
        }
        .into_any(),
    )
}

fn stop(stop: &ProviderStop) -> AnyView {
    let (tone, icon, word) = stop_name(stop.state);
    let means = stop.means.map(|means| view! { <span class="small muted">{t(means_name(means))}</span> });
    let failed = stop.clone();
    let alone = u64::try_from(stop.left_alone).ok().filter(|count| *count > 0);
    let alone =
        alone.map(|count| view! { <span class="small">{live(move || words::blocks::left_alone(count))}</span> });
    let since = stop.changed_at;
    view! {
        <li class="pick">
            <span class="pick-text">
                <span class="row" data-gap="4">
                    <code>{stop.openai_project_id.clone()}</code>
                    <Badge tone><Glyph icon size=12 />{t(word)}</Badge>
                    <time class="small muted" datetime=since.to_rfc3339()>{live(move || moment::exact(since, Show::Minute))}</time>
                </span>
                {means}
                <span class="small">{live(move || stop_failure(&failed))}</span>
                {alone}
            </span>
        </li>
    }
    .into_any()
}

fn entry(entry: &BlockEntry) -> AnyView {
    let what = match step(&entry.action) {
        Some(word) => t(word).into_any(),
        None => view! { <code>{entry.action.clone()}</code> }.into_any(),
    };
    let (at, by) = (entry.at, entry.actor.clone());
    let by = move || if by.kind == "system" { words::audit::BY_SYSTEM.get().to_owned() } else { by.name.clone() };
    let why = entry.reason.clone().map(|why| view! { <span class="small muted">{why}</span> });
    view! {
        <li class="pick">
            <span class="pick-text">
                <span class="strong">{what}</span>
                <span class="small muted">
                    {live(by)}" · "
                    <time datetime=at.to_rfc3339()>{live(move || moment::exact(at, Show::Second))}</time>
                </span>
                {why}
            </span>
        </li>
    }
    .into_any()
}
