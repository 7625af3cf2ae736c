"""Meters the clients of OpenAI and Anthropic, and those that speak like them.

The methods that call a model are replaced on the client's own resources: everything else about the client stays as it
is, and helpers that use these methods are metered too. What the vendor answers is what the caller gets, and what it
raises is what the caller sees; nothing in here may be in the way.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
import time
import uuid
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, TypeVar, Union
from urllib.parse import urlsplit

from ._errors import FinopsError
from ._events import now

if TYPE_CHECKING:
    from ._client import Finops

C = TypeVar("C")
Fields = Union[Mapping[str, Any], Callable[[Mapping[str, Any]], Mapping[str, Any]]]

CHAT = "chat.completions.create"
METHODS = (
    CHAT,
    "chat.completions.parse",
    "responses.create",
    "responses.parse",
    "embeddings.create",
    "messages.create",
    "messages.parse",
)
# Only looked for where there are messages: OpenAI's `beta` takes long to import and has nothing to meter.
BETA_METHODS = ("beta.messages.create", "beta.messages.parse")

# Whose model it is, by the end of the host's name; elsewhere the service tells by the model.
VENDORS = {
    "api.openai.com": "openai",
    ".openai.azure.com": "azure",
    "api.anthropic.com": "anthropic",
    ".amazonaws.com": "aws_bedrock",
    "-aiplatform.googleapis.com": "vertex_ai",
}

_MARK = "_finops_metered"


def meter(finops: "Finops", client: C, fields: Optional[Fields], more: Mapping[str, Any], stream_usage: bool) -> C:
    """Replaces what calls a model, once."""
    settings = Settings(finops, client, fields, more, stream_usage)
    found = [_replace(client, path, settings) for path in METHODS]
    if getattr(client, "messages", None) is not None:
        found += [_replace(client, path, settings) for path in BETA_METHODS]
    if not any(found):
        name = type(client).__name__
        finops._report(FinopsError("not_metered", f"{name} has none of the methods that are metered"))
    for name in ("with_options", "copy"):
        original = getattr(client, name, None)
        if callable(original) and not hasattr(original, _MARK):
            _set(client, name, _copying(original, settings))
    return client


class Settings:
    """What the calls of one client have in common."""

    def __init__(
        self, finops: "Finops", client: Any, fields: Optional[Fields], more: Mapping[str, Any], stream_usage: bool
    ) -> None:
        self.finops = finops
        self.fields = fields
        self.more = more
        self.stream_usage = stream_usage
        host = urlsplit(str(getattr(client, "base_url", ""))).hostname or ""
        self.provider = next((vendor for end, vendor in VENDORS.items() if host.endswith(end)), None)

    def of(self, request: Mapping[str, Any]) -> Dict[str, Any]:
        """The fields of one call's event."""
        fields = self.fields(request) if callable(self.fields) else self.fields
        return {**(fields or {}), **self.more}


def _replace(client: Any, path: str, settings: Settings) -> bool:
    *parents, name = path.split(".")
    resource = client
    for parent in parents:
        resource = getattr(resource, parent, None)
    original = getattr(resource, name, None)
    if not callable(original):
        return False
    return hasattr(original, _MARK) or _set(resource, name, _metered(original, path, settings))


def _set(resource: Any, name: str, wrapper: Any) -> bool:
    setattr(wrapper, _MARK, True)
    setattr(resource, name, wrapper)
    return True


def _copying(original: Any, settings: Settings) -> Any:
    """A client that is made from a metered one is metered."""

    @functools.wraps(original)
    def copy(*args: Any, **kwargs: Any) -> Any:
        made = original(*args, **kwargs)
        try:
            return meter(settings.finops, made, settings.fields, settings.more, settings.stream_usage)
        except Exception as error:  # noqa: BLE001
            settings.finops._report(FinopsError("not_metered", repr(error)))
            return made

    return copy


def _metered(original: Any, path: str, settings: Settings) -> Any:
    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            this = Call(path, kwargs, settings)
        except Exception as error:  # noqa: BLE001
            settings.finops._report(FinopsError("not_metered", repr(error)))
            return original(*args, **kwargs)
        try:
            result = original(*args, **this.request)
        except BaseException as error:
            this.failed(error)
            raise
        return _awaited(this, result) if inspect.isawaitable(result) else this.answered(result)

    return call


async def _awaited(call: "Call", pending: Any) -> Any:
    try:
        result = await pending
    except BaseException as error:
        call.failed(error)
        raise
    return call.answered(result)


class Call:
    """One call of a model, from its request to the event that it becomes."""

    def __init__(self, path: str, request: Dict[str, Any], settings: Settings) -> None:
        self._path = path
        self._settings = settings
        self._at = now()
        self._start = time.monotonic()
        self._streams = request.get("stream") is True
        # Whether a chunk with the usage was asked for that the caller does not expect.
        self._hides = False
        self.request = self._asking_for_usage(request)
        self._id: Optional[str] = None
        self._model: Optional[str] = None
        self._tier: Optional[str] = None
        self._usage: Optional[Dict[str, Any]] = None
        # Whether the usage is the whole of it.
        self._whole = False
        self._done = False

    def _asking_for_usage(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Chat streams tell their usage only when asked to."""
        if self._path != CHAT or not self._streams or not self._settings.stream_usage:
            return request
        options = request.get("stream_options")
        if isinstance(options, Mapping) and "include_usage" in options:
            return request
        self._hides = True
        options = dict(options) if isinstance(options, Mapping) else {}
        return {**request, "stream_options": {**options, "include_usage": True}}

    def answered(self, result: Any) -> Any:
        """Takes the answer; for a stream, one that is counted while it is read."""
        try:
            if self._streams and hasattr(result, "__aiter__"):
                return AsyncStream(result, self)
            if self._streams and hasattr(result, "__iter__"):
                return SyncStream(result, self)
            answer = result
            if not hasattr(result, "usage") and not self._streams:
                # with_raw_response: the body can be read here as well as there. A coroutine could only be read once.
                parse = getattr(result, "parse", None)
                answer = parse() if callable(parse) and not inspect.iscoroutinefunction(parse) else result
            self._learn(answer)
            self._record("success")
        except Exception as error:  # noqa: BLE001
            self._report(error)
        return result

    def observed(self, chunk: Any) -> bool:
        """Takes a part of a stream; whether the caller is to see it."""
        try:
            self._learn(chunk)
            return not (self._hides and getattr(chunk, "usage", None) is not None and not chunk.choices)
        except Exception as error:  # noqa: BLE001
            self._report(error)
            return True

    def ended(self) -> None:
        """The stream was read to its end."""
        self._record("success")

    def abandoned(self) -> None:
        """Nobody reads the stream any more."""
        self._record("success" if self._whole else "cancelled")

    def failed(self, error: BaseException) -> None:
        """The call or its stream failed."""
        cancelled = isinstance(error, (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt))
        status = getattr(error, "status_code", None)
        about = {"errorType": type(error).__name__}
        self._record("cancelled" if cancelled else "error", {**about, "httpStatus": status} if status else about)

    def _learn(self, part: Any) -> None:
        kind = getattr(part, "type", None)
        for name in ("response", "message"):
            inner = getattr(part, name, None)
            if inner is not None and hasattr(inner, "id") and hasattr(inner, "usage"):
                part = inner
                break
        usage = _plain(getattr(part, "usage", None))
        self._id = getattr(part, "id", None) or self._id
        self._model = getattr(part, "model", None) or self._model
        self._tier = getattr(part, "service_tier", None) or (usage or {}).get("service_tier") or self._tier
        if usage is not None:
            # Anthropic's streams tell the input at the start and the rest at the end.
            self._usage = {**(self._usage or {}), **usage}
            self._whole = kind != "message_start"

    def _record(self, status: str, about: Optional[Mapping[str, Any]] = None) -> None:
        if self._done:
            return
        self._done = True
        try:
            event: Dict[str, Any] = {
                "eventId": self._id or str(uuid.uuid4()),
                "timestamp": self._at,
                "provider": self._settings.provider,
                "model": self._model or str(self.request.get("model") or "unknown"),
                # A part of the usage would be a part of the cost that looks like the whole.
                "usage": self._usage if self._whole else None,
                "serviceTier": self._tier,
                "responseTime": round((time.monotonic() - self._start) * 1000),
                "status": status,
            }
            fields = self._settings.of(self.request)
            metadata = {"operation": self._path, **(about or {}), **(fields.pop("metadata", None) or {})}
            # What the caller says of a call goes before what is seen of it, in either spelling.
            told = {name: value for name, value in event.items() if value is not None and _snake(name) not in fields}
            self._settings.finops.track({**told, **fields, "metadata": metadata})
        except Exception as error:  # noqa: BLE001
            self._report(error)

    def _report(self, error: Exception) -> None:
        self._settings.finops._report(FinopsError("not_metered", repr(error)))


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def _plain(usage: Any) -> Optional[Dict[str, Any]]:
    """The vendor's usage as it was in its answer."""
    if usage is None:
        return None
    if isinstance(usage, Mapping):
        told = dict(usage)
    elif hasattr(usage, "model_dump"):
        told = usage.model_dump(mode="json", exclude_unset=True)
    else:
        told = dict(vars(usage))
    return {name: value for name, value in told.items() if value is not None}


class _Stream:
    """A vendor's stream for all that anybody can see."""

    def __init__(self, stream: Any, call: Call) -> None:
        self._stream = stream
        self._call = call
        self._chunks = stream.__aiter__() if hasattr(stream, "__aiter__") else iter(stream)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __del__(self) -> None:
        call = self.__dict__.get("_call")
        if call is not None:
            call.abandoned()


class SyncStream(_Stream):
    """Counted while it is read."""

    def __iter__(self) -> "SyncStream":
        return self

    def __next__(self) -> Any:
        while True:
            try:
                chunk = next(self._chunks)
            except StopIteration:
                self._call.ended()
                raise
            except BaseException as error:
                self._call.failed(error)
                raise
            if self._call.observed(chunk):
                return chunk

    def __enter__(self) -> "SyncStream":
        self._stream.__enter__()
        return self

    def __exit__(self, *error: Any) -> Any:
        self._call.abandoned()
        return self._stream.__exit__(*error)

    def close(self) -> Any:
        self._call.abandoned()
        return self._stream.close()


class AsyncStream(_Stream):
    """Counted while it is read."""

    def __aiter__(self) -> "AsyncStream":
        return self

    async def __anext__(self) -> Any:
        while True:
            try:
                chunk = await self._chunks.__anext__()
            except StopAsyncIteration:
                self._call.ended()
                raise
            except BaseException as error:
                self._call.failed(error)
                raise
            if self._call.observed(chunk):
                return chunk

    async def __aenter__(self) -> "AsyncStream":
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> Any:
        self._call.abandoned()
        return await self._stream.__aexit__(*error)

    async def close(self) -> Any:
        self._call.abandoned()
        return await self._stream.close()
