"""Every route of every part, from the route map: forms without a token, odd methods, headers, others' ids."""

from __future__ import annotations

import itertools
import re
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import settings as configuration
from bot.assembly import utc_now
from cases import bulk, sessions
from cases.accounts import actor_of
from cases.deeds import Inputs
from cases.ledger import REPORTER, Photo, attach, record
from cases.numbers import number_of
from cases.sessions import NOWHERE
from cases.storage.desk import FilterRow
from cases.storage.working import NoticeRow
from cases.workflow import Action
from tests.figures import FULL
from tests.integration.people import TOKEN_FIELD, Resident, Staff, Visitor, link_in, picture
from tests.integration.test_access import Desk
from tests.services import DATA_KEY, ROOT
from tests.unit.test_settings import PRODUCTION
from web import create_app, house_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.routing import Rule
    from werkzeug.test import TestResponse

    from bot.assembly import House

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"
PART = re.compile(r"<(?:[^>]*:)?(\w+)>")
LIMITS = sessions.Limits(timedelta(days=1), timedelta(days=1))
SERVER_ERROR = 500
LOGIN = "/connect/oauth2/authorize"
# What is no number, no date, no text that a database takes, no address of ours.
HOSTILE = (
    *(
        "9" * 5000,
        "9" * 30,
        "2147483648",
        "-1",
        "²",
        "nan",
        "1e999",
        "\0",
        "\ud7ff\uffff\u202e",
        "' OR 1=1 --",
        "%s%n{0}{{7*7}}",
    ),
    *(
        "//evil.example/",
        "/\\evil.example",
        "https:evil.example",
        "/console/../../evil",
        "/console/%2e%2e//evil.example/\r\nX: y",
    ),
    *(
        "\r\nSet-Cookie: a=b",
        "0001-01-01",
        "9999-12-31",
        "=1+1",
        "<script>alert(1)</script>",
        "好" * 3000,
        "[[[[[[[[",
        "",
    ),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND")
# Machines come here, without cookies: what they send is signed, or carries a key.
MACHINES = ("wechat.", "health.", "api.", "sandbox.")
CHANGING = re.compile(r'name="(csrf_token|back|once|mark)" value="[^"]*"|<meta name="csrf[^>]*>')


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Use SQLite: who may do what does not hang on the database."""
    return f"sqlite:///{tmp_path}/routes.sqlite3"


@pytest.fixture
def desk(app: Flask) -> Desk:
    """Give the application with a case and its photo, forms guarded as in production."""
    found = Desk(app)
    app.config["WTF_CSRF_ENABLED"] = True
    return found


def entered(desk: Desk, login: str) -> FlaskClient:
    """Return a browser in which somebody is signed in."""
    client = desk.app.test_client()
    with client.session_transaction() as session, desk.house.store.write() as book:
        session["token"] = sessions.begin(book, desk.ids[login], "password", NOWHERE, utc_now())
    return client


def rules(app: Flask, *, but: tuple[str, ...] = ()) -> Iterator[Rule]:
    """Yield the routes, without those of some parts."""
    yield from (rule for rule in app.url_map.iter_rules() if not rule.endpoint.startswith(but))


def address(desk: Desk, rule: Rule) -> str:
    """Return an address of a route, about the things that are there."""
    named = desk.own | {"filename": "console.css", "rest": "nowhere", "path": "nowhere"}
    return PART.sub(lambda match: named.get(match[1], "nowhere"), rule.rule)


def test_no_form_without_its_token(desk: Desk, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """Each route that writes refuses a form without a token, with a wrong one and with somebody else's, everybody's."""
    resident.say(MANHOLE)
    visitor = Visitor(desk.app, link_in(resident.say("进度")))
    foreign = TOKEN_FIELD.search(staff("urban").client.get("/console/login").text)
    assert foreign is not None
    clients = [entered(desk, login) for login in ("admin", "dispatcher")]
    tried = 0
    for rule in rules(desk.app, but=MACHINES):
        if "POST" in (rule.methods or ()) and rule.endpoint != "residents.nowhere":
            for client in (visitor.client,) if rule.endpoint.startswith("residents.") else clients:
                for form in ({}, {"csrf_token": ""}, {"csrf_token": "x.y.z"}, {"csrf_token": foreign[1]}):
                    answer = client.post(address(desk, rule), data=form)
                    assert answer.status_code == 400, (rule.rule, form, answer.status_code)
                tried += 1
    assert tried > 100
    assert resident.case().state == "assigned"


def test_a_browsers_session_opens_no_api(desk: Desk) -> None:
    """The API, which asks for no token, takes no cookie for a key either."""
    client = entered(desk, "dispatcher")
    for rule in rules(desk.app):
        if rule.endpoint.startswith("api.") and rule.endpoint not in {"api.openapi", "api.nowhere"}:
            answer = client.open(address(desk, rule), method="POST" if "POST" in (rule.methods or ()) else "GET")
            assert answer.status_code == 401, rule.rule


def test_methods_that_a_route_has_not(desk: Desk, resident: Resident) -> None:
    """Whatever method a route has not is refused and does nothing; OPTIONS and HEAD tell no more than they must."""
    resident.say(MANHOLE)
    client = entered(desk, "admin")
    for rule in rules(desk.app, but=("sandbox.",)):
        same = (other.methods or set() for other in desk.app.url_map.iter_rules() if other.rule == rule.rule)
        allowed = set[str]().union(*same)
        for method in METHODS:
            if method in allowed - {"OPTIONS", "HEAD"}:
                continue
            answer = client.open(address(desk, rule), method=method)
            about = (rule.rule, method, answer.status_code)
            if method == "OPTIONS":
                assert answer.status_code in {200, 404, 405}, about
                assert not answer.data or answer.status_code != 200, about
                assert "Access-Control-Allow-Origin" not in answer.headers, about
            elif method == "HEAD" and "GET" in allowed:
                assert not answer.data, about
                assert answer.status_code < 500, about
            else:
                # 400: another route takes such a form, and there is no token in it
                assert answer.status_code in {400, 404, 405}, about
                assert answer.status_code != 400 or method == "POST", about
            checked(answer, about)
    assert resident.case().state == "assigned"


def checked(answer: TestResponse, about: object) -> None:
    """Check the headers that every answer has."""
    policy = answer.headers.get("Content-Security-Policy", "")
    assert "frame-ancestors 'none'" in policy or "sandbox" in policy, about
    assert "default-src" in policy, about
    assert "unsafe" not in policy, about
    assert "*" not in policy, about
    assert answer.headers["X-Content-Type-Options"] == "nosniff", about
    assert answer.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}, about
    assert "Permissions-Policy" in answer.headers, about
    assert "Server" not in answer.headers or "Python" not in answer.headers["Server"], about
    kept = answer.headers.get("Cache-Control", "")
    static = (answer.request.path if answer.request else "").startswith("/static/")
    assert kept, about
    assert static or "public" not in kept, about


def test_every_answer_has_its_headers(desk: Desk, resident: Resident) -> None:
    """Pages, files, redirects, refusals, faults and what is not there: each says that nothing inline runs in it."""
    resident.say(MANHOLE)
    visitor = Visitor(desk.app, link_in(resident.say("进度")))
    clients = [desk.app.test_client(), entered(desk, "admin"), entered(desk, "dispatcher"), visitor.client]
    seen = set()
    for rule in rules(desk.app, but=("sandbox.",)):
        if "GET" in (rule.methods or ()) and rule.endpoint != "console.live":
            for client in clients:
                answer = client.get(address(desk, rule))
                checked(answer, (rule.rule, answer.status_code))
                seen.add(answer.status_code)
                html = answer.content_type.startswith("text/html")
                assert not html or "no-store" in answer.headers["Cache-Control"], rule.rule
                answer.close()
    for path in (
        "/nowhere",
        "/console/nowhere",
        "/h5/nowhere",
        "/api/v1/nowhere",
        "/%2e%2e/etc/passwd",
        "/static/../x",
    ):
        answer = clients[0].get(path)
        assert answer.status_code == 404, path
        checked(answer, path)
    assert {200, 302, 401, 403, 404} <= seen


def test_faults_tell_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours shows a page without a word of code, with all headers."""

    def broken(*_: object, **__: object) -> object:
        raise RuntimeError("a secret")

    client = app.test_client()
    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setitem(app.view_functions, "console.login", broken)
    answer = client.get("/console/login")
    assert answer.status_code == 500
    checked(answer, "500")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


@pytest.fixture
def production(sample_city: Path, tmp_path: Path, trained_models: Path, redis_url: str) -> Iterator[Flask]:
    """Give the application as it is in production."""
    shutil.copy(sample_city, tmp_path / "city.sqlite3")
    shutil.copytree(trained_models, tmp_path / "models", dirs_exist_ok=True)
    environ = PRODUCTION | {
        "WECHAT_MODE": "safe",
        "DATABASE_URL": f"sqlite:///{tmp_path}/city.sqlite3",
        "DATA_DIR": str(tmp_path),
        "DATA_KEY": DATA_KEY,
        "REDIS_URL": redis_url,
        "PUBLIC_URL": "https://grid.example.gov.cn",
        "LOG_LEVEL": "ERROR",
    }
    app = create_app(configuration.load(environ))
    yield app
    house_of(app).store.engine.dispose()


def test_cookies_and_transport_in_production(production: Flask) -> None:
    """In production every cookie goes by HTTPS only and is no script's, and browsers are told to stay with HTTPS."""
    client = production.test_client()
    answers = [client.get("/console/login"), client.get("/h5/")]
    token = TOKEN_FIELD.search(answers[0].text)
    assert token is not None
    answers.append(client.post("/h5/type", data={"big": "1", "back": "/h5/"}))
    cookies = [cookie for answer in answers for cookie in answer.headers.getlist("Set-Cookie")]
    assert len(cookies) >= 2
    for cookie in cookies:
        assert all(part in cookie for part in ("Secure", "HttpOnly", "SameSite=Lax")), cookie
    for answer in [*answers, client.get("/static/console.css"), client.get("/api/v1/cases"), client.post("/wechat")]:
        assert "max-age=" in answer.headers["Strict-Transport-Security"]
    assert client.get("/sandbox/").status_code == 404
    assert client.get("/metrics").status_code == 404


def test_the_session_is_another_after_each_step(app: Flask, staff: Callable[[str], Staff]) -> None:
    """Whoever planted or caught a session has nothing of it: not after a login, a changed password, or leaving."""
    urban = staff("urban")

    def value(client: FlaskClient) -> str:
        cookie = client.get_cookie("wanggetong")
        assert cookie is not None
        return cookie.value

    def opens(caught: str) -> bool:
        thief = app.test_client()
        thief.set_cookie("wanggetong", caught)
        return thief.get("/console/me").status_code == 200

    first = value(urban.client)
    assert opens(first)
    page = urban.client.get("/console/login").text
    urban.post("/console/login", page, login="urban", password="wanggetong")
    second = value(urban.client)
    assert not opens(first)
    assert opens(second)
    page = urban.client.get("/console/me/security").text
    fresh = "临江三月桃花开得早-9"
    urban.post("/console/me/password", page, old="wanggetong", new=fresh, again=fresh)
    third = value(urban.client)
    assert not opens(second)
    assert opens(third)
    urban.post("/console/logout", urban.client.get("/console/me").text)
    assert not opens(third)


# -- others' things -------------------------------------------------------------------------------------------------


def plain(answer: TestResponse, number: str) -> tuple[int, str, str]:
    """Return an answer without what differs from one to the next: tokens, and the id that was asked for."""
    text = CHANGING.sub("", answer.text if "text" in answer.content_type else "")
    return (
        answer.status_code,
        answer.headers.get("Location", "").replace(number, "ID"),
        text.replace(f"/{number}", "/ID"),
    )


def test_others_things_by_their_ids(desk: Desk) -> None:
    """Others' notices, orders, filters and sessions are, by id, what is not there; and nothing happens to them."""
    desk.app.config["WTF_CSRF_ENABLED"] = False
    now, theirs = utc_now(), desk.ids["urban"]
    case_id = Resident(desk.app, "oResident000000000000000001").case().id
    with desk.house.store.write() as book:
        me = actor_of(book, desk.house.cities.current(book), theirs, now)
        assert me is not None
        sessions.begin(book, theirs, "password", NOWHERE, now)
        rows = {
            "/console/filters/{}/drop": book.add(FilterRow(staff_id=theirs, name="我的", query="q=1")).id,
            "/console/notices/{}": book.add(
                NoticeRow(staff_id=theirs, case_id=case_id, kind="new", text="密", created_at=now)
            ).id,
            "/console/me/sessions/{}/end": sessions.going(book, theirs, LIMITS, now)[0].id,
            "/console/bulk/{}/undo": bulk.order(book, me, Action.NOTE, Inputs(text="一批"), [case_id], now).id,
        }
    for login, (path, own_id) in itertools.product(("urban2", "water", "admin", "dispatcher", "cuihu01"), rows.items()):
        own, missing = (plain(entered(desk, login).post(path.format(each)), str(each)) for each in (own_id, 999_999))
        assert own == missing, (login, path)
    filters, notices, devices, orders = rows.values()
    with desk.house.store.read() as book:
        assert [row.id for row in book.filters_of(theirs)] == [filters]
        notice = book.get(NoticeRow, notices)
        assert notice is not None
        assert notice.read_at is None
        assert [row.id for row in sessions.going(book, theirs, LIMITS, now)] == [devices]
        assert [(row.id, row.state) for row in book.bulks_of(theirs, now - LIMITS.idle)] == [(orders, "waiting")]


def test_another_residents_things(
    desk: Desk, house: House, resident: Resident, neighbour: Resident, staff: Callable[[str], Staff]
) -> None:
    """To a resident another's case and file are, by number and by id, what is not there, and so they are to staff."""
    for person in (resident, neighbour):
        person.say(MANHOLE)
    theirs, now = neighbour.case(), utc_now()
    stored = house.media.keep("photo", picture().read())
    with house.store.write() as book:
        row = record(book, theirs, "media", REPORTER, now, public=True)
        file_id = attach(book, row, Photo(stored.file, stored.mime), now).id
    visitor = Visitor(desk.app, link_in(resident.say("进度")))
    owner = Visitor(desk.app, link_in(neighbour.say("进度")))
    assert owner.open(f"/files/{file_id}").status_code == 200
    number, nobodys = number_of(theirs.id), number_of(999_999)
    for path in ("/cases/{}", *(f"/cases/{{}}/{action}" for action in ("supplement", "withdraw", "verify_fail"))):
        own, missing = (plain(visitor.open(path.format(each)), each) for each in (number, nobodys))
        assert own[:2] == missing[:2] == (404, ""), path
        own, missing = (plain(visitor.post(path.format(each)), each) for each in (number, nobodys))
        assert own[:2] == missing[:2], path
        assert own[0] in {404, 405}, path
    for file, way in itertools.product((file_id, 999_999), ("", "?thumb=1")):
        assert visitor.open(f"/files/{file}{way}").status_code == 404
        assert staff("water").client.get(f"/console/files/{file}{way}").status_code == 404
        assert desk.app.test_client().get(f"/console/files/{file}{way}").status_code == 302
    assert neighbour.case().state == "assigned"


def test_ids_beyond_all_numbers(desk: Desk) -> None:
    """An id that no database holds, or that is none, is what is not there, on every route that takes one."""
    clients = [entered(desk, login) for login in ("admin", "dispatcher")]
    desk.app.config["WTF_CSRF_ENABLED"] = False
    tried = 0
    for rule in rules(desk.app, but=("sandbox.", "wechat.")):
        for name in PART.findall(rule.rule):
            for wrong in (
                "2147483648",
                "9" * 40,
                "-1",
                "0",
                "1e3",
                "%00",
                "..",
                "%2e%2e%2f",
                "' OR 1=1",
                "１",
                "x" * 3000,
            ):
                desk.own[name], kept = wrong, desk.own.get(name, "")
                for client in clients:
                    answer = client.open(address(desk, rule), method=(set(rule.methods or ()) & {"GET", "POST"}).pop())
                    assert answer.status_code < 500, (rule.rule, wrong)
                    checked(answer, (rule.rule, wrong))
                    answer.close()
                desk.own[name] = kept
                tried += 1
    assert tried > 300


def fields() -> set[str]:
    """Return the names of all parameters and fields that the code of the pages reads."""
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "web").rglob("*.py"))
    return set(re.findall(r"""(?:get|getlist|words_of|_typed|_degrees|_uploads)\("(\w+)\"""", code))


def test_fields_with_anything_in_them(desk: Desk, resident: Resident) -> None:
    """Every page and form takes anything in every field that the code reads: no answer is a fault, or leads outside."""
    resident.say(MANHOLE)
    visitor = Visitor(desk.app, link_in(resident.say("进度")))
    clients = [entered(desk, login) for login in ("admin", "dispatcher", "urban")[: 3 if FULL else 2]]
    desk.app.config["WTF_CSRF_ENABLED"] = False
    names = fields() - {"csrf_token"}
    assert len(names) > 60
    turn = itertools.count()
    faults: list[str] = []
    for rule in rules(desk.app, but=("sandbox.", "wechat.", "health.", "static")):
        if rule.endpoint in {"console.live", "console.logout", "residents.leave", "console.oidc", "console.wecom"}:
            continue
        for client in [visitor.client] if rule.endpoint.startswith("residents.") else clients:
            at = next(turn) * 5
            for wrong in HOSTILE if FULL else (HOSTILE[at % len(HOSTILE)],):
                faults += tried(client, rule, address(desk, rule), dict.fromkeys(names, wrong))
    assert not faults


def tried(client: FlaskClient, rule: Rule, path: str, given: dict[str, str]) -> Iterator[str]:
    """Yield what was wrong with the answers to these fields."""
    for method in sorted(set(rule.methods or ()) & {"GET", "POST"}):
        answer = client.get(path, query_string=given) if method == "GET" else client.post(path, data=given)
        where = answer.headers.get("Location", "/")
        inside = re.match(r"/(?![/\\\\])", where) or LOGIN in where
        if answer.status_code >= SERVER_ERROR or not inside:
            yield f"{method} {rule.rule} {next(iter(given.values()))[:20]!r}: {answer.status_code} {where}"
        answer.close()


def test_numbers_without_end(desk: Desk) -> None:
    """A number of five thousand digits in any field of a form that reads numbers is refused, and no fault."""
    client = entered(desk, "admin")
    desk.app.config["WTF_CSRF_ENABLED"] = False
    given = dict.fromkeys(fields() - {"csrf_token"}, "9" * 5000)
    for path in ("rules/save", "rules/change", "learning/confidence", "learning/kinds/manhole/auto", "guide/save"):
        for form in (given, given | {"id": ""}):
            assert client.post(f"/console/{path}", data=form).status_code < SERVER_ERROR, path
    for path in ("audit", "team", "find", "", "guide"):
        assert client.get(f"/console/{path}", query_string={"page": "9" * 5000, "id": "9" * 5000}).status_code < 500, (
            path
        )
