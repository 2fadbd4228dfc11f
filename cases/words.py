"""The case book's Chinese: names of states, actions and roles, and the notices that residents get."""

from __future__ import annotations

from cases.workflow import RULES, Action, Relation, State

STATES = {
    State.NEW: "待派单",
    State.ASSIGNED: "待受理",
    State.ACCEPTED: "办理中",
    State.RESOLVED: "待您确认",
    State.CLOSED: "已办结",
    State.REJECTED: "不予受理",
    State.WITHDRAWN: "已撤回",
    State.MERGED: "已并入",
}
# What staff read where the resident's words would be wrong.
STAFF_STATES = STATES | {State.RESOLVED: "待居民核查"}

ACTIONS = {
    Action.SUPPLEMENT: "补充",
    Action.URGE: "催办",
    Action.WITHDRAW: "撤回",
    Action.ACCEPT: "受理",
    Action.REPLY: "回复居民",
    Action.NOTE: "内部备注",
    Action.RETURN: "退回派单台",
    Action.SEND: "转派",
    Action.REJECT: "不予受理",
    Action.REPORT_RESULT: "报告结果",
    Action.VERIFY_PASS: "核查通过",
    Action.VERIFY_FAIL: "核查不通过",
    Action.RATE: "评价",
    Action.REOPEN: "重新办理",
    Action.SET_OUT: "我在路上",
    Action.ASK: "问居民",
    Action.ACKNOWLEDGE: "签收警情",
    Action.COMPLAIN: "对办理不满",
    Action.MERGE: "并入",
}
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
}
# Whose words a transcript is.
TRANSCRIBED_BY = {"wechat": "微信听写", "engine": "机器听写", "resident": "居民改过", "staff": "人工听写"}
# Why a dispatcher should look at a case (`CaseRow.attention`).
ATTENTION = {
    "complaint": "居民对办理不满",
    "human": "居民想和人说话",
    "kind": "居民说类别不对",
    "alarm": "警情没人签收",
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
    "rejected": "{about}这里办不了：\n{text}",
    "result": ("{about}有结果了。\n【{holder}】{text}\n\n请您看看解决了没有：\n回复 1 解决了\n回复 2 没解决"),
    "closed_by_default": (
        "工单 {number}“{title}”一直没等到您的回音，先按办结处理了。\n"
        "要是还没解决，再说一声，我们接着办。也请您评个分：满意、基本满意，还是不满意？"
    ),
}
ABOUT = "您反映的“{title}”（工单 {number}）"
# Followers hear how it goes, in words that tell nothing of the reporter; verifying is the reporter's.
FOLLOWED = "您关注的“{category}”（工单 {number}）"
FOLLOWERS_NOTICES = {
    "accepted": "{about}，{holder}已经接手，{finish_by}前办好。",
    "set_out": "{about}，{holder}的人已经在路上了。",
    "sent": "{about}已转给{holder}。",
    "rejected": "{about}这里办不了：\n{text}",
    "result": "{about}有结果了。\n【{holder}】{text}",
    "closed": "{about}已经办结，谢谢您的关注。",
    "reopened": "{about}还没解决，已退回{holder}重新办。",
}
# The same in brief, where WeChat takes no message of ours any more: which of the account's templates, and the state in
# at most five characters. What is missing here is not sent in brief.
BRIEF = {
    "accepted": ("accepted", "已经接手"),
    "set_out": ("progress", "正在路上"),
    "sent": ("progress", "已经转办"),
    "reply": ("progress", "有了回复"),
    "ask": ("progress", "想问一句"),
    "rejected": ("result", "这里不办"),
    "result": ("result", "有结果了"),
    "closed_by_default": ("result", "已经办结"),
    "closed": ("result", "已经办结"),
    "reopened": ("progress", "重新办理"),
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


def title_of(text: str) -> str:
    """Return the first words of a case, as its name in lists and messages."""
    line = " ".join(text.split())
    if not line:
        return "（没有文字）"
    return line if len(line) <= TITLE_CHARACTERS else line[:TITLE_CHARACTERS] + "…"


def workflow_page() -> str:
    """Return `docs/workflow.md`: the transition table for people, made from the rules."""
    relations = {
        Relation.REPORTER: "居民",
        Relation.HOLDER: "承办单位",
        Relation.SUPERIOR: "上级",
        Relation.DISPATCHER: "派单员",
        Relation.OBSERVER: "分管领导",
        Relation.SYSTEM: "系统",
    }
    lines = [
        "# The life of a case",
        "",
        "Made from `cases/workflow.py` by `python -m cases.words`; a test holds the two together.",
        "",
        "| action 操作 | who 谁 | in state 状态 | then 之后 | needs 要填 |",
        "| --- | --- | --- | --- | --- |",
    ]
    for rule in RULES:
        states = "、".join(STAFF_STATES[state] for state in State if state in rule.states)
        who = "、".join(relations[relation] for relation in rule.by)
        then = STAFF_STATES[rule.to] if rule.to else "不变"
        name = f"`{rule.action}` {ACTIONS[rule.action]}"
        lines.append(f"| {name} | {who} | {states} | {then} | {'、'.join(rule.needs)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(workflow_page(), end="")
