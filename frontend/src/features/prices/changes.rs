//! Changes of the public prices that were too strange to be believed at once. They wait for an administrator of the
//! platform, and hold for every organization once confirmed.

use finops_contract::Page;
use finops_contract::prices::PriceChange;
use leptos::prelude::*;

use super::model::{self, Touched};
use super::wording::{kind_name, per, price_text, source, suspicion, tier_name};
use crate::api;
use crate::data::{self, Query, Task, use_list};
use crate::features::explore::wording::provider_name;
use crate::features::{ask, moment};
use crate::format::number::grouped;
use crate::i18n::{Word, t, words};
use crate::reactive::{live, memo};
use crate::ui::{Badge, Button, ButtonKind, Card, ConfirmDialog, Text, Tone, toast};

/// What an administrator says to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Confirm,
    Dismiss,
}

impl Verdict {
    const fn path(self) -> &'static str {
        match self {
            Verdict::Confirm => "confirm",
            Verdict::Dismiss => "dismiss",
        }
    }

    const fn name(self) -> Word {
        match self {
            Verdict::Confirm => words::prices::CHANGE_CONFIRM,
            Verdict::Dismiss => words::prices::CHANGE_DISMISS,
        }
    }

    fn question(self, model: &str) -> String {
        match self {
            Verdict::Confirm => words::prices::confirm_title(&model),
            Verdict::Dismiss => words::prices::dismiss_title(&model),
        }
    }

    fn consequences(self) -> Vec<Text> {
        use words::prices as w;
        let words = match self {
            Verdict::Confirm => [w::CONFIRM_1, w::CONFIRM_2, w::CONFIRM_3],
            Verdict::Dismiss => [w::DISMISS_1, w::DISMISS_2, w::DISMISS_3],
        };
        words.map(Into::into).to_vec()
    }

    fn done(self, model: &str) -> String {
        match self {
            Verdict::Confirm => words::prices::confirmed(&model),
            Verdict::Dismiss => words::prices::dismissed(&model),
        }
    }
}

type Asked = RwSignal<Option<(Verdict, PriceChange)>>;

/// The changes that wait; nothing where none does.
#[component]
pub fn ChangesCard() -> AnyView {
    let changes = use_list::<PriceChange>(|| Some("/prices/changes?limit=200".to_owned()));
    let asked: Asked = RwSignal::new(None);
    let some = memo(move |_| changes.data.with(|page| page.as_ref().is_none_or(|page| !page.data.is_empty())));
    let failed = memo(move |_| changes.error.with(Option::is_some));
    let there = memo(move |_| changes.data.with(Option::is_some));
    let title = Text::derive(move || {
        let count = changes.data.with(|page| page.as_ref().map(|page| page.data.len()).unwrap_or_default());
        if count == 0 { words::prices::CHANGES.get().to_owned() } else { words::prices::changes_waiting(count as u64) }
    });
    view! {
        // Most days there is none: no outline stands for it while it is asked for.
        {live(move || (some.get() && (there.get() || failed.get())).then(|| view! {
            <Card title note=words::prices::CHANGES_NOTE>
                {data::section(changes, || ().into_any(), move |page| {
                    let list = page.data.into_iter().map(|change| view! { <Change change asked /> });
                    view! { <ul class="keys">{list.collect_view()}</ul> }.into_any()
                })}
            </Card>
        }))}
        <VerdictDialog asked changes />
    }
    .into_any()
}

fn name(change: &PriceChange) -> String {
    match &change.region {
        Some(region) => format!("{} ({region})", change.model),
        None => change.model.clone(),
    }
}

#[component]
fn Change(change: PriceChange, asked: Asked) -> AnyView {
    let codes = model::reason_codes(&change).into_iter().map(str::to_owned).collect::<Vec<_>>();
    let reasons = codes.into_iter().map(|code| {
        let text = move || suspicion(&code).map_or_else(|| code.clone(), |word| word.get().to_owned());
        view! { <Badge tone=Tone::Warning>{live(text)}</Badge> }
    });
    let reasons = reasons.collect_view();
    let gone = change.proposed.is_none().then(|| view! { <p class="muted">{t(words::prices::CHANGE_GONE)}</p> });
    let (to_confirm, to_dismiss) = (change.clone(), change.clone());
    view! {
        <li class="stack" data-gap="8">
            <div class="spread">
                <span class="row">
                    <span class="strong">{name(&change)}</span>
                    <span class="muted">{provider_name(&change.provider).to_owned()}</span>
                    {reasons}
                </span>
                <span class="row">
                    <Button on_press=move |_| asked.set(Some((Verdict::Dismiss, to_dismiss.clone())))>
                        {t(words::prices::CHANGE_DISMISS)}
                    </Button>
                    <Button on_press=move |_| asked.set(Some((Verdict::Confirm, to_confirm.clone())))>
                        {t(words::prices::CHANGE_CONFIRM)}
                    </Button>
                </span>
            </div>
            {gone}
            {table(model::touched(&change))}
            <p class="small muted">
                {source(&change.source)}" · "{moment::at(Some(change.created_at), words::common::NONE)}
            </p>
        </li>
    }
    .into_any()
}

fn table(touched: Vec<Touched>) -> AnyView {
    let rows = touched.into_iter().map(|one| {
        let what = move || {
            let step = if one.above > 0 {
                format!(" · {}", words::prices::step(&grouped(&one.above.to_string())))
            } else {
                String::new()
            };
            format!("{} · {}{step} ({})", kind_name(one.kind).get(), tier_name(one.tier).get(), per(one.kind).get())
        };
        let text = move |price: Option<finops_contract::Amount>| {
            price.map_or_else(|| words::audit::ABSENT.get().to_owned(), |price| price_text(price, one.kind))
        };
        view! {
            <tr>
                <th scope="row">{live(what)}</th>
                <td data-side="before" data-label=move || words::audit::BEFORE.get()>{live(move || text(one.before))}</td>
                <td data-side="after" data-label=move || words::audit::AFTER.get()>{live(move || text(one.after))}</td>
            </tr>
        }
    });
    view! {
        <table class="diff">
            <thead>
                <tr>
                    <th scope="col">{t(words::prices::UNIT)}</th>
                    <th scope="col">{t(words::audit::BEFORE)}</th>
                    <th scope="col">{t(words::audit::AFTER)}</th>
                </tr>
            </thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn VerdictDialog(asked: Asked, changes: Query<Page<PriceChange>>) -> AnyView {
    let open = ask::opened_by(asked);
    let task = Task::new();
    let confirm = Callback::new(move |()| {
        let Some((verdict, change)) = asked.get_untracked() else { return };
        let path = format!("/prices/changes/{}/{}", change.id, verdict.path());
        task.run(async move { api::post_empty(&path).await }, move |()| {
            open.set(false);
            toast::done(verdict.done(&name(&change)));
            changes.reload();
        });
    });
    live(move || {
        asked.get().map(|(verdict, change)| {
            task.error.set(None);
            let name = name(&change);
            view! {
                <ConfirmDialog
                    open
                    title=Text::derive(move || verdict.question(&name))
                    consequences=verdict.consequences()
                    confirm=verdict.name()
                    kind=ButtonKind::Primary
                    busy=task.busy
                    error=task.text()
                    on_confirm=confirm
                />
            }
        })
    })
}
