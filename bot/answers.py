"""Answers to what the bot asked: is it solved, how do you rate it, why; and the same words unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import phrases
from bot.intents import Intent, Wish, answer
from cases import intake, limits
from cases.numbers import number_of, spoken
from cases.workflow import State

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from bot.dialogue import Turn
    from cases.storage.tables import CaseRow

RATINGS = {
    Intent.SATISFIED: "satisfied",
    Intent.FAIR: "fair",
    Intent.UNSATISFIED: "unsatisfied",
    Intent.SOLVED: "satisfied",
    Intent.UNSOLVED: "unsatisfied",
}
DIGITS = {
    "verify": {"1": Intent.SOLVED, "2": Intent.UNSOLVED},
    "rate": {"1": Intent.SATISFIED, "2": Intent.FAIR, "3": Intent.UNSATISFIED},
}
JUDGEMENTS = frozenset(RATINGS)
# What, said while the reason is asked for, is plainly no reason.
NO_REASON = frozenset({Intent.PROGRESS, Intent.URGE, Intent.NEW, Intent.HELP, Intent.GREETING, Intent.EMPTY})


def to_question(turn: Turn, wish: Wish, text: str, reason_open: timedelta) -> str | None:
    """Return the reply if `text` answers the question that is open; None: it does not, take it as it is."""
    asked, case = turn.asked()
    if asked is None or case is None:
        return None
    if asked == "why":
        return _reason(turn, case, wish, text, reason_open)
    if wish.case_id is not None and wish.case_id != case.id:
        return None
    judged = _judgement(asked, wish, text)
    if judged is None:
        return phrases.VERIFY_AGAIN if asked == "verify" and wish.intent in {Intent.DIGIT, Intent.RATING} else None
    return _judge(turn, case, judged)


def unasked(turn: Turn, wish: Wish, text: str) -> str | None:
    """Return the reply to a judgement that nobody asked for, about the newest case it fits; None without one."""
    judged = wish if wish.intent in JUDGEMENTS else answer(text, anywhere=True)
    cases = turn.book.cases_of(turn.resident.id)
    if wish.case_id is not None:
        cases = [case for case in cases if case.id == wish.case_id]
    case = next((case for case in cases if case.state in {State.RESOLVED, State.CLOSED}), None)
    if case is None or judged is None:
        return None
    locked = turn.book.lock_case(case.id)
    return _judge(turn, locked, judged) if locked is not None else None


def urged(case: CaseRow, holder: str, number: str, now: datetime) -> str:
    """Return what is said after an urge: by when, or sorry."""
    if case.due_at is None or case.due_at <= now:
        return phrases.URGED_LATE.format(holder=holder, number=number)
    return phrases.URGED.format(holder=holder, number=number, due=limits.spoken_time(case.due_at, now))


def _judgement(asked: str, wish: Wish, text: str) -> Wish | None:
    """Return the judgement in an answer: a digit as asked for, or the words wherever they stand."""
    if wish.intent is Intent.DIGIT:
        meant = DIGITS[asked].get(wish.rest)
        return Wish(meant) if meant else None
    if wish.intent in JUDGEMENTS:
        return wish
    if wish.intent is Intent.RATING:
        return answer(text, anywhere=True)
    return None


def _judge(turn: Turn, case: CaseRow, judged: Wish) -> str:
    turn.case = case
    if case.state == State.RESOLVED:
        return _verify(turn, case, judged)
    if case.state == State.CLOSED:
        return _rate(turn, case, judged)
    turn.ask(None)
    return phrases.THANKS


def _verify(turn: Turn, case: CaseRow, judged: Wish) -> str:
    solved = judged.intent not in {Intent.UNSOLVED, Intent.UNSATISFIED}
    intake.verify(turn.book, turn.city, case, turn.now, solved=solved, words=judged.rest)
    number = spoken(number_of(case.id))
    if not solved:
        turn.ask(None if judged.rest else "why", case)
        phrase = phrases.SENT_BACK_WITH_WORDS if judged.rest else phrases.SENT_BACK
        contact_by = limits.spoken_time(case.contact_by, turn.now)
        return phrase.format(number=number, holder=turn.city.units[case.holder_id].name, contact_by=contact_by)
    if judged.intent is Intent.SOLVED:
        turn.ask("rate", case)
        return phrases.ASK_RATING.format(number=number)
    return _rate(turn, case, judged)


def _rate(turn: Turn, case: CaseRow, judged: Wish) -> str:
    rating = RATINGS[judged.intent]
    intake.rate(turn.book, case, rating, turn.now, words=judged.rest)
    if judged.rest:
        case.rating_words = judged.rest
    if rating == "unsatisfied" and not judged.rest:
        turn.ask("why", case)
        return phrases.RATED_BAD
    turn.ask(None)
    return phrases.RATED


def _reason(turn: Turn, case: CaseRow, wish: Wish, text: str, reason_open: timedelta) -> str | None:
    turn.ask(None)
    if turn.now - turn.quiet_since > reason_open or wish.intent in NO_REASON:
        return None
    turn.case = case
    intake.explain(turn.book, case, text, turn.now)
    return phrases.WHY_NOTED
