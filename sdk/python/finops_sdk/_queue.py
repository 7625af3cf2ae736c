"""What waits to be sent. No threads and no clock in here: the time is told."""

from __future__ import annotations

from collections import deque
from typing import Deque, List, Optional, Tuple

from ._events import ROOM, Encoded


class EventQueue:
    """Events in their order, bounded: what does not fit pushes the oldest out, and is counted."""

    def __init__(self, *, max_events: int, max_bytes: int, batch_events: int, interval: float) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._batch_events = batch_events
        # Seconds that an event may wait for others.
        self._interval = interval
        self._waiting: Deque[Tuple[float, Encoded]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, event: Encoded, now: float) -> List[Encoded]:
        """Adds an event; answers those that it pushed out."""
        pushed = []
        while self._waiting and (len(self._waiting) >= self._max_events or self._bytes + event.size > self._max_bytes):
            pushed.append(self._pop())
        self._waiting.append((now, event))
        self._bytes += event.size
        return pushed

    def due(self, now: float) -> Optional[float]:
        """In how many seconds a batch is to be sent; nothing while nothing waits."""
        if not self._waiting:
            return None
        if len(self._waiting) >= self._batch_events or self._bytes >= ROOM:
            return 0.0
        return max(0.0, self._waiting[0][0] + self._interval - now)

    def take(self) -> List[Encoded]:
        """The oldest events, as many as a batch may have."""
        batch: List[Encoded] = []
        room = ROOM
        while self._waiting and len(batch) < self._batch_events and self._waiting[0][1].size <= room:
            event = self._pop()
            room -= event.size
            batch.append(event)
        return batch

    def _pop(self) -> Encoded:
        event = self._waiting.popleft()[1]
        self._bytes -= event.size
        return event
