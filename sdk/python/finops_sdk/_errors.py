"""What can go wrong."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

from ._types import RejectedEvent


class FinopsError(Exception):
    """What the service answered, or why it did not.

    `code` is the service's stable name, or one of `network` (no answer), `not_configured`, `not_encodable`,
    `event_too_large`, `queue_full`, `closed`, `not_metered`.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: Optional[int] = None,
        retry_after: Optional[float] = None,
        request_id: Optional[str] = None,
        event_ids: Sequence[str] = (),
        rejected: Sequence[RejectedEvent] = (),
        count: int = 0,
        problem: Optional[Mapping[str, Any]] = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        # The HTTP status, where there was an answer.
        self.status = status
        # Seconds after which the service wants to be asked again.
        self.retry_after = retry_after
        # Finds the request in the service's logs.
        self.request_id = request_id
        # The ids of the events that are concerned, and how many they are.
        self.event_ids = tuple(event_ids)
        self.count = count or len(self.event_ids)
        # The events of a batch that the service did not take, with why; `index` is the place in `event_ids`.
        self.rejected = tuple(rejected)
        # All that the service answered, where it was the service.
        self.problem: Mapping[str, Any] = problem or {}

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later. The ids stay the same, so nothing is stored twice."""
        if self.status is None:
            return self.code == "network"
        return self.status in (408, 429) or self.status >= 500
