//! What the bill holds for Project IDs that no project has.

use finops_contract::collector::UnattributedProject;
use leptos::prelude::*;

use super::page::TeamView;
use crate::data;
use crate::format::time::{self, Show};
use crate::i18n::{t, words};
use crate::order::sort_by;
use crate::reactive::{live, memo};
use crate::session;
use crate::ui::{Button, ButtonSize, Card, Column, CopyButton, Glyph, Icon, Money, Row, Skeleton, Table};
use crate::url::use_set_params;

/// The Project IDs, dearest first, each with the way to a project.
#[component]
pub fn UnattributedCard(
    /// The team.
    view: TeamView,
) -> AnyView {
    // Nothing to say before anything was collected.
    let collected =
        memo(move |_| view.collection.data.with(|now| now.as_ref().is_some_and(|now| now.last_success_at.is_some())));
    live(move || {
        collected.get().then(|| {
            view! {
                <Card title=words::teams::UNATTRIBUTED note=words::teams::UNATTRIBUTED_NOTE flush=true>
                    {data::section(view.collection, || view! { <Skeleton count=2 /> }.into_any(), |now| {
                        if now.unattributed.is_empty() { all_well() } else { table(now.unattributed) }
                    })}
                </Card>
            }
        })
    })
}

fn all_well() -> AnyView {
    view! {
        <p class="row all-well"><Glyph icon=Icon::Success />{t(words::teams::UNATTRIBUTED_NONE)}</p>
    }
    .into_any()
}

fn table(mut lines: Vec<UnattributedProject>) -> AnyView {
    sort_by(&mut lines, |a, b| b.cost.cmp(&a.cost));
    let manages = session::manages();
    let mut columns = vec![
        Column::text(words::teams::COLUMN_PROJECT_ID),
        Column::number(words::teams::COLUMN_COST),
        Column::number(words::teams::COLUMN_LAST_DAY),
    ];
    if manages {
        columns.push(Column::number(words::teams::COLUMN_ACTION));
    }
    let set = StoredValue::new(use_set_params());
    let connect = Callback::new(move |id: String| set.with_value(|set| set(&[("connect", Some(&id))], true)));
    let rows = Callback::new(move |()| {
        lines
            .iter()
            .map(|line| Row { linked: false, cells: cells(line, manages.then_some(connect)) })
            .collect::<Vec<_>>()
    });
    view! { <Table label=words::teams::UNATTRIBUTED columns rows /> }.into_any()
}

fn cells(line: &UnattributedProject, connect: Option<Callback<String>>) -> Vec<AnyView> {
    let day = line.last_day.to_string();
    let id = line.openai_project_id.clone();
    let name = match id.clone() {
        Some(id) => view! {
            <span class="row" data-gap="4" data-nowrap=""><code>{id.clone()}</code><CopyButton text=id size=ButtonSize::Small /></span>
        }
        .into_any(),
        None => view! {
            <div>{t(words::teams::NO_PROJECT_ID)}<p class="small muted">{t(words::teams::NO_PROJECT_ID_NOTE)}</p></div>
        }
        .into_any(),
    };
    let mut cells = vec![
        name,
        view! { <Money amount=line.cost.to_string() currency=line.currency.clone() /> }.into_any(),
        view! { <span class="nowrap">{live(move || time::date(&day, Show::Date))}</span> }.into_any(),
    ];
    if let Some(connect) = connect {
        cells.push(match id {
            Some(id) => view! {
                <Button on_press=move |_| connect.run(id.clone())>{t(words::teams::CONNECT)}</Button>
            }
            .into_any(),
            None => ().into_any(),
        });
    }
    cells
}
