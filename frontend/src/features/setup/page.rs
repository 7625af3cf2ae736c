//! `/setup`: the steps from nothing to the first cost and the first event, each done or led to right here.

use finops_contract::Page;
use finops_contract::admin_keys::RegisteredAdminKey;
use finops_contract::collector::{CollectionStatus, TeamCollection};
use finops_contract::costs::CostSummary;
use finops_contract::projects::Project;
use finops_contract::teams::Team;
use finops_contract::usage::UsageEvent;
use leptos::prelude::*;

use super::model::{self, Stage};
use crate::data::{self, Query, poll, use_get, use_list};
use crate::features::teams::collection::{failure, follow, progress};
use crate::features::teams::connect::ConnectForm;
use crate::features::teams::form::{KeyForm, TeamForm};
use crate::features::teams::model::is_moving;
use crate::format::money;
use crate::i18n::{Word, t, words};
use crate::period::{Period, today};
use crate::reactive::{effect, live, memo};
use crate::session;
use crate::shell::tell_freshness;
use crate::ui::{
    ButtonKind, Card, Checklist, EmptyKind, EmptyState, Icon, LinkButton, PageHeader, Progress, Select, Skeleton, Step,
    StepState, Text,
};
use crate::url::{use_param, use_set_params};

/// Days in which an event is looked for.
const EVENT_DAYS: u64 = 90;

/// Days that a new key brings in.
const BACKFILL: u64 = 180;

/// What the steps share.
#[derive(Clone, Copy)]
struct Setup {
    teams: Query<Page<Team>>,
    projects: Query<Page<Project>>,
    collection: Query<TeamCollection>,
    summary: Query<CostSummary>,
    events: Query<Page<UsageEvent>>,
    team: Memo<Option<Team>>,
}

impl Setup {
    fn reload(self) {
        self.teams.reload();
        self.projects.reload();
        self.collection.reload();
        self.summary.reload();
    }

    fn project(self) -> Option<Project> {
        let team = self.team.get()?.id;
        self.projects.data.with(|page| model::connected(&page.as_ref()?.data, team).cloned())
    }

    fn has_event(self) -> bool {
        self.events.data.with(|page| page.as_ref().is_some_and(|page| !page.data.is_empty()))
    }

    fn done(self) -> [bool; 5] {
        let team = self.team.get();
        [
            team.is_some(),
            team.is_some_and(|team| team.has_active_admin_key),
            self.project().is_some(),
            self.summary.data.with(|summary| summary.as_ref().is_some_and(model::has_cost)),
            self.has_event(),
        ]
    }
}

/// Getting started.
#[component]
pub fn SetupPage() -> AnyView {
    if !session::manages() {
        return view! {
            <PageHeader title=words::setup::TITLE />
            <div class="card"><EmptyState kind=EmptyKind::Forbidden /></div>
        }
        .into_any();
    }
    let setup = use_setup();
    let done = memo(move |_| setup.done());
    let complete = memo(move |_| done.get().iter().all(|done| *done));
    let home =
        move || {
            complete.get().then(|| view! {
            <LinkButton href="/" kind=ButtonKind::Primary icon=Icon::Home>{t(words::setup::TO_HOME)}</LinkButton>
        })
        };
    let lead = Text::derive(move || {
        if complete.get() { words::setup::DONE_BODY } else { words::setup::LEAD }.get().to_owned()
    });
    let title = Text::derive(move || {
        if complete.get() { words::setup::DONE_TITLE } else { words::setup::TITLE }.get().to_owned()
    });
    view! {
        <PageHeader title lead actions=move || home />
        <div class="setup">
            <Card title=words::setup::STEPS>
                {data::section(setup.teams, skeleton, move |_| {
                    data::section(setup.projects, skeleton, move |_| steps(setup, done))
                })}
            </Card>
        </div>
    }
    .into_any()
}

fn skeleton() -> AnyView {
    view! { <div class="stack"><Skeleton shape="title" /><Skeleton shape="row" count=4 /></div> }.into_any()
}

fn use_setup() -> Setup {
    let wanted = use_param("team");
    let teams = use_list::<Team>(|| Some("/teams?limit=200".to_owned()));
    let projects = use_list::<Project>(|| Some("/projects?limit=200".to_owned()));
    let team = memo(move |_| {
        let wanted = wanted.with(|wanted| wanted.as_ref()?.parse().ok());
        teams.data.with(|teams| {
            projects.data.with(|projects| model::team(&teams.as_ref()?.data, &projects.as_ref()?.data, wanted).cloned())
        })
    });
    let id = memo(move |_| team.with(|team| team.as_ref().map(|team| team.id)));
    let keyed = memo(move |_| team.with(|team| team.as_ref().is_some_and(|team| team.has_active_admin_key)));
    let collection =
        use_get::<TeamCollection>(move || Some(format!("/teams/{}/collection", id.get().filter(|_| keyed.get())?)));
    let period = {
        let to = today();
        Period { from: to - chrono::Days::new(BACKFILL), to }
    };
    let summary =
        use_get::<CostSummary>(move || Some(format!("/costs/summary?{}&teamId={}", period.query(), id.get()?)));
    follow(collection);
    // The first cost is there before all days are.
    poll(summary, 5, move || {
        collection.data.with_untracked(|now| now.as_ref().is_some_and(|now| is_moving(now.status)))
            && !summary.data.with_untracked(|summary| summary.as_ref().is_some_and(model::has_cost))
    });
    let since = today() - chrono::Days::new(EVENT_DAYS);
    let events = use_get::<Page<UsageEvent>>(move || Some(format!("/usage-events?from={since}T00%3A00%3A00Z&limit=1")));
    poll(events, 3, move || events.data.with_untracked(|page| page.as_ref().is_some_and(|page| page.data.is_empty())));
    effect(move |_| {
        summary.data.with(|summary| {
            if let Some(summary) = summary {
                tell_freshness(&summary.freshness);
            }
        });
    });
    let status = memo(move |_| collection.data.with(|now| now.as_ref().map(|now| now.status)));
    effect(move |before: Option<Option<CollectionStatus>>| {
        let now = status.get();
        if before.flatten().is_some_and(|before| Some(before) != now) {
            summary.reload();
        }
        now
    });
    Setup { teams, projects, collection, summary, events, team }
}

fn steps(setup: Setup, done: Memo<[bool; 5]>) -> AnyView {
    let count = memo(move |_| done.get().iter().filter(|done| **done).count());
    let all = Stage::ALL.len();
    #[expect(clippy::cast_precision_loss, reason = "at most five")]
    let percent = Signal::derive(move || count.get() as f64 * 100.0 / all as f64);
    let progress = Text::derive(move || words::setup::progress(&count.get(), &all));
    let states = memo(move |_| model::states(done.get()));
    view! {
        <div class="setup-head">
            <p class="muted" role="status">{live(move || progress.get())}</p>
            <Progress percent label=progress />
        </div>
        <Checklist>
            {Stage::ALL.into_iter().enumerate().map(|(index, stage)| {
                // A step is drawn again when it moves on, not when another one does: somebody may be typing in it.
                let state = memo(move |_| states.get()[index]);
                move || step(setup, stage, index, state.get())
            }).collect_view()}
        </Checklist>
    }
    .into_any()
}

fn step(setup: Setup, stage: Stage, index: usize, state: StepState) -> AnyView {
    let number = u8::try_from(index + 1).unwrap_or(u8::MAX);
    let (title, body): (Word, Word) = match stage {
        Stage::Team => (words::setup::TEAM_TITLE, words::setup::TEAM_BODY),
        Stage::Key => (words::setup::KEY_TITLE, words::setup::KEY_BODY),
        Stage::Project => (words::setup::PROJECT_TITLE, words::setup::PROJECT_BODY),
        Stage::Cost => (words::setup::COST_TITLE, words::setup::COST_BODY),
        Stage::Event => (words::setup::EVENT_TITLE, words::setup::EVENT_BODY),
    };
    let body = Text::derive(move || match state {
        StepState::Done => outcome(setup, stage).unwrap_or_default(),
        StepState::Open | StepState::Later => {
            let now = (stage == Stage::Cost).then(|| cost_word(setup)).flatten();
            now.unwrap_or(body).get().to_owned()
        }
    });
    let content = move || match (stage, state) {
        (Stage::Team, StepState::Open) => first_team(setup),
        (Stage::Team, StepState::Done) => other_team(setup),
        (Stage::Key, StepState::Open) => first_key(setup),
        (Stage::Project, StepState::Open) => first_project(setup),
        // What was collected is worth seeing as soon as there is a key, whatever the next step is.
        (Stage::Cost, _) => first_cost(setup),
        _ => ().into_any(),
    };
    let action = move || match (stage, state, setup.team.get_untracked()) {
        (Stage::Key, StepState::Done, Some(team)) => {
            let href = format!("/teams/{}", team.id);
            Some(view! { <LinkButton href kind=ButtonKind::Ghost>{t(words::setup::TO_TEAM)}</LinkButton> })
        }
        (Stage::Event, StepState::Done, _) => {
            Some(view! { <LinkButton href="/events" kind=ButtonKind::Ghost>{t(words::setup::TO_EVENTS)}</LinkButton> })
        }
        (Stage::Event, _, _) => {
            let kind = if state == StepState::Open { ButtonKind::Primary } else { ButtonKind::Secondary };
            Some(view! { <LinkButton href="/integration" kind>{t(words::setup::TO_INTEGRATION)}</LinkButton> })
        }
        _ => None,
    };
    view! { <Step number state title body action content /> }.into_any()
}

/// What came of a step.
fn outcome(setup: Setup, stage: Stage) -> Option<String> {
    let Some(team) = setup.team.get() else {
        // Events come in without a team, too.
        return (stage == Stage::Event).then(|| words::setup::EVENT_DONE.get().to_owned());
    };
    Some(match stage {
        Stage::Team => {
            let count = setup.teams.data.with(|page| page.as_ref().map_or(0, |page| page.data.len()));
            match count {
                0 | 1 => words::setup::team_done(&team.name),
                _ => words::setup::team_done_more(&count, &team.name),
            }
        }
        Stage::Key => words::setup::key_done(&team.name),
        Stage::Project => words::setup::project_done(&setup.project()?.name),
        Stage::Cost => {
            let amount = setup.summary.data.with(|summary| {
                let summary = summary.as_ref()?;
                let other = summary.other_currencies.first().filter(|_| summary.total.0.is_zero());
                Some(match other {
                    Some(total) => money::text(&total.cost.to_string(), &total.currency),
                    None => money::text(&summary.total.to_string(), &summary.currency),
                })
            })?;
            words::setup::cost_done(&amount)
        }
        Stage::Event => words::setup::EVENT_DONE.get().to_owned(),
    })
}

fn first_team(setup: Setup) -> AnyView {
    let done = Callback::new(move |_: Team| setup.reload());
    view! { <TeamForm on_done=done /> }.into_any()
}

/// Where there are several teams: which one goes on.
fn other_team(setup: Setup) -> AnyView {
    let choices = Signal::derive(move || {
        let name = |team: &Team| (team.id.to_string(), team.name.clone());
        setup.teams.data.with(|page| page.iter().flat_map(|page| &page.data).map(name).collect::<Vec<_>>())
    });
    let set = use_set_params();
    let chosen = RwSignal::new(String::new());
    effect(move |_| {
        if let Some(team) = setup.team.get() {
            chosen.set(team.id.to_string());
        }
    });
    effect(move |_| {
        let now = chosen.get();
        let shown = setup.team.with_untracked(|team| team.as_ref().map(|team| team.id.to_string()));
        if !now.is_empty() && shown.is_some_and(|shown| shown != now) {
            set(&[("team", Some(&now))], true);
        }
    });
    live(move || {
        (choices.with(Vec::len) > 1).then(|| {
            view! {
                <Select label=words::setup::WHICH_TEAM value=chosen choices compact=true />
            }
        })
    })
}

fn first_key(setup: Setup) -> AnyView {
    let done = Callback::new(move |_: RegisteredAdminKey| setup.reload());
    let id = memo(move |_| setup.team.with(|team| team.as_ref().map(|team| team.id)));
    live(move || {
        id.get().map(|team| {
            view! {
                <KeyForm team rotates=None submit=words::teams::REGISTER on_done=done />
            }
        })
    })
}

fn first_project(setup: Setup) -> AnyView {
    let done = Callback::new(move |_: Project| setup.reload());
    let id = memo(move |_| setup.team.with(|team| team.as_ref().map(|team| team.id)));
    live(move || {
        id.get().map(|team| {
            // Of this team alone, to choose among.
            let projects = use_list::<Project>(move || Some(format!("/projects?teamId={team}&limit=200")));
            view! { <ConnectForm team projects fixed=None on_done=done /> }
        })
    })
}

/// What the collection does on the way to the first cost.
fn cost_word(setup: Setup) -> Option<Word> {
    let status = setup.collection.data.with(|now| now.as_ref().map(|now| now.status))?;
    match status {
        CollectionStatus::Queued | CollectionStatus::NeverRun => Some(words::setup::COST_QUEUED),
        CollectionStatus::Running => Some(words::setup::COST_WAITING),
        CollectionStatus::Failed => Some(words::setup::COST_FAILED),
        CollectionStatus::Healthy => Some(words::setup::COST_EMPTY),
        CollectionStatus::NotConfigured => None,
    }
}

/// How far the collection is, or why it failed.
fn first_cost(setup: Setup) -> AnyView {
    live(move || {
        let now = setup.collection.data.get()?;
        if !is_moving(now.status) && now.last_error.is_none() {
            return None;
        }
        let team = now.team_id;
        Some(view! {
            <div class="stack" data-gap="8">
                {is_moving(now.status).then(|| progress(now.days_done, now.days_total))}
                {now.last_error.as_ref().map(|error| failure(error, ()))}
                {now.last_error.is_some().then(|| view! {
                    <div><LinkButton href=format!("/teams/{team}")>{t(words::setup::TO_TEAM)}</LinkButton></div>
                })}
            </div>
        })
    })
}
