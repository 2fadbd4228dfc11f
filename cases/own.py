"""What residents see and do of their own cases on a page. Every page goes through `own_case`, `own_file` and `act`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases import facts, intake, limits
from cases.handling import NoSuchCase
from cases.intake import Report
from cases.ledger import REPORTER, NotAllowed
from cases.storage.tables import AttachmentRow, CaseRow, HistoryRow
from cases.words import RATINGS
from cases.workflow import Action, State, allowed

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cases.city import City
    from cases.ledger import Photo
    from cases.routing import Guess
    from cases.storage import Book
    from cases.storage.tables import ResidentRow

TEXT_LIMIT = 1000
CHANGED = "这件事刚有了变化，这一步现在做不了。请看看下面的最新情况。"


@dataclass(frozen=True)
class Given:
    """What came with an act: words, a rating, whether it is solved in part, photos; what models make of the words."""

    text: str = ""
    rating: str = ""
    solved: str = ""
    photos: tuple[Photo, ...] = ()
    guesses: tuple[Guess, ...] = ()
    model_version: str | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """Something that happened to a case, as far as it is the resident's; `text` is what they said or heard."""

    row: HistoryRow
    text: str
    parts: tuple[AttachmentRow, ...]


def own_case(book: Book, resident: ResidentRow, case_id: int) -> CaseRow:
    """Return a resident's case. Raises NoSuchCase for a missing one and for another's alike."""
    case = book.get(CaseRow, case_id)
    if case is None or case.resident_id != resident.id:
        raise NoSuchCase
    return case


def own_file(book: Book, resident: ResidentRow, attachment_id: int) -> AttachmentRow:
    """Return a kept file that belongs to the talk of a resident's case: staff's own notes are none of it."""
    part = book.get(AttachmentRow, attachment_id)
    if part is None or part.state != "stored":
        raise NoSuchCase
    own_case(book, resident, part.case_id)
    row = book.get(HistoryRow, part.history_id) if part.history_id is not None else None
    if row is None or not row.public:
        raise NoSuchCase
    return part


def story(book: Book, case: CaseRow) -> list[Scene]:
    """Return what happened, oldest first: what is public, and what the resident was told of. Receipts are left out."""
    heard = {message.history_id: message.text for message in reversed(book.owed(case.id)) if message.text}
    parts = book.attachments(case.id)
    return [
        Scene(
            row,
            row.text if row.public else heard[row.id],
            tuple(part for part in parts if row.public and part.history_id == row.id),
        )
        for row in book.history(case.id)
        if row.who != "bot" and (row.public or row.id in heard)
    ]


def possible(book: Book, city: City, case: CaseRow, now: datetime) -> frozenset[Action]:
    """Return what a resident may do to their case now, by the table and by the clock."""
    met = facts.facts_of(book, city, case, REPORTER)
    actions = {rule.action for rule in allowed(State(case.state), REPORTER.relations, met)} & set(HANDLERS)
    again = intake.next_urge(case)
    if again is not None and now < again:
        actions.discard(Action.URGE)
    if not intake.may_reopen(case, now):
        actions.discard(Action.REOPEN)
    return frozenset(actions)


def act(
    book: Book, city: City, resident: ResidentRow, case_id: int, action: Action, given: Given, now: datetime
) -> CaseRow:
    """Do what a resident wants with their case. Raises NoSuchCase or NotAllowed."""
    own_case(book, resident, case_id)
    case = book.lock_case(case_id)
    if case is None or case.resident_id != resident.id:
        raise NoSuchCase
    if len(given.text) > TEXT_LIMIT:
        raise NotAllowed(f"写得太长了，请在 {TEXT_LIMIT} 字以内。")
    if action not in possible(book, city, case, now):
        raise NotAllowed(_why_not(case, action, now))
    HANDLERS[action](_Deed(book, city, case, given, now))
    if resident.asked_case_id == case.id:  # the bot's question is answered
        resident.asked = resident.asked_case_id = None
    return case


def _why_not(case: CaseRow, action: Action, now: datetime) -> str:
    again = intake.next_urge(case)
    if action is Action.URGE and again is not None and now < again:
        return f"已经催过了，{limits.spoken_time(again, now)}以后可以再催。"
    return CHANGED


@dataclass(frozen=True)
class _Deed:
    book: Book
    city: City
    case: CaseRow
    given: Given
    now: datetime


def _supplement(deed: _Deed) -> None:
    given = deed.given
    if not given.text and not given.photos:
        raise NotAllowed("请写几句话，或者选几张照片。")
    report = Report(
        text=given.text,
        place=deed.city.locate_text(given.text) if given.text else None,
        photos=given.photos,
        guesses=given.guesses,
        model_version=given.model_version,
        evidence=given.evidence,
    )
    intake.extend_case(deed.book, deed.city, deed.case, report, deed.now)


def _rate(deed: _Deed) -> None:
    given = deed.given
    if given.rating not in RATINGS:
        raise NotAllowed("请先选一个：满意、基本满意，还是不满意。")
    said = "。".join(part for part in (RATINGS[given.rating], given.text) if part)
    intake.rate(deed.book, deed.city, deed.case, given.rating, deed.now, words=said)
    deed.case.rating_words = given.text


def _fail(deed: _Deed) -> None:
    answer = "partly" if deed.given.solved == "partly" else "unsolved"
    intake.verify(deed.book, deed.city, deed.case, deed.now, answer=answer, words=deed.given.text)


HANDLERS: dict[Action, Callable[[_Deed], object]] = {
    Action.SUPPLEMENT: _supplement,
    Action.URGE: lambda deed: intake.urge(deed.book, deed.city, deed.case, deed.now, words=deed.given.text),
    Action.WITHDRAW: lambda deed: intake.withdraw(deed.book, deed.city, deed.case, deed.now, words=deed.given.text),
    Action.VERIFY_PASS: lambda deed: intake.verify(
        deed.book, deed.city, deed.case, deed.now, answer="solved", words=deed.given.text
    ),
    Action.VERIFY_FAIL: _fail,
    Action.RATE: _rate,
    Action.REOPEN: lambda deed: intake.reopen(deed.book, deed.city, deed.case, deed.now, words=deed.given.text),
}
