"""What the bot makes of a resident's words, photos, voices and places: one reply for one message.

`respond` is called inside the message's transaction. It reads the wish, lets the case book act, and returns what to
say; an empty reply means silence.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from bot import answers, phrases
from bot.emergency import Danger, danger_in
from bot.intents import Intent, Wish, read
from bot.receipts import added_reply, opened_reply, progress_reply, which_reply
from bot.turn import Said, Turn
from cases import intake
from cases.intake import Report
from cases.numbers import number_of, spoken
from cases.routing import Located
from cases.storage.tables import CaseRow
from cases.workflow import OPEN, UNRESOLVED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


# A second matter within one burst, told without saying so: both kinds this sure, and more than a few words.
OTHER_MATTER = 0.8
OTHER_MATTER_CHARACTERS = 10
_MARKED = re.compile(r"(?:对了|还有|另外|顺便|再有)")
_CORRECTING = re.compile(r"说错|写错|弄错|搞错|记错|不对|更正|应该是|不是.{0,12}是")
# Words that begin no case of their own when they come alone.
_SMALL = frozenset({Intent.CHAT, Intent.DIGIT})
LETTERS = 2


def respond(turn: Turn, said: Said) -> str:
    """Return the reply to one message."""
    if not said.text:
        return _take(turn, said)
    wish = read(said.text, lambda _text: said.intent_guess, has_place=said.place is not None)
    danger = danger_in(said.text)
    if danger is not None and wish.intent not in {Intent.PROGRESS, Intent.URGE}:
        return _help_at_once(turn, said, danger)
    reply = answers.to_question(turn, wish, said)
    if reply is None:
        reply = HANDLERS[_meant_as(turn, wish, said)](turn, wish, said)
    if said.media is not None and turn.case is not None and not turn.taken:
        intake.keep_media(turn.book, turn.case, said.media, turn.now)
    return reply


def _meant_as(turn: Turn, wish: Wish, said: Said) -> Intent:
    """Return the intent, seen in the light of what was said before.

    Small words within a burst add to it; who asks after a case but never reported one, and names a place, reports.
    """
    case = turn.gathering
    if wish.intent in _SMALL and case is not None and (case.place_asked or len(said.text) >= LETTERS):
        return Intent.REPORT
    unknown = wish.intent in {Intent.PROGRESS, Intent.URGE, Intent.THANKS} and wish.case_id is None
    if unknown and said.place is not None and not turn.book.cases_of(turn.resident.id):
        return Intent.REPORT
    return wish.intent


# -- reports ---------------------------------------------------------------------------------------------------


def _help_at_once(turn: Turn, said: Said, danger: Danger) -> str:
    """Say whom to call, before anything else; the case is urgent, and one of its own."""
    case = turn.gathering
    _take(turn, said, new=case is None or not case.urgent, danger=True)
    lines = [phrases.DANGERS[danger]]
    if turn.case is not None:
        lines.append(phrases.DANGER_NOTED.format(number=spoken(number_of(turn.case.id))))
        unsure = turn.case.grid_id is None or turn.case.place_source in intake.ASSUMED
        lines += [phrases.DANGER_PLACE] if unsure else []
    return "\n".join(lines)


def _take(turn: Turn, said: Said, *, new: bool = False, danger: bool = False) -> str:
    """Put a message into the case that is being told, or into a new one."""
    turn.taken = True
    told = turn.gathering
    report = replace(_report(said), danger=danger)
    other = told is not None and not new and _other_matter(turn, told, said)
    if told is None or new or other:
        report = replace(report, place=said.place or _same_spot(told))
        outcome = intake.open_case(turn.book, turn.city, turn.resident, report, turn.now)
        reply = opened_reply(turn.city, outcome, report, turn.now)
        reply = f"{phrases.NEW_MATTER}\n{reply}" if other else reply
    else:
        report = replace(report, correcting=bool(_CORRECTING.search(said.text)))
        earlier = sum(part.kind == report.media.kind for part in turn.book.attachments(told.id)) if report.media else 0
        outcome = intake.extend_case(turn.book, turn.city, told, report, turn.now)
        reply = added_reply(turn.city, outcome, report, turn.now, earlier=earlier)
    turn.case = outcome.case
    if outcome.ask_place:
        outcome.case.place_asked = True
    return reply


def _report(said: Said) -> Report:
    reading = said.reading
    return Report(
        text=said.text,
        place=said.place,
        media=said.media,
        guesses=reading.guesses if reading else (),
        model_version=reading.model_version if reading else None,
    )


def _same_spot(told: CaseRow | None) -> Located | None:
    """Return the place of the matter told a moment ago: the next one is probably there too."""
    if told is None or told.grid_id is None:
        return None
    return Located(told.place_words, told.grid_id, "burst", told.lon, told.lat)


def _other_matter(turn: Turn, told: CaseRow, said: Said) -> bool:
    """Say whether a text within a burst is clearly about something else than the case being told.

    What follows the question for the place is taken as its answer.
    """
    if (
        (told.place_asked and told.grid_id is None)
        or not told.guesses
        or not answers.other_matter(turn.city, told, said)
    ):
        return False
    guesses = said.reading.guesses if said.reading else ()
    if not guesses or guesses[0].probability < answers.SURE:
        return False
    named = said.place is not None and said.place.grid_id not in {None, told.grid_id}
    kinds_differ = guesses[0].code != told.guesses[0]["code"]
    sure = min(guesses[0].probability, told.guesses[0]["probability"]) >= OTHER_MATTER
    return kinds_differ and (
        bool(_MARKED.match(said.text)) or named or (sure and len(said.text) >= OTHER_MATTER_CHARACTERS)
    )


def _new(turn: Turn, wish: Wish, said: Said) -> str:
    case = turn.gathering
    if case is not None:
        case.gathering_until = turn.now
    if not wish.rest:
        return phrases.INVITE
    return _take(turn, replace(said, text=wish.rest, place=said.place or _same_spot(case)), new=True)


def begin(turn: Turn) -> str:
    """Start a new matter: what comes next is no addition to the last one."""
    return _new(turn, Wish(Intent.NEW), Said())


def _add(turn: Turn, wish: Wish, said: Said) -> str:
    case = turn.gathering or _only(_open_cases(turn))
    if case is None:
        return _take(turn, replace(said, text=wish.rest))
    turn.taken = True
    outcome = intake.extend_case(turn.book, turn.city, case, _report(replace(said, text=wish.rest)), turn.now)
    turn.case = case
    return added_reply(turn.city, outcome, Report(text=wish.rest, place=said.place), turn.now, earlier=0)


# -- questions about cases -------------------------------------------------------------------------------------


def _progress(turn: Turn, wish: Wish, _said: Said) -> str:
    if wish.case_id is not None:
        case = _own(turn, wish.case_id)
        turn.case = case
        turn.show([case] if case else [])
        return progress_reply(turn.city, [case], turn.now) if case else phrases.PROGRESS_UNKNOWN
    cases = turn.book.cases_of(turn.resident.id)
    shown = [case for case in cases if case.state in OPEN] or list(cases[:1])
    turn.show(shown)
    return progress_reply(turn.city, shown, turn.now) if shown else phrases.PROGRESS_NONE


def _urge(turn: Turn, wish: Wish, said: Said) -> str:
    case, refusal = _meant(turn, wish)
    if case is None:
        return refusal
    intake.urge(turn.book, case, turn.now, words=said.text)
    turn.case = case
    holder, number = turn.city.units[case.holder_id].name, spoken(number_of(case.id))
    return answers.urged(case, holder, number, turn.now)


def _withdraw(turn: Turn, wish: Wish, said: Said) -> str:
    case, refusal = _meant(turn, wish)
    if case is None:
        return refusal
    intake.withdraw(turn.book, case, turn.now, words=said.text)
    turn.case = case
    return phrases.WITHDRAWN.format(number=spoken(number_of(case.id)))


def _meant(turn: Turn, wish: Wish) -> tuple[CaseRow | None, str]:
    """Return the case in work that is meant, locked, or why there is none to be found."""
    if wish.case_id is not None:
        case = _own(turn, wish.case_id)
        usable = case is not None and case.state in UNRESOLVED
        return (case, "") if usable else (None, phrases.PROGRESS_UNKNOWN)
    cases = [case for case in _open_cases(turn) if case.state in UNRESOLVED]
    gathering = turn.gathering
    chosen = gathering if gathering in cases else _only(cases)
    if chosen is not None:
        return turn.book.lock_case(chosen.id), ""
    return None, which_reply(cases) if cases else phrases.NOTHING_OPEN


def _own(turn: Turn, case_id: int) -> CaseRow | None:
    """Return the case if it is this resident's: others' numbers tell nothing."""
    case = turn.book.get(CaseRow, case_id)
    if case is None or case.resident_id != turn.resident.id:
        return None
    return turn.book.lock_case(case_id)


def _open_cases(turn: Turn) -> list[CaseRow]:
    return [case for case in turn.book.cases_of(turn.resident.id) if case.state in OPEN]


def _only(cases: Sequence[CaseRow]) -> CaseRow | None:
    return cases[0] if len(cases) == 1 else None


# -- the rest --------------------------------------------------------------------------------------------------


def _judged(turn: Turn, wish: Wish, said: Said) -> str:
    """Take a word on a result that nobody asked for just now: it goes to the newest case it can be about."""
    return answers.unasked(turn, wish, said.text) or phrases.NOT_UNDERSTOOD


def _say(phrase: str) -> Callable[[Turn, Wish, Said], str]:
    return lambda _turn, _wish, _said: phrase


HANDLERS: dict[Intent, Callable[[Turn, Wish, Said], str]] = {
    Intent.REPORT: lambda turn, _wish, said: _take(turn, said),
    Intent.NEW: _new,
    Intent.ADD: _add,
    Intent.PROGRESS: _progress,
    Intent.URGE: _urge,
    Intent.WITHDRAW: _withdraw,
    Intent.SOLVED: _judged,
    Intent.UNSOLVED: _judged,
    Intent.SATISFIED: _judged,
    Intent.FAIR: _judged,
    Intent.UNSATISFIED: _judged,
    Intent.RATING: _judged,
    Intent.GREETING: _say(phrases.GREETING),
    Intent.THANKS: _say(phrases.THANKS),
    Intent.HELP: _say(phrases.HOW_TO),
    Intent.BEGIN: lambda turn, _wish, _said: begin(turn),
    Intent.HUMAN: _say(phrases.HUMAN),
    Intent.ANONYMOUS: _say(phrases.ANONYMOUS),
    Intent.DIGIT: _say(phrases.NOT_UNDERSTOOD),
    Intent.EMPTY: _say(phrases.NO_WORDS),
    Intent.CHAT: _say(phrases.CHAT),
}
