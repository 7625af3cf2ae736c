//! The weekly report: what a week cost, which projects made the most of it, and what to do next.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::Locale;
use crate::alerts::{AlertKind, AlertSeverity, AlertStatus};
use crate::budgets::{AlertBasis, Unconverted};
use crate::costs::{Basis, BasisCost, CostState, Named};
use crate::money::{Amount, Percent};

/// The most recipients an organization may name.
pub const MAX_RECIPIENTS: usize = 50;

names! {
    /// What a project is ranked by.
    Measure {
        /// What a success cost: the less the better.
        CostPerSuccess = "cost_per_success",
        /// Feedback scores added up, by the dollar: the more the better. Where no outcome was recorded.
        FeedbackPerDollar = "feedback_per_dollar",
    }
    /// What to do about a project.
    SuggestionKind {
        /// Have another model do what `model` does: it succeeds as often, for less.
        CheaperModel = "cheaper_model",
        /// Find out why so many end in failure.
        FixFailures = "fix_failures",
        /// Let the provider cache what is sent again and again.
        UseCache = "use_cache",
        /// Set a budget: there is none.
        SetBudget = "set_budget",
        /// Go on like this.
        Keep = "keep",
        /// Record what comes of its calls.
        RecordOutcomes = "record_outcomes",
    }
    /// Why a project is not compared.
    UnmeasuredReason {
        /// Nobody recorded what came of its calls.
        Unrecorded = "unrecorded",
        /// What it cost is not known: nothing of it, or not whole. What is unknown could make it the dearest.
        CostUnknown = "cost_unknown",
    }
    /// What somebody did after a report.
    FollowUpKind {
        /// An Admin key was registered, rotated, stopped, started or deleted.
        AdminKey = "admin_key",
        /// An API key was made, rotated or revoked.
        ApiKey = "api_key",
        /// A Project ID was taken from its project, or a project deleted.
        ProjectStopped = "project_stopped",
        /// A budget or a cost threshold was set, changed or deleted.
        Budget = "budget",
        /// A target was blocked, or its block lifted.
        Block = "block",
        /// A project moved between models: a model's share of its cost changed by 20 percentage points or more.
        Model = "model",
    }
}

/// What the organization's week cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WeekCost {
    /// In US dollars: at least this where something is unknown. Null where nothing is known.
    pub cost: Option<Amount>,
    /// The ledger it comes from.
    pub basis: Basis,
    /// What is known of it.
    pub state: CostState,
    /// The parts, where it comes from several ledgers.
    pub by_basis: Vec<BasisCost>,
    /// Calls in it that have no price.
    #[cfg_attr(feature = "server", schema(example = 0))]
    pub unpriced: i64,
    /// Days of which nothing is known.
    #[cfg_attr(feature = "server", schema(example = 0))]
    pub unknown_days: i64,
    /// What was billed in another currency than US dollars, and is not in the cost.
    pub unconverted: Vec<Unconverted>,
    /// Whether all of it is known.
    pub complete: bool,
    /// What the week before cost; null where that, or this week, is not known whole.
    pub previous_cost: Option<Amount>,
    /// The change in percent, rounded to one decimal place; null where there is nothing to compare with.
    pub change_percent: Option<Percent>,
}

/// What to do about a project, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// What.
    pub kind: SuggestionKind,
    /// In US dollars: what it would have saved in the week (`cheaper_model`), what went into failures (`fix_failures`), what
    /// each tenth of the input that is read from a cache saves a week (`use_cache`), what a month costs at the week's rate
    /// (`set_budget`). Null for the others.
    pub amount: Option<Amount>,
    /// In percent: the model's share of the cost (`cheaper_model`), failures of outcomes (`fix_failures`), what of the input
    /// came from a cache (`use_cache`).
    pub share: Option<Percent>,
    /// The model to move from.
    #[cfg_attr(feature = "server", schema(example = "gpt-5.4"))]
    pub model: Option<String>,
    /// The model to move to.
    #[cfg_attr(feature = "server", schema(example = "gpt-5.4-mini"))]
    pub other_model: Option<String>,
    /// The page of the app where it is done, without the host.
    #[cfg_attr(feature = "server", schema(example = "/projects/0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718?tab=value"))]
    pub path: String,
}

/// A project that can be compared with others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RankedProject {
    /// The project.
    pub project: Named,
    /// Its team.
    pub team: Named,
    /// Its id at the provider, if it has one.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(example = "proj_abc123"))]
    pub openai_project_id: Option<String>,
    /// What it is ranked by.
    pub measure: Measure,
    /// What it cost in the week, in US dollars: at least this where calls have no price, which is all that may be unknown.
    pub cost: Amount,
    /// What the week before cost; null where that, or this week, is not known whole.
    #[serde(default)]
    pub previous_cost: Option<Amount>,
    /// The change in percent, rounded to one decimal place; null where there is nothing to compare with.
    #[serde(default)]
    pub change_percent: Option<Percent>,
    /// The ledger it comes from.
    pub basis: Basis,
    /// Calls in it that have no price.
    #[cfg_attr(feature = "server", schema(example = 0))]
    pub unpriced: i64,
    /// Successes; null where no outcome was recorded.
    #[cfg_attr(feature = "server", schema(example = 1_116))]
    pub successes: Option<i64>,
    /// Failures; null where no outcome was recorded.
    #[cfg_attr(feature = "server", schema(example = 124))]
    pub failures: Option<i64>,
    /// Successes of both.
    pub success_rate: Option<Percent>,
    /// The cost by successes; null where there is none.
    pub cost_per_success: Option<Amount>,
    /// Feedback scores that were recorded.
    #[cfg_attr(feature = "server", schema(example = 412))]
    pub feedback_scores: i64,
    /// Their mean.
    pub feedback_mean: Option<Amount>,
    /// Their sum by the dollar, rounded to six decimal places; null where it cost nothing.
    pub feedback_per_dollar: Option<Amount>,
    /// What to do next.
    pub suggestion: Suggestion,
}

/// A project that is not compared: nobody recorded what came of it, or what it cost is not known whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UnmeasuredProject {
    /// The project.
    pub project: Named,
    /// What it cost in the week, in US dollars; null where nothing of that is known.
    pub cost: Option<Amount>,
    /// Whether it cost at least that, as some of it is not known.
    #[serde(default)]
    pub partial: bool,
    /// Why it is not compared.
    #[serde(default = "unrecorded")]
    pub reason: UnmeasuredReason,
}

/// What reports say that were sent when there was no other reason.
const fn unrecorded() -> UnmeasuredReason {
    UnmeasuredReason::Unrecorded
}

/// An alert that was raised in the week and is not over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportAlert {
    /// Its id.
    pub id: Uuid,
    /// What it is about.
    pub kind: AlertKind,
    /// How bad it is.
    pub severity: AlertSeverity,
    /// How far it is dealt with.
    pub status: AlertStatus,
    /// The budget's name, of a budget's alert.
    #[cfg_attr(feature = "server", schema(example = "chatbot-experiment"))]
    pub budget: Option<String>,
    /// The threshold that was crossed, in percent.
    pub threshold: Option<Percent>,
    /// Whether what was spent crossed it, or the forecast; null where there is no threshold.
    #[serde(default)]
    pub basis: Option<AlertBasis>,
    /// The project it is about, if it is about one.
    pub project: Option<Named>,
    /// When it was raised.
    pub raised_at: DateTime<Utc>,
}

/// Something that was stopped in the week, or still was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportBlock {
    /// Its id.
    pub id: Uuid,
    /// What was stopped: `admin_key`, `project`, `api_key`.
    #[cfg_attr(feature = "server", schema(example = "project"))]
    pub target_type: String,
    /// Its name; a key's team and last four characters.
    #[cfg_attr(feature = "server", schema(example = "chatbot-experiment"))]
    pub target: String,
    /// Whether it was stopped by a budget instead of a person.
    pub by_budget: bool,
    /// Since when.
    pub activated_at: DateTime<Utc>,
    /// Until when; null while it holds.
    pub lifted_at: Option<DateTime<Utc>>,
}

/// `GET /api/reports/weekly`: a week, from Monday to Sunday, in the organization's calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WeeklyReport {
    /// The organization's name.
    #[cfg_attr(feature = "server", schema(example = "Example Inc."))]
    pub organization: String,
    /// The Monday.
    pub from: NaiveDate,
    /// The Monday after it.
    pub to: NaiveDate,
    /// The zone of its days. What is billed has UTC days, and counts on the day of its date.
    #[cfg_attr(feature = "server", schema(example = "Asia/Seoul"))]
    pub time_zone: String,
    /// What it cost.
    pub total: WeekCost,
    /// How many projects could be compared.
    #[cfg_attr(feature = "server", schema(example = 8))]
    pub measured: usize,
    /// The most cost-efficient, the best first; at most three. Projects ranked by different measures are placed by how far up
    /// they are among those of their own.
    pub best: Vec<RankedProject>,
    /// Those with most to gain, the worst first; at most three, none of which is among the best.
    pub worst: Vec<RankedProject>,
    /// Projects that are not compared, and why, the dearest first; at most ten.
    pub not_measured: Vec<UnmeasuredProject>,
    /// How many of those there are.
    #[cfg_attr(feature = "server", schema(example = 2))]
    pub not_measured_count: usize,
    /// Alerts that were raised in the week.
    #[cfg_attr(feature = "server", schema(example = 4))]
    pub alerts_raised: i64,
    /// Of those, the ones that are not over, the worst first; at most ten.
    pub open_alerts: Vec<ReportAlert>,
    /// What was stopped, the latest first; at most ten.
    pub blocks: Vec<ReportBlock>,
    /// When it was sent; null for a report that was not, which is made from what is known now. One that was sent stays as it
    /// was.
    pub sent_at: Option<DateTime<Utc>>,
}

/// `GET /api/reports/weekly`, `GET /api/reports/weekly/preview`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WeeklyReportQuery {
    /// A day of the week that is asked for, which must be over; the last whole week by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub week: Option<NaiveDate>,
    /// The e-mail's language; the caller's by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
}

/// `GET /api/reports/weekly/preview`: the e-mail as it is sent, but for what tells that it was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportPreview {
    /// The Monday of its week.
    pub week: NaiveDate,
    /// Its language.
    pub locale: Locale,
    /// The subject.
    #[cfg_attr(feature = "server", schema(example = "[Example Inc.] AI costs of last week: $1,240.50 (12.5% more)"))]
    pub subject: String,
    /// For mail programs that show HTML.
    #[cfg_attr(feature = "server", schema(example = "<!doctype html>…"))]
    pub html: String,
    /// For the others.
    #[cfg_attr(feature = "server", schema(example = "AI costs of last week…"))]
    pub text: String,
}

/// Somebody who gets the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportRecipient {
    /// Their e-mail address.
    pub email: String,
    /// Their language.
    pub locale: Locale,
}

/// `GET /api/reports/weekly/recipients`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportRecipients {
    /// Who gets it.
    pub recipients: Vec<ReportRecipient>,
    /// Whether nobody was named: then it is whoever runs the organization.
    pub is_default: bool,
}

/// `PUT /api/reports/weekly/recipients`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportRecipientsRequest {
    /// Who gets it, 50 at most; nobody, if empty; null for whoever runs the organization.
    #[serde(default)]
    pub recipients: Option<Vec<ReportRecipient>>,
}

/// `POST /api/reports/weekly/test`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportTestRequest {
    /// A day of the week that is sent; the last whole week by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(example = json!(null)))]
    pub week: Option<NaiveDate>,
    /// The language; the caller's by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
}

/// The answer to a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportTest {
    /// Where it goes: the caller's address.
    #[cfg_attr(feature = "server", schema(example = "finops@example.com"))]
    pub to: String,
    /// The Monday of its week.
    pub week: NaiveDate,
}

/// What a recipient did with a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportReader {
    /// Their e-mail address.
    pub email: String,
    /// When they opened it first, as far as their mail program tells.
    pub opened_at: Option<DateTime<Utc>>,
    /// When they first followed a link of it.
    pub clicked_at: Option<DateTime<Utc>>,
}

/// Something that was done in the seven days after a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FollowUp {
    /// What.
    pub kind: FollowUpKind,
    /// The audit log's name of it; null for a move between models, which nobody writes down.
    #[cfg_attr(feature = "server", schema(example = "budget.create"))]
    pub action: Option<String>,
    /// To what: its name, or the model's.
    #[cfg_attr(feature = "server", schema(example = "chatbot-experiment"))]
    pub target: Option<String>,
    /// Who; null for a move between models.
    #[cfg_attr(feature = "server", schema(example = "finops@example.com"))]
    pub actor: Option<String>,
    /// Whether whoever did it had opened the report, or followed a link of it, before.
    pub by_reader: bool,
    /// By how many percentage points the model's share of the project's cost changed.
    pub share_change: Option<Percent>,
    /// When; of a move between models, the end of the week it was found in.
    pub at: DateTime<Utc>,
}

/// How often something of a kind was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FollowUpCount {
    /// What.
    pub kind: FollowUpKind,
    /// How often.
    pub count: usize,
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportEffect {
    /// The Monday of its week.
    pub week: NaiveDate,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
    /// Who got it.
    pub readers: Vec<ReportReader>,
    /// How many of them opened it, or followed a link.
    #[cfg_attr(feature = "server", schema(example = 2))]
    pub opened: usize,
    /// How many followed a link.
    #[cfg_attr(feature = "server", schema(example = 1))]
    pub clicked: usize,
    /// What was done in the seven days after it, the earliest first; at most 100 of each kind.
    pub actions: Vec<FollowUp>,
    /// How often, by kind; kinds of which there is nothing are left out.
    pub counts: Vec<FollowUpCount>,
    /// What the report's week cost, as is known now; null where that is not known whole.
    pub cost: Option<Amount>,
    /// What the week in which it was sent cost; null until that is over and known whole.
    pub cost_after: Option<Amount>,
    /// The change between the two in percent, rounded to one decimal place.
    pub change_percent: Option<Percent>,
}

/// `GET /api/reports/weekly/effect`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportEffectQuery {
    /// How many reports, the latest first: 1 to 26, 8 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(minimum = 1, maximum = 26))]
    pub weeks: Option<u8>,
}

/// `GET /r/{token}`: a link of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportLinkQuery {
    /// The page of the app that it leads to, without the host.
    #[serde(default)]
    pub to: String,
}
