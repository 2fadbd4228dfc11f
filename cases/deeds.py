"""How each action of staff is done: what it needs is checked, the step made, what is particular to it kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cases import absence, access, effects, facts, intake, labels, ledger, lifecycle, limits, merging, tasks, words
from cases.ledger import NotAllowed, Photo, Who
from cases.messages import Message, owe, tell_staff
from cases.storage.tables import StaffRow
from cases.workflow import Action, Relation

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cases.access import Actor
    from cases.city import City, Unit
    from cases.storage import Book
    from cases.storage.tables import CaseRow, HistoryRow

# WeChat takes 2,048 bytes a message: this many Chinese characters and our own words around them.
TEXT_LIMIT = 500
# Of a result's photos so many are sent to the resident: each costs one of the few messages that WeChat allows.
PHOTOS_SENT = 2


class NoSuchCase(Exception):  # noqa: N818 - the house's word for a refusal
    """There is no such case, or it is none of this person's business: the two look alike."""


@dataclass(frozen=True)
class Inputs:
    """What came with an action: words, codes of units and of a kind, a reason or way from a list, days, ids."""

    text: str = ""
    unit: str = ""
    units: tuple[str, ...] = ()
    category: str = ""
    reason: str = ""
    where: str = ""
    how: str = ""
    person: int = 0
    days: float = 0.0
    hours: float = 0.0
    other: int = 0
    task: int = 0
    solved: str = ""
    photos: tuple[Photo, ...] = field(default=())


@dataclass(frozen=True)
class Deed:
    """One action of a member of staff on a case that is locked for them."""

    book: Book
    city: City
    actor: Actor
    case: CaseRow
    who: Who
    inputs: Inputs
    now: datetime

    def step(self, action: Action, *, text: str | None = None, unit: Unit | None = None) -> HistoryRow:
        """Make the step that the table allows."""
        said = self.inputs.text if text is None else text
        return lifecycle.step(self.book, self.city, self.case, action, self.who, self.now, text=said, unit=unit)

    def attach(self, row: HistoryRow) -> None:
        """Keep the photos with the history, and send the first of a public line to the resident."""
        photos = sorted(self.inputs.photos, key=lambda each: each.phase == "before")
        for at, photo in enumerate(photos):
            attachment = ledger.attach(self.book, row, photo, self.now)
            if row.public and photo.kind == "photo" and at < PHOTOS_SENT:
                owe(self.book, self.case, Message("photo", attachment_id=attachment.id), self.now, history_id=row.id)

    def days(self, most: float) -> float:
        """Return the working days that were given. Raises NotAllowed outside of 0.5 to `most`."""
        if not 0.5 <= self.inputs.days <= most:  # noqa: PLR2004 - half a day
            raise NotAllowed(f"请填天数，半天到 {most:g} 天。")
        return self.inputs.days

    def dispatched(self) -> bool:
        """Say whether a dispatcher acts."""
        return Relation.DISPATCHER in self.who.relations


def who_is(actor: Actor, held: frozenset[Relation]) -> Who:
    """Return a member of staff as one who acts."""
    return Who("staff", held, actor.staff_id, actor.unit_id)


def _plain(action: Action) -> Callable[[Deed], None]:
    """Return a handler for an action that is nothing but its step, and the photos that came with it."""
    return lambda deed: deed.attach(deed.step(action))


# -- danger ------------------------------------------------------------------------------------------------------


def _acknowledge(deed: Deed) -> None:
    """Sign for an alarm: from here on somebody has it in hand."""
    deed.step(Action.ACKNOWLEDGE)
    deed.case.acknowledged_at, deed.case.acknowledged_by = deed.now, deed.actor.staff_id
    deed.case.alarm_called_id = None


def _end_alarm(deed: Deed) -> None:
    deed.attach(deed.step(Action.END_ALARM))
    deed.case.alarm_ended_at = deed.now


def _review_alarm(deed: Deed) -> None:
    deed.step(Action.REVIEW_ALARM)
    deed.case.alarm_reviewed_at = deed.now


# -- handling ----------------------------------------------------------------------------------------------------


def _report(action: Action) -> Callable[[Deed], None]:
    """Return the handler of a result: solved, or not, with the reason."""

    def report(deed: Deed) -> None:
        if action is Action.SETTLE and not any(photo.phase != "before" for photo in deed.inputs.photos):
            raise NotAllowed("当场办结要拍一张办好后的照片。")
        row = deed.step(action)
        deed.case.result = deed.inputs.text.strip()
        deed.case.outcome = "unsolved" if action is Action.REPORT_UNSOLVED else "solved"
        deed.attach(row)
        if deed.case.ended_at is not None:
            deed.case.solved = "solved"  # who reported it settled it, and has seen so
        elif deed.case.reporter_id is not None:
            tell_staff(deed.book, deed.case, "verify", deed.now, staff_id=deed.case.reporter_id)

    return report


def _assign(deed: Deed) -> None:
    """Give a case to one person of one's own unit."""
    person = deed.book.get(StaffRow, deed.inputs.person)
    if person is None or person.unit_id != deed.case.holder_id or not person.active:
        raise NotAllowed("请选本单位的一个人。")
    there = absence.stand_in(deed.book, person.id, deed.now)
    if there != person.id:
        backup = deed.book.get(StaffRow, there) if there is not None else None
        raise NotAllowed(f"{person.name}在请假，{f'请交给{backup.name}' if backup is not None else '请交给别人'}。")
    deed.step(Action.ASSIGN, text=f"交给{person.name}。{deed.inputs.text}".strip())
    deed.case.handler_id = person.id
    if person.id != deed.actor.staff_id:
        tell_staff(deed.book, deed.case, "assigned", deed.now, staff_id=person.id, text=deed.inputs.text)


def _contact(deed: Deed) -> None:
    """Keep the proof that the resident was called or visited, and what came of it."""
    if deed.inputs.how not in words.CONTACTS:
        raise NotAllowed("请选怎么联系的。")
    deed.step(Action.CONTACT, text="。".join(filter(None, (words.CONTACTS[deed.inputs.how], deed.inputs.text))))
    if deed.inputs.how in words.CONTACTED and deed.case.contacted_at is None:
        deed.case.contacted_at = deed.now
        ledger.refresh_due(deed.city, deed.case, deed.now)


def _verify(action: Action) -> Callable[[Deed], None]:
    """Return the handler by which a member of staff verifies what they reported themselves."""

    def verify(deed: Deed) -> None:
        if action is Action.VERIFY_FAIL and not deed.inputs.text.strip():
            raise NotAllowed("请写明哪里还没办好。")
        answer = "solved" if action is Action.VERIFY_PASS else "unsolved"
        intake.verify(deed.book, deed.city, deed.case, deed.now, answer=answer, words=deed.inputs.text, who=deed.who)

    return verify


def _add(deed: Deed) -> None:
    """Add words or photos to what one has reported oneself."""
    if not deed.inputs.text.strip() and not deed.inputs.photos:
        raise NotAllowed("请写几句话，或者加几张照片。")
    deed.attach(deed.step(Action.SUPPLEMENT))


def _urge(deed: Deed) -> None:
    """Urge the holder of what one has reported oneself, or for another platform."""
    deed.step(Action.URGE)
    deed.case.urges, deed.case.urged_at = deed.case.urges + 1, deed.now
    tell_staff(deed.book, deed.case, "urged", deed.now, unit_id=deed.case.holder_id, text=deed.inputs.text)


# -- where it goes -----------------------------------------------------------------------------------------------


def _send(deed: Deed) -> None:
    unit = deed.city.by_code.get(deed.inputs.unit)
    if unit is None or not unit.active:
        raise NotAllowed("请选一个要转去的单位。")
    if not access.may_send_to(deed.actor, unit.path, unit.kind, deed.who.relations):
        raise NotAllowed(f"不能直接转给{unit.name}，请退回派单台，由派单员转。")
    if deed.inputs.category:
        _say_kind(deed, deed.inputs.category)
    deed.step(Action.SEND, text=f"转给{unit.name}。{deed.inputs.text}".strip(), unit=unit)


def _say_kind(deed: Deed, code: str) -> None:
    """Take a dispatcher's word for the kind of matter, as a correction or a confirmation of the guess."""
    category, case = deed.city.categories.get(code), deed.case
    if category is None:
        raise NotAllowed("没有这个类别。")
    if not deed.dispatched():
        return
    if code != case.category_code:
        case.category_code = code
        case.reasons = [*case.reasons, f"{deed.actor.name}改为“{category.full_name}”"]
    case.category_by = "staff"
    labels.record(deed.book, case, deed.actor.staff_id, deed.now)


def _escalate(deed: Deed) -> None:
    unit = facts.above(deed.city, deed.city.units[deed.case.holder_id])
    name = f"上报{unit.name}。" if unit is not None else ""
    deed.step(Action.ESCALATE, text=f"{name}{deed.inputs.text}" if deed.inputs.text.strip() else "", unit=unit)


def _return(deed: Deed) -> None:
    """Give a case back to who sent it, or the second time to the dispatchers, with a reason from the list."""
    reason = words.RETURN_REASONS.get(deed.inputs.reason)
    if reason is None or (deed.inputs.reason == "other" and not deed.inputs.text.strip()):
        raise NotAllowed("请选退回的原因；选“其他”的，请写几句。")
    text = "。".join(filter(None, (reason, deed.inputs.text.strip())))
    deed.step(Action.RETURN, text=text, unit=facts.returns_to(deed.city, deed.case))


def _reject(deed: Deed) -> None:
    """End what is not handled here; the resident is told why, and where to go."""
    text, where = deed.inputs.text.strip(), deed.inputs.where.strip()
    if not where:
        raise NotAllowed("请写明居民该去找谁。")
    deed.step(Action.REJECT, text=f"{text}\n{words.GO_THERE.format(where=where)}" if text else "")
    deed.case.result = f"{text}\n{words.GO_THERE.format(where=where)}"


# -- more time, leaders ------------------------------------------------------------------------------------------


def _ask_extension(deed: Deed) -> None:
    days = deed.days(limits.EXTENSION_DAYS)
    deed.step(Action.ASK_EXTENSION, text=f"想延期 {days:g} 个工作日：{deed.inputs.text}" if deed.inputs.text else "")
    deed.case.extension_hours = days * limits.DAY_HOURS
    unit = facts.above(deed.city, deed.city.units[deed.case.holder_id])
    centre = deed.city.dispatch if unit is None or deed.actor.role in access.UNDER_DISPATCH else unit
    tell_staff(deed.book, deed.case, "extension", deed.now, unit_id=centre.id, text=deed.inputs.text)


def _grant_extension(deed: Deed) -> None:
    days = (deed.case.extension_hours or 0.0) / limits.DAY_HOURS
    deed.step(Action.GRANT_EXTENSION, text=f"同意延期 {days:g} 个工作日")
    tell_staff(deed.book, deed.case, "granted", deed.now, unit_id=deed.case.holder_id)


def _refuse_extension(deed: Deed) -> None:
    deed.step(Action.REFUSE_EXTENSION)
    deed.case.extension_hours = None
    tell_staff(deed.book, deed.case, "refused", deed.now, unit_id=deed.case.holder_id, text=deed.inputs.text)


def _supervise(deed: Deed) -> None:
    days = deed.days(limits.EXTENSION_DAYS)
    row = deed.step(Action.SUPERVISE)
    own = deed.book.get(StaffRow, deed.actor.staff_id) if deed.actor.role == "leader" else None
    leader = own or effects.nearest_leader(deed.book, deed.city, deed.case)
    effects.supervise(deed.book, deed.city, deed.case, leader, days, deed.now)
    row.text = f"{leader.name if leader is not None else '派单台'}督办：{row.text}"


def _release(deed: Deed) -> None:
    deed.step(Action.RELEASE)
    deed.case.supervised_at = deed.case.supervise_by = deed.case.supervisor_id = None


def _reopen(deed: Deed) -> None:
    deed.step(Action.REOPEN)


HANDLERS: dict[Action, Callable[[Deed], None]] = {
    Action.ACKNOWLEDGE: _acknowledge,
    Action.MEASURE: _plain(Action.MEASURE),
    Action.END_ALARM: _end_alarm,
    Action.REVIEW_ALARM: _review_alarm,
    Action.ACCEPT: _plain(Action.ACCEPT),
    Action.SET_OUT: _plain(Action.SET_OUT),
    Action.ASSIGN: _assign,
    Action.REPORT_RESULT: _report(Action.REPORT_RESULT),
    Action.REPORT_UNSOLVED: _report(Action.REPORT_UNSOLVED),
    Action.SETTLE: _report(Action.SETTLE),
    Action.SUPPLEMENT: _add,
    Action.URGE: _urge,
    Action.WITHDRAW: _plain(Action.WITHDRAW),
    Action.VERIFY_PASS: _verify(Action.VERIFY_PASS),
    Action.VERIFY_FAIL: _verify(Action.VERIFY_FAIL),
    Action.REPLY: _plain(Action.REPLY),
    Action.ASK: _plain(Action.ASK),
    Action.CONTACT: _contact,
    Action.NOTE: _plain(Action.NOTE),
    Action.SEND: _send,
    Action.ESCALATE: _escalate,
    Action.RETURN: _return,
    Action.REJECT: _reject,
    Action.MERGE: merging.merge,
    Action.UNMERGE: merging.unmerge,
    Action.REOPEN: _reopen,
    Action.ASK_HELP: tasks.ask_help,
    Action.WHISTLE: tasks.whistle,
    Action.ARRIVE: tasks.arrive,
    Action.ANSWER_TASK: tasks.answer,
    Action.CONFIRM_TASK: tasks.confirm,
    Action.EMPTY_TASK: tasks.call_empty,
    Action.CANCEL_TASK: tasks.cancel,
    Action.ASK_EXTENSION: _ask_extension,
    Action.GRANT_EXTENSION: _grant_extension,
    Action.REFUSE_EXTENSION: _refuse_extension,
    Action.SUPERVISE: _supervise,
    Action.RELEASE: _release,
}
