"""Types of the API. Made by scripts/generate.py from openapi/openapi.json; do not edit."""

from __future__ import annotations

from typing import Any, Dict, List, Literal, Optional, TypedDict

__all__ = [
    "Amount",
    "Basis",
    "BasisCost",
    "BudgetKind",
    "BudgetPeriod",
    "CostRow",
    "CostState",
    "CostTotal",
    "Dimensions",
    "Enforcement",
    "Environment",
    "FieldError",
    "Freshness",
    "GuardAnswer",
    "GuardBlock",
    "GuardBlockCause",
    "GuardBlockTarget",
    "GuardBudget",
    "GuardRefusal",
    "Named",
    "Percent",
    "Problem",
    "RejectedEvent",
    "ScopeType",
    "Settlement",
    "UsageBatchAnswer",
    "UsageEventRequest",
]

Amount = str
Environment = Literal["production", "staging", "development", "ci"]
Basis = Literal["billed", "provider_usage", "events", "mixed"]
Settlement = Literal["settled", "moving"]
CostState = Literal["billed", "estimated", "unpriced", "free"]
Enforcement = Literal["soft", "hard"]
BudgetKind = Literal["budget", "limit"]
Percent = str
BudgetPeriod = Literal["daily", "weekly", "monthly", "quarterly", "yearly"]
ScopeType = Literal["organization", "team", "project", "service", "learner", "environment"]
GuardBlockCause = Literal["manual", "budget"]
GuardBlockTarget = Literal["admin_key", "project", "api_key"]


class _UsageEventRequest(TypedDict):
    # The model, as the caller or the vendor names it.
    model: str


class UsageEventRequest(_UsageEventRequest, total=False):
    """One AI call, as `POST /api/usage/track` takes it."""

    # The input tokens that were audio.
    audioInputTokens: Optional[int]
    # The output tokens that were audio.
    audioOutputTokens: Optional[int]
    # Seconds of audio.
    audioSeconds: Optional[Amount]
    # The input tokens that were written to a cache.
    cacheWriteTokens: Optional[int]
    # The input tokens that came from a cache.
    cachedTokens: Optional[int]
    # Characters spoken or read.
    characters: Optional[int]
    # All output tokens: reasoning and audio included.
    completionTokens: Optional[int]
    # What the caller says it cost, in US dollars. Kept beside our own figure.
    cost: Optional[Amount]
    # Who is to bear it: department, team, purpose, client, campaign.
    costAllocation: Dict[str, str]
    # Where it ran; the key's or the project's environment by default.
    environment: Optional[Environment]
    # The caller's id of this call. Sent again it is stored once. Without one, `responseId` is taken; without either
    # the service makes one, and a repetition cannot be told from another call.
    eventId: Optional[str]
    # How good it was.
    feedbackScore: Optional[Amount]
    # Images made.
    images: Optional[int]
    # What it was for.
    intent: Optional[str]
    # The end user or end customer; `endUserId` is the same.
    learnerId: Optional[str]
    # Whatever else.
    metadata: Optional[Dict[str, Any]]
    # What came of it.
    outcome: Optional[str]
    # The project, by our id or by its Project ID at OpenAI. A key that is bound to a project needs none.
    projectId: Optional[str]
    # All input tokens: cached ones, cache writes and audio included.
    promptTokens: Optional[int]
    # The AI vendor; worked out from the model where it is not said.
    provider: Optional[str]
    # The output tokens that the model thought with.
    reasoningTokens: Optional[int]
    # The provider's region.
    region: Optional[str]
    # The provider's id of its answer, such as `chatcmpl-…`.
    responseId: Optional[str]
    # How long it took, in milliseconds.
    responseTime: Optional[int]
    # Searches made for the answer.
    searches: Optional[int]
    # The caller's own service or feature.
    service: Optional[str]
    # The provider's tier: `standard`, `batch`, `flex`, `priority`.
    serviceTier: Optional[str]
    # The conversation.
    sessionId: Optional[str]
    # `success`, `error`, …, or an HTTP status.
    status: Optional[str]
    # Free words.
    tags: List[str]
    # What kind of task it was.
    taskType: Optional[str]
    # When the call was made; now by default. At most 5 minutes ahead and 30 days back.
    timestamp: Optional[str]
    # All tokens. Alone it says how many, but not what they cost.
    totalTokens: Optional[int]
    # A vendor's `usage` object as it is in the vendor's answer, instead of the counts above.
    usage: Optional[Dict[str, Any]]
    # The caller's user.
    userId: Optional[str]


class RejectedEvent(TypedDict):
    """An event of a batch that was not taken."""

    # Why, as in problems.
    code: str
    # Its place in the batch, from 0.
    index: int
    # The same for people.
    message: str
    # JSON pointer into the request.
    pointer: str


class UsageBatchAnswer(TypedDict):
    """The answer to a batch."""

    # Events that are stored now.
    accepted: int
    # Events that were stored before.
    duplicates: int
    # Events that were not taken.
    rejected: List[RejectedEvent]


class _BasisCost(TypedDict):
    # The ledger; never `mixed`.
    basis: Basis
    # What it says.
    cost: Amount


class BasisCost(_BasisCost, total=False):
    """The part of a sum that comes from one ledger."""

    # Calls in it that have no price: it cost at least this.
    unpriced: int


class _Named(TypedDict):
    # Its id.
    id: str
    # Its name; a deleted one keeps its last.
    name: str


class Named(_Named, total=False):
    """A thing that costs are grouped by, with the name it has or last had."""

    # Whether it was deleted.
    deleted: bool


class Dimensions(TypedDict, total=False):
    """What a row is about. Only what was grouped by is present; `null` means "belongs to none"."""

    # The provider's id of its API key.
    apiKey: Optional[str]
    # The day.
    day: Optional[str]
    # Where the calls ran; null where that was not said.
    environment: Optional[Environment]
    # The learner on whose behalf the calls were made.
    learner: Optional[str]
    # The provider's line item.
    lineItem: Optional[str]
    # The model; null where the line item names none.
    model: Optional[str]
    # The project; null for what is unattributed.
    project: Optional[Named]
    # The AI vendor.
    provider: Optional[str]
    # The calling service; null where calls named none.
    service: Optional[str]
    # The team.
    team: Optional[Named]


class _CostRow(TypedDict):
    # The ledger it comes from.
    basis: Basis
    # What it cost.
    cost: Amount
    # ISO 4217. Rows of different currencies are never added.
    currency: str
    # What it is about.
    dimensions: Dimensions
    # Whether it may still change.
    settlement: Settlement
    # What is known of it.
    state: CostState


class CostRow(_CostRow, total=False):
    """One row of costs."""

    # Its parts, where it comes from several ledgers.
    byBasis: List[BasisCost]
    # Calls of a model, where all of it is metered.
    requests: Optional[int]
    # Tokens by kind, where all of it is metered; the kinds do not overlap.
    tokens: Optional[Dict[str, int]]
    # All tokens, those too of which it was not said whether they went in or came out.
    totalTokens: Optional[int]
    # Calls in it that have no price: it cost at least `cost`.
    unpriced: int


class _CostTotal(TypedDict):
    # What it cost.
    cost: Amount
    # ISO 4217.
    currency: str
    # The part of it that belongs to no project.
    unattributed: Amount


class CostTotal(_CostTotal, total=False):
    """A sum in one currency."""

    # The ledger it comes from.
    basis: Basis
    # Its parts, where it comes from several ledgers.
    byBasis: List[BasisCost]
    # What is known of it.
    state: CostState
    # Calls in it that have no price: it cost at least `cost`.
    unpriced: int


class _Freshness(TypedDict):
    # Teams whose last collection failed: their figures are the last good ones.
    staleTeams: List[Named]


class Freshness(_Freshness, total=False):
    """How fresh the costs are."""

    # When the collector last brought something in for the organization.
    collectedAt: Optional[str]
    # Every UTC day before this one is settled.
    settledBefore: Optional[str]
    # Every minute before this one is known of the provider's usage; null while none is.
    usageThrough: Optional[str]


class _GuardBudget(TypedDict):
    # How much may be spent in a period.
    amount: Amount
    # Of all these amounts.
    currency: str
    # Whether it refuses calls (`hard`), or only tells somebody.
    enforcement: Enforcement
    # Its id.
    id: str
    # Whether it is a budget, or a project's cost threshold.
    kind: BudgetKind
    # Its name.
    name: str
    # How long its amount lasts.
    period: BudgetPeriod
    # When the period that runs is over, and all of the amount is there again.
    periodEndsAt: str
    # What is held for calls under way.
    reserved: Amount
    # What kind of thing it is about.
    scopeType: ScopeType


class GuardBudget(_GuardBudget, total=False):
    """How a budget or cost threshold that covers the call stands in the period that runs."""

    # What is spent, in percent of the amount, never more than it is. Null where nothing is known.
    percent: Optional[Percent]
    # The amount without what is spent and held; below zero once that is more. Null where nothing is known to be
    # spent.
    remaining: Optional[Amount]
    # What was spent in the period that runs: at least this, where something is unknown. Null where nothing is
    # known.
    spent: Optional[Amount]


class _GuardAnswer(TypedDict):
    # When the figures and blocks were read. Usually a few tenths of a second ago; more while the database is away.
    asOf: str
    # The hard budgets and the cost thresholds that cover the call and that the caller may see, the tightest first:
    # the one of which least is left.
    budgets: List[GuardBudget]
    # Whether nothing was compared with anything: the database has been away for longer than figures are believed,
    # and the operator chose `GUARD_ON_DATABASE_LOSS=open`.
    degraded: bool
    # The soft ones that are used up: nobody is stopped by them.
    warnings: List[GuardBudget]


class GuardAnswer(_GuardAnswer, total=False):
    """The call may be made."""

    # When it is held no longer, whatever happens.
    expiresAt: Optional[str]
    # What is held, if that was asked for. Null otherwise, and while `degraded`.
    reservationId: Optional[str]


class _GuardBlock(TypedDict):
    # Who set it.
    cause: GuardBlockCause
    # The block's id.
    id: str
    # Since when.
    since: str
    # What it stops.
    targetType: GuardBlockTarget


class GuardBlock(_GuardBlock, total=False):
    """What stops a call."""

    # How many calls a minute pass; null where none does.
    limitPerMinute: Optional[int]


class GuardRefusal(TypedDict, total=False):
    """What a refusal tells beside what every problem does."""

    # When the figures and blocks were read; left out where nothing is known.
    asOf: Optional[str]
    # With `blocked` and `throttled`: the block.
    block: Optional[GuardBlock]
    # With `budget_exceeded`: the budget into which the call does not fit. Left out where the caller may not see it.
    budget: Optional[GuardBudget]
    # With `budget_exceeded`: when that budget's period is over.
    periodEndsAt: Optional[str]


class FieldError(TypedDict):
    """What is wrong with one field."""

    # What is wrong, a stable name: `required`, `length`, `email`, `range`, `unknown_field`, …
    code: str
    # The same for people.
    message: str
    # JSON pointer into the request (RFC 6901), `/email`; for a query parameter its name after the slash.
    pointer: str


class _Problem(TypedDict):
    # The stable name.
    code: str
    # What happened this time.
    detail: str
    # Find this request in the logs.
    requestId: str
    # The HTTP status.
    status: int
    # One sentence, the same for every problem of this code, in the language of `Accept-Language`.
    title: str
    # `/problems/<code>`.
    type: str


class Problem(_Problem, total=False):
    """The body of every error, `application/problem+json` (RFC 9457)."""

    # The fields at fault, if any are.
    errors: List[FieldError]
