from collections.abc import Callable
from io import BytesIO

import pytest

from bot.assembly import House
from cases.ledger import NotAllowed
from cases.storage.tables import CaseRow
from cases.workflow import Action, State
from tests.integration.desk import Desk
from tests.integration.people import Resident, Staff, picture


def found(house: House) -> CaseRow:
    """Return the latest case."""
    with house.store.read() as book:
        [*_, case] = list(book.every_case())
    return case


def photo(name: str = "p.jpg") -> tuple[BytesIO, str]:
    """Return a photo to upload."""
    return picture(), name


def report(officer: Staff, **form: object) -> str:
    """Send a patrol report and return the page that follows."""
    page = officer.client.get("/console/report").text
    return officer.post("/console/report", page, **form).text


def test_from_the_camera_to_a_case(house: House, staff: Callable[[str], Staff], desk: Desk) -> None:
    """What an officer finds is a case like all others, routed, with its photo; whoever reported it verifies it."""
    page = report(staff("cuihu01"), text="绿化带旁边的井盖没了，只剩一个洞", photos=photo())
    assert "已上报，交给城市管理局" in page
    case = found(house)
    assert (case.channel, case.reporter_id) == ("patrol", desk.staff_id("cuihu01"))
    with house.store.read() as book:
        [part] = book.attachments(case.id)
    assert (part.phase, part.state) == ("before", "stored")
    desk.act("urban", case, Action.REPORT_RESULT, text="已换新井盖")
    assert desk.told("cuihu01")[0] == "verify"
    assert {"verify_pass", "verify_fail"} <= desk.possible("cuihu01", case)
    assert "verify_pass" not in desk.possible("cuihu01b", case)
    assert "白雪莲" in staff("urban").open(case).text
    desk.act("cuihu01", case, Action.VERIFY_FAIL, text="盖子还晃")
    desk.act("urban", case, Action.REPORT_RESULT, text="垫实了")
    desk.act("cuihu01", case, Action.VERIFY_PASS)
    assert (desk.case(case).state, desk.case(case).solved) == (State.CLOSED, "solved")


def test_an_officer_adds_urges_and_withdraws(house: House, staff: Callable[[str], Staff], desk: Desk) -> None:
    """Who reported on patrol can add to it, urge the holder, and take it back."""
    report(staff("cuihu01"), text="绿化带旁边的井盖没了，只剩一个洞", photos=photo())
    case = found(house)
    assert {"supplement", "urge", "withdraw"} <= desk.possible("cuihu01", case)
    with pytest.raises(NotAllowed, match="写几句话"):
        desk.act("cuihu01", case, Action.SUPPLEMENT)
    desk.act("cuihu01", case, Action.SUPPLEMENT, text="旁边放了锥桶")
    desk.act("cuihu01", case, Action.URGE)
    assert desk.told("urban")[0] == "urged"
    desk.act("cuihu01", case, Action.WITHDRAW, text="物业已经盖上了")
    assert (desk.case(case).state, desk.case(case).urges) == (State.WITHDRAWN, 1)


def test_settled_on_the_spot(house: House, staff: Callable[[str], Staff], desk: Desk) -> None:
    """A small matter is reported, handled and closed in one step, with a photo before and after."""
    officer = staff("cuihu01")
    form = {"text": "单元门口倒了几辆共享单车", "done": "1", "done_text": "扶起来摆齐了"}
    assert "要拍一张办好后的照片" in report(officer, **form, photos=photo())
    page = report(officer, **form, photos=photo(), after=photo())
    assert "当场办结" in page
    case = found(house)
    assert (case.state, desk.holder(case), case.result) == (State.CLOSED, "grid-cuihu-01", "扶起来摆齐了")
    with house.store.read() as book:
        assert [part.phase for part in book.attachments(case.id)] == ["before", "after"]
        assert [row.to_state for row in book.history(case.id) if row.to_state] == ["assigned", "closed"]


def test_a_refused_report_leaves_nothing(house: House, staff: Callable[[str], Staff], resident: Resident) -> None:
    """Without words, or with a place that nobody knows, nothing is written, and what was typed is still there."""
    resident.say("翠湖小区3栋楼下井盖坏了")
    before = found(house).id
    officer = staff("cuihu01")
    assert "没有找到这个地方" in report(officer, text="路灯不亮", place="火星基地")
    assert "路灯不亮" in report(officer, text="路灯不亮", place="火星基地")
    assert "请写一句" in report(officer, text="  ")
    assert found(house).id == before
    media = house.settings.data_dir / "media"
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_the_phones_place_counts(house: House, staff: Callable[[str], Staff]) -> None:
    """A point that the phone gives is the place; written words come before it."""
    report(staff("cuihu01"), text="树枝断了挂在半空", lon="117.003656", lat="36.658451")
    case = found(house)
    assert (case.place_source, case.lon) == ("location", 117.003656)
    report(staff("cuihu01"), text="树枝断了挂在半空", place="翠湖小区3栋", lon="1", lat="1")
    assert found(house).place_words == "翠湖小区3栋"


def test_who_does_not_handle_reports_nothing(staff: Callable[[str], Staff]) -> None:
    """Leaders and administrators have no such page."""
    for login in ("leader", "admin"):
        assert staff(login).client.get("/console/report").status_code == 403


def test_notices_are_read(staff: Callable[[str], Staff], resident: Resident, desk: Desk) -> None:
    """A notice stands on the bell and in the list until it is opened; another's notice cannot be."""
    resident.say("翠湖小区5栋楼道里堆满了纸箱，走路都难")
    desk.act("cuihu01", resident.case(), Action.ESCALATE, text="要社区来")
    community = staff("cuihusq")
    page = community.client.get("/console/notices").text
    assert "来了新工单" in page
    assert "提醒，1 条没看" in page
    number = page.partition('data-notice="')[2].partition('"')[0]
    urban = staff("urban")
    assert "没有这条提醒" in urban.post(f"/console/notices/{number}", urban.client.get("/console/notices").text).text
    assert "提醒，1 条没看" in community.client.get("/console/notices").text
    opened = community.post(f"/console/notices/{number}", page)
    assert "工单" in opened.text
    assert "条没看" not in community.client.get("/console/notices").text
