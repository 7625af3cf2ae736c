//! What calls were worth: outcomes that are told later than the call, and what came of the money.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::budgets::Unconverted;
use crate::costs::{Basis, BasisCost, CostState, Named};
use crate::money::{Amount, Percent};

/// The most outcomes a request may have.
pub const MAX_OUTCOMES: usize = 1_000;

/// What came of a call, or of something that no single call stands for.
///
/// Of a call that is told of by `eventId`, it corrects what the call's event said itself, and what was told before: the
/// latest by `occurredAt` counts, outcome and score each for itself. A call that nobody reported yet may be named; until
/// it is, the outcome stands for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutcomeRequest {
    /// The caller's id of this, 1 to 256 characters. Sent again it counts once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(example = "feedback-8812"))]
    pub id: Option<String>,
    /// The call that it came of, by the id it was reported with. Known for 35 days after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(example = "evt-5521"))]
    pub event_id: Option<String>,
    /// What came of it, such as `success` or `failure`. Also counted as a success: `succeeded`, `ok`, `done`, `completed`,
    /// `resolved`, `solved`, `passed`, `accepted`, `성공`, `완료`, `해결`; as a failure: `failed`, `error`, `unresolved`,
    /// `rejected`, `abandoned`, `escalated`, `timeout`, `cancelled`, `실패`, `미해결`. Everything else is recorded, and
    /// neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(example = "success"))]
    pub outcome: Option<String>,
    /// How good it was, -1,000 to 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback_score: Option<Amount>,
    /// What kind of task it was. A call's own is not changed by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(example = "grading"))]
    pub task_type: Option<String>,
    /// What it was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(example = "essay feedback"))]
    pub intent: Option<String>,
    /// How many ended so, and gave that score; 1 by default, and always of a single call. 1 to 1,000,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(minimum = 1, maximum = 1_000_000_000, example = 1))]
    pub count: Option<u32>,
    /// When it was known; now by default. At most 5 minutes ahead and 30 days back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<DateTime<Utc>>,
}

/// `POST /api/projects/{projectId}/outcomes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutcomesRequest {
    /// 1 to 1,000.
    pub outcomes: Vec<OutcomeRequest>,
}

/// An outcome that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RejectedOutcome {
    /// Its place, from 0.
    pub index: usize,
    /// Why, as in problems.
    #[cfg_attr(feature = "server", schema(example = "timestamp_too_old"))]
    pub code: String,
    /// JSON pointer into the request.
    #[cfg_attr(feature = "server", schema(example = "/outcomes/3/occurredAt"))]
    pub pointer: String,
    /// The same for people.
    pub message: String,
}

/// How outcomes were taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OutcomesAnswer {
    /// Outcomes that are stored now.
    pub accepted: usize,
    /// Outcomes that were stored before, with the same body.
    pub duplicates: usize,
    /// Of those stored now, how many name a call that nobody reported yet.
    pub waiting: usize,
    /// Outcomes that were not taken; the others were.
    pub rejected: Vec<RejectedOutcome>,
}

/// What something cost, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Value {
    /// What it cost, in US dollars: at least this where something is unknown. Null where nothing is known.
    pub cost: Option<Amount>,
    /// The ledger that the cost comes from. Calls without a bill of their own (by task type, by model) have `events`.
    pub basis: Basis,
    /// What is known of the cost.
    pub state: CostState,
    /// Calls in the cost that have no price.
    #[cfg_attr(feature = "server", schema(example = 0))]
    pub unpriced: i64,
    /// Calls that were reported; null where none was. What is billed may be of more calls.
    #[cfg_attr(feature = "server", schema(example = 48_210))]
    pub calls: Option<i64>,
    /// Of those, calls that failed technically: they said so in their status.
    #[cfg_attr(feature = "server", schema(example = 31))]
    pub failed_calls: Option<i64>,
    /// Outcomes that were recorded, whatever they say. 0: nothing was recorded, and nothing is known.
    #[cfg_attr(feature = "server", schema(example = 1_240))]
    pub outcomes: i64,
    /// Of those, successes; null where no outcome was recorded.
    #[cfg_attr(feature = "server", schema(example = 1_116))]
    pub successes: Option<i64>,
    /// Of those, failures; null where no outcome was recorded.
    #[cfg_attr(feature = "server", schema(example = 124))]
    pub failures: Option<i64>,
    /// Successes of successes and failures, rounded to two decimal places, a half away from zero; null where there is
    /// neither.
    pub success_rate: Option<Percent>,
    /// The cost by successes, in US dollars, rounded to twelve decimal places, a half away from zero; null where no success
    /// was recorded or no cost is known.
    pub cost_per_success: Option<Amount>,
    /// Feedback scores that were recorded.
    #[cfg_attr(feature = "server", schema(example = 412))]
    pub feedback_scores: i64,
    /// Their mean, rounded to six decimal places, a half away from zero; null where there is none.
    pub feedback_mean: Option<Amount>,
}

/// What calls of a task type were worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TaskTypeValue {
    /// The task type; null for calls and outcomes that name none.
    #[cfg_attr(feature = "server", schema(example = "grading"))]
    pub task_type: Option<String>,
    /// Its cost is the reported calls' own, by the price book.
    pub value: Value,
}

/// What calls of a model were worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ModelValue {
    /// The provider; null for outcomes that name no call.
    pub provider: Option<String>,
    /// The model; null for outcomes that name no call.
    pub model: Option<String>,
    /// Its cost is the reported calls' own, by the price book.
    pub value: Value,
}

/// What a day was worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DayValue {
    /// The day.
    pub day: NaiveDate,
    /// Outcomes are on the day of their call, or the day on which they were known where they name none.
    pub value: Value,
}

/// `GET /api/projects/{projectId}/value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProjectValue {
    /// The project.
    pub project: Named,
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last.
    pub to: NaiveDate,
    /// The zone of its days: the organization's, or `UTC` where that has days that begin within an hour. What is billed has
    /// UTC days, and counts on the day of its date.
    #[cfg_attr(feature = "server", schema(example = "Asia/Seoul"))]
    pub time_zone: String,
    /// All of it.
    pub total: Value,
    /// The parts of its cost, where it comes from several ledgers.
    pub by_basis: Vec<BasisCost>,
    /// What was billed in another currency than US dollars, and is not in the cost.
    pub unconverted: Vec<Unconverted>,
    /// Days before today of which no cost is known.
    #[cfg_attr(feature = "server", schema(example = 0))]
    pub unknown_days: i64,
    /// Whether all of the cost is known: no call without a price, nothing unconverted, no unknown day.
    pub complete: bool,
    /// By task type, the dearest first; at most 100, and the rest of them left out.
    pub by_task_type: Vec<TaskTypeValue>,
    /// By model, the dearest first; at most 100.
    pub by_model: Vec<ModelValue>,
    /// Day by day, up to today.
    pub by_day: Vec<DayValue>,
}

/// What calls were worth that were for the same thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct IntentValue {
    /// What they were for; null for calls and outcomes that name nothing.
    #[cfg_attr(feature = "server", schema(example = "essay feedback"))]
    pub intent: Option<String>,
    /// Its cost is the reported calls' own, by the price book.
    pub value: Value,
}

/// What calls were worth whose intents are too many to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OtherIntents {
    /// How many intents.
    #[cfg_attr(feature = "server", schema(example = 131))]
    pub count: i64,
    /// All of them together.
    pub value: Value,
}

/// `GET /api/projects/{projectId}/value/intents`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProjectIntents {
    /// The project.
    pub project: Named,
    /// The first day that was asked for.
    pub from: NaiveDate,
    /// The day after the last.
    pub to: NaiveDate,
    /// The zone of the days, as in `GET /api/projects/{projectId}/value`.
    #[cfg_attr(feature = "server", schema(example = "Asia/Seoul"))]
    pub time_zone: String,
    /// Since when calls and outcomes are in it, if that is later than the first day begins: calls before were deleted by now,
    /// or there were too many to read (the organization's last 250,000 are, by whole hours). Null where all of the period is.
    pub since: Option<DateTime<Utc>>,
    /// By intent, the dearest first; at most 20 that are named, and those that name none.
    pub intents: Vec<IntentValue>,
    /// The other intents; null where there are none.
    pub other: Option<OtherIntents>,
}

/// `GET /api/projects/{projectId}/value`, and by intent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValueQuery {
    /// The first day, in the organization's calendar; 30 days before `to` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// The day after the last; tomorrow by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<NaiveDate>,
}
