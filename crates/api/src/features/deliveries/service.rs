//! Trying a channel, and sending again.

use std::time::Duration;

use finops_contract::ErrorCode;
use finops_contract::accounts::Locale;
use finops_contract::channels::{Channel, ChannelTest, ChannelType};
use finops_contract::deliveries::{DeliveryDetail, DeliveryStatus};
use finops_providers::{Event, Link, LinkStyle, Notice, Severity, Stage};
use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::claim::{self, Lane};
use super::domain::TEST;
use super::plan::{self, Work};
use super::store::{self, New};
use super::{attempt, finish, nudge};
use crate::features::channels::{self, Place};
use crate::features::{audit, organizations};
use crate::platform::auth::rate_limit::{self, Limit};
use crate::platform::db::Tx;
use crate::platform::http::{ApiResult, Ctx};
use crate::platform::state::State;

/// How long somebody who tries a channel waits: less than a request may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// How often an organization may try its channels: an SMS costs money, and a webhook's owner may not have asked for it.
const TESTS: Limit = Limit { burst: 10.0, per_second: 30.0 / 3600.0 };

/// Sends one message to a channel now, one to each number of an SMS channel, and tells what became of it. Whoever dies meanwhile
/// leaves it to the sender.
///
/// # Errors
/// `not_found`, `rate_limited`.
pub async fn try_channel(state: &State, ctx: &Ctx, id: Uuid) -> ApiResult<ChannelTest> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    channels::find(&mut tx, ctx.organization, id, ctx.now()).await?.ok_or(ErrorCode::NotFound)?;
    tx.commit().await?;
    allow_test(state, ctx).await?;
    let works = begin(state, ctx, id).await?;
    let notifiers = state.notifiers.with_timeout(PATIENCE);
    let ended = join_all(works.iter().map(|work| attempt::make(state, &notifiers, work))).await;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let mut deliveries = Vec::new();
    for (work, ended) in works.iter().zip(&ended) {
        let written = finish::write(&mut tx, &ctx.clock, work, ended, false).await?;
        written.iter().for_each(|written| finish::tell(&state.metrics.deliveries, work, &ended.0, written.becomes));
        deliveries.extend(store::detail(&mut tx, ctx.organization, work.id).await?);
    }
    let channel = channels::find(&mut tx, ctx.organization, id, ctx.now()).await?.ok_or(ErrorCode::NotFound)?;
    tx.commit().await?;
    let delivered = deliveries.iter().all(|detail| detail.delivery.status == DeliveryStatus::Delivered);
    Ok(ChannelTest { delivered, deliveries, channel })
}

/// Lets an organization try its channels once more, one or all of them.
///
/// # Errors
/// `rate_limited`.
pub async fn allow_test(state: &State, ctx: &Ctx) -> ApiResult<()> {
    let mut tx = state.db.platform().await?;
    let granted = rate_limit::take(&mut tx, TESTS, &["channel_test", &ctx.organization.to_string()], ctx.now()).await;
    tx.commit().await?;
    granted
}

/// Writes down that somebody tries a channel, each message in a lane of its own: it waits for none, and none waits for it.
async fn begin(state: &State, ctx: &Ctx, id: Uuid) -> ApiResult<Vec<Work>> {
    let organization = ctx.organization;
    let mut tx = state.db.tenant(organization).await?;
    let channel = channels::find(&mut tx, organization, id, ctx.now()).await?.ok_or(ErrorCode::NotFound)?;
    let place = channels::place(&mut tx, organization, id, false).await?.ok_or(ErrorCode::NotFound)?;
    let change = audit::Change::new("channel.test", id, channel.name.clone());
    audit::record(&mut tx, ctx, change).await?;
    let source = organizations::find(&mut tx, organization).await?.ok_or(ErrorCode::NotFound)?.name;
    let notice = notice(&channel, source, ctx, &state.config.public_url);
    let recipients = match place.kind {
        ChannelType::Sms => place.numbers.iter().cloned().map(Some).collect(),
        _ => vec![None],
    };
    let mut works = Vec::new();
    for recipient in recipients {
        works.push(begin_one(&mut tx, ctx, &place, recipient, notice.clone()).await?);
    }
    tx.commit().await?;
    Ok(works)
}

async fn begin_one(
    tx: &mut Tx,
    ctx: &Ctx,
    place: &Place,
    recipient: Option<String>,
    notice: Notice,
) -> ApiResult<Work> {
    let (organization, id, now) = (ctx.organization, ctx.clock.new_id(), ctx.now());
    let lane = Lane { organization, lane: id, owner: ctx.clock.new_id() };
    let new = New {
        id,
        channel_type: place.kind,
        channel: Some(place.id),
        recipient: recipient.as_deref(),
        lane: lane.lane,
        host: &place.host,
        alert: None,
        group: None,
        direct: true,
        kind: TEST,
        locale: place.locale,
        notice: &notice,
        fallback: false,
    };
    store::insert(tx, organization, &new, now).await?;
    claim::take_new(tx, lane, &place.host).await?;
    let number = plan::begin_attempt(tx, lane, id, now).await?;
    let ready = channels::ready(tx, organization, place.id).await?;
    let (kind, channel) = (place.kind, Some(place.id));
    Ok(Work { lane, id, kind, channel, recipient, notice, ready, number, failures: 0, once: true })
}

fn notice(channel: &Channel, source: String, ctx: &Ctx, public_url: &str) -> Notice {
    let (subject, text, label) = match channel.locale {
        Locale::Ko => (
            format!("[{source}] 채널 테스트: {}", channel.name),
            "이 메시지가 보이면 이 채널로 알림을 받을 수 있어요.",
            "알림 설정 보기",
        ),
        Locale::En => (
            format!("[{source}] Test of the channel {}", channel.name),
            "If you can read this, alerts reach you over this channel.",
            "Show the settings of alerts",
        ),
    };
    let url = format!("{public_url}/alerts");
    Notice {
        id: String::new(),
        stage: Stage::Trigger,
        severity: Severity::Info,
        dedup_key: format!("channel-test:{}", channel.id),
        source,
        subject,
        text: text.to_owned(),
        html: None,
        facts: Vec::new(),
        links: vec![Link { label: label.to_owned(), url, style: LinkStyle::Plain }],
        event: Event {
            kind: TEST.to_owned(),
            occurred_at: ctx.now(),
            data: json!({ "channelId": channel.id, "channelName": channel.name }),
        },
    }
}

/// A delivery of the caller's organization.
///
/// # Errors
/// `not_found`.
pub(super) async fn detail(state: &State, ctx: &Ctx, id: Uuid) -> ApiResult<DeliveryDetail> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let detail = store::detail(&mut tx, ctx.organization, id).await?.ok_or(ErrorCode::NotFound)?;
    tx.commit().await?;
    Ok(detail)
}

/// Sends a message that was given up once more, under its id, at once and by a new schedule.
///
/// # Errors
/// `not_found`, `delivery_not_resendable`.
pub(super) async fn resend(state: &State, ctx: &Ctx, id: Uuid) -> ApiResult<DeliveryDetail> {
    let organization = ctx.organization;
    let mut tx = state.db.tenant(organization).await?;
    let status = store::lock(&mut tx, organization, id).await?.ok_or(ErrorCode::NotFound)?;
    let before = store::detail(&mut tx, organization, id).await?.ok_or(ErrorCode::NotFound)?.delivery;
    if status != DeliveryStatus::Dead {
        return Err(ErrorCode::DeliveryNotResendable.into());
    }
    let host = match &before.channel {
        None => before.channel_type.name().to_owned(),
        Some(channel) => {
            let place = channels::place(&mut tx, organization, channel.id, true).await?;
            place.ok_or(ErrorCode::DeliveryNotResendable)?.host
        }
    };
    store::revive(&mut tx, organization, id, &host, ctx.now()).await?;
    let after = store::detail(&mut tx, organization, id).await?.ok_or(ErrorCode::NotFound)?;
    let change = audit::Change::new("delivery.resend", id, before.subject.clone())
        .before(json!({ "status": before.status, "reason": before.reason }))
        .after(json!({ "status": after.delivery.status }));
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await?;
    nudge(state);
    Ok(after)
}
