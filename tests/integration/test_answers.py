"""Help for who answers: hints while they write, and prepared answers with their variables."""

from collections.abc import Callable

import pytest

from bot.assembly import House
from cases import hints, intake, limits
from cases.intake import Report
from cases.numbers import number_of, spoken
from cases.storage.tables import CaseRow
from cases.storage.working import CannedRow
from cases.words import title_of
from cases.workflow import Action
from tests.integration.desk import Desk
from tests.integration.people import Resident, Staff
from web.console.forms import canned, filled

MANHOLE = "翠湖小区3栋楼下井盖坏了，什么时候能修？"


@pytest.fixture
def manhole(resident: Resident) -> CaseRow:
    """Give a case at the urban department, with a question in it."""
    resident.say(MANHOLE)
    return resident.case()


@pytest.fixture
def hinted(staff: Callable[[str], Staff], manhole: CaseRow) -> Callable[..., str]:
    """Give a way to write an answer and read the hints below it."""
    urban = staff("urban")
    page = urban.open(manhole).text

    def write(text: str, action: str = "reply") -> str:
        address = f"/console/cases/{number_of(manhole.id)}/hints"
        return urban.post(address, page, text=text, action=action).text

    return write


def test_hints_while_one_writes(hinted: Callable[..., str], desk: Desk, manhole: CaseRow) -> None:
    """What may be missing is said below what is being written; a whole answer gets nothing, and nothing is kept."""
    before = desk.did(manhole)
    assert hints.NO_TIME in hinted("我们会派人去看看的，请放心。")
    assert hints.PASSED_ON in hinted("已转交相关部门处理。")
    assert hints.NO_RESULT in hinted("正在协调物业尽快落实。", "report_result")
    assert hinted("师傅今天下午两点到您那里。").strip() == ""
    assert hinted("").strip() == ""
    assert desk.did(manhole) == before


def test_what_was_answered_is_not_asked_again(
    hinted: Callable[..., str], desk: Desk, manhole: CaseRow, house: House
) -> None:
    """A question that staff have answered raises no hint any more; the next one does."""
    desk.act("urban", manhole, Action.REPLY, text="师傅今天下午两点到。")
    assert hinted("师傅已经到您楼下了。").strip() == ""
    with house.store.write() as book:
        row = book.lock_case(manhole.id)
        assert row is not None
        intake.extend_case(book, house.cities.current(book), row, Report(text="换新的要多少钱？"), desk.now)
    assert hints.NO_MONEY in hinted("师傅会跟您当面说的。")


def test_hints_are_for_who_may_see_the_case(staff: Callable[[str], Staff], manhole: CaseRow) -> None:
    """Who has nothing to do with a case gets no word about it."""
    stranger = staff("linjiang01")
    page = stranger.client.get("/console/").text
    answer = stranger.post(f"/console/cases/{number_of(manhole.id)}/hints", page, text="已转交", action="reply")
    assert answer.status_code == 404


def test_a_prepared_answer_is_filled_in(house: House, desk: Desk, manhole: CaseRow) -> None:
    """The variables of a prepared answer stand for this case; braces that are none stay as they are."""
    with house.store.read() as book:
        city = house.cities.current(book)
        case = desk.case(manhole)
        said = filled(city, case, "工单 {number}“{title}”：{holder}，{phone}，{finish_by}前。{nothing} {} 100%")
        unit = city.units[case.holder_id]
    finish = limits.spoken_time(case.finish_by, case.opened_at)
    title = title_of(MANHOLE)
    expected = f"工单 {spoken(number_of(case.id))}“{title}”：{unit.name}，{unit.phone}，{finish}前。"
    assert said == f"{expected}{{nothing}} {{}} 100%"


def test_words_of_a_resident_are_no_variables(house: House, desk: Desk, resident: Resident) -> None:
    """A title that looks like a variable stays what the resident wrote."""
    resident.say("翠湖小区3栋井盖{phone}坏了")
    with house.store.read() as book:
        said = filled(house.cities.current(book), desk.case(resident.case()), "您说的“{title}”收到了。")
    assert "{phone}" in said


def test_prepared_answers_are_of_ones_unit_and_those_above(house: House, desk: Desk, manhole: CaseRow) -> None:
    """A person sees the prepared answers of all, of their unit, and of those above it; not those of others."""
    with house.store.write() as book:
        units = house.cities.current(book).by_code
        for code, title in ((None, "通用"), ("dept-urban", "城管"), ("dept-water", "水务"), ("district", "区里")):
            row = CannedRow(unit_id=units[code].id if code else None, title=title, text="工单 {number}")
            book.add(row)
    with house.store.read() as book:
        city = house.cities.current(book)
        found = canned(book, city, desk.actor("urban"), desk.case(manhole))
    ours = {title: text for title, text in found if title in {"通用", "城管", "水务", "区里"}}
    assert ours == dict.fromkeys(("通用", "城管", "区里"), f"工单 {spoken(number_of(manhole.id))}")
