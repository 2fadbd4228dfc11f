"""Answers to what the bot asked: is it solved, how do you rate it, why; and the same words unasked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot import phrases
from bot.intents import Intent, Wish, answer
from cases import intake, limits
from cases.numbers import number_of, spoken
from cases.workflow import State

if TYPE_CHECKING:
    from datetime import datetime

    from bot.dialogue import Turn
    from cases.storage.tables import CaseRow

RATINGS = {
    Intent.SATISFIED: "satisfied",
    Intent.FAIR: "fair",
    Intent.UNSATISFIED: "unsatisfied",
}
DIGITS = {
    "verify": {"1": Intent.SOLVED, "2": Intent.UNSOLVED},
    "rate": {"1": Intent.SATISFIED, "2": Intent.FAIR, "3": Intent.UNSATISFIED},
}
JUDGEMENTS = frozenset(RATINGS) | {Intent.SOLVED, Intent.UNSOLVED}
REOPEN_OPEN = timedelta(days=limits.REOPEN_DAYS)
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
    return _judge(turn, case, judged, text)


def unasked(turn: Turn, wish: Wish, text: str) -> str | None:
    """Return the reply to a judgement that nobody asked for, about the newest case it fits; None without one."""
    judged = wish if wish.intent in JUDGEMENTS else answer(text, anywhere=True)
    cases = turn.book.cases_of(turn.resident.id)
    if wish.case_id is not None:
        cases = [case for case in cases if case.id == wish.case_id]
    case = next((case for case in cases if case.state == State.RESOLVED or _still_warm(case, turn.now)), None)
    if case is None or judged is None:
        return None
    locked = turn.book.lock_case(case.id)
    return _judge(turn, locked, judged, text) if locked is not None else None


def _still_warm(case: CaseRow, now: datetime) -> bool:
    """Say whether a word on a result may still be about this closed case."""
    return case.state == State.CLOSED and case.ended_at is not None and now - case.ended_at < REOPEN_OPEN


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


def _judge(turn: Turn, case: CaseRow, judged: Wish, text: str) -> str:
    turn.case = case
    if case.state == State.RESOLVED:
        return _verify(turn, case, judged, text)
    if case.state == State.CLOSED and judged.intent is Intent.UNSOLVED:
        intake.reopen(turn.book, turn.city, case, turn.now, words=text)
        return _sent_back(turn, case, judged)
    if case.state == State.CLOSED and judged.intent is not Intent.SOLVED:
        return _rate(turn, case, judged, text)
    turn.ask(None)
    return phrases.THANKS


def _verify(turn: Turn, case: CaseRow, judged: Wish, text: str) -> str:
    solved = judged.intent not in {Intent.UNSOLVED, Intent.UNSATISFIED}
    intake.verify(turn.book, turn.city, case, turn.now, solved=solved, words=text)
    if not solved:
        return _sent_back(turn, case, judged)
    if judged.intent is Intent.SOLVED:
        turn.ask("rate", case)
        return phrases.ASK_RATING.format(number=spoken(number_of(case.id)))
    return _rate(turn, case, judged, "")


def _sent_back(turn: Turn, case: CaseRow, judged: Wish) -> str:
    turn.ask(None if judged.rest else "why", case)
    phrase = phrases.SENT_BACK_WITH_WORDS if judged.rest else phrases.SENT_BACK
    return phrase.format(
        number=spoken(number_of(case.id)),
        holder=turn.city.units[case.holder_id].name,
        contact_by=limits.spoken_time(case.contact_by, turn.now),
    )


def _rate(turn: Turn, case: CaseRow, judged: Wish, text: str) -> str:
    rating = RATINGS[judged.intent]
    intake.rate(turn.book, case, rating, turn.now, words=text)
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
