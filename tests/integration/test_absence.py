"""AB roles and absence: no case waits for somebody who is away, and units without anybody are named."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.assembly import utc_now
from cases import absence, accounts, audit, facts, handling
from cases.absence import NoSuchPerson
from cases.handling import Inputs
from cases.ledger import NotAllowed
from cases.storage.tables import CaseRow, StaffRow
from cases.storage.working import TokenRow
from cases.workflow import Action, Relation
from cases.worktime import CHINA
from web.console import strip

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from bot.assembly import House
    from cases.access import Actor
    from tests.integration.people import Resident, Staff

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"
DAY = timedelta(days=1)


class Office:
    """The city's staff at work: each step is a transaction of its own."""

    def __init__(self, house: House) -> None:
        self.house = house

    def id(self, login: str) -> int:
        """Return somebody's id."""
        with self.house.store.read() as book:
            account = book.staff_by_login(login)
            assert account is not None
            return account.id

    def actor(self, login: str) -> Actor:
        """Return somebody at work."""
        with self.house.store.read() as book:
            found = accounts.actor_of(book, self.house.cities.current(book), self.id(login))
        assert found is not None
        return found

    def accept(self, login: str, case: CaseRow) -> None:
        """Let somebody accept a case."""
        with self.house.store.write() as book:
            city = self.house.cities.current(book)
            handling.act(book, city, self.actor(login), case.id, Action.ACCEPT, Inputs(), utc_now())

    def back_up(self, by: str, login: str, backup: str | None) -> None:
        """Name somebody's backup."""
        with self.house.store.write() as book:
            city, backup_id = self.house.cities.current(book), self.id(backup) if backup else None
            absence.set_backup(book, city, self.actor(by), self.id(login), backup_id, utc_now())

    def leave(self, by: str, login: str, begins: timedelta = timedelta(0), lasts: timedelta = DAY) -> int:
        """Note somebody's leave, from now on or from later; return how many cases went over."""
        with self.house.store.write() as book:
            now = utc_now()
            times = (now + begins, now + begins + lasts)
            city = self.house.cities.current(book)
            return absence.leave(book, city, self.actor(by), self.id(login), times, "年休", now)

    def handler(self, case: CaseRow) -> str | None:
        """Return the login of who handles a case."""
        with self.house.store.read() as book:
            row = book.get(CaseRow, case.id)
            account = book.get(StaffRow, row.handler_id) if row is not None and row.handler_id else None
            return account.login if account is not None else None

    def told(self, case: CaseRow) -> list[str]:
        """Return what a case's history says of its handlers."""
        with self.house.store.read() as book:
            return [row.text for row in book.history(case.id) if row.action == absence.HANDED_OVER]


@pytest.fixture
def office(house: House) -> Office:
    """Give the city's staff at work."""
    return Office(house)


@pytest.fixture
def case(resident: Resident, office: Office) -> CaseRow:
    """Give a case that `urban` has accepted."""
    resident.say(MANHOLE)
    office.accept("urban", resident.case())
    return resident.case()


def test_the_backup_takes_over(office: Office, case: CaseRow) -> None:
    """Who goes on leave hands their open cases to their backup at once, with a line in each history."""
    office.back_up("urban", "urban", "urban2")
    assert office.leave("urban", "urban") == 1
    assert office.handler(case) == "urban2"
    assert office.told(case) == ["翁雅芝请假，交给舒克勤接着办"]


def test_without_a_backup_the_queue_has_it(office: Office, case: CaseRow) -> None:
    """Without a backup, or with one who is away as well, the case is in the unit's queue and in nobody's hands."""
    office.back_up("urban", "urban", "urban2")
    assert office.leave("urban2", "urban2") == 0
    assert office.leave("urban", "urban") == 1
    assert office.handler(case) is None
    assert office.told(case) == ["翁雅芝请假，放回城市管理局的队列"]


def test_backups_of_backups_end_somewhere(house: House, office: Office) -> None:
    """A circle of backups who are all away has nobody in it; a chain is followed three steps, not further."""
    logins = ["urban", "urban2", "police", "police2", "traffic"]
    with house.store.write() as book:
        rows = [book.staff_by_login(login) for login in logins]
        for row, following in zip(rows, rows[1:] + rows[:1], strict=True):
            assert row is not None
            assert following is not None
            row.backup_id = following.id
    ids = [office.id(login) for login in logins]
    for at, expected in enumerate([ids[1], ids[2], ids[3], None, None]):
        office.leave("admin", logins[at])
        with house.store.read() as book:
            assert absence.stand_in(book, ids[0], utc_now()) == expected
    with house.store.read() as book:
        assert absence.stand_in(book, ids[0], utc_now() + 2 * DAY) == ids[0]
        assert absence.stand_in(book, 10**6, utc_now()) is None


@pytest.fixture
def lonely(office: Office, resident: Resident) -> CaseRow:
    """Give a case in a grid with one officer, who has accepted it and has a neighbour as backup."""
    resident.say(MANHOLE)
    with office.house.store.write() as book:
        city = office.house.cities.current(book)
        to_grid = Inputs(unit="grid-cuihu-02")
        handling.act(book, city, office.actor("dispatcher"), resident.case().id, Action.SEND, to_grid, utc_now())
    office.accept("cuihu02", resident.case())
    office.back_up("cuihu02", "cuihu02", "cuihu01")
    return resident.case()


def holds(office: Office, login: str, case: CaseRow, after: timedelta = timedelta(0)) -> bool:
    """Say whether somebody may act on a case as its holder."""
    now = utc_now() + after
    with office.house.store.read() as book:
        city = office.house.cities.current(book)
        actor = accounts.actor_of(book, city, office.id(login), now)
        assert actor is not None
        return Relation.HOLDER in facts.relations(book, city, actor, case)


def test_a_neighbour_stands_in(house: House, office: Office, lonely: CaseRow) -> None:
    """The neighbour acts on the grid's cases while its only officer is away, and gives them back after."""
    assert not holds(office, "cuihu01", lonely)
    assert office.leave("cuihu02", "cuihu02") == 1
    assert office.handler(lonely) == "cuihu01"
    assert holds(office, "cuihu01", lonely)
    with house.store.read() as book:
        assert absence.deserted(book, house.cities.current(book), utc_now()) == []
    with house.store.write() as book:
        absence.come_back(book, house.cities.current(book), office.actor("cuihu02"), office.id("cuihu02"), utc_now())
    assert office.handler(lonely) == "cuihu02"
    assert not holds(office, "cuihu01", lonely)
    assert len(office.told(lonely)) == 2


def test_a_leave_that_just_ends(house: House, office: Office, lonely: CaseRow) -> None:
    """When a leave runs out the sweeper's function gives the neighbour's cases back; before that it leaves them."""
    office.leave("cuihu02", "cuihu02")
    for later, expected in ((DAY / 2, "cuihu01"), (1.5 * DAY, "cuihu02")):
        with house.store.read() as book:
            assert absence.work_waits(book, utc_now() + later)
        with house.store.write() as book:
            absence.begin_due(book, house.cities.current(book), utc_now() + later)
        assert office.handler(lonely) == expected
        assert holds(office, "cuihu01", lonely, later) == (expected == "cuihu01")
    with house.store.read() as book:
        assert not absence.work_waits(book, utc_now() + 2 * DAY)


def test_a_backup_who_is_one_no_more(house: House, office: Office, lonely: CaseRow) -> None:
    """A case never stays in the hands of somebody who may not see it any more: it goes into the queue."""
    office.leave("cuihu02", "cuihu02")
    office.back_up("cuihusq", "cuihu02", None)
    with house.store.write() as book:
        assert absence.begin_due(book, house.cities.current(book), utc_now()) == 1
    assert office.handler(lonely) is None
    with house.store.read() as book:
        [unit] = absence.deserted(book, house.cities.current(book), utc_now())
    assert unit.unit.code == "grid-cuihu-02"


def test_an_absence_that_begins_later(house: House, office: Office, case: CaseRow) -> None:
    """Leave noted beforehand moves nothing yet; when it begins the sweeper's function does, once."""
    office.back_up("urban", "urban", "urban2")
    assert office.leave("urban", "urban", begins=DAY) == 0
    for later, expected in ((timedelta(0), "urban"), (1.5 * DAY, "urban2"), (1.6 * DAY, "urban2")):
        with house.store.write() as book:
            absence.begin_due(book, house.cities.current(book), utc_now() + later)
        assert office.handler(case) == expected
    assert len(office.told(case)) == 1


def test_who_works_on_leave_keeps_the_case(house: House, office: Office, resident: Resident) -> None:
    """A case that somebody accepts while they are on leave is not taken from them: they are at work on it."""
    office.leave("urban", "urban")
    resident.say(MANHOLE)
    office.accept("urban", resident.case())
    with house.store.write() as book:
        assert absence.begin_due(book, house.cities.current(book), utc_now()) == 0
    assert office.handler(resident.case()) == "urban"


def test_coming_back(house: House, office: Office) -> None:
    """Coming back ends the leave at once, calls off the next one, and does nothing for who is there."""
    urban = office.id("urban")
    for begins in (-DAY / 2, DAY):
        office.leave("urban", "urban", begins)
        with house.store.write() as book:
            assert absence.come_back(book, house.cities.current(book), office.actor("urban"), urban, utc_now())
        with house.store.write() as book:
            assert absence.away(book, urban, utc_now() + 1.5 * DAY) is None
            assert not absence.come_back(book, house.cities.current(book), office.actor("urban"), urban, utc_now())


def test_times_that_make_no_sense(office: Office) -> None:
    """Leave that is over, ends before it begins, lasts for years or is noted twice is refused."""
    for begins, lasts in ((-2 * DAY, DAY), (DAY, -DAY), (DAY, timedelta(days=400))):
        with pytest.raises(NotAllowed):
            office.leave("urban", "urban", begins, lasts)
    office.leave("urban", "urban")
    with pytest.raises(NotAllowed):
        office.leave("urban", "urban", DAY / 2)


@pytest.mark.parametrize(
    ("by", "login"),
    [("urban", "police"), ("cuihu01", "cuihu02"), ("cuihusq", "cuihujd"), ("urban", "leader"), ("cuihu01b", "cuihu01")],
)
def test_strangers_arrange_nothing(office: Office, by: str, login: str) -> None:
    """Whoever is neither the person nor their head finds that there is no such person."""
    with pytest.raises(NoSuchPerson):
        office.leave(by, login)


def test_handing_everything_over(house: House, office: Office, case: CaseRow) -> None:
    """A head gives all cases of a person to a colleague who is there; not to strangers, nor to one who is away."""
    urban, urban2 = office.id("urban"), office.id("urban2")
    with house.store.write() as book:
        city, admin = house.cities.current(book), office.actor("admin")
        for other in (office.id("police"), urban, 10**6):
            with pytest.raises(NotAllowed):
                absence.hand_over_all(book, city, admin, urban, other, utc_now())
        assert absence.hand_over_all(book, city, admin, urban, urban2, utc_now()) == 1
    assert office.handler(case) == "urban2"
    office.leave("urban", "urban")
    with house.store.write() as book, pytest.raises(NotAllowed):
        absence.hand_over_all(book, city, admin, urban2, urban, utc_now())
    with house.store.write() as book:
        assert absence.hand_over_all(book, city, admin, urban2, None, utc_now()) == 1
    assert office.handler(case) is None


def test_leaving_for_good(house: House, office: Office, case: CaseRow) -> None:
    """Who departs can do nothing more: no login, no key, no cases, nobody's backup; oneself one cannot switch off."""
    office.back_up("urban2", "urban2", "urban")
    urban = office.id("urban")
    with house.store.write() as book:
        book.add(TokenRow(staff_id=urban, name="x", digest="0" * 64, created_at=utc_now()))
        city = house.cities.current(book)
        with pytest.raises(NotAllowed):
            absence.depart(book, city, office.actor("urban"), urban, None, utc_now())
        assert absence.depart(book, city, office.actor("urban2"), urban, office.id("urban2"), utc_now()) == 1
    assert office.handler(case) == "urban2"
    with house.store.read() as book:
        assert accounts.actor_of(book, city, urban) is None
        assert not book.tokens_of(urban)
        assert not book.backed_up_by(urban)
        with pytest.raises(NoSuchPerson):
            absence.person(book, city, office.actor("admin"), urban)
    assert accounts.login(house.store, "urban", "wanggetong", utc_now(), samples_allowed=True).fault


def test_units_without_anybody(house: House, office: Office, case: CaseRow) -> None:
    """A unit with open cases and nobody there is named until somebody is back, or the cases are elsewhere."""
    office.leave("urban", "urban")
    with house.store.read() as book:
        assert absence.deserted(book, house.cities.current(book), utc_now()) == []
    office.leave("urban2", "urban2", lasts=2 * DAY)
    with house.store.read() as book:
        city = house.cities.current(book)
        [unit] = absence.deserted(book, city, utc_now())
        assert (unit.unit.code, unit.cases, unit.danger) == ("dept-urban", 1, 0)
        assert absence.deserted(book, city, utc_now() + 1.5 * DAY) == []
    assert case.holder_id == unit.unit.id


def test_the_dispatchers_desk_wants_a_dispatcher(house: House, office: Office, resident: Resident) -> None:
    """The dispatchers' queue is deserted when no dispatcher is there, whoever else belongs to the unit."""
    resident.say("你们来看看吧，我们这儿越来越不像样子了")
    for login in ("dispatcher", "dispatcher2"):
        with house.store.read() as book:
            assert absence.deserted(book, house.cities.current(book), utc_now()) == []
        office.leave("admin", login)
    with house.store.read() as book:
        [unit] = absence.deserted(book, house.cities.current(book), utc_now())
    assert unit.unit.kind == "dispatch"


def test_the_strip(app: Flask, office: Office, case: CaseRow, staff: Callable[[str], Staff]) -> None:
    """Dispatchers and administrators read on every page which unit has nobody; others do not. `/readyz` names it."""
    assert case
    for login in ("urban", "urban2"):
        office.leave("admin", login)
    words = "城市管理局有 1 件在办，眼下没人当班"
    assert words in staff("dispatcher").client.get("/console/").text
    assert words in staff("admin").client.get("/console/categories").text
    assert words not in staff("cuihusq").client.get("/console/").text
    ready = app.test_client().get("/readyz")
    assert (ready.status_code, ready.get_json()["status"]) == (200, "degraded")
    assert "城市管理局" in ready.get_json()["checks"]["staff"]


def test_the_strip_asks_seldom(app: Flask, office: Office, case: CaseRow, staff: Callable[[str], Staff]) -> None:
    """Within half a minute the strip is not asked for again, unless somebody came or went at this very desk."""
    assert case
    dispatcher = staff("dispatcher")
    assert "没人当班" not in dispatcher.client.get("/console/").text
    for login in ("urban", "urban2"):
        office.leave("admin", login)
    assert "没人当班" not in dispatcher.client.get("/console/").text
    with app.app_context():
        strip.forget()
    assert "没人当班" in dispatcher.client.get("/console/").text


def test_the_pages(office: Office, case: CaseRow, staff: Callable[[str], Staff]) -> None:
    """A head notes leave and backup, sees who is away and who stands in, hands over, and is asked before departing."""
    urban = staff("urban")
    one = f"/console/team/{office.id('urban2')}"
    page = urban.client.get("/console/team").text
    assert page.count('class="person"') == 2
    assert "1 件在办" in page
    mine = f"/console/team/{office.id('urban')}"
    assert "B岗记下了" in urban.post(f"{mine}/backup", page, backup=office.id("urban2")).text
    until = f"{(utc_now() + DAY).astimezone(CHINA):%Y-%m-%dT%H:%M}"
    assert "1 件工单交给了别人" in urban.post(f"{mine}/leave", page, until=until, reason="年休").text
    assert office.handler(case) == "urban2"
    assert "舒克勤顶着" in urban.client.get("/console/team").text
    assert "欢迎回来" in urban.post(f"{mine}/back", page).text
    assert "移交了 1 件" in urban.post(f"{one}/handover", page, to=office.id("urban")).text
    asked = urban.post(f"{one}/depart", page)
    assert "真的离岗吗" in asked.text
    assert "账号停用了" in urban.post(f"{one}/depart", asked.text, sure="1").text
    assert urban.client.get(one).status_code == 404


def test_refusals_on_the_pages(office: Office, staff: Callable[[str], Staff]) -> None:
    """What cannot be is said in plain words; a foreign person is not there; an officer sees only themselves."""
    officer = staff("cuihu01b")
    page = officer.client.get("/console/team").text
    assert page.count('class="person"') == 1
    mine = f"/console/team/{office.id('cuihu01b')}"
    assert "请写明" in officer.post(f"{mine}/leave", page, until="tomorrow").text
    assert "时间不对" in officer.post(f"{mine}/leave", page, until="2020-01-01T08:00").text
    assert "从名单里" in officer.post(f"{mine}/backup", page, backup="x").text
    assert "从名单里" in officer.post(f"{mine}/backup", page, backup=office.id("urban")).text
    assert "不能自己停用" in officer.post(f"{mine}/depart", page, sure="1").text
    assert officer.post(f"/console/team/{office.id('cuihu01')}/leave", page).status_code == 404
    assert "没有找到" in officer.client.get("/console/team?q=城市管理局").text
    assert staff("admin").client.get("/console/team?page=2").text.count('class="person"') == 30


def test_all_at_once(house: House, office: Office, case: CaseRow, resident: Resident) -> None:
    """Residents write, colleagues note and hand the case to and fro at the same moment: nobody waits in a circle."""
    ids = {login: office.id(login) for login in ("urban", "urban2")}
    admin, urban = office.actor("admin"), office.actor("urban")

    def hand_over(at: int) -> None:
        one, other = ("urban", "urban2") if at % 2 else ("urban2", "urban")
        with house.store.write() as book:
            absence.hand_over_all(book, house.cities.current(book), admin, ids[one], ids[other], utc_now())

    def note(at: int) -> None:
        with house.store.write() as book:
            city = house.cities.current(book)
            handling.act(book, city, urban, case.id, Action.NOTE, Inputs(text=f"第{at}条"), utc_now())

    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(do, at) for at in range(8) for do in (hand_over, note)]
        said = [pool.submit(resident.say, f"补充：第{at}句") for at in range(8)]
        assert [each.exception() for each in done] == [None] * 16
        assert all(each.result() for each in said)
    with house.store.read() as book:
        assert audit.verify(book) is None
    assert office.handler(case) in ids
