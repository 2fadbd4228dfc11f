from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.assembly import utc_now
from cases import accounts, bulk
from cases.handling import Inputs
from cases.ledger import NotAllowed
from cases.numbers import number_of
from cases.storage.desk import BulkRow
from cases.storage.tables import CaseRow, StaffRow
from cases.workflow import Action

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.assembly import House
    from tests.integration.people import Resident, Staff

NOISE = "临江路128号楼下烧烤店半夜还在吵"
HOLE = "临江路128号门口井盖没了"


def states(house: House) -> list[str]:
    """Return the states of all cases, in order."""
    with house.store.read() as book:
        return [case.state for case in book.every_case()]


def ticked(house: House) -> list[str]:
    """Return the numbers of all cases, in order."""
    with house.store.read() as book:
        return [number_of(case.id) for case in book.every_case()]


def run(house: House) -> BulkRow:
    """Carry the one order out, as the sweeper does when its time is over, and return it."""
    later = utc_now() + bulk.HELD_BACK
    with house.store.read() as book:
        [bulk_id] = book.bulk_due(later, 10)
    bulk.run(house.store, house.cities, bulk_id, lambda: later)
    with house.store.read() as book:
        row = book.get(BulkRow, bulk_id)
    assert row is not None
    return row


@pytest.fixture
def urban(staff: Callable[[str], Staff], resident: Resident, neighbour: Resident) -> Staff:
    """Give a department with two cases to accept."""
    resident.say(HOLE)
    neighbour.say(NOISE)
    return staff("urban")


def test_several_are_accepted_after_a_while(house: House, urban: Staff) -> None:
    """Nothing happens to the ticked cases at once; when the time is over each is accepted, and the page tells so."""
    numbers = ticked(house)
    page = urban.client.get("/console/bulk", query_string={"case": numbers, "action": "accept"})
    assert "受理 2 件" in page.text
    told = urban.post("/console/bulk", page.text, action="accept", case=numbers)
    assert "受理 2 件" in told.text
    assert "撤回" in told.text
    assert states(house) == ["assigned", "assigned"]
    assert run(house).results == dict.fromkeys(map(str, range(1, 3)), "")
    assert states(house) == ["accepted", "accepted"]
    assert "2 件办好" in urban.client.get("/console/bulk/strip").text


def test_an_order_is_undone(house: House, urban: Staff) -> None:
    """Who undoes an order in time has done nothing; later, or somebody else's, it cannot be undone."""
    numbers = ticked(house)
    page = urban.client.get("/console/bulk", query_string={"case": numbers})
    urban.post("/console/bulk", page.text, action="accept", case=numbers)
    with house.store.write() as book:
        actor = accounts.actor_of(book, house.cities.current(book), 1)
        assert actor is not None
        [row] = book.bulks_of(_id(house, "urban"), utc_now())
        assert not bulk.undo(book, actor, row.id)
    assert "一件都没有动" in urban.post(f"/console/bulk/{row.id}/undo", page.text).text
    with house.store.read() as book:
        assert book.bulk_due(utc_now() + timedelta(days=1), 10) == []
    assert states(house) == ["assigned", "assigned"]
    assert "来不及" in urban.post(f"/console/bulk/{row.id}/undo", page.text).text


def test_what_changed_meanwhile_is_left_alone(house: House, urban: Staff) -> None:
    """A case that somebody took meanwhile is not touched; the others are done, and the page names it and says why."""
    numbers = ticked(house)
    page = urban.client.get("/console/bulk", query_string={"case": numbers})
    urban.post("/console/bulk", page.text, action="accept", case=numbers)
    with house.store.read() as book:
        first = book.get(CaseRow, 1)
    assert first is not None
    urban.act(first, "accept")
    results = run(house).results
    assert results["2"] == ""
    assert "已由" in results["1"]
    strip = urban.client.get("/console/bulk/strip").text
    assert "1 件办好，1 件没有动" in strip
    assert f"/console/cases/{numbers[0]}" in strip


def test_a_second_run_does_nothing_twice(house: House, urban: Staff) -> None:
    """An order whose run was broken off goes on where it stopped: no case is noted twice."""
    with house.store.write() as book:
        actor = accounts.actor_of(book, house.cities.current(book), _id(house, "urban"))
        assert actor is not None
        row = bulk.order(book, actor, Action.NOTE, Inputs(text="明早一起去"), [1, 2], utc_now())
        row.results = {"1": ""}
    run(house)
    with house.store.read() as book:
        notes = [line.case_id for case_id in (1, 2) for line in book.history(case_id) if line.action == "note"]
        done = book.get(BulkRow, row.id)
    assert notes == [2]
    assert done is not None
    assert (done.state, done.inputs) == ("done", {})
    assert urban.client.get("/console/bulk/strip").status_code == 200


def test_foreign_cases_are_never_in_an_order(house: House, urban: Staff, staff: Callable[[str], Staff]) -> None:
    """Numbers of cases that are not one's business are left out when ordering, and refused when the order runs."""
    water = staff("water")
    page = water.client.get("/console/me")
    assert "勾选" in water.post("/console/bulk", page.text, action="note", text="x", case=ticked(house)).text
    with house.store.write() as book:
        actor = accounts.actor_of(book, house.cities.current(book), _id(house, "water"))
        assert actor is not None
        bulk.order(book, actor, Action.NOTE, Inputs(text="x"), [1], utc_now())
    assert run(house).results == {"1": bulk.GONE}
    assert urban.client.get("/console/").status_code == 200


def test_too_many_and_none(house: House) -> None:
    """An order over nothing, over too many, or of an action that is no bulk action is refused."""
    with house.store.write() as book:
        actor = accounts.actor_of(book, house.cities.current(book), _id(house, "urban"))
        assert actor is not None
        for action, ids in ((Action.NOTE, []), (Action.NOTE, list(range(bulk.MOST + 1))), (Action.MERGE, [1])):
            with pytest.raises(NotAllowed):
                bulk.order(book, actor, action, Inputs(), ids, utc_now())


def _id(house: House, login: str) -> int:
    with house.store.read() as book:
        row: StaffRow | None = book.staff_by_login(login)
    assert row is not None
    return row.id


def test_an_order_that_nobody_carried_out_is_none(house: House, urban: Staff) -> None:
    """Where the worker was away for long, the page says that nothing was done, and it is not done hours later."""
    with house.store.write() as book:
        actor = accounts.actor_of(book, house.cities.current(book), _id(house, "urban"))
        assert actor is not None
        long_ago = utc_now() - bulk.STALE - timedelta(minutes=1)
        row = bulk.order(book, actor, Action.NOTE, Inputs(text="x"), [1], long_ago)
    assert "后台还没有动" in urban.client.get("/console/bulk/strip").text
    bulk.run(house.store, house.cities, row.id, utc_now)
    with house.store.read() as book:
        kept = book.get(BulkRow, row.id)
        assert kept is not None
        assert (kept.state, kept.results) == ("undone", {})
        assert [line for line in book.history(1) if line.action == "note"] == []


def test_an_order_sent_twice_is_one(house: House, urban: Staff) -> None:
    """A form that comes again after a lost answer orders nothing a second time."""
    numbers = ticked(house)
    page = urban.client.get("/console/bulk", query_string={"case": numbers, "action": "accept"})
    mark = re.search(r'name="mark" value="(\w+)"', page.text)
    assert mark
    for words in ("撤回", "没有再下"):
        sent = urban.post("/console/bulk", page.text, action="accept", case=numbers, mark=mark[1])
        assert words in sent.text
    with house.store.read() as book:
        assert len(book.bulks_of(_id(house, "urban"), utc_now())) == 1
