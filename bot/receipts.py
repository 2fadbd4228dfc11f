"""How the bot says what has become of a message, and how a case stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot import phrases
from cases import limits, neighbours, words
from cases.deciding import place_of
from cases.intake import ASSUMED
from cases.numbers import number_of, spoken
from cases.workflow import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cases.city import City
    from cases.guide import Entry, Guide
    from cases.intake import Outcome, Report
    from cases.storage import Book
    from cases.storage.tables import CaseRow

SHOWN = 3
# A passive reply holds 2,048 bytes: a result is given whole when it stands alone.
RESULT_ALONE, RESULT_AMONG = 500, 60
ROAD = re.compile(r"[路街巷道]\D*$")


def opened_reply(city: City, outcome: Outcome, report: Report, now: datetime) -> str:
    """Return the receipt of a new case: number, what it was understood as, who has it, by when."""
    case = outcome.case
    number = spoken(number_of(case.id))
    if not case.text and report.media is not None:
        return phrases.MEDIA_ALONE.format(media=phrases.MEDIA_NAMES[report.media.kind], number=number)
    if not case.text:
        return phrases.PLACE_ALONE.format(place=case.place_words, number=number)
    return "\n".join([phrases.OPENED.format(number=number), *_understood(city, outcome, now)])


def added_reply(city: City, outcome: Outcome, report: Report, now: datetime, *, quiet: bool) -> str:
    """Return what is said to an addition: the full receipt if it changed the way, else a word.

    `quiet`, within a burst: empty, unless there is something to ask, correct or warn of.
    """
    case = outcome.case
    number = spoken(number_of(case.id))
    first_words = bool(report.text) and case.text == report.text
    if outcome.rerouted or first_words:
        return "\n".join([phrases.ADDED.format(number=number), *_understood(city, outcome, now)])
    more = _about_place(city, outcome, report, quiet=quiet)
    if not more and quiet:
        return ""
    if report.media is not None and not report.text:
        media = phrases.MEDIA_NAMES[report.media.kind]
        return "\n".join([phrases.MEDIA_ADDED.format(media=media, number=number), *more])
    return "\n".join([phrases.ADDED.format(number=number), *more])


def _about_place(city: City, outcome: Outcome, report: Report, *, quiet: bool) -> list[str]:
    """Return what is to be said of the place that an addition brought, or that is still missing."""
    lines, case = [], outcome.case
    place = place_of(city, case)
    unknown = outcome.placed and place is not None and not place.known
    outside = unknown and case.place_source == "location"
    vague = unknown and case.place_source == "text"
    if outcome.placed and (outside or vague or not quiet or case.place_asked or report.correcting):
        lines.append(phrases.PLACE_ADDED.format(place=case.place_words))
    if outside:
        lines.append(phrases.PLACE_OUTSIDE)
    if vague or (outcome.ask_place and not case.place_asked and case.text):
        lines.append(_ask_place(city, case))
    return lines


def _understood(city: City, outcome: Outcome, now: datetime) -> list[str]:
    case = outcome.case
    category = city.categories.get(case.category_code or "")
    holder = city.units[case.holder_id]
    lines = []
    place = phrases.AT.format(place=case.place_words) if case.place_source and case.place_source not in ASSUMED else ""
    contact_by = limits.spoken_time(case.contact_by, now)
    sure = category is not None and city.sure(case.category_code, case.guesses)
    if category is not None and (
        sure or (holder.kind != "dispatch" and case.rule_id is None) or case.category_by != "classifier"
    ):
        lines.append(phrases.UNDERSTOOD.format(category=category.name, place=place))
        if category.urgent and outcome.recognised:
            lines.append(phrases.DANGER)
    if holder.kind != "dispatch":
        lines.append(phrases.HELD.format(holder=holder.name, contact_by=contact_by))
    elif outcome.choose:
        return lines  # the choice that is offered says by when
    elif not outcome.ask_place:
        lines.append(phrases.UNSURE.format(contact_by=contact_by))
    else:
        lines.append(phrases.PLACE_FIRST.format(contact_by=contact_by))
    if outcome.ask_place and not case.place_asked:
        lines.append(_ask_place(city, case))
    elif case.place_source in ASSUMED and case.place_words and (category is None or category.needs_place):
        lines.append(phrases.PLACE_ASSUMED.format(place=case.place_words))
    else:
        lines.append(phrases.ANYTHING_MORE)
    return lines


def _ask_place(city: City, case: CaseRow) -> str:
    place = place_of(city, case)
    if place is not None and place.options:
        return phrases.PLACE_WHICH.format(options="、".join(place.options[:SHOWN]))
    if case.place_words and case.grid_id is None:
        phrase = phrases.PLACE_VAGUE_ROAD if ROAD.search(case.place_words) else phrases.PLACE_VAGUE
        return phrase.format(place=case.place_words)
    return phrases.PLACE_MISSING


def progress_reply(book: Book, city: City, cases: Sequence[CaseRow], now: datetime) -> str:
    """Return how these cases stand: state, holder and deadline of each."""
    alone = len(cases) == 1
    lines = [
        phrases.PROGRESS_LINE.format(
            number=spoken(number_of(case.id)),
            title=words.title_of(case.text),
            state=standing(city, neighbours.leading(book, case), now, RESULT_ALONE if alone else RESULT_AMONG),
        )
        for case in cases[:SHOWN]
    ]
    if len(cases) > SHOWN:
        lines.append(phrases.PROGRESS_MORE)
    return "\n\n".join(lines)


def guide_reply(entries: Sequence[Entry]) -> str:
    """Return entries of the office guide as a message; empty without any."""
    lines = []
    for entry in entries:
        values = {name: getattr(entry, name) for name in phrases.GUIDE_LINES}
        lines.append(phrases.GUIDE_TITLE.format(title=entry.title, what=entry.what))
        lines += [phrases.GUIDE_LINES[name].format(value=value) for name, value in values.items() if value]
    return "\n".join([*lines, phrases.GUIDE_MORE]) if lines else ""


def guide_titles(guide: Guide) -> str:
    """Return what the office guide knows, for who opens it from the menu."""
    titles = "、".join(entry.title for entry in guide.entries if not entry.elsewhere)
    return phrases.GUIDE_TITLES.format(titles=titles) if titles else phrases.GUIDE_EMPTY


def which_reply(cases: Sequence[CaseRow]) -> str:
    """Ask which of several cases is meant."""
    lines = [
        phrases.WHICH_LINE.format(number=spoken(number_of(case.id)), title=words.title_of(case.text)) for case in cases
    ]
    return phrases.WHICH.format(lines="\n".join(lines))


def standing(city: City, case: CaseRow, now: datetime, characters: int = RESULT_ALONE) -> str:
    """Return in one sentence how a case stands; of a result so many characters."""
    state = State(case.state)
    holder = city.units[case.holder_id].name
    late = case.due_at is not None and case.due_at <= now
    if state in {State.NEW, State.ASSIGNED, State.ACCEPTED} and late:
        return phrases.PROGRESS_LATE.format(holder=holder)
    if case.paused_at is not None:
        return phrases.PROGRESS_PAUSED.format(holder=holder)
    result = case.result if len(case.result) <= characters else case.result[:characters] + "…"
    due = case.finish_by if state is State.ACCEPTED else case.contact_by
    phrase = {
        State.NEW: phrases.PROGRESS_NEW,
        State.ASSIGNED: phrases.PROGRESS_ASSIGNED,
        State.ACCEPTED: phrases.PROGRESS_ACCEPTED,
        State.RESOLVED: phrases.PROGRESS_EXPLAINED if case.outcome == "unsolved" else phrases.PROGRESS_RESOLVED,
        State.CLOSED: phrases.PROGRESS_CLOSED,
        State.UNSOLVED: phrases.PROGRESS_UNSOLVED,
        State.REJECTED: phrases.PROGRESS_REJECTED,
        State.WITHDRAWN: phrases.PROGRESS_WITHDRAWN,
        State.MERGED: phrases.PROGRESS_MERGED,
    }[state]
    return phrase.format(holder=holder, due=limits.spoken_time(due, now), result=result)
