from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.assembly import utc_now
from cases import overview, picks
from cases.storage import Narrow
from cases.storage.tables import CaseRow, OutboxRow
from cases.workflow import Action
from tests.integration.people import Resident, Staff

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from bot.assembly import House
    from tests.integration.desk import Desk
    from tests.services import Redis

FIGURE = re.compile(r'data-figure="([^"]+)" data-count="(\d+)" href="([^"]+)"')
HEADING = re.compile(r'<h1>.*?<span class="soft">(\S+) 件</span>', re.DOTALL)
ONE_OF_EACH = ("cuihu01b", "cuihu01", "urban", "dispatcher", "cuihusq", "cuihujd", "district", "city", "leader")
FIRE = "着火了！翠湖小区3栋2单元冒烟，有人被困"


def figures(person: Staff) -> dict[str, tuple[int, str]]:
    """Return the figures of somebody's home: key, count, and where each leads."""
    page = person.client.get("/console/home").text
    return {key: (int(count), href.replace("&amp;", "&")) for key, count, href in FIGURE.findall(page)}


def shown(person: Staff, href: str) -> int:
    """Return how many cases the list at an address says it has."""
    page = person.client.get(href)
    assert page.status_code == 200, href
    found = HEADING.search(page.text)
    assert found, href
    return int(found[1])


@pytest.fixture
def busy(app: Flask, desk: Desk, manhole: CaseRow, neighbour: Resident) -> Desk:
    """Give a city with something of everything: closed and rated, returned, late, supervised, danger."""
    desk.act("urban", manhole, Action.ACCEPT)
    desk.act("urban", manhole, Action.REPORT_RESULT, text="换了新井盖")
    desk.verify(manhole, "solved")
    desk.rate(manhole, "satisfied")
    neighbour.say("翠湖小区5栋楼道里堆满了纸箱，走路都难")
    clutter = neighbour.case()
    desk.act("leader", clutter, Action.SUPERVISE, days=2.0, text="盯一下")
    other = Resident(app, "oResident000000000000000003")
    other.say("临江路128号门口井盖没了")
    desk.act("urban", other.case(), Action.ACCEPT)
    desk.act("urban", other.case(), Action.RETURN, reason="not_ours", text="这是供水的阀门井")
    Resident(app, "oResident000000000000000004").say(FIRE)
    third = Resident(app, "oResident000000000000000005")
    third.say("翠湖小区6栋门口的井盖坏了，老人差点摔倒")
    desk.act("urban", third.case(), Action.ACCEPT)
    with desk.house.store.write() as book:
        row = book.lock_case(clutter.id)
        assert row is not None
        row.due_at = row.finish_by = desk.now - timedelta(hours=2)
        row.opened_at = desk.now - timedelta(days=1)
    return desk


@pytest.mark.parametrize("login", ONE_OF_EACH)
def test_figures_lead_to_what_they_count(busy: Desk, staff: Callable[[str], Staff], login: str) -> None:
    """Each figure of each home is the number of cases of the list behind it, and nobody's home is without any."""
    assert busy
    person = staff(login)
    found = figures(person)
    assert len(found) > 5
    for key, (count, href) in found.items():
        assert shown(person, href) == count, (login, key)


def test_what_stands_on_homes(busy: Desk, staff: Callable[[str], Staff]) -> None:
    """Homes count what happened: late and to be accepted, returned and in danger, closed and content, given back."""
    assert busy
    grid, desk, leader = figures(staff("cuihu01")), figures(staff("dispatcher")), figures(staff("leader"))
    assert (grid["overdue"][0], grid["to-accept"][0], grid["due-today"][0]) == (1, 1, 0)
    assert (desk["to-decide.returned"][0], desk["ringing"][0], desk["danger"][0]) == (1, 1, 1)
    assert (leader["in-time.week"][0], leader["solved.week"][0], leader["content.week"][0]) == (1, 1, 1)
    assert (leader["late"][0], leader["supervised"][0]) == (1, 1)
    urban, district = figures(staff("urban")), figures(staff("district"))
    assert (urban["own-closed"][0], urban["own-closed.satisfied"][0]) == (1, 1)
    assert (district["gave-back.dept-urban"][0], district["accepted.dept-urban"][0]) == (1, 3)


def test_a_day_is_one_of_china(house: House, desk: Desk) -> None:
    """Today begins at midnight in China, whatever day it is elsewhere, and so does the week on Monday."""
    half_past_midnight = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # Monday there, Sunday in Greenwich
    midnight = datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert picks.day_begins(half_past_midnight) == picks.week_begins(half_past_midnight) == midnight
    assert picks.day_begins(midnight - timedelta(seconds=1)) == midnight - timedelta(days=1)
    with house.store.read() as book:
        city = house.cities.current(book)
        today = picks.pick(city, desk.actor("dispatcher"), "came.today", half_past_midnight)
    assert today is not None
    assert today.scope.only == Narrow(opened=(midnight, midnight + timedelta(days=1)))


def test_figures_go_beyond_a_page(house: House, desk: Desk, clutter: CaseRow, staff: Callable[[str], Staff]) -> None:
    """A figure counts all cases, not those of a page; the ten most pressing are shown, those that are late first."""
    copied = ("state", "holder_id", "grid_id", "category_code", "opened_at", "accept_by", "contact_by", "finish_by")
    with house.store.write() as book:
        for at in range(40):
            row = CaseRow(**{name: getattr(clutter, name) for name in copied}, text=f"第{at}件")
            row.due_at = desk.now + timedelta(hours=at - 20, minutes=30)
            book.add(row)
    person = staff("cuihu01")
    found, page = figures(person), person.client.get("/console/home").text
    assert (found["overdue"][0], found["to-accept"][0]) == (20, 41)
    assert [int(each) for each in re.findall(r"第(\d+)件", page)] == list(range(10))
    assert "我的队列一共 41 件" in page


def test_days_add_up(busy: Desk) -> None:
    """What stood at the end of each of seven days is what its own list counts: the chart is no estimate."""
    house = busy.house
    with house.store.read() as book:
        city, now = house.cities.current(book), utc_now()
        area = overview.centre(book, city, busy.actor("city"), now)
        for day in area.days:
            scope = picks.pick(city, busy.actor("city"), day.stood.key, now)
            assert scope is not None
            assert book.count(scope.scope) == day.stood.count
    assert area.days[-1].came.count > 0


def test_picks_show_no_more_than_one_may_see(house: House, desk: Desk, manhole: CaseRow) -> None:
    """A list behind a figure only narrows one's own: units, kinds and lists of others are not there."""
    assert manhole
    with house.store.read() as book:
        city, now = house.cities.current(book), utc_now()

        def seen(login: str, key: str) -> int | None:
            found = picks.pick(city, desk.actor(login), key, now)
            return None if found is None else book.count(found.scope)

        assert [seen(login, "held.dept-urban") for login in ("dispatcher", "district", "urban")] == [1, 1, 1]
        assert (seen("linjiangsq", "held.dept-urban"), seen("water", "held.dept-urban")) == (0, None)
        assert (seen("water", "came.today"), seen("linjiangsq", "came.today"), seen("city", "came.today")) == (0, 0, 1)
        assert (seen("urban", "to-decide"), seen("leader", "to-verify"), seen("admin", "red")) == (None, None, None)
        for key in (
            "came.",
            "came.2026-13-01",
            "came.yesterday",
            "kind.nothing",
            "held.",
            "accepted.nobody",
            "nothing",
            "",
        ):
            assert seen("dispatcher", key) is None, key


def test_login_leads_home(staff: Callable[[str], Staff]) -> None:
    """Who logs in without having wanted to go anywhere is at home; each role has one with its own parts."""
    parts = {"cuihu01b": "home-report", "dispatcher": "hours-title", "cuihujd": "flow-table", "leader": "grown-title"}
    for login, part in (parts | {"admin": "health-sum"}).items():
        person = staff(login)
        assert person.answer.request.path == "/console/home", login
        assert f'id="{part}"' in person.answer.text, login
    assert "都办完了" in staff("cuihu01b").answer.text


def test_the_administrator_sees_what_is_wrong(house: House, staff: Callable[[str], Staff], manhole: CaseRow) -> None:
    """The administrator's home names what cannot be delivered, by reason, units without people, and what to do."""
    admin = staff("admin")
    assert 'data-part="undelivered" data-state="ok"' in admin.answer.text
    with house.store.write() as book:
        now = utc_now()
        book.add(OutboxRow(
            resident_id=manhole.resident_id, case_id=manhole.id, text="", state="undeliverable",
            error="居民没有关注公众号", next_try_at=now, created_at=now,
        ))  # fmt: skip
        account = book.staff_by_login("water")
        assert account is not None
        unit = account.unit_id
        for row in book.colleagues(unit):
            row.active = False
    page = admin.client.get("/console/home").text
    assert 'data-part="undelivered" data-state="warn"' in page
    assert "近七天 1 条：居民没有关注公众号 1 条" in page
    assert "1 个单位没有能办的账号：水务" in page


def test_a_home_without_redis(house: House, redis_server: Redis, staff: Callable[[str], Staff]) -> None:
    """With Redis away the administrator's home opens all the same, and says so."""
    assert house
    admin = staff("admin")
    redis_server.stop()
    page = admin.client.get("/console/home")
    assert page.status_code == 200
    assert 'data-part="redis" data-state="bad"' in page.text
    assert 'data-part="worker" data-state="bad"' in page.text


def test_scopes_of_figures_are_exported_too(busy: Desk, staff: Callable[[str], Staff]) -> None:
    """The list behind a figure can be taken out as a spreadsheet like any other."""
    assert busy
    answer = staff("district").client.get("/console/export/red.xlsx")
    assert (answer.status_code, (answer.mimetype or "").endswith("sheet")) == (200, True)
    assert staff("district").client.get("/console/export/nothing.xlsx").status_code == 404
