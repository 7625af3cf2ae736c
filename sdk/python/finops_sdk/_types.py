"""Types of the API. Made by scripts/generate.py from openapi/openapi.json; do not edit."""

from __future__ import annotations

from typing import Any, Dict, List, Literal, Optional, TypedDict

__all__ = [
    "Amount",
    "Basis",
    "BasisCost",
    "CostRow",
    "CostState",
    "CostTotal",
    "Dimensions",
    "Environment",
    "FieldError",
    "Freshness",
    "Named",
    "Problem",
    "RejectedEvent",
    "Settlement",
    "UsageBatchAnswer",
    "UsageEventRequest",
]

Amount = str
Environment = Literal["production", "staging", "development", "ci"]
Basis = Literal["billed", "provider_usage", "events", "mixed"]
Settlement = Literal["settled", "moving"]
CostState = Literal["billed", "estimated", "unpriced", "free"]


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
