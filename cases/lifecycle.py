"""The one door through which a case changes: the table is asked, the history is written, the due time is set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases import limits, words
from cases.numbers import number_of, spoken
from cases.storage.tables import AttachmentRow, HistoryRow, OutboxRow, ResidentRow
from cases.workflow import ENDED, Action, Relation, State, find

if TYPE_CHECKING:
    from datetime import datetime

    from cases.city import City, Unit
    from cases.storage import Book
    from cases.storage.tables import CaseRow


class NotAllowed(Exception):  # noqa: N818 - the house's word for a refusal
    """The action is not open to this person in this state; the message is for their eyes."""


@dataclass(frozen=True)
class Photo:
    """A photo from one of our pages: checked, and in the media store already."""

    file: str
    mime: str


@dataclass(frozen=True)
class Who:
    """Who acts, and what they are to the case."""

    kind: str
    relations: frozenset[Relation]
    staff_id: int | None = None


@dataclass(frozen=True)
class Message:
    """What is owed to a resident: a text, or a stored photo. `notice` says what it tells."""

    notice: str
    text: str = ""
    attachment_id: int | None = None


REPORTER = Who("resident", frozenset({Relation.REPORTER}))
SYSTEM = Who("system", frozenset({Relation.SYSTEM}))
BOT = Who("bot", frozenset())


def step(
    book: Book, case: CaseRow, action: Action, who: Who, now: datetime, *, text: str = "", public: bool = False
) -> HistoryRow:
    """Do `action` if the table allows it: new state, one line of history, the deadline that counts from now on.

    Raises NotAllowed, with the present state in words, when the table has no such rule.
    """
    rule = find(State(case.state), action, who.relations)
    if rule is None:
        state = words.STAFF_STATES[State(case.state)]
        raise NotAllowed(f"这个工单现在是“{state}”，不能再{words.ACTIONS[action]}了。")
    if "text" in rule.needs and not text.strip():
        raise NotAllowed(f"{words.ACTIONS[action]}要写几句话。")
    before = case.state
    if rule.to is not None:
        case.state = rule.to
        case.ended_at = now if rule.to in ENDED else None
    row = record(book, case, action, who, now, text=text.strip(), public=public, before=before)
    refresh_due(case)
    return row


def record(
    book: Book,
    case: CaseRow,
    action: str,
    who: Who,
    now: datetime,
    *,
    text: str = "",
    public: bool = False,
    before: str | None = None,
) -> HistoryRow:
    """Add one line to a case's history."""
    row = HistoryRow(
        case_id=case.id,
        at=now,
        who=who.kind,
        staff_id=who.staff_id,
        action=str(action),
        from_state=before,
        to_state=case.state if before is not None else None,
        text=text,
        public=public,
    )
    return book.add(row)


def hold(case: CaseRow, city: City, unit: Unit, now: datetime) -> None:
    """Put a case into a unit's queue, with new limits from now on."""
    category = city.categories.get(case.category_code or "")
    hours = category.hours if category else limits.DISPATCH_HOURS
    urgent = case.urgent or bool(category and category.urgent)
    if case.urgent:
        hours = limits.DANGER_HOURS
    elif unit.kind == "dispatch" and not urgent:
        hours = limits.DISPATCH_HOURS
    times = limits.deadlines(now, hours, urgent=urgent)
    case.holder_id, case.handler_id = unit.id, None
    case.accept_by, case.contact_by, case.finish_by = times.accept_by, times.contact_by, times.finish_by
    refresh_due(case)


def refresh_due(case: CaseRow) -> None:
    """Set the deadline that counts in the case's present state."""
    times = limits.Deadlines(case.accept_by, case.contact_by, case.finish_by)
    state = State(case.state)
    contacted = case.contacted_at is not None
    case.due_at = limits.due(state, times, contacted=contacted, resolved_at=case.resolved_at)


def notify(
    book: Book, city: City, case: CaseRow, notice: str, now: datetime, *, text: str = "", history: HistoryRow
) -> None:
    """Owe the reporter, and those who follow, one of the notices; its fate shows at `history`.

    At night it waits for the morning, unless the matter is urgent or the resident is writing just now.
    """
    facts = {
        "title": words.title_of(case.text),
        "number": spoken(number_of(case.id)),
        "holder": city.units[case.holder_id].name,
        "contact_by": limits.spoken_time(case.contact_by, now),
        "finish_by": limits.spoken_time(case.finish_by, now),
        "text": text.strip(),
    }
    if case.resident_id is not None and notice in words.NOTICES:
        content = words.NOTICES[notice].format(about=words.ABOUT.format(**facts), **facts)
        owe(book, case, Message(notice, content), now, history_id=history.id)
    if notice not in words.FOLLOWERS_NOTICES:
        return
    category = city.categories.get(case.category_code or "")
    about = words.FOLLOWED.format(category=category.name if category else "附近的事", number=facts["number"])
    content = words.FOLLOWERS_NOTICES[notice].format(about=about, **facts)
    for follower_id in book.followers(case.id):
        owe(book, case, Message(notice, content), now, history_id=history.id, resident_id=follower_id)


def attach(book: Book, row: HistoryRow, photo: Photo, now: datetime) -> AttachmentRow:
    """Keep a photo with the line of history that it came with."""
    attachment = AttachmentRow(
        case_id=row.case_id,
        history_id=row.id,
        kind="photo",
        state="stored",
        file=photo.file,
        mime=photo.mime,
        next_try_at=now,
        created_at=now,
    )
    return book.add(attachment)


def owe(
    book: Book,
    case: CaseRow,
    message: Message,
    now: datetime,
    *,
    history_id: int | None = None,
    resident_id: int | None = None,
    at: datetime | None = None,
) -> OutboxRow | None:
    """Put a message into the outbox: for the reporter, or for `resident_id`; due `at`, or else once it is day."""
    to = resident_id or case.resident_id
    resident = book.get(ResidentRow, to) if to is not None else None
    if resident is None:
        return None
    awake = case.urgent or now - resident.last_seen_at < limits.AWAKE
    if awake:
        book.wake_held(resident.id, now)
    row = OutboxRow(
        resident_id=resident.id,
        case_id=case.id,
        history_id=history_id,
        notice=message.notice,
        text=message.text,
        attachment_id=message.attachment_id,
        next_try_at=at or (now if awake else limits.daytime(now)),
        created_at=now,
    )
    return book.add(row)


def expect(book: Book, case: CaseRow, what: str, now: datetime) -> None:
    """Note that the reporter's next words may answer a question about this case: `verify`, `rate` or `answer`."""
    resident = book.get(ResidentRow, case.resident_id) if case.resident_id else None
    if resident is not None:
        resident.asked, resident.asked_case_id, resident.asked_at = what, case.id, now
