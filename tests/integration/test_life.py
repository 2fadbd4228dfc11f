from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO

import pytest
from openpyxl import load_workbook

from bot import phrases, sweeping
from bot.assembly import House
from cases import callbacks, erasure, limits, tasks
from cases.callbacks import Heard
from cases.ledger import NotAllowed, Photo, TooLate
from cases.numbers import number_of
from cases.storage.tables import CaseRow
from cases.storage.working import CallbackRow, DutyRow
from cases.workflow import Action, State
from tests.integration.desk import Desk
from tests.integration.people import Resident, Staff
from tests.integration.phone import CLUTTER, MANHOLE

A = Action
AFTER = (Photo("after.jpg", "image/jpeg", "after"),)


# -- levels ------------------------------------------------------------------------------------------------------


def test_up_the_levels_and_down_again(desk: Desk, clutter: CaseRow) -> None:
    """Grid, community, street, district, city: each passes up one level with a reason; a centre sends down again."""
    climb = [
        ("cuihu01", "community-cuihu"), ("cuihusq", "street-cuihu"), ("cuihujd", "district"), ("district", "city")
    ]  # fmt: skip
    assert desk.holder(clutter) == "grid-cuihu-01"
    for login, above in climb:
        with pytest.raises(NotAllowed):
            desk.act(login, clutter, A.ESCALATE)
        desk.act(login, clutter, A.ESCALATE, text="要上一级来办")
        assert desk.holder(clutter) == above
        assert desk.case(clutter).state == State.ASSIGNED
    assert "escalate" not in desk.possible("city", clutter)
    desk.act("city", clutter, A.SEND, unit="street-cuihu")
    assert desk.holder(clutter) == "street-cuihu"
    assert "came" in desk.told("cuihujd")


def test_a_first_return_goes_to_the_sender_a_second_to_the_dispatchers(desk: Desk, clutter: CaseRow) -> None:
    """Sent down by a community it comes back there; the next return goes to the dispatchers, whose word stands."""
    desk.act("cuihu01", clutter, A.ESCALATE, text="要街道来办")
    desk.act("cuihusq", clutter, A.SEND, unit="grid-cuihu-01")
    desk.act("cuihu01", clutter, A.RETURN, reason="not_ours", text="要执法队")
    assert (desk.holder(clutter), desk.case(clutter).state) == ("community-cuihu", State.ASSIGNED)
    desk.act("cuihusq", clutter, A.RETURN, reason="too_little")
    case = desk.case(clutter)
    assert (desk.holder(clutter), case.state, case.attention) == ("dispatch", State.NEW, "returned")
    desk.act("dispatcher", clutter, A.SEND, unit="grid-cuihu-01")
    assert "return" not in desk.possible("cuihu01", clutter)
    with pytest.raises(TooLate, match="已经退回过两次"):
        desk.act("cuihu01", clutter, A.RETURN, reason="not_ours")


def test_a_street_sends_to_its_own_department(desk: Desk, clutter: CaseRow) -> None:
    """A street sends to the department of its own, not to the district's, nor to another street's."""
    desk.act("cuihu01", clutter, A.ESCALATE, text="要执法队")
    desk.act("cuihusq", clutter, A.ESCALATE, text="要执法队")
    for code in ("dept-urban", "law-linjiang"):
        with pytest.raises(NotAllowed, match="不能直接转给"):
            desk.act("cuihujd", clutter, A.SEND, unit=code)
    desk.act("cuihujd", clutter, A.SEND, unit="law-cuihu")
    assert desk.holder(clutter) == "law-cuihu"
    desk.act("cuihuzf", clutter, A.RETURN, reason="not_ours")
    assert desk.holder(clutter) == "street-cuihu"


def test_a_list_is_exported_as_it_is(clutter: CaseRow, staff: Callable[[str], Staff]) -> None:
    """A list goes out as a spreadsheet with exactly its cases; nobody exports another's; it is on record."""
    answer = staff("cuihu01").client.get("/console/export/mine.xlsx")
    rows = list(load_workbook(BytesIO(answer.data)).active.values)  # type: ignore[union-attr]
    assert [row[0] for row in rows[1:]] == [number_of(clutter.id)]
    assert staff("cuihu01").client.get("/console/export/all.xlsx").status_code == 404
    empty = staff("urban").client.get("/console/export/mine.xlsx")
    assert len(list(load_workbook(BytesIO(empty.data)).active.values)) == 1  # type: ignore[union-attr]
    assert "工单：我的队列" in staff("admin").client.get("/console/audit").text


def test_who_was_asked_first_keeps_an_eye_on_it(desk: Desk, clutter: CaseRow, staff: Callable[[str], Staff]) -> None:
    """The unit that accepted a case first (首问) sees it to its end, wherever it goes, and may contact the resident."""
    desk.act("cuihu01", clutter, A.ACCEPT)
    desk.act("cuihu01", clutter, A.RETURN, reason="not_ours")
    desk.act("dispatcher", clutter, A.SEND, unit="dept-urban")
    assert desk.possible("cuihu01", clutter) == {"contact", "note"}
    officer = staff("cuihu01")
    assert number_of(clutter.id) in officer.client.get("/console/?list=first").text
    assert "首问：翠湖社区第1网格" in staff("urban").open(clutter).text
    desk.act("urban", clutter, A.REPORT_RESULT, text="清了")
    assert number_of(clutter.id) in officer.client.get("/console/?list=first").text
    desk.verify(clutter, "solved")
    assert "首问跟踪" not in officer.client.get("/console/").text


def test_a_case_is_given_to_one_person(desk: Desk, clutter: CaseRow) -> None:
    """A unit gives a case to one of its own people, who is told; others' people cannot be chosen."""
    with pytest.raises(NotAllowed, match="本单位"):
        desk.act("cuihu01", clutter, A.ASSIGN, person=desk.staff_id("urban"))
    desk.act("cuihu01", clutter, A.ASSIGN, person=desk.staff_id("cuihu01b"), text="你看看")
    assert desk.case(clutter).handler_id == desk.staff_id("cuihu01b")
    assert desk.told("cuihu01b")[0] == "assigned"


# -- four endings ------------------------------------------------------------------------------------------------


def test_not_solved_is_told_and_told_apart(desk: Desk, manhole: CaseRow, resident: Resident) -> None:
    """What cannot be solved is explained; who agrees ends it as not solved, in words of its own, and may still rate."""
    desk.act("urban", manhole, A.ACCEPT)
    desk.act("urban", manhole, A.REPORT_UNSOLVED, text="这条路三月统一翻修，先放了警示牌")
    case = desk.case(manhole)
    assert (case.state, case.outcome) == (State.RESOLVED, "unsolved")
    assert "暂时办不了" in desk.owed(manhole)[-1]
    assert "回复 1 可以" in desk.owed(manhole)[-1]
    assert "办不了" in resident.say("进度")
    reply = resident.say("1")
    assert desk.case(manhole).state == State.UNSOLVED
    assert "没能办成" in reply
    assert "没能解决" in resident.say("进度")
    resident.say("基本满意")
    assert (desk.case(manhole).state, desk.case(manhole).rating) == (State.UNSOLVED, "fair")


@pytest.mark.parametrize(
    ("words", "state"),
    [
        *((word, State.UNSOLVED) for word in ("可以", "行", "好吧", "同意", "那就先这样吧", "算了", "理解")),
        *((word, State.ASSIGNED) for word in ("不行", "不同意", "不能接受", "请再想想办法", "凭什么办不了")),
        *((word, State.RESOLVED) for word in ("3", "什么意思")),
    ],
)
def test_an_explanation_is_answered_in_all_words(
    desk: Desk, manhole: CaseRow, resident: Resident, words: str, state: State
) -> None:
    """Whether an explanation is accepted may be said in many ways; what is unclear is asked once more."""
    desk.act("urban", manhole, A.REPORT_UNSOLVED, text="这条路三月统一翻修")
    reply = resident.say(words)
    assert desk.case(manhole).state == state
    assert (reply == phrases.EXPLAINED_AGAIN) == (state == State.RESOLVED)


def test_who_does_not_accept_it_gets_it_handled_on(desk: Desk, manhole: CaseRow, resident: Resident) -> None:
    """An explanation that the resident does not accept comes back to the holder, and no outcome is left of it."""
    desk.act("urban", manhole, A.REPORT_UNSOLVED, text="这次修不了")
    resident.say("2")
    case = desk.case(manhole)
    assert (case.state, case.outcome, case.failed_checks) == (State.ASSIGNED, "", 1)


def test_solved_in_part_goes_on(
    desk: Desk, manhole: CaseRow, resident: Resident, staff: Callable[[str], Staff]
) -> None:
    """Whether it is solved and whether one is satisfied are asked apart; a part is kept as such and goes on."""
    desk.act("urban", manhole, A.REPORT_RESULT, text="换了一个井盖")
    resident.say("3")
    assert (desk.case(manhole).solved, desk.case(manhole).state) == ("partly", State.ASSIGNED)
    desk.act("urban", manhole, A.REPORT_RESULT, text="两个都换了")
    resident.say("1")
    assert (desk.case(manhole).solved, desk.case(manhole).rating) == ("solved", None)
    assert "已解决" in staff("urban").open(manhole).text
    resident.say("满意")
    assert desk.case(manhole).rating == "satisfied"


def test_one_rating_for_each_closing(desk: Desk, manhole: CaseRow, resident: Resident) -> None:
    """A closing is rated once; after it was taken up again and closed anew, once more."""
    desk.act("urban", manhole, A.REPORT_RESULT, text="好了")
    resident.say("1")
    resident.say("满意")
    assert resident.say("不满意") == phrases.RATED_ALREADY
    assert desk.case(manhole).rating == "satisfied"
    with pytest.raises(NotAllowed, match="已经评过"):
        desk.rate(manhole, "fair")
    resident.say("没解决")
    assert (desk.case(manhole).state, desk.case(manhole).rating) == (State.ASSIGNED, None)
    desk.act("urban", manhole, A.REPORT_RESULT, text="这回真好了")
    resident.say("1")
    resident.say("不满意")
    assert desk.case(manhole).rating == "unsatisfied"


# -- verification, supervision, callbacks ------------------------------------------------------------------------


def test_the_third_failure_is_supervised(desk: Desk, manhole: CaseRow) -> None:
    """The third time that it is not solved the case is under supervision, with a date and a leader's name."""
    for times in range(1, 4):
        desk.act("urban", manhole, A.REPORT_RESULT, text="好了")
        desk.verify(manhole, "unsolved", "还在晃")
        assert (desk.case(manhole).supervised_at is not None) == (times == 3)
    case = desk.case(manhole)
    assert case.supervisor_id == desk.staff_id("leader")
    assert case.supervise_by is not None
    assert case.supervise_by > desk.now
    assert "supervised" in desk.told("leader")
    assert "supervised" in desk.told("urban")
    desk.act("urban", manhole, A.REPORT_RESULT, text="换了新的")
    desk.verify(manhole, "solved")
    assert desk.case(manhole).supervised_at is None


def test_a_leader_supervises_and_comments(desk: Desk, manhole: CaseRow) -> None:
    """A leader may comment, and put a case under supervision by name; once it is, not again."""
    desk.act("leader", manhole, A.NOTE, text="请尽快")
    with pytest.raises(NotAllowed):
        desk.act("leader", manhole, A.SUPERVISE, text="三天办好", days=99)
    desk.act("leader", manhole, A.SUPERVISE, text="三天办好", days=3)
    assert desk.case(manhole).supervisor_id == desk.staff_id("leader")
    assert desk.possible("leader", manhole) == {"note", "release"}
    desk.act("leader", manhole, A.RELEASE, text="办好了")
    assert desk.case(manhole).supervised_at is None


def test_silence_closes_and_can_still_be_rated(desk: Desk, manhole: CaseRow, staff: Callable[[str], Staff]) -> None:
    """Nobody answers for the days that the kind allows: closed, not called solved, and still to be rated."""
    desk.act("urban", manhole, A.REPORT_RESULT, text="好了")
    desk.later(days=limits.VERIFY_DAYS - 0.1)
    desk.sweep()
    assert desk.case(manhole).state == State.RESOLVED
    desk.later(days=0.2)
    desk.sweep()
    assert desk.case(manhole).state == State.CLOSED
    assert "先按办结处理" in desk.owed(manhole)[-1]
    page = staff("urban").open(manhole).text
    assert "已办结" in page
    assert "已解决" not in page
    desk.rate(manhole, "fair")
    assert desk.case(manhole).rating == "fair"


def test_bad_ratings_and_urgent_cases_are_called_back(desk: Desk, manhole: CaseRow, house: House) -> None:
    """An urgent closing is on the list once; a call that reaches nobody is tried three times; what is said is kept."""
    desk.act("urban", manhole, A.REPORT_RESULT, text="好了")
    desk.verify(manhole, "solved")
    desk.rate(manhole, "unsatisfied")
    with house.store.read() as book:
        [row] = book.callbacks_of(manhole.id)
    assert row.why == "urgent"
    dispatcher = desk.actor("dispatcher")
    for _ in range(callbacks.TRIES):
        with house.store.write() as book:
            call, case = book.lock_row(CallbackRow, row.id), book.lock_case(manhole.id)
            assert call is not None
            assert case is not None
            with pytest.raises(NotAllowed):
                callbacks.done(book, call, case, dispatcher, Heard("reached"), desk.now)
            callbacks.done(book, call, case, dispatcher, Heard("unreachable"), desk.now)
    with house.store.read() as book:
        assert book.callbacks_waiting() == 0
        assert [each.action for each in book.history(manhole.id)].count("called_back") == callbacks.TRIES


def test_who_does_not_rate_is_called_by_sample(desk: Desk, resident: Resident, house: House) -> None:
    """Of closed cases one in so many is on the list; a good rating takes it off, a bad one keeps it there."""
    for number in range(callbacks.SAMPLE * 2):
        resident.say(f"新的：翠湖小区5栋楼道里堆满了纸箱，第{number}次")
        desk.act("cuihu01", resident.cases()[-1], A.REPORT_RESULT, text="搬走了")
        desk.verify(resident.cases()[-1], "solved")
    with house.store.read() as book:
        calls = book.callbacks(10)
    assert [(call.why, call.case_id % callbacks.SAMPLE) for call in calls] == [("silent", 0)] * 2
    desk.rate(desk.case(calls[0].case_id), "satisfied")
    desk.rate(desk.case(calls[1].case_id), "unsatisfied")
    with house.store.read() as book:
        assert [(call.why, call.case_id) for call in book.callbacks(10)] == [("bad", calls[1].case_id)]


def test_a_call_can_take_a_case_up_again(
    desk: Desk, manhole: CaseRow, staff: Callable[[str], Staff], resident: Resident, house: House
) -> None:
    """On the page of calls a dispatcher writes down what was said, and lets the case go on; the resident hears it."""
    desk.act("urban", manhole, A.REPORT_RESULT, text="好了")
    desk.verify(manhole, "solved")
    desk.rate(manhole, "unsatisfied")
    dispatcher = staff("dispatcher")
    page = dispatcher.client.get("/console/callbacks").text
    assert "您好，我是" in page
    assert "紧急的事办完了" in page
    with house.store.read() as book:
        [row] = book.callbacks_of(manhole.id)
    heard = {"outcome": "reached", "solved": "unsolved", "rating": "unsatisfied", "text": "还在响", "reopen": "1"}
    dispatcher.post(f"/console/callbacks/{row.id}", page, **heard)
    assert resident.case().state == State.ASSIGNED
    assert "接着办" in desk.owed(manhole)[-1]
    with house.store.read() as book:
        [row] = book.callbacks_of(manhole.id)
    assert (row.outcome, row.solved, row.text, row.done_at is not None) == ("reached", "unsolved", "还在响", True)
    with house.store.write() as book:
        erasure.erase_resident(book, resident.openid, desk.now)
    with house.store.read() as book:
        assert [each.text for each in book.callbacks_of(manhole.id)] == [""]
        assert not [each for each in book.history(manhole.id) if "还在响" in each.text]


# -- limits ------------------------------------------------------------------------------------------------------


def test_clocks_stand_while_the_resident_is_asked(desk: Desk, manhole: CaseRow, resident: Resident) -> None:
    """A question stops the clocks; the answer lets them go on with as much time as there was."""
    desk.act("urban", manhole, A.ACCEPT)
    left = desk.case(manhole).finish_by - desk.now
    desk.act("urban", manhole, A.ASK, text="哪个单元？")
    case = desk.case(manhole)
    assert (case.paused_at, case.due_at, case.alert_at) == (desk.now, None, None)
    assert "等您回" in resident.say("进度")
    resident.say("三单元门口")
    case = desk.case(manhole)
    assert case.paused_at is None
    assert case.due_at == case.finish_by
    assert case.finish_by - desk.now >= left


def test_clocks_go_on_when_nobody_answers(desk: Desk, manhole: CaseRow, house: House) -> None:
    """After some days without an answer the clocks go on by themselves, and the holder is told."""
    desk.act("urban", manhole, A.ASK, text="哪个单元？")
    desk.later(days=limits.PAUSE_DAYS, minutes=1)
    with house.store.read() as book:
        assert book.paused_since(desk.now - timedelta(days=limits.PAUSE_DAYS), 10) == [manhole.id]
    desk.resume(manhole)
    assert desk.case(manhole).paused_at is None
    assert desk.case(manhole).due_at is not None
    assert desk.told("urban")[0] == "resumed"


def test_cards_are_shown_and_told_once_each(desk: Desk, manhole: CaseRow) -> None:
    """Yellow to the unit before, red to the unit and above it with the limit, more the later it gets; each once."""
    case = desk.case(manhole)
    assert case.alert_at is not None
    assert case.due_at is not None
    desk.now = case.alert_at
    for _ in range(2):
        desk.sweep()
    assert desk.told("urban") == ["yellow_card"]
    desk.now = case.due_at
    for _ in range(2):
        desk.sweep()
    assert desk.told("urban") == ["red_card", "yellow_card"]
    assert desk.told("district") == ["red_card"]
    desk.later(hours=25)
    desk.sweep()
    desk.sweep()
    assert "red_card" in desk.told("leader")
    assert [each for each in desk.did(manhole) if each.endswith("card")] == ["yellow_card", "red_card"]
    assert desk.case(manhole).alert_at is None


def test_the_sweeper_finds_what_is_due(desk: Desk, manhole: CaseRow, neighbour: Resident, house: House) -> None:
    """The worker's sweeper shows cards, ends pauses and calls who is on duty, and does each once."""
    neighbour.say(CLUTTER)
    desk.act("cuihu01", neighbour.case(), A.ASK, text="哪个单元？")
    with house.store.write() as book:
        late, asked = book.lock_case(manhole.id), book.lock_case(neighbour.case().id)
        assert late is not None
        assert asked is not None
        late.alert_at = desk.now - timedelta(seconds=1)
        asked.paused_at = desk.now - timedelta(days=limits.PAUSE_DAYS, seconds=1)
    assert sweeping.sweep(house) >= 2
    sweeping.sweep(house)
    assert desk.told("urban").count("yellow_card") == 1
    assert desk.told("cuihu01").count("resumed") == 1
    assert desk.did(neighbour.case()).count("resume") == 1


def test_more_time_is_granted_one_level_up(desk: Desk, clutter: CaseRow) -> None:
    """A grid asks its community for more time; refused, the limit stays; granted, the resident hears the new one."""
    desk.act("cuihu01", clutter, A.ACCEPT)
    before = desk.case(clutter).finish_by
    desk.act("cuihu01", clutter, A.ASK_EXTENSION, days=2, text="等物业来人")
    assert "extension" in desk.told("cuihusq")
    for login in ("cuihujd", "cuihu01", "dispatcher"):
        assert "grant_extension" not in desk.possible(login, clutter)
    desk.act("cuihusq", clutter, A.REFUSE_EXTENSION, text="今天就能搬")
    assert desk.case(clutter).finish_by == before
    desk.act("cuihu01", clutter, A.ASK_EXTENSION, days=2, text="住户不在家")
    desk.act("cuihusq", clutter, A.GRANT_EXTENSION)
    case = desk.case(clutter)
    assert case.finish_by > before
    assert "要多花些时间" in desk.owed(clutter)[-1]
    assert case.extensions == 1


def test_changed_limits_do_not_rewrite_the_past(
    desk: Desk, manhole: CaseRow, neighbour: Resident, staff: Callable[[str], Staff]
) -> None:
    """When the administrator changes a kind's limits, cases in work keep theirs; the next one has the new."""
    before = desk.case(manhole)
    admin = staff("admin")
    page = admin.client.get("/console/categories").text
    form = {"code": "facility/manhole", "queue": "dept-urban", "urgent": "1", "needs_place": "1",
            "accept_hours": "3", "contact_hours": "6", "finish_hours": "99"}  # fmt: skip
    admin.post("/console/categories", page, **form)
    after = desk.case(manhole)
    assert (before.accept_by, before.finish_by) == (after.accept_by, after.finish_by)
    neighbour.say(MANHOLE)
    new = neighbour.case()
    assert (new.finish_by - new.opened_at) > timedelta(hours=98)


# -- others ------------------------------------------------------------------------------------------------------


def test_departments_are_whistled_for_and_judged(desk: Desk, clutter: CaseRow, house: House) -> None:
    """A community calls departments to the spot; they arrive and answer; it judges; no, late and empty count."""
    with pytest.raises(NotAllowed, match="只选部门"):
        desk.act("cuihusq", clutter, A.WHISTLE, units=("grid-cuihu-02",), text="来看看")
    with pytest.raises(NotAllowed, match="最多请 10"):
        desk.act("cuihusq", clutter, A.WHISTLE, units=tuple(_departments(house)[:11]), text="来看看")
    called = ("dept-urban", "dept-emergency", "dept-police", "dept-water")
    desk.act("cuihusq", clutter, A.WHISTLE, units=called, text="一起清楼道", hours=2)
    assert "whistle" in desk.told("urban")
    assert {"arrive", "answer_task", "note"} == desk.possible("urban", clutter)
    desk.later(hours=1)
    desk.act("urban", clutter, A.ARRIVE)
    desk.act("urban", clutter, A.ANSWER_TASK, text="搬走了 12 箱")
    desk.act("emergency", clutter, A.ANSWER_TASK, text="知道了")
    desk.later(hours=2)
    desk.act("police", clutter, A.ANSWER_TASK, text="到场劝说")
    with house.store.read() as book:
        by_unit = {house.cities.current(book).units[task.unit_id].code: task.id for task in book.tasks(clutter.id)}
    desk.act("cuihusq", clutter, A.CONFIRM_TASK, task=by_unit["dept-urban"])
    desk.act("cuihusq", clutter, A.EMPTY_TASK, task=by_unit["dept-emergency"], text="没有来人")
    with pytest.raises(NotAllowed, match="已经处理过"):
        desk.act("cuihusq", clutter, A.CONFIRM_TASK, task=by_unit["dept-urban"])
    with house.store.read() as book:
        city = house.cities.current(book)
        counts = {
            city.units[each.unit_id].code: each.by
            for each in tasks.counts(book.tasks_since(desk.now - timedelta(days=1)), desk.now)
        }
    assert counts == {
        "dept-urban": {"confirmed": 1}, "dept-emergency": {"empty": 1},
        "dept-police": {"late": 1}, "dept-water": {"missed": 1},
    }  # fmt: skip


def _departments(house: House) -> list[str]:
    with house.store.read() as book:
        return [unit.code for unit in house.cities.current(book).units.values() if unit.kind == "department"]


def test_the_main_handler_waits_for_the_helpers(desk: Desk, clutter: CaseRow) -> None:
    """A case with co-handlers closes only when they have answered, or are not needed any more."""
    desk.act("cuihu01", clutter, A.ACCEPT)
    desk.act("cuihu01", clutter, A.ASK_HELP, units=("dept-urban", "dept-water"), text="请清运")
    with pytest.raises(TooLate, match="协办单位还没有都答复"):
        desk.act("cuihu01", clutter, A.REPORT_RESULT, text="好了")
    desk.act("urban", clutter, A.ANSWER_TASK, text="清运了")
    assert "answered" in desk.told("cuihu01")
    with desk.house.store.read() as book:
        waiting = next(task.id for task in book.tasks(clutter.id) if task.answered_at is None)
    desk.act("cuihu01", clutter, A.CANCEL_TASK, task=waiting)
    assert "task_cancelled" in desk.told("water")
    desk.act("cuihu01", clutter, A.REPORT_RESULT, text="好了")


def test_a_department_asks_no_other_department(desk: Desk, manhole: CaseRow) -> None:
    """Department to department goes through a centre, for sending and for help alike."""
    with pytest.raises(NotAllowed, match="由中心来请"):
        desk.act("urban", manhole, A.ASK_HELP, units=("dept-water",), text="一起来")
    desk.act("dispatcher", manhole, A.ASK_HELP, units=("dept-water",), text="一起来")
    assert "help" in desk.told("water")


def test_the_same_matter_is_joined_and_parted(
    desk: Desk, manhole: CaseRow, neighbour: Resident, staff: Callable[[str], Staff]
) -> None:
    """A case that may be the same is suggested; joined, its resident keeps hearing; parted, it goes on by itself."""
    neighbour.say("翠湖小区3栋门口的井盖松了，踩上去晃")
    other = neighbour.case()
    page = staff("urban").open(other).text
    assert 'id="twins"' in page
    assert "同一类" in page
    with pytest.raises(NotAllowed, match="没有找到"):
        desk.act("urban", other, A.MERGE, other=999999)
    desk.act("urban", other, A.MERGE, other=manhole.id)
    assert desk.case(other).state == State.MERGED
    assert "并到工单" in desk.owed(other)[-1]
    desk.act("urban", manhole, A.ACCEPT)
    with desk.house.store.read() as book:
        hearing = {row.resident_id for row in book.owed(manhole.id) if "接手" in row.text}
    assert hearing == {desk.case(manhole).resident_id, desk.case(other).resident_id}
    desk.act("urban", other, A.UNMERGE)
    case = desk.case(other)
    assert (case.state, case.merged_into_id) == (State.ASSIGNED, None)
    assert "单独给您办" in desk.owed(other)[-1]
    with desk.house.store.read() as book:
        assert case.resident_id not in book.followers(manhole.id)


def test_a_persons_cases_are_seen_together(
    desk: Desk, manhole: CaseRow, resident: Resident, staff: Callable[[str], Staff]
) -> None:
    """Staff see a resident's other cases that are theirs to see, without a word about the person."""
    resident.say(f"新的：{CLUTTER}")
    number = number_of(resident.cases()[1].id)
    assert number in staff("dispatcher").open(manhole).text.partition('id="others"')[2]
    assert 'id="others"' not in staff("urban").open(manhole).text
    desk.act("dispatcher", resident.cases()[1], A.SEND, unit="dept-urban")
    assert number in staff("urban").open(manhole).text.partition('id="others"')[2]
    resident.say("匿名")
    assert 'id="others"' not in staff("urban").open(manhole).text
    assert 'id="others"' in staff("dispatcher").open(manhole).text


# -- patrols, contact, danger ------------------------------------------------------------------------------------


def test_a_contact_is_kept_as_proof(desk: Desk, manhole: CaseRow) -> None:
    """A call that reached the resident counts as first contact; one that did not, does not; both are kept."""
    desk.act("urban", manhole, A.ACCEPT)
    desk.act("urban", manhole, A.CONTACT, how="no_answer")
    assert desk.case(manhole).due_at == desk.case(manhole).contact_by
    desk.act("urban", manhole, A.CONTACT, how="called", text="约下午来")
    assert desk.case(manhole).due_at == desk.case(manhole).finish_by
    assert desk.did(manhole).count("contact") == 2


def test_settling_needs_a_photo_and_a_grid(desk: Desk, clutter: CaseRow, resident: Resident) -> None:
    """A grid officer settles a small matter in one step with a photo after; the resident still verifies."""
    with pytest.raises(NotAllowed, match="照片"):
        desk.act("cuihu01", clutter, A.SETTLE, text="搬走了", photos=(Photo("b.jpg", "image/jpeg", "before"),))
    desk.act("cuihu01", clutter, A.SETTLE, text="搬走了", photos=AFTER)
    assert desk.case(clutter).state == State.RESOLVED
    assert "搬走了" in desk.owed(clutter)[-2]
    resident.say("1")
    assert desk.case(clutter).state == State.CLOSED


@pytest.fixture
def ringing(resident: Resident) -> CaseRow:
    """Give danger to life that nobody has signed for."""
    resident.say("翠湖小区3栋着火了，浓烟往上冒")
    return resident.case()


def on_duty(desk: Desk, *logins: str) -> None:
    """Put these people on the dispatchers' roster, in this order."""
    with desk.house.store.write() as book:
        unit = desk.house.cities.current(book).dispatch
        for turn in book.rows_of(DutyRow):
            book.drop(turn)
        for position, login in enumerate(logins, 1):
            span = {"starts_at": desk.now - timedelta(hours=1), "ends_at": desk.now + timedelta(hours=8)}
            book.add(DutyRow(unit_id=unit.id, staff_id=desk.staff_id(login), position=position, **span))


def test_an_alarm_calls_one_after_the_other_then_all(desk: Desk, ringing: CaseRow) -> None:
    """The first on duty is called at once, the next after some minutes, everybody when nobody is left."""
    on_duty(desk, "dispatcher", "cuihujd")
    for login in ("dispatcher", "cuihujd"):
        desk.sweep()
        desk.sweep()
        assert desk.case(ringing).alarm_called_id == desk.staff_id(login)
        assert "alarm" in desk.told(login)
        desk.later(minutes=limits.ALARM_MINUTES, seconds=1)
    desk.sweep()
    assert desk.case(ringing).alarm_called_id is None
    assert desk.case(ringing).attention == "alarm"
    assert desk.did(ringing).count("called_out") == 2
    assert desk.did(ringing).count("alarm_widened") == 1


def test_danger_goes_its_whole_way(desk: Desk, ringing: CaseRow) -> None:
    """Signed for by a person, measures, the end, a review; before the end there is no result."""
    assert desk.case(ringing).alarm_kind == "fire"
    with pytest.raises(TooLate, match="没有正在处置"):
        desk.act("dispatcher", ringing, A.MEASURE, text="打了119")
    desk.act("dispatcher", ringing, A.ACKNOWLEDGE)
    with pytest.raises(TooLate, match=r"没有等着签收.*已由.*签收警情"):
        desk.act("cuihujd", ringing, A.ACKNOWLEDGE)
    desk.act("dispatcher", ringing, A.MEASURE, text="打了119，消防在路上")
    desk.act("dispatcher", ringing, A.SEND, unit="dept-emergency")
    with pytest.raises(TooLate, match="还没有签收、解除"):
        desk.act("emergency", ringing, A.REPORT_RESULT, text="灭了")
    desk.act("emergency", ringing, A.END_ALARM, text="明火已灭，无人受伤")
    desk.act("emergency", ringing, A.REPORT_RESULT, text="灭了，已移交物业")
    desk.act("dispatcher", ringing, A.REVIEW_ALARM, text="三分钟签收，八分钟到场")
    assert desk.case(ringing).alarm_reviewed_at is not None
    assert "review_alarm" not in desk.possible("dispatcher", ringing)


# -- everybody at once -------------------------------------------------------------------------------------------


def test_fifty_at_once(desk: Desk, manhole: CaseRow) -> None:
    """Fifty members of staff act on one case at once: one wins, the rest read who was first and what they did."""

    def accept(_at: int) -> str:
        try:
            desk.act("urban", manhole, A.ACCEPT)
        except NotAllowed as refusal:
            return str(refusal)
        return "won"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(accept, range(50)))
    name = desk.actor("urban").name
    assert answers.count("won") == 1
    assert sum(f"已由{name}受理" in answer for answer in answers) == 49
    assert desk.did(manhole).count("accept") == 1
