"""What a message wants: closed lists for the shortest lines, a model for the rest, and the talk before.

A report is the default: what nobody recognises still reaches a human. Only what is surely something else does not
open a case. `read` is a function of the words, the model's chances and what went before.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from bot import wording
from bot.idle import is_order, is_talk
from cases.numbers import case_id_of, find_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping


class Intent(StrEnum):
    """What a message wants. The model's labels are these words."""

    REPORT = "report"
    ADD = "add"
    NEW = "new"
    GREETING = "greeting"
    THANKS = "thanks"
    NOD = "nod"
    HELP = "help"
    BEGIN = "begin"
    HUMAN = "human"
    ANONYMOUS = "anonymous"
    PROGRESS = "progress"
    URGE = "urge"
    WITHDRAW = "withdraw"
    WHO = "who"
    COMPLAIN = "complain"
    CONSULT = "consult"
    ELSEWHERE = "elsewhere"
    PRIVACY = "privacy"
    ERASE = "erase"
    CORRECT_PLACE = "correct_place"
    CORRECT_KIND = "correct_kind"
    DONE = "done"
    JOIN = "join"
    SOLVED = "solved"
    UNSOLVED = "unsolved"
    SATISFIED = "satisfied"
    FAIR = "fair"
    UNSATISFIED = "unsatisfied"
    DIGIT = "digit"
    EMPTY = "empty"
    CHAT = "chat"


@dataclass(frozen=True)
class Wish:
    """An intent, and the rest of the words where the intent is only a prefix (新的：…, 不满意，因为…).

    `case_id`: the case whose number is named; 0: a number that is no case's.
    """

    intent: Intent
    rest: str = ""
    case_id: int | None = None


@dataclass(frozen=True)
class Before:
    """What went before, as far as it changes what words mean: what the bot asked, a matter being told, cases open."""

    asked: str | None = None
    telling: bool = False
    open: bool = False


NOTHING = Before()
RATINGS = frozenset({Intent.SATISFIED, Intent.FAIR, Intent.UNSATISFIED})
JUDGEMENTS = RATINGS | {Intent.SOLVED, Intent.UNSOLVED}
# What the digits that the bot offers stand for.
DIGITS = {
    "verify": {"1": Intent.SOLVED, "2": Intent.UNSOLVED},
    "rate": {"1": Intent.SATISFIED, "2": Intent.FAIR, "3": Intent.UNSATISFIED},
    "join": {"1": Intent.JOIN},
}
# How much likelier a meaning becomes by what went before.
_EXPECTED = {
    "verify": dict.fromkeys((Intent.SOLVED, Intent.UNSOLVED), 60.0),
    "rate": dict.fromkeys(RATINGS, 60.0),
    "join": {Intent.JOIN: 60.0},
    "why": dict.fromkeys((Intent.REPORT, Intent.COMPLAIN, Intent.UNSOLVED, Intent.UNSATISFIED), 60.0),
}
# The questions whose answer is a judgement.
_ASKED = ("verify", "rate", "why")
_TELLING = dict.fromkeys((Intent.ADD, Intent.DONE, Intent.CORRECT_PLACE, Intent.CORRECT_KIND), 6.0)
_TELLING |= {Intent.WITHDRAW: 2.0, Intent.NOD: 0.5}
_FOLLOWING = (Intent.URGE, Intent.WHO, Intent.PROGRESS, Intent.ADD, Intent.WITHDRAW, Intent.COMPLAIN, Intent.ANONYMOUS)
_OPEN = dict.fromkeys(_FOLLOWING, 4.0)
# What opens a case when it comes first.
_OPENING = frozenset({Intent.REPORT, Intent.CONSULT, Intent.COMPLAIN, Intent.ADD, Intent.NEW, Intent.JOIN})
# To lose a report is the worst error: it weighs more, and most where a place is named or nobody asked for a judgement.
_REPORT_WEIGHT, _WITH_PLACE, _UNASKED = 5.0, 3.0, 3.0
# Below this share nothing but a report is believed; while a question is open, nothing but its answer.
SURE, SURE_THOUGH_ASKED, SEEN = 0.25, 0.9, 0.05

_ANSWERS = tuple(
    (Intent(name), re.compile(rf"(?:{words})[，,。！!～~\s]*(?P<rest>.*)", re.DOTALL | re.IGNORECASE))
    for name, words in wording.ANSWERS
)
_WHOLES = {Intent(name): re.compile("|".join(words), re.IGNORECASE) for name, words in wording.WHOLE.items()}
_ENOUGH = re.compile(wording.ENOUGH, re.IGNORECASE)
_YES, _NO = re.compile(wording.YES), re.compile(wording.NO)
_PREFIXES = ((Intent.NEW, re.compile(wording.NEW, re.DOTALL)), (Intent.ADD, re.compile(wording.ADD, re.DOTALL)))
_KINDS = tuple(map(re.compile, wording.KINDS))
_NO_KIND = re.compile(wording.NO_KIND)
_MINE = r"(?:我|上次|上回|之前|前几天|昨天|前天|上周|那天|刚才)"
_PROGRESS = re.compile(
    rf"{_MINE}.{{0,8}}(?:报|反映|投诉|举报|说|提|发)(?:的|过的|了的?|上去的).{{0,14}}"
    r"(?:了吗|了么|了没|没有|怎么样|咋样|呢|进度|到哪|如何|什么时候|有结果|有消息|吗|没)"
    r"|(?:处理|办理?|进行|弄|办)(?:得|的)?(?:到哪|到什么|怎么样|咋样|如何)|(?:有|出)(?:结果|消息|进展|下文)(?:了吗|了没|吗|没有|没)"
    r"|(?:查|看|问)(?:一下|下|询)?.{0,6}进度|进度.{0,4}(?:怎么样|如何|呢)",
)
_CONFIDENCE = re.compile(r"匿名|保密|不留名|别说是我|不要说是我|别告诉.{0,4}是我")
# A matter told anonymously, thanks that turn into a matter.
_YET_REPORTS = (
    (Intent.ANONYMOUS, re.compile(r"我?要?(?:匿名|不留名)(?:举报|反映|投诉|说)?[一下个]*[，,：: ]+\S{3,}.*")),
    (Intent.THANKS, re.compile(r".*(?:谢|辛苦|麻烦你们).*(?:不过|可是|但|又|这[次回]|就是|另一|还有|我们这).{3,}")),
)
# Without such a word nothing that was said before is corrected.
_CORRECTION = re.compile(
    r"错|不对|不[是在属算准]|更正|纠正|改|应|反|岔|混|而是|为准|重[新发]|写[成的]|实际|其实|[飘偏]|分到|归"
)
_SHORT = 14
# Left beside a case number, more than this is a matter of its own.
_BESIDE_A_NUMBER = 10
_NUMBER_ALONE = re.compile(r"(?!12345$|12356$)\d{3,4}[ -]?\d{2,5}")
_NUMBER_WORDS = re.compile(r"[\d\s-]{5,}|工单号?|编号|[：:，,。！!？?]")
_SPOKEN_NUMBER = re.compile(r"[零〇一二三四五六七八九幺]{6,9}")
_SPOKEN_DIGITS = str.maketrans("零〇一二三四五六七八九幺", "001234567891")
_CHECK_DIGIT_APART = re.compile(r"(?<!\d)(\d{5})[ -](\d)(?!\d)")
_EMOJI_CODE = re.compile(r"\[[^\[\]]{1,4}\]|/:\S{1,4}")
_DIGITS = str.maketrans("一二三", "123")
_CONTACT = re.compile(
    r"(?:我的?)?(?:电话|手机|微信|联系方式)号?码?是?[：: ]*\d[\d -]{5,}"
    r"|.{0,6}(?:点|上午|下午|晚上)(?:以?[前后])?(?:都|才)?(?:在家|有空|在的)"
)
_LETTERS = re.compile(r"[^\W_]", re.UNICODE)
_TRIM = re.compile(r"^[\s，,。.！!～~…]+|[\s，,。.！!～~…]+$")


def read(
    text: str,
    chances: Mapping[str, float],
    before: Before = NOTHING,
    *,
    has_place: bool = False,
    kind: float = 1.0,
) -> Wish:
    """Return what `text` wants.

    `chances`: each label's probability by the intent model, empty without one. `kind`: how probable the likeliest kind
    of matter is.
    """
    line = _TRIM.sub("", _EMOJI_CODE.sub("", text))
    wish = _by_context(line, before) or _by_rules(line)
    if wish is None:
        talk = not has_place and is_talk(line, chances, kind)  # who names a place means something
        wish = _by_model(line, chances, before, has_place=has_place, talk=talk)
    return _with_number(wish, line)


def asks_after(text: str) -> bool:
    """Say whether a text plainly asks how an older case stands."""
    return len(text) <= 2 * _SHORT and _PROGRESS.search(text) is not None


def tells_in_confidence(text: str) -> bool:
    """Say whether who tells a matter does not want to be known."""
    return _CONFIDENCE.search(text) is not None


def kind_in(text: str) -> str:
    """Return the words that name the kind of matter: of "不是路灯是井盖" only the last; none of "分错类了"."""
    line = _TRIM.sub("", text)
    if _NO_KIND.fullmatch(line):
        return ""
    match = next(filter(None, (kinds.fullmatch(line) for kinds in _KINDS)), None)
    return match["kind"] if match else text


def answer(text: str, *, anywhere: bool = False) -> Wish | None:
    """Return the answer to a question of the bot that `text` begins with (or contains), and the words after it."""
    line = _TRIM.sub("", text)
    for intent, pattern in _ANSWERS:
        match = pattern.search(line) if anywhere else pattern.match(line)
        if match:
            return Wish(intent, match["rest"].strip() if match.start() == 0 else line)
    return None


def digit(text: str) -> str:
    """Return the one digit that a text chooses, however it is written (2, ２, ②, 二, 回复2), or an empty string."""
    line = unicodedata.normalize("NFKC", _TRIM.sub("", text)).translate(_DIGITS)
    line = re.sub(r"^(?:我?(?:回复?|选|答)|第)\s*|[个、.。]$", "", line)
    return line if len(line) == 1 and line.isascii() and line.isdigit() else ""


def agrees(text: str) -> bool:
    """Say whether a text is a yes to an offer."""
    return digit(text) == "1" or _YES.fullmatch(text.strip()) is not None


def declines(text: str) -> bool:
    """Say whether a text is a no to an offer."""
    return digit(text) == "2" or _NO.fullmatch(text.strip()) is not None


def _by_context(line: str, before: Before) -> Wish | None:
    """Return what a short line means only because of what went before."""
    meant = DIGITS.get(before.asked or "", {}).get(digit(line))
    if meant is not None:
        return Wish(meant)
    if before.asked == "join" and agrees(line):
        return Wish(Intent.JOIN)
    if before.asked in {"verify", "rate"}:
        replied = answer(line)
        return replied if replied and (not replied.rest or len(line) <= _SHORT) else None
    if before.telling and before.asked is None and _ENOUGH.fullmatch(line):
        return Wish(Intent.DONE)
    return None


def _by_rules(line: str) -> Wish | None:
    if not _LETTERS.search(line):
        return Wish(Intent.SATISFIED if "👍" in line else Intent.HELP if line in {"?", "？"} else Intent.EMPTY)
    if digit(line):
        return Wish(Intent.DIGIT, digit(line))
    numbered = _by_number(line)
    if numbered is not None:
        return numbered
    for intent, pattern in _WHOLES.items():
        if pattern.fullmatch(line):
            return Wish(intent)
    for intent, pattern in _PREFIXES:
        match = pattern.match(line)
        if match:
            return Wish(intent, match["rest"].strip())
    if _CONTACT.fullmatch(line):
        return Wish(Intent.ADD, line)
    return _by_frames(line)


def _by_frames(line: str) -> Wish | None:
    """Return what a line wants by how it is built: a question about progress, an order to an assistant, an answer."""
    if len(line) <= 2 * _SHORT and _PROGRESS.search(line):
        return Wish(Intent.PROGRESS)
    if is_order(line):
        return Wish(Intent.CHAT)
    replied = answer(line)
    return replied if replied and len(line) <= _SHORT else None


def _numbers(line: str) -> tuple[str, list[str]]:
    """Return a line with its spoken and torn numbers put right, and what in it looks like case numbers."""
    line = _SPOKEN_NUMBER.sub(lambda found: found[0].translate(_SPOKEN_DIGITS), line)
    line = _CHECK_DIGIT_APART.sub(r"\1\2", line)
    return line, find_numbers(line)


def _by_number(line: str) -> Wish | None:
    """Return what a line wants that is about a case number; one with a slip in it names no case (id 0)."""
    line, numbers = _numbers(line)
    case_id = next(filter(None, map(case_id_of, numbers)), None)
    if case_id is None:
        return Wish(Intent.PROGRESS, case_id=0) if _NUMBER_ALONE.fullmatch(line) else None
    words = _NUMBER_WORDS.sub("", line)
    if len(words) > _BESIDE_A_NUMBER and not _PROGRESS.search(words):
        return None
    for intent in (Intent.URGE, Intent.WITHDRAW):
        if _WHOLES[intent].fullmatch(words):
            return Wish(intent, case_id=case_id)
    replied = answer(words) if words else None
    if replied is not None:
        return Wish(replied.intent, replied.rest, case_id)
    return None if words and not _PROGRESS.search(words) else Wish(Intent.PROGRESS, case_id=case_id)


def _with_number(wish: Wish, line: str) -> Wish:
    """Return a wish about the case whose number the line names; a number with a slip names none (id 0).

    Of few words that say nothing else, how the case stands is wanted.
    """
    if wish.case_id is not None or wish.intent is Intent.NEW:
        return wish
    line, numbers = _numbers(line)
    case_id = next(filter(None, map(case_id_of, numbers)), None)
    if wish.intent is not Intent.REPORT:
        return replace(wish, case_id=case_id or 0) if numbers else wish
    bare = case_id is not None and len(_NUMBER_WORDS.sub("", line)) <= _BESIDE_A_NUMBER
    return Wish(Intent.PROGRESS, case_id=case_id) if bare else wish


def _by_model(line: str, chances: Mapping[str, float], before: Before, *, has_place: bool, talk: bool) -> Wish:
    if not chances:
        unsure = before.asked in {"verify", "rate"} and len(line) <= _SHORT
        replied = answer(line, anywhere=True) if unsure else None
        return replied or Wish(Intent.REPORT if len(line) > 1 else Intent.CHAT)
    # What an open question makes likelier must show in the words too.
    chances = {label: chance for label, chance in chances.items() if chance >= SEEN or label not in JUDGEMENTS}
    weights = {
        label: chance * _likelier(Intent(label), before, has_place=has_place) for label, chance in chances.items()
    }
    intent = Intent(max(weights, key=lambda label: weights[label]))
    if intent is Intent.CHAT and not talk:
        return Wish(Intent.REPORT)
    if intent in _OPENING and talk and before.asked is None and not before.telling:
        return Wish(Intent.CHAT)
    answers = before.asked in _ASKED and intent not in _EXPECTED[before.asked]
    if weights[intent] < (SURE_THOUGH_ASKED if answers else SURE) * sum(weights.values()):
        return Wish(Intent.REPORT)
    if answers and intent in {Intent.THANKS, Intent.NOD}:
        return answer(line, anywhere=True) or Wish(intent)
    corrects = intent in {Intent.CORRECT_PLACE, Intent.CORRECT_KIND}
    if before.telling and (intent is Intent.ADD or (corrects and not _CORRECTION.search(line))):
        return Wish(Intent.REPORT)  # it joins the matter being told, unless it is plainly another
    if any(intent is seeming and words.fullmatch(line) for seeming, words in _YET_REPORTS):
        return Wish(Intent.REPORT)
    return Wish(intent, line if intent in {Intent.UNSOLVED, Intent.UNSATISFIED} else "")


def _likelier(intent: Intent, before: Before, *, has_place: bool) -> float:
    """Return how much likelier a meaning is than the words alone say."""
    factor = _EXPECTED.get(before.asked or "", {}).get(intent, 1.0)
    if intent is Intent.REPORT:
        return factor * _REPORT_WEIGHT * (_WITH_PLACE if has_place else 1.0)
    if intent in JUDGEMENTS and before.asked not in _ASKED:
        factor /= _UNASKED
    if before.telling:
        factor *= _TELLING.get(intent, 1.0)
    elif before.open:
        factor *= _OPEN.get(intent, 1.0)
    return factor
