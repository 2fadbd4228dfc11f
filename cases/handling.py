"""What staff do to a case. Every page and API goes through `access_case`, `possible` and `act`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases import access, facts, intake, ledger, limits, tasks, words
from cases.deeds import HANDLERS, TEXT_LIMIT, Deed, Inputs, NoSuchCase, who_is
from cases.ledger import NotAllowed, TooLate
from cases.storage import Reach, Scope
from cases.storage.tables import AttachmentRow, CaseRow, HistoryRow, StaffRow
from cases.workflow import ENDED, UNRESOLVED, Action, Relation, Rule, State, allowed

if TYPE_CHECKING:
    from datetime import datetime

    from cases.access import Actor
    from cases.city import City, Unit
    from cases.ledger import Who
    from cases.storage import Book

__all__ = ["HANDLERS", "TEXT_LIMIT", "Inputs", "ListOf", "NoSuchCase", "access_case", "act", "lists_of", "possible"]


@dataclass(frozen=True)
class ListOf:
    """A list of cases that a person may look at."""

    key: str
    name: str
    scope: Scope


def access_case(book: Book, city: City, actor: Actor, case_id: int) -> tuple[CaseRow, frozenset[Relation]]:
    """Return the case and what `actor` is to it. Raises NoSuchCase for a missing and for a foreign one alike."""
    case = book.get(CaseRow, case_id)
    held = facts.relations(book, city, actor, case) if case is not None else frozenset()
    if case is None or not held:
        raise NoSuchCase
    return case, held


def may_hear(case: CaseRow, held: frozenset[Relation]) -> bool:
    """Say whether somebody with these relations may hear the resident's voice: of an anonymous one only dispatchers."""
    return not case.anonymous or Relation.DISPATCHER in held


def lists_of(city: City, actor: Actor) -> list[ListOf]:
    """Return the lists that a person may look at, the one to work on first."""
    kinds = kinds_of(city, actor)
    open_states, ended = frozenset(map(str, UNRESOLVED)), frozenset(map(str, ENDED))
    resolved, every = frozenset({str(State.RESOLVED)}), frozenset(map(str, State))
    lists: list[ListOf] = []
    if actor.role in access.HANDLING_ROLES or actor.role == "dispatcher":
        mine = "派单台" if actor.role == "dispatcher" else "我的队列"
        lists.append(ListOf("mine", mine, Scope(open_states, holder_id=actor.unit_id, kinds=kinds)))
        lists.append(ListOf("asked", "请我协办", Scope(open_states, asked_of=actor.unit_id, kinds=kinds)))
    covered = [unit for unit in city.units.values() if unit.path in actor.covers]
    lists += [
        ListOf(f"covers-{unit.id}", f"代管：{unit.name}", Scope(open_states, holder_id=unit.id, kinds=kinds))
        for unit in covered
    ]
    if actor.role == "dispatcher":
        lists.append(ListOf("attention", "要过问", Scope(open_states, attention=True, kinds=kinds)))
        lists.append(ListOf("all", "全部在办", Scope(open_states, kinds=kinds)))
        lists.append(ListOf("unheard", "没送到", Scope(open_states | resolved, unheard=True, kinds=kinds)))
    elif actor.role in access.SCREENING_ROLES or actor.role == "leader":
        lists.append(ListOf("all", "辖区在办", Scope(open_states, below=actor.unit_path, kinds=kinds)))
    wide = next((each.scope for each in lists if each.key == "all"), lists[0].scope if lists else None)
    if wide is not None:
        holder, below = wide.holder_id, wide.below
        lists.append(ListOf("supervised", "督办", Scope(open_states, holder, below, supervised=True, kinds=kinds)))
        lists.append(ListOf("resolved", "待核查", Scope(resolved, holder, below, kinds=kinds)))
        lists.append(ListOf("ended", "已结束", Scope(ended, holder, below, kinds=kinds)))
    if actor.role in access.HANDLING_ROLES:
        lists.append(ListOf("first", "首问跟踪", Scope(open_states | resolved, first_unit=actor.unit_id, kinds=kinds)))
        lists.append(ListOf("reported", "我上报的", Scope(every, reporter_id=actor.staff_id, kinds=kinds)))
        lists.append(ListOf("called", "我请的", Scope(every, asked_by=actor.unit_id, kinds=kinds)))
    return lists


def findable(city: City, actor: Actor) -> Scope:
    """Return which cases a person may find: exactly those to which `cases.access.relations` says they are something."""
    kinds = kinds_of(city, actor)
    if actor.role == "dispatcher":
        return Scope(kinds=kinds)
    handles = actor.role in access.HANDLING_ROLES
    looks_below = actor.role in access.SCREENING_ROLES or actor.role == "leader"
    covered = {unit.id for unit in city.units.values() if unit.path in actor.covers}
    reach = Reach(
        holders=frozenset({actor.unit_id, *covered}) if handles else frozenset(),
        below=actor.unit_path if looks_below else None,
        reporter_id=actor.staff_id if handles else None,
        part_of=actor.unit_id if handles else None,
    )
    return Scope(kinds=kinds, reach=reach)


def kinds_of(city: City, actor: Actor) -> frozenset[str] | None:
    """Return the kinds that a person is limited to; None: all, those still unknown too."""
    if not actor.groups:
        return None
    return frozenset(code for code, category in city.categories.items() if category.group_name in actor.groups)


def targets(book: Book, city: City, actor: Actor, case: CaseRow) -> list[Unit]:
    """Return the units to which this person may send the case now."""
    return _targets(city, actor, case, facts.relations(book, city, actor, case))


def _targets(city: City, actor: Actor, case: CaseRow, held: frozenset[Relation]) -> list[Unit]:
    return [
        unit
        for unit in city.units.values()
        if unit.active and unit.id != case.holder_id and access.may_send_to(actor, unit.path, unit.kind, held)
    ]


def possible(book: Book, city: City, actor: Actor, case: CaseRow) -> list[Rule]:
    """Return what this person may do to a case now, the likeliest first."""
    who = who_is(actor, facts.relations(book, city, actor, case))
    rules = allowed(State(case.state), who.relations, facts.facts_of(book, city, case, who))
    return [rule for rule in rules if rule.action in HANDLERS and _has_choice(city, actor, case, who, rule.action)]


def _has_choice(city: City, actor: Actor, case: CaseRow, who: Who, action: Action) -> bool:
    """Say whether an action that goes to other units finds any."""
    if action is Action.SEND:
        return bool(_targets(city, actor, case, who.relations))
    if action is Action.ASK_HELP:
        return bool(tasks.askable(city, actor, case, who.relations, action))
    return True


def act(book: Book, city: City, actor: Actor, case_id: int, action: Action, inputs: Inputs, now: datetime) -> CaseRow:
    """Do one action to a case, with its effects. Raises NoSuchCase or NotAllowed."""
    access_case(book, city, actor, case_id)
    for each in sorted({case_id, inputs.other or case_id}):  # of two cases always the earlier one first
        book.lock_case(each)
    case = book.get(CaseRow, case_id)
    held = facts.relations(book, city, actor, case) if case is not None else frozenset()
    if case is None or not held:
        raise NoSuchCase
    if len(inputs.text) > TEXT_LIMIT:
        raise NotAllowed(f"写得太长了，请在 {TEXT_LIMIT} 字以内。")
    handler = HANDLERS.get(action)
    if handler is None:
        raise NotAllowed("没有这个操作。")
    who = who_is(actor, held)
    try:
        handler(Deed(book, city, actor, case, who, inputs, now))
    except TooLate as refusal:
        raise TooLate(f"{refusal}{_latest(book, case, action, now)}") from None
    if Relation.DISPATCHER in held:
        case.attention = ""  # a dispatcher has looked
    book.read_notices(actor.staff_id, access.hears_unit(actor), now, case_id=case.id)
    return case


def _latest(book: Book, case: CaseRow, action: Action, now: datetime) -> str:
    """Say who did the same, or something else, just before: the usual reason why an action is refused."""
    last = next((row for row in reversed(book.history(case.id)) if row.staff_id is not None), None)
    person = book.get(StaffRow, last.staff_id) if last is not None and last.staff_id is not None else None
    if last is None or person is None:
        return ""
    did = words.ACTIONS.get(Action(last.action), "处理") if last.action in set(Action) else "处理"
    when = limits.span(now - last.at)
    return f"（{when}前已由{person.name}{did}{'' if last.action == action else '过'}，请刷新看看）"


def transcribe(
    book: Book, city: City, actor: Actor, attachment_id: int, report: intake.Report, now: datetime
) -> CaseRow:
    """Write down a voice that no machine understood, or that one got wrong; its words join the case.

    Raises NoSuchCase for a file that is not this person's business, NotAllowed for one without a voice or words.
    """
    found = book.get(AttachmentRow, attachment_id)
    if found is None:
        raise NoSuchCase
    _, held = access_case(book, city, actor, found.case_id)
    # The resident first, then the file: the order of everybody who changes both.
    case, row = book.lock_case(found.case_id), book.lock_row(AttachmentRow, attachment_id)
    if case is None or row is None:
        raise NoSuchCase
    if row.kind != "voice" or not may_hear(case, held) or case.state in ENDED:
        raise NotAllowed("这一条不能听写。")
    if not report.text or len(report.text) > TEXT_LIMIT:
        raise NotAllowed(f"请写下听到的话，{TEXT_LIMIT} 字以内。")
    line = book.get(HistoryRow, row.history_id) if row.history_id is not None else None
    own_note = line is not None and line.who == "staff"
    if row.transcript and not own_note:
        case.text = case.text.replace(row.transcript, "").strip()
    if row.transcript != report.text:
        row.timing = None  # what was heard when is known of the engine's words only
    row.transcript, row.transcript_by, row.reading = report.text, "staff", "done"
    if not own_note:  # what staff say among themselves is no part of what was reported
        intake.extend_case(book, city, case, report, now)
    ledger.record(book, case, "transcribed", who_is(actor, held), now)
    return case
