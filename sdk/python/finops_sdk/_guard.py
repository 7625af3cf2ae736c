"""Asking whether a call may be made, over `POST /api/guard/check`."""

from __future__ import annotations

from typing import Any, Callable, Literal, Mapping, Optional, TypedDict, cast

from ._errors import FinopsError
from ._types import GuardAnswer, GuardBlock, GuardBudget

# Seconds that a check may take, unless it is said: whoever is about to make a call waits for it.
TIMEOUT = 1.0

OnUnavailable = Literal["closed", "open"]

# The answers that are the guard's word.
_WORDS = ("budget_exceeded", "blocked", "throttled")


class Decision(TypedDict):
    """Whether a call may be made, and why not."""

    # Whether it may.
    allowed: bool
    # Why not: `budget_exceeded`, `blocked` or `throttled`. Where nobody could say, the code of what went wrong
    # (`network`, `guard_unavailable`, ...), whether it is allowed for that or not. None if it may.
    reason: Optional[str]
    # Seconds after which it makes sense to ask again.
    retryAfter: Optional[float]
    # What remains, if the service said that it may.
    answer: Optional[GuardAnswer]
    # The budget into which it does not fit, or the block that stops it.
    budget: Optional[GuardBudget]
    block: Optional[GuardBlock]
    # What is held, to be settled or released.
    reservationId: Optional[str]


def check(post: Callable[[], Any], on_unavailable: OnUnavailable) -> Decision:
    """Asks; raises FinopsError for what no later attempt can mend: a wrong key, a project that there is not."""
    try:
        answer = post()
        if not isinstance(answer, dict) or "budgets" not in answer:
            raise FinopsError("network", "the answer is not the service's")
    except FinopsError as error:
        if error.code in _WORDS:
            return _refused(error, False)
        if error.retryable:
            return _refused(error, on_unavailable == "open")
        raise
    told = cast(GuardAnswer, answer)
    return {
        "allowed": True,
        "reason": None,
        "retryAfter": None,
        "answer": told,
        "budget": None,
        "block": None,
        "reservationId": told.get("reservationId"),
    }


def _refused(error: FinopsError, allowed: bool) -> Decision:
    problem: Mapping[str, Any] = error.problem
    return {
        "allowed": allowed,
        "reason": error.code,
        "retryAfter": error.retry_after,
        "answer": None,
        "budget": problem.get("budget"),
        "block": problem.get("block"),
        "reservationId": None,
    }
