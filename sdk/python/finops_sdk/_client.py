"""The client: takes events without ever being in the caller's way, and sends them in the background."""

from __future__ import annotations

import atexit
import functools
import logging
import os
import sys
import threading
import time
import weakref
from typing import Any, Callable, Iterable, List, Mapping, Optional, Set, TypedDict, TypeVar, Union

from . import _analytics, _guard, _meter
from ._errors import FinopsError
from ._events import MAX_BATCH_EVENTS, Encoded, encode, encode_fields, join, now, split
from ._http import Pause, Transport, with_retries
from ._queue import EventQueue
from ._types import RejectedEvent, UsageBatchAnswer, UsageEventRequest

log = logging.getLogger("finops_sdk")

DEFAULT_URL = "http://localhost:8080"
# Seconds that the end of the program waits for what is still to be sent.
EXIT_TIMEOUT = 5.0
# How often a question is asked again before the caller hears of it.
READ_RETRIES = 3

Event = Union[UsageEventRequest, Mapping[str, Any]]
C = TypeVar("C")


class FailedEvent(TypedDict):
    """An event of which it is not known that it was stored. Sending it again under its id is safe."""

    index: int
    eventId: str
    code: str
    message: str


class BulkResult(TypedDict):
    """What became of an import; places count from 0 in the caller's list."""

    accepted: int
    duplicates: int
    rejected: List[RejectedEvent]
    failed: List[FailedEvent]


class Stats(TypedDict):
    """What became of the events so far."""

    queued: int
    accepted: int
    duplicates: int
    rejected: int
    dropped: int


class Finops:
    """Reports AI calls to FinOps for AI, and reads what they cost. May be used from any number of threads."""

    def __init__(
        self,
        api_key: Optional[str] = None,
        base_url: Optional[str] = None,
        project_id: Optional[str] = None,
        *,
        on_error: Optional[Callable[[FinopsError], Any]] = None,
        batch_size: int = 500,
        flush_interval: float = 1.0,
        max_queue: int = 10_000,
        max_queue_bytes: int = 32 * 1024 * 1024,
        max_retries: int = 10,
        retry_delay: float = 0.5,
        timeout: float = 10.0,
    ) -> None:
        """Times are in seconds. What is not given comes from FINOPS_API_KEY, FINOPS_URL and FINOPS_PROJECT_ID.

        `on_error` hears of events that were refused or given up; the logger `finops_sdk` by default.
        """
        env = os.environ.get
        api_key = api_key or env("FINOPS_API_KEY")
        self._transport = Transport(base_url or env("FINOPS_URL") or DEFAULT_URL, api_key, timeout)
        self._project_id = project_id or env("FINOPS_PROJECT_ID") or None
        self._on_error = on_error
        self._batch_size = min(max(1, batch_size), MAX_BATCH_EVENTS)
        self._limits = {"max_events": max(1, max_queue), "max_bytes": max_queue_bytes, "interval": flush_interval}
        self._max_retries = max_retries
        self._retry_delay = retry_delay
        self._closed = False
        self._start_afresh()
        _clients.add(self)

    def _start_afresh(self) -> None:
        """With nothing waiting and no thread: as at the beginning, and in a forked child."""
        # Re-entrant: a signal handler or a finalizer may track while the same thread is in here.
        self._changed = threading.Condition(threading.RLock())
        self._queue = EventQueue(batch_events=self._batch_size, **self._limits)  # type: ignore[arg-type]
        self._worker: Optional[threading.Thread] = None
        self._in_flight = 0
        # How many events were ever put in, and up to which of them somebody waits.
        self._put = 0
        self._wanted = 0
        self._unreported: List[str] = []
        self._deadline: Optional[float] = None
        self._stats: Stats = {"queued": 0, "accepted": 0, "duplicates": 0, "rejected": 0, "dropped": 0}

    # What callers use.

    def track(self, event: Optional[Event] = None, **fields: Any) -> Optional[str]:
        """Reports one AI call, in the background. Answers its id; nothing if it cannot be sent. Never raises.

        Fields may be spelt as in the API or in snake_case: `track(model="gpt-4o", prompt_tokens=25, ...)`.
        """
        try:
            encoded = encode({**(event or {}), **fields}, self._project_id, now())
            return encoded.id if self._enqueue(encoded) else None
        except FinopsError as error:
            self._drop(error)
        except Exception as error:  # noqa: BLE001 - metering must not break what it meters
            self._drop(FinopsError("not_encodable", repr(error), count=1))
        return None

    def bulk_import(self, events: Iterable[Event]) -> BulkResult:
        """Reports many calls now, and answers what became of each. Never raises for what the service answers."""
        result: BulkResult = {"accepted": 0, "duplicates": 0, "rejected": [], "failed": []}
        places: List[int] = []
        ready: List[Encoded] = []
        for place, event in enumerate(events):
            try:
                # No time is made up: the same import again is then the same events, not others under their ids.
                ready.append(encode(event, self._project_id))
                places.append(place)
            except FinopsError as error:
                result["rejected"].append(_rejected(place, error.code, "", error.message))
        start = 0
        failure: Optional[FinopsError] = None
        for batch in split(ready):
            own = places[start : start + len(batch)]
            start += len(batch)
            try:
                # Once one batch was given up, the others would only wait for the same.
                answer = self._send(batch, _sleep) if failure is None else None
            except FinopsError as error:
                failure, answer = error, None
            if answer is None and failure is not None:
                code, message = failure.code, failure.message
                result["failed"] += [
                    {"index": place, "eventId": event.id, "code": code, "message": message}
                    for place, event in zip(own, batch)
                ]
            elif answer is not None:
                result["accepted"] += answer["accepted"]
                result["duplicates"] += answer["duplicates"]
                for item in answer["rejected"]:
                    rest = item["pointer"].split("/", 3)[3:]
                    rejected = _rejected(own[item["index"]], item["code"], "".join(rest), item["message"])
                    result["rejected"].append(rejected)
        result["rejected"].sort(key=lambda item: item["index"])
        return result

    def get_project_analytics(
        self, project_id: Optional[str] = None, options: Optional[Mapping[str, Any]] = None, **more: Any
    ) -> _analytics.ProjectAnalytics:
        """What a project cost: `start_date`, `end_date` (inclusive), `group_by` (default `day`).

        Amounts are exact decimal strings; nothing known is None, never zero. Raises FinopsError.
        """
        project = project_id or self._project_id
        if not project:
            raise FinopsError("not_configured", "give a project_id, or set FINOPS_PROJECT_ID")
        return _analytics.read(self._get, project, {**(options or {}), **more})

    def meter(self, client: C, fields: Optional[_meter.Fields] = None, **more: Any) -> C:
        """Meters an OpenAI or Anthropic client: every answer's usage is tracked from now on. Answers the client.

        `fields` go into every event (`service`, `user_id`, `tags`, ...): a mapping, or a function of the call's
        arguments. `stream_usage=False` leaves requests for streams as they are (see README).
        """
        stream_usage = bool(more.pop("stream_usage", True))
        try:
            return _meter.meter(self, client, fields, more, stream_usage)
        except Exception as error:  # noqa: BLE001
            self._report(FinopsError("not_metered", repr(error)))
            return client

    instrument = meter

    def check(
        self,
        call: Optional[Mapping[str, Any]] = None,
        *,
        on_unavailable: _guard.OnUnavailable = "closed",
        timeout: float = _guard.TIMEOUT,
        **fields: Any,
    ) -> _guard.Decision:
        """Asks whether a call may be made, by the organization's hard budgets and blocks.

        Fields as in `POST /api/guard/check`, in either spelling: `check(service="tutor", estimated_cost="0.01")`. When
        nobody can say within `timeout` seconds, the call is allowed if `on_unavailable` is "open". Raises FinopsError for
        what is wrong with the question or the key, never for an answer that did not come.
        """
        body = encode_fields({**(call or {}), **fields}, self._project_id)
        return _guard.check(lambda: self._transport.post("/api/guard/check", body, timeout), on_unavailable)

    def settle(self, reservation_id: str, cost: Any = None, timeout: float = EXIT_TIMEOUT) -> bool:
        """Says that the call for which something was reserved was made: after everything tracked so far was sent.

        False if that could not be said; what is held goes by itself when its time is over. Never raises.
        """
        path = f"/api/guard/reservations/{reservation_id}/settle"
        say = lambda: self._transport.post(path, encode_fields({"cost": cost}, None), timeout)  # noqa: E731
        return self.flush(timeout) and self._said(say)

    def release(self, reservation_id: str, timeout: float = EXIT_TIMEOUT) -> bool:
        """Says that it was not made. False if that could not be said. Never raises."""
        path = f"/api/guard/reservations/{reservation_id}"
        return self._said(lambda: self._transport.delete(path, timeout))

    def _said(self, say: Callable[[], Any]) -> bool:
        try:
            say()
        except FinopsError as error:
            self._report(error)
            return False
        return True

    def flush(self, timeout: Optional[float] = None) -> bool:
        """Waits until everything tracked so far is sent or given up; false when `timeout` seconds were too few."""
        if threading.current_thread() is self._worker:
            return False  # Within on_error: what waits goes on when that returns.
        with self._changed:
            target = self._put
            self._wanted = max(self._wanted, target)
            if len(self._queue):
                self._wake()
            return self._changed.wait_for(lambda: self._settled() >= target, timeout)

    def close(self, timeout: float = EXIT_TIMEOUT) -> None:
        """Sends what waits, for at most about `timeout` seconds, and ends. Happens at exit by itself."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._deadline = time.monotonic() + timeout
            self._changed.notify_all()
            worker = self._worker
        if worker is not None and worker.is_alive() and worker is not threading.current_thread():
            worker.join(timeout)
        elif worker is None or not worker.is_alive():
            # No thread can be started any more, or none was.
            self._run()
        with self._changed:
            left = len(self._queue) + self._in_flight
        if left:
            self._report(FinopsError("closed", f"{left} events may not have been sent", count=left))

    def stats(self) -> Stats:
        """What became of the events so far, but for those of bulk_import."""
        with self._changed:
            return {**self._stats, "queued": len(self._queue) + self._in_flight}

    def __enter__(self) -> "Finops":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    # The background.

    def _enqueue(self, event: Encoded) -> bool:
        with self._changed:
            if self._closed:
                raise FinopsError("closed", "the client was closed", event_ids=[event.id])
            pushed = self._queue.put(event, time.monotonic())
            self._put += 1
            self._stats["dropped"] += len(pushed)
            self._unreported += [old.id for old in pushed]
            self._wake()
        return True

    def _wake(self) -> None:
        """Starts the thread, or tells it that something changed. With the lock held."""
        self._changed.notify_all()
        if self._worker is not None and self._worker.is_alive():
            return
        worker = threading.Thread(target=self._run, name="finops-sdk", daemon=True)
        try:
            worker.start()
        except RuntimeError:
            return  # The interpreter is ending: close() sends what waits.
        self._worker = worker
        _close_with_this_process()

    def _settled(self) -> int:
        return self._put - len(self._queue) - self._in_flight

    def _run(self) -> None:
        while True:
            with self._changed:
                batch = self._next()
                if batch is None:
                    return
                self._in_flight = len(batch)
                pushed, self._unreported = self._unreported, []
            try:
                if pushed:
                    message = f"{len(pushed)} events were dropped, the oldest first"
                    self._report(FinopsError("queue_full", message, event_ids=pushed))
                self._deliver(batch)
            except Exception as error:  # noqa: BLE001 - the thread must go on
                self._give_up(batch, FinopsError("internal", repr(error)))
            finally:
                with self._changed:
                    self._in_flight = 0
                    self._changed.notify_all()

    def _next(self) -> Optional[List[Encoded]]:
        """Waits for a batch; nothing when there is no more to come. With the lock held."""
        while True:
            now = time.monotonic()
            due = self._queue.due(now)
            if self._closed and (due is None or now >= (self._deadline or now)):
                return None
            if due is not None and (self._closed or due <= 0 or self._settled() < self._wanted):
                return self._queue.take()
            self._changed.wait(due)

    def _deliver(self, batch: List[Encoded]) -> None:
        try:
            answer = self._send(batch, self._pause)
        except FinopsError as error:
            if error.status == 413 and len(batch) > 1:
                # Somebody between here and the service takes less than the service does.
                half = len(batch) // 2
                self._deliver(batch[:half])
                self._deliver(batch[half:])
            else:
                self._give_up(batch, error)
            return
        rejected = answer["rejected"]
        with self._changed:
            self._stats["accepted"] += answer["accepted"]
            self._stats["duplicates"] += answer["duplicates"]
            self._stats["rejected"] += len(rejected)
        if rejected:
            ids = [batch[item["index"]].id for item in rejected]
            told = [_rejected(place, item["code"], "", item["message"]) for place, item in enumerate(rejected)]
            message = f"{len(ids)} events were not taken, the first because: {rejected[0]['message']}"
            self._report(FinopsError(rejected[0]["code"], message, event_ids=ids, rejected=told))

    def _send(self, batch: List[Encoded], pause: Pause) -> UsageBatchAnswer:
        body = join(batch)

        def post() -> UsageBatchAnswer:
            return _checked(self._transport.post("/api/usage/bulk", body))

        return with_retries(post, retries=self._max_retries, base=self._retry_delay, pause=pause)

    def _get(self, path: str, query: Mapping[str, str]) -> Any:
        retries = min(READ_RETRIES, self._max_retries)
        get = functools.partial(self._transport.get, path, query)
        return with_retries(get, retries=retries, base=self._retry_delay, pause=_sleep)

    def _pause(self, seconds: float, asked: Optional[float]) -> bool:
        """Waits between two attempts. Closing shortens it to half of the time that is left, unless the service asked
        for more than that: then there is no other attempt."""
        until = time.monotonic() + seconds
        shortened = False
        with self._changed:
            while True:
                now = time.monotonic()
                if now >= until:
                    return True
                if self._deadline is not None and not shortened:
                    left = self._deadline - now
                    if left < 0.05 or (asked is not None and asked > left):
                        return False
                    until, shortened = min(until, now + left / 2), True
                self._changed.wait(until - now)

    def _give_up(self, batch: List[Encoded], error: FinopsError) -> None:
        with self._changed:
            self._stats["dropped"] += len(batch)
        told = FinopsError(
            error.code,
            f"{len(batch)} events were given up: {error.message}",
            status=error.status,
            request_id=error.request_id,
            event_ids=[event.id for event in batch],
        )
        self._report(told)

    def _drop(self, error: FinopsError) -> None:
        with self._changed:
            self._stats["dropped"] += error.count
        self._report(error)

    def _report(self, error: FinopsError) -> None:
        try:
            if self._on_error is not None:
                self._on_error(error)
            else:
                log.warning("%s", error)
        except Exception:  # noqa: BLE001
            log.exception("on_error failed")


def _checked(answer: Any) -> UsageBatchAnswer:
    if isinstance(answer, dict) and isinstance(answer.get("rejected"), list) and "accepted" in answer:
        return answer  # type: ignore[return-value]
    raise FinopsError("network", "the answer is not the service's")


def _rejected(index: int, code: str, field: str, message: str) -> RejectedEvent:
    pointer = f"/events/{index}" + (f"/{field}" if field else "")
    return {"index": index, "code": code, "pointer": pointer, "message": message}


def _sleep(seconds: float, _asked: Optional[float]) -> bool:
    time.sleep(seconds)
    return True


# The end of the program, and its forks.

_clients: "weakref.WeakSet[Finops]" = weakref.WeakSet()
_finalized_in: Set[int] = set()


def _close_all() -> None:
    deadline = time.monotonic() + EXIT_TIMEOUT
    for client in list(_clients):
        client.close(max(0.0, deadline - time.monotonic()))


def _close_with_this_process() -> None:
    """Children of multiprocessing end without atexit; they have finalizers of their own."""
    util = sys.modules.get("multiprocessing.util")
    process = sys.modules.get("multiprocessing.process")
    if util is None or process is None or os.getpid() in _finalized_in:
        return
    if process.parent_process() is not None:
        _finalized_in.add(os.getpid())
        util.Finalize(None, _close_all, exitpriority=0)


def _after_fork() -> None:
    """The child has the parent's memory without its threads: what waits is the parent's to send."""
    for client in list(_clients):
        client._start_afresh()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
