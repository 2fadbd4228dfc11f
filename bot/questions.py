"""What residents ask of the bot about their cases and themselves: progress, urging, who has it, a person, privacy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import answers, phrases, telling
from bot.idle import is_grievance
from bot.receipts import guide_reply, progress_reply, which_reply
from cases import intake, limits
from cases.numbers import number_of, spoken
from cases.storage.tables import CaseRow
from cases.words import title_of
from cases.workflow import OPEN, UNRESOLVED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.intents import Wish
    from bot.turn import Said, Turn


def progress(turn: Turn, wish: Wish, _said: Said) -> str:
    """Say how the case with this number stands, or all in work, or the last one."""
    if wish.case_id is not None:
        case = _own(turn, wish.case_id, followed=True)
        turn.case = case
        turn.show([case] if case is not None and case.resident_id == turn.resident.id else [])
        return progress_reply(turn.book, turn.city, [case], turn.now) if case else phrases.PROGRESS_UNKNOWN
    cases = turn.book.cases_of(turn.resident.id)
    shown = [case for case in cases if case.state in OPEN]
    shown += [case for case in turn.book.followed_by(turn.resident.id) if case.state in OPEN]
    shown = shown or list(cases[:1])
    turn.show([case for case in shown if case.resident_id == turn.resident.id])
    return progress_reply(turn.book, turn.city, shown, turn.now) if shown else phrases.PROGRESS_NONE


def urge(turn: Turn, wish: Wish, said: Said) -> str:
    """Urge the holder, once in some hours."""
    case, refusal = _meant(turn, wish)
    if case is None:
        return refusal
    turn.case = case
    holder, number = turn.city.units[case.holder_id].name, spoken(number_of(case.id))
    counted = intake.urge(turn.book, turn.city, case, turn.now, words=said.text)
    return answers.urged(case, holder, number, turn.now, counted=counted)


def withdraw(turn: Turn, wish: Wish, said: Said) -> str:
    """End a case at the resident's wish."""
    case, refusal = _meant(turn, wish)
    if case is None:
        return refusal
    intake.withdraw(turn.book, turn.city, case, turn.now, words=said.text)
    turn.case = case
    return phrases.WITHDRAWN.format(number=spoken(number_of(case.id)))


def who(turn: Turn, wish: Wish, said: Said) -> str:
    """Say which unit has a case, and its telephone."""
    case, _refusal = _meant(turn, wish)
    if case is None:
        return progress(turn, wish, said)
    turn.case = case
    unit = turn.city.units[case.holder_id]
    line = phrases.WHO.format(
        number=spoken(number_of(case.id)),
        title=title_of(case.text),
        holder=unit.name,
    )
    return f"{line}\n{phrases.WHO_PHONE.format(holder=unit.name, phone=unit.phone)}" if unit.phone else line


def complain(turn: Turn, wish: Wish, said: Said) -> str:
    """Put a complaint about the handling before the dispatchers; about a reported result it means "not solved"."""
    judged = answers.dissatisfied(turn, wish, said)
    if judged is not None:
        return judged
    case, _refusal = _meant(turn, wish)
    if case is None:
        return telling.take(turn, said)
    turn.taken, turn.case = True, case
    intake.complain(turn.book, turn.city, case, turn.now, words=said.text)
    holder = turn.city.units[case.holder_id]
    phrase = phrases.COMPLAINED_OPEN if holder.kind == "dispatch" else phrases.COMPLAINED
    return phrase.format(holder=holder.name, number=spoken(number_of(case.id)))


def human(turn: Turn, _wish: Wish, said: Said) -> str:
    """Ask a dispatcher to look: at the case being told or the newest in work, else at a new one."""
    cases = _in_work(turn)
    case = turn.gathering or (turn.book.lock_case(cases[0].id) if cases else None)
    if case is not None and case.state in UNRESOLVED:
        turn.taken, turn.case = True, case
        intake.want_human(turn.book, turn.city, case, turn.now, words=said.text)
    else:
        case = _for_a_person(turn, said)
    return _promised(turn, case, phrases.HUMAN)


def consult(turn: Turn, _wish: Wish, said: Said) -> str:
    """Answer from the office guide; what is not in it, or complains, a person answers."""
    guided = "" if is_grievance(said.text) else from_guide(turn, said.text)
    return guided or _promised(turn, _for_a_person(turn, said), phrases.CONSULT)


def elsewhere(turn: Turn, _wish: Wish, said: Said) -> str:
    """Say where to go with what is not handled here."""
    return from_guide(turn, said.text) or phrases.ELSEWHERE


def from_guide(turn: Turn, question: str) -> str:
    """Return what the office guide says to a question: both entries that it may be about, or nothing."""
    return guide_reply(turn.city.guide.find(question))


def _for_a_person(turn: Turn, said: Said) -> CaseRow:
    """Open a case that a dispatcher is to look at; a matter that is being told goes on being told."""
    told = turn.gathering
    case = intake.open_case(turn.book, turn.city, turn.resident, telling.report_of(said), turn.now).case
    turn.taken, turn.case, case.attention = True, case, "human"
    if told is not None:
        case.gathering_until = None
    return case


def _promised(turn: Turn, case: CaseRow, phrase: str) -> str:
    return phrase.format(number=spoken(number_of(case.id)), contact_by=limits.spoken_time(case.contact_by, turn.now))


def anonymous(turn: Turn, _wish: Wish, _said: Said) -> str:
    """Keep it from everyone who reported."""
    intake.stay_anonymous(turn.book, turn.resident, turn.now)
    return phrases.ANONYMOUS


def _meant(turn: Turn, wish: Wish) -> tuple[CaseRow | None, str]:
    """Return the case in work that is meant, locked, or why there is none to be found."""
    if wish.case_id is not None:
        case = _own(turn, wish.case_id)
        usable = case is not None and case.state in UNRESOLVED
        return (case, "") if usable else (None, phrases.PROGRESS_UNKNOWN)
    cases = _in_work(turn)
    gathering = turn.gathering
    chosen = gathering if gathering in cases else _only(cases)
    if chosen is not None:
        return turn.book.lock_case(chosen.id), ""
    return None, which_reply(cases) if cases else phrases.NOTHING_OPEN


def _in_work(turn: Turn) -> list[CaseRow]:
    return [case for case in turn.book.cases_of(turn.resident.id) if case.state in UNRESOLVED]


def _own(turn: Turn, case_id: int, *, followed: bool = False) -> CaseRow | None:
    """Return the case if it is this resident's (or one that they follow): others' numbers tell nothing."""
    case = turn.book.get(CaseRow, case_id)
    if case is None:
        return None
    if case.resident_id == turn.resident.id:
        return turn.book.lock_case(case_id)
    return case if followed and turn.resident.id in turn.book.followers(case_id) else None


def _only(cases: Sequence[CaseRow]) -> CaseRow | None:
    return cases[0] if len(cases) == 1 else None
