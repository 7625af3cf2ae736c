//! What is stopped, at the head of every page, with the way out of it.

use finops_contract::Page;
use finops_contract::blocks::{Block, BlockMode, BlockStatus};
use leptos::prelude::*;

use super::acts::{ActDialogs, Asked, buttons};
use super::model::is_moving;
use super::wording::{by_text, marks, mode_text, target_text};
use crate::data::{poll, use_get};
use crate::features::moment;
use crate::format::time;
use crate::i18n::{t, words};
use crate::reactive::{effect, live};
use crate::shell;
use crate::ui::{Banner, LinkButton, Tone};

/// The most that have a banner each.
const SHOWN: usize = 2;

/// The banners: what waits for the reader, then what is stopped, the latest first.
#[component]
pub fn BlockBanner() -> AnyView {
    let blocks = use_get::<Page<Block>>(|| Some(shell::BLOCKS_PATH.to_owned()));
    let waiting = use_get::<Page<Block>>(|| shell::asks_for_waiting().then(|| shell::WAITING_PATH.to_owned()));
    effect(move |before: Option<u32>| {
        let now = shell::looks_for_blocks();
        if before.is_some_and(|before| before != now) {
            blocks.reload();
            waiting.reload();
        }
        now
    });
    let moving =
        move || blocks.data.with_untracked(|page| page.as_ref().is_some_and(|page| page.data.iter().any(is_moving)));
    poll(blocks, 5, moving);
    let asked: Asked = RwSignal::new(None);
    let now = time::ticking_now();
    let list = move || {
        let page = blocks.data.get()?;
        let is_cut = page.next_cursor.is_some();
        let asked_of_me = waiting.data.get().map(|page| page.data).unwrap_or_default();
        let mut all: Vec<_> = asked_of_me.into_iter().filter(|block| block.may_approve).collect();
        all.extend(page.data);
        let more = all.len().saturating_sub(SHOWN) as u64;
        let banners = all.iter().take(SHOWN).map(|block| one(block, asked, now)).collect_view();
        let rest = (more > 0).then(|| {
            let text = move || {
                if is_cut {
                    words::blocks::MORE_BLOCKED_MANY.get().to_owned()
                } else {
                    words::blocks::more_blocked(more)
                }
            };
            view! { <p><a class="link" href="/blocks">{live(text)}</a></p> }
        });
        (!all.is_empty()).then(|| {
            view! {
                <section class="stack" data-gap="8" aria-label=move || words::blocks::TITLE.get()>{banners}{rest}</section>
            }
        })
    };
    view! {
        {live(list)}
        <ActDialogs asked done=Callback::new(|()| {}) />
    }
    .into_any()
}

fn one(block: &Block, asked: Asked, now: ReadSignal<f64>) -> AnyView {
    let (target, by, mode) = (block.target.clone(), block.clone(), block.clone());
    let is_waiting = block.status == BlockStatus::Requested;
    let is_stop = block.mode == BlockMode::Stop && !is_waiting;
    let text = move || {
        let name = target_text(&target);
        match (is_waiting, is_stop) {
            (true, _) => words::blocks::asks_for_approval(&name),
            (_, true) => words::blocks::is_stopped(&name),
            _ => format!("{name} · {}", mode_text(&mode)),
        }
    };
    let (marks, reason) = (marks(block), block.reason.clone());
    let since = block.activated_at.unwrap_or(block.requested_at);
    let decide = buttons(block, asked);
    let href = format!("/blocks?block={}", block.id);
    let tone = if is_stop { Tone::Danger } else { Tone::Warning };
    view! {
        <Banner
            tone
            actions=move || view! { <LinkButton href>{t(words::blocks::SEE)}</LinkButton>{decide} }
        >
            <p class="row" data-gap="8"><b>{live(text)}</b>{marks}</p>
            // A reason may be long: all of it is a click away.
            <p class="small truncate">
                {live(move || by_text(&by))}" · "{moment::ago(Some(since), now, words::common::NONE)}" · "{reason}
            </p>
        </Banner>
    }
    .into_any()
}
