"""Answers to what the bot asked: is it solved, how do you rate it, why; and the same words unasked."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from bot import phrases
from bot.intents import JUDGEMENTS, Intent, Wish, agrees, digit
from cases import intake, limits
from cases.numbers import number_of, spoken
from cases.words import title_of
from cases.workflow import SETTLED, UNRESOLVED, State

if TYPE_CHECKING:
    from datetime import datetime

    from bot.turn import Said, Turn
    from cases.city import City
    from cases.storage.tables import CaseRow

RATINGS = {
    Intent.SATISFIED: "satisfied",
    Intent.FAIR: "fair",
    Intent.UNSATISFIED: "unsatisfied",
}
# What, said while the reason is asked for, is plainly no reason.
NO_REASON = frozenset(
    {
        Intent.PROGRESS,
        Intent.URGE,
        Intent.NEW,
        Intent.HELP,
        Intent.GREETING,
        Intent.EMPTY,
        Intent.THANKS,
        Intent.NOD,
        Intent.BEGIN,
    }
)
# What may be an answer in words that nobody foresaw: it is asked about once more, and opens nothing.
UNCLEAR = frozenset({Intent.REPORT, Intent.CHAT, Intent.NOD, Intent.ADD, Intent.DIGIT, Intent.EMPTY})
SHORT = 14
# The digit for "solved in part".
PART = "3"
# Fewer characters than this are no matter of their own.
MATTER = 8
# From this probability on a guess about the kind is taken at its word.
SURE, VERY_SURE = 0.6, 0.9
# How long a question for the reason of a bad word stays open.
REASON_OPEN = timedelta(minutes=30)
PARTLY = re.compile(r"一部分|部分解决|解决了?(?:一半|一些|一点)|(?:好|弄|修|办)了?一半|没全|没完全|还差")
# What is said to an explanation why something cannot be solved.
ACCEPTED = re.compile(r"可以|行(?!不)|好[的吧]?|同意|理解|明白|知道了|那?就?算了|没关系|没事|[那就]*先?这样吧?")
DECLINED = re.compile(
    r"不行|不可以|不同意|不能(?:接受|理解)|不接受|不认可|[请你们]*再想|还是要|必须|凭什么|怎么(?:会|能)办不了"
)
BUT = re.compile(r"但|可是|不过|又|还|一半|没|就是")


def to_question(turn: Turn, wish: Wish, said: Said) -> str | None:
    """Return the reply if a text answers the question that is open; None: it does not, take it as it is."""
    asked, case = turn.asked()
    if asked not in {"verify", "rate", "why"} or case is None or (wish.case_id is not None and wish.case_id != case.id):
        return None
    elsewhere = other_matter(turn.city, case, said)
    if asked == "why":
        return None if elsewhere and len(said.text) >= MATTER else _reason(turn, case, wish, said.text)
    judged = wish if wish.intent in JUDGEMENTS else None
    if asked == "verify" and case.outcome == "unsolved":
        judged = to_explanation(said.text) or judged
    elif asked == "verify" and _in_part(case, said.text):
        judged = Wish(Intent.UNSOLVED, "" if digit(said.text) else said.text)
    if judged is not None and judged.intent is Intent.SOLVED and BUT.search(judged.rest):
        return _again(case)
    if judged is not None:
        return _and_next(turn, case, _judge(turn, case, judged, said.text))
    if wish.intent not in UNCLEAR or len(said.text) > SHORT or elsewhere:
        return None
    if asked == "verify" and _same_kind(case, said):
        return _and_next(turn, case, _judge(turn, case, Wish(Intent.UNSOLVED, said.text), said.text))
    return _again(case) if asked == "verify" else phrases.RATE_AGAIN


def _again(case: CaseRow) -> str:
    """Return the question about a result once more: solved or not, or whether it will do as it is."""
    return phrases.EXPLAINED_AGAIN if case.outcome == "unsolved" else phrases.VERIFY_AGAIN


def _in_part(case: CaseRow, text: str) -> bool:
    """Say whether a part is solved, of what was reported as solved: what cannot be has no parts."""
    return case.outcome != "unsolved" and partly(text)


def to_explanation(text: str) -> Wish | None:
    """Return what is said to why something cannot be solved: that it is accepted, or not; None: neither."""
    if DECLINED.match(text.strip()):
        return Wish(Intent.UNSOLVED, text if len(text) > len("不可以") else "")
    return Wish(Intent.SOLVED) if len(text) <= SHORT and ACCEPTED.match(text.strip()) else None


def partly(text: str) -> bool:
    """Say whether a judgement of a result is that a part of it is solved."""
    return digit(text) == PART or (len(text) <= SHORT and PARTLY.search(text) is not None)


def other_matter(city: City, case: CaseRow, said: Said) -> bool:
    """Say whether a text names another place than the case's, or is surely of another group of kinds."""
    if said.place is not None and said.place.grid_id is not None and said.place.grid_id != case.grid_id:
        return True
    if said.reading is None or not said.reading.guesses:
        return False
    ours = said.reading.guesses[0]
    kinds = [city.categories.get(code or "") for code in (ours.code, case.category_code)]
    groups = {kind.group_name for kind in kinds if kind is not None}
    return ours.probability >= (SURE if len(said.text) >= MATTER else VERY_SURE) and len(groups) > 1


def _same_kind(case: CaseRow, said: Said) -> bool:
    """Say whether a short text speaks of the very thing that the case is about: then it is not solved."""
    guesses = said.reading.guesses if said.reading else ()
    return bool(guesses) and guesses[0].code == case.category_code and guesses[0].probability >= SURE


def _and_next(turn: Turn, case: CaseRow, reply: str) -> str:
    """Ask about the next result that waits for this resident, once nothing else is asked."""
    if turn.resident.asked is not None:
        return reply
    waiting = [each for each in turn.book.cases_of(turn.resident.id) if each.state == State.RESOLVED]
    following = next((each for each in waiting if each.id != case.id), None)
    if following is None:
        return reply
    turn.ask("verify", following)
    number, title = spoken(number_of(following.id)), title_of(following.text)
    question = phrases.NEXT_VERIFY_UNSOLVED if following.outcome == "unsolved" else phrases.NEXT_VERIFY
    return f"{reply}\n\n{question.format(number=number, title=title)}"


def unasked(turn: Turn, wish: Wish, text: str) -> str | None:
    """Return the reply to a judgement that nobody asked for, about the newest case it fits; None without one."""
    cases = turn.book.cases_of(turn.resident.id)
    if wish.case_id is not None:
        cases = [case for case in cases if case.id == wish.case_id]
    case = next((case for case in cases if case.state == State.RESOLVED or intake.may_reopen(case, turn.now)), None)
    if case is None and wish.intent is Intent.SOLVED and agrees(text):
        return phrases.NOD  # a bare "是" says nothing of a result
    if case is None and wish.intent is Intent.SOLVED and cases[:1]:
        return phrases.MAYBE_WITHDRAW if cases[0].state in UNRESOLVED else None
    locked = turn.book.lock_case(case.id) if case is not None else None
    return _judge(turn, locked, wish, text) if locked is not None else None


def dissatisfied(turn: Turn, wish: Wish, said: Said) -> str | None:
    """Take a complaint about a reported result as "not solved"; None without such a result."""
    cases = [case for case in turn.book.cases_of(turn.resident.id) if case.state == State.RESOLVED]
    chosen = next((case for case in cases if wish.case_id in {None, case.id}), None)
    case = turn.book.lock_case(chosen.id) if chosen is not None else None
    return _judge(turn, case, Wish(Intent.UNSOLVED, said.text), said.text) if case is not None else None


def urged(case: CaseRow, holder: str, number: str, now: datetime, *, counted: bool) -> str:
    """Return what is said after an urge: by when, or sorry; one too soon after another is not counted."""
    if not counted and case.due_at is not None and case.due_at > now:
        due = limits.spoken_time(case.due_at, now)
        return phrases.URGED_ALREADY.format(holder=holder, number=number, due=due)
    if case.due_at is None or case.due_at <= now:
        return phrases.URGED_LATE.format(holder=holder, number=number)
    return phrases.URGED.format(holder=holder, number=number, due=limits.spoken_time(case.due_at, now))


def _judge(turn: Turn, case: CaseRow, judged: Wish, text: str) -> str:
    turn.case = case
    if case.state == State.RESOLVED:
        return _verify(turn, case, judged, text)
    if case.state in SETTLED and judged.intent is Intent.UNSOLVED:
        intake.reopen(turn.book, turn.city, case, turn.now, words=text)
        return _sent_back(turn, case, judged)
    if case.state in SETTLED and judged.intent is not Intent.SOLVED:
        return _rate(turn, case, judged, text)
    turn.ask(None)
    return phrases.THANKS


def _verify(turn: Turn, case: CaseRow, judged: Wish, text: str) -> str:
    solved = judged.intent not in {Intent.UNSOLVED, Intent.UNSATISFIED}
    answer = "solved" if solved else "partly" if _in_part(case, text) else "unsolved"
    intake.verify(turn.book, turn.city, case, turn.now, answer=answer, words=text)
    if not solved:
        return _sent_back(turn, case, judged, in_part=answer == "partly")
    if judged.intent is Intent.SOLVED:
        turn.ask("rate", case)
        phrase = phrases.ASK_RATING if case.state == State.CLOSED else phrases.ASK_RATING_UNSOLVED
        return phrase.format(number=spoken(number_of(case.id)))
    return _rate(turn, case, judged, "")


def _sent_back(turn: Turn, case: CaseRow, judged: Wish, *, in_part: bool = False) -> str:
    turn.ask(None if judged.rest else "why", case)
    asking = phrases.SENT_BACK_PARTLY if in_part else phrases.SENT_BACK
    phrase = phrases.SENT_BACK_WITH_WORDS if judged.rest else asking
    return phrase.format(
        number=spoken(number_of(case.id)),
        holder=turn.city.units[case.holder_id].name,
        contact_by=limits.spoken_time(case.contact_by, turn.now),
    )


def _rate(turn: Turn, case: CaseRow, judged: Wish, text: str) -> str:
    rating = RATINGS[judged.intent]
    if case.rating is not None:
        turn.ask(None)
        return phrases.RATED_ALREADY
    intake.rate(turn.book, turn.city, case, rating, turn.now, words=text)
    if judged.rest:
        case.rating_words = judged.rest
    if rating == "unsatisfied" and not judged.rest:
        turn.ask("why", case)
        return phrases.RATED_BAD
    turn.ask(None)
    return phrases.RATED


def _reason(turn: Turn, case: CaseRow, wish: Wish, text: str) -> str | None:
    turn.ask(None)
    if turn.now - turn.quiet_since > REASON_OPEN or wish.intent in NO_REASON:
        return None
    turn.case = case
    intake.explain(turn.book, turn.city, case, text, turn.now)
    return phrases.WHY_NOTED
