//! Thresholds: the editor of a form, and where each stands.

use finops_contract::budgets::{AlertAction, AlertBasis, BudgetStatus, ThresholdStanding};
use leptos::prelude::*;

use super::draft::{Line, MOST, can_be_stopped};
use super::model::percent_text;
use super::scope::ScopeFields;
use super::wording::{action_name, alert_basis_name, wrong_at, wrong_with};
use crate::data::Task;
use crate::features::moment;
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::order::sort_by;
use crate::reactive::{live, memo};
use crate::ui::{
    Badge, Button, ButtonSize, Card, Column, Glyph, Icon, IconButton, Money, Row, Select, Table, Text, TextField, Tone,
};

/// A threshold that is being edited. Its key is not its place, which changes.
#[derive(Clone, Copy, PartialEq)]
struct Entry {
    key: usize,
    percent: RwSignal<String>,
    basis: RwSignal<String>,
    action: RwSignal<String>,
}

impl Entry {
    fn line(self) -> Line {
        Line {
            percent: self.percent.get_untracked(),
            basis: self.basis.with_untracked(|name| AlertBasis::from_name(name)).unwrap_or(AlertBasis::Actual),
            action: self.action.with_untracked(|name| AlertAction::from_name(name)).unwrap_or(AlertAction::Both),
        }
    }
}

/// The thresholds of a form.
#[derive(Clone, Copy)]
pub(super) struct Editor {
    entries: RwSignal<Vec<Entry>>,
    made: StoredValue<usize>,
    // What is added lives as long as the form, and not as long as the press that added it.
    owner: StoredValue<Owner>,
}

impl Editor {
    pub(super) fn new(lines: &[Line]) -> Editor {
        let owner = StoredValue::new(Owner::current().unwrap_or_default());
        let editor = Editor { entries: RwSignal::new(Vec::new()), made: StoredValue::new(0), owner };
        editor.put(lines);
        editor
    }

    /// Replaces them.
    pub(super) fn put(self, lines: &[Line]) {
        self.entries.set(lines.iter().map(|line| self.entry(line)).collect());
    }

    fn entry(self, line: &Line) -> Entry {
        self.made.update_value(|made| *made += 1);
        self.owner.get_value().with(|| Entry {
            key: self.made.get_value(),
            percent: RwSignal::new(line.percent.clone()),
            basis: RwSignal::new(line.basis.name().to_owned()),
            action: RwSignal::new(line.action.name().to_owned()),
        })
    }

    /// Puts them in the order that the service wants, and tells them.
    pub(super) fn ordered(self) -> Vec<Line> {
        self.entries.update(|entries| sort_by(entries, |a, b| a.line().rank().cmp(&b.line().rank())));
        self.entries.with_untracked(|entries| entries.iter().map(|entry| entry.line()).collect())
    }

    fn add(self) {
        let line = Line { percent: String::new(), basis: AlertBasis::Actual, action: AlertAction::Both };
        let entry = self.entry(&line);
        self.entries.update(|entries| entries.push(entry));
    }

    fn remove(self, key: usize) {
        self.entries.update(|entries| entries.retain(|entry| entry.key != key));
    }
}

/// The editor, of a budget of such a scope.
pub(super) fn editor(editor: Editor, scope: ScopeFields, task: Task) -> AnyView {
    let none = memo(move |_| editor.entries.with(Vec::is_empty));
    let full = Signal::derive(move || editor.entries.with(|entries| entries.len() >= MOST));
    let wrong = wrong_with(task, "/alerts");
    view! {
        <div class="stack" data-gap="8" role="group" aria-label=move || words::budgets::THRESHOLDS.get()>
            <div>
                <p class="field-label">{t(words::budgets::THRESHOLDS)}</p>
                <p class="field-hint">{t(words::budgets::THRESHOLDS_NOTE)}</p>
            </div>
            <div class="stack">
                <For each=move || editor.entries.get() key=|entry| entry.key let(entry)>{line(editor, entry, scope, task)}</For>
            </div>
            {live(move || none.get().then(|| view! { <p class="muted">{t(words::budgets::THRESHOLDS_NONE)}</p> }))}
            {live(move || wrong.get().map(|text| view! { <p class="field-error">{text}</p> }))}
            <div>
                <Button icon=Icon::Plus disabled=full on_press=move |_| editor.add()>
                    {t(words::budgets::THRESHOLD_ADD)}
                </Button>
            </div>
            <p class="field-hint"><Glyph icon=Icon::Info size=12 />" "{t(words::budgets::NOT_SENT)}</p>
        </div>
    }
    .into_any()
}

fn line(editor: Editor, entry: Entry, scope: ScopeFields, task: Task) -> AnyView {
    let at = memo(move |_| {
        editor.entries.with(|entries| entries.iter().position(|one| one.key == entry.key)).unwrap_or_default()
    });
    let bases = Signal::derive(|| {
        AlertBasis::ALL
            .iter()
            .map(|one| (one.name().to_owned(), alert_basis_name(*one).get().to_owned()))
            .collect::<Vec<_>>()
    });
    // What was chosen before the scope was is still there to be seen; the form says why it is wrong.
    let is_offered = move |name: &str| {
        name != AlertAction::Block.name()
            || can_be_stopped(scope.chosen())
            || entry.action.with(|action| action == AlertAction::Block.name())
    };
    let all = action_choices();
    let actions =
        Signal::derive(move || all.get().into_iter().filter(|(name, _)| is_offered(name)).collect::<Vec<_>>());
    let name = Text::derive(move || words::budgets::threshold_n(&(at.get() + 1)));
    let remove = Text::derive(move || words::budgets::threshold_remove(&(at.get() + 1)));
    view! {
        <div class="threshold" role="group" aria-label=move || name.get()>
            <TextField
                label=words::budgets::THRESHOLD_PERCENT
                value=entry.percent
                error=wrong_at(task, move || format!("/alerts/{}/threshold", at.get()))
            />
            <Select
                label=words::budgets::THRESHOLD_OF
                value=entry.basis
                choices=bases
                error=wrong_at(task, move || format!("/alerts/{}/basis", at.get()))
            />
            <Select
                label=words::budgets::THRESHOLD_ACTION
                value=entry.action
                choices=actions
                error=wrong_at(task, move || format!("/alerts/{}/type", at.get()))
            />
            <IconButton
                icon=Icon::Close
                label=remove
                size=ButtonSize::Large
                bare=true
                on_press=move |_| editor.remove(entry.key)
            />
        </div>
    }
    .into_any()
}

/// What can be done when a threshold is reached.
pub(super) fn action_choices() -> Signal<Vec<(String, String)>> {
    Signal::derive(|| {
        AlertAction::ALL.iter().map(|one| (one.name().to_owned(), action_name(*one).get().to_owned())).collect()
    })
}

/// Where each stands.
pub(super) fn standings(status: &BudgetStatus) -> AnyView {
    let (thresholds, currency) = (status.thresholds.clone(), status.currency.clone());
    let body = if thresholds.is_empty() {
        view! { <p class="none">{t(words::budgets::THRESHOLDS_NONE)}</p> }.into_any()
    } else {
        let columns = vec![
            Column::text(words::budgets::THRESHOLD),
            Column::text(words::budgets::THRESHOLD_ACTION),
            Column::text(words::budgets::STATE),
        ];
        let rows = Callback::new(move |()| thresholds.iter().map(|one| standing(one, &currency)).collect::<Vec<_>>());
        view! { <Table label=words::budgets::THRESHOLDS columns rows /> }.into_any()
    };
    view! {
        <Card
            title=words::budgets::THRESHOLDS
            flush=true
            foot=ViewFnOnce::from(move || view! { <span>{t(words::budgets::NOT_SENT)}</span> })
        >
            {body}
        </Card>
    }
    .into_any()
}

fn standing(one: &ThresholdStanding, currency: &str) -> Row {
    let state = match (one.crossed_at, one.reached) {
        (Some(at), _) => view! {
            <Badge tone=Tone::Warning>
                <Glyph icon=Icon::Warning size=12 />
                {live(move || words::budgets::reached_at(&moment::exact(at, Show::Minute)))}
            </Badge>
        }
        .into_any(),
        (None, true) => view! {
            <Badge tone=Tone::Warning><Glyph icon=Icon::Warning size=12 />{t(words::budgets::REACHED)}</Badge>
        }
        .into_any(),
        (None, false) => view! { <span class="muted">{t(words::budgets::NOT_REACHED)}</span> }.into_any(),
    };
    let threshold = view! {
        <div>
            <b>{percent_text(one.threshold)}</b>" "
            <span class="muted">
                <Money amount=one.amount.to_string() currency=currency.to_owned() />" · "{t(alert_basis_name(one.basis))}
            </span>
        </div>
    };
    Row { linked: false, cells: vec![threshold.into_any(), t(action_name(one.action)).into_any(), state] }
}
