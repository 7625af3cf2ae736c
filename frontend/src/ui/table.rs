//! Tables: sorted by the URL, as dense as the reader likes, a list of cards where there is no room.

use std::sync::LazyLock;

use leptos::prelude::*;

use super::Text;
use super::button::{Button, ButtonSize, IconButton};
use super::icon::{Glyph, Icon};
use super::menu::{Menu, MenuItem};
use super::param::ParamSelect;
use crate::i18n::{t, words};
use crate::reactive::{live, memo};
use crate::storage;
use crate::url::{use_param, use_set_params};

/// How high rows are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Density {
    /// 32 pixels.
    Small,
    /// 44 pixels.
    #[default]
    Medium,
    /// 56 pixels.
    Large,
}

impl Density {
    const ALL: [Density; 3] = [Density::Small, Density::Medium, Density::Large];

    const fn name(self) -> &'static str {
        match self {
            Density::Small => "s",
            Density::Medium => "m",
            Density::Large => "l",
        }
    }
}

static DENSITY: LazyLock<ArcRwSignal<Density>> = LazyLock::new(|| {
    let stored = storage::get("density");
    let density = Density::ALL.into_iter().find(|density| Some(density.name()) == stored.as_deref());
    ArcRwSignal::new(density.unwrap_or_default())
});

/// The height of rows that was chosen, as `data-density` of a table; follows it.
pub fn density() -> &'static str {
    DENSITY.get().name()
}

/// Chooses the height of rows, for all tables.
#[component]
pub fn DensityMenu() -> AnyView {
    view! {
        <Menu class="button" label=words::common::DENSITY end=true button=|| view! { <Glyph icon=Icon::Rows /> }>
            {Density::ALL.map(|choice| {
                let word = match choice {
                    Density::Small => words::common::DENSITY_S,
                    Density::Medium => words::common::DENSITY_M,
                    Density::Large => words::common::DENSITY_L,
                };
                view! {
                    <MenuItem
                        label=word
                        checked=Signal::derive(move || DENSITY.get() == choice)
                        on_press=move |()| {
                            storage::set("density", choice.name());
                            DENSITY.set(choice);
                        }
                    />
                }
            }).collect_view()}
        </Menu>
    }
    .into_any()
}

/// A column.
#[derive(Clone, Copy)]
pub struct Column {
    /// Its name in the URL, if rows can be sorted by it.
    pub sort: Option<&'static str>,
    /// Its heading.
    pub label: Text,
    /// Numbers stand at the end.
    pub end: bool,
}

impl Column {
    /// A column of texts.
    pub fn text(label: impl Into<Text>) -> Column {
        Column { sort: None, label: label.into(), end: false }
    }

    /// A column of numbers.
    pub fn number(label: impl Into<Text>) -> Column {
        Column { end: true, ..Column::text(label) }
    }

    /// The same, sortable.
    pub fn by(self, sort: &'static str) -> Column {
        Column { sort: Some(sort), ..self }
    }
}

/// A row. One with a link is a link as a whole; its first cell holds the `a.row-link`.
pub struct Row {
    /// Whether the first cell holds a link for the whole row.
    pub linked: bool,
    /// Its cells, one a column.
    pub cells: Vec<AnyView>,
}

/// What rows are sorted by: `?sort=cost`, `?sort=-cost` for the greatest first.
#[derive(Clone, Copy)]
pub struct Sort {
    default: &'static str,
    key: Memo<(String, bool)>,
    set: Callback<&'static str>,
}

impl Sort {
    /// The column's name, and whether the greatest comes first; follows the URL.
    pub fn get(self) -> (String, bool) {
        self.key.get()
    }
}

/// Reads the order of rows from the URL.
pub fn use_sort(default: &'static str) -> Sort {
    let param = use_param("sort");
    let set = use_set_params();
    let split = |text: &str| text.strip_prefix('-').map_or((text.to_owned(), false), |rest| (rest.to_owned(), true));
    let key = memo(move |_| param.with(|param| split(param.as_deref().unwrap_or(default))));
    let set = Callback::new(move |column: &'static str| {
        let (now, down) = key.get_untracked();
        // Numbers are looked at from the greatest, names from the first.
        let first_down = default.starts_with('-') && column != "name";
        let next = match (now == column, down) {
            (true, true) => column.to_owned(),
            (true, false) => format!("-{column}"),
            (false, _) if first_down => format!("-{column}"),
            (false, _) => column.to_owned(),
        };
        set(&[("sort", Some(&next).filter(|next| *next != default).map(String::as_str))], true);
    });
    Sort { default, key, set }
}

/// A table.
#[component]
pub fn Table(
    /// What it lists, for assistive technology.
    #[prop(into)]
    label: Text,
    /// Its columns.
    columns: Vec<Column>,
    /// What it is sorted by.
    #[prop(into, optional)]
    sort: Option<Sort>,
    /// Made again when what it reads changes.
    rows: Callback<(), Vec<Row>>,
    /// Stays a table on narrow screens.
    #[prop(optional)]
    wide: bool,
) -> AnyView {
    let order = sort.filter(|_| !wide).map(|sort| order(sort, &columns));
    let head = columns.iter().copied().map(|column| {
        let sorted = move || {
            let (key, down) = sort?.get();
            (Some(key.as_str()) == column.sort).then_some(if down { "descending" } else { "ascending" })
        };
        let content = match (column.sort, sort) {
            (Some(key), Some(sort)) => view! {
                <button class="sort" type="button" on:click=move |_| sort.set.run(key)>
                    {live(move || column.label.get())}
                    {live(move || {
                        let up = sorted() == Some("ascending");
                        view! { <Glyph icon=if up { Icon::ArrowUp } else { Icon::ArrowDown } size=12 /> }
                    })}
                </button>
            }
            .into_any(),
            _ => live(move || column.label.get()),
        };
        view! { <th scope="col" aria-sort=sorted data-align=column.end.then_some("end")>{content}</th> }
    });
    let head = head.collect_view();
    let body = move || {
        let rows = rows.run(()).into_iter().map(|row| {
            let cells = row.cells.into_iter().zip(&columns).map(|(cell, column)| {
                let label = column.label;
                view! { <td data-align=column.end.then_some("end") data-label=move || label.get()>{cell}</td> }
            });
            view! { <tr data-link=row.linked.then_some("")>{cells.collect_view()}</tr> }
        });
        rows.collect_view()
    };
    view! {
        {order}
        // What scrolls must be reachable without a pointer. No landmark: the section around it may have the same name.
        <div class="table-scroll" tabindex="0" role="group" aria-label=move || label.get()>
            <table class="table" data-density=density data-cards=(!wide).then_some("")>
                <thead><tr>{head}</tr></thead>
                <tbody>{live(body)}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// What stands for the heads of the columns where rows are cards.
fn order(sort: Sort, columns: &[Column]) -> Option<AnyView> {
    let columns: Vec<_> = columns.iter().filter_map(|column| Some((column.sort?, column.label))).collect();
    let choices = {
        let columns = columns.clone();
        Signal::derive(move || {
            let both = columns.iter().flat_map(|(key, label)| {
                let label = label.get();
                [
                    (format!("-{key}"), words::common::sort_down(&label)),
                    ((*key).to_owned(), words::common::sort_up(&label)),
                ]
            });
            both.collect::<Vec<_>>()
        })
    };
    let default = Signal::stored(sort.default.to_owned());
    (!columns.is_empty()).then(|| {
        view! {
            <div class="table-order"><ParamSelect name="sort" label=words::common::SORT choices default /></div>
        }
        .into_any()
    })
}

/// Steps through the pages of a list. The page is in the URL; the way back is remembered here.
#[component]
pub fn Pager(
    /// `nextCursor` of the page that is shown.
    #[prop(into)]
    next: Signal<Option<String>>,
) -> AnyView {
    let cursor = use_param("cursor");
    let set = StoredValue::new(use_set_params());
    let before = RwSignal::new(Vec::<Option<String>>::new());
    let go = move |to: Option<&str>| set.with_value(|set| set(&[("cursor", to)], false));
    let back = move |_| {
        // A link from elsewhere leads into the middle: back from there is the first page.
        let to = before.try_update(Vec::pop).flatten().flatten();
        go(to.as_deref());
    };
    let forth = move |_| {
        before.update(|before| before.push(cursor.get_untracked()));
        go(next.get_untracked().as_deref());
    };
    let needed = memo(move |_| next.with(Option::is_some) || cursor.with(Option::is_some));
    live(move || {
        needed.get().then(|| view! {
            <div class="pager">
                <span>{live(move || before.with(|before| (cursor.with(Option::is_none) || !before.is_empty()).then(|| words::common::page_number(&(before.len() + 1)))))}</span>
                <span class="row">
                    <Button disabled=Signal::derive(move || cursor.with(Option::is_none)) on_press=back>
                        {t(words::common::PREVIOUS_PAGE)}
                    </Button>
                    <Button disabled=Signal::derive(move || next.with(Option::is_none)) on_press=forth>
                        {t(words::common::NEXT_PAGE)}
                    </Button>
                </span>
            </div>
        })
    })
}

/// A small button in a row that does something to it.
#[component]
pub fn RowAction(
    /// Its icon.
    icon: Icon,
    /// What it does, and to what.
    #[prop(into)]
    label: Text,
    /// Does it.
    #[prop(into)]
    on_press: Callback<()>,
) -> AnyView {
    view! { <IconButton icon label size=ButtonSize::Medium on_press=move |_| on_press.run(()) /> }.into_any()
}
