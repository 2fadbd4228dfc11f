"""The way out to WeChat when what stands there is not WeChat, or not well."""

from __future__ import annotations

import threading
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
    release: ClassVar[threading.Event] = threading.Event()
    paths: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer."""
        self.do_POST()

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.paths.append(self.path.partition("?")[0])
        is_token = "stable_token" in self.path
        body = self.token if is_token else self.answer
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

    yield Fresh
    Fresh.release.set()


@pytest.fixture
def api(odd: type[Odd]) -> Iterator[WeChat]:
    """Give a client that calls that server; there is no Redis."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), odd)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    settings = configuration.load({"WECHAT_API_BASE": f"http://127.0.0.1:{server.server_port}"})
    yield WeChat(settings, connect("unix:///nowhere/redis.sock"))
    odd.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


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
