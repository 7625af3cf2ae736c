//! The lines of the list. Each is drawn once: what comes in moves the others and touches none.

use finops_contract::costs::Named;
use finops_contract::usage::UsageEvent;
use leptos::ev::{KeyboardEvent, MouseEvent, PointerEvent};
use leptos::prelude::*;

use super::log::Log;
use super::model::{self, End, Line, quantity};
use super::wording::{cost, unit_name};
use crate::features::moment;
use crate::format::number::grouped;
use crate::format::time::Show;
use crate::i18n::{Word, t, words};
use crate::reactive::{live, memo};
use crate::ui::dom::{all_within, rove};
use crate::ui::{Badge, Button, Glyph, Icon, Tone, density};
use crate::url::{query, use_set_params};

const COLUMNS: [(Word, bool); 8] = [
    (words::events::TIME, false),
    (words::explore::PROJECT, false),
    (words::events::SERVICE, false),
    (words::explore::MODEL, false),
    (words::events::IN, true),
    (words::events::OUT, true),
    (words::events::LATENCY, true),
    (words::events::COST, true),
];

/// The lines, and the way to more of them.
pub(super) fn table(log: Log) -> AnyView {
    let body = NodeRef::<leptos::html::Tbody>::new();
    let keys = move |event: KeyboardEvent| {
        if let Some(body) = body.get_untracked() {
            rove(&event, &all_within(&body, ".row-link"), ["ArrowUp", "ArrowDown"]);
        }
    };
    // A finger does not hover: it would hold the list for ever.
    let over = move |event: PointerEvent| {
        if event.pointer_type() == "mouse" {
            log.hovered.set(true);
        }
    };
    let head = COLUMNS.map(|(word, end)| view! { <th scope="col" data-align=end.then_some("end")>{t(word)}</th> });
    view! {
        <div
            class="table-scroll"
            tabindex="0"
            role="group"
            aria-label=move || words::events::TITLE.get()
            on:pointerenter=over
            on:pointerleave=move |_| log.hovered.set(false)
        >
            <table class="table" data-density=density data-cards="">
                <thead><tr>{head}</tr></thead>
                <tbody node_ref=body on:keydown=keys>
                    <For each=move || log.lines.get().rows key=Line::key let(line)>{row(line)}</For>
                </tbody>
            </table>
        </div>
        {foot(log)}
    }
    .into_any()
}

fn foot(log: Log) -> AnyView {
    let end = memo(move |_| log.lines.with(|lines| lines.end.clone()));
    live(move || {
        let content = match end.get() {
            End::Whole => return None,
            End::More(_) => {
                let wrong = log.more.text();
                view! {
                    <span class="field-error" role="status">{live(move || wrong.get())}</span>
                    <Button busy=log.more.busy on_press=move |_| log.ask_for_more()>{t(words::events::MORE)}</Button>
                }
                .into_any()
            }
            End::Cut => {
                let most = grouped(&model::MOST.to_string());
                view! { <span>{live(move || words::events::cut(&most))}</span> }.into_any()
            }
        };
        Some(view! { <div class="pager">{content}</div> })
    })
}

fn row(line: Line) -> AnyView {
    let event = &*line.event;
    let set = StoredValue::new(use_set_params());
    let id = event.event_id.clone();
    let href = format!("/events{}", query(&[("event", Some(&id))]));
    let open = move |press: MouseEvent| {
        // With a key held the browser opens the address elsewhere.
        if !(press.ctrl_key() || press.meta_key() || press.shift_key()) {
            press.prevent_default();
            set.with_value(|set| set(&[("event", Some(&id))], false));
        }
    };
    let at = event.timestamp;
    let cells = [
        view! {
            <a class="row-link nowrap" href=href data-noscroll="" on:click=open>
                <time datetime=at.to_rfc3339()>{live(move || moment::exact(at, Show::Moment))}</time>
            </a>
        }
        .into_any(),
        project(event.project.as_ref()),
        optional(event.service.clone()),
        model_cell(event),
        amount_in(event),
        amount_out(event),
        optional(event.response_time.map(latency)),
        cost(event),
    ];
    let cells = cells.into_iter().zip(COLUMNS).map(|(cell, (word, end))| {
        view! { <td data-align=end.then_some("end") data-label=move || word.get()>{cell}</td> }
    });
    view! { <tr data-link="" data-new=line.new.then_some("")>{cells.collect_view()}</tr> }.into_any()
}

/// Milliseconds with their unit.
pub(super) fn latency(milliseconds: u32) -> String {
    format!("{} ms", grouped(&milliseconds.to_string()))
}

fn optional(text: Option<String>) -> AnyView {
    text.map_or_else(|| view! { <span class="muted">"–"</span> }.into_any(), IntoAny::into_any)
}

/// A project's name.
pub(super) fn project(project: Option<&Named>) -> AnyView {
    let Some(project) = project.cloned() else {
        return view! { <span class="muted">{t(words::explore::NO_PROJECT)}</span> }.into_any();
    };
    if project.deleted {
        return live(move || words::explore::deleted(&project.name));
    }
    project.name.into_any()
}

fn model_cell(event: &UsageEvent) -> AnyView {
    let failed = event.failed.then(|| {
        view! { " "<Badge tone=Tone::Danger><Glyph icon=Icon::Failure size=12 />{t(words::events::FAILED)}</Badge> }
    });
    view! { <span>{event.model.clone()}{failed}</span> }.into_any()
}

fn amount_in(event: &UsageEvent) -> AnyView {
    match (model::tokens(event, false), event.unsplit_tokens.filter(|count| *count > 0)) {
        (None, Some(count)) => {
            let count = grouped(&count.to_string());
            live(move || words::events::unsplit(&count))
        }
        (tokens, _) => optional(tokens),
    }
}

/// What came out: tokens, or what was made instead of tokens.
fn amount_out(event: &UsageEvent) -> AnyView {
    let other: Vec<_> = event.units.iter().filter(|(kind, _)| !kind.is_token()).map(|(kind, n)| (*kind, n.0)).collect();
    match model::tokens(event, true) {
        None if !other.is_empty() => live(move || {
            let text = other.iter().map(|(kind, n)| format!("{} {}", unit_name(*kind).get(), quantity(*n)));
            text.collect::<Vec<_>>().join(" · ")
        }),
        tokens => optional(tokens),
    }
}
