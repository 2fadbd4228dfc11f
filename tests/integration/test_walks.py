"""Random walks through the lives of cases, and the faults that they found, each told in a few steps."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.assembly import House
from cases import handling, intake, limits, patrol
from cases.intake import Report
from cases.ledger import NotAllowed
from cases.storage.tables import CaseRow
from cases.workflow import Action, State
from tests.integration.desk import Desk
from tests.integration.people import Resident, Staff
from tests.walks import far
from tests.walks.world import TALLY, make_city

A = Action
# So many steps belong to every run of the suite; `python -m tests.walks` takes many more.
SHORT, LENGTH = 300, 60


def test_walks_keep_every_promise(tmp_path: Path) -> None:
    """Anybody does anything in any order: what is offered works, the rest is refused, everything promised holds."""
    make_city(tmp_path / "city.sqlite3")
    steps = int(os.environ.get("WALK_STEPS", str(SHORT)))
    before = TALLY.steps
    far.walk(tmp_path / "city.sqlite3", steps, 11, length=LENGTH)
    assert TALLY.steps - before >= steps
    assert TALLY.allowed.total() > steps / 5
    assert TALLY.refused.total() > steps / 10


def listed(desk: Desk, login: str) -> dict[str, list[int]]:
    """Return the ids of the cases in each of a person's lists."""
    actor = desk.actor(login)
    with desk.house.store.read() as book:
        lists = handling.lists_of(desk.house.cities.current(book), actor)
        return {each.key: [case.id for case in book.queue(each.scope).cases] for each in lists}


def test_no_card_comes_back(desk: Desk, manhole: CaseRow) -> None:
    """When all cards of a limit were shown, a note or a question in between shows none of them again."""
    due_at = manhole.due_at
    assert due_at is not None
    desk.now = due_at + timedelta(days=3)
    for _ in limits.ALERTS:
        desk.sweep()
    desk.act("urban", manhole, A.NOTE, text="在等配件")
    assert (desk.case(manhole).alert_at, desk.case(manhole).alert_step) == (None, len(limits.ALERTS))
    desk.act("urban", manhole, A.ASK, text="哪个单元？")
    desk.later(hours=1)
    desk.resume(manhole)
    before = desk.did(manhole)
    desk.sweep()
    assert desk.case(manhole).due_at == due_at
    assert [each for each in desk.did(manhole)[len(before) :] if each.endswith("card")] == []


def test_help_is_offered_where_somebody_can_help(desk: Desk, manhole: CaseRow) -> None:
    """A department may ask nobody by itself, so it is offered no such thing; a grid may ask departments."""
    assert "ask_help" not in desk.possible("urban", manhole)
    with pytest.raises(NotAllowed, match="由中心来请"):
        desk.act("urban", manhole, A.ASK_HELP, units=("dept-water",), text="一起来")
    desk.act("dispatcher", manhole, A.SEND, unit="grid-cuihu-01")
    assert "ask_help" in desk.possible("cuihu01", manhole)


def test_who_called_others_finds_the_case_again(desk: Desk, clutter: CaseRow) -> None:
    """A grid that asked for help and gave the case back has it in a list until the others have answered."""
    desk.act("cuihu01", clutter, A.ASK_HELP, units=("dept-urban",), text="请清运")
    assert listed(desk, "cuihu01")["called"] == [clutter.id]
    desk.act("cuihu01", clutter, A.RETURN, reason="not_ours")
    assert listed(desk, "cuihu01")["mine"] == []
    assert listed(desk, "cuihu01")["called"] == [clutter.id]
    desk.act("urban", clutter, A.ANSWER_TASK, text="清走了")
    assert listed(desk, "cuihu01")["called"] == []


def test_only_a_whistle_is_judged(desk: Desk, clutter: CaseRow, staff: Callable[[str], Staff]) -> None:
    """An answer to a request for help is no answer to a whistle: it is not offered to be judged, and cannot be."""
    desk.act("cuihusq", clutter, A.ASK_HELP, units=("dept-urban",), text="请清运")
    desk.act("cuihusq", clutter, A.WHISTLE, units=("dept-water",), text="请到场")
    desk.act("urban", clutter, A.ANSWER_TASK, text="清走了")
    desk.act("water", clutter, A.ANSWER_TASK, text="到场了")
    with desk.house.store.read() as book:
        tasks = {task.kind: task.id for task in book.tasks(clutter.id)}
    form = staff("cuihusq").open(clutter).text.partition('data-action="confirm_task"')[2].partition("</form>")[0]
    assert 'value="{}"'.format(tasks["whistle"]) in form
    assert 'value="{}"'.format(tasks["help"]) not in form
    with pytest.raises(NotAllowed, match="已经处理过"):
        desk.act("cuihusq", clutter, A.CONFIRM_TASK, task=tasks["help"])


def test_an_officer_says_what_their_report_is_the_same_as(
    desk: Desk, house: House, staff: Callable[[str], Staff]
) -> None:
    """Who reported on patrol may join it to another case that they see, and the form asks to which."""
    officer = desk.actor("cuihu01")
    with house.store.write() as book:
        city = house.cities.current(book)
        report = Report(text="井盖松了", place=city.locate_text("翠湖小区3栋"))
        case = patrol.report(book, city, officer, report, desk.now)
    assert "merge" in desk.possible("cuihu01", case)
    form = staff("cuihu01").open(case).text.partition('data-action="merge"')[2].partition("</form>")[0]
    assert 'name="other"' in form
    with pytest.raises(NotAllowed, match="没有找到"):
        desk.act("cuihu01", case, A.MERGE)
    assert desk.case(case).state == State.NEW


def test_silence_says_nothing_of_the_new_result(desk: Desk, manhole: CaseRow) -> None:
    """What the resident found in part is not said of the next result, which they never looked at."""
    desk.act("urban", manhole, A.REPORT_RESULT, text="换了一个")
    desk.verify(manhole, "partly", "还有一个")
    desk.act("urban", manhole, A.REPORT_RESULT, text="都换了")
    desk.later(days=limits.VERIFY_DAYS + 0.1)
    desk.sweep()
    assert (desk.case(manhole).state, desk.case(manhole).solved) == (State.CLOSED, "")


def test_danger_told_of_a_result_rings(desk: Desk, house: House, manhole: CaseRow) -> None:
    """Danger in a case whose result waits to be verified takes it up again: it rings, and can be signed for."""
    desk.act("urban", manhole, A.REPORT_RESULT, text="换了新的")
    with house.store.write() as book:
        row = book.lock_case(manhole.id)
        assert row is not None
        report = Report(text="井里冒火了", danger="fire")
        intake.extend_case(book, house.cities.current(book), row, report, desk.now)
    case = desk.case(manhole)
    assert (case.state, case.failed_checks) == (State.ASSIGNED, 1)
    with house.store.read() as book:
        assert [each.id for each in book.alarms()] == [manhole.id]
    desk.act("dispatcher", manhole, A.ACKNOWLEDGE)


def test_a_refusal_leaves_no_trace(desk: Desk, manhole: CaseRow) -> None:
    """A sending that is refused changes neither kind nor place of a case, though the kind was said."""
    before = {name: value for name, value in vars(desk.case(manhole)).items() if name != "_sa_instance_state"}
    with pytest.raises(NotAllowed):
        desk.act("dispatcher", manhole, A.SEND, unit="dispatch", category="utility/water")
    with pytest.raises(NotAllowed):
        desk.act("leader", manhole, A.SEND, unit="dept-water", category="utility/water", text="去吧")
    after = {name: value for name, value in vars(desk.case(manhole)).items() if name != "_sa_instance_state"}
    assert after == before


def test_what_cannot_be_solved_has_no_parts(desk: Desk, manhole: CaseRow, resident: Resident) -> None:
    """Asked whether an explanation will do, an unclear answer is asked the same again: nothing of parts or solving."""
    desk.act("urban", manhole, A.REPORT_UNSOLVED, text="这条路三月统一翻修，先放了警示牌")
    reply = resident.say("3")
    assert "回复 1 可以，2 不行" in reply
    assert "解决" not in reply
    assert desk.case(manhole).state == State.RESOLVED
    resident.say("2")
    assert (desk.case(manhole).state, desk.case(manhole).solved) == (State.ASSIGNED, "unsolved")


def test_what_was_done_is_said_in_plain_words(
    desk: Desk, house: House, manhole: CaseRow, staff: Callable[[str], Staff]
) -> None:
    """The word that follows an action reads well, and names the resident only where there is one."""
    urban = staff("urban")
    assert "已受理，正在告诉居民" in urban.act(manhole, "accept").text
    assert "记下了：您在路上，正在告诉居民" in urban.act(manhole, "set_out").text
    assert "备注记下了。" in urban.act(manhole, "note", text="在等配件").text
    officer = desk.actor("cuihu01")
    with house.store.write() as book:
        city = house.cities.current(book)
        case = patrol.report(book, city, officer, Report(text="纸箱", place=city.locate_text("翠湖小区3栋")), desk.now)
    desk.act("dispatcher", case, A.SEND, unit="dept-urban")
    page = urban.act(case, "accept").text
    assert "已受理。" in page
    assert "正在告诉居民" not in page
