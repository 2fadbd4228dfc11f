"""Hints before an answer is sent: what residents then complain about. They advise, and keep nobody from sending."""

from __future__ import annotations

import re

from cases.workflow import Action

SHORT = 8
# Answers that only say that it went elsewhere.
_PASSED_ON = re.compile(
    r"^(?:您好[，,。！!]?)?(?:您?反映的?(?:问题|情况|事)[，,]?)?(?:我们?)?已(?:经)?"
    r"(?:转交?|转给|转办|派单?|上报|反馈|交办|通知)(?:给|至|到|了)?[^，。；\s]{0,14}"
    r"(?:处理|办理|核实|部门|单位|科室)?[，,。！!]?(?:请(?:您)?(?:耐心)?等待|谢谢)?[。！!]?$"
)
_TIME = re.compile(
    r"\d|[一二两三四五六七八九十]+[点天日号周个]|今天|明天|后天|上午|下午|晚上|马上|本周|下周|月|周[一二三四五六日天]"
)
_WHEN_ASKED = re.compile(r"什么时候|几时|多久|几点|哪天|何时|啥时")
_HOW_MUCH_ASKED = re.compile(r"多少钱|怎么收费|收费标准|多少元")
_MONEY = re.compile(r"\d|元|块|免费|不收")
_WHERE_ASKED = re.compile(r"去哪|在哪(?:里|儿)?办|找谁|哪个部门|打什么电话")
_PLACE = re.compile(r"号|路|楼|厅|站|所|局|社区|街道|中心|电话|\d{5,}")
_DONE = re.compile(
    r"已|完|好了|清|修|换|拆|补|装|通|扶|撤|移|劝|整改|处理|恢复|解决|答复|解释|安排|查|测|罚|通知书|没有发现|未发现"
)
_OFFICIALESE = re.compile(r"高度重视|立即组织|积极协调|根据相关规定|有关部门|妥善处理|进一步|特此|贵方|敬请谅解")

PASSED_ON = "只说了“已转交”：谁在办、什么时候有消息，写一句更安心。"
NO_TIME = "居民问了什么时候，回复里还没有时间。"
NO_MONEY = "居民问了多少钱，回复里还没有说。"
NO_PLACE = "居民问了去哪里、找谁，回复里还没有说。"
NO_RESULT = "还看不出做了什么、结果怎样，写具体些，居民才好核查。"
TOO_SHORT = "有点短，居民可能看不明白。"
STIFF = "“{words}”这样的话，换成大白话更亲切。"


def hints(action: str, text: str, asked: str) -> list[str]:
    """Return what may be missing in `text`; `asked`: what the resident told and asked so far, the latest last."""
    said = text.strip()
    if not said:
        return []
    found = []
    if _PASSED_ON.match(said):
        found.append(PASSED_ON)
    if action in {Action.REPORT_RESULT, Action.SETTLE} and (not _DONE.search(said) or _PASSED_ON.match(said)):
        found.append(NO_RESULT)
    elif len(said) < SHORT:
        found.append(TOO_SHORT)
    for question, answer, hint in (
        (_WHEN_ASKED, _TIME, NO_TIME),
        (_HOW_MUCH_ASKED, _MONEY, NO_MONEY),
        (_WHERE_ASKED, _PLACE, NO_PLACE),
    ):
        if question.search(asked) and not answer.search(said):
            found.append(hint)
    stiff = _OFFICIALESE.search(said)
    if stiff:
        found.append(STIFF.format(words=stiff[0]))
    return found
