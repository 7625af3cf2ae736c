"""The service that `cargo xtask test` started, a proxy before it that can fail, and a vendor of models."""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, Optional, Tuple
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from finops_sdk import Finops


def required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise RuntimeError(f"{name} is not set: run `cargo xtask test`")
    return value


def client(**options: Any) -> Finops:
    """A client that is quick to try again, so that tests are quick."""
    return Finops(**{"retry_delay": 0.02, **options})


def session() -> str:
    """A conversation of its own: what a test finds its events by."""
    return f"py-{uuid.uuid4()}"


def stored(conversation: str) -> List[Dict[str, Any]]:
    """The events of a conversation that the service has, the earliest first."""
    found: List[Dict[str, Any]] = []
    query = {"sessionId": conversation, "limit": "200"}
    while True:
        request = Request(
            f"{required('FINOPS_URL')}/api/usage-events?{urlencode(query)}",
            headers={"Authorization": f"Bearer {required('FINOPS_API_KEY')}"},
        )
        with urlopen(request, timeout=10) as answer:
            page = json.loads(answer.read())
        found += page["data"]
        if not page.get("nextCursor"):
            return found[::-1]
        query["cursor"] = page["nextCursor"]


class Server:
    """A server on loopback for the time of a test."""

    def __init__(self, handler: Callable[["Handler"], None]) -> None:
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Bound", (Handler,), {"answer": staticmethod(handler)})
        )
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Handler(BaseHTTPRequestHandler):
    answer: Callable[["Handler"], None]

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        type(self).answer(self)

    do_GET = do_POST

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        """Ends the connection the hard way, as a machine that goes away does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.wfile = self.rfile = open(os.devnull, "r+b")

    def log_message(self, *_: Any) -> None:
        pass


class Proxy(Server):
    """Passes requests on to the service, but for the faults that are due, one a request."""

    def __init__(self, *faults: Tuple[str, Dict[str, str]]) -> None:
        super().__init__(self._pass_on)
        self.faults = list(faults)
        self.requests: List[Tuple[float, bytes]] = []

    def _pass_on(self, request: Handler) -> None:
        self.requests.append((time.monotonic(), request.body))
        fault, headers = self.faults.pop(0) if self.faults else ("", {})
        if fault == "reset":
            return request.reset()
        if fault.isdigit():
            return request.reply(int(fault), b'{"code":"unavailable","detail":"busy"}', **headers)
        status, body = self._ask(request)
        if fault == "lost":
            return request.reset()
        return request.reply(status, body)

    @staticmethod
    def _ask(request: Handler) -> Tuple[int, bytes]:
        service = urlsplit(required("FINOPS_URL"))
        connection = http.client.HTTPConnection(service.netloc, timeout=10)
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
        connection.request(request.command, request.path, request.body or None, headers)
        answer = connection.getresponse()
        try:
            return answer.status, answer.read()
        finally:
            connection.close()


class Vendor(Server):
    """Answers as the vendors' documentation shows: what is asked for next, in order."""

    def __init__(self) -> None:
        super().__init__(self._give)
        self.answers: List[Tuple[int, bytes, str]] = []
        self.requests: List[Dict[str, Any]] = []

    def json(self, body: Dict[str, Any], status: int = 200) -> None:
        self.answers.append((status, json.dumps(body).encode(), "application/json"))

    def stream(self, *chunks: Dict[str, Any], end: Optional[str] = "[DONE]") -> None:
        names = [f"event: {chunk['type']}\n" if "type" in chunk else "" for chunk in chunks]
        lines = [f"{name}data: {json.dumps(chunk)}\n\n" for name, chunk in zip(names, chunks)]
        lines += [f"data: {end}\n\n"] if end else []
        self.answers.append((200, "".join(lines).encode(), "text/event-stream"))

    def _give(self, request: Handler) -> None:
        self.requests.append(json.loads(request.body))
        status, body, kind = self.answers.pop(0)
        request.reply(status, body, Content_Type=kind)
