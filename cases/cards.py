"""Yellow before, red after: when a limit comes near or has passed, those are told whom the table of alerts names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases import effects, facts, ledger, lifecycle, limits
from cases.ledger import SYSTEM
from cases.messages import tell_staff
from cases.workflow import UNRESOLVED, Action, State

if TYPE_CHECKING:
    from datetime import datetime

    from cases.city import City
    from cases.limits import Alert
    from cases.storage import Book
    from cases.storage.tables import CaseRow

CARDS = {"yellow": "yellow_card", "red": "red_card"}


def show(book: Book, city: City, case: CaseRow, now: datetime) -> bool:
    """Show the card that is due for a case, tell those it concerns, set when the next one is; say whether it was."""
    if case.state not in UNRESOLVED or case.alert_at is None or case.alert_at > now or case.due_at is None:
        return False
    if case.alert_step >= len(limits.ALERTS):
        case.alert_at = None
        return False
    alert = limits.ALERTS[case.alert_step]
    text = f"{limits.spoken_time(case.due_at, now)}{LIMIT_NAMES[State(case.state)]}"
    told = [name for name in alert.to if _tell(book, city, case, alert, name, text, now)]
    if alert.hours <= 0:
        who = "、".join(TOLD[name] for name in told)
        ledger.record(book, case, CARDS[alert.card], SYSTEM, now, text=f"{text}；已提醒{who}" if who else text)
    case.alert_step += 1
    case.alert_at = limits.alert_at(case.alert_step, case.due_at, now, ledger.clock_of(city, case))
    return True


LIMIT_NAMES = {State.NEW: "前派单", State.ASSIGNED: "前受理", State.ACCEPTED: "前联系居民、办结"}
TOLD = {"handler": "经办人", "unit": "承办单位", "above": "上一级", "dispatch": "派单台", "leader": "分管领导"}


def _tell(book: Book, city: City, case: CaseRow, alert: Alert, name: str, text: str, now: datetime) -> bool:
    """Tell one of those whom an alert names; say whether there is such a one."""
    holder, leader = city.units[case.holder_id], None
    if name == "leader":
        leader = effects.nearest_leader(book, city, case)
    units = {"above": facts.above(city, holder), "dispatch": city.dispatch}
    if case.handler_id is None:  # else the unit hears of it through its handler
        units["unit"] = holder
    unit = units.get(name)
    staff_id = {"handler": case.handler_id, "leader": leader.id if leader is not None else None}.get(name)
    if unit is None and staff_id is None:
        return False
    unit_id = unit.id if unit is not None else None
    tell_staff(book, case, CARDS[alert.card], now, staff_id=staff_id, unit_id=unit_id, text=text)
    return True


def resume(book: Book, city: City, case: CaseRow, now: datetime) -> None:
    """Let the clocks go on for a case whose resident has not answered a question for days; the holder is told."""
    if case.paused_at is None or case.state not in UNRESOLVED:
        return
    text = f"居民 {limits.PAUSE_DAYS} 天没有回话，时限接着算"
    lifecycle.step(book, city, case, Action.RESUME, SYSTEM, now, text=text)
    tell_staff(book, case, "resumed", now, unit_id=case.holder_id, text=text)
