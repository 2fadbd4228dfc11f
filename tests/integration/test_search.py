from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.assembly import utc_now
from cases import access, facts, finding, handling, intake
from cases.accounts import actor_of
from cases.city import VERSION_KEY
from cases.handling import NoSuchCase
from cases.intake import Report
from cases.ledger import SYSTEM, record
from cases.numbers import number_of
from cases.storage import Filter
from cases.storage.tables import AttachmentRow, CaseRow, UnitRow
from cases.storage.working import AbsenceRow
from cases.workflow import Action
from tests.integration.people import Resident, Staff
from tests.integration.phone import MANHOLE
from tests.integration.seeking import LAMP, ids, scatter, swept, terms

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from tests.integration.desk import Desk

SEEN = 300
NUMBER = "13800001234"


# -- whose business ----------------------------------------------------------------------------------------------


def test_what_is_found_is_what_may_be_seen(house: House) -> None:
    """Everybody finds exactly the cases that are their business: in lists, and by words; limited to kinds as well."""
    with house.store.write() as book:
        scatter(book, house, SEEN)
        city, accounts = house.cities.current(book), {row.login: row for row in book.staff()}
        groups = sorted({kind.group_name for kind in city.categories.values()})
        accounts["urban2"].groups, accounts["cuihujd2"].groups = groups[:2], groups[2:4]
        accounts["cuihu01"].backup_id = accounts["cuihu02"].id
        now = utc_now()
        book.add(AbsenceRow(staff_id=accounts["cuihu01"].id, from_at=now, until_at=now + timedelta(days=1)))
    swept(house)
    with house.store.read() as book:
        city, now = house.cities.current(book), utc_now()
        cases = [(case, facts.subject_of(city, case, book.tasks(case.id))) for case in book.every_case()]
        actors = [actor for row in book.staff() if (actor := actor_of(book, city, row.id, now))]
        assert {actor.role for actor in actors} == set(access.HANDLING_ROLES) | {"dispatcher", "leader", "admin"}
        assert any(actor.covers for actor in actors)
        assert any(actor.groups for actor in actors)
        for actor in actors:
            mine = {case.id for case, subject in cases if access.relations(actor, subject)}
            scope = handling.findable(city, actor)
            assert {case.id for case in book.every_case(scope)} == mine, actor
            lamps = {case.id for case, _ in cases if case.id in mine and "路灯" in case.text}
            pages = finding.find(book, city, actor, "路灯", Filter()).page.pages
            found = [finding.find(book, city, actor, "路灯", Filter(), page=at + 1).page for at in range(pages)]
            assert {case.id for page in found for case in page.cases} == lamps, actor
            assert found[0].total == len(lamps)
            for case, _ in cases[:5]:  # the door itself
                assert opens(book, city, actor, case) == (case.id in mine)


def opens(book: Book, city: City, actor: Actor, case: CaseRow) -> bool:
    """Say whether a case's page opens for somebody."""
    try:
        handling.access_case(book, city, actor, case.id)
    except NoSuchCase:
        return False
    return True


# -- what is found -----------------------------------------------------------------------------------------------


def test_everything_said_is_found(house: House, find: Callable[..., list[int]], desk: Desk, resident: Resident) -> None:
    """A case is found by its words and number, answers and notes, result, transcript, grid, holder, kind and people."""
    resident.say(MANHOLE)
    case = resident.case()
    desk.act("urban", case, Action.ACCEPT)
    desk.act("urban", case, Action.REPLY, text="师傅已经带着雪糕筒出发")
    desk.act("urban", case, Action.NOTE, text="内部：钥匙在门卫")
    with house.store.write() as book:
        row = record(book, case, "note", SYSTEM, desk.now)
        part = AttachmentRow(
            case_id=case.id, history_id=row.id, kind="voice", transcript="听起来像敲锣", next_try_at=desk.now,
            created_at=desk.now,
        )  # fmt: skip
        book.add(part)
    desk.act("urban", case, Action.REPORT_RESULT, text="换了新的铸铁盖板")
    with house.store.read() as book:
        city, staff = house.cities.current(book), book.staff_by_login("urban")
        now_is = book.get(CaseRow, case.id)
        assert now_is is not None
        assert now_is.grid_id is not None
        grid, kind = city.units[now_is.grid_id].name, city.categories[now_is.category_code or ""].name
        assert staff is not None
    words = ["井盖", "3栋", "雪糕筒", "钥匙", "敲锣", "铸铁", "城市管理局", grid, kind, staff.name, "翠湖 铸铁"]
    for typed in (*words, number_of(case.id)):
        assert find("urban", typed) == [case.id], typed
    for typed in ("路灯", "井盖 路灯", "井盖 -铸铁", "翠湖小区9栋"):
        assert find("urban", typed) == [], typed
    assert find("water", "井盖") == []


def test_imported_cases_are_found(house: House, find: Callable[..., list[int]]) -> None:
    """What comes from elsewhere, and what comes in thousands, is found like any other."""
    with house.store.write() as book:
        city, now = house.cities.current(book), utc_now()
        report = Report("文昌路红绿灯不亮")
        opened = [
            intake.open_imported(book, city, report, now, source_key=f"k{at}", channel="import").id for at in range(70)
        ]
    assert len(find("dispatcher", "红绿灯")) == 30
    with house.store.read() as book:
        city = house.cities.current(book)
        actor = actor_of(book, city, next(row.id for row in book.staff() if row.login == "dispatcher"))
        assert actor is not None
        last = finding.find(book, city, actor, "红绿灯", Filter(), "newest", page=9).page
    assert (last.page, last.pages, last.total, last.more, last.among) == (3, 3, 70, False, None)
    assert last.cases[-1].id == opened[0]


# -- names and places that change --------------------------------------------------------------------------------


def test_a_new_name_is_found_at_once(house: House, find: Callable[..., list[int]]) -> None:
    """A unit that is renamed is found by its new name, by the old one no longer; nothing has to be made anew."""
    with house.store.write() as book:
        city, report = house.cities.current(book), Report(MANHOLE)
        manhole = intake.open_imported(book, city, report, utc_now(), source_key="k", channel="import")
        manhole.holder_id = city.by_code["dept-urban"].id
    assert find("dispatcher", "城市管理局") == [manhole.id]
    with house.store.write() as book:
        row = book.get(UnitRow, manhole.holder_id)
        assert row is not None
        row.name = "综合执法大队"
        book.set_meta(VERSION_KEY, "another")
    assert find("dispatcher", "综合执法") == [manhole.id]
    assert find("dispatcher", "城市管理局") == []


def test_a_unit_that_moves_takes_its_cases_along(
    house: House, find: Callable[..., list[int]], desk: Desk, clutter: CaseRow
) -> None:
    """When a grid belongs to another street, that street finds its cases, and the former one finds them no longer."""
    assert find("cuihujd", "翠湖") == [clutter.id]
    with house.store.write() as book:
        city = house.cities.current(book)
        grid = book.get(UnitRow, clutter.grid_id or 0)
        assert grid is not None
        community = city.by_code["community-linjiang"]
        grid.parent_id, grid.path = community.id, f"{community.path}{grid.id}/"
        book.set_meta(VERSION_KEY, "another")
    assert ids(house, desk.actor("cuihujd"), "翠湖") == []
    assert find("linjiangjd", "翠湖") == [clutter.id]
    assert find("cuihujd", "翠湖") == []


# -- phones ------------------------------------------------------------------------------------------------------


def test_phones_find_what_one_may_see(find: Callable[..., list[int]], resident: Resident, neighbour: Resident) -> None:
    """The last four digits, or the whole number, find a case for whoever may see it, and for nobody else."""
    resident.say(f"{MANHOLE}，请打138-0000-1234")
    neighbour.say("翠湖小区5栋楼下井盖坏了，请打13900001234")
    one, other = resident.case(), neighbour.case()
    assert set(find("urban", "1234")) == {one.id, other.id}
    assert find("urban", NUMBER) == [one.id]
    assert find("urban", "139 0000 1234") == [other.id]
    assert find("urban", "13700001234") == []
    assert find("water", NUMBER) == []


def test_an_anonymous_phone_is_for_dispatchers(
    house: House, find: Callable[..., list[int]], resident: Resident
) -> None:
    """Whoever wants to stay unknown is not found by their phone, from that moment on; dispatchers do find them."""
    resident.say(f"{MANHOLE}，请打{NUMBER}")
    case = resident.case()
    assert find("urban", "1234") == [case.id]
    with house.store.write() as book:
        row = book.get(CaseRow, case.id)
        assert row is not None
        row.anonymous = True
    assert "tel:1234" not in terms(house)
    for typed in ("1234", NUMBER):
        assert find("urban", typed) == []
        assert find("dispatcher", typed) == [case.id]
    assert find("urban", "井盖") == [case.id]


# -- filters and orders ------------------------------------------------------------------------------------------


def test_filters(house: House, find: Callable[..., list[int]], desk: Desk, resident: Resident) -> None:
    """Each filter lets through what it says, with words and without, together with the others."""
    resident.say(MANHOLE)
    case = resident.case()
    desk.act("urban", case, Action.ACCEPT)
    with house.store.read() as book:
        city = house.cities.current(book)
        holder = city.units[desk.case(case).holder_id]
        other = city.by_code["dept-water"]
    now, kind = utc_now(), desk.case(case).category_code or ""
    day = timedelta(days=1)
    yes = [
        Filter(states=frozenset({"accepted"})), Filter(kinds=frozenset({kind})), Filter(below=holder.path),
        Filter(urgent=True), Filter(opened_from=now - day, opened_to=now + day), Filter(photos=False),
        Filter(anonymous=False), Filter(card="red", at=now + 30 * day),
        Filter(states=frozenset({"accepted"}), urgent=True),
    ]  # fmt: skip
    no = [
        Filter(states=frozenset({"closed"})), Filter(kinds=frozenset({"no-such"})), Filter(below=other.path),
        Filter(urgent=False), Filter(opened_from=now + day), Filter(opened_to=now - day), Filter(photos=True),
        Filter(anonymous=True), Filter(card="red", at=now), Filter(card="yellow", at=now - day),
        Filter(ratings=frozenset({"satisfied"})), Filter(states=frozenset()), Filter(kinds=frozenset()),
    ]  # fmt: skip
    for typed in ("", "井盖", "-路灯"):
        assert [find("urban", typed, each) for each in yes] == [[case.id]] * len(yes), typed
        assert [find("urban", typed, each) for each in no] == [[]] * len(no), typed
    desk.act("urban", case, Action.REPORT_RESULT, text="好了")
    resolved = Filter(states=frozenset({"resolved", "closed"}))
    assert ids(house, desk.actor("urban"), "", resolved) == [case.id]  # before the sweeper has been there
    assert ids(house, desk.actor("urban"), "", Filter(states=frozenset({"accepted", "closed"}))) == []
    desk.verify(case, "solved")
    desk.rate(case, "satisfied")
    assert find("urban", "井盖", Filter(ratings=frozenset({"satisfied"}))) == [case.id]
    Resident(resident.app, "oOther").send("image", MediaId="m", PicUrl="http://x")
    assert find("dispatcher", "", Filter(photos=True))


def test_orders(house: House, find: Callable[..., list[int]], desk: Desk) -> None:
    """Nearest deadline first and without one last, newest, oldest, most urged; words or not."""
    with house.store.write() as book:
        scatter(book, house, 12)
        now = utc_now()
        for at, case in enumerate(book.every_case()):
            case.text, case.urges = LAMP, at % 4
            case.due_at = now + timedelta(hours=100 - 7 * at) if at % 3 else None
    with house.store.read() as book:
        every = list(book.every_case())
        queue = [
            case.id
            for case in book.queue(handling.findable(house.cities.current(book), desk.actor("dispatcher"))).cases
        ]
    numbers = [case.id for case in every]
    for typed in ("", "路灯"):
        assert find("dispatcher", typed, order="due") == queue
        assert find("dispatcher", typed, order="newest") == numbers[::-1]
        assert find("dispatcher", typed, order="oldest") == numbers
        urges = {case.id: case.urges for case in every}
        assert [urges[each] for each in find("dispatcher", typed, order="urges")] == sorted(
            urges.values(), reverse=True
        )


def test_counting_stops(house: House, monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    """Nobody counts a million cases: after so many it is "more"; of a common word the newest cases are looked at."""
    with house.store.write() as book:
        scatter(book, house, 40)
        for case in book.every_case():
            case.text = LAMP
    swept(house)
    monkeypatch.setattr("cases.storage.search.COUNTED", 31)
    monkeypatch.setattr("cases.storage.search.CANDIDATES", 35)
    with house.store.read() as book:
        scope = handling.findable(house.cities.current(book), desk.actor("dispatcher"))
        query = finding.read(book, house.cities.current(book), desk.actor("dispatcher"), "路灯")
        found, plain = book.find(scope, Filter(query), "due", 2), book.find(scope, Filter(), "newest")
        newest = book.find(scope, Filter(query), "newest", 2)
        assert book.count_found(scope, Filter(query)) == book.count_found(scope, Filter()) == (31, True)
    assert (found.total, found.more, found.among, found.pages, len(found.cases)) == (31, True, 35, 2, 1)
    assert (newest.total, newest.more, newest.among) == (31, True, None)  # those are the newest of all
    assert (plain.total, plain.more, plain.among, len(plain.cases)) == (31, True, None, 30)


# -- the page, the command ---------------------------------------------------------------------------------------


def test_the_page(house: House, staff: Callable[[str], Staff], resident: Resident, neighbour: Resident) -> None:
    """A number goes straight to its case; words show where they are found, masked and harmless, and stay in the box."""
    resident.say(f"{MANHOLE}<script>alert(1)</script>，请打{NUMBER}")
    neighbour.say("翠湖小区5栋楼下井盖坏了")
    case = resident.case()
    swept(house)
    urban = staff("urban").client
    for typed in (number_of(case.id), f"工单 {number_of(case.id)[:3]} {number_of(case.id)[3:]}"):
        answer = urban.get("/console/find", query_string={"q": typed})
        assert answer.headers["Location"].endswith(f"/console/cases/{number_of(case.id)}")
    page = urban.get("/console/find", query_string={"q": "井蓋 script"}).text
    assert "<mark>井盖</mark>" in page
    assert "&lt;<mark>script</mark>&gt;" in page
    assert "<script>alert" not in page
    assert 'value="井蓋 script"' in page
    assert NUMBER not in page
    assert page.count("data-number=") == 1
    by_phone = urban.get("/console/find", query_string={"q": "1234"}).text
    assert "138****<mark>1234</mark>" in by_phone
    assert "没有找到“火星”" in urban.get("/console/find", query_string={"q": "火星"}).text
    foreign = staff("water").client.get("/console/find", query_string={"q": number_of(case.id)})
    assert foreign.status_code == 200
    assert "data-number=" not in foreign.text
    for odd in (
        '"',
        "-",
        "' OR 1=1 --",
        "a\0b",
        "*",
        "(井盖",
        "井盖 AND NOT",
        "\\",
        "NEAR(井盖)",
        "terms:井",
        "'':*&|!",
    ):
        assert urban.get("/console/find", query_string={"q": odd, "page": "9" * 30}).status_code in {200, 302}, odd


def test_the_pager_keeps_the_words(house: House, staff: Callable[[str], Staff]) -> None:
    """Of many results there are pages, and each knows what was asked."""
    with house.store.write() as book:
        city = house.cities.current(book)
        for at in range(35):
            intake.open_imported(book, city, Report("路灯不亮"), utc_now(), source_key=f"k{at}", channel="import")
    swept(house)
    client = staff("dispatcher").client
    page = client.get("/console/find", query_string={"q": "路灯"}).text
    assert "第 1 / 2 页，共 35 件" in page
    assert "page=2" in page
    assert client.get("/console/find", query_string={"q": "路灯", "page": 2}).text.count("data-number=") == 5
