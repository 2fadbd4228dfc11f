"""What staff do to a case. Every page and API goes through `access_case` and `act`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cases import access, intake, labels, lifecycle
from cases.lifecycle import Message, NotAllowed, Photo, Who
from cases.storage import Scope
from cases.storage.tables import AttachmentRow, CaseRow, StaffRow
from cases.workflow import ENDED, UNRESOLVED, Action, Relation, State

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cases.access import Actor
    from cases.city import City, Unit
    from cases.storage import Book
    from cases.storage.tables import HistoryRow

# WeChat takes 2,048 bytes a message: this many Chinese characters and our own words around them.
TEXT_LIMIT = 500
# Of a result's photos so many are sent to the resident: each costs one of the few messages that WeChat allows.
PHOTOS_SENT = 2


class NoSuchCase(Exception):  # noqa: N818 - the house's word for a refusal
    """There is no such case, or it is none of this person's business: the two look alike."""


@dataclass(frozen=True)
class Inputs:
    """What came with an action."""

    text: str = ""
    unit: str = ""
    category: str = ""
    photos: tuple[Photo, ...] = field(default=())


@dataclass(frozen=True)
class ListOf:
    """A list of cases that a person may look at."""

    key: str
    name: str
    scope: Scope


def access_case(book: Book, city: City, actor: Actor, case_id: int) -> tuple[CaseRow, frozenset[Relation]]:
    """Return the case and what `actor` is to it. Raises NoSuchCase for a missing and for a foreign one alike."""
    case = book.get(CaseRow, case_id)
    held = relations(city, actor, case) if case is not None else frozenset()
    if case is None or not held:
        raise NoSuchCase
    return case, held


def relations(city: City, actor: Actor, case: CaseRow) -> frozenset[Relation]:
    """Return what `actor` is to this case."""
    grid_path = city.units[case.grid_id].path if case.grid_id is not None else None
    return access.relations(actor, city.units[case.holder_id].path, grid_path)


def may_hear(case: CaseRow, held: frozenset[Relation]) -> bool:
    """Say whether somebody with these relations may hear the resident's voice: of an anonymous one only dispatchers."""
    return not case.anonymous or Relation.DISPATCHER in held


def lists_of(actor: Actor) -> list[ListOf]:
    """Return the lists that a person may look at, the one to work on first."""
    open_states = frozenset(map(str, UNRESOLVED))
    ended = frozenset(map(str, ENDED))
    resolved = frozenset({str(State.RESOLVED)})
    lists = []
    if actor.role in access.HANDLING_ROLES or actor.role == "dispatcher":
        mine = "派单台" if actor.role == "dispatcher" else "我的队列"
        lists.append(ListOf("mine", mine, Scope(open_states, holder_id=actor.unit_id)))
    if actor.role == "dispatcher":
        lists.append(ListOf("attention", "要过问", Scope(open_states, attention=True)))
        lists.append(ListOf("all", "全部在办", Scope(open_states)))
        lists.append(ListOf("unheard", "没送到", Scope(open_states | resolved, unheard=True)))
    elif actor.role in access.SCREENING_ROLES or actor.role == "leader":
        lists.append(ListOf("all", "辖区在办", Scope(open_states, below=actor.unit_path)))
    wide = next((each.scope for each in lists if each.key == "all"), lists[0].scope if lists else None)
    if wide is not None:
        lists.append(ListOf("resolved", "待核查", Scope(resolved, wide.holder_id, wide.below)))
        lists.append(ListOf("ended", "已办结", Scope(ended, wide.holder_id, wide.below)))
    return lists


def targets(city: City, actor: Actor, case: CaseRow) -> list[Unit]:
    """Return the units to which this person may send the case now."""
    held = relations(city, actor, case)
    return [
        unit
        for unit in city.units.values()
        if unit.id != case.holder_id and access.may_send_to(actor, unit.path, unit.kind, held)
    ]


def act(book: Book, city: City, actor: Actor, case_id: int, action: Action, inputs: Inputs, now: datetime) -> CaseRow:
    """Do one action to a case, with its effects. Raises NoSuchCase or NotAllowed."""
    access_case(book, city, actor, case_id)
    case = book.lock_case(case_id)
    if case is None or not relations(city, actor, case):
        raise NoSuchCase
    if len(inputs.text) > TEXT_LIMIT:
        raise NotAllowed(f"写得太长了，请在 {TEXT_LIMIT} 字以内。")
    who = Who("staff", relations(city, actor, case), actor.staff_id)
    handler = HANDLERS.get(action)
    if handler is None:
        raise NotAllowed("没有这个操作。")
    try:
        handler(_Step(book, city, actor, case, who, inputs, now))
        if Relation.DISPATCHER in who.relations:
            case.attention = ""  # a dispatcher has looked
    except NotAllowed as refusal:
        raise NotAllowed(f"{refusal}{_latest(book, case)}") from None
    return case


def _latest(book: Book, case: CaseRow) -> str:
    """Say who did what last: the usual reason why an action is refused."""
    last = next((row for row in reversed(book.history(case.id)) if row.staff_id is not None), None)
    person = book.get(StaffRow, last.staff_id) if last is not None and last.staff_id is not None else None
    return f"（最近由{person.name}处理过，请刷新看看）" if person is not None else ""


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
    if row.transcript:
        case.text = case.text.replace(row.transcript, "").strip()
    row.transcript, row.transcript_by, row.reading = report.text, "staff", "done"
    intake.extend_case(book, city, case, report, now)
    lifecycle.record(book, case, "transcribed", Who("staff", held, actor.staff_id), now)
    return case


@dataclass(frozen=True)
class _Step:
    book: Book
    city: City
    actor: Actor
    case: CaseRow
    who: Who
    inputs: Inputs
    now: datetime

    def record(self, action: Action, *, public: bool = False, text: str | None = None) -> HistoryRow:
        text = self.inputs.text if text is None else text
        return lifecycle.step(self.book, self.case, action, self.who, self.now, text=text, public=public)

    def tell(self, notice: str, row: HistoryRow) -> None:
        lifecycle.notify(self.book, self.city, self.case, notice, self.now, text=self.inputs.text, history=row)

    def touch(self) -> None:
        """Note that the resident has now been contacted."""
        if self.case.contacted_at is None:
            self.case.contacted_at = self.now
            lifecycle.refresh_due(self.case)

    def attach(self, row: HistoryRow) -> None:
        """Keep the photos with the history, and send the first of them to the resident."""
        for at, photo in enumerate(self.inputs.photos):
            attachment = lifecycle.attach(self.book, row, photo, self.now)
            if row.public and at < PHOTOS_SENT:
                message = Message("photo", attachment_id=attachment.id)
                lifecycle.owe(self.book, self.case, message, self.now, history_id=row.id)


def _accept(step: _Step) -> None:
    row = step.record(Action.ACCEPT)
    step.case.handler_id = step.actor.staff_id
    step.tell("accepted", row)


def _reply(step: _Step) -> None:
    row = step.record(Action.REPLY, public=True)
    step.touch()
    step.tell("reply", row)
    step.attach(row)


def _ask(step: _Step) -> None:
    """Ask the resident something: what they send next belongs to this case."""
    row = step.record(Action.ASK, public=True)
    step.touch()
    step.tell("ask", row)
    lifecycle.expect(step.book, step.case, "answer", step.now)


def _set_out(step: _Step) -> None:
    step.tell("set_out", step.record(Action.SET_OUT))


def _acknowledge(step: _Step) -> None:
    """Sign for an alarm: from here on somebody has it in hand."""
    if step.case.alarmed_at is None or step.case.acknowledged_at is not None:
        raise NotAllowed("这个工单没有等着签收的警情。")
    step.record(Action.ACKNOWLEDGE)
    step.case.acknowledged_at, step.case.acknowledged_by = step.now, step.actor.staff_id


def _note(step: _Step) -> None:
    step.attach(step.record(Action.NOTE))


def _return(step: _Step) -> None:
    step.record(Action.RETURN)
    lifecycle.hold(step.case, step.city, step.city.dispatch, step.now)


def _send(step: _Step) -> None:
    unit = step.city.by_code.get(step.inputs.unit)
    if unit is None:
        raise NotAllowed("请选一个要转去的单位。")
    if not access.may_send_to(step.actor, unit.path, unit.kind, step.who.relations):
        raise NotAllowed(f"不能直接转给{unit.name}，请退回派单台，由派单员转。")
    if step.inputs.category:
        _say_kind(step, step.inputs.category)
    row = step.record(Action.SEND, text=f"转给{unit.name}。{step.inputs.text}".strip())
    lifecycle.hold(step.case, step.city, unit, step.now)
    step.tell("sent", row)


def _say_kind(step: _Step, code: str) -> None:
    """Take a dispatcher's word for the kind of matter, as a correction or a confirmation of the guess."""
    category = step.city.categories.get(code)
    if category is None:
        raise NotAllowed("没有这个类别。")
    if Relation.DISPATCHER not in step.who.relations:
        return
    if code != step.case.category_code:
        step.case.category_code = code
        step.case.reasons = [*step.case.reasons, f"{step.actor.name}改为“{category.full_name}”"]
    step.case.category_by = "staff"
    labels.record(step.book, step.case, step.actor.staff_id, step.now)


def _reject(step: _Step) -> None:
    step.tell("rejected", step.record(Action.REJECT, public=True))
    step.case.result = step.inputs.text.strip()


def _report_result(step: _Step) -> None:
    row = step.record(Action.REPORT_RESULT, public=True)
    step.case.result, step.case.resolved_at = step.inputs.text.strip(), step.now
    step.case.handler_id = step.actor.staff_id
    step.case.gathering_until = None
    step.touch()
    lifecycle.refresh_due(step.case)
    labels.record(step.book, step.case, step.actor.staff_id, step.now, finished=True)
    step.tell("result", row)
    step.attach(row)
    lifecycle.expect(step.book, step.case, "verify", step.now)


HANDLERS: dict[Action, Callable[[_Step], None]] = {
    Action.ACCEPT: _accept,
    Action.REPLY: _reply,
    Action.ASK: _ask,
    Action.SET_OUT: _set_out,
    Action.ACKNOWLEDGE: _acknowledge,
    Action.NOTE: _note,
    Action.RETURN: _return,
    Action.SEND: _send,
    Action.REJECT: _reject,
    Action.REPORT_RESULT: _report_result,
}
