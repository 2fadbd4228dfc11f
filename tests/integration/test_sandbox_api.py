"""The sandbox keeps WeChat's promises, and breaks them the way WeChat does."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import flask
import pytest
import requests
from werkzeug.serving import make_server

import settings
from bot.protocol import Gate, Inbound, render_text
from bot.sandbox import amr, blueprint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AUNT = "oSandboxWangAyi0000000000001"
COURIER = "oSandboxZhaoShifu00000000003"
STRANGER = "oSandboxXinJumin000000000005"
PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(40)
KEY = "c2FuZGJveGtleXNhbmRib3hrZXlzYW5kYm94a2V5MDA"


@dataclass
class Phone:
    """A running sandbox with a callback that answers `reply`, and what the callback received."""

    settings: settings.Settings
    heard: list[Inbound] = field(default_factory=list)
    deliveries: int = 0
    reply: str = "收到"
    status: int = 200
    _token: str = ""

    def url(self, path: str) -> str:
        """Return an address of the sandbox."""
        return f"{self.settings.own_address}/sandbox{path}"

    def client(self) -> dict[str, str]:
        """Return the account's credentials as the token calls want them."""
        given = self.settings
        return {"grant_type": "client_credential", "appid": given.wechat_appid, "secret": given.wechat_secret}

    def stable(self, **more: object) -> dict[str, Any]:
        """Ask for a stable token."""
        answer = requests.post(self.url("/api/cgi-bin/stable_token"), json=self.client() | more, timeout=5)
        return dict(answer.json())

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Call the API with GET and a good token, unless one is given."""
        query.setdefault("access_token", self.token())
        return dict(requests.get(self.url(f"/api/{path}"), params=query, timeout=5).json())

    def post(self, path: str, body: object) -> dict[str, Any]:
        """Call the API with POST and a good token."""
        query = {"access_token": self.token()}
        return dict(requests.post(self.url(f"/api/{path}"), params=query, json=body, timeout=5).json())

    def token(self) -> str:
        """Return an access token, fetched once."""
        self._token = self._token or self.stable()["access_token"]
        return self._token

    def say(self, openid: str, client_id: str = "first", **wish: object) -> requests.Response:
        """Act as a resident on the page."""
        body = {"client_id": client_id, **wish}
        return requests.post(self.url(f"/chats/{openid}/send"), json=body, timeout=20)

    def push(self, openid: str, content: str = "已办结") -> int:
        """Send a customer-service text and return the error code."""
        body = {"touser": openid, "msgtype": "text", "text": {"content": content}}
        return int(self.post("cgi-bin/message/custom/send", body)["errcode"])

    def switch(self, switch: str, /, **wish: object) -> None:
        """Use one of the switches for tests."""
        assert requests.post(self.url(switch), json=wish, timeout=5).status_code == 200

    def receive(self) -> flask.Response:
        """Stand for the product's callback."""
        gate = Gate(self.settings)
        self.deliveries += 1
        message = gate.admit(flask.request.args, flask.request.get_data())
        assert message is not None
        self.heard.append(message)
        content = gate.seal(flask.request.args, render_text(message, self.reply)) if self.reply else "success"
        return flask.Response(content, self.status)


def _serve(data_dir: Path, mode: str) -> Iterator[Phone]:
    app = flask.Flask(__name__)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    environ = {
        "PORT": str(server.port), "DATA_DIR": str(data_dir), "WECHAT_MODE": mode, "WECHAT_AES_KEY": KEY
    }  # fmt: skip
    phone = Phone(settings.load(environ))
    app.register_blueprint(blueprint(phone.settings))
    app.add_url_rule("/wechat", "wechat", phone.receive, methods=["POST"])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield phone
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    """Give a sandbox in plain mode."""
    yield from _serve(tmp_path, "plain")


@pytest.fixture(params=["plain", "compat", "safe"])
def any_phone(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Phone]:
    """Give a sandbox in each mode in turn."""
    yield from _serve(tmp_path, request.param)


def test_production_has_no_sandbox(tmp_path: Path) -> None:
    """Outside the sandbox profile the blueprint cannot be had."""
    names = ("WECHAT_TOKEN", "WECHAT_APPID", "WECHAT_SECRET", "WECHAT_AES_KEY", "SECRET_KEY")
    environ = dict.fromkeys(names, ("0123456789abcdef" * 3)[:43]) | {"PROFILE": "production", "DATA_DIR": str(tmp_path)}
    with pytest.raises(ValueError, match="sandbox"):
        blueprint(settings.load(environ))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"grant_type": "other"}, 40002),
        ({"appid": "wx-other"}, 40013),
        ({"appid": ""}, 41002),
        ({"secret": "other"}, 40125),
        ({"secret": ""}, 41004),
    ],
)
def test_wrong_credentials_are_named(phone: Phone, change: dict[str, str], code: int) -> None:
    """Both token calls say which of grant, appid and secret is wrong."""
    assert phone.stable(**change)["errcode"] == code
    query = phone.client() | change
    assert requests.get(phone.url("/api/cgi-bin/token"), params=query, timeout=5).json()["errcode"] == code


def test_stable_token_stays_until_forced(phone: Phone) -> None:
    """The stable token is the same until it is refreshed by force, which kills the old one at once."""
    first = phone.stable()
    assert phone.stable()["access_token"] == first["access_token"]
    assert first["expires_in"] == 7200
    forced = phone.stable(force_refresh=True)["access_token"]
    assert forced != first["access_token"]
    assert phone.get("cgi-bin/menu/get", access_token=first["access_token"])["errcode"] == 40001
    assert phone.get("cgi-bin/menu/get", access_token=forced)["errcode"] == 46003


def test_plain_tokens_overlap(phone: Phone) -> None:
    """A newly fetched plain token leaves the one before and the stable one working for a while."""
    url = phone.url("/api/cgi-bin/token")
    old, new = (requests.get(url, params=phone.client(), timeout=5).json()["access_token"] for _ in range(2))
    assert old != new
    for token in (old, new, phone.token()):
        assert phone.get("cgi-bin/menu/get", access_token=token)["errcode"] == 46003


def test_tokens_are_checked(phone: Phone) -> None:
    """Missing, unknown and expired tokens have their own codes, and a new token follows an expired one."""
    assert phone.get("cgi-bin/menu/get", access_token="")["errcode"] == 41001
    assert phone.get("cgi-bin/menu/get", access_token="made-up")["errcode"] == 40001
    old = phone.token()
    phone.switch("/tokens/expire")
    assert phone.get("cgi-bin/menu/get")["errcode"] == 42001
    assert phone.stable()["access_token"] != old


def test_unknown_calls_and_methods(phone: Phone) -> None:
    """An unknown path and a wrong method are answered as WeChat does, with status 200."""
    assert phone.get("cgi-bin/nothing") == {"errcode": 40066, "errmsg": "invalid url"}
    assert phone.get("cgi-bin/message/custom/send")["errcode"] == 43002
    assert phone.post("cgi-bin/menu/get", {})["errcode"] == 43001


def test_silent_residents_cannot_be_written_to(phone: Phone) -> None:
    """Nobody hears from the account before speaking, after 48 hours, or without following."""
    assert phone.push(AUNT) == 45015
    assert phone.push(STRANGER) == 43004
    assert phone.push("o-nobody") == 40003
    phone.say(AUNT, kind="text", text="你好")
    phone.switch("/clock", openid=AUNT, last_interaction_hours_ago=47)
    assert phone.push(AUNT) == 0
    phone.switch("/clock", openid=AUNT, last_interaction_hours_ago=49)
    assert phone.push(AUNT) == 45015


def test_five_answers_to_a_message(phone: Phone) -> None:
    """Each message of a resident allows five; the next message allows five again."""
    phone.say(AUNT, kind="text", text="你好")
    assert [phone.push(AUNT) for _ in range(6)] == [0] * 5 + [45047]
    phone.say(AUNT, "second", kind="text", text="在吗")
    assert phone.push(AUNT) == 0
    assert phone.push(COURIER) == 45015


def test_three_answers_to_a_click(phone: Phone) -> None:
    """A menu click allows three, for one minute only."""
    phone.say(AUNT, kind="click", key="HELP")
    assert [phone.push(AUNT) for _ in range(4)] == [0, 0, 0, 45047]
    phone.say(AUNT, "second", kind="click", key="HELP")
    phone.switch("/clock", openid=AUNT, last_interaction_hours_ago=49)
    assert phone.push(AUNT) == 45015


def test_refused_contents(phone: Phone) -> None:
    """Too long, empty, unknown and unreadable messages are refused without using up a send."""
    phone.say(AUNT, kind="text", text="你好")
    path = "cgi-bin/message/custom/send"
    assert phone.push(AUNT, "字" * 683) == 45002
    assert phone.push(AUNT, "") == 44004
    assert phone.post(path, {"touser": AUNT, "msgtype": "card"})["errcode"] == 40008
    media = {"touser": AUNT, "msgtype": "image", "image": {"media_id": "none"}}
    assert phone.post(path, media)["errcode"] == 40007
    raw = requests.post(phone.url(f"/api/{path}?access_token={phone.token()}"), data=b"{", timeout=5)
    assert raw.json()["errcode"] == 47001
    assert [phone.push(AUNT, "字" * 682) for _ in range(6)] == [0] * 5 + [45047]


def test_pushes_reach_the_page(phone: Phone) -> None:
    """Texts, choices and articles that the account sends appear once in the resident's chat."""
    phone.say(AUNT, kind="text", text="你好")
    choices = {"head_content": "满意吗", "list": [{"id": "1", "content": "满意"}], "tail_content": ""}
    news = {"articles": [{"title": "办结", "description": "", "url": "http://example.com", "picurl": ""}]}
    for kind, body in (("text", {"content": "😀"}), ("msgmenu", choices), ("news", news)):
        message = {"touser": AUNT, "msgtype": kind, kind: body}
        assert phone.post("cgi-bin/message/custom/send", message)["errcode"] == 0
    url = phone.url(f"/chats/{AUNT}/messages")
    found = requests.get(url, timeout=5).json()["messages"]
    assert [(one["side"], one["kind"]) for one in found] == [
        ("mine", "text"), ("theirs", "text"), ("push", "text"), ("push", "choices"), ("push", "news")
    ]  # fmt: skip
    assert not requests.get(url, params={"after": found[-1]["id"]}, timeout=5).json()["messages"]


def test_media_round_trip(phone: Phone) -> None:
    """An uploaded picture comes back byte for byte under its name, until three days have passed."""
    query = {"access_token": phone.token(), "type": "image"}
    url = phone.url("/api/cgi-bin/media/upload")
    files = {"media": ("a.png", PIXEL, "image/png")}
    made = requests.post(url, params=query, files=files, timeout=5).json()
    assert made.keys() == {"type", "media_id", "created_at"}
    back = phone.url("/api/cgi-bin/media/get")
    wanted = {"access_token": phone.token(), "media_id": made["media_id"]}
    answer = requests.get(back, params=wanted, timeout=5)
    assert answer.content == PIXEL
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-disposition"] == f'attachment; filename="{made["media_id"]}.png"'
    phone.switch("/clock", media_id=made["media_id"], uploaded_hours_ago=73)
    assert phone.get("cgi-bin/media/get", media_id=made["media_id"])["errcode"] == 40007


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        ("paper", PIXEL, 40004),
        ("image", b"", 44001),
        ("image", b"<html>", 40005),
        ("voice", PIXEL, 40005),
        ("thumb", b"\xff\xd8\xff" + bytes(65 * 1024), 40012),
    ],
)
def test_media_is_checked(phone: Phone, kind: str, data: bytes, code: int) -> None:
    """Uploads of an unknown kind, empty, of the wrong type or too large are refused."""
    query = {"access_token": phone.token(), "type": kind}
    url = phone.url("/api/cgi-bin/media/upload")
    made = requests.post(url, params=query, files={"media": ("a", data)}, timeout=5).json()
    assert made["errcode"] == code


def test_voice_of_a_resident(phone: Phone) -> None:
    """A voice message brings AMR of the asked length, and the words only where WeChat recognises them."""
    phone.say(AUNT, kind="voice", text="路灯坏了", seconds=3, recognised=True)
    phone.say(AUNT, "second", kind="voice", text="路灯坏了", seconds=3, recognised=False)
    assert [one.text("Recognition") for one in phone.heard] == ["路灯坏了", ""]
    wanted = {"access_token": phone.token(), "media_id": phone.heard[0].text("MediaId")}
    answer = requests.get(phone.url("/api/cgi-bin/media/get"), params=wanted, timeout=5)
    assert answer.content == amr.silence(3)
    assert answer.headers["Content-Type"] == "audio/amr"
    assert (len(answer.content) - 6) / 13 / 50 == 3


def test_faults_happen_as_often_as_ordered(phone: Phone) -> None:
    """Ordered faults hit the next calls to their path only, one after another, and can be cleared."""
    phone.say(AUNT, kind="text", text="你好")
    phone.switch("/faults", path="message/custom/send", errcode=-1, times=2)
    phone.switch("/faults", path="/cgi-bin/menu/get", http=502)
    assert [phone.push(AUNT) for _ in range(3)] == [-1, -1, 0]
    query = {"access_token": phone.token()}
    menu = phone.url("/api/cgi-bin/menu/get")
    assert [requests.get(menu, params=query, timeout=5).status_code for _ in range(2)] == [502, 200]
    phone.switch("/faults", path="message/custom/send", errcode=45009, times=9)
    phone.switch("/faults", clear=True)
    assert phone.push(AUNT) == 0


def test_template_messages(phone: Phone) -> None:
    """A template message needs a known template and a follower, but no open window."""
    path = "cgi-bin/message/template/send"
    body = {"touser": AUNT, "template_id": "sandbox-template-result", "data": {"事项": {"value": "井盖"}}}
    assert isinstance(phone.post(path, body)["msgid"], int)
    assert phone.post(path, body | {"template_id": "none"})["errcode"] == 40037
    assert phone.post(path, body | {"touser": STRANGER})["errcode"] == 43004


def test_subscription_notices_use_up_a_grant(phone: Phone) -> None:
    """Each permission of the resident is good for one notice."""
    path, template = "cgi-bin/message/subscribe/bizsend", "sandbox-template-result"
    body = {"touser": AUNT, "template_id": template, "data": {"thing1": {"value": "井盖"}}}
    assert phone.post(path, body)["errcode"] == 43101
    phone.say(AUNT, kind="grant", template_id=template)
    assert [phone.post(path, body)["errcode"] for _ in range(2)] == [0, 43101]


def _click(name: str = "上报", **change: object) -> dict[str, object]:
    return {"type": "click", "name": name, "key": "REPORT"} | change


@pytest.mark.parametrize(
    ("buttons", "code"),
    [
        ([], 40016),
        ([_click()] * 4, 40016),
        ([_click("")], 40018),
        ([_click("六个汉字太长")], 40018),
        ([_click(type="press")], 40017),
        ([_click(key="")], 40019),
        ([_click(key="k" * 129)], 40019),
        ([_click(type="view", url="weixin")], 40020),
        ([{"name": "更多", "sub_button": [_click()] * 6}], 40023),
        ([{"name": "更多", "sub_button": [_click("字" * 21)]}], 40025),
    ],
)
def test_menus_are_checked(phone: Phone, buttons: list[object], code: int) -> None:
    """Counts, types, names, keys and addresses outside WeChat's limits are refused, and nothing is stored."""
    assert phone.post("cgi-bin/menu/create", {"button": buttons})["errcode"] == code
    assert phone.get("cgi-bin/menu/get")["errcode"] == 46003


def test_menu_round_trip(phone: Phone) -> None:
    """A created menu is given back and shown on the phone until it is deleted."""
    menu = {"button": [_click("我要上报"), {"name": "更多", "sub_button": [_click("使用说明")]}]}
    assert phone.post("cgi-bin/menu/create", menu)["errcode"] == 0
    assert phone.get("cgi-bin/menu/get")["menu"]["button"][0] == _click("我要上报") | {"sub_button": []}
    shown = requests.get(phone.url(f"/chats/{AUNT}"), timeout=5).json()["menu"]
    assert [one["name"] for one in shown] == ["我要上报", "更多"]
    assert phone.get("cgi-bin/menu/delete")["errcode"] == 0
    assert phone.get("cgi-bin/menu/get")["errcode"] == 46003


def test_oauth_code_works_once(phone: Phone) -> None:
    """The code that a page gets names the resident once, and never again."""
    target = f"{phone.settings.own_address}/h5/cases?page=1"
    query = {
        "appid": phone.settings.wechat_appid, "redirect_uri": target, "response_type": "code",
        "scope": "snsapi_base", "state": "abc",
    }  # fmt: skip
    url = phone.url("/connect/oauth2/authorize")
    cookies = {"sandbox_openid": AUNT}
    sent = requests.get(url, params=query, cookies=cookies, allow_redirects=False, timeout=5)
    assert sent.headers["Location"].startswith(f"{target}&code=")
    code = sent.headers["Location"].split("code=")[1].removesuffix("&state=abc")
    client = phone.client() | {"grant_type": "authorization_code", "code": code}
    exchange = phone.url("/api/sns/oauth2/access_token")
    first, second = (requests.get(exchange, params=client, timeout=5).json() for _ in range(2))
    assert first["openid"] == AUNT
    assert second["errcode"] == 40029


def test_oauth_sends_nobody_elsewhere(phone: Phone) -> None:
    """A page on another host never gets a code."""
    query = {
        "appid": phone.settings.wechat_appid, "redirect_uri": "http://example.com/", "response_type": "code",
        "scope": "snsapi_base",
    }  # fmt: skip
    answer = requests.get(phone.url("/connect/oauth2/authorize"), params=query, timeout=5)
    assert answer.status_code == 400


def test_scanning_a_code(phone: Phone) -> None:
    """A scene's code is a picture; a stranger who scans it follows, and a follower only scans."""
    wish = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "grid-cuihu-01"}}}
    made = phone.post("cgi-bin/qrcode/create", wish)
    assert made.keys() == {"ticket", "url"}
    url = phone.url("/api/cgi-bin/showqrcode")
    picture = requests.get(url, params={"ticket": made["ticket"]}, timeout=5)
    assert picture.content.startswith(b"\x89PNG")
    for client_id in ("first", "second"):
        phone.say(STRANGER, client_id, kind="scan", scene="grid-cuihu-01", ticket=made["ticket"])
    seen = [(one.event, one.text("EventKey"), one.text("Ticket")) for one in phone.heard]
    assert seen == [
        ("subscribe", "qrscene_grid-cuihu-01", made["ticket"]), ("scan", "grid-cuihu-01", made["ticket"])
    ]  # fmt: skip
    assert phone.get("cgi-bin/user/info", openid=STRANGER)["qr_scene_str"] == "grid-cuihu-01"


def test_temporary_codes_expire(phone: Phone) -> None:
    """A temporary code says for how many seconds it is good; a scene that is missing is refused."""
    wish: dict[str, object] = {"action_name": "QR_STR_SCENE", "expire_seconds": 600}
    scene = {"action_info": {"scene": {"scene_str": "case-7"}}}
    assert phone.post("cgi-bin/qrcode/create", wish | scene)["expire_seconds"] == 600
    assert phone.post("cgi-bin/qrcode/create", wish)["errcode"] == 40053


def test_what_is_known_of_a_resident(phone: Phone) -> None:
    """Followers are described without name and picture, strangers hardly, others not at all."""
    known = phone.get("cgi-bin/user/info", openid=AUNT)
    assert (known["subscribe"], known["openid"], known["nickname"]) == (1, AUNT, "")
    assert phone.get("cgi-bin/user/info", openid=STRANGER)["subscribe"] == 0
    assert phone.get("cgi-bin/user/info", openid="o-nobody")["errcode"] == 40003


def test_js_ticket_stays(phone: Phone) -> None:
    """The JS-SDK ticket is the same for two hours."""
    first, second = (phone.get("cgi-bin/ticket/getticket", type="jsapi") for _ in range(2))
    assert first["errcode"] == 0
    assert first["ticket"] == second["ticket"]


def test_messages_arrive_signed_and_answered(any_phone: Phone) -> None:
    """In every mode the callback gets what the resident typed, and its reply becomes a bubble."""
    typed = "井盖]]>坏了 </xml> 😀 <b>"
    answer = any_phone.say(AUNT, kind="text", text=typed).json()
    assert [one.text("Content") for one in any_phone.heard] == [typed]
    assert any_phone.heard[0].message_id.isdigit()
    assert [one["body"]["text"] for one in answer["messages"]] == [typed, "收到"]


def test_a_second_tap_sends_nothing(phone: Phone) -> None:
    """The same act posted twice reaches the callback once."""
    first, second = (phone.say(AUNT, kind="text", text="你好").json() for _ in range(2))
    assert len(phone.heard) == 1
    assert first["messages"][0] == second["messages"][0]


def test_silence_is_no_bubble(phone: Phone) -> None:
    """The answer `success` shows nothing."""
    phone.reply = ""
    answer = phone.say(AUNT, kind="location", latitude=36.65, longitude=117.0, label="翠湖公园").json()
    assert [one["side"] for one in answer["messages"]] == ["mine"]
    assert phone.heard[0].text("Location_X") == "36.650000"


def test_a_failing_callback_gets_three_tries(phone: Phone) -> None:
    """A callback that does not answer 200 hears the same message three times, and the resident is told."""
    phone.status = 500
    answer = phone.say(AUNT, kind="text", text="你好").json()
    assert phone.deliveries == 3
    assert len({one.message_id for one in phone.heard}) == 1
    assert answer["messages"][1]["body"]["text"] == "该公众号提供的服务出现故障，请稍后再试"


def test_another_site_cannot_speak_for_a_resident(phone: Phone) -> None:
    """Only JSON is taken, which a form on another site cannot post."""
    url = phone.url(f"/chats/{AUNT}/send")
    body = '{"client_id": "x", "kind": "text", "text": "你好"}'.encode()
    assert requests.post(url, data=body, headers={"Content-Type": "text/plain"}, timeout=5).status_code == 400
    assert not phone.heard


def test_strangers_can_only_follow(phone: Phone) -> None:
    """Who does not follow cannot write; following and leaving are told to the callback."""
    assert phone.say(STRANGER, kind="text", text="你好").status_code == 409
    phone.say(STRANGER, "second", kind="subscribe")
    phone.say(STRANGER, "third", kind="unsubscribe")
    assert [one.event for one in phone.heard] == ["subscribe", "unsubscribe"]
    assert phone.push(STRANGER) == 43004


def test_broken_photos_are_refused(phone: Phone) -> None:
    """What is no picture is not sent."""
    assert phone.say(AUNT, kind="image", data="bm90IGEgcGljdHVyZQ==").status_code == 409
    assert phone.say(AUNT, kind="image", data="%%%").status_code == 409
    assert not phone.heard
