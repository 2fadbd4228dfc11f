from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import text

from bot import sweeping
from bot.assembly import utc_now
from cases import erasure, intake
from cases.intake import Report
from cases.numbers import number_of
from cases.storage import Filter, migrate
from cases.storage.engine import alembic_config
from cases.storage.tables import CaseRow
from cases.workflow import Action, State
from tests.integration.seeking import ids, scatter, swept, terms
from tests.services import VAULT

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from bot.assembly import House
    from tests.integration.desk import Desk
    from tests.integration.people import Resident, Staff


def test_a_change_waits_for_the_sweeper_only(house: House, desk: Desk, clutter: CaseRow) -> None:
    """What is added is found once the sweeper has been there; the same case twice is one thing to do."""
    assert swept(house) == 1
    with house.store.write() as book:
        row = book.lock_case(clutter.id)
        assert row is not None
        intake.extend_case(book, house.cities.current(book), row, Report("还有一台旧钢琴"), desk.now)
    assert ids(house, desk.actor("dispatcher"), "钢琴") == []
    assert swept(house) == 1
    assert ids(house, desk.actor("dispatcher"), "钢琴") == [clutter.id]
    assert swept(house) == 0


def test_nothing_of_a_forgotten_resident_is_found(house: House, desk: Desk, resident: Resident) -> None:
    """When a resident is erased, or takes words back, none of their words is in the index, in that same moment."""
    resident.say("翠湖小区3栋楼下井盖坏了，我姓欧阳，电话13800001234")
    case = resident.case()
    desk.act("urban", case, Action.ACCEPT)
    swept(house)
    assert {"欧阳", "井盖", "tel:1234"} <= terms(house)
    with house.store.write() as book:
        erasure.erase_resident(book, resident.openid, utc_now())
    left = terms(house)
    assert not left & {"欧阳", "姓欧", "井盖", "翠湖", "tel:1234"}
    assert number_of(case.id) in left
    swept(house)
    assert not terms(house) & {"欧阳", "井盖", "tel:1234"}
    assert ids(house, desk.actor("dispatcher"), "欧阳") == []


def test_words_put_right_are_found_no_longer(house: House, desk: Desk, clutter: CaseRow) -> None:
    """A word that was replaced is gone at once; a rolled-back change changes nothing."""
    swept(house)
    with house.store.write() as book:
        row = book.lock_case(clutter.id)
        assert row is not None
        row.text = "换成了别的话"
        for line in book.history(clutter.id):
            line.text = ""
    assert ids(house, desk.actor("dispatcher"), "别的话") == [clutter.id]
    with suppress(RuntimeError), house.store.write() as book:
        row = book.lock_case(clutter.id)
        assert row is not None
        row.text = "没有写成的话"
        book.flush()
        raise RuntimeError
    assert ids(house, desk.actor("dispatcher"), "没有写成") == []


def test_an_index_that_is_behind_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch, staff: Callable[[str], Staff], desk: Desk
) -> None:
    """While many cases wait for their entries, filters without words find them all the same, and the page says so."""
    with house.store.write() as book:
        scatter(book, house, 8)
    monkeypatch.setattr("cases.storage.search.CANDIDATES", 5)
    every = Filter(states=frozenset(map(str, State)))
    assert len(ids(house, desk.actor("dispatcher"), "", every)) == 8
    assert "索引还在整理" in staff("dispatcher").client.get("/console/find", query_string={"q": "路灯"}).text
    swept(house)
    assert len(ids(house, desk.actor("dispatcher"), "", every)) >= 5
    assert "索引还在整理" not in staff("dispatcher").client.get("/console/find", query_string={"q": "路灯"}).text


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_sweeper_never_brings_words_back(house: House, clutter: CaseRow) -> None:
    """A case that is being changed is left alone by the sweeper: what it read before is never written after."""
    with house.store.write() as book:
        row = book.lock_case(clutter.id)
        assert row is not None
        row.text, row.place_words = "换成了别的话", ""
        for line in book.history(clutter.id):
            line.text = ""
        book.renew_touched()
        with house.store.write() as sweeper:
            assert sweeper.renew_due(50) == 0
    assert {"换成", "成了"} <= terms(house)
    assert swept(house) == 1
    assert "翠湖" not in terms(house)


def test_cases_from_before_are_left_to_the_sweeper(house: House, desk: Desk, clutter: CaseRow) -> None:
    """A database from before the index gets it at once, and the entries of its cases from the sweeper."""
    swept(house)
    house.store.engine.dispose()
    command.downgrade(alembic_config(house.settings.database_url, VAULT), "0004")
    migrate(house.settings.database_url, VAULT)
    assert ids(house, desk.actor("dispatcher"), "翠湖") == []
    assert swept(house) == 1
    assert ids(house, desk.actor("dispatcher"), "翠湖") == [clutter.id]


def test_the_sweeper_makes_what_waits(house: House, desk: Desk, clutter: CaseRow) -> None:
    """The sweeper of the worker makes the entries that wait, a batch each time."""
    assert sweeping.index(house) >= 1
    assert ids(house, desk.actor("dispatcher"), "翠湖") == [clutter.id]


def test_tidying_takes_out_what_is_left(app: Flask, house: House, clutter: CaseRow) -> None:
    """After `cases reindex` not even the index's own pages hold a word that nobody says any more."""
    with house.store.write() as book:
        row = book.get(CaseRow, clutter.id)
        assert row is not None
        row.text += "请打13800001234"
    swept(house)
    with house.store.write() as book:
        row = book.get(CaseRow, clutter.id)
        assert row is not None
        row.text = "说了别的"
    assert "tel:1234" not in terms(house)
    done = app.test_cli_runner().invoke(args=["cases", "reindex", "--all"])
    assert done.exit_code == 0, done.output
    if house.store.engine.dialect.name == "sqlite":
        with house.store.engine.connect() as connection:
            blocks = connection.execute(text("SELECT block FROM case_terms_data")).scalars()
            assert not any(b"1234" in bytes(block) for block in blocks)


def test_the_index_can_be_made_anew(app: Flask, house: House, desk: Desk, clutter: CaseRow) -> None:
    """`cases reindex` makes the whole index again, goes on where it broke off, and says how far it is."""
    swept(house)
    with house.store.engine.begin() as connection:
        connection.execute(text("DELETE FROM case_terms"))
    assert ids(house, desk.actor("dispatcher"), "翠湖") == []
    done = app.test_cli_runner().invoke(args=["cases", "reindex"])
    assert (done.exit_code, "1 / 1 件" in done.output) == (0, True), done.output
    assert ids(house, desk.actor("dispatcher"), "翠湖") == [clutter.id]
