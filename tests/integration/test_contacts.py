"""Looking at residents' numbers: a right of its own, each look on record, masked for everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import get_template_attribute

from bot.assembly import utc_now
from cases import accounts, contacts
from cases.ledger import NotAllowed
from cases.numbers import number_of
from cases.storage.trail import Sought

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from bot.assembly import House
    from cases.access import Actor
    from tests.integration.people import Resident, Staff

PHONE = "13812345678"
MANHOLE = f"翠湖小区3栋楼下井盖坏了，老人差点摔倒，打{PHONE}找我"
WHY = contacts.WHY[0]


def actor(house: House, login: str, *, right: bool) -> Actor:
    """Return a person at work, with or without the right."""
    with house.store.write() as book:
        account = book.staff_by_login(login)
        assert account is not None
        account.contacts = right
        book.flush()
        found = accounts.actor_of(book, house.cities.current(book), account.id)
    assert found is not None
    return found


def looks(house: House) -> list[tuple[str, str]]:
    """Return what is on record of looks: the case's number and the reason."""
    with house.store.read() as book:
        return [(row.subject, row.detail) for row in book.sought(Sought(action="contact")).lines]


def test_a_look_needs_the_right_and_a_reason(house: House, resident: Resident) -> None:
    """Without the right, or without a reason, there is no number and no record; with both there is one of each."""
    resident.say(MANHOLE)
    case = resident.case()
    urban, dispatcher = actor(house, "urban", right=False), actor(house, "dispatcher", right=False)
    with house.store.write() as book:
        with pytest.raises(NotAllowed):
            contacts.look(book, urban, case, WHY, utc_now())
        with pytest.raises(NotAllowed):
            contacts.look(book, dispatcher, case, "就想看看", utc_now())
        assert contacts.look(book, dispatcher, case, WHY, utc_now()) == [PHONE]
    assert looks(house) == [(number_of(case.id), WHY)]
    with house.store.write() as book:
        assert contacts.look(book, actor_again(house, "urban"), case, "回访", utc_now()) == [PHONE]
    assert len(looks(house)) == 2


def actor_again(house: House, login: str) -> Actor:
    """Return the person with the right now given, read without a transaction of its own."""
    with house.store.read() as book:
        account = book.staff_by_login(login)
        assert account is not None
        found = accounts.actor_of(book, house.cities.current(book), account.id)
    assert found is not None
    return type(found)(found.staff_id, found.name, found.role, found.unit_id, found.unit_path, contacts=True)


def test_who_has_looked_reads_the_text(house: House, resident: Resident) -> None:
    """After a look the text hides nothing from that person, from others still; and not for ever."""
    resident.say(MANHOLE)
    case = resident.case()
    urban, other = actor(house, "urban", right=True), actor(house, "urban2", right=True)
    now = utc_now()
    with house.store.write() as book:
        contacts.look(book, urban, case, WHY, now)
    with house.store.read() as book:
        assert contacts.has_looked(book, urban, case, now)
        assert not contacts.has_looked(book, other, case, now)
        assert not contacts.has_looked(book, urban, case, now + contacts.SEEN * 2)
    assert PHONE in contacts.readable(case.text, looked=True)
    assert PHONE not in contacts.readable(case.text, looked=False)


def test_the_fragment(house: House, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """The button answers with numbers to tap and with who looked when; without script the same stands on a page."""
    resident.say(MANHOLE)
    number = number_of(resident.case().id)
    actor(house, "urban", right=True)
    urban = staff("urban")
    page = urban.client.get("/console/").text
    urban.client.environ_base["HTTP_HX_REQUEST"] = "true"
    fragment = urban.post(f"/console/cases/{number}/contact", page, why=WHY).text
    assert f'href="tel:{PHONE}"' in fragment
    assert "已记录：翁雅芝 " in fragment
    assert "<html" not in fragment
    assert "请先选" in urban.post(f"/console/cases/{number}/contact", page, why="x").text
    del urban.client.environ_base["HTTP_HX_REQUEST"]
    whole = urban.post(f"/console/cases/{number}/contact", page, why="回访").text
    assert f'href="tel:{PHONE}"' in whole
    assert "<html" in whole
    assert looks(house) == [(number, "回访"), (number, WHY)]


def test_nothing_to_see(house: House, resident: Resident, neighbour: Resident, staff: Callable[[str], Staff]) -> None:
    """Foreign cases are not there; where no number is, or the resident is anonymous, nothing shows or is recorded."""
    resident.say("匿名")
    resident.say(MANHOLE)
    neighbour.say("翠湖小区5栋楼下井盖坏了，老人差点摔倒")
    dispatcher, water = staff("dispatcher"), staff("water")
    for each in (resident, neighbour):
        address = f"/console/cases/{number_of(each.case().id)}/contact"
        page = dispatcher.client.get("/console/").text
        answer = dispatcher.post(address, page, why=WHY)
        assert answer.status_code == 200
        assert PHONE not in answer.text.replace(" ", "")
        assert water.post(address, water.client.get("/console/").text, why=WHY).status_code == 404
    assert looks(house) == []


def test_the_button(app: Flask, house: House, resident: Resident) -> None:
    """The case's page offers the look to those who may, the masked number to the others."""
    resident.say(MANHOLE)
    case = resident.case()
    urban = actor(house, "urban", right=False)
    with house.store.read() as book:
        offers = [contacts.offer(each, case, book.history(case.id)) for each in (urban, actor_again(house, "urban"))]
    with app.test_request_context():
        macro = get_template_attribute("console/contact.html", "contact")
        plain, full = (macro({"contact": offer, "line": {"number": "100018"}}) for offer in offers)
    assert "138****5678" in plain
    assert "<form" not in plain
    assert "查看电话" in full
    assert PHONE not in plain + full


def test_exports_are_masked(app: Flask, resident: Resident) -> None:
    """No export of cases has a number that anybody wrote."""
    resident.say(MANHOLE)
    out = app.test_cli_runner().invoke(args=["cases", "export", "--format", "jsonl"]).output
    assert "138****5678" in out
    assert PHONE not in out
