"""The way out to WeChat when what stands there is not WeChat, or not well."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import traceback
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

import settings as configuration
from bot import wechat
from bot.bell import connect
from bot.errcodes import Fate, WeChatError
from bot.wechat import WeChat, session_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from settings import Settings

TOKEN = b'{"access_token": "t", "expires_in": 7200}'
PAGE = b"<html>welcome to this network, please log in</html>"
OPENID = "oResident000000000000000001"
CALLS: dict[str, Callable[[WeChat], object]] = {
    "send": lambda api: api.send_text(OPENID, "好"),
    "photo": lambda api: api.send_photo(OPENID, b"jpeg"),
    "menu": lambda api: api.create_menu({"button": []}),
    "ticket": lambda api: api.page_config("http://x/h5/"),
    "login": lambda api: api.openid_of("code"),
    "qr": lambda api: api.qr_address("grid"),
}


class Odd(BaseHTTPRequestHandler):
    """Answers each path with what a test has put there: token first, then whatever."""

    token: ClassVar[bytes] = TOKEN
    answer: ClassVar[bytes] = b""
    kind: ClassVar[str] = "application/json"
    missing: ClassVar[int] = 0
    refuses: ClassVar[str] = ""
    slow: ClassVar[float] = 0.0  # seconds in which others would come with the same question
    release: ClassVar[threading.Event] = threading.Event()
    paths: ClassVar[list[str]] = []
    forced: ClassVar[list[bool]] = []

    def do_GET(self) -> None:
        """Answer."""
        self.do_POST()

    def do_POST(self) -> None:
        """Answer."""
        posted = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.paths.append(self.path.partition("?")[0])
        is_token = "stable_token" in self.path
        body = self.token if is_token else self.answer
        if is_token and self.slow:
            self.release.wait(self.slow)
        if is_token and b'"force_refresh": true' in posted:
            self.forced.append(True)
        if self.refuses and f"access_token={self.refuses}" in self.path:
            body = b'{"errcode": 42001, "errmsg": "access_token expired"}'
        missing = 0 if is_token else self.missing
        self.send_response(200)
        self.send_header("Content-Type", self.kind)
        self.send_header("Content-Length", str(len(body) + abs(missing)))
        self.end_headers()
        self.wfile.write(body)
        if missing < 0:  # hang in the middle of the body
            self.wfile.flush()
            self.release.wait(5)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def odd() -> Iterator[type[Odd]]:
    """Give the answers of a server that stands where WeChat should."""

    class Fresh(Odd):
        release = threading.Event()
        paths: ClassVar[list[str]] = []
        forced: ClassVar[list[bool]] = []

    yield Fresh
    Fresh.release.set()


@contextmanager
def serve(odd: type[Odd]) -> Iterator[str]:
    """Answer at the address that is given."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), odd)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    odd.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def api(odd: type[Odd]) -> Iterator[WeChat]:
    """Give a client that calls that server; there is no Redis."""
    with serve(odd) as address:
        yield WeChat(configuration.load({"WECHAT_API_BASE": address}), connect("unix:///nowhere/redis.sock"))


def fate(call: Callable[[], object]) -> Fate:
    """Return how a call fails."""
    with pytest.raises(WeChatError) as error:
        call()
    return error.value.fate


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("answer", [PAGE, b"", b"[]", b"{}", b'{"errcode": "x"}'])
def test_a_page_is_no_answer(api: WeChat, odd: type[Odd], call: str, answer: bytes) -> None:
    """What answers 200 with a page, or with JSON that says nothing, has not done what was asked: try again."""
    odd.answer, odd.kind = answer, "text/html" if answer == PAGE else "application/json"
    assert fate(lambda: CALLS[call](api)) is Fate.RETRY


@pytest.mark.parametrize("token", [PAGE, b"{}", b'{"access_token": "t", "expires_in": "soon"}', b'["t"]'])
def test_a_page_is_no_token(api: WeChat, odd: type[Odd], token: bytes) -> None:
    """A token that is none fails as a passing fault, not as a bug."""
    odd.token, odd.answer = token, b'{"errcode": 0}'
    assert fate(lambda: CALLS["send"](api)) is Fate.RETRY


@pytest.mark.parametrize("missing", [10, -10], ids=["cut off", "hanging"])
def test_half_an_answer(api: WeChat, odd: type[Odd], monkeypatch: pytest.MonkeyPatch, missing: int) -> None:
    """A body that is cut off or never ends is tried again, for a text as for a file."""
    monkeypatch.setattr(wechat, "TIMEOUT", (1, 0.2))
    monkeypatch.setattr(wechat, "MEDIA_TIMEOUT", (1, 0.2))
    odd.answer, odd.missing = b'{"errcode": 0}', missing
    assert fate(lambda: api.send_text(OPENID, "好")) is Fate.RETRY
    assert fate(lambda: api.media("photo-1")) is Fate.RETRY


def test_good_answers_count_whatever_they_call_themselves(api: WeChat, odd: type[Odd]) -> None:
    """WeChat's JSON is JSON under any content type, and no proxy of the environment stands before this machine."""
    odd.answer, odd.kind = b'{"errcode": 0, "errmsg": "ok"}', "text/html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        patch.setenv("http_proxy", "http://127.0.0.1:9")
        patch.delenv("NO_PROXY", raising=False)
        patch.delenv("no_proxy", raising=False)
        api.send_text(OPENID, "好")
    with session_for("https://api.weixin.qq.com") as session:
        assert session.trust_env


def test_one_ticket_for_all(api: WeChat, odd: type[Odd]) -> None:
    """However many pages are signed at once, WeChat is asked for its ticket once."""
    odd.answer = b'{"errcode": 0, "ticket": "t", "expires_in": 7200}'
    signing = [threading.Thread(target=api.page_config, args=("http://x/h5/",)) for _ in range(8)]
    for each in signing:
        each.start()
    for each in signing:
        each.join()
    assert odd.paths == ["/cgi-bin/stable_token", "/cgi-bin/ticket/getticket"]


def test_the_ticket_is_shared(settings: Settings, serving: str) -> None:
    """What one process fetched, the others find in Redis."""
    assert serving
    first, second = (WeChat(settings, connect(settings.redis_url)) for _ in range(2))
    assert first.page_config("http://x/")["appId"] == settings.wechat_appid
    assert connect(settings.redis_url).get(f"wechat:ticket:{settings.wechat_appid}")
    assert second._ticket.get() == first._ticket.get()  # noqa: SLF001 - what signs, and is never shown


# -- one token for all -----------------------------------------------------------------------------------------

ASK = """
import sys
import settings as configuration
from bot.bell import connect
from bot.wechat import WeChat
settings = configuration.load()
api = WeChat(settings, connect(settings.redis_url))
print("ready", flush=True)
sys.stdin.readline()
api.send_text("oResident000000000000000001", "好")
"""


@pytest.mark.parametrize("held", ["", "t-old"], ids=["no token yet", "a token that WeChat refuses"])
def test_two_processes_ask_once(odd: type[Odd], redis_url: str, held: str) -> None:
    """Processes that need a token at the same moment ask WeChat for it once, and never make it give another."""
    odd.answer, odd.refuses, odd.slow = b'{"errcode": 0}', held, 0.5
    with serve(odd) as address:
        environ = {**os.environ, "WECHAT_API_BASE": address, "REDIS_URL": redis_url}
        appid = configuration.load(environ).wechat_appid
        if held:
            connect(redis_url).set(f"wechat:token:{appid}", held)
        asking = [
            subprocess.Popen(
                [sys.executable, "-c", ASK], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(3)
        ]
        for each in asking:
            assert each.stdout
            assert each.stdout.readline() == "ready\n"
        for each in asking:
            assert each.stdin
            each.stdin.write("go\n")
            each.stdin.flush()
        for each in asking:
            each.communicate(timeout=60)
        assert [each.returncode for each in asking] == [0, 0, 0]
    assert odd.paths.count("/cgi-bin/stable_token") == 1
    assert not odd.forced


def test_a_token_is_forced_once(api: WeChat, odd: type[Odd]) -> None:
    """When WeChat refuses the very token that it gives, another one is demanded, once; then the call has failed."""
    odd.answer = b'{"errcode": 40001, "errmsg": "invalid credential"}'
    assert fate(lambda: api.send_text(OPENID, "好")) is Fate.ALARM
    assert odd.paths.count("/cgi-bin/stable_token") == 3
    assert odd.forced == [True]


def test_without_redis_one_call_a_process(api: WeChat, odd: type[Odd]) -> None:
    """With Redis away the threads of a process still ask once."""
    odd.answer = b'{"errcode": 0}'
    sending = [threading.Thread(target=api.send_text, args=(OPENID, "好")) for _ in range(6)]
    for each in sending:
        each.start()
    for each in sending:
        each.join()
    assert odd.paths.count("/cgi-bin/stable_token") == 1


# -- nothing leaks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("trouble", ["nobody", "cut off", "refused", "page"])
def test_failures_hold_no_secret(
    api: WeChat,
    odd: type[Odd],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    call: str,
    trouble: str,
) -> None:
    """However a call fails, neither the error, nor what led to it, nor the log has token, secret or openid."""
    caplog.set_level(0)
    odd.token = b'{"access_token": "TOKEN-IN-HAND", "expires_in": 7200}'
    odd.answer = {"refused": b'{"errcode": 40003, "errmsg": "invalid openid"}', "page": PAGE}.get(trouble, b"{}")
    odd.missing = 10 if trouble == "cut off" else 0
    if trouble == "nobody":
        api._token.get()  # noqa: SLF001 - then WeChat is gone
        monkeypatch.setattr(api, "_base", "http://127.0.0.1:9")
    with pytest.raises(WeChatError) as error:
        CALLS[call](api)
    seen = "".join(traceback.format_exception(error.value, chain=True)) + caplog.text
    link: BaseException | None = error.value
    while link is not None:
        seen += f"{link!r} {link} {link.args} {vars(link)}"
        link = link.__cause__ or link.__context__
    secret = configuration.SANDBOX_WECHAT["WECHAT_SECRET"]
    for word in ("TOKEN-IN-HAND", secret, OPENID, "access_token="):
        assert word not in seen
