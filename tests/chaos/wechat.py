"""WeChat's side of the world: its API as a real HTTP server that fails as told, and its deliveries, with repeats."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import requests

from settings import SANDBOX_WECHAT
from tests.integration.people import picture, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TOKEN = SANDBOX_WECHAT["WECHAT_TOKEN"]
# WeChat waits so long for an answer, and delivers so often altogether.
PATIENCE_SECONDS, DELIVERIES = 5.0, 3
PHOTO = picture().getvalue()


@dataclass(frozen=True)
class Answer:
    """What the API answers instead of doing what it is asked."""

    body: dict[str, Any]
    status: int = 200
    hangs: float = 0.0


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


class Api:
    """The API: takes messages and gives files, or fails as `fault(path)` says. It counts what it did."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, str, str]] = []  # when, to whom, what
        self.calls: Counter[str] = Counter()
        self.fault: Callable[[str], Answer | None] = lambda _path: None
        self.during: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def texts(self) -> Counter[tuple[str, str]]:
        """Return how often each text was taken for each resident."""
        with self._lock:
            return Counter((openid, text) for _, openid, text in self.sent)

    def answer(self, path: str, body: bytes) -> Answer | bytes:
        """Do one call."""
        with self._lock:
            self.calls[path] += 1
        self.during()
        failed = self.fault(path)
        if failed is not None:
            return failed
        if path.endswith("stable_token"):
            return Answer({"access_token": "token", "expires_in": 7200})
        if path.endswith("media/get"):
            return PHOTO
        message = json.loads(body or b"{}")
        with self._lock:
            self.sent.append((time.monotonic(), message.get("touser", ""), message.get("text", {}).get("content", "")))
        return Answer({"errcode": 0, "errmsg": "ok"})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                found = api.answer(self.path.partition("?")[0], body)
                content = found if isinstance(found, bytes) else json.dumps(found.body).encode()
                kind = "image/jpeg" if isinstance(found, bytes) else "application/json"
                if isinstance(found, Answer) and found.hangs:
                    time.sleep(found.hangs)
                self.send_response(found.status if isinstance(found, Answer) else 200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST  # noqa: N815 - as above

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@dataclass
class Deliveries:
    """What became of messages that were delivered as WeChat does it."""

    acknowledged: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    repeats: int = 0
    milliseconds: list[float] = field(default_factory=list)
    seconds: float = 0.0
    refusals: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """How many messages a second there really were."""
        return (len(self.acknowledged) + len(self.given_up)) / self.seconds

    def p99(self) -> float:
        """Return the 99th percentile of the answers' times."""
        return sorted(self.milliseconds)[int(len(self.milliseconds) * 0.99)]


def deliver(
    address: str, messages: Sequence[str], rate: float, *, deliveries: int = DELIVERIES, pause: float = 1.0
) -> Deliveries:
    """Deliver messages (XML) at so many a second, each again when it is not answered with 200, as WeChat does."""
    outcome, lock = Deliveries(), threading.Lock()
    local = threading.local()
    began = time.monotonic()

    def one(at: int) -> None:
        time.sleep(max(0.0, began + at / rate - time.monotonic()))
        for attempt in range(deliveries):
            if attempt:
                time.sleep(pause)
            session = local.__dict__.setdefault("session", requests.Session())
            started = time.monotonic()
            try:
                answer = session.post(
                    f"{address}/wechat", params=signed(TOKEN), data=messages[at].encode(), timeout=PATIENCE_SECONDS
                )
                words = str(answer.status_code)
            except requests.RequestException as error:
                local.session = requests.Session()
                words = type(error).__name__
            with lock:
                outcome.milliseconds.append((time.monotonic() - started) * 1000)
                outcome.repeats += attempt > 0
                if words == "200":
                    outcome.acknowledged.append(messages[at])
                    return
                outcome.refusals[words] += 1
        with lock:
            outcome.given_up.append(messages[at])

    with ThreadPoolExecutor(min(64, max(8, int(rate)))) as pool:
        list(pool.map(one, range(len(messages))))
    outcome.seconds = time.monotonic() - began
    return outcome
