//! `/blocks`: what is stopped and what was. `/block/:target`: the question before, over the same page.

use finops_contract::Page;
use finops_contract::blocks::{Block, BlockStatus, BlockTargetType};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};

use super::acts::{ActDialogs, Asked, buttons};
use super::detail::details;
use super::dialog::{Answer, BlockDialog};
use super::model::{is_moving, is_waiting, read_target, way_back};
use super::wording::{badges, by_text, status_name, target_kind, target_text};
use crate::data::{self, poll, use_get};
use crate::features::moment;
use crate::format::time;
use crate::i18n::{t, words};
use crate::reactive::{effect, live, memo};
use crate::shell;
use crate::ui::{
    Button, ButtonKind, Card, Column, DensityMenu, EmptyKind, EmptyState, Glyph, Icon, PageHeader, Pager, Row, Select,
    Skeleton, Table,
};
use crate::url::{query, use_field, use_param, use_set_params};

/// The parameters that narrow the list.
const FILTERS: [&str; 3] = ["status", "targetType", "cursor"];

/// The question, over the list.
#[component]
pub fn BlockPage() -> AnyView {
    let params = use_params_map();
    let target = memo(move |_| params.with(|params| read_target(&params.get("target").unwrap_or_default())));
    let alert = use_param("alert");
    let alert = memo(move |_| alert.with(|alert| alert.as_deref().and_then(|alert| alert.parse().ok())));
    let navigate = StoredValue::new(use_navigate());
    let done = Callback::new(move |answer: Answer| {
        let to = match answer {
            Answer::Blocked => "/blocks".to_owned(),
            Answer::Left(team) => way_back(target.get_untracked(), alert.get_untracked(), team),
        };
        // Going back must not ask again.
        navigate.with_value(|go| go(&to, NavigateOptions { replace: true, ..NavigateOptions::default() }));
    });
    live(move || match target.get() {
        Some(target) => {
            let alert = alert.get();
            view! { <BlocksPage /><BlockDialog target alert done /> }.into_any()
        }
        None => view! {
            <PageHeader title=words::blocks::TITLE />
            <div class="card"><EmptyState kind=EmptyKind::Missing /></div>
        }
        .into_any(),
    })
}

/// The list.
#[component]
pub fn BlocksPage() -> AnyView {
    let params = FILTERS.map(use_param);
    let blocks = use_get::<Page<Block>>(move || {
        let values = params.map(|param| param.get());
        let asked: Vec<_> = FILTERS.into_iter().zip(values.iter().map(Option::as_deref)).collect();
        Some(format!("/blocks{}", query(&asked)))
    });
    let lively = move || {
        let any = |page: &Page<Block>| page.data.iter().any(|block| is_moving(block) || is_waiting(block));
        blocks.data.with_untracked(|page| page.as_ref().is_some_and(any))
    };
    poll(blocks, 5, lively);
    // What is lifted or approved in the banner.
    effect(move |before: Option<u32>| {
        let now = shell::looks_for_blocks();
        if before.is_some_and(|before| before != now) {
            blocks.reload();
        }
        now
    });
    let asked: Asked = RwSignal::new(None);
    let again = RwSignal::new(0u32);
    let done = Callback::new(move |()| {
        blocks.reload();
        again.update(|again| *again += 1);
    });
    let narrow = Signal::derive(move || params.iter().take(2).any(|param| param.with(Option::is_some)));
    let set = use_set_params();
    let clear = Callback::new(move |()| set(&FILTERS.map(|name| (name, None)), false));
    let next = Signal::derive(move || blocks.data.with(|page| page.as_ref()?.next_cursor.clone()));
    let skeleton = || view! { <div class="pad"><Skeleton shape="row" count=5 /></div> }.into_any();
    let list = move |page: Page<Block>| {
        if page.data.is_empty() { nothing(narrow.get_untracked(), clear) } else { table(page.data, asked) }
    };
    view! {
        <PageHeader title=words::blocks::TITLE lead=words::blocks::LEAD />
        <div class="stack">
            {filters(narrow, clear)}
            <Card
                title=words::blocks::HISTORY
                flush=true
                actions=move || view! { <div class="toolbar end wide-only"><DensityMenu /></div> }
            >
                {data::section(blocks, skeleton, list)}
                <Pager next />
            </Card>
        </div>
        {details(asked, again)}
        <ActDialogs asked done />
    }
    .into_any()
}

fn filters(narrow: Signal<bool>, clear: Callback<()>) -> AnyView {
    let all = |choices: Vec<(String, String)>| {
        std::iter::once((String::new(), words::budgets::ALL.get().to_owned())).chain(choices).collect::<Vec<_>>()
    };
    let states = Signal::derive(move || {
        all(BlockStatus::ALL.iter().map(|one| (one.name().to_owned(), status_name(*one).2.get().to_owned())).collect())
    });
    let kinds = Signal::derive(move || {
        let kinds = BlockTargetType::ALL.iter();
        all(kinds.map(|one| (one.name().to_owned(), target_kind(*one).1.get().to_owned())).collect())
    });
    view! {
        <div class="log-filters" role="group" aria-label=move || words::explore::FILTERS.get()>
            <Select label=words::alerts::STATUS value=use_field("status") choices=states />
            <Select label=words::blocks::TARGET value=use_field("targetType") choices=kinds />
            {live(move || narrow.get().then(|| view! {
                <Button kind=ButtonKind::Ghost icon=Icon::Close on_press=move |_| clear.run(())>
                    {t(words::common::CLEAR_FILTERS)}
                </Button>
            }))}
        </div>
    }
    .into_any()
}

fn nothing(narrow: bool, clear: Callback<()>) -> AnyView {
    if narrow {
        return view! {
            <EmptyState
                kind=EmptyKind::NoMatch
                actions=move || view! {
                    <Button on_press=move |_| clear.run(())>{t(words::common::CLEAR_FILTERS)}</Button>
                }
            />
        }
        .into_any();
    }
    view! {
        <EmptyState kind=EmptyKind::NoData title=words::blocks::EMPTY_TITLE body=words::blocks::EMPTY_BODY />
    }
    .into_any()
}

fn table(blocks: Vec<Block>, asked: Asked) -> AnyView {
    let now = time::ticking_now();
    let columns = vec![
        Column::text(words::blocks::TARGET),
        Column::text(words::alerts::STATUS),
        Column::text(words::blocks::WHY),
        Column::text(words::alerts::WHEN),
        Column::text(words::blocks::ENDED),
    ];
    let rows = Callback::new(move |()| blocks.iter().map(|block| row(block, asked, now)).collect::<Vec<_>>());
    view! { <Table label=words::blocks::HISTORY columns rows /> }.into_any()
}

fn row(block: &Block, asked: Asked, now: ReadSignal<f64>) -> Row {
    let set = StoredValue::new(use_set_params());
    let id = block.id;
    let open = move |press: leptos::ev::MouseEvent| {
        // With a key held the browser opens the address elsewhere.
        if !(press.ctrl_key() || press.meta_key() || press.shift_key()) {
            press.prevent_default();
            set.with_value(|set| set(&[("block", Some(&id.to_string()))], false));
        }
    };
    let target = block.target.clone();
    let icon = target_kind(target.kind).0;
    let team = block.team.clone().map(|team| view! { <div class="small muted">{team.name}</div> });
    let head = view! {
        <div>
            <span class="row" data-gap="4">
                <Glyph icon />
                <a class="row-link" href=format!("/blocks?block={id}") data-noscroll="" on:click=open>
                    {live(move || target_text(&target))}
                </a>
            </span>
            {team}
        </div>
    };
    let by = block.clone();
    let why = view! {
        <div>
            <span>{block.reason.clone()}</span>
            <div class="small muted">{live(move || by_text(&by))}</div>
        </div>
    };
    let cells = vec![
        head.into_any(),
        badges(block),
        why.into_any(),
        moment::ago(Some(block.activated_at.unwrap_or(block.requested_at)), now, words::common::NONE),
        ended(block, asked, now),
    ];
    Row { linked: true, cells }
}

/// Who ended it and when; while it lasts, what the reader may decide.
fn ended(block: &Block, asked: Asked, now: ReadSignal<f64>) -> AnyView {
    let Some(at) = block.lifted_at else {
        return view! { <span class="row" data-gap="4">{buttons(block, asked)}</span> }.into_any();
    };
    let by = block.lifted_by.clone().map(|by| view! { <span>{by.name}" · "</span> });
    view! { <span>{by}{moment::ago(Some(at), now, words::common::NONE)}</span> }.into_any()
}
