//! Charts over days: our own SVG, drawn at the size that there is, readable without seeing it.

mod draw;
mod reading;
pub mod scale;
pub mod series;

use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::prelude::*;
use rust_decimal::Decimal;
use wasm_bindgen::prelude::*;
use web_sys::ResizeObserver;

use self::draw::{draw, float, layout, marks};
use self::reading::{describe, legend, table, tip};
use self::scale::{Plane, Scale, area, lines};
pub use self::series::{Place, Plot, Series, top};
use super::Text;
use super::button::{Button, ButtonKind};
use super::dom::unique_id;
use super::icon::Icon;
use crate::i18n::{locale, words};
use crate::reactive::{effect, live, memo};

/// How values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartKind {
    /// A line for each series.
    Line,
    /// One bar a day, made of the series.
    Stacked,
}

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
    /// Whether it is shown as a table; given by who wants the choice to outlive the chart.
    #[prop(optional)]
    as_table: Option<RwSignal<bool>>,
    /// Called with the first and the last day that were chosen.
    #[prop(optional)]
    on_range: Option<Callback<(String, String)>>,
    /// Pixels.
    #[prop(default = 264.0)]
    height: f64,
) -> AnyView {
    let node = NodeRef::<leptos::html::Div>::new();
    let width = observed_width(node);
    let alone = RwSignal::new(None::<usize>);
    let as_table = as_table.unwrap_or_else(|| RwSignal::new(false));
    let help = unique_id("chart");
    // Another plot has other series and other days.
    effect(move |before: Option<Vec<String>>| {
        let keys = plot.with(|plot| plot.series.iter().map(|series| series.key.clone()).collect::<Vec<_>>());
        if before.is_some_and(|before| before != keys) {
            alone.set(None);
        }
        keys
    });
    let shown = memo(move |_| {
        let mut plot = plot.get();
        if let Some(series) = alone.get().and_then(|index| plot.series.get(index).cloned()) {
            plot.series = vec![series];
        }
        plot
    });
    let plane = memo(move |_| {
        // The axis has a language too.
        locale();
        shown.with(|plot| layout(plot, kind, width.get(), height))
    });
    let cursor = Cursor { at: RwSignal::new(None), drag: RwSignal::new(None), shown, plane, on_range };
    let spoken = move || {
        locale();
        shown.with(|plot| {
            let last = plot.places.len().saturating_sub(1);
            let index = cursor.at.get().unwrap_or(last).min(last);
            plot.places.get(index).map(|place| describe(plot, place, index)).unwrap_or_default()
        })
    };
    let help_id = help.clone();
    let chart = move || {
        let described = help_id.clone();
        let count = move || shown.with(|plot| plot.places.len().max(1));
        view! {
            <div
                class="chart-plot"
                node_ref=node
                role="slider"
                tabindex="0"
                aria-label=move || label.get()
                aria-roledescription=move || words::chart::CHART.get()
                aria-valuemin="1"
                aria-valuemax=move || count().to_string()
                aria-valuenow=move || cursor.at.get().map_or_else(count, |at| at + 1).to_string()
                aria-valuetext=spoken
                aria-describedby=described
                data-drag=on_range.is_some().then_some("")
                on:pointermove=move |event| cursor.pointer_moves(&event, node)
                on:pointerdown=move |event| cursor.pointer_goes_down(&event, node)
                on:pointerup=move |_| cursor.pointer_goes_up()
                on:pointercancel=move |_| cursor.drag.set(None)
                on:pointerleave=move |event| cursor.pointer_leaves(&event)
                on:blur=move |_| cursor.at.set(None)
                on:keydown=move |event| cursor.key(&event)
            >
                <svg class="chart-svg" aria-hidden="true" width=move || width.get().to_string() height=height.to_string()>
                    {live(move || draw(&shown.get(), kind, plane.get()))}
                    {live(move || marks(&shown.get(), kind, plane.get(), cursor.at.get(), cursor.drag.get()))}
                </svg>
                {live(move || cursor.at.get().map(|index| tip(&shown.get(), plane.get(), index)))}
            </div>
        }
    };
    view! {
        <figure class="chart">
            <div class="chart-head">
                {live(move || legend(&plot.get(), alone))}
                <Button kind=ButtonKind::Ghost icon=Icon::Table on_press=move |_| as_table.update(|on| *on = !*on)>
                    {live(move || if as_table.get() { words::chart::AS_CHART.get() } else { words::chart::AS_TABLE.get() })}
                </Button>
            </div>
            {live(move || if as_table.get() { table(label, plot.get()) } else { chart().into_any() })}
            <p class="sr-only" id=help>
                {live(move || if on_range.is_some() { words::chart::HELP.get() } else { words::chart::HELP_MOVE.get() })}
            </p>
        </figure>
    }
    .into_any()
}

/// Where the reader is in a chart, and which days they are choosing. Only real points: a place is an index.
#[derive(Clone, Copy)]
struct Cursor {
    at: RwSignal<Option<usize>>,
    drag: RwSignal<Option<(usize, usize)>>,
    shown: Memo<Plot>,
    plane: Memo<Plane>,
    on_range: Option<Callback<(String, String)>>,
}

impl Cursor {
    fn choose(self, a: usize, b: usize) {
        let day =
            |index: usize| self.shown.with_untracked(|plot| plot.places.get(index).map(|place| place.day.clone()));
        if let (Some(on_range), Some(first), Some(last)) = (self.on_range, day(a.min(b)), day(a.max(b))) {
            self.at.set(None);
            on_range.run((first, last));
        }
    }

    fn place(self, event: &PointerEvent, node: NodeRef<leptos::html::Div>) -> usize {
        let left = node.get_untracked().map_or(0.0, |node| node.get_bounding_client_rect().left());
        self.plane.get_untracked().at(f64::from(event.client_x()) - left)
    }

    fn pointer_moves(self, event: &PointerEvent, node: NodeRef<leptos::html::Div>) {
        let place = self.place(event, node);
        if self.at.get_untracked() != Some(place) {
            self.at.set(Some(place));
            self.drag.update(|drag| {
                if let Some((_, to)) = drag {
                    *to = place;
                }
            });
        }
    }

    fn pointer_goes_down(self, event: &PointerEvent, node: NodeRef<leptos::html::Div>) {
        // A finger scrolls; a tap shows the day.
        if event.pointer_type() == "touch" {
            self.at.set(Some(self.place(event, node)));
        } else if self.on_range.is_some() && event.button() == 0 {
            if let Some(node) = node.get_untracked() {
                let _ = node.set_pointer_capture(event.pointer_id());
            }
            let place = self.place(event, node);
            self.drag.set(Some((place, place)));
        }
    }

    fn pointer_goes_up(self) {
        if let Some((from, to)) = self.drag.get_untracked() {
            self.drag.set(None);
            self.choose(from, to);
        }
    }

    fn pointer_leaves(self, event: &PointerEvent) {
        // A finger leaves as soon as it is lifted; what it showed stays until something else is touched.
        if event.pointer_type() != "touch" && self.drag.with_untracked(Option::is_none) {
            self.at.set(None);
        }
    }

    fn key(self, event: &KeyboardEvent) {
        let Some(last) = self.shown.with_untracked(|plot| plot.places.len().checked_sub(1)) else { return };
        let now = self.at.get_untracked();
        match event.key().as_str() {
            "ArrowLeft" => self.at.set(Some(now.map_or(last, |now| now.saturating_sub(1)))),
            "ArrowRight" => self.at.set(Some(now.map_or(last, |now| (now + 1).min(last)))),
            "Home" => self.at.set(Some(0)),
            "End" => self.at.set(Some(last)),
            "Enter" => {
                if let Some(now) = now {
                    self.choose(now, now);
                }
            }
            "Escape" => {
                self.at.set(None);
                self.drag.set(None);
            }
            _ => return,
        }
        event.prevent_default();
    }
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
    effect(move |_| {
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

/// A line without axes, beside the number that it is about.
#[component]
pub fn Sparkline(
    /// The values, in order; a gap where nothing is known.
    values: Vec<Option<Decimal>>,
) -> AnyView {
    let values: Vec<_> = values.into_iter().map(|value| value.map(float)).collect();
    let ends = values.iter().flatten().fold((0.0, 0.0), |(low, high), v| (f64::min(low, *v), f64::max(high, *v)));
    let scale = Scale { min: ends.0, max: ends.1, step: 1.0 };
    let plane = Plane { left: 0.0, top: 3.0, width: 96.0, height: 22.0, count: values.len(), scale };
    let drawn = lines(plane, &values, &[]);
    view! {
        <svg class="spark" width="96" height="28" viewBox="0 0 96 28" aria-hidden="true" data-series="1">
            <path class="chart-area" d=area(plane, &values) />
            <path class="chart-line" d=drawn.solid />
        </svg>
    }
    .into_any()
}
