"""From what a caller tells to the bytes that are sent: once, so that every attempt sends the same."""

from __future__ import annotations

import json
import re
import uuid
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, Iterable, List, Mapping, NamedTuple, Optional

from ._errors import FinopsError

# What the service takes in one request.
MAX_BATCH_EVENTS = 1_000
MAX_BATCH_BYTES = 1024 * 1024

_IDS = ("eventId", "event_id", "id", "responseId", "response_id")
_TIMES = ("timestamp", "occurredAt", "occurred_at", "time")
_PROJECTS = ("projectId", "project_id")

_UNDERSCORE = re.compile("_([a-z])")

_HEAD, _BETWEEN, _TAIL = b'{"events":[', b",", b"]}"


class Encoded(NamedTuple):
    """An event, ready to be sent."""

    id: str
    body: bytes

    @property
    def size(self) -> int:
        """Its part of a request, in bytes."""
        return len(self.body) + len(_BETWEEN)


# The room that a request has for events, in bytes.
ROOM = MAX_BATCH_BYTES - len(_HEAD) - len(_TAIL)


def encode(event: Mapping[str, Any], project_id: Optional[str] = None, at: Optional[str] = None) -> Encoded:
    """Gives an event what it lacks (an id, the project, the time `at`) and writes it down.

    Raises FinopsError for what is no JSON or larger than a request may be.
    """
    try:
        fields = dict(event)
    except (TypeError, ValueError):
        raise FinopsError("not_encodable", "an event is a mapping", count=1) from None
    if _first(fields, _IDS) is None:
        fields["eventId"] = str(uuid.uuid4())
    if at is not None and _first(fields, _TIMES) is None:
        fields["timestamp"] = at
    if project_id is not None and _first(fields, _PROJECTS) is None:
        fields["projectId"] = project_id
    event_id = str(_first(fields, _IDS))
    try:
        text = json.dumps(fields, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_plain)
        body = text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise FinopsError("not_encodable", f"the event is no JSON: {error}", event_ids=[event_id]) from error
    encoded = Encoded(event_id, body)
    if encoded.size > ROOM:
        message = f"the event has {len(body)} bytes, more than a request may have"
        raise FinopsError("event_too_large", message, event_ids=[event_id])
    return encoded


def encode_fields(fields: Mapping[str, Any], project_id: Optional[str]) -> bytes:
    """Writes down what is no event: fields by their names in the API, without those that say nothing.

    Raises FinopsError for what is no JSON.
    """
    named = {_UNDERSCORE.sub(lambda match: match[1].upper(), name): value for name, value in fields.items()}
    if project_id is not None:
        named.setdefault("projectId", project_id)
    told = {name: value for name, value in named.items() if value is not None}
    try:
        return json.dumps(told, allow_nan=False, separators=(",", ":"), default=_plain).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise FinopsError("not_encodable", f"this is no JSON: {error}") from error


def join(events: Iterable[Encoded]) -> bytes:
    """The body of a bulk request."""
    return _HEAD + _BETWEEN.join(event.body for event in events) + _TAIL


def split(events: Iterable[Encoded]) -> List[List[Encoded]]:
    """Batches that a request can hold, in order."""
    batches: List[List[Encoded]] = []
    room = 0
    for event in events:
        if not batches or len(batches[-1]) == MAX_BATCH_EVENTS or event.size > room:
            batches.append([])
            room = ROOM
        batches[-1].append(event)
        room -= event.size
    return batches


def now() -> str:
    """This moment, as the service reads it."""
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")


def _first(fields: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _plain(value: Any) -> Any:
    """What JSON has no word for. An amount stays exact."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("an amount must be a finite number")
        return format(value, "f")
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.astimezone()).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude_unset=True)
    raise TypeError(f"{type(value).__name__} is no JSON")
