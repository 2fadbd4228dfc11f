"""Others are needed: co-handling (协办) and calling departments to the spot (吹哨报到), answered and judged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases import limits
from cases.ledger import NotAllowed
from cases.messages import tell_staff
from cases.storage.working import TaskRow
from cases.workflow import Action, Relation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from cases.access import Actor
    from cases.city import City, Unit
    from cases.deeds import Deed
    from cases.storage import Book
    from cases.storage.tables import CaseRow

# Nobody can come sooner.
MINUTES = 10
# What a called unit did, as it counts: in time, late, with nothing to show, not at all, or still to come.
STANDINGS = {
    "waiting": "等答复",
    "answered": "已答复，等确认",
    "late": "迟响应",
    "empty": "空响应",
    "missed": "不响应",
    "confirmed": "已到位",
    "cancelled": "不用了",
}


def standing(task: TaskRow, now: datetime) -> str:
    """Return how a whistle or request stands: a key of STANDINGS. An empty answer counts as such however quick."""
    if task.answered_at is None:
        until = task.cancelled_at or now
        return "missed" if until > task.due_at else "cancelled" if task.cancelled_at is not None else "waiting"
    if task.verdict == "empty":
        return "empty"
    if task.answered_at > task.due_at:
        return "late"
    return "confirmed" if task.verdict == "confirmed" or task.kind == "help" else "answered"


@dataclass(frozen=True)
class Count:
    """How often a unit was called, and how it responded: numbers by the keys of STANDINGS."""

    unit_id: int
    called: int
    by: dict[str, int]


def counts(tasks: Iterable[TaskRow], now: datetime) -> list[Count]:
    """Return how the units responded to whistles, the most missed first."""
    found: dict[int, Counter[str]] = {}
    for task in tasks:
        if standing(task, now) != "cancelled":
            found.setdefault(task.unit_id, Counter())[standing(task, now)] += 1
    lines = [Count(unit_id, by.total(), dict(by)) for unit_id, by in found.items()]
    return sorted(lines, key=lambda each: (-each.by.get("missed", 0), -each.by.get("empty", 0), -each.called))


def askable(city: City, actor: Actor, case: CaseRow, held: Collection[Relation], action: Action) -> list[Unit]:
    """Return the units that this person may ask for help, or call to the spot, in this case."""
    every = [unit for unit in city.units.values() if unit.active and unit.id != case.holder_id]
    departments = [unit for unit in every if unit.kind == "department"]
    if action is Action.WHISTLE:
        return departments
    centre = bool({Relation.DISPATCHER, Relation.SUPERIOR} & set(held))
    below = [unit for unit in every if unit.path.startswith(actor.unit_path) and unit.path != actor.unit_path]
    others = [unit for unit in below if unit.kind not in {"department", "dispatch"}]
    return [*(departments if centre or actor.role != "department" else ()), *others]


def choices(book: Book, case_id: int, unit_id: int, action: Action) -> list[TaskRow]:
    """Return what this unit asked for that can be judged now, or cancelled."""
    asked = [task for task in book.tasks(case_id) if task.by_unit_id == unit_id and task.cancelled_at is None]
    if action is Action.CANCEL_TASK:
        return [task for task in asked if task.answered_at is None]
    return [task for task in asked if task.kind == "whistle" and task.answered_at is not None and not task.verdict]


def ask_help(deed: Deed) -> None:
    """Ask other units for their part (协办); the case closes only when they have answered."""
    units = _units(deed, most=limits.WHISTLED_UNITS)
    may = {unit.id for unit in askable(deed.city, deed.actor, deed.case, deed.who.relations, Action.ASK_HELP)}
    outside = next((unit for unit in units if unit.id not in may), None)
    if outside is not None and outside.kind == "department":
        raise NotAllowed("部门之间的协办由中心来请：请写内部备注，或请派单台安排。")
    if outside is not None:
        raise NotAllowed(f"{outside.name}不在您的辖区，请上报，由上级来请。")
    _ask(deed, Action.ASK_HELP, units, limits.HELP_HOURS)


def whistle(deed: Deed) -> None:
    """Call departments to the spot (吹哨): up to ten, with a time to respond."""
    units = _units(deed, most=limits.WHISTLED_UNITS)
    if any(unit.kind != "department" for unit in units):
        raise NotAllowed("吹哨叫的是部门，请只选部门。")
    _ask(deed, Action.WHISTLE, units, limits.WHISTLE_HOURS)


def _units(deed: Deed, most: int) -> list[Unit]:
    found = [deed.city.by_code.get(code) for code in dict.fromkeys(deed.inputs.units)]
    units = [unit for unit in found if unit is not None and unit.active and unit.kind != "dispatch"]
    if not units or len(units) != len(found):
        raise NotAllowed("请选要请的单位。")
    if len(units) > most:
        raise NotAllowed(f"一次最多请 {most} 个单位。")
    if any(unit.id == deed.case.holder_id for unit in units):
        raise NotAllowed("主办单位不用再请了。")
    return units


def _ask(deed: Deed, action: Action, units: list[Unit], hours: float) -> None:
    hours = deed.inputs.hours or hours
    if not MINUTES / 60 <= hours <= limits.LONGEST_TASK:
        raise NotAllowed(f"时限请在 {MINUTES} 分钟到 {limits.LONGEST_TASK:g} 小时之间。")
    kind = "whistle" if action is Action.WHISTLE else "help"
    waiting = {task.unit_id for task in deed.book.tasks(deed.case.id) if task.kind == kind and _is_open(task)}
    again = next((unit for unit in units if unit.id in waiting), None)
    if again is not None:
        raise NotAllowed(f"{again.name}已经请过了，还没答复。")
    names = "、".join(unit.name for unit in units)
    deed.step(action, text=f"请{names}：{deed.inputs.text.strip()}" if deed.inputs.text.strip() else "")
    for unit in units:
        # A whistle is for now: it counts round the clock.
        clock = limits.clock(deed.city.worktime(unit), urgent=action is Action.WHISTLE)
        deed.book.add(
            TaskRow(
                case_id=deed.case.id,
                kind=kind,
                unit_id=unit.id,
                by_unit_id=deed.actor.unit_id,
                by_staff_id=deed.actor.staff_id,
                text=deed.inputs.text.strip(),
                asked_at=deed.now,
                due_at=clock.add(deed.now, hours),
            )
        )
        tell_staff(deed.book, deed.case, kind, deed.now, unit_id=unit.id, text=deed.inputs.text)


def _is_open(task: TaskRow) -> bool:
    return task.answered_at is None and task.cancelled_at is None


def _mine(deed: Deed) -> list[TaskRow]:
    return [task for task in deed.book.tasks(deed.case.id) if _is_open(task) and task.unit_id == deed.actor.unit_id]


def arrive(deed: Deed) -> None:
    """Report on the spot (报到)."""
    waiting = _mine(deed)
    deed.step(Action.ARRIVE)
    for task in waiting:
        task.arrived_at = task.arrived_at or deed.now


def answer(deed: Deed) -> None:
    """Say what one's unit did; whoever asked is told."""
    waiting = _mine(deed)
    deed.attach(deed.step(Action.ANSWER_TASK))
    for task in waiting:
        task.answered_at, task.answered_by, task.answer = deed.now, deed.actor.staff_id, deed.inputs.text.strip()
        tell_staff(deed.book, deed.case, "answered", deed.now, unit_id=task.by_unit_id, text=task.answer)


def _asked(deed: Deed, action: Action) -> TaskRow:
    """Return the task that is meant: one of `choices`."""
    for task in choices(deed.book, deed.case.id, deed.actor.unit_id, action):
        if task.id == deed.inputs.task:
            return task
    raise NotAllowed("这一条已经处理过了。")


def confirm(deed: Deed) -> None:
    """Confirm that a called department came and did its part."""
    _judge(deed, Action.CONFIRM_TASK, "confirmed")


def call_empty(deed: Deed) -> None:
    """Say that an answer has nothing behind it (空响应); it counts, and the department is told."""
    _judge(deed, Action.EMPTY_TASK, "empty")


def _judge(deed: Deed, action: Action, verdict: str) -> None:
    task = _asked(deed, action)
    name = deed.city.units[task.unit_id].name
    deed.step(action, text=f"{name}：{deed.inputs.text.strip() or STANDINGS[verdict]}" if _said(deed, action) else "")
    task.verdict, task.judged_at, task.judged_by = verdict, deed.now, deed.actor.staff_id
    if verdict == "empty":
        tell_staff(deed.book, deed.case, "empty", deed.now, unit_id=task.unit_id, text=deed.inputs.text)


def _said(deed: Deed, action: Action) -> bool:
    return bool(deed.inputs.text.strip()) or action is Action.CONFIRM_TASK


def cancel(deed: Deed) -> None:
    """Tell a unit that it is not needed any more."""
    task = _asked(deed, Action.CANCEL_TASK)
    deed.step(Action.CANCEL_TASK, text=f"不用{deed.city.units[task.unit_id].name}了。{deed.inputs.text}".strip())
    task.cancelled_at = deed.now
    tell_staff(deed.book, deed.case, "task_cancelled", deed.now, unit_id=task.unit_id)
