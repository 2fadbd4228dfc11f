"""Hints before an answer is sent: what residents then complain about. They advise, and keep nobody from sending."""

from __future__ import annotations

import re

from cases.workflow import Action

SHORT = 6
_CLAUSES = re.compile(r"[，,。！!；;：:\s]+")
# What is said for politeness, or names the matter again.
_POLITE = re.compile(
    r"(?:您|你)好|尊敬的.{0,6}|请(?:您)?.{0,4}(?:等待|放心|谅解|理解)|(?:非常)?(?:谢谢|感谢).{0,10}|收到.{0,2}"
    r"|(?:您|你)?(?:所)?反映的.{0,8}|您的(?:问题|诉求|情况|事情?|来信)"
)
# Clauses that only say that it went elsewhere; who then did something says more.
_PASSED_ON = re.compile(r"[^已]{0,12}已(?:经)?(?:[将把].{0,10}?)?(?:转|派|上报|反馈|交办|通知|移交|报送).{0,16}")
_NUMERAL = r"[\d零一二两三四五六七八九十半几]"
_TIME = re.compile(
    rf"{_NUMERAL}\s*(?:个\s*)?(?:点|时|小时|钟头|分钟?|天|日|号|月|周|星期|工作日)|\d[:：-]\d|今[天晚早]|明[天早晚]|后天"
    r"|[上下]午|中午|晚上|早上|马上|一会儿|(?:本|这|下)(?:周|月|个月)|月[初底]|(?:周|星期)[一二三四五六日天]|年[初底内]"
)
_WHEN_ASKED = re.compile(r"什么时候|几时|多久|几点|哪天|何时|啥时|还要等|要等多")
_HOW_MUCH_ASKED = re.compile(r"多少钱|怎么收费|收费标准|多少元|要(?:不要)?钱吗|收费吗")
_MONEY = re.compile(rf"{_NUMERAL}\s*(?:元|块|毛|角|万)|\d|免费|不收|不要钱|不用钱")
_WHERE_ASKED = re.compile(r"去哪|到哪(?:里|儿)|在哪(?:里|儿)?(?:办|交|领)|找谁|哪个部门|打什么电话|归谁管")
_PLACE = re.compile(r"号|路|楼|厅|站|所|局|社区|街道|中心|物业|公司|窗口|电话|\d{5,}")
# Something was done: 已…, …了 (what was only seen or heard is nothing yet), or a finding.
_DONE = re.compile(
    r"已(?!经?(?:转|派|知|收|阅|关注|安排|记录|受理|通知|上报|反馈|交办|联系))|(?<![道到解看去来系])了(?!解)"
    r"|没有?发现|未发现|完成|完毕|恢复|到位|通畅|修复|拆除|清运|整改|处罚|罚款|责令|告知书|通知书"
)
# What follows from handing on only when it is said.
_ACHIEVED = re.compile(r"[修弄办搬]好|换上|[好完走掉齐净通上]了")
_LATER = re.compile(r"会|将|正在|尽快|尽早|争取|准备|计划|打算|力争|待|拟")
_BEGUN = re.compile(r"已|了")
# It is said that something was done, and not what.
_VAGUE = re.compile(
    r"(?:该|此|您反映的)?(?:问题|情况|事情?|件|诉求)?(?:已经?)?(?:处理|解决|办结|办理|整改|落实|完成|核实|弄好|办好|好)"
    r"(?:完毕|完成|完|到位|好)?了?"
)
_OFFICIALESE = re.compile(r"高度重视|立即组织|积极协调|根据相关规定|有关部门|妥善处理|进一步|特此|贵方|敬请谅解")

PASSED_ON = "只说了“已转交”：谁在办、什么时候有消息，写一句更安心。"
NO_TIME = "居民问了什么时候，回复里还没有时间。"
NO_MONEY = "居民问了多少钱，回复里还没有说。"
NO_PLACE = "居民问了去哪里、找谁，回复里还没有说。"
NO_RESULT = "还看不出做了什么、结果怎样，写具体些，居民才好核查。"
TOO_SHORT = "有点短，居民可能看不明白。"
STIFF = "“{words}”这样的话，换成大白话更亲切。"
QUESTIONS = (
    (_WHEN_ASKED, _TIME, NO_TIME),
    (_HOW_MUCH_ASKED, _MONEY, NO_MONEY),
    (_WHERE_ASKED, _PLACE, NO_PLACE),
)
RESULTS = frozenset({Action.REPORT_RESULT, Action.SETTLE})


def hints(action: str, text: str, asked: str) -> list[str]:
    """Return what may be missing in `text`; `asked`: what the resident told and asked so far, the latest line last."""
    said = text.strip()
    if not said:
        return []
    clauses = [clause for clause in _CLAUSES.split(said) if clause and not _POLITE.fullmatch(clause)]
    passed_on = bool(clauses) and all(_PASSED_ON.fullmatch(each) and not _TIME.search(each) for each in clauses)
    found = [PASSED_ON] if passed_on and not any(map(_tells_a_result, clauses)) else []
    if action in RESULTS and (found or not any(map(_tells_a_result, clauses))):
        found.append(NO_RESULT)
    elif len(said) < SHORT:
        found.append(TOO_SHORT)
    question = next((line for line in reversed(asked.splitlines()) if _asks(line)), "")
    found += [hint for asks, answers, hint in QUESTIONS if asks.search(question) and not answers.search(said)]
    stiff = _OFFICIALESE.search(said)
    return [*found, STIFF.format(words=stiff[0])] if stiff else found


def _asks(line: str) -> bool:
    return any(asks.search(line) for asks, _, _ in QUESTIONS)


def _tells_a_result(clause: str) -> bool:
    """Say whether a clause tells what was done or found: not only that it was, or that it will be."""
    if _PASSED_ON.fullmatch(clause):
        return _ACHIEVED.search(clause) is not None
    if _VAGUE.fullmatch(clause) or not _DONE.search(clause):
        return False
    return _BEGUN.search(clause) is not None or not _LATER.search(clause)
