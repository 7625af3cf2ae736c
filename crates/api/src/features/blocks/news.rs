//! What is told of a block: who stopped what, what waits for a second person, what the provider refused. Told in the
//! transaction that changes it, to everybody who hears of the team by mail, Slack or a webhook.

use chrono::{DateTime, Utc};
use finops_contract::accounts::Locale;
use finops_contract::blocks::{Block, BlockCause, BlockEnding, BlockMode, BlockRestoration, BlockTargetType};
use finops_contract::channels::ChannelType;
use finops_contract::costs::Named;
use finops_providers::{Event, Link, LinkStyle, Notice, Severity, Stage};
use uuid::Uuid;

use super::list::{self, Filter, Shown};
use super::{domain, stops};
use crate::features::deliveries::{self, Outgoing, To};
use crate::features::organizations;
use crate::platform::db::Tx;
use crate::platform::http::Ctx;
use crate::platform::letter::{self, Words, pick};
use crate::platform::state::State;

/// What has happened to a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News<'a> {
    /// It waits for a second person.
    Requested,
    /// It is in force.
    Stopped,
    /// It never will be.
    Declined(Option<&'a str>),
    /// Its lift waits for a second person.
    LiftRequested,
    /// It stays in force.
    LiftDeclined(&'a str),
    /// It is over.
    Lifted,
    /// The provider was not brought in line: the Project ID, and why.
    Failed(&'a str, &'a str),
}

impl News<'_> {
    /// What programs call it.
    const fn kind(self) -> &'static str {
        match self {
            Self::Requested => "block.requested",
            Self::Stopped => "block.active",
            Self::Declined(_) => "block.declined",
            Self::LiftRequested => "block.lift_requested",
            Self::LiftDeclined(_) => "block.lift_declined",
            Self::Lifted => "block.lifted",
            Self::Failed(..) => "block.provider_failed",
        }
    }

    const fn severity(self) -> Severity {
        match self {
            Self::Stopped | Self::Failed(..) => Severity::Error,
            Self::Requested | Self::LiftRequested => Severity::Warning,
            Self::Declined(_) | Self::LiftDeclined(_) | Self::Lifted => Severity::Info,
        }
    }
}

/// What hears of blocks. Not PagerDuty: whoever is on call has the alert, and this is what was done about it.
const TYPES: [ChannelType; 3] = [ChannelType::Email, ChannelType::Slack, ChannelType::Webhook];

/// Tells of a block: nudge the deliveries after the commit. What a budget stops is said by its alert and by [`tell_beside`], and
/// what gives way to another block by that one.
///
/// # Errors
/// When the database fails.
pub(super) async fn tell(state: &State, tx: &mut Tx, ctx: &Ctx, id: Uuid, news: News<'_>) -> sqlx::Result<()> {
    let shown = find(tx, ctx, id).await?;
    let block = &shown.block;
    let by_alert = news == News::Stopped && block.cause == BlockCause::Budget && block.alert_id.is_some();
    if by_alert || block.ended == Some(BlockEnding::Replaced) {
        return Ok(());
    }
    let team = block.team.as_ref().map(|team| team.id);
    send(state, tx, ctx, shown, news, To::Types { types: &TYPES, team }).await
}

/// Tells of a block that an alert says whoever was not told that alert: it goes by the alert's channels, and knows of a team only
/// where its budget does.
///
/// # Errors
/// When the database fails.
pub(super) async fn tell_beside(state: &State, tx: &mut Tx, ctx: &Ctx, id: Uuid, alert: Uuid) -> sqlx::Result<()> {
    let shown = find(tx, ctx, id).await?;
    let team = shown.block.team.as_ref().map(|team| team.id);
    send(state, tx, ctx, shown, News::Stopped, To::Beside { types: &TYPES, team, alert }).await
}

async fn find(tx: &mut Tx, ctx: &Ctx, id: Uuid) -> sqlx::Result<Shown> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    list::list(tx, ctx.organization, &filter, 1).await?.pop().ok_or(sqlx::Error::RowNotFound)
}

async fn send(state: &State, tx: &mut Tx, ctx: &Ctx, shown: Shown, news: News<'_>, to: To<'_>) -> sqlx::Result<()> {
    let Shown { block, reason_en, .. } = shown;
    let id = block.id;
    let provider = stops::of_blocks(tx, ctx.organization, &[id], Locale::En).await?.remove(&id).unwrap_or_default();
    let organization = organizations::find(tx, ctx.organization).await?.ok_or(sqlx::Error::RowNotFound)?.name;
    let block = Block { provider, ..block };
    let english = Block { reason: reason_en.unwrap_or_else(|| block.reason.clone()), ..block.clone() };
    let in_language = |locale| if locale == Locale::En { &english } else { &block };
    let told = |locale| Told { block: in_language(locale), news, organization: &organization, at: ctx.now() };
    let outgoing = Outgoing {
        to,
        alert_id: None,
        group: told(Locale::Ko).group(),
        kind: news.kind(),
        notice: &|locale| told(locale).notice(&state.config.public_url, locale),
    };
    deliveries::enqueue(tx, ctx.organization, &ctx.clock, &outgoing).await?;
    Ok(())
}

/// A block, and what has happened to it.
struct Told<'a> {
    block: &'a Block,
    news: News<'a>,
    organization: &'a str,
    at: DateTime<Utc>,
}

impl Told<'_> {
    /// What is told together when it comes in crowds: an Admin key's block may be about many Project IDs, and whoever made an
    /// API key may stop it and let it go as often as they like; a budget may stop many projects at once. Whatever else is stopped
    /// is told at once.
    fn group(&self) -> Option<String> {
        match (self.news, self.block.target.kind) {
            (News::Failed(..), _) => Some(format!("block-{}", self.block.id)),
            (_, BlockTargetType::ApiKey) => Some(format!("blocks-{}", self.block.target.id)),
            (News::Stopped, _) => self.block.alert_id.filter(|_| self.by_budget()).map(|id| format!("blocks-{id}")),
            _ => None,
        }
    }

    fn by_budget(&self) -> bool {
        self.block.cause == BlockCause::Budget
    }

    fn notice(&self, public_url: &str, locale: Locale) -> Notice {
        let words = self.words(locale);
        let style = match self.news {
            News::Requested | News::LiftRequested | News::Failed(..) => LinkStyle::Primary,
            _ => LinkStyle::Plain,
        };
        let waits = matches!(self.news, News::Requested | News::LiftRequested);
        let label = match waits {
            true => pick(locale, "승인하거나 거절하기", "Approve or decline"),
            false => pick(locale, "차단 보기", "See the block"),
        };
        let mut links =
            vec![Link { label: label.into(), url: format!("{public_url}/blocks?block={}", self.block.id), style }];
        links.extend(self.budget().map(|budget| Link {
            label: pick(locale, "예산 보기", "See the budget").into(),
            url: format!("{public_url}/budgets/{budget}"),
            style: LinkStyle::Plain,
        }));
        let why = match locale {
            Locale::Ko => format!("{}의 알림 채널이라서 보냈습니다.", self.organization),
            Locale::En => format!("Sent because this is a channel of {}.", self.organization),
        };
        Notice {
            // The delivery's own takes its place.
            id: self.block.id.to_string(),
            stage: Stage::Trigger,
            severity: self.news.severity(),
            dedup_key: format!("block-{}", self.block.id),
            source: self.organization.to_owned(),
            html: Some(letter::html(&words, &links, &why, locale)),
            text: words.text(),
            facts: words.facts(),
            subject: words.subject,
            links,
            event: Event {
                kind: self.news.kind().into(),
                occurred_at: self.at,
                data: serde_json::to_value(self.block).unwrap_or_default(),
            },
        }
    }

    /// The budget whose stop is lifted, which goes on refusing by itself.
    fn budget(&self) -> Option<Uuid> {
        let is_lift = self.news == News::Lifted && self.block.ended == Some(BlockEnding::Lifted);
        self.block.budget_id.filter(|_| is_lift)
    }

    fn words(&self, locale: Locale) -> Words {
        let who = self.block.team.as_ref().map_or(self.organization, |team| &team.name);
        let subject = format!("[{who}] {}: {}", self.happened(locale), self.target(locale));
        Words { subject, sentences: self.sentences(locale), figures: self.figures(locale) }
    }

    /// `프로젝트 chatbot-experiment`.
    fn target(&self, locale: Locale) -> String {
        let kind = match self.block.target.kind {
            BlockTargetType::Project => pick(locale, "프로젝트", "project"),
            BlockTargetType::AdminKey => pick(locale, "Admin 키", "Admin key"),
            BlockTargetType::ApiKey => pick(locale, "API 키", "API key"),
        };
        format!("{kind} {}", self.block.target.name)
    }

    fn happened(&self, locale: Locale) -> &'static str {
        let throttled = self.block.mode == BlockMode::Throttle;
        match self.news {
            News::Requested => pick(locale, "차단 승인 대기", "A block waits for approval"),
            News::Stopped if throttled => pick(locale, "호출 수 제한", "Calls are limited"),
            News::Stopped => pick(locale, "긴급 차단", "Emergency block"),
            News::Declined(_) => pick(locale, "차단 요청 거절", "A block was declined"),
            News::LiftRequested => pick(locale, "차단 해제 승인 대기", "A block's lift waits for approval"),
            News::LiftDeclined(_) => pick(locale, "차단 해제 거절", "A block's lift was declined"),
            News::Lifted => pick(locale, "차단 해제", "Block lifted"),
            News::Failed(..) => pick(locale, "공급자에 적용 못 함", "The provider was not brought in line"),
        }
    }

    fn sentences(&self, locale: Locale) -> Vec<String> {
        let mut said = vec![self.effect(locale)];
        match self.news {
            News::Stopped if self.block.at_provider => said.push(
                pick(
                    locale,
                    "OpenAI에서도 멈추는 중이에요. 풀면 원래 한도로 되돌려요.",
                    "It is being stopped at OpenAI as well. Lifting it puts the limits back.",
                )
                .into(),
            ),
            News::Lifted => {
                said.extend(self.block.restoration.and_then(|put| restored(put, locale)).map(str::to_owned))
            }
            _ => {}
        }
        said
    }

    /// What that means.
    fn effect(&self, locale: Locale) -> String {
        let (ko, en) = match (self.news, self.block.target.kind) {
            (News::Requested, _) => (
                "아직 멈추지 않았어요. 다른 관리자 한 명이 승인하면 차단돼요.",
                "Nothing has stopped yet. It takes effect once another administrator approves it.",
            ),
            (News::LiftRequested, _) => (
                "다른 관리자 한 명이 승인하면 풀려요. 그때까지 차단은 계속돼요.",
                "It stays in force until another administrator approves that.",
            ),
            (News::Declined(_), _) => ("차단하지 않았어요.", "Nothing was stopped."),
            (News::LiftDeclined(_), _) => ("차단은 계속돼요.", "The block stays in force."),
            (News::Lifted, _) if self.block.ended == Some(BlockEnding::Deleted) => {
                ("대상이 삭제되어 차단도 끝났어요.", "What it stopped was deleted, and the block ended with it.")
            }
            (News::Lifted, _) if self.budget().is_some() => (
                "차단은 풀렸지만, 예산을 늘리거나 예산 기간이 끝날 때까지 가드는 예산을 넘는 호출을 계속 거절해요.",
                "The block is lifted. The guard goes on refusing calls over the budget until the budget is raised or its \
                period is over.",
            ),
            (News::Lifted, _) => ("멈췄던 호출을 다시 받아요.", "Calls are answered again."),
            (News::Failed(id, code), _) => {
                let trouble = domain::trouble(code, locale);
                return format!("{id}: {trouble}");
            }
            (News::Stopped, _) if self.block.mode == BlockMode::Throttle => {
                let limit = self.block.limit_per_minute.unwrap_or_default();
                return match locale {
                    Locale::Ko => format!("1분에 {limit}번까지만 호출할 수 있어요. 언제든 풀 수 있어요."),
                    Locale::En => format!("So many calls a minute pass: {limit}. It can be lifted at any time."),
                };
            }
            (News::Stopped, BlockTargetType::Project) => (
                "이 프로젝트의 호출을 멈췄고 Project ID를 수집에서 뺐어요. 언제든 풀 수 있어요.",
                "The project's calls are refused, and its Project ID left collection. It can be lifted at any time.",
            ),
            (News::Stopped, BlockTargetType::AdminKey) => (
                "이 키를 쓰는 팀의 모든 프로젝트 호출을 멈췄어요. 언제든 풀 수 있어요.",
                "The calls of all projects of the key's team are refused. It can be lifted at any time.",
            ),
            (News::Stopped, BlockTargetType::ApiKey) => (
                "이 키로 보낸 요청을 모두 거절해요. 언제든 풀 수 있어요.",
                "Every request with this key is refused. It can be lifted at any time.",
            ),
        };
        pick(locale, ko, en).into()
    }

    fn figures(&self, locale: Locale) -> Vec<(String, String)> {
        let block = self.block;
        let name = |person: Option<&Named>| person.map(|person| person.name.clone());
        let reason = match self.news {
            News::Declined(reason) => reason,
            News::LiftDeclined(reason) => Some(reason),
            News::Lifted => block.lift_reason.as_deref(),
            News::LiftRequested => block.lift_request.as_ref().map(|lift| lift.reason.as_str()),
            News::Requested | News::Stopped | News::Failed(..) => Some(block.reason.as_str()),
        };
        let asked = match self.news {
            News::LiftRequested | News::LiftDeclined(_) => {
                block.lift_request.as_ref().and_then(|lift| lift.by.as_ref())
            }
            _ => block.requested_by.as_ref(),
        };
        let figures = [
            (pick(locale, "대상", "What"), Some(self.target(locale))),
            (pick(locale, "이유", "Why"), reason.filter(|reason| !reason.is_empty()).map(str::to_owned)),
            (pick(locale, "요청한 사람", "Asked for by"), name(asked)),
            (pick(locale, "결정한 사람", "Decided by"), name(block.decided_by.as_ref())),
            (pick(locale, "차단을 푼 사람", "Lifted by"), name(block.lifted_by.as_ref())),
        ];
        figures.into_iter().filter_map(|(label, value)| value.map(|value| (label.to_owned(), value))).collect()
    }
}

/// What a lift put back, where that is worth a sentence.
const fn restored(put: BlockRestoration, locale: Locale) -> Option<&'static str> {
    let (ko, en) = match put {
        BlockRestoration::ProjectIdReturned => (
            "Project ID를 되돌렸고, 그동안의 비용도 이 프로젝트에 반영해요.",
            "The project has its Project ID again, with what came in meanwhile.",
        ),
        BlockRestoration::ProjectIdTaken => (
            "다른 프로젝트가 이 Project ID를 쓰고 있어 그대로 뒀어요.",
            "Another project uses the Project ID by now, and keeps it.",
        ),
        BlockRestoration::KeyActivated => ("Admin 키를 다시 쓰고 있어요.", "The Admin key is used again."),
        BlockRestoration::KeyReplaced => {
            ("팀이 다른 Admin 키를 쓰고 있어 그대로 뒀어요.", "The team uses another Admin key by now, which stays.")
        }
        BlockRestoration::Nothing => return None,
    };
    Some(pick(locale, ko, en))
}
