"""What a message wants: closed lists and patterns for the shortest lines, a model for the rest.

A report is the default: what nobody recognises still reaches a human. Only what is surely something else does not
open a case.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from cases.numbers import case_id_of, find_numbers

if TYPE_CHECKING:
    from collections.abc import Callable


class Intent(StrEnum):
    """What a message wants."""

    REPORT = "report"
    ADD = "add"
    NEW = "new"
    GREETING = "greeting"
    THANKS = "thanks"
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
    RATING = "rating"
    DIGIT = "digit"
    EMPTY = "empty"
    CHAT = "chat"


@dataclass(frozen=True)
class Wish:
    """An intent, and the rest of the words where the intent is only a prefix (新的：…, 不满意，因为…)."""

    intent: Intent
    rest: str = ""
    case_id: int | None = None


# Answers to what the bot asked; they mean this only when it did ask, or when nothing else is said.
SOLVED = (
    r"(?:已经?|都|全)*(?:解决|修好|弄好|处理好|处理完|搞定|清理干净|好|亮)(?:了|啦|咯)+(?![吗么没])"
    r"|(?:对|是的?|可以了|行了|解决)$"
)
UNSOLVED = (
    r"(?:还|根本|又|都)?(?:是)?(?:没有?|未)(?:有)?(?:解决|修好?|弄好?|处理好?|好|人来|清理|亮|变)(?:啊|呢|呀)?"
    r"|(?:没有?|没呢|否|不是的?|不行|不对|老样子|还是老样子|不亮|还那样)$"
)
_END = r"[，,。！!～~\s]*"
_ANSWERS = (
    (Intent.SATISFIED, r"没(?:什么|啥|有)?不满意的?"),
    (
        Intent.UNSATISFIED,
        r"(?:很|非常|太|十分)?不(?:太|是很|怎么)?满意|差评|(?:太|很)差(?:了|劲)?|不(?:太|怎么)?好$|[一1二2][星分]",
    ),
    (Intent.FAIR, r"基本满意|比较满意|还(?:行|可以|好)(?:吧)?|一般(?:般|吧)?|凑合|马马虎虎|就那样|[三3四4][星分]|中评"),
    (
        Intent.SATISFIED,
        r"(?:很|非常|十分|特别|挺)?满意(?:了|的)?|好评|[五5][星分]|满分|(?:很|挺|非常|蛮)好的?|点个?赞|👍",
    ),
    (Intent.UNSOLVED, UNSOLVED),
    (Intent.SOLVED, SOLVED),
)
_ANSWER = tuple((intent, re.compile(rf"(?:{pattern}){_END}(?P<rest>.*)", re.DOTALL)) for intent, pattern in _ANSWERS)
# Whole lines, nothing before or after: the closed lists.
_WHOLE = {
    Intent.GREETING: (
        r"(?:你好|您好|哈喽|喂|嗨|hi|hello|在吗|在么|在不在|有人吗|有人在吗|同志(?:你好|您好)?)[啊呀呢哈]*",
        r"(?:早上?好?|上午好|中午好|下午好|晚上好)[啊呀呢哈]*",
    ),
    Intent.THANKS: (
        r"(?:好的?|嗯|收到|知道了|行|ok|太好了)?[，, ]?(?:谢谢|多谢|感谢|辛苦|麻烦|有劳)(?:了|啦|你们?|您|大家|哈|啊)*",
        r"(?:好的?|嗯+|收到|知道了|明白了?|行|可以|ok|好嘞|好滴|哦+|噢+)(?:了|啦|的)?",
    ),
    Intent.HELP: (
        r"帮助|使用说明|help|(?:如何|咋)(?:用|使用|上报|举报|反映|投诉).{0,4}",
        r"怎么(?:用|弄|操作|使用|举报|上报|反映|投诉)[啊呀呢的]?",
        r"(?:这个?)?是?(?:干嘛|干什么|做什么)用?的?|你(?:能|会|可以)(?:干|做)(?:嘛|什么|啥)",
    ),
    Intent.BEGIN: (
        r"(?:我|俺)?(?:要|想)?(?:投诉|举报|反映(?:问题|情况|个事)?|上报)|(?:我|俺)?有(?:个)?(?:事|问题)(?:要?反映)?",
    ),
    Intent.HUMAN: (
        r"12345",
        r"(?:转|接|找|叫)?人工(?:客服|服务)?|(?:你们)?(?:的)?(?:电话|号码)(?:是)?(?:多少|几号)?|(?:我)?(?:要|想)?打电话(?:说)?",
    ),
    Intent.ANONYMOUS: (
        r"(?:能|可以|可不可以|能不能|要不要|会不会)?(?:匿名|实名|留名字?|暴露我|泄露我)(?:吗|么|不|举报|的?信息)*",
        r"(?:千万)?(?:别|不要)(?:说|告诉(?:他们?|别人|物业)?|让(?:人|他们?|别人)知道)?是我(?:说|反映|举报|投诉)的",
    ),
    Intent.CHAT: (r"不知道(?:啊|呀)?|(?:没|没啥|没有)事(?:了|儿)?|行了+|都行|随便(?:吧)?|哈+|呵+|嗯哼|我不在家",),
    Intent.PROGRESS: (
        r"(?:查一?下?|看一?下?|查询|问一?下?)?(?:我的)?(?:进度|进展|工单|办理情况|处理情况)(?:查询|怎么样了?|呢|如何)?",
        r"(?:现在)?(?:修|弄|处理|解决|办)好?了(?:吗|么|没有?)|(?:啥|什么)时候(?:能|来)?(?:修|来人?|好|弄|办)[啊呀呢完好]?|还要?等?多久(?:啊|呀)?",
        r"(?:怎么)?还?没(?:有)?人来(?:啊|呀|呢)?|有人管吗.{0,6}|到哪(?:一步)?了",
    ),
    Intent.URGE: (
        r"(?:催(?:一下|办|催|单)|快(?:点|些)(?:啊|吧|处理|来)?|抓紧(?:点|处理|时间)?|赶紧的?|能不能快(?:点|些))[啊吧呀了]*",
    ),
    Intent.WHO: (
        r"(?:这事|这个|现在)?(?:是)?(?:谁|哪个部门|哪个单位|哪里)(?:在)?(?:管|负责|办|处理)(?:的|呢|啊|这事)?",
    ),
    Intent.DONE: (r"(?:完成|完了|说完了|发完了|就这些了?|就这样吧?|没有?了|没别的了?)[吧啊哈]*",),
    Intent.JOIN: (r"\+1|(?:我|俺)(?:们?家)?也(?:是|一样|这样)[的啊呀]*|一起关注|(?:我也)?关注",),
    Intent.PRIVACY: (
        r"隐私(?:政策|声明|保护)?|你们?(?:都)?(?:存|留|记)了?(?:我)?(?:的)?(?:什么|哪些|啥)(?:信息|东西|资料)?",
    ),
    Intent.ERASE: (
        r"(?:请|帮我)?(?:删除|删掉|清除|注销)(?:掉)?(?:我)?(?:的)?(?:所有|全部)?(?:个人)?(?:信息|记录|资料|数据|账号)",
    ),
    Intent.WITHDRAW: (
        r"撤回|撤销(?:工单)?|不用(?:来|修|管|处理|办)了.{0,6}|取消(?:上报|工单|吧)?|算了吧?|我撤回.{0,6}|不用了",
    ),
}
_WHOLES = {intent: re.compile("|".join(patterns), re.IGNORECASE) for intent, patterns in _WHOLE.items()}
_NEW = re.compile(
    r"(?:(?:新的(?=[，,：:。\s]|$)|新问题|另外一?(?:件事|个事)|还有(?:一|个|件|另外)*(?:件|个)?(?:事情?|问题)|再(?:报|反映)一个|换个?(?:事|问题)))"
    r"[，,：:。\s]*(?P<rest>.*)",
    re.DOTALL,
)
_ADD = re.compile(r"(?:补充(?:一下|一点)?|再补充(?:一下)?|加一句)[，,：:。\s]*(?P<rest>.+)", re.DOTALL)
_NOT_BUT = re.compile(r"不(?:是|算|属于)[^，,。]{1,12}?[，,。 ]?(?:是|算|属于)(?P<kind>[^，,。]{2,20})[，,。]?$")
_MINE = r"(?:我|上次|上回|之前|前几天|昨天|前天|上周|那天|刚才)"
_PROGRESS = re.compile(
    rf"{_MINE}.{{0,8}}(?:报|反映|投诉|举报|说|提|发)(?:的|过的|了的?|上去的).{{0,14}}"
    r"(?:了吗|了么|了没|没有|怎么样|咋样|呢|进度|到哪|如何|什么时候|有结果|有消息|吗|没)"
    r"|(?:处理|办理?|进行|弄|办)(?:得|的)?(?:到哪|到什么|怎么样|咋样|如何)|(?:有|出)(?:结果|消息|进展|下文)(?:了吗|了没|吗|没有|没)"
    r"|(?:查|看|问)(?:一下|下|询)?.{0,6}进度|进度.{0,4}(?:怎么样|如何|呢)",
)
_SHORT = 14
# Left beside a case number, more than this is a matter of its own.
_BESIDE_A_NUMBER = 10
_NUMBER_ALONE = re.compile(r"(?!12345$|12356$)\d{3,4}[ -]?\d{2,5}")
_NUMBER_WORDS = re.compile(r"[\d\s-]{5,}|工单号?|编号|[：:，,。！!？?]")
_EMOJI_CODE = re.compile(r"\[[^\[\]]{1,4}\]|/:\S{1,4}")
_DIGITS = str.maketrans("一二三", "123")
_CONTACT = re.compile(
    r"(?:我的?)?(?:电话|手机|微信|联系方式)号?码?是?[：: ]*\d[\d -]{5,}"
    r"|.{0,6}(?:点|上午|下午|晚上)(?:以?[前后])?(?:都|才)?(?:在家|有空|在的)"
)
_LETTERS = re.compile(r"[^\W_]", re.UNICODE)
_TRIM = re.compile(r"^[\s，,。.！!～~…]+|[\s，,。.！!～~…]+$")
# The model's word for "no report" counts from this probability on; chat that looks like a matter stays a report.
SURE = 0.55
_MODEL_LABELS = {
    "chat/greeting": Intent.GREETING,
    "chat/thanks": Intent.THANKS,
    "chat/help": Intent.HELP,
    "chat/progress": Intent.PROGRESS,
    "chat/urge": Intent.URGE,
    "chat/rating": Intent.RATING,
    "chat/nonsense": Intent.CHAT,
    "chat/insult": Intent.CHAT,
    "chat/advert": Intent.CHAT,
    "chat/smalltalk": Intent.CHAT,
}


def read(text: str, guess: Callable[[str], tuple[str, float] | None], *, has_place: bool = False) -> Wish:
    """Return what `text` wants. `guess` is the intent model: label and probability, or None without one."""
    line = _TRIM.sub("", _EMOJI_CODE.sub("", text))
    return _by_rules(line) or _by_model(line, guess, has_place=has_place)


def kind_in(text: str) -> str:
    """Return the words that name the kind of matter: of "不是路灯是井盖" only the last."""
    match = _NOT_BUT.search(text)
    return match["kind"] if match else text


def answer(text: str, *, anywhere: bool = False) -> Wish | None:
    """Return the answer to a question of the bot that `text` begins with (or contains), and the words after it."""
    line = _TRIM.sub("", text)
    for intent, pattern in _ANSWER:
        match = pattern.search(line) if anywhere else pattern.match(line)
        if match:
            return Wish(intent, match["rest"].strip() if match.start() == 0 else line)
    return None


def digit(text: str) -> str:
    """Return the one digit that a text chooses, however it is written (2, ２, ②, 二, 回复2), or an empty string."""
    line = unicodedata.normalize("NFKC", _TRIM.sub("", text)).translate(_DIGITS)
    line = re.sub(r"^(?:我?(?:回复?|选|答)|第)\s*|[个、.。]$", "", line)
    return line if len(line) == 1 and line.isascii() and line.isdigit() else ""


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
    for intent, pattern in ((Intent.NEW, _NEW), (Intent.ADD, _ADD)):
        match = pattern.match(line)
        if match:
            return Wish(intent, match["rest"].strip())
    if _CONTACT.fullmatch(line):
        return Wish(Intent.ADD, line)
    if len(line) <= 2 * _SHORT and _PROGRESS.search(line):
        return Wish(Intent.PROGRESS)
    replied = answer(line)
    return replied if replied and len(line) <= _SHORT else None


def _by_number(line: str) -> Wish | None:
    """Return what a line wants that is about a case number; one with a slip in it names no case (id 0)."""
    case_id = next(filter(None, map(case_id_of, find_numbers(line))), None)
    if case_id is None:
        return Wish(Intent.PROGRESS, case_id=0) if _NUMBER_ALONE.fullmatch(line) else None
    words = _NUMBER_WORDS.sub("", line)
    if len(words) > _BESIDE_A_NUMBER and not _PROGRESS.search(words):
        return None
    for intent in (Intent.URGE, Intent.WITHDRAW):
        if _WHOLES[intent].fullmatch(words):
            return Wish(intent, case_id=case_id)
    replied = answer(words) if words else None
    return Wish(replied.intent, replied.rest, case_id) if replied else Wish(Intent.PROGRESS, case_id=case_id)


def _by_model(line: str, guess: Callable[[str], tuple[str, float] | None], *, has_place: bool) -> Wish:
    guessed = guess(line)
    if guessed is None:
        return Wish(Intent.REPORT if len(line) > 1 else Intent.CHAT)
    label, probability = guessed
    if label not in _MODEL_LABELS or probability < SURE or has_place:
        return Wish(Intent.REPORT)
    return Wish(_MODEL_LABELS[label])
