"""What stands beside a case: others at work on it, danger, the same matter elsewhere, and what is particular now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases import contacts, facts, limits, merging, tasks, words
from cases.callbacks import OUTCOMES, WHY
from cases.numbers import number_of, spoken
from cases.storage.tables import StaffRow
from cases.workflow import Relation, State
from web.console.fates import moment
from web.console.present import AlarmPanel, Related, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import CaseRow
    from cases.storage.working import TaskRow

KINDS = {"help": "协办", "whistle": "吹哨"}
OTHERS = 5


def task_list(book: Book, city: City, case: CaseRow, now: datetime) -> tuple[Task, ...]:
    """Return what other units were asked to do."""
    return tuple(_task(city, row, now) for row in book.tasks(case.id))


def _task(city: City, row: TaskRow, now: datetime) -> Task:
    standing = tasks.standing(row, now)
    return Task(
        kind=KINDS[row.kind],
        unit=city.units[row.unit_id].name,
        by=city.units[row.by_unit_id].name,
        text=row.text,
        standing=standing,
        standing_name="已答复" if row.kind == "help" and standing == "confirmed" else tasks.STANDINGS[standing],
        asked=moment(row.asked_at),
        due=limits.spoken_time(row.due_at, now),
        arrived=moment(row.arrived_at) if row.arrived_at is not None else "",
        answer=row.answer,
    )


def alarm_panel(book: Book, case: CaseRow) -> AlarmPanel | None:
    """Return where danger to life stands, with the plan for its kind; None without danger."""
    if case.alarmed_at is None:
        return None
    plan = book.plan(case.alarm_kind)
    return AlarmPanel(
        state="ended" if case.alarm_ended_at else "on" if case.acknowledged_at else "ringing",
        words=_alarm_words(book, case),
        kind=case.alarm_kind,
        plan=plan.name if plan is not None else "",
        steps=tuple(map(str, plan.steps)) if plan is not None else (),
        phones=tuple((str(name), str(number)) for name, number in plan.phones) if plan is not None else (),
    )


def _alarm_words(book: Book, case: CaseRow) -> str:
    if case.acknowledged_at is None:
        called = _name(book, case.alarm_called_id)
        return f"等{called}签收" if called else "等待签收"
    said = f"{_name(book, case.acknowledged_by)} {moment(case.acknowledged_at)}签收"
    if case.alarm_ended_at is not None:
        said += f"，{moment(case.alarm_ended_at)}险情解除"
        said += "，已复盘" if case.alarm_reviewed_at is not None else "，等复盘"
    return said


def _name(book: Book, staff_id: int | None) -> str:
    person = book.get(StaffRow, staff_id) if staff_id is not None else None
    return person.name if person is not None else ""


def twins(
    book: Book,
    city: City,
    me: Actor,
    case: CaseRow,
    alike: Callable[[str, Sequence[str]], Sequence[float]],
) -> tuple[Related, ...]:
    """Return the cases that may be the same matter."""
    return tuple(_related(twin.case, twin.why) for twin in merging.suggest(book, city, me, case, alike))


def others(book: Book, city: City, me: Actor, case: CaseRow, held: frozenset[Relation]) -> tuple[Related, ...]:
    """Return the other cases of the same resident that this person may see; of an anonymous one dispatchers only."""
    if case.resident_id is None or (case.anonymous and Relation.DISPATCHER not in held):
        return ()
    found = [each for each in book.cases_of(case.resident_id, OTHERS * 4) if each.id != case.id]
    known = [each for each in found if not each.anonymous or Relation.DISPATCHER in held]
    seen = [each for each in known if facts.relations(book, city, me, each)]
    return tuple(_related(each, "") for each in seen[:OTHERS])


def _related(case: CaseRow, why: str) -> Related:
    number = number_of(case.id)
    state = words.state_of(case.state, case.solved, words.STAFF_STATES)
    return Related(number, spoken(number), contacts.hidden(words.title_of(case.text)), state, why)


def notes(book: Book, city: City, case: CaseRow, now: datetime) -> tuple[str, ...]:
    """Return what is particular about a case now, each in a sentence."""
    found = []
    if case.supervised_at is not None and case.supervise_by is not None:
        leader = _name(book, case.supervisor_id) or "派单台"
        found.append(f"{leader}督办，{limits.spoken_time(case.supervise_by, now)}前办好")
    if case.first_unit_id not in {None, case.holder_id}:
        found.append(f"首问：{city.units[case.first_unit_id or 0].name}")
    if case.paused_at is not None:
        found.append(f"{moment(case.paused_at)} 问了居民，等他回话，时限暂停")
    if case.extension_hours is not None:
        days = case.extension_hours / limits.DAY_HOURS
        centre = facts.above(city, city.units[case.holder_id])
        found.append(f"申请延期 {days:g} 个工作日，等{centre.name if centre is not None else '派单台'}批")
    if case.returns and case.state in {State.NEW, State.ASSIGNED}:
        found.append(f"退回过 {case.returns} 次")
    if case.failed_checks:
        found.append(f"核查不通过 {case.failed_checks} 次")
    if case.outcome == "unsolved" and case.state == State.RESOLVED:
        found.append("报告的是：暂时办不了")
    calls = [f"回访（{WHY[row.why]}）：{OUTCOMES.get(row.outcome, '还没打')}" for row in book.callbacks_of(case.id)]
    return (*found, *calls)
