"""Words of danger to life, whatever the classifier thinks of them: the reply leads with the emergency numbers.

Plain words that hardly mean anything else. Figures of speech (气炸了, 热死了) stand in none of them.
"""

from __future__ import annotations

import re

_DANGER = re.compile(
    r"(?:着|起|失)火了|火灾|正在烧起来|(?:煤气|燃气|天然气|液化气)(?:好像)?(?:泄漏|泄露|漏了|漏气)|爆炸了|触电|中毒了|"
    r"(?:晕倒|昏倒|昏迷|没(?:有)?(?:呼吸|意识)|流(?:了)?(?:好多|很多|一地)血)|"
    r"(?:落水|溺水|掉(?:进|到)(?:河|水|湖|井|坑)里)|(?:要|想)(?:跳楼|自杀|轻生)|不想活了|割腕|"
    r"(?:拿|持|动)(?:着)?刀|砍人|捅人|绑架|抢劫|"
    r"(?:人|老人|孩子|小孩|我|奶奶|爷爷)[^，。,.]{0,6}(?:困在|被困|压在)|(?:楼|墙|房子|脚手架)[^，。,.]{0,4}(?:塌了|倒塌|坍塌)"
)
# What looks alike and is none.
_HARMLESS = re.compile(
    r"怕[^，。,.]{0,6}(?:着火|起火|火灾|触电|爆炸)|(?:容易|会|防止|避免|以防)[^，。,.]{0,4}(?:着火|起火|火灾|触电)|火灾隐患|落水(?:管|口)|(?:落水|触电|着火|爆炸)(?:的)?(?:危险|隐患|风险)"
)


def is_emergency(text: str) -> bool:
    """Say whether a text speaks of present danger to life."""
    return bool(_DANGER.search(_HARMLESS.sub("", text)))
