//! What a budget is about, as a form asks for it.

use finops_contract::budgets::ScopeType;
use finops_contract::projects::{Environment, Project};
use finops_contract::teams::Team;
use leptos::prelude::*;

use super::wording::{scope_name, wrong_with};
use crate::data::{Task, use_list};
use crate::features::projects::model::environment_name;
use crate::i18n::words;
use crate::reactive::live;
use crate::ui::{Select, Text, TextField};

/// The kind of scope, and which one of each kind: going back to a kind finds what was chosen there.
#[derive(Clone, Copy)]
pub(super) struct ScopeFields {
    pub(super) kind: RwSignal<String>,
    ids: StoredValue<Vec<RwSignal<String>>>,
}

impl ScopeFields {
    pub(super) fn new(kind: ScopeType, id: &str) -> ScopeFields {
        let ids = ScopeType::ALL.iter().map(|_| RwSignal::new(String::new())).collect();
        let fields = ScopeFields { kind: RwSignal::new(String::new()), ids: StoredValue::new(ids) };
        fields.put(kind, id);
        fields
    }

    /// Chooses one.
    pub(super) fn put(self, kind: ScopeType, id: &str) {
        self.kind.set(kind.name().to_owned());
        self.id_of(kind).set(id.to_owned());
    }

    /// The chosen kind; follows it.
    pub(super) fn chosen(self) -> ScopeType {
        self.kind.with(|name| ScopeType::from_name(name)).unwrap_or(ScopeType::Organization)
    }

    /// Which one is chosen of a kind.
    pub(super) fn id_of(self, kind: ScopeType) -> RwSignal<String> {
        let at = ScopeType::ALL.iter().position(|one| *one == kind).unwrap_or_default();
        self.ids.with_value(|ids| ids[at])
    }
}

/// The fields. What a budget is about stays once it is made.
pub(super) fn scope_fields(fields: ScopeFields, task: Task) -> AnyView {
    let kinds = Signal::derive(|| {
        ScopeType::ALL.iter().map(|one| (one.name().to_owned(), scope_name(*one).get().to_owned())).collect::<Vec<_>>()
    });
    view! {
        <Select label=words::budgets::SCOPE value=fields.kind choices=kinds error=wrong_with(task, "/scope") />
        {live(move || which(fields, fields.chosen(), task))}
    }
    .into_any()
}

/// Which one of a kind.
fn which(fields: ScopeFields, kind: ScopeType, task: Task) -> AnyView {
    let value = fields.id_of(kind);
    let label = Text::derive(move || words::budgets::scope_of(&scope_name(kind).get()));
    let error = wrong_with(task, "/scope/id");
    let choices = match kind {
        ScopeType::Organization => return ().into_any(),
        ScopeType::Service | ScopeType::Learner => {
            return view! { <TextField label value hint=words::budgets::SCOPE_HINT error /> }.into_any();
        }
        ScopeType::Team => {
            let teams = use_list::<Team>(|| Some("/teams?limit=200".to_owned()));
            choose_of(move || {
                let all = teams.data.with(|page| page.as_ref().map(|page| page.data.clone()).unwrap_or_default());
                all.into_iter().map(|team| (team.id.to_string(), team.name)).collect()
            })
        }
        ScopeType::Project => project_choices(),
        ScopeType::Environment => choose_of(|| {
            Environment::ALL.map(|one| (one.name().to_owned(), environment_name(one).get().to_owned())).to_vec()
        }),
    };
    view! { <Select label value choices error /> }.into_any()
}

/// The projects that there are to choose from.
pub(super) fn project_choices() -> Signal<Vec<(String, String)>> {
    let projects = use_list::<Project>(|| Some("/projects?limit=200".to_owned()));
    choose_of(move || {
        let all = projects.data.with(|page| page.as_ref().map(|page| page.data.clone()).unwrap_or_default());
        all.into_iter().map(|project| (project.id.to_string(), project.name)).collect()
    })
}

/// A choice that has to be made.
fn choose_of(all: impl Fn() -> Vec<(String, String)> + Send + Sync + 'static) -> Signal<Vec<(String, String)>> {
    Signal::derive(move || {
        let mut choices = vec![(String::new(), words::budgets::CHOOSE.get().to_owned())];
        choices.extend(all());
        choices
    })
}
