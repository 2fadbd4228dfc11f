"""Who may see residents' pages, and how they come in."""

import base64
import re
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask

import settings as configuration
from bot import links
from bot.assembly import House
from bot.links import Links, with_link
from bot.protocol import REPLY_BYTES
from bot.wechat import sign_page
from cases.numbers import number_of
from tests.integration.people import Resident, Staff, Visitor, link_in
from tests.services import DATA_KEY
from tests.unit.test_settings import PRODUCTION
from web import create_app, house_of
from web.residents import session

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"
# Open to strangers: the doors themselves, the size of type, and what no page has.
OPEN_TO_ALL = {"/h5/s/<token>", "/h5/oauth", "/h5/type", "/h5/leave", "/h5/left", "/h5/erased", "/h5/<path:rest>"}
LOGIN = "/sandbox/connect/oauth2/authorize"


@pytest.fixture
def database_url(tmp_path: object) -> str:
    """Use SQLite: who may come in does not hang on the database."""
    return f"sqlite:///{tmp_path}/doors.sqlite3"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Give a way to let time pass."""

    def pass_time(span: timedelta) -> None:
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + span.total_seconds())

    return pass_time


def addresses(app: Flask, number: str) -> Iterator[tuple[str, set[str]]]:
    """Yield every guarded address below /h5 with its methods."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/h5") and rule.rule not in OPEN_TO_ALL:
            address = rule.rule.replace("<number>", number).replace("<action>", "supplement")
            yield re.sub("<int.*:attachment_id>", "1", address), set(rule.methods or ())


def test_every_page_wants_to_know_who_looks(app: Flask, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """To a stranger, and to staff as such, no page shows anything: they are sent to WeChat, or refused."""
    resident.say(MANHOLE)
    number = number_of(resident.case().id)
    found = list(addresses(app, number))
    assert len(found) >= 10
    for client in (app.test_client(), staff("urban").client):
        for address, methods in found:
            if "GET" in methods:
                answer = client.get(address)
                sent_away = answer.status_code == 302 and LOGIN in answer.headers["Location"]
                assert sent_away or answer.status_code in {401, 404}, address
                assert "井盖" not in answer.text
            else:
                assert client.post(address).status_code == 400, address  # no CSRF token
    assert resident.case().state == "assigned"


def test_a_link_opens_the_page_and_leaves_the_address(app: Flask, resident: Resident) -> None:
    """A link from the bot leads to the case; its token stays neither in the address nor in a referrer or a cache."""
    receipt = resident.say(MANHOLE)
    visitor = Visitor(app, link_in(resident.say("进度")))
    assert visitor.answer is not None
    assert visitor.answer.headers["Location"] == f"/h5/cases/{number_of(resident.case().id)}"
    page = visitor.client.get(visitor.answer.headers["Location"])
    assert MANHOLE in page.text
    for answer in (visitor.answer, page, visitor.open("/privacy/export"), visitor.open("/nowhere")):
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
    [cookie] = visitor.answer.headers.getlist("Set-Cookie")
    assert all(part in cookie for part in ("wanggetong-h5=", "HttpOnly", "SameSite=Lax", "Path=/h5"))
    assert "/h5/" not in receipt  # offered where one asks, not everywhere


def test_links_hold_no_openid(resident: Resident) -> None:
    """Nothing in a link tells the resident's openid."""
    resident.say(MANHOLE)
    token = link_in(resident.say("进度")).rpartition("/")[2]
    payload = base64.urlsafe_b64decode(token.split(".")[0] + "===")
    assert resident.openid.encode() not in payload
    assert resident.openid not in token


def test_links_expire(app: Flask, resident: Resident, later: Callable[[timedelta], None]) -> None:
    """After seven days a link opens nothing, and says how to get a new one."""
    resident.say(MANHOLE)
    link = link_in(resident.say("进度"))
    later(links.LIFETIME - timedelta(minutes=1))
    assert Visitor(app, link).open().status_code == 200
    later(timedelta(minutes=2))
    answer = app.test_client().get(link)
    assert answer.status_code == 410
    assert "发“进度”" in answer.text


def test_forged_links(app: Flask, house: House, resident: Resident) -> None:
    """A link with a changed letter, another key or another purpose opens nothing."""
    resident.say(MANHOLE)
    token = link_in(resident.say("进度")).rpartition("/")[2]
    with house.store.read() as book:
        [row] = book.resident(resident.openid)
    other = Links("another key of at least thirty-two characters", "http://x").to(row).rpartition("/")[2]
    unmarked = house.links._signer.dumps([row.id, "0" * 16, ""])  # noqa: SLF001 - well signed, but of somebody gone
    for bad, status in ((f"x{token}", 403), (token[:-1], 403), (other, 403), ("a.b.c", 403), (unmarked, 410)):
        visitor = Visitor(app, f"/h5/s/{bad}")
        assert visitor.answer is not None
        assert visitor.answer.status_code == status, bad
        assert LOGIN in visitor.open().headers["Location"]


def test_another_residents_case_is_no_case(app: Flask, resident: Resident, neighbour: Resident) -> None:
    """With another's number, every address answers as for a number that nobody has."""
    for person in (resident, neighbour):
        person.say(MANHOLE)
    mine, theirs = number_of(resident.case().id), number_of(neighbour.case().id)
    visitor = Visitor(app, link_in(resident.say("进度")))
    for form in ("", "/supplement", "/withdraw", "/nonsense"):
        answers = [visitor.open(f"/cases/{number}{form}") for number in (theirs, number_of(4711), "abc")]
        assert {answer.status_code for answer in answers} == {404}
        bodies = {re.sub(r'name="(csrf_token|back)" value="[^"]*"', "", answer.text) for answer in answers}
        assert len(bodies) == 1
    for number in (theirs, number_of(4711)):
        assert visitor.post(f"/cases/{number}/withdraw").status_code == 404
    assert neighbour.case().state == "assigned"
    assert visitor.open(f"/cases/{mine}").status_code == 200


def test_sessions_are_apart(app: Flask, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """A resident's session is nothing in the console, a staff session nothing here, even under the other's name."""
    resident.say(MANHOLE)
    visitor, urban = Visitor(app, link_in(resident.say("进度"))), staff("urban")
    assert visitor.client.get("/console/").status_code == 302
    theirs = urban.client.get_cookie("wanggetong")
    mine = visitor.client.get_cookie("wanggetong-h5", path="/h5")
    assert theirs is not None
    assert mine is not None
    crossed = app.test_client()
    crossed.set_cookie("wanggetong", mine.value)
    crossed.set_cookie("wanggetong-h5", theirs.value, path="/h5")
    assert crossed.get("/console/").status_code == 302
    assert LOGIN in crossed.get("/h5/").headers["Location"]
    both = urban.client
    both.get(link_in(resident.say("进度")))
    assert both.get("/console/").status_code == 200
    assert both.get("/h5/").status_code == 200


def test_sessions_end(app: Flask, resident: Resident, later: Callable[[timedelta], None]) -> None:
    """A session lasts some hours, and ends at once when one leaves."""
    resident.say(MANHOLE)
    link = link_in(resident.say("进度"))
    visitor = Visitor(app, link)
    assert "已经退出" in visitor.client.get(visitor.post("/leave").headers["Location"]).text
    assert visitor.open().status_code == 302
    visitor = Visitor(app, link)
    later(session.LIFETIME + timedelta(seconds=1))
    assert visitor.open().status_code == 302
    polling = visitor.client.get("/h5/", headers={"HX-Request": "true"})
    assert polling.status_code == 286  # htmx stops to ask


def test_wechat_says_who_looks(app: Flask, serving: str, resident: Resident) -> None:
    """WeChat's login leads back to the page that was wanted; the code counts once, the state only in this browser."""
    assert serving
    wang = Resident(app, "oSandboxWangAyi0000000000001")
    wang.say(MANHOLE)
    wanted = f"/h5/cases/{number_of(wang.case().id)}"
    visitor, stranger = Visitor(app), Visitor(app)
    for browser in (visitor, stranger):
        answer = browser.client.get(wanted)
        login = answer.headers["Location"]
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["scope"] == ["snsapi_base"]
    login = visitor.client.get(wanted).headers["Location"]
    back = requests.get(f"{login.partition('#')[0]}&as={wang.openid}", allow_redirects=False, timeout=5)
    door = back.headers["Location"].removeprefix(serving)
    refused = stranger.client.get(door)
    assert refused.status_code == 403
    assert visitor.client.get(f"{door}x").status_code == 403
    assert visitor.client.get(door).headers["Location"] == wanted
    assert MANHOLE in visitor.client.get(wanted).text
    assert visitor.client.get(door).status_code == 403  # the state is used up
    assert resident.openid not in visitor.client.get(wanted).text


def test_a_code_that_wechat_refuses(app: Flask, serving: str) -> None:
    """A code that is used up, or nobody's, opens nothing; who never reported anything is told how to."""
    assert serving
    visitor = Visitor(app)
    login = visitor.open().headers["Location"].partition("#")[0]
    state = parse_qs(urlsplit(login).query)["state"][0]
    assert visitor.open(f"/oauth?code=nobodys&state={state}").status_code == 403
    back = requests.get(f"{login}&as=oSandboxXiaoLi00000000000002", allow_redirects=False, timeout=5)
    answer = visitor.client.get(back.headers["Location"].removeprefix(serving))
    assert answer.status_code == 200
    assert "说一句" in answer.text
    assert visitor.open().status_code == 302


def test_without_a_public_address_no_page_is_offered(
    sample_city: Path, tmp_path: Path, trained_models: Path, redis_url: str
) -> None:
    """In production without PUBLIC_URL the bot speaks of no page, and the pages say how to come in."""
    shutil.copy(sample_city, tmp_path / "city.sqlite3")
    shutil.copytree(trained_models, tmp_path / "models")
    environ = PRODUCTION | {
        "WECHAT_MODE": "plain",
        "DATABASE_URL": f"sqlite:///{tmp_path}/city.sqlite3",
        "DATA_DIR": str(tmp_path),
        "DATA_KEY": DATA_KEY,
        "REDIS_URL": redis_url,
        "LOG_LEVEL": "ERROR",
    }
    app = create_app(configuration.load(environ))
    wang = Resident(app, "oResident000000000000000001")
    wang.say(MANHOLE)
    assert "<a href" not in wang.say("进度")
    answer = app.test_client().get("/h5/")
    assert answer.status_code == 403
    assert "请从公众号进来" in answer.text
    house_of(app).store.engine.dispose()


def test_an_erased_residents_link_is_nobody_elses(app: Flask, house: House, resident: Resident) -> None:
    """When a resident is gone and their id is given anew, old links and sessions open nothing of the new one's."""
    resident.say(MANHOLE)
    link = link_in(resident.say("进度"))
    visitor = Visitor(app, link)
    with house.store.write() as book:
        [row] = book.resident(resident.openid)
        row.openid = "oResident000000000000000009"
    assert visitor.open().status_code == 302
    assert app.test_client().get(link).status_code == 410


def test_staff_never_see_a_link(app: Flask, house: House, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """The link in a reply is the resident's: neither history nor console keeps it."""
    resident.say(MANHOLE)
    number = number_of(resident.case().id)
    assert link_in(resident.say(number))
    assert "/h5/s/" not in staff("urban").open(resident.case()).text
    with house.store.read() as book:
        assert all("/h5/" not in row.text for row in book.history(resident.case().id))
    assert app


def test_half_a_link_is_none() -> None:
    """Where a text leaves no room for the link, WeChat gets the text alone."""
    link = '<a href="http://x/h5/s/abc">点这里看详情</a>'
    assert with_link("好", link) == f"好\n{link}"
    full = "好" * (REPLY_BYTES // 3)
    assert with_link(full, link) == full
    assert with_link("好", "") == "好"
    assert with_link("", link) == ""


def test_the_published_example_of_a_signature() -> None:
    """The JS-SDK's signature is the one in WeChat's documentation; a fragment does not count."""
    ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
    address = "http://mp.weixin.qq.com?params=value"
    for each in (address, f"{address}#part"):
        signed = sign_page(ticket, "Wm3WZYTPz0wzccnW", 1414587457, each)
        assert signed == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"


def test_pages_are_signed_for_wechats_script(app: Flask, house: House, serving: str, resident: Resident) -> None:
    """Who is known gets a signature for a page of ours, and for no other; strangers get none."""
    resident.say(MANHOLE)
    visitor = Visitor(app, link_in(resident.say("进度")))
    page = f"{serving}/h5/cases/1/supplement#top"
    answer = visitor.client.get("/h5/jssdk", query_string={"url": page})
    config = answer.get_json()
    assert config["appId"] == house.settings.wechat_appid
    ticket = house.wechat._ticket.get()  # noqa: SLF001 - what WeChat knows
    assert config["signature"] == sign_page(ticket, config["nonceStr"], config["timestamp"], page)
    for foreign in ("http://evil.example/h5/", f"{serving}.evil.example/h5/", f"{serving}/console/", ""):
        assert visitor.client.get("/h5/jssdk", query_string={"url": foreign}).status_code == 400
    assert app.test_client().get("/h5/jssdk", query_string={"url": page}).status_code == 401


def test_ids_of_others_in_the_session_are_worthless(house: House, resident: Resident, neighbour: Resident) -> None:
    """An id opens nothing without its own mark."""
    for person in (resident, neighbour):
        person.say(MANHOLE)
    with house.store.read() as book:
        rows = [book.resident(person.openid)[0] for person in (resident, neighbour)]
        marks = [house.links.mark(row) for row in rows]
        assert house.links.whose(book, rows[0].id, marks[1]) is None
        assert house.links.whose(book, rows[0].id, marks[0]) is not None
