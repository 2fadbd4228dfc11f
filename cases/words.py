"""The case book's Chinese: names of states, actions and roles, and the notices that residents get."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases.workflow import Action, Condition, State

if TYPE_CHECKING:
    from collections.abc import Mapping

STATES = {
    State.NEW: "待派单",
    State.ASSIGNED: "待受理",
    State.ACCEPTED: "办理中",
    State.RESOLVED: "待您确认",
    State.CLOSED: "已办结",
    State.UNSOLVED: "没能解决",
    State.REJECTED: "不归这里管",
    State.WITHDRAWN: "已撤回",
    State.MERGED: "同一件事，已并入",
}
# What staff read where the resident's words would be wrong.
STAFF_STATES = STATES | {State.RESOLVED: "待居民核查"}
# Only who reported can say that it is solved: a case that was closed in silence is not called so.
CONFIRMED = "已解决"

ACTIONS = {
    Action.SUPPLEMENT: "补充",
    Action.URGE: "催办",
    Action.WITHDRAW: "撤回",
    Action.COMPLAIN: "对办理不满",
    Action.VERIFY_PASS: "核查通过",
    Action.VERIFY_FAIL: "核查不通过",
    Action.RATE: "评价",
    Action.REMARK: "评后补充",
    Action.REOPEN: "重新办理",
    Action.ACCEPT: "受理",
    Action.ASSIGN: "交给一个人",
    Action.SET_OUT: "我在路上",
    Action.SETTLE: "当场办结",
    Action.REPORT_RESULT: "报告结果",
    Action.REPORT_UNSOLVED: "说明办不了",
    Action.REPLY: "回复居民",
    Action.ASK: "问居民",
    Action.CONTACT: "记录联系",
    Action.NOTE: "内部备注",
    Action.SEND: "转派",
    Action.ESCALATE: "上报上级",
    Action.RETURN: "退回",
    Action.REJECT: "不归我们管",
    Action.MERGE: "并入",
    Action.UNMERGE: "拆开",
    Action.ASK_HELP: "请人协办",
    Action.WHISTLE: "吹哨",
    Action.ARRIVE: "报到",
    Action.ANSWER_TASK: "答复协办",
    Action.CONFIRM_TASK: "确认响应",
    Action.EMPTY_TASK: "记空响应",
    Action.CANCEL_TASK: "取消协办",
    Action.ASK_EXTENSION: "申请延期",
    Action.GRANT_EXTENSION: "同意延期",
    Action.REFUSE_EXTENSION: "不同意延期",
    Action.SUPERVISE: "督办",
    Action.RELEASE: "解除督办",
    Action.ACKNOWLEDGE: "签收警情",
    Action.MEASURE: "记处置措施",
    Action.END_ALARM: "险情解除",
    Action.REVIEW_ALARM: "复盘",
    Action.RESUME: "时限接着算",
}
# Why an action is not open now.
OBSTACLES = {
    Condition.ALARM_RINGS: "没有等着签收的警情",
    Condition.ALARM_ON: "没有正在处置的警情",
    Condition.ALARM_QUIET: "警情还没有签收、解除",
    Condition.ALARM_OVER: "没有等着复盘的警情",
    Condition.HOLDS: "工单不在您单位",
    Condition.AT_GRID: "只有在网格里的工单能当场办结",
    Condition.AT_DISPATCH: "工单不在派单台",
    Condition.HAS_ABOVE: "上面没有可以上报的单位",
    Condition.SAID_SOLVED: "报告的是办不了",
    Condition.SAID_UNSOLVED: "报告的是已经解决",
    Condition.MAY_RETURN: "已经退回过两次，派单台定了由你们办；有难处请上报、请人协办，或写内部备注",
    Condition.SENT_BY_UNIT: "不是下派来的",
    Condition.TASK_OPEN: "没有等你们答复的协办",
    Condition.NOT_ARRIVED: "已经报到过了",
    Condition.HELPERS_DONE: "协办单位还没有都答复",
    Condition.HELPERS_BUSY: "没有等答复的协办",
    Condition.ANSWERED: "没有等您确认的响应",
    Condition.MAY_EXTEND: "已经在申请延期，或者延期的次数用完了",
    Condition.EXTENSION_ASKED: "没有人申请延期，或者已经批过了",
    Condition.NOT_SUPERVISED: "已经在督办了",
    Condition.SUPERVISED: "没有在督办",
    Condition.NOT_RATED: "这一次已经评过了",
    Condition.PAUSED: "时限没有停",
}
RETURN_REASONS = {
    "not_here": "非本网格",
    "not_ours": "超出职责",
    "duplicate": "重复",
    "too_little": "信息不足",
    "other": "其他",
}
# How a resident was contacted, and what came of it; CONTACTED are those that reached them.
CONTACTS = {
    "called": "打了电话，说上话了",
    "visited": "上门见到了",
    "no_answer": "打了电话，没人接",
    "wrong_number": "号码不对",
    "not_home": "上门没人",
}
CONTACTED = frozenset({"called", "visited"})
SOLVED = {"solved": "解决了", "partly": "解决了一部分", "unsolved": "没解决"}
GO_THERE = "您可以找：{where}"
# What else stands in a history.
EVENTS = {
    "open": "建案",
    "erase": "删除个人信息",
    "media": "发来文件",
    "joined": "邻居也反映",
    "read": "听写、读图完成",
    "transcribed": "人工听写",
    "anonymous": "要求匿名",
    "alarm_widened": "警情没人签收",
    "placed": "写明地点",
    "parted": "拆开",
    "handed_over": "移交",
    "called_back": "回访",
    "called_out": "呼叫值班",
    "yellow_card": "黄牌",
    "red_card": "红牌",
}
# What staff are told of (`cases.messages.tell_staff`).
STAFF_NOTICES = {
    "came": "来了新工单",
    "assigned": "交给您办",
    "verify": "您上报的有结果了，请核查",
    "help": "请你们协办",
    "whistle": "吹哨：请到现场",
    "answered": "协办单位答复了",
    "empty": "响应被记为空响应",
    "task_cancelled": "不用你们协办了",
    "extension": "申请延期，请批",
    "granted": "延期批了",
    "refused": "延期没批",
    "supervised": "督办",
    "yellow_card": "黄牌：快到时限了",
    "red_card": "红牌：过了时限",
    "resumed": "时限接着算了",
    "urged": "上报的人在催",
    "alarm": "警情：请马上签收",
}
# Whose words a transcript is.
TRANSCRIBED_BY = {"wechat": "微信听写", "engine": "机器听写", "resident": "居民改过", "staff": "人工听写"}
# Why a dispatcher should look at a case (`CaseRow.attention`).
ATTENTION = {
    "complaint": "居民对办理不满",
    "human": "居民想和人说话",
    "kind": "居民说类别不对",
    "alarm": "警情没人签收",
    "returned": "第二次退回",
}
OPENED = "建案"
ROUTED = "系统派单"

ROLES = {
    "grid_officer": "网格员",
    "grid_leader": "网格长",
    "community": "社区工作人员",
    "street": "街道工作人员",
    "district": "区中心工作人员",
    "city": "市中心工作人员",
    "department": "部门工作人员",
    "dispatcher": "派单员",
    "leader": "分管领导",
    "admin": "系统管理员",
}

UNIT_KINDS = {
    "city": "市",
    "district": "区",
    "street": "街道",
    "community": "社区",
    "grid": "网格",
    "department": "部门",
    "dispatch": "派单台",
}

RATINGS = {"satisfied": "满意", "fair": "基本满意", "unsatisfied": "不满意"}

# What residents are told. `{about}` begins with whose matter it is: the one they reported, or one that they follow.
NOTICES = {
    "accepted": "{about}，{holder}已经接手，{finish_by}前给您结果。",
    "set_out": "{about}，{holder}的人已经在路上了。",
    "reply": "【{holder}回复】工单 {number}：\n{text}",
    "ask": "【{holder}想问您】工单 {number}：\n{text}\n直接在这里回我就行，我转给他们。",
    "sent": "{about}已转给{holder}，{contact_by}前会联系您。",
    "extended": "{about}要多花些时间，{finish_by}前给您结果。让您久等了。",
    "rejected": "{about}不归我们管：\n{text}",
    "result": (
        "{about}有结果了。\n【{holder}】{text}\n\n"
        "请您看看解决了没有：\n回复 1 解决了\n回复 2 没解决\n回复 3 解决了一部分"
    ),
    "unsolved": (
        "{about}，{holder}看过了，暂时办不了：\n{text}\n\n您看这样行不行：\n回复 1 可以\n回复 2 不行，请再想想办法"
    ),
    "closed_by_default": (
        "工单 {number}“{title}”一直没等到您的回音，先按办结处理了。\n"
        "要是还没解决，再说一声，我们接着办。也请您评个分：满意、基本满意，还是不满意？"
    ),
    "left_by_default": (
        "工单 {number}“{title}”这次没能解决，原因之前跟您说过。没等到您的回音，就先到这里了。\n"
        "情况有变化，再说一声，我们接着办。也请您评个分：满意、基本满意，还是不满意？"
    ),
    "reopened_by_us": "{about}，听了您说的，我们让{holder}接着办，{contact_by}前联系您。",
    "unmerged": "{about}和邻居那件不是一回事，我们单独给您办，在{holder}那里。",
}
ABOUT = "您反映的“{title}”（工单 {number}）"
JOINED = "您反映的“{title}”（工单 {number}）和另一位居民说的是同一件事，并到工单 {other} 一起办了。有进展一样告诉您。"
# Followers hear how it goes, in words that tell nothing of the reporter; verifying is the reporter's.
FOLLOWED = "您关注的“{category}”（工单 {number}）"
FOLLOWERS_NOTICES = {
    "accepted": "{about}，{holder}已经接手，{finish_by}前办好。",
    "set_out": "{about}，{holder}的人已经在路上了。",
    "sent": "{about}已转给{holder}。",
    "extended": "{about}要多花些时间，{finish_by}前办好。",
    "rejected": "{about}不归我们管：\n{text}",
    "result": "{about}有结果了。\n【{holder}】{text}",
    "unsolved": "{about}，{holder}看过了，暂时办不了：\n{text}",
    "closed": "{about}已经解决，谢谢您的关注。",
    "left": "{about}这次没能解决，对不住。",
    "closed_by_default": "{about}已经办完，谢谢您的关注。",
    "left_by_default": "{about}这次没能解决，对不住。",
    "reopened": "{about}还没解决，已退回{holder}重新办。",
    "reopened_by_us": "{about}还没解决，{holder}接着办。",
}
# The same in brief, where WeChat takes no message of ours any more: which of the account's templates, and the state in
# at most five characters. What is missing here is not sent in brief.
BRIEF = {
    "accepted": ("accepted", "已经接手"),
    "set_out": ("progress", "正在路上"),
    "sent": ("progress", "已经转办"),
    "reply": ("progress", "有了回复"),
    "ask": ("progress", "想问一句"),
    "extended": ("progress", "延期办理"),
    "rejected": ("result", "不归这里"),
    "result": ("result", "有结果了"),
    "unsolved": ("result", "暂办不了"),
    "closed_by_default": ("result", "已经办结"),
    "left_by_default": ("result", "没能解决"),
    "closed": ("result", "已经解决"),
    "left": ("result", "没能解决"),
    "merged": ("progress", "并案办理"),
    "unmerged": ("progress", "单独办理"),
    "reopened": ("progress", "重新办理"),
    "reopened_by_us": ("progress", "重新办理"),
}
BRIEF_HINT = "回我一句话，就能看到全部"
# How a message went to the resident, and what became of it.
WAYS = {"customer_service": "微信消息", "template": "模板消息（只有概要）", "subscription": "订阅通知（只有概要）"}
# What stands on a grid's poster; the part of a step after the comma is written smaller.
POSTER = {
    "title": "身边有事，扫码就说",
    "subtitle": "打字、拍照、说话都行，不用填表；有人管，有回音",
    "steps": "微信扫一扫，不用下载\n说事或拍照，几句话就行\n等回音，办好请您评一评",
    "emergency": "着火打 119　　报警打 110　　急救打 120",
}
TITLE_CHARACTERS = 18


def state_of(state: str, solved: str, names: Mapping[State, str]) -> str:
    """Return how a case stands, by these names; solved is what the reporter has said is `solved`."""
    return CONFIRMED if state == State.CLOSED and solved == "solved" else names[State(state)]


def title_of(text: str) -> str:
    """Return the first words of a case, as its name in lists and messages."""
    line = " ".join(text.split())
    if not line:
        return "（没有文字）"
    return line if len(line) <= TITLE_CHARACTERS else line[:TITLE_CHARACTERS] + "…"
