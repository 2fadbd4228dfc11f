"""A form that comes twice, as from a phone that lost its connection, is carried out once."""

from __future__ import annotations

import json
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.assembly import utc_now
from bot.sweeping import sweep
from cases import once
from cases.numbers import number_of
from tests.integration.people import Staff, picture
from tests.integration.test_patrol import found, report

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    from bot.assembly import House
    from cases.storage.tables import CaseRow

TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')


def key() -> str:
    """Return a key as a browser makes it."""
    return secrets.token_hex(16)


def send(person: Staff, address: str, *, when: str = "later", **form: object) -> TestResponse:
    """Send a form as a page's script does."""
    token = person.client.get("/console/token").get_json()["csrf"]
    return person.client.post(address, data={"csrf_token": token, **form}, headers={"X-Sent": when})


def notes(house: House, case: CaseRow) -> list[str]:
    """Return the internal notes of a case."""
    with house.store.read() as book:
        return [row.text for row in book.history(case.id) if row.action == "note"]


def test_an_action_is_carried_out_once(house: House, manhole: CaseRow, staff: Callable[[str], Staff]) -> None:
    """The same key twice is one act with one outcome; its photos are kept once; another key is another act."""
    urban, mark = staff("urban"), key()
    address = f"/console/cases/{number_of(manhole.id)}/note"
    first = send(urban, address, once=mark, text="盖子在路边", photos=(picture(), "p.jpg"))
    again = send(urban, address, once=mark, text="盖子在路边", photos=(picture(), "p.jpg"))
    assert first.get_json() == again.get_json() == {"to": f"/console/cases/{number_of(manhole.id)}"}
    assert notes(house, manhole) == ["盖子在路边"]
    with house.store.read() as book:
        [photo] = book.attachments(manhole.id)
    kept = [path for path in house.media.path(photo.file).parents[1].rglob("*.jpg") if ".thumb" not in path.name]
    assert kept == [house.media.path(photo.file)]
    send(urban, address, once=key(), text="盖子在路边")
    assert len(notes(house, manhole)) == 2
    assert "已经发过了" in urban.act(manhole, "note", once=mark, text="盖子在路边").text
    seen = send(urban, address, when="now", once=mark, text="盖子在路边").get_json()
    assert seen["said"] == [["ok", "这一件已经发过了，没有再发。"]]
    assert "已经发过了" not in urban.open(manhole).text


def test_a_report_is_one_case(house: House, staff: Callable[[str], Staff]) -> None:
    """A patrol report that comes twice opens one case, and leads to it both times."""
    officer, mark = staff("cuihu01"), key()
    assert "已上报" in report(officer, once=mark, text="绿化带旁边的井盖没了", photos=(picture(), "p.jpg"))
    case = found(house)
    page = report(officer, once=mark, text="绿化带旁边的井盖没了", photos=(picture(), "p.jpg"))
    assert "已经发过了" in page
    assert f'data-number="{number_of(case.id)}"' in page
    assert found(house).id == case.id


def test_two_at_once_are_one(house: House, manhole: CaseRow, staff: Callable[[str], Staff]) -> None:
    """Page and worker of a browser that send at the same moment do it once, and both hear the same."""
    urban, mark = staff("urban"), key()
    address = f"/console/cases/{number_of(manhole.id)}/note"
    token = urban.client.get("/console/token").get_json()["csrf"]
    cookie = urban.client.get_cookie("wanggetong")
    assert cookie is not None

    def once_more(_at: int) -> object:
        client = urban.client.application.test_client()
        client.set_cookie("wanggetong", cookie.value)
        form = {"csrf_token": token, "once": mark, "text": "盖子在路边"}
        return client.post(address, data=form, headers={"X-Sent": "later"}).get_json()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(once_more, range(4)))
    assert answers == [{"to": f"/console/cases/{number_of(manhole.id)}"}] * 4
    assert notes(house, manhole) == ["盖子在路边"]


def test_what_is_refused_may_come_again(house: House, manhole: CaseRow, staff: Callable[[str], Staff]) -> None:
    """A refusal tells the reason and takes no key: put right, the form is carried out."""
    urban, mark = staff("urban"), key()
    address = f"/console/cases/{number_of(manhole.id)}/note"
    refusal = send(urban, address, once=mark, text="")
    assert (refusal.status_code, bool(refusal.get_json()["refused"])) == (422, True)
    assert send(urban, address, once=mark, text="盖子在路边").status_code == 200
    assert notes(house, manhole) == ["盖子在路边"]
    refused = send(staff("cuihu01"), "/console/report", when="now", once=key(), text="")
    assert (refused.status_code, refused.get_json()) == (422, {"refused": "请写一句：是什么事。"})


def test_a_case_that_went_out_of_sight(manhole: CaseRow, staff: Callable[[str], Staff]) -> None:
    """Who gave a case away and lost the answer is told at the next try that it was done, not that it is not theirs."""
    urban, mark = staff("urban"), key()
    address = f"/console/cases/{number_of(manhole.id)}/return"
    first = send(urban, address, once=mark, reason="not_ours", text="不是我们的")
    assert urban.open(manhole).status_code == 404
    assert send(urban, address, once=mark, reason="not_ours", text="不是我们的").get_json() == first.get_json()
    assert send(urban, address, once=key(), reason="not_ours", text="不是我们的").status_code == 404


def test_a_key_is_its_person_s(house: House, manhole: CaseRow, staff: Callable[[str], Staff]) -> None:
    """Somebody else's key tells nothing of what they did, and keeps nobody from doing theirs."""
    mark = key()
    for login in ("urban", "dispatcher"):
        staff(login).act(manhole, "note", once=mark, text=f"{login}看过")
    assert notes(house, manhole) == ["urban看过", "dispatcher看过"]


def test_keys_are_forgotten(house: House, manhole: CaseRow, staff: Callable[[str], Staff]) -> None:
    """The sweeper deletes keys after a week, and no younger ones."""
    old, young = key(), key()
    for mark in (old, young):
        staff("urban").act(manhole, "note", once=mark, text="盖子在路边")
    with house.store.write() as book:
        [person] = [row.id for row in book.staff() if row.login == "urban"]
        book.claim_key(person, old, utc_now())[0].at = utc_now() - once.KEPT - timedelta(seconds=1)
    sweep(house)
    with house.store.write() as book:
        assert [book.claim_key(person, mark, utc_now())[1] for mark in (old, young)] == [True, False]


def test_who_is_logged_out_is_told(house: House, manhole: CaseRow, staff: Callable[[str], Staff]) -> None:
    """What comes after the login is over is not carried out, and spoils no login page."""
    assert house
    urban = staff("urban")
    mark = urban.client.get("/console/token").get_json()["person"]
    assert f'data-person="{mark}"' in urban.client.get("/console/me").text
    assert mark != staff("water").client.get("/console/token").get_json()["person"]
    urban.post("/console/logout", urban.client.get("/console/me").text)
    page = urban.client.get("/console/login").text
    answer = urban.client.get("/console/token")
    assert (answer.get_json(), answer.headers.getlist("Set-Cookie")) == ({}, [])
    assert "账号或密码不对" in urban.post("/console/login", page, login="urban", password="wrong").text
    address = f"/console/cases/{number_of(manhole.id)}/note"
    assert urban.client.post(address, data={"key": key()}, headers={"X-Sent": "later"}).status_code == 400
    assert notes(house, manhole) == []


def test_the_worker_keeps_nobody_s_pages(staff: Callable[[str], Staff]) -> None:
    """What the browser keeps is there without a login, is no page of anybody's, and changes with the files."""
    client = staff("urban").client.application.test_client()
    worker = client.get("/console/sw.js")
    assert worker.mimetype == "text/javascript"
    known = json.loads(worker.text.partition("const KNOWN = ")[2].partition(";\n")[0])
    for address in (known["page"], known["outbox"], *known["files"]):
        assert client.get(address).status_code == 200, address
        assert address == known["page"] or address.endswith(f"?v={known['version']}")
    page = staff("urban").client.get(known["page"]).text
    assert not TOKEN.search(page)
    assert "data-person" not in page
    manifest = client.get("/static/app.webmanifest")
    assert manifest.mimetype == "application/manifest+json"
    for icon in manifest.get_json(force=True)["icons"]:
        assert client.get(icon["src"]).mimetype == icon["type"]
