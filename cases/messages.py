"""What residents are owed and staff are told: rows that are written with the step they tell of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases import limits, words
from cases.numbers import number_of, spoken
from cases.storage.tables import OutboxRow, ResidentRow
from cases.storage.working import NoticeRow
from cases.words import title_of

if TYPE_CHECKING:
    from datetime import datetime

    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import CaseRow, HistoryRow

NOTICE_CHARACTERS = 200


@dataclass(frozen=True)
class Message:
    """What is owed to a resident: a text, or a stored photo. `notice` says what it tells."""

    notice: str
    text: str = ""
    attachment_id: int | None = None


def notify(
    book: Book, city: City, case: CaseRow, notice: str, now: datetime, *, text: str = "", history: HistoryRow
) -> None:
    """Owe the reporter, and those who follow, one of the notices; its fate shows at `history`.

    At night it waits for the morning, unless the matter is urgent or the resident is writing just now.
    """
    facts = {
        "title": title_of(case.text),
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


def tell_staff(
    book: Book,
    case: CaseRow,
    kind: str,
    now: datetime,
    *,
    staff_id: int | None = None,
    unit_id: int | None = None,
    text: str = "",
) -> None:
    """Leave a notice for one member of staff, or for all of a unit; `kind` is one of `words.STAFF_NOTICES`."""
    book.add(
        NoticeRow(
            staff_id=staff_id,
            unit_id=unit_id,
            case_id=case.id,
            kind=kind,
            text=text[:NOTICE_CHARACTERS],
            created_at=now,
        )
    )
