"""The one door through which a case changes: the table is asked, the history is written, the effects follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases import ledger, messages, words
from cases.effects import EFFECTS, Change
from cases.facts import facts_of
from cases.ledger import NotAllowed, TooLate
from cases.workflow import ENDED, Action, State, find, obstacle

if TYPE_CHECKING:
    from datetime import datetime

    from cases.city import City, Unit
    from cases.ledger import Who
    from cases.storage import Book
    from cases.storage.tables import CaseRow, HistoryRow
    from cases.workflow import Rule


def step(
    book: Book,
    city: City,
    case: CaseRow,
    action: Action,
    who: Who,
    now: datetime,
    *,
    text: str = "",
    unit: Unit | None = None,
) -> HistoryRow:
    """Do `action` if the table allows it: new state, one line of history, its effects, the deadline that counts now.

    `unit`: where the case goes. Raises NotAllowed, with the reason in words, when the table has no such rule.
    """
    rule = _rule(book, city, case, action, who)
    if "text" in rule.needs and not text.strip():
        raise NotAllowed(f"{words.ACTIONS[action]}要写几句话。")
    before = case.state
    if rule.to is not None:
        case.state = rule.to
        case.ended_at = now if rule.to in ENDED else None
    row = ledger.record(book, case, action, who, now, text=text.strip(), public=rule.public, before=before)
    change = Change(book, city, case, rule, row, who, now, unit)
    for effect in rule.does:
        EFFECTS[effect](change)
    ledger.refresh_due(city, case, now)
    if rule.tells:
        messages.notify(book, city, case, rule.tells, now, text=text, history=row)
    if rule.asks:
        messages.expect(book, case, rule.asks, now)
    return row


def _rule(book: Book, city: City, case: CaseRow, action: Action, who: Who) -> Rule:
    state, facts = State(case.state), facts_of(book, city, case, who)
    rule = find(state, action, who.relations, facts)
    if rule is not None:
        return rule
    # Who comes too late is told so; what is missing in a form is another matter.
    condition = obstacle(state, action, who.relations, facts)
    if condition is not None:
        raise TooLate(f"“{words.ACTIONS[action]}”现在做不了：{words.OBSTACLES[condition]}。")
    raise TooLate(f"这个工单现在是“{words.STAFF_STATES[state]}”，“{words.ACTIONS[action]}”做不了了。")
