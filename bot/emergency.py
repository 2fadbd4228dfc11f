"""Words of danger to life, whatever the classifier thinks of them: the reply leads with whom to call.

Plain words that hardly mean anything else. Figures of speech (气炸了, 热死了) stand in none of them.
"""

from __future__ import annotations

import re
from enum import StrEnum

_PERSON = r"(?:人|老人|老太太|老头|孩子|小孩|娃|我|我妈|我爸|奶奶|爷爷|妈|爸|老伴|孙子|孙女|儿子|女儿|邻居)"


class Danger(StrEnum):
    """What kind of help is needed at once."""

    SELF_HARM = "self_harm"
    GAS = "gas"
    FIRE = "fire"
    VIOLENCE = "violence"
    MISSING = "missing"
    RESCUE = "rescue"


# The order counts: the first that fits is the one to act on.
_WORDS = {
    Danger.SELF_HARM: (
        r"不想活了?|活不下去|想死了?|(?:要|想|有人|正)(?:在)?(?:跳楼|跳河|跳桥|自杀|轻生|上吊)|割腕|喝农药"
    ),
    Danger.GAS: r"(?:煤气|燃气|天然气|液化气)[^，。,.]{0,4}(?:泄漏|泄露|漏了|漏气|味)|煤气中毒了?(?!的)",
    Danger.FIRE: r"(?:着|起|失)(?:大)?火了|火灾|烧起来了?|爆炸了|冒(?:黑|浓)烟|冒烟了|触电",
    Danger.VIOLENCE: (
        r"(?:拿|持|动)着?刀|砍人|捅人|绑架|抢劫|打人了|往死里打|打我|被人?打(?:了|伤)|有人在?打架|打起来了|家暴|(?:老公|丈夫|男的)[^，。,.]{0,4}打"
    ),
    Danger.MISSING: rf"{_PERSON}[^，。,.]{{0,4}}(?:走失|走丢|不见了|失踪|找不到了|找不着了)",
    Danger.RESCUE: (
        r"救命|晕倒|昏倒|昏迷|没(?:有)?(?:呼吸|意识)|流(?:了)?(?:好多|很多|一地)血|摔倒了?(?:起不来|不能动)|快不行了"
        r"|落水|溺水|掉(?:进|到|下)(?:了)?(?:河|水|湖|井|坑|沟)里?|(?:河|水|湖)里有人"
        rf"|{_PERSON}[^，。,.]{{0,6}}(?:困在|被困|困住|压在|压住)|(?:楼|墙|房子|房顶|屋顶|脚手架)[^，。,.]{{0,4}}塌|中毒了"
    ),
}
_DANGERS = {danger: re.compile(words) for danger, words in _WORDS.items()}
# What looks alike and is none.
_HARMLESS = re.compile(
    r"(?:怕|担心|容易|会|能|防止|避免|以防|万一|要是)[^，。,.]{0,8}(?:着火|起火|失火|火灾|触电|爆炸|塌|落水|中毒|走丢|救命)了?"
    r"|火灾隐患|落水(?:管|口)|(?:落水|触电|着火|爆炸|坍塌)的?(?:危险|隐患|风险)|差点[^，。,.]{0,8}|救命(?:钱|药)|人命"
    r"|塌(?:陷|下去|了一)|着火一样|打(?:我)?(?:电话|了\d)|打我(?:电话|手机)"
)


def danger_in(text: str) -> Danger | None:
    """Return the present danger that a text speaks of, or None."""
    rest = _HARMLESS.sub("", text)
    return next((danger for danger, words in _DANGERS.items() if words.search(rest)), None)
