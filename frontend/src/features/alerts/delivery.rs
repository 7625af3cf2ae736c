//! One message: what it says, every attempt to tell it, and telling it again.

use finops_contract::deliveries::{Delivery, DeliveryAttempt, DeliveryDetail, DeliveryStatus};
use leptos::prelude::*;
use uuid::Uuid;

use super::deliveries::{beside, kind, recipient};
use super::model::is_resendable;
use super::wording::{channel_type, delivery_badge, outcome, reason_text};
use crate::api;
use crate::data::{Task, poll, section, use_get};
use crate::features::moment;
use crate::format::number::grouped;
use crate::format::time::Show;
use crate::i18n::{t, words};
use crate::reactive::{effect, live};
use crate::ui::{Badge, Banner, Button, ButtonSize, CopyButton, Fact, Facts, Icon, Skeleton, Tone, toast};
use crate::url::escape;

/// Sends messages again that were given up.
#[derive(Clone, Copy)]
pub(super) struct Resend {
    pub(super) task: Task,
    again: RwSignal<u32>,
    done: Callback<()>,
}

/// `done` is called when one is on its way again.
pub(super) fn use_resend(done: Callback<()>) -> Resend {
    let task = Task::new();
    effect(move |_| {
        if let Some(error) = task.error.get() {
            toast::failed(error.text());
        }
    });
    Resend { task, again: RwSignal::new(0), done }
}

impl Resend {
    /// Sends one again.
    pub(super) fn run(self, id: Uuid) {
        let path = format!("/deliveries/{id}/resend");
        self.task.run(async move { api::post_empty(&path).await }, move |()| {
            toast::done(words::alerts::RESENT.get_untracked());
            self.again.update(|again| *again += 1);
            self.done.run(());
        });
    }
}

/// The drawer about one message.
pub(super) fn details(resend: Resend) -> AnyView {
    beside(move |id| {
        let delivery = use_get::<DeliveryDetail>(move || {
            resend.again.track();
            Some(format!("/deliveries/{}", escape(&id)))
        });
        effect(move |before: Option<u32>| {
            let now = resend.again.get();
            if before.is_some_and(|before| before != now) {
                delivery.reload();
            }
            now
        });
        let under_way =
            move || delivery.data.with_untracked(|it| it.as_ref().is_some_and(|it| it.delivery.finished_at.is_none()));
        poll(delivery, 5, under_way);
        let skeleton = || view! { <Skeleton shape="row" count=6 /> }.into_any();
        section(delivery, skeleton, move |detail| shown(&detail, resend))
    })
}

fn shown(detail: &DeliveryDetail, resend: Resend) -> AnyView {
    let delivery = &detail.delivery;
    let id = delivery.id;
    let again = is_resendable(delivery).then(|| {
        view! {
            <Button icon=Icon::Retry busy=resend.task.busy on_press=move |_| resend.run(id)>{t(words::alerts::RESEND)}</Button>
        }
    });
    let text = detail.text.lines().filter(|line| !line.is_empty()).map(|line| view! { <p>{line.to_owned()}</p> });
    let text = text.collect_view();
    view! {
        <div class="stack" data-gap="24">
            <div class="spread">
                <span class="row" data-gap="4">{delivery_badge(delivery.status)}{kind(&delivery.kind)}</span>
                {again}
            </div>
            {why(delivery)}
            <section class="guide stack" data-gap="8"><p class="strong">{delivery.subject.clone()}</p>{text}</section>
            {facts(delivery)}
            <section class="stack" data-gap="8">
                <h3>{t(words::alerts::ATTEMPTS)}</h3>
                {attempts(&detail.history)}
            </section>
        </div>
    }
    .into_any()
}

fn why(delivery: &Delivery) -> Option<AnyView> {
    let reason = delivery.reason.clone()?;
    let tone = if delivery.status == DeliveryStatus::Dead { Tone::Danger } else { Tone::Warning };
    let next = delivery.next_attempt_at;
    let next = move || next.map(|at| format!(" {}", words::alerts::next_attempt(&moment::exact(at, Show::Second))));
    Some(view! { <Banner tone>{live(move || reason_text(&reason))}{live(next)}</Banner> }.into_any())
}

fn facts(delivery: &Delivery) -> AnyView {
    let id = delivery.id.to_string();
    let alert = delivery.alert_id.map(|id| {
        view! {
            <Fact label=words::alerts::ALERT>
                <a class="link" href=format!("/alerts/{id}")>{t(words::alerts::OPEN_ALERT)}</a>
            </Fact>
        }
    });
    let digest =
        delivery.digest_id.map(|id| view! { <Fact label=words::alerts::DIGESTED><code>{id.to_string()}</code></Fact> });
    let to = recipient(delivery);
    let (kind, created, finished) = (delivery.channel_type, delivery.created_at, delivery.finished_at);
    view! {
        <Facts>
            <Fact label=words::alerts::RECIPIENT>{to}</Fact>
            <Fact label=words::alerts::CHANNEL_TYPE>{t(channel_type(kind).1)}</Fact>
            {alert}{digest}
            <Fact label=words::alerts::WHEN>{moment::at(Some(created), words::common::NONE)}</Fact>
            <Fact label=words::alerts::FINISHED>{moment::at(finished, words::alerts::NOT_YET)}</Fact>
            <Fact label=words::alerts::MESSAGE_ID>
                <span class="row" data-gap="4"><code>{id.clone()}</code><CopyButton text=id size=ButtonSize::Small /></span>
            </Fact>
        </Facts>
    }
    .into_any()
}

/// The attempts, the first one first.
pub(super) fn attempts(history: &[DeliveryAttempt]) -> AnyView {
    if history.is_empty() {
        return view! { <p class="muted">{t(words::alerts::NOT_TRIED)}</p> }.into_any();
    }
    let items = history.iter().map(attempt).collect_view();
    view! { <ol class="picks">{items}</ol> }.into_any()
}

fn attempt(attempt: &DeliveryAttempt) -> AnyView {
    let (tone, word) = outcome(attempt.outcome);
    let at = attempt.at;
    let taken = attempt.duration_ms.map(|taken| format!("{} ms", grouped(&taken.to_string())));
    let status = attempt.status.map(|status| status.to_string());
    let of_answer = [status, attempt.code.clone(), taken].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let reason = attempt.reason.clone().map(|reason| {
        view! { <span>{live(move || reason_text(&reason))}</span> }
    });
    let said = attempt.said.clone().map(|said| view! { <code class="small">{said}</code> });
    let wait = attempt.retry_after.and_then(|seconds| u64::try_from(seconds).ok()).map(|seconds| {
        view! { <span class="small muted">{live(move || words::alerts::asked_to_wait(seconds))}</span> }
    });
    view! {
        <li class="pick">
            <span class="pick-text">
                <span class="row" data-gap="4">
                    <span class="strong">{attempt.number}"."</span>
                    <Badge tone>{t(word)}</Badge>
                    <time class="small muted" datetime=at.to_rfc3339()>{live(move || moment::exact(at, Show::Second))}</time>
                    <span class="small muted">{of_answer}</span>
                </span>
                {reason}{said}{wait}
            </span>
        </li>
    }
    .into_any()
}
