"""What the bot makes of a resident's words, photos, voices and places: one reply for one message.

`respond` is called inside the message's transaction. It reads the wish, lets the case book act, and returns what to
say; an empty reply means silence. What each wish leads to stands in `HANDLERS`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot import answers, offers, phrases, questions, telling
from bot.emergency import danger_in, happens_now
from bot.idle import is_order, matters
from bot.intents import JUDGEMENTS, NOTHING, Before, Intent, Wish, asks_after, kind_in, read, tells_in_confidence
from bot.turn import Said, Turn
from bot.understanding import Reading
from cases import intake

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.emergency import Danger
    from bot.understanding import Understanding
    from cases.storage.tables import CaseRow

# Words that begin no case of their own when they come alone.
_SMALL = frozenset({Intent.CHAT, Intent.DIGIT})
LETTERS = 2
# So many characters beside a place say no more than where: 门口, 那里, 在…呢.
BESIDE_A_PLACE = 2
# From so much on words name a matter; from this chance on the model's word that they are about an older one counts.
NAMED, SURELY_ABOUT = 2, 0.7
# Longer words say something, whatever they are.
TALKATIVE = 20
CORRECTING = frozenset({Intent.CORRECT_PLACE, Intent.CORRECT_KIND})


def hear(models: Understanding, text: str) -> Said:
    """Return words with what the models make of them: asked before a transaction begins, so that it stays short."""
    if not text:
        return Said(reading=Reading())
    return Said(text, None, None, models.matter(kind_in(text)), models.intents(text), models.danger(text))


def respond(turn: Turn, said: Said) -> str:
    """Return the reply to one message."""
    if not said.text or _only_a_place(said):
        return telling.take(turn, said)
    danger = _danger(said)
    if danger is not None:
        return telling.help_at_once(turn, said, danger)
    before = _before(turn)
    wish = _read(said, before)
    reply = offers.to_offer(turn, wish, said)
    if reply is None:
        reply = answers.to_question(turn, wish, said)
    if reply is None:
        reply = HANDLERS[_meant_as(turn, wish, said, before)](turn, wish, said)
    if said.media is not None and turn.case is not None and not turn.taken:
        intake.keep_media(turn.book, turn.case, said.media, turn.now)
    return reply


def respond_to_voice(turn: Turn, case: CaseRow, said: Said) -> str:
    """Return the reply to a voice of `case` whose words were found later.

    They belong to the case, unless they were no report at all: then the case that the voice opened ends.
    """
    wish = _read(said)
    danger = _danger(said)
    if danger is None and wish.intent in NO_REPORT and _voice_alone(turn, case):
        intake.withdraw(turn.book, turn.city, case, turn.now, words="语音里说的不是上报")
        return HANDLERS[wish.intent](turn, wish, said)
    return telling.heard(turn, case, said, danger)


def _read(said: Said, before: Before = NOTHING) -> Wish:
    """Return what a message wants, by all that is known of it."""
    return read(said.text, said.chances, before, has_place=said.place is not None, kind=_kind_chance(said))


def _only_a_place(said: Said) -> bool:
    """Say whether the words name a place and hardly anything else: that is where, and nothing more."""
    return said.place is not None and len(said.text) - len(said.place.words) <= BESIDE_A_PLACE


def _danger(said: Said) -> Danger | None:
    """Return the present danger in a message; who asks after an earlier case speaks of none, unless it happens now."""
    older = asks_after(said.text) and not happens_now(said.text)
    return None if older else danger_in(said.text, said.danger_guess)


def _voice_alone(turn: Turn, case: CaseRow) -> bool:
    """Say whether a case has nothing but one voice, and nobody has touched it."""
    return not case.text and len(turn.book.attachments(case.id)) == 1 and not intake.in_hands(turn.book, case)


def begin(turn: Turn) -> str:
    """Start a new matter: what comes next is no addition to the last one."""
    return telling.new(turn, Wish(Intent.NEW), Said())


def _meant_as(turn: Turn, wish: Wish, said: Said, before: Before) -> Intent:
    """Return the intent, seen in the light of what was said before.

    What staff asked for is answered by almost any words, and so is danger followed. Small words within a burst add to
    it; who asks after a case but never reported one, and names a place, reports.
    """
    case = turn.gathering
    if case is not None and turn.resident.asked == "answer" and wish.intent in ANSWERING:
        return Intent.ADD
    if case is not None and case.urgent and wish.intent in ANSWERING:
        return Intent.ADD  # "没事了" is for whoever is on their way
    if wish.intent in _SMALL and case is not None and (case.place_asked or len(said.text) >= LETTERS):
        return Intent.REPORT
    if wish.intent in CORRECTING and not before.open and not _names(said):
        return Intent.CHAT
    if wish.intent in OF_A_CASE and wish.case_id is None and not before.open:
        return Intent.REPORT if _tells_a_matter(wish, said) else wish.intent
    return wish.intent


def _tells_a_matter(wish: Wish, said: Said) -> bool:
    """Say whether who has no case yet tells a matter, though the words seem to be about one: place or words name it.

    What the closed lists read is what it seems. The model is believed where it is sure, and finds no kind of matter.
    """
    if said.place is not None and not is_order(said.text):
        return True
    if matters(said.text) < NAMED or read(said.text, {}).intent is not Intent.REPORT:
        return False
    praised = wish.intent is Intent.THANKS
    return said.chances.get(wish.intent, 0.0) < SURELY_ABOUT or (not praised and _kind_chance(said) >= answers.SURE)


def _before(turn: Turn) -> Before:
    """Return what went before this message, as far as it changes what words mean."""
    asked, telling_now = turn.resident.asked, turn.gathering is not None
    return Before(asked, telling=telling_now, open=telling_now or bool(turn.book.cases_of(turn.resident.id)))


def _report(turn: Turn, wish: Wish, said: Said) -> str:
    """Take a matter; one that is told in confidence makes the resident anonymous."""
    reply = telling.take(turn, said)
    if not tells_in_confidence(said.text):
        return reply
    return "\n".join(filter(None, (reply, questions.anonymous(turn, wish, said))))


def _judged(turn: Turn, wish: Wish, said: Said) -> str:
    """Take a word on a result that nobody asked for just now: it goes to the newest case it can be about.

    "还在漏" without such a case is more of what is being handled, or a matter of its own.
    """
    reply = answers.unasked(turn, wish, said.text)
    bad = wish.intent in {Intent.UNSOLVED, Intent.UNSATISFIED} and len(said.text) > LETTERS
    if reply is None and bad and (_names(said) or turn.book.cases_of(turn.resident.id)):
        return telling.take(turn, said) if turn.gathering is not None else questions.complain(turn, wish, said)
    return reply or phrases.NOT_UNDERSTOOD


def _new(turn: Turn, wish: Wish, said: Said) -> str:
    """Begin another matter; what announces it may tell it too."""
    return telling.new(turn, replace(wish, rest=said.text) if not wish.rest and _tells(said) else wish, said)


def _join(turn: Turn, _wish: Wish, said: Said) -> str:
    """Nothing was offered to be joined: who says what the matter is tells it."""
    return telling.take(turn, said) if _tells(said) else phrases.INVITE


def _names(said: Said) -> bool:
    """Say whether words name a place, or something that may be a matter."""
    return said.place is not None or bool(matters(said.text)) or len(said.text) > TALKATIVE


def _tells(said: Said) -> bool:
    """Say whether words name a matter: its place, or surely its kind."""
    return said.place is not None or _kind_chance(said) >= answers.SURE


def _kind_chance(said: Said) -> float:
    """Return how probable the likeliest kind of matter is; 0 without a guess."""
    guesses = said.reading.guesses if said.reading is not None else ()
    return guesses[0].probability if guesses else 0.0


def _say(phrase: Callable[[], str]) -> Callable[[Turn, Wish, Said], str]:
    """Say a text of the catalogue as it is at that moment."""
    return lambda _turn, _wish, _said: phrase()


# What a voice may want that is no report.
NO_REPORT = frozenset(
    {Intent.PROGRESS, Intent.WHO, Intent.URGE, Intent.HUMAN, Intent.PRIVACY, Intent.ERASE, Intent.ANONYMOUS}
    | {Intent.GREETING, Intent.THANKS, Intent.HELP, Intent.CONSULT, Intent.ELSEWHERE, Intent.COMPLAIN}
    | JUDGEMENTS
)
# What may be the answer to a question from staff, beside a plain report.
ANSWERING = JUDGEMENTS | {Intent.CHAT, Intent.DIGIT, Intent.NOD}
# What only means something to who has, or had, a case; or says next to nothing.
OF_A_CASE = (
    JUDGEMENTS
    | {Intent.PROGRESS, Intent.URGE, Intent.WHO, Intent.WITHDRAW, Intent.DONE, Intent.THANKS, Intent.ANONYMOUS}
    | {Intent.GREETING, Intent.NOD, Intent.HELP, Intent.PRIVACY, Intent.ERASE}
)
HANDLERS: dict[Intent, Callable[[Turn, Wish, Said], str]] = {
    Intent.REPORT: _report,
    Intent.NEW: _new,
    Intent.ADD: telling.add,
    Intent.CORRECT_PLACE: telling.correct_place,
    Intent.CORRECT_KIND: telling.correct_kind,
    Intent.DONE: telling.done,
    Intent.JOIN: _join,
    Intent.PROGRESS: questions.progress,
    Intent.WHO: questions.who,
    Intent.URGE: questions.urge,
    Intent.WITHDRAW: questions.withdraw,
    Intent.COMPLAIN: questions.complain,
    Intent.HUMAN: questions.human,
    Intent.CONSULT: questions.consult,
    Intent.ELSEWHERE: questions.elsewhere,
    Intent.ANONYMOUS: questions.anonymous,
    Intent.PRIVACY: _say(lambda: phrases.PRIVACY),
    Intent.ERASE: lambda turn, _wish, _said: offers.ask_erase(turn),
    **dict.fromkeys(JUDGEMENTS, _judged),
    Intent.GREETING: _say(lambda: phrases.GREETING),
    Intent.THANKS: _say(lambda: phrases.THANKS),
    Intent.NOD: _say(lambda: phrases.NOD),
    Intent.HELP: _say(lambda: phrases.HOW_TO),
    Intent.BEGIN: lambda turn, _wish, _said: begin(turn),
    Intent.DIGIT: _say(lambda: phrases.NOT_UNDERSTOOD),
    Intent.EMPTY: _say(lambda: phrases.NO_WORDS),
    Intent.CHAT: _say(lambda: phrases.CHAT),
}
