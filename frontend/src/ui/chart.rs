//! Charts over days: our own SVG, drawn at the size that there is, readable without seeing it.

pub mod scale;
pub mod series;

use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::prelude::*;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use wasm_bindgen::prelude::*;
use web_sys::ResizeObserver;

use self::scale::{Plane, area, labelled, lines, ticks};
pub use self::series::{Place, Plot, Series, top};
use super::Text;
use super::button::{Button, ButtonKind};
use super::dom::unique_id;
use super::icon::Icon;
use crate::format::time::{self, Show};
use crate::format::{compact_money, money};
use crate::i18n::{locale, t, words};

/// How values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartKind {
    /// A line for each series.
    Line,
    /// One bar a day, made of the series.
    Stacked,
}

const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;
const RIGHT: f64 = 8.0;

/// A chart with a legend, a crosshair, and the same as a table.
///
/// Arrow keys and the pointer move along the days; a press opens one, a drag opens several; a press on the legend shows
/// one series alone.
#[component]
pub fn Chart(
    /// What is shown, as a name.
    #[prop(into)]
    label: Text,
    /// Line or bars.
    kind: ChartKind,
    /// The values.
    #[prop(into)]
    plot: Signal<Plot>,
    /// Called with the first and the last day that were chosen.
    #[prop(optional)]
    on_range: Option<Callback<(String, String)>>,
    /// Pixels.
    #[prop(default = 264.0)]
    height: f64,
) -> AnyView {
    let node = NodeRef::<leptos::html::Div>::new();
    let width = observed_width(node);
    let at = RwSignal::new(None::<usize>);
    let drag = RwSignal::new(None::<(usize, usize)>);
    let alone = RwSignal::new(None::<usize>);
    let as_table = RwSignal::new(false);
    let help = unique_id("chart");
    // Another plot has other series and other days.
    Effect::new(move |before: Option<Vec<String>>| {
        let names = plot.with(|plot| plot.series.iter().map(|series| series.name.clone()).collect::<Vec<_>>());
        if before.is_some_and(|before| before != names) {
            alone.set(None);
        }
        names
    });
    let shown = Memo::new(move |_| {
        let mut plot = plot.get();
        if let Some(series) = alone.get().and_then(|index| plot.series.get(index).cloned()) {
            plot.series = vec![series];
        }
        plot
    });
    let plane = Memo::new(move |_| {
        // The axis has a language too.
        locale();
        shown.with(|plot| layout(plot, kind, width.get(), height))
    });
    let count = move || shown.with_untracked(|plot| plot.places.len());
    let day = move |index: usize| shown.with_untracked(|plot| plot.places.get(index).map(|place| place.day.clone()));
    let choose = move |a: usize, b: usize| {
        if let (Some(on_range), Some(first), Some(last)) = (on_range, day(a.min(b)), day(a.max(b))) {
            at.set(None);
            on_range.run((first, last));
        }
    };
    let place_of = move |event: &PointerEvent| {
        let left = node.get_untracked().map_or(0.0, |node| node.get_bounding_client_rect().left());
        plane.get_untracked().at(f64::from(event.client_x()) - left)
    };
    let pointer_move = move |event: PointerEvent| {
        let place = place_of(&event);
        if at.get_untracked() != Some(place) {
            at.set(Some(place));
            drag.update(|drag| {
                if let Some((_, to)) = drag {
                    *to = place;
                }
            });
        }
    };
    let pointer_down = move |event: PointerEvent| {
        // A finger scrolls.
        if on_range.is_some() && event.button() == 0 && event.pointer_type() != "touch" {
            if let Some(node) = node.get_untracked() {
                let _ = node.set_pointer_capture(event.pointer_id());
            }
            let place = place_of(&event);
            drag.set(Some((place, place)));
        }
    };
    let pointer_up = move |_| {
        if let Some((from, to)) = drag.get_untracked() {
            drag.set(None);
            choose(from, to);
        }
    };
    let keys = move |event: KeyboardEvent| {
        let count = count();
        if count == 0 {
            return;
        }
        let now = at.get_untracked();
        match event.key().as_str() {
            "ArrowLeft" => at.set(Some(now.map_or(count - 1, |now| now.saturating_sub(1)))),
            "ArrowRight" => at.set(Some(now.map_or(count - 1, |now| (now + 1).min(count - 1)))),
            "Home" => at.set(Some(0)),
            "End" => at.set(Some(count - 1)),
            "Enter" => {
                if let Some(now) = now {
                    choose(now, now);
                }
            }
            "Escape" => {
                at.set(None);
                drag.set(None);
            }
            _ => return,
        }
        event.prevent_default();
    };
    let spoken = move || {
        locale();
        shown.with(|plot| {
            let last = plot.places.len().saturating_sub(1);
            let index = at.get().unwrap_or(last).min(last);
            plot.places.get(index).map(|place| describe(plot, place, index)).unwrap_or_default()
        })
    };
    let help_id = help.clone();
    let chart = move || {
        let described = help_id.clone();
        view! {
            <div
                class="chart-plot"
                node_ref=node
                role="slider"
                tabindex="0"
                aria-label=move || label.get()
                aria-roledescription=move || words::chart::CHART.get()
                aria-valuemin="1"
                aria-valuemax=move || shown.with(|plot| plot.places.len().max(1).to_string())
                aria-valuenow=move || shown.with(|plot| at.get().map_or(plot.places.len().max(1), |at| at + 1).to_string())
                aria-valuetext=spoken
                aria-describedby=described
                data-drag=on_range.is_some().then_some("")
                on:pointermove=pointer_move
                on:pointerdown=pointer_down
                on:pointerup=pointer_up
                on:pointerleave=move |_| if drag.get_untracked().is_none() { at.set(None) }
                on:blur=move |_| at.set(None)
                on:keydown=keys
            >
                <svg class="chart-svg" aria-hidden="true" width=move || width.get().to_string() height=height.to_string()>
                    {move || draw(&shown.get(), kind, plane.get())}
                    {move || marks(&shown.get(), kind, plane.get(), at.get(), drag.get())}
                </svg>
                {move || at.get().map(|index| tip(&shown.get(), plane.get(), index))}
            </div>
        }
    };
    view! {
        <figure class="chart">
            <div class="chart-head">
                {move || legend(&plot.get(), alone)}
                <Button kind=ButtonKind::Ghost icon=Icon::Table on_press=move |_| as_table.update(|on| *on = !*on)>
                    {move || if as_table.get() { words::chart::AS_CHART.get() } else { words::chart::AS_TABLE.get() }}
                </Button>
            </div>
            {move || if as_table.get() { table(label, plot.get()) } else { chart().into_any() }}
            <p class="sr-only" id=help>{t(words::chart::HELP)}</p>
        </figure>
    }
    .into_any()
}

/// The width of an element, now and after every change.
fn observed_width(node: NodeRef<leptos::html::Div>) -> RwSignal<f64> {
    let width = RwSignal::new(640.0);
    let observer = StoredValue::new_local(None::<ResizeObserver>);
    let stop = move || {
        observer.try_update_value(|observer| {
            if let Some(observer) = observer.take() {
                observer.disconnect();
            }
        });
    };
    Effect::new(move |_| {
        let Some(node) = node.get() else { return };
        stop();
        width.set(f64::from(node.client_width()).max(1.0));
        let element = node.clone();
        let seen = Closure::<dyn FnMut()>::new(move || {
            let now = f64::from(element.client_width());
            // Zero while it is hidden.
            if now > 0.0 && width.try_get_untracked().is_some_and(|width| (width - now).abs() > 0.5) {
                width.set(now);
            }
        });
        if let Ok(made) = ResizeObserver::new(seen.as_ref().unchecked_ref()) {
            made.observe(&node);
            observer.set_value(Some(made));
        }
        // As long as the observer, which goes with the chart.
        seen.forget();
    });
    on_cleanup(stop);
    width
}

fn float(value: Decimal) -> f64 {
    value.to_f64().unwrap_or(0.0)
}

fn layout(plot: &Plot, kind: ChartKind, width: f64, height: f64) -> Plane {
    let count = plot.places.len();
    let highest = match kind {
        ChartKind::Line => plot.series.iter().flat_map(|series| &series.values).flatten().max().copied(),
        ChartKind::Stacked => (0..count).filter_map(|index| plot.sum_at(index)).max(),
    };
    let all = ticks(highest.map_or(0.0, float), 4);
    let max = all.last().copied().unwrap_or(1.0);
    let widest = all.iter().map(|tick| compact_money(*tick, &plot.currency).chars().count()).max().unwrap_or(4);
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let left = widest as f64 * 7.0 + 12.0;
    Plane { left, top: TOP, width: (width - left - RIGHT).max(1.0), height: height - TOP - BOTTOM, count, max }
}

/// The axes and the values: everything that stays while the pointer moves.
fn draw(plot: &Plot, kind: ChartKind, plane: Plane) -> AnyView {
    let right = plane.left + plane.width;
    let grid = ticks(plane.max, 4).into_iter().map(|tick| {
        let y = plane.y(tick);
        view! {
            <line class="chart-grid" x1=plane.left.to_string() x2=right.to_string() y1=px(y) y2=px(y) />
            <text class="chart-label" x=px(plane.left - 8.0) y=px(y + 4.0) text-anchor="end">
                {compact_money(tick, &plot.currency)}
            </text>
        }
    });
    let days = labelled(plane.count, plane.width, 56.0).into_iter().map(|index| {
        // The first and the last keep within the chart.
        let x = plane.x(index).clamp(plane.left + 14.0, right - 14.0);
        view! {
            <text class="chart-label" x=px(x) y=px(plane.top + plane.height + 20.0) text-anchor="middle">
                {time::date(&plot.places[index].day, Show::Day)}
            </text>
        }
    });
    let moving: Vec<_> = plot.places.iter().map(|place| place.moving).collect();
    let values = match kind {
        ChartKind::Line => plot
            .series
            .iter()
            .map(|series| draw_line(plane, series, &moving, plot.series.len() == 1))
            .collect_view()
            .into_any(),
        ChartKind::Stacked => draw_bars(plot, plane).into_any(),
    };
    view! { <g>{grid.collect_view()}{days.collect_view()}{values}</g> }.into_any()
}

fn draw_line(plane: Plane, series: &Series, moving: &[bool], filled: bool) -> AnyView {
    let values = series.floats();
    let lines = lines(plane, &values, moving);
    let colour = series.colour.to_string();
    view! {
        <g class="chart-series" data-series=colour>
            {filled.then(|| view! { <path class="chart-area" d=area(plane, &values) /> })}
            <path class="chart-line" d=lines.solid />
            <path class="chart-line" data-moving="" d=lines.dashed />
            {lines.lone.into_iter().map(|(x, y)| view! { <circle class="chart-dot" cx=px(x) cy=px(y) r="2.5" /> }).collect_view()}
        </g>
    }
    .into_any()
}

fn draw_bars(plot: &Plot, plane: Plane) -> AnyView {
    let gap = (plane.band() * 0.28).clamp(1.0, 14.0);
    let bar = (plane.band() - gap).max(1.0);
    let mut heights = vec![0.0; plane.count];
    let parts = plot.series.iter().map(|series| {
        let rects = series.floats().into_iter().enumerate().filter_map(|(index, value)| {
            let value = value.filter(|value| *value > 0.0)?;
            let from = heights[index];
            heights[index] += value;
            let (top, bottom) = (plane.y(from + value), plane.y(from));
            let moving = plot.places[index].moving.then_some("");
            Some(view! {
                <rect
                    class="chart-bar"
                    data-moving=moving
                    x=px(plane.x(index) - bar / 2.0)
                    y=px(top)
                    width=px(bar)
                    // Never invisible: it cost something.
                    height=px((bottom - top).max(0.5))
                />
            })
        });
        let rects = rects.collect_view();
        view! { <g class="chart-series" data-series=series.colour.to_string()>{rects}</g> }
    });
    parts.collect_view().into_any()
}

/// What moves with the pointer.
fn marks(plot: &Plot, kind: ChartKind, plane: Plane, at: Option<usize>, drag: Option<(usize, usize)>) -> AnyView {
    let dragged = drag.map(|(a, b)| {
        let (from, to) = (plane.x(a.min(b)) - plane.band() / 2.0, plane.x(a.max(b)) + plane.band() / 2.0);
        view! { <rect class="chart-range" x=px(from) y=px(plane.top) width=px(to - from) height=px(plane.height) /> }
    });
    let cross = at.filter(|index| *index < plane.count).map(|index| {
        let x = plane.x(index);
        let dots = plot.series.iter().filter(|_| kind == ChartKind::Line).filter_map(|series| {
            let y = plane.y(float((*series.values.get(index)?)?));
            Some(view! {
                <circle class="chart-point" data-series=series.colour.to_string() cx=px(x) cy=px(y) r="4" />
            })
        });
        let band = kind == ChartKind::Stacked;
        view! {
            {band.then(|| view! {
                <rect class="chart-band" x=px(x - plane.band() / 2.0) y=px(plane.top) width=px(plane.band()) height=px(plane.height) />
            })}
            {(!band).then(|| view! {
                <line class="chart-cross" x1=px(x) x2=px(x) y1=px(plane.top) y2=px(plane.top + plane.height) />
            })}
            {dots.collect_view()}
        }
    });
    view! { <g>{dragged}{cross}</g> }.into_any()
}

fn tip(plot: &Plot, plane: Plane, index: usize) -> AnyView {
    let Some(place) = plot.places.get(index) else { return ().into_any() };
    let currency = &plot.currency;
    let rows = plot.series.iter().filter_map(|series| {
        let value = series.values.get(index).copied().flatten();
        // A long list of nothings says nothing.
        if plot.series.len() > 1 && value.is_none_or(|value| value.is_zero()) {
            return None;
        }
        let text = value.map_or_else(|| words::chart::NOTHING_KNOWN.get().to_owned(), |value| amount(value, currency));
        Some(view! {
            <li>
                <span class="swatch" data-series=series.colour.to_string()></span>
                <span class="truncate">{series.name.clone()}</span>
                <b>{text}</b>
            </li>
        })
    });
    let rows = rows.collect_view();
    let total = (plot.series.len() > 1).then(|| {
        let text = plot
            .sum_at(index)
            .map_or_else(|| words::chart::NOTHING_KNOWN.get().to_owned(), |sum| amount(sum, currency));
        view! { <li class="chart-tip-total"><span>{t(words::chart::TOTAL)}</span><b>{text}</b></li> }
    });
    let flip = index * 2 >= plane.count;
    let x = plane.x(index);
    let shift = if flip {
        format!("translate(calc({x:.0}px - 100% - 12px), 0)")
    } else {
        format!("translate({:.0}px, 0)", x + 12.0)
    };
    view! {
        <div class="chart-tip" aria-hidden="true" style:transform=shift>
            <p>{time::date(&place.day, Show::Weekday)}{place.moving.then(|| view! { <span class="muted">" · "{t(words::chart::MOVING)}</span> })}</p>
            <ul>{rows}{total}</ul>
        </div>
    }
    .into_any()
}

fn amount(value: Decimal, currency: &str) -> String {
    money::text(&value.to_string(), currency)
}

/// One day in words.
fn describe(plot: &Plot, place: &Place, index: usize) -> String {
    let mut text = time::date(&place.day, Show::Weekday);
    for series in &plot.series {
        let value = series.values.get(index).copied().flatten();
        let value =
            value.map_or_else(|| words::chart::NOTHING_KNOWN.get().to_owned(), |value| amount(value, &plot.currency));
        text.push_str(&format!(", {} {value}", series.name));
    }
    if place.moving {
        text.push_str(", ");
        text.push_str(words::chart::MOVING.get());
    }
    text
}

fn legend(plot: &Plot, alone: RwSignal<Option<usize>>) -> AnyView {
    if plot.series.len() < 2 {
        return view! { <span></span> }.into_any();
    }
    let entries = plot.series.iter().enumerate().map(|(index, series)| {
        let name = series.name.clone();
        view! {
            <li>
                <button
                    class="legend-entry"
                    type="button"
                    aria-pressed=move || (alone.get() == Some(index)).to_string()
                    data-faded=move || alone.get().is_some_and(|alone| alone != index).then_some("")
                    on:click=move |_| alone.update(|alone| *alone = if *alone == Some(index) { None } else { Some(index) })
                >
                    <span class="swatch" data-series=series.colour.to_string()></span>
                    <span class="truncate">{name}</span>
                </button>
            </li>
        }
    });
    let kept = plot.series.iter().filter(|series| series.colour > 0).count();
    let note = (plot.of > kept).then(|| {
        let (of, kept) = (plot.of, kept);
        view! { <li class="legend-note">{move || words::chart::top_of(&kept, &of)}</li> }
    });
    view! { <ul class="legend" aria-label=move || words::chart::LEGEND.get()>{entries.collect_view()}{note}</ul> }
        .into_any()
}

fn table(label: Text, plot: Plot) -> AnyView {
    let currency = plot.currency.clone();
    let head = plot
        .series
        .iter()
        .map(|series| view! { <th scope="col" data-align="end">{series.name.clone()}</th> })
        .collect_view();
    let rows = plot.places.iter().enumerate().rev().map(|(index, place)| {
        let cells = plot.series.iter().map(|series| {
            let text = series
                .values
                .get(index)
                .copied()
                .flatten()
                .map_or_else(|| "–".to_owned(), |value| money::exact(&value.to_string(), &currency));
            view! { <td data-align="end">{text}</td> }
        });
        let cells = cells.collect_view();
        let (day, moving) = (place.day.clone(), place.moving);
        view! {
            <tr>
                <th scope="row">
                    {move || time::date(&day, Show::Date)}
                    {moving.then(|| view! { <span class="muted">" · "{t(words::chart::MOVING)}</span> })}
                </th>
                {cells}
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! {
        <div class="table-scroll chart-table" tabindex="0" role="region" aria-label=move || label.get()>
            <table class="table" data-density="s">
                <thead><tr><th scope="col">{t(words::chart::DAY)}</th>{head}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}

/// A line without axes, beside the number that it is about.
#[component]
pub fn Sparkline(
    /// The values, in order.
    values: Vec<Decimal>,
) -> AnyView {
    let values: Vec<_> = values.into_iter().map(|value| Some(float(value))).collect();
    let max = values.iter().flatten().copied().fold(0.0, f64::max);
    let plane = Plane { left: 0.0, top: 3.0, width: 96.0, height: 22.0, count: values.len(), max };
    let drawn = lines(plane, &values, &[]);
    view! {
        <svg class="spark" width="96" height="28" viewBox="0 0 96 28" aria-hidden="true" data-series="1">
            <path class="chart-area" d=area(plane, &values) />
            <path class="chart-line" d=drawn.solid />
        </svg>
    }
    .into_any()
}
