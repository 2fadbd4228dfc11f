"""From rows to what the pages show: plain values, in words for residents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from cases import intake, limits, own, worktime
from cases.numbers import number_of, spoken
from cases.storage.tables import StaffRow
from cases.words import RATINGS, state_of, title_of
from cases.workflow import Action, State
from web.residents import words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cases.city import City
    from cases.own import Scene
    from cases.storage import Book
    from cases.storage.tables import AttachmentRow, CaseRow, HistoryRow

UNRESOLVED = (State.NEW, State.ASSIGNED, State.ACCEPTED)


@dataclass(frozen=True)
class Line:
    """One case in the list: its words in one line, and their beginning as a title."""

    number: str
    spoken: str
    title: str
    text: str
    state: str
    state_name: str
    date: str


@dataclass(frozen=True)
class Media:
    """A photo, voice or video; `url` is empty until it is kept, `lost` when it never will be."""

    kind: str
    url: str
    thumbnail: str
    lost: bool


@dataclass(frozen=True)
class Entry:
    """One thing that happened. `who` is resident, staff or system."""

    at: str
    who: str
    title: str
    text: str
    media: tuple[Media, ...]


@dataclass(frozen=True)
class CasePage:
    """Everything on a case's page. `can` names the acts that are open; `urge_again` says why urging is not.

    `explained`: what was reported is that it cannot be solved.
    """

    line: Line
    text: str
    place: str
    standing: str
    late: bool
    result: str
    rating: str
    entries: tuple[Entry, ...]
    can: frozenset[str]
    urge_again: str
    explained: bool


def line(case: CaseRow, now: datetime) -> Line:
    """Return a case as one line of the list."""
    number = number_of(case.id)
    return Line(
        number=number,
        spoken=spoken(number),
        title=title_of(case.text),
        text=" ".join(case.text.split()) or title_of(""),
        state=case.state,
        state_name=state_of(case.state, case.solved, words.STATES),
        date=_day(case.opened_at, now),
    )


def case_page(book: Book, city: City, case: CaseRow, now: datetime) -> CasePage:
    """Return everything on a case's page."""
    again = intake.next_urge(case)
    can = own.possible(book, city, case, now)
    resting = again is not None and now < again and case.state in UNRESOLVED
    return CasePage(
        line=line(case, now),
        text=case.text,
        place=case.place_words,
        standing=_standing(city, case, now),
        late=_late(case, now),
        result=case.result,
        rating=RATINGS.get(case.rating or "", ""),
        entries=tuple(_entry(book, city, case, scene, now) for scene in reversed(own.story(book, case))),
        can=frozenset(map(str, can)),
        explained=case.outcome == "unsolved" and case.state == State.RESOLVED,
        urge_again=limits.spoken_time(again, now) if again is not None and resting else "",
    )


def _late(case: CaseRow, now: datetime) -> bool:
    return case.state in UNRESOLVED and case.due_at is not None and case.due_at <= now


def _standing(city: City, case: CaseRow, now: datetime) -> str:
    due = case.finish_by if case.state == State.ACCEPTED else case.contact_by
    words_of_state = words.LATE if _late(case, now) else words.STANDING[State(case.state)]
    if case.paused_at is not None:
        words_of_state = words.PAUSED
    elif case.state == State.RESOLVED and case.outcome == "unsolved":
        words_of_state = words.EXPLAINED
    return words_of_state.format(holder=city.units[case.holder_id].name, due=limits.spoken_time(due, now))


def _entry(book: Book, city: City, case: CaseRow, scene: Scene, now: datetime) -> Entry:
    row = scene.row
    # What stands above already, or in the title, is not said again.
    text = "" if row.action == Action.ACCEPT or scene.text == case.text else scene.text
    title = words.EVENTS.get((row.who, row.action), words.OTHER_EVENT).format(unit=_unit(book, city, row))
    return Entry(_moment(row.at, now), row.who, title, text, _media(scene.parts))


def _unit(book: Book, city: City, row: HistoryRow) -> str:
    person = book.get(StaffRow, row.staff_id) if row.staff_id is not None else None
    return city.units[person.unit_id].name if person is not None else "工作人员"


def _media(parts: Sequence[AttachmentRow]) -> tuple[Media, ...]:
    return tuple(
        Media(
            kind=part.kind,
            url=url_for("residents.file", attachment_id=part.id) if part.state == "stored" else "",
            thumbnail=url_for("residents.file", attachment_id=part.id, thumb=1) if part.state == "stored" else "",
            lost=part.state == "failed",
        )
        for part in parts
    )


def _day(at: datetime, now: datetime) -> str:
    local, today = at.astimezone(worktime.CHINA), now.astimezone(worktime.CHINA)
    days = (today.date() - local.date()).days
    if days in {0, 1}:
        return "昨天" if days else "今天"
    year = "" if local.year == today.year else f"{local.year}年"
    return f"{year}{local.month}月{local.day}日"


def _moment(at: datetime, now: datetime) -> str:
    return f"{_day(at, now)} {at.astimezone(worktime.CHINA):%H:%M}"
