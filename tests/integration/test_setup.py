from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from itsdangerous import TimestampSigner

from bot import checkup
from bot.assembly import utc_now
from bot.checkup import Checkup
from cases import setup
from cases.storage import migrate
from cases.storage.tables import CategoryRow, UnitRow
from tests.integration.people import TOKEN_FIELD, Staff
from tests.services import VAULT, free_port
from web import create_app, house_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest
    from flask import Flask

    from bot.assembly import House
    from settings import Settings
    from tests.integration.people import Resident
    from tests.integration.phone import Phone

STEP = re.compile(r'data-step="(\w+)" data-state="(\w+)"')
GOOD = "kestrel-lamp-49-river"
FORM = {"login": "wang.li", "name": "王丽", "phone": "13900001111", "password": GOOD, "again": GOOD}


def steps(page: str) -> dict[str, str]:
    """Return the state of each step on the page."""
    return dict(STEP.findall(page))


def ask_wechat(admin: Staff) -> str:
    """Let WeChat be asked now; return the page that follows."""
    return admin.post("/console/setup/wechat", admin.client.get("/console/setup").text).text


# -- the steps ---------------------------------------------------------------------------------------------------


def test_steps_say_how_it_is(house: House, staff: Callable[[str], Staff]) -> None:
    """Each step is looked at anew: with the sample city the data are there, the account and WeChat are still to do."""
    admin = staff("admin")
    found = steps(admin.client.get("/console/setup").text)
    assert tuple(found) == setup.STEPS
    assert {key for key, state in found.items() if state == "done"} >= {"units", "grids", "people", "kinds"}
    assert [found[key] for key in ("account", "wechat", "menu", "posters")] == ["todo"] * 4
    with house.store.write() as book:
        grid, other = [row for row in book.units() if row.kind == "grid"][:2]
        grid.polygon = None
        for row in book.colleagues(other.id):
            row.active = False
        kind = book.get(CategoryRow, "facility/manhole")
        assert kind is not None
        kind.queue = "gone"
        book.set_meta("city_version", "another")
    page = admin.client.get("/console/setup").text
    assert [steps(page)[key] for key in ("grids", "people", "kinds")] == ["wrong"] * 3
    assert f"1 个网格没有边界：{grid.name}" in page
    assert f"1 个单位没有能办的账号：{other.name}" in page
    assert "1 类要送去的单位没有了：井盖缺损" in page


def test_overlapping_grids_are_named(house: House, staff: Callable[[str], Staff]) -> None:
    """Two grids that share much ground are named."""
    with house.store.write() as book:
        one, other = [row for row in book.units() if row.kind == "grid"][:2]
        one.polygon = other.polygon
        book.set_meta("city_version", "another")
    page = staff("admin").client.get("/console/setup").text
    assert steps(page)["grids"] == "wrong"
    assert one.name in page
    assert "重叠" in page


def test_skipping_is_kept(house: House, staff: Callable[[str], Staff]) -> None:
    """A skipped step counts as no longer left until it is taken up again; what is done cannot be skipped away."""
    assert house
    admin = staff("admin")
    before = admin.client.get("/console/setup").text
    after = admin.post("/console/setup/skip", before, step="posters", on="1").text
    assert steps(after)["posters"] == "skipped"
    left = [int(re.findall(r'data-left="(\d+)"', page)[0]) for page in (before, after)]
    assert left[0] - left[1] == 1
    assert f"开通还差 {left[1]} 步" in admin.client.get("/console/home").text
    assert steps(admin.post("/console/setup/skip", before, step="posters", on="0").text)["posters"] == "todo"
    assert steps(admin.post("/console/setup/skip", before, step="units", on="1").text)["units"] == "done"
    assert steps(admin.post("/console/setup/skip", before, step="nothing", on="1").text) == steps(before)


def test_the_administrators_own_account(house: House, staff: Callable[[str], Staff]) -> None:
    """The account is in order with a password of one's own and a second step."""
    admin = staff("admin")
    said = {}
    for changed in ({"sample": False, "must_change": True}, {"must_change": False}, {"totp_secret": "sealed"}):
        with house.store.write() as book:
            row = book.staff_by_login("admin")
            assert row is not None
            for name, value in changed.items():
                setattr(row, name, value)
            said[next(iter(changed))] = setup._account(row)  # noqa: SLF001 - one of the steps alone
    assert [step.state for step in said.values()] == ["todo", "todo", "done"]
    assert steps(admin.client.get("/console/setup").text)["account"] == "done"


def test_scanned_posters(house: House, staff: Callable[[str], Staff], resident: Resident) -> None:
    """The posters are up once somebody has scanned one."""
    resident.say("翠湖小区3栋楼下井盖坏了")
    with house.store.write() as book:
        row = book.resident(resident.openid)[0]
        row.scene_grid_id = next(unit.id for unit in book.units() if unit.kind == "grid")
    page = staff("admin").client.get("/console/setup").text
    assert steps(page)["posters"] == "done"
    assert "有 1 个网格的二维码被扫过" in page


# -- WeChat ------------------------------------------------------------------------------------------------------


def test_wechat_works_both_ways(phone: Phone, staff: Callable[[str], Staff], app: Flask) -> None:
    """WeChat answers us and has called us: done. The menu goes out at a click, and again when it has changed."""
    assert phone
    admin = staff("admin")
    page = ask_wechat(admin)
    assert steps(page)["wechat"] == "done"
    assert "两边都通" in page
    page = admin.post("/console/setup/menu", page).text
    assert "菜单发布了" in page
    assert steps(page)["menu"] == "done"
    with house_of(app).store.write() as book:
        setup.published(book, {"button": []})
    assert "公众号里还是旧的" in admin.client.get("/console/setup").text


def test_wechat_never_called(serving: str, staff: Callable[[str], Staff]) -> None:
    """WeChat answers, and no message ever came: what to copy into the account's pages stands there."""
    page = ask_wechat(staff("admin"))
    assert steps(page)["wechat"] == "todo"
    for words in ("还没收到过微信来的消息", f"{serving}/wechat", "sandbox-token", "明文模式"):
        assert words in page


def test_the_address_that_wechat_wants(phone: Phone, staff: Callable[[str], Staff]) -> None:
    """Outside the allow-list the address is named that WeChat sees, and where to enter it."""
    phone.fault(path="stable_token", errcode=40164)
    page = ask_wechat(staff("admin"))
    assert steps(page)["wechat"] == "wrong"
    assert "微信看到的地址是 127.0.0.1" in page
    assert "IP 白名单" in page


def test_a_gateways_page_is_no_answer(phone: Phone, staff: Callable[[str], Staff]) -> None:
    """What is not WeChat's answer is said to be none."""
    phone.fault(path="stable_token", http=502)
    assert "收到的不是微信的回答" in ask_wechat(staff("admin"))


def test_a_wrong_secret(settings: Settings, serving: str) -> None:
    """A wrong secret and a wrong id are told apart, each with what to click."""
    assert serving
    wrong = (
        (replace(settings, wechat_secret="wrong"), "AppSecret 不对"),
        (replace(settings, wechat_appid="wx"), "AppID 不对"),
    )
    for changed, said in wrong:
        words, todo = checkup.words(checkup.ask(changed))
        assert said in words
        assert "基本配置" in todo


def test_wechat_out_of_reach(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody there, no such name, a dead proxy and silence are told apart."""
    monkeypatch.setattr(checkup, "TIMEOUT", (0.3, 0.3))
    nobody = f"http://127.0.0.1:{free_port()}"
    with _answering(b"", silent=True) as silent:
        found = {
            checkup.ask(replace(settings, wechat_api_base=address)).fault
            for address in (nobody, "https://no-such-host.invalid", silent)
        }
    assert found == {"refused", "dns", "timeout"}
    monkeypatch.setenv("HTTP_PROXY", nobody)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    found_proxy = checkup.ask(replace(settings, wechat_api_base="http://wechat.invalid"))
    assert found_proxy.fault == "proxy"
    assert "HTTPS_PROXY" in checkup.words(found_proxy)[1]


def test_a_wrong_clock(settings: Settings) -> None:
    """A clock that differs from WeChat's by more than a minute is named, with by how much and which way."""
    with _answering(b'{"access_token": "x", "expires_in": 7200}', date="Thu, 01 Jan 2026 00:00:00 GMT") as address:
        found = checkup.ask(replace(settings, wechat_api_base=address))
    assert not found.fault
    assert found.skew is not None
    assert found.skew > checkup.SKEW_SECONDS
    assert "服务器的时间比微信快" in checkup.words(found)[0]
    assert "慢 90 秒" in checkup.words(Checkup(found.at, skew=-90))[0]


def test_what_was_found_is_kept_short() -> None:
    """The longest finding fits among the facts of the case book, and comes back as it was; nonsense is none."""
    longest = Checkup(utc_now().isoformat(), "40164", "f" * checkup.LONGEST_DETAIL, -99_999_999)
    assert len(longest.text()) <= 200
    assert checkup.read(longest.text()) == longest
    assert [checkup.read(text) for text in (None, "", "[]", "{}")] == [None] * 4


@contextmanager
def _answering(body: bytes, *, date: str = "", silent: bool = False) -> Iterator[str]:
    """Answer everything with this, as if at this time; or not at all."""
    over = threading.Event()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if silent:
                over.wait(5)
            self.send_response_only(200)
            self.send_header("Date", date or self.date_time_string())
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    over.set()
    server.shutdown()
    thread.join()
    server.server_close()


# -- the first account -------------------------------------------------------------------------------------------


def link_of(app: Flask) -> str:
    """Let the command print a link; return its path and query."""
    result = app.test_cli_runner().invoke(args=["setup-link"])
    assert result.exit_code == 0, result.output
    return result.output.strip().splitlines()[-1].removeprefix(house_of(app).settings.public_url)


def submit(app: Flask, link: str, **changed: str) -> tuple[int, str, Staff]:
    """Fill in the form behind a link; return the answer's status, where it leads or the page, and the browser."""
    person = Staff.__new__(Staff)
    person.client = app.test_client()
    person.client.get(link)
    token = TOKEN_FIELD.search(person.client.get("/console/login").text)
    form = {"csrf_token": token[1] if token else "", **FORM, **changed}
    answer = person.client.post(link, data=form)
    return answer.status_code, answer.headers.get("Location", answer.text), person


def test_the_link_makes_one_administrator(app: Flask) -> None:
    """The link opens a form, which makes the first administrator and leads on to the set-up; then it is used up."""
    link = link_of(app)
    status, leads, person = submit(app, link)
    assert (status, leads) == (302, "/console/setup")
    assert "王丽" in person.client.get("/console/setup").text
    assert "已经有管理员了" in app.test_client().get(link).text
    assert submit(app, link, login="other")[0] == 403
    refused = app.test_cli_runner().invoke(args=["setup-link"])
    assert (refused.exit_code, refused.stderr.strip()) == (1, setup.ADMIN_THERE)
    with house_of(app).store.read() as book:
        row = book.staff_by_login("wang.li")
        assert row is not None
        assert (row.role, row.sample, row.must_change) == ("admin", False, False)
        assert book.staff_by_login("other") is None


def test_a_link_that_does_not_count(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forged, replaced, missing and old links open nothing."""
    old = link_of(app)
    link = link_of(app)
    for wrong in (old, f"{link}x", "/console/setup/start?token=abc", "/console/setup/start"):
        page = app.test_client().get(wrong)
        assert page.status_code == 403, wrong
        assert "已经不能用了" in page.text
        assert submit(app, wrong)[0] == 403
    assert app.test_client().get(link).status_code == 200
    later = TimestampSigner.get_timestamp
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: later(self) + setup.LINK_SECONDS + 5)
    assert app.test_client().get(link).status_code == 403


def test_two_at_once_are_one(app: Flask) -> None:
    """Of two who use the same link at the same moment, one gets the account."""
    house, link_secret = house_of(app), ""
    with house.store.write() as book:
        link_secret = setup.new_link(book)
    found: list[int] = []

    def make(login: str) -> None:
        row = {**FORM, "login": login, "city": ""}
        found.append(setup.first_admin(house.store, link_secret, row, utc_now(), classified=False)[0])

    threads = [threading.Thread(target=make, args=(login,)) for login in ("anna.first", "berta.first")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(bool, found)) == [False, True]


def test_faults_in_the_form(app: Flask) -> None:
    """A weak password, two that differ, a login that is taken and a missing name are said; the link still counts."""
    link = link_of(app)
    faults = (
        ({"password": "wanggetong", "again": "wanggetong"}, "密码"),
        ({"again": "another-one-77"}, "两次写的密码不一样"),
        ({"login": "urban"}, "账号 urban 已经有了"),
        ({"name": " "}, "请写下账号和姓名"),
    )
    for changed, words in faults:
        status, page, _ = submit(app, link, **changed)
        assert (status, words in page) == (422, True), changed
    assert submit(app, link)[0] == 302


def test_a_service_without_a_city(settings: Settings, tmp_path: object) -> None:
    """On an empty database the first account brings the city and its desk with it, and the console opens."""
    empty = replace(settings, database_url=f"sqlite:///{tmp_path}/empty.sqlite3")
    migrate(empty.database_url, VAULT)
    app = create_app(empty)
    link = link_of(app)
    assert submit(app, link)[1].find("请写下城市的名字") > 0
    status, leads, person = submit(app, link, city="临江市")
    assert (status, leads) == (302, "/console/setup")
    page = person.client.get("/console/setup").text
    assert [steps(page)[key] for key in ("units", "grids", "kinds")] == ["todo"] * 3
    assert person.client.get("/console/home").status_code == 200
    with house_of(app).store.read() as book:
        units: list[UnitRow] = list(book.units())
        assert [(unit.kind, unit.name) for unit in units] == [("city", "临江市"), ("dispatch", "临江市派单台")]
        assert units[1].path == f"/{units[0].id}/{units[1].id}/"
    house_of(app).store.engine.dispose()
