"""Who is away, who stands in (AB岗), and whose cases go to whom, so that no case waits for somebody on leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cases import access, audit, ledger, worktime
from cases.accounts import STEPS
from cases.ledger import SYSTEM, NotAllowed, Who
from cases.messages import tell_staff
from cases.storage.tables import CaseRow, StaffRow
from cases.storage.working import AbsenceRow
from cases.workflow import UNRESOLVED, Action

if TYPE_CHECKING:
    from datetime import datetime

    from cases.access import Actor
    from cases.city import City, Unit
    from cases.storage import Book

LONGEST = timedelta(days=366)
REASON_CHARACTERS = 100
HANDLERS = access.HANDLING_ROLES | {"dispatcher"}
# What the history calls it when a case gets another handler.
HANDED_OVER = "handed_over"


class NoSuchPerson(Exception):  # noqa: N818 - the house's word for a refusal
    """There is no such member of staff, or they are none of this person's business: the two look alike."""


@dataclass(frozen=True)
class Deserted:
    """A unit that holds open cases while nobody is there to handle them; `danger`: alarms that nobody acknowledged."""

    unit: Unit
    cases: int
    danger: int


def away(book: Book, staff_id: int, now: datetime) -> AbsenceRow | None:
    """Return the absence that this person is on now; None while they are there."""
    return book.absence_of(staff_id, now)


def stand_in(book: Book, staff_id: int, now: datetime) -> int | None:
    """Return the id of the person, or of who stands in for them now; None when nobody is there.

    Backups of backups are followed at most STEPS times and never twice. Who is switched off is not there.
    """
    asked: set[int] = set()
    following: int | None = staff_id
    while following is not None and following not in asked and len(asked) <= STEPS:
        row = book.get(StaffRow, following)
        if row is None:
            return None
        if row.active and away(book, row.id, now) is None:
            return row.id
        asked.add(row.id)
        following = row.backup_id
    return None


def person(book: Book, city: City, actor: Actor, staff_id: int, *, lock: bool = False) -> StaffRow:
    """Return somebody whose absence and cases `actor` may arrange: themselves, or those they are the head of.

    Raises NoSuchPerson for missing, switched-off and foreign people alike.
    """
    row = book.lock_person(staff_id) if lock else book.get(StaffRow, staff_id)
    if row is None or not row.active:
        raise NoSuchPerson
    if row.id != actor.staff_id and not access.may_manage(actor, city.units[row.unit_id].path, row.role):
        raise NoSuchPerson
    return row


def leave(
    book: Book, city: City, actor: Actor, staff_id: int, times: tuple[datetime, datetime], reason: str, now: datetime
) -> int:
    """Note an absence, `times` from and until; from its beginning the person's cases are with whoever stands in.

    Return how many cases went over now; of an absence that begins later `begin_due` takes care.
    Raises NoSuchPerson; NotAllowed for times that make no sense or are taken.
    """
    row = person(book, city, actor, staff_id, lock=True)
    from_at, until_at = times
    if not from_at < until_at or until_at <= now or until_at - from_at > LONGEST:
        raise NotAllowed("请假的时间不对：结束要晚于开始，也晚于现在，最长一年。")
    if book.overlapping(row.id, from_at, until_at) is not None:
        raise NotAllowed(f"{row.name}这段时间已经请过假了，要改请先销假。")
    reason = reason.strip()[:REASON_CHARACTERS]
    book.add(AbsenceRow(staff_id=row.id, from_at=from_at, until_at=until_at, reason=reason, made_by=actor.staff_id))
    audit.note(book, actor, "absence", row.login, f"请假：{_day(from_at)} 到 {_day(until_at)}", now)
    if from_at > now:
        return 0
    to_id = stand_in(book, row.id, now)
    return _pass_on(_Handover(book, city, row, to_id, _by(actor), "请假", covers=True), now)


def begin_due(book: Book, city: City, now: datetime) -> int:
    """Hand over what people who are away still have in hand; return how many cases went.

    For the sweeper: an absence may begin later than it was noted, or whoever stood in may go too. A case that its
    handler did something to since the absence began stays with them: they are at work on it after all.
    """
    done = 0
    for absence in book.away_with_cases(now):
        row = book.get(StaffRow, absence.staff_id)
        if row is not None:
            to_id = stand_in(book, row.id, now)
            handover = _Handover(book, city, row, to_id, SYSTEM, "请假", absence.from_at, covers=True)
            done += _pass_on(handover, now)
    return done + sum(_return(book, city, case_id, now) for case_id in book.lent())


def work_waits(book: Book, now: datetime) -> bool:
    """Say whether `begin_due` may have something to do: cheap enough for every sweep."""
    return bool(book.away_with_cases(now) or book.lent())


def _return(book: Book, city: City, case_id: int, now: datetime) -> bool:
    """Take a case back from a stand-in of another unit who stands in no more: they have lost sight of it.

    It goes to whoever is back from leave, else into the queue. A case that somebody accepted themselves stays theirs.
    """
    case = book.lock_row(CaseRow, case_id)
    if case is None or case.handler_id is None or case.state not in UNRESOLVED or not _was_handed_over(book, case):
        return False
    if case.holder_id in book.covered_units(case.handler_id, STEPS, now):
        return False
    own = [row for row in book.backed_up_by(case.handler_id) if row.unit_id == case.holder_id and row.active]
    back = next((row for row in own if away(book, row.id, now) is None), None)
    case.handler_id = back.id if back is not None else None
    told = f"{back.name}回来了，接回来办" if back is not None else f"放回{city.units[case.holder_id].name}的队列"
    ledger.record(book, case, HANDED_OVER, SYSTEM, now, text=told)
    return True


def _was_handed_over(book: Book, case: CaseRow) -> bool:
    """Say whether the handler has the case by a handover, not because they accepted it."""
    ways = [row.action for row in book.history(case.id) if row.action in {HANDED_OVER, Action.ACCEPT}]
    return ways[-1:] == [HANDED_OVER]


def come_back(book: Book, city: City, actor: Actor, staff_id: int, now: datetime) -> bool:
    """End the absence that runs, or else call off the next one; say whether there was any. Raises NoSuchPerson.

    What colleagues took over stays with them: somebody is at work on it. Who stood in from another unit gives it back.
    """
    row = person(book, city, actor, staff_id, lock=True)
    nearest = next(iter(book.absences([row.id], now)), None)
    if nearest is None:
        return False
    if nearest.from_at < now:
        nearest.until_at = now
    else:
        book.drop(nearest)
    book.flush()
    for case_id in book.lent():
        _return(book, city, case_id, now)
    audit.note(book, actor, "absence", row.login, "销假", now)
    return True


def set_backup(book: Book, city: City, actor: Actor, staff_id: int, backup_id: int | None, now: datetime) -> None:
    """Say who stands in for a person: one of `backups`; None: nobody. Raises NoSuchPerson, NotAllowed for others."""
    row = person(book, city, actor, staff_id, lock=True)
    backup = next((each for each in backups(book, city, row) if each.id == backup_id), None)
    if backup_id is not None and backup is None:
        raise NotAllowed("请从名单里选：本单位的人，网格也可以选同一个社区的人。")
    row.backup_id = backup.id if backup is not None else None
    told = f"B岗：{backup.name}（{backup.login}）" if backup is not None else "没有B岗"
    audit.note(book, actor, "absence", row.login, told, now)


def backups(book: Book, city: City, row: StaffRow) -> list[StaffRow]:
    """Return who may stand in for a person: their colleagues; for a grid also those of the community around it.

    A grid often has one officer only: the neighbour then has its queue while they are away.
    """
    unit = city.units[row.unit_id]
    around = city.above(unit.id, "community") if unit.kind == "grid" else None
    found = list(book.colleagues(unit.id))
    if around is not None:
        found += [each for each in book.people_below(around.path) if each.unit_id != unit.id]
    return [each for each in found if each.id != row.id and each.role in HANDLERS]


def hand_over_all(book: Book, city: City, actor: Actor, from_id: int, to_id: int | None, now: datetime) -> int:
    """Give all open cases of a person to a colleague who is there, or back to the unit's queue; return how many.

    Raises NoSuchPerson, and NotAllowed for somebody of another unit or away.
    """
    row = person(book, city, actor, from_id, lock=True)
    to = _colleague(book, row, to_id)
    if to is not None and away(book, to.id, now) is not None:
        raise NotAllowed(f"{to.name}也在请假，请换一个人，或者放回队列。")
    done = _pass_on(_Handover(book, city, row, to_id, _by(actor), "移交"), now)
    if done:
        audit.note(book, actor, "handover", row.login, f"{done} 件，给{to.name if to else '队列'}", now)
    return done


def depart(book: Book, city: City, actor: Actor, staff_id: int, to_id: int | None, now: datetime) -> int:
    """Switch off the account of somebody who leaves for good; return how many of their cases went to others.

    Their keys to the API and their sessions end, and so does their being anybody's backup.
    Raises NoSuchPerson; NotAllowed for oneself.
    """
    if staff_id == actor.staff_id:
        raise NotAllowed("自己的账号不能自己停用，请找上级或管理员。")
    done = hand_over_all(book, city, actor, staff_id, to_id, now)
    row = person(book, city, actor, staff_id, lock=True)
    row.active, row.backup_id = False, None
    for other in book.backed_up_by(row.id):
        other.backup_id = None
    book.end_sessions(row.id, now)
    for token in book.tokens_of(row.id):
        token.revoked_at = now
    for absence in book.absences([row.id], now):
        book.drop(absence)
    audit.note(book, actor, "account", row.login, "离岗，账号停用", now)
    return done


def deserted(book: Book, city: City, now: datetime) -> list[Deserted]:
    """Return the units that hold open cases and have nobody there who handles them, those with danger first."""
    present = book.present(now)
    found = []
    for load in book.loads():
        unit = city.units[load.unit_id]
        roles = frozenset({"dispatcher"}) if unit.kind == "dispatch" else access.HANDLING_ROLES
        if not any((unit.id, role) in present for role in roles) and not _covered(book, unit, roles, now):
            found.append(Deserted(unit, load.cases, load.danger))
    return sorted(found, key=lambda each: (-each.danger, -each.cases, each.unit.id))


def _covered(book: Book, unit: Unit, roles: frozenset[str], now: datetime) -> bool:
    """Say whether somebody of another unit stands in for those who are away here."""
    return any(stand_in(book, row.id, now) for row in book.colleagues(unit.id) if row.role in roles)


def _colleague(book: Book, row: StaffRow, staff_id: int | None) -> StaffRow | None:
    if staff_id is None:
        return None
    found = book.get(StaffRow, staff_id)
    if found is None or not found.active or found.unit_id != row.unit_id or found.id == row.id:
        raise NotAllowed("请选同一个单位、还在岗的人。")
    return found


def _by(actor: Actor) -> Who:
    return Who("staff", frozenset(), actor.staff_id, actor.unit_id)


def _day(moment: datetime) -> str:
    local = moment.astimezone(worktime.CHINA)
    return f"{local.month}月{local.day}日 {local:%H:%M}"


@dataclass(frozen=True)
class _Handover:
    """Cases of `row` go to `to_id`; `since`: those that they have touched since then stay.

    `covers`: they stand in for `row`, and so may be of another unit.
    """

    book: Book
    city: City
    row: StaffRow
    to_id: int | None
    who: Who
    why: str
    since: datetime | None = None
    covers: bool = False


def _pass_on(move: _Handover, now: datetime) -> int:
    """Give each open case another handler, locked in the order of their ids, with a line of history."""
    move.book.flush()
    return sum(_pass(move, case_id, now) for case_id in move.book.in_hand(move.row.id))


def _pass(move: _Handover, case_id: int, now: datetime) -> bool:
    case = move.book.lock_row(CaseRow, case_id)
    if case is None or case.handler_id != move.row.id or case.state not in UNRESOLVED:
        return False
    if move.since is not None and _touched(move, case, move.since):
        return False
    to = move.book.get(StaffRow, move.to_id) if move.to_id is not None else None
    # Only who belongs to the holder, or stands in for somebody there, can act on it.
    near = to is not None and (to.unit_id == case.holder_id or (move.covers and move.row.unit_id == case.holder_id))
    fits = near and to is not None and to.id != move.row.id
    case.handler_id = to.id if to is not None and fits else None
    where = f"交给{to.name}接着办" if to is not None and fits else f"放回{move.city.units[case.holder_id].name}的队列"
    ledger.record(move.book, case, HANDED_OVER, move.who, now, text=f"{move.row.name}{move.why}，{where}")
    if case.handler_id is not None:
        tell_staff(move.book, case, "assigned", now, staff_id=case.handler_id, text=f"{move.row.name}{move.why}")
    return True


def _touched(move: _Handover, case: CaseRow, since: datetime) -> bool:
    return any(row.staff_id == move.row.id and row.at >= since for row in move.book.history(case.id))
