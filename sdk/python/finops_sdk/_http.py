"""One request, and when to make it again."""

from __future__ import annotations

import http.client
import json
import random
import time
import urllib.error
import urllib.request
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Mapping, Optional, TypeVar
from urllib.parse import urlencode

from ._errors import FinopsError

T = TypeVar("T")

USER_AGENT = "finops-sdk-python/0.1.0"
# Waits so many seconds (told too how many the service asked for), and answers whether to go on.
Pause = Callable[[float, Optional[float]], bool]
# The longest answer that is read, in bytes.
MAX_ANSWER = 64 * 1024 * 1024
# The longest pause between two attempts, in seconds, unless the service asks for more.
MAX_DELAY = 30.0
# The longest pause that the service may ask for.
MAX_RETRY_AFTER = 120.0


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key must not follow a redirect to somebody else."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


class Transport:
    """Speaks to the service."""

    def __init__(self, base_url: str, api_key: Optional[str], timeout: float) -> None:
        base = base_url.strip().rstrip("/")
        # Older guides give the address of the API instead of the service's.
        self._base = base[: -len("/api")] if base.endswith("/api") else base
        self._api_key = api_key
        self._timeout = timeout
        self._opener = urllib.request.build_opener(_NoRedirect)

    def get(self, path: str, query: Mapping[str, str]) -> Any:
        """Raises FinopsError."""
        return self._send("GET", f"{path}?{urlencode(query)}", None)

    def post(self, path: str, body: bytes, timeout: Optional[float] = None) -> Any:
        """Raises FinopsError."""
        return self._send("POST", path, body, timeout)

    def delete(self, path: str, timeout: Optional[float] = None) -> Any:
        """Raises FinopsError."""
        return self._send("DELETE", path, None, timeout)

    def _send(self, method: str, path: str, body: Optional[bytes], timeout: Optional[float] = None) -> Any:
        if not self._api_key:
            raise FinopsError("not_configured", "give an api_key, or set FINOPS_API_KEY")
        headers = {
            "Authorization": f"Bearer {self._api_key}",
            "Accept": "application/json",
            "User-Agent": USER_AGENT,
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            request = urllib.request.Request(self._base + path, data=body, headers=headers, method=method)
            with self._opener.open(request, timeout=timeout or self._timeout) as answer:
                return None if answer.status == 204 else _read(answer.read(MAX_ANSWER + 1))
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise FinopsError("network", str(error) or type(error).__name__) from error
        except ValueError as error:
            raise FinopsError("not_configured", f"the address of the service cannot be used: {error}") from error


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        # Whoever answered was not the service.
        raise FinopsError("network", "the answer is no JSON") from None


def _refusal(error: urllib.error.HTTPError) -> FinopsError:
    try:
        problem = json.loads(error.read(MAX_ANSWER))
    except (OSError, ValueError, http.client.HTTPException):
        problem = {}
    problem = problem if isinstance(problem, dict) else {}
    code = str(problem.get("code") or f"http_{error.code}")
    message = str(problem.get("detail") or problem.get("title") or error.reason)
    return FinopsError(
        code,
        message,
        status=error.code,
        retry_after=retry_after(error.headers.get("Retry-After"), time.time()),
        request_id=problem.get("requestId"),
        problem=problem,
    )


def retry_after(header: Optional[str], now: float) -> Optional[float]:
    """Seconds from now that a Retry-After header asks for, as seconds or as a date."""
    if not header:
        return None
    try:
        return max(0.0, float(int(header)))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return None


def delay(attempt: int, base: float, asked: Optional[float], jitter: float) -> float:
    """Seconds before the attempt after `attempt` (from 0): doubling, spread, bounded, and no less than asked for."""
    own = min(MAX_DELAY, base * 2.0 ** min(attempt, 16))
    if asked is None:
        return own * (0.5 + jitter / 2)
    return min(asked, MAX_RETRY_AFTER) + own * jitter / 2


def with_retries(work: Callable[[], T], *, retries: int, base: float, pause: Pause) -> T:
    """Does it, again where that can help."""
    for attempt in range(retries + 1):
        try:
            return work()
        except FinopsError as error:
            if not error.retryable or attempt == retries:
                raise
            if not pause(delay(attempt, base, error.retry_after, random.random()), error.retry_after):
                raise
    raise AssertionError("unreachable")
