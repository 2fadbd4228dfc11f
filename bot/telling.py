"""What residents tell: a new matter, a part of the one being told, a correction of it, and its end."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from bot import answers, burst, phrases
from bot.offers import ask_kind, ask_nearby
from bot.receipts import added_reply, opened_reply, standing
from cases import intake
from cases.intake import ASSUMED, Report
from cases.numbers import number_of, spoken
from cases.routing import Located
from cases.workflow import OPEN

if TYPE_CHECKING:
    from bot.emergency import Danger
    from bot.intents import Wish
    from bot.turn import Said, Turn
    from cases.intake import Outcome
    from cases.storage.tables import CaseRow

# A second matter within one burst, told without saying so: both kinds this sure, and more than a few words.
OTHER_MATTER = 0.8
OTHER_MATTER_CHARACTERS = 10
# Below this probability a correction of the kind is not understood.
KIND_MEANT = 0.3
_MARKED = re.compile(r"(?:对了|还有|另外|顺便|再有)")
_CORRECTING = re.compile(r"说错|写错|弄错|搞错|记错|不对|更正|应该是|不是.{0,12}是")


def help_at_once(turn: Turn, said: Said, danger: Danger) -> str:
    """Say whom to call, before anything else; the case is urgent, and one of its own."""
    told = turn.gathering
    own = told is not None and (told.urgent or not told.text)
    take(turn, said, new=not own, danger=danger)
    return _danger_reply(turn, danger)


def heard(turn: Turn, case: CaseRow, said: Said, danger: Danger | None) -> str:
    """Take the words of a voice that is in the case already."""
    report = replace(report_of(said), read=True, danger=danger or "")
    outcome = intake.extend_case(turn.book, turn.city, case, report, turn.now)
    turn.case = case
    if danger is not None:
        return _danger_reply(turn, danger)
    return _close(turn, outcome, added_reply(turn.city, outcome, report, turn.now, quiet=False))


def _danger_reply(turn: Turn, danger: Danger) -> str:
    lines = [phrases.DANGERS[danger]]
    if turn.case is not None:
        turn.ask(None)
        lines.append(phrases.DANGER_NOTED.format(number=spoken(number_of(turn.case.id))))
        unsure = turn.case.grid_id is None or turn.case.place_source in ASSUMED
        lines += [phrases.DANGER_PLACE] if unsure else []
    return "\n".join(lines)


def take(turn: Turn, said: Said, *, new: bool = False, danger: str = "") -> str:
    """Put a message into the case that is being told, or into a new one."""
    turn.taken = True
    told = turn.gathering
    report = replace(report_of(said), danger=danger)
    other = told is not None and not new and _other_matter(turn, told, said)
    if told is not None and not new and not other:
        return extend(turn, told, report)
    report = replace(report, place=said.place or same_spot(told))
    outcome = intake.open_case(turn.book, turn.city, turn.resident, report, turn.now)
    reply = opened_reply(turn.city, outcome, report, turn.now)
    reply = f"{phrases.NEW_MATTER}\n{reply}" if other else reply
    return _close(turn, outcome, reply)


def extend(turn: Turn, case: CaseRow, report: Report, *, aloud: bool = False) -> str:
    """Add to a case; within a burst in silence, unless `aloud` or there is something to ask, correct or warn of."""
    aloud = aloud or case.urgent or turn.resident.asked == "answer"
    quiet = not aloud and burst.running(case, turn.now)
    report = replace(report, correcting=report.correcting or bool(_CORRECTING.search(report.text)))
    outcome = intake.extend_case(turn.book, turn.city, case, report, turn.now)
    reply = added_reply(turn.city, outcome, report, turn.now, quiet=quiet)
    if not reply:
        turn.case = case
        burst.note(turn.book, case, turn.now)
        return ""
    return _close(turn, outcome, reply)


def _close(turn: Turn, outcome: Outcome, reply: str) -> str:
    """Note what the reply asks, and ask for one thing more where nothing else is asked."""
    case = turn.case = outcome.case
    if outcome.ask_place:
        case.place_asked = True
        return reply
    if outcome.choose and case.text:
        return f"{reply}\n{ask_kind(turn, case, outcome.choose)}"
    offer = ask_nearby(turn, case) if outcome.rerouted or outcome.placed else ""
    return f"{reply}\n{offer}" if offer else reply


def report_of(said: Said) -> Report:
    """Return what a message brings to a case."""
    reading = said.reading
    return Report(
        text=said.text,
        place=said.place,
        media=said.media,
        guesses=reading.guesses if reading else (),
        model_version=reading.model_version if reading else None,
        evidence=reading.evidence if reading else (),
    )


def same_spot(told: CaseRow | None) -> Located | None:
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
    # Of what was told so far the kind must be sure too: else these words only make it clear.
    known = told.guesses[0]["probability"] >= OTHER_MATTER
    sure = guesses[0].probability >= OTHER_MATTER and len(said.text) >= OTHER_MATTER_CHARACTERS
    return kinds_differ and (bool(_MARKED.match(said.text)) or (known and (named or sure)))


def new(turn: Turn, wish: Wish, said: Said) -> str:
    """Begin another matter; what comes next is no addition to the last one."""
    case = turn.gathering
    if case is not None:
        case.gathering_until = turn.now
        turn.ask(None)
    if not wish.rest:
        return phrases.INVITE
    return take(turn, replace(said, text=wish.rest, place=said.place or same_spot(case)), new=True)


def add(turn: Turn, wish: Wish, said: Said) -> str:
    """Add what the resident calls an addition."""
    case = _told(turn)
    if case is None:
        return take(turn, replace(said, text=wish.rest or said.text))
    turn.taken = True
    return extend(turn, case, report_of(replace(said, text=wish.rest or said.text)), aloud=True)


def correct_place(turn: Turn, _wish: Wish, said: Said) -> str:
    """Take another place for the case being told, or the only one in work."""
    case = _told(turn)
    if case is None:
        return take(turn, said)
    turn.taken = True
    return extend(turn, case, replace(report_of(said), correcting=True), aloud=True)


def correct_kind(turn: Turn, _wish: Wish, said: Said) -> str:
    """Take the resident's word for what kind of matter it is; what is not understood goes before a dispatcher."""
    case = _told(turn)
    if case is None:
        return take(turn, said)
    turn.taken, turn.case = True, case
    guesses = said.reading.guesses if said.reading else ()
    kind = turn.city.categories.get(guesses[0].code) if guesses and guesses[0].probability >= KIND_MEANT else None
    number = spoken(number_of(case.id))
    if kind is None or kind.code == case.category_code:
        extend(turn, case, Report(text=said.text), aloud=True)
        case.attention = "kind"
        return phrases.KIND_UNCLEAR.format(number=number)
    outcome = intake.choose_kind(turn.book, turn.city, case, kind.code, turn.now, words=said.text)
    noted = phrases.KIND_NOTED.format(category=kind.name)
    return _close(turn, outcome, f"{noted}\n{standing(turn.city, case, turn.now)}")


def done(turn: Turn, _wish: Wish, _said: Said) -> str:
    """End the burst: say what came, who has it and by when."""
    case = turn.gathering
    if case is None:
        return phrases.DONE_NOTHING
    turn.case, case.gathering_until = case, turn.now
    number, state = spoken(number_of(case.id)), standing(turn.city, case, turn.now)
    parts = burst.ended(turn.book, case)
    phrase = phrases.BURST_DONE if parts else phrases.DONE
    return phrase.format(parts=parts, number=number, state=state)


def _told(turn: Turn) -> CaseRow | None:
    """Return the case being told, or the only one in work."""
    cases = [case for case in turn.book.cases_of(turn.resident.id) if case.state in OPEN]
    only = turn.book.lock_case(cases[0].id) if len(cases) == 1 else None
    return turn.gathering or only
