"""What the bot offers, never imposes: two kinds to choose from, a neighbour's case to join, to be forgotten.

Each lapses with the next message that is no answer to it.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from bot import phrases
from bot.intents import Intent, agrees, declines, digit
from bot.receipts import standing
from cases import intake, limits, neighbours
from cases.numbers import number_of, spoken
from cases.storage.tables import AttachmentRow, CaseRow
from cases.workflow import OPEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.intents import Wish
    from bot.turn import Said, Turn

# An offer stands so long.
OFFERED = timedelta(minutes=30)
ERASE_AFTER = timedelta(minutes=1)
_MISHEARD = re.compile(
    r"(?:不对|不是|错了|听错了?|没听对|写错了?)[了啊，,。 ]*(?:我?说?的?(?:应该)?是)?[：:，, ]*(?P<words>.{2,})",
    re.DOTALL,
)


def ask_kind(turn: Turn, case: CaseRow, codes: Sequence[str]) -> str:
    """Offer the kinds that the classifier hesitates between."""
    turn.ask("kind", case)
    names = [turn.city.categories[code].name for code in codes]
    lines = [phrases.CHOICE.format(digit=at, words=name) for at, name in enumerate(names, start=1)]
    contact_by = limits.spoken_time(case.contact_by, turn.now)
    return phrases.CHOOSE.format(choices="\n".join(lines), contact_by=contact_by)


def ask_nearby(turn: Turn, case: CaseRow) -> str:
    """Offer to join the neighbours who reported the same thing; empty without any."""
    found = neighbours.nearby(turn.book, turn.city, case, turn.now)
    if found is None:
        return ""
    turn.ask("join", case, other_id=found.case.id)
    category = turn.city.categories[found.case.category_code or ""]
    return phrases.NEARBY.format(count=found.residents, category=category.name)


def ask_erase(turn: Turn) -> str:
    """Ask whether the resident really wants to be forgotten."""
    turn.ask("erase")
    return phrases.ERASE_ASK


def to_offer(turn: Turn, wish: Wish, said: Said) -> str | None:
    """Return the reply if a text takes up or declines what is offered; None: it does not, and the offer lapses."""
    what = turn.resident.asked
    if what not in TAKERS:
        return None
    asked_at = turn.resident.asked_at
    case = turn.asked()[1]
    turn.ask(None)
    if asked_at is None or turn.now - asked_at > OFFERED:
        return None
    return TAKERS[what](turn, case, wish, said)


def _choose(turn: Turn, case: CaseRow | None, wish: Wish, said: Said) -> str | None:
    if case is None or case.state not in OPEN:
        return None
    turn.case = case
    codes = [str(guess["code"]) for guess in case.guesses[: intake.OFFERED]]
    names = {turn.city.categories[code].name: code for code in codes}
    chosen = digit(said.text)
    if chosen in {"1", "2"}:
        code: str | None = codes[int(chosen) - 1]
    else:
        code = next((names[name] for name in names if name == said.text.strip()), None)
    if code is not None:
        outcome = intake.choose_kind(turn.book, turn.city, case, code, turn.now)
        noted = phrases.KIND_NOTED.format(category=turn.city.categories[code].name)
        offer = ask_nearby(turn, outcome.case)
        return "\n".join(filter(None, (noted, standing(turn.city, case, turn.now), offer)))
    if chosen or declines(said.text) or wish.intent is Intent.CHAT:
        return phrases.CHOSEN_NONE.format(contact_by=limits.spoken_time(case.contact_by, turn.now))
    return None


def _join(turn: Turn, case: CaseRow | None, wish: Wish, said: Said) -> str | None:
    target = turn.book.get(CaseRow, turn.other_id) if turn.other_id is not None else None
    if case is None or target is None:
        return None
    turn.case = case
    yes = wish.intent is Intent.JOIN
    if yes and target.state in OPEN:
        neighbours.join(turn.book, turn.city, case, target, turn.now, words=said.text)
        state = standing(turn.city, target, turn.now)
        return phrases.JOINED.format(number=spoken(number_of(target.id)), state=state)
    if yes or declines(said.text):
        return phrases.NOT_JOINED
    return None


def _erase(turn: Turn, _case: CaseRow | None, _wish: Wish, said: Said) -> str | None:
    if agrees(said.text):
        turn.resident.erase_at = turn.now + ERASE_AFTER
        return phrases.ERASE_DONE
    if declines(said.text):
        return phrases.ERASE_KEPT
    return None


def _heard(turn: Turn, case: CaseRow | None, _wish: Wish, said: Said) -> str | None:
    """Take the right words for what an engine misheard."""
    match = _MISHEARD.fullmatch(said.text.strip())
    row = turn.book.get(AttachmentRow, turn.other_id) if turn.other_id is not None else None
    if case is None or row is None or match is None or case.state not in OPEN:
        return None
    turn.case, words = case, match["words"]
    intake.correct_transcript(turn.book, turn.city, case, row, words, turn.now)
    place = turn.city.locate_text(words)
    guesses = said.reading.guesses if said.reading else ()
    report = intake.Report(place=place, guesses=guesses, correcting=True, read=True)
    intake.extend_case(turn.book, turn.city, case, report, turn.now)
    return "\n".join([phrases.HEARD_FIXED.format(words=words), standing(turn.city, case, turn.now)])


TAKERS = {"kind": _choose, "join": _join, "erase": _erase, "heard": _heard}
