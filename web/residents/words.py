"""What residents read on their pages: short, warm, plain. What the bot says is in `bot.phrases`."""

from __future__ import annotations

from dataclasses import dataclass

from cases.workflow import Action, State


@dataclass(frozen=True)
class Message:
    """A page that only says something. `retry`: a button leads in through WeChat."""

    status: int
    title: str
    words: str
    icon: str = "info-circle"
    retry: bool = True


EXPIRED = Message(
    410,
    "这个链接过期了",
    "怕别人看到您的事，链接只管七天。\n在公众号里发“进度”，回话里就有新的。",
    "hourglass-bottom",
)
FORGED = Message(403, "这个链接打不开", "可能没有复制完整。\n在公众号里发“进度”，回话里就有新的。", "link-45deg")
FROM_CHAT = Message(
    403,
    "请从公众号进来",
    "在公众号里发“进度”，点回话里的链接，就能看到您的事。",
    "chat-dots",
    retry=False,
)
NOBODY = Message(
    200, "还没有您的事", "在公众号里说一句：是什么事，在哪里。\n办到哪一步，都能在这里看。", "chat-dots", retry=False
)
UNKNOWN = Message(
    403,
    "没认出您来",
    "请再试一次。还是不行，就在公众号里发“进度”，点回话里的链接。",
    "person-x",
)
AWAY = Message(503, "微信没有回应", "请过一会儿再试，或者在公众号里发“进度”，点回话里的链接。", "wifi-off")
LEFT = Message(200, "已经退出了", "别人拿这部手机，看不到您的事了。", "check-circle")

ERRORS = {
    400: Message(400, "刚才的没有发出去", "这一页开得太久了。请回到“我的事”，再做一次。", "hourglass-bottom"),
    404: Message(404, "没有找到", "地址不对，或者已经不在了。", "search"),
    413: Message(413, "照片太大了", "请一次少选几张，分几次发。", "image"),
    500: Message(500, "我们这边出了点问题", "您的事没有丢。请过一会儿再试。", "cloud-slash"),
}

STATES = {
    State.NEW: "正在安排",
    State.ASSIGNED: "已转交",
    State.ACCEPTED: "正在办",
    State.RESOLVED: "等您确认",
    State.CLOSED: "已办结",
    State.UNSOLVED: "没能解决",
    State.REJECTED: "不归这里管",
    State.WITHDRAWN: "已撤回",
    State.MERGED: "和邻居一起办",
}
STANDING = {
    State.NEW: "派单员正在安排，{due}前给您回话。",
    State.ASSIGNED: "已交给{holder}，{due}前联系您。",
    State.ACCEPTED: "{holder}正在办，{due}前给您结果。",
    State.RESOLVED: "{holder}说办好了，请您看看解决了没有。",
    State.CLOSED: "这件事办结了。",
    State.UNSOLVED: "这件事没能解决，对不住。原因写在下面。",
    State.REJECTED: "这件事不归我们管，该找谁写在下面。",
    State.WITHDRAWN: "您已经撤回了。",
    State.MERGED: "已和邻居的工单并到一起办。",
}
PAUSED = "{holder}问了您一句话，等您回了就接着办。"
EXPLAINED = "{holder}说暂时办不了，请您看看行不行。"
LATE = "在{holder}那里，已经过了说好的时间，对不住。"

# What happened: who and what they did; `{unit}` is the unit of the member of staff.
EVENTS = {
    ("resident", "open"): "您反映了这件事",
    ("resident", "media"): "您发来了语音",
    ("resident", Action.SUPPLEMENT): "您补充了",
    ("resident", Action.URGE): "您催了一次",
    ("resident", Action.WITHDRAW): "您撤回了",
    ("resident", Action.VERIFY_PASS): "您说解决了",
    ("resident", Action.VERIFY_FAIL): "您说还没解决",
    ("resident", Action.RATE): "您评价了",
    ("resident", Action.REMARK): "您补充了几句",
    ("resident", Action.REOPEN): "您说还没解决，重新办",
    ("resident", Action.COMPLAIN): "您对办理有意见",
    ("resident", Action.MERGE): "和邻居一起关注",
    ("staff", Action.ACCEPT): "{unit}接手了",
    ("staff", Action.SET_OUT): "{unit}的人在路上了",
    ("staff", Action.ASK): "{unit}想问您",
    ("staff", Action.SEND): "{unit}转给了该管的单位",
    ("staff", Action.REPLY): "{unit}回复您",
    ("staff", Action.REJECT): "{unit}：这件事不归我们管",
    ("staff", Action.REPORT_RESULT): "{unit}说办好了",
    ("staff", Action.SETTLE): "{unit}当场办好了",
    ("staff", Action.REPORT_UNSOLVED): "{unit}说暂时办不了",
    ("staff", Action.ESCALATE): "{unit}转给了上一级",
    ("staff", Action.GRANT_EXTENSION): "要多花些时间",
    ("staff", Action.MERGE): "和另一件是同一件事，并到一起办",
    ("staff", Action.UNMERGE): "单独给您办",
    ("staff", Action.REOPEN): "我们接着办",
    ("system", Action.VERIFY_PASS): "一直没等到您的回音，先按办结处理",
}
OTHER_EVENT = "有新的进展"

DONE_EXPLAINED = "谢谢您体谅。方便的话，请给办的人评个分。"
DONE = {
    Action.SUPPLEMENT: "收到了，已经加进这件事里。",
    Action.URGE: "已替您催了，办的人看得到。",
    Action.WITHDRAW: "已撤回。以后有事随时说。",
    Action.VERIFY_PASS: "太好了！方便的话，请评个分。",
    Action.VERIFY_FAIL: "明白了，已退回重新办。",
    Action.RATE: "谢谢您的评价。",
    Action.REOPEN: "明白了，我们接着办。",
}


@dataclass(frozen=True)
class FormWords:
    """A page with one form on it."""

    title: str
    hint: str
    label: str
    placeholder: str
    button: str
    photos: bool = False
    warn: bool = False


FORMS = {
    Action.SUPPLEMENT: FormWords(
        "补充几句",
        "您写的、发的照片，办的人马上看得到。",
        "想补充的话",
        "例：就在3栋东边，靠近垃圾房。",
        "发送",
        photos=True,
    ),
    Action.WITHDRAW: FormWords(
        "不用办了？",
        "撤回以后，这件事就不再办了。以后要办，在公众号里再说一次就行。",
        "为什么不用办了（可以不写）",
        "例：物业已经来修好了。",
        "撤回这件事",
        warn=True,
    ),
    Action.REOPEN: FormWords(
        "还没解决？",
        "说一句哪里没弄好，我们接着办。",
        "哪里没弄好（可以不写）",
        "例：井盖还是晃，踩上去响。",
        "请接着办",
    ),
}
ERASED = "已经删好了：{cases} 件事去掉了您的信息，{files} 个文件删掉了。"
MUST_AGREE = "请先勾一下“我明白”。"
