"""The actions that a person may take now, as forms."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from cases import facts, handling, limits, tasks, words
from cases.numbers import number_of, spoken
from cases.workflow import Action
from web.console.present import ActionForm, Choice, Field

if TYPE_CHECKING:
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import CaseRow
    from cases.workflow import Rule

# At one go: what a resident wrote is no variable.
VARIABLE = re.compile(r"\{[a-z_]+\}")
Grouped = tuple[tuple[str, tuple[Choice, ...]], ...]

HINTS = {
    Action.ACCEPT: "受理后，居民会收到由谁办、什么时候有结果。",
    Action.SETTLE: "小事当场办好：拍一张办好后的照片，写一句，就办完了。",
    Action.REPORT_RESULT: "写清做了什么、结果怎样，最好配上照片。居民会收到，并请他核查。",
    Action.REPORT_UNSOLVED: "居民会收到：为什么暂时办不了。他不同意，就会退回来接着办。",
    Action.SEND: "会告诉居民转给了谁。",
    Action.ESCALATE: "会告诉居民转给了上一级。写清为什么要上一级来办。",
    Action.ASSIGN: "交给本单位的一个人办，他会收到提醒。",
    Action.REPLY: "居民会在微信里收到。",
    Action.CONTACT: "打过电话、上过门，记一笔。联系上了，就算已经联系居民。",
    Action.RETURN: "居民不会收到这段话。头一次退回给派来的单位，第二次由派单台定。",
    Action.REJECT: "居民会收到：为什么不归我们管，该去找谁。",
    Action.NOTE: "只有工作人员看得到。",
    Action.SET_OUT: "居民会收到：您已经在路上了。",
    Action.ASK: "居民会收到这个问题；等他回话的时候，时限不算。",
    Action.ACKNOWLEDGE: "签收表示已有人在处置：先打电话核实，再通知 119、110、120 或现场人员。",
    Action.MEASURE: "通知了谁、做了什么，随时记。",
    Action.END_ALARM: "危险没有了再点。误报也在这里说明。",
    Action.REVIEW_ALARM: "哪里做得好，哪里慢了，下次怎么办。",
    Action.ASK_HELP: "请别的单位一起办。都答复了，主办才能结。",
    Action.WHISTLE: "叫部门到现场来，最多十个。到没到、做没做，都会记下来。",
    Action.ARRIVE: "告诉吹哨的人：你们已经到了。",
    Action.ANSWER_TASK: "写清到了没有、做了什么，最好配照片。",
    Action.CONFIRM_TASK: "确认他们到了、办了。",
    Action.EMPTY_TASK: "答复了但没有做事，记为空响应，对方会收到。",
    Action.CANCEL_TASK: "不用他们来了。",
    Action.ASK_EXTENSION: "由上一级批。批了，居民会收到新的时间。",
    Action.GRANT_EXTENSION: "同意后，居民会收到新的时间。",
    Action.REFUSE_EXTENSION: "写清为什么，承办单位会收到。",
    Action.MERGE: "和另一件是同一件事，就并过去一起办。居民一样收到进展，也可以再拆开。",
    Action.UNMERGE: "不是同一件事，拆开单独办，会告诉居民。",
    Action.SUPERVISE: "承办单位和分管领导会收到，列表里也标出来。",
    Action.RELEASE: "不用再督办了。",
    Action.REOPEN: "听了居民的话，接着办。居民会收到。",
    Action.SUPPLEMENT: "您写的、拍的，办的人马上看得到。",
    Action.URGE: "承办单位会收到提醒。",
    Action.WITHDRAW: "撤回以后就不再办了。",
    Action.VERIFY_PASS: "看过了，确实办好了。",
    Action.VERIFY_FAIL: "写清哪里还没办好，会退回去重办。",
}
PLACEHOLDERS = {
    Action.SETTLE: "例：倒地的共享单车已扶好、摆齐。",
    Action.REPORT_RESULT: "例：已换上新井盖，周边清扫干净，请放心通行。",
    Action.REPORT_UNSOLVED: "例：这条路明年三月统一翻修，现在先放了警示牌。",
    Action.SEND: "转过去的原因（可不写）",
    Action.ESCALATE: "例：要动用挖机，社区没有，请街道安排。",
    Action.REPLY: "例：师傅下午两点到，请您留意电话。",
    Action.RETURN: "补充说明，建议给谁（可不写）",
    Action.REJECT: "例：这是水费账单的事，我们查不到。",
    Action.ASK: "例：漏水的是厨房还是卫生间？几点方便上门？",
    Action.NOTE: "例：已电话联系物业，约明早现场看。",
    Action.CONTACT: "说了什么（可不写）",
    Action.MEASURE: "例：已打 119，物业在疏散，网格员到场拉了警戒线。",
    Action.END_ALARM: "例：消防到场，明火已灭，无人受伤。",
    Action.REVIEW_ALARM: "例：3 分钟签收，8 分钟到场；下次先断电再进。",
    Action.ASK_HELP: "请他们做什么",
    Action.WHISTLE: "例：请到翠湖小区3栋，一起看看违建怎么拆。",
    Action.ANSWER_TASK: "例：两人 14:10 到场，已贴告知书，周五前拆。",
    Action.EMPTY_TASK: "例：说来了，现场没有人。",
    Action.ASK_EXTENSION: "为什么要多些时间",
    Action.SUPERVISE: "例：居民三次说没办好，请三天内办结。",
}


def _choices(named: dict[str, str]) -> Grouped:
    return (("", tuple(Choice(key, name) for key, name in named.items())),)


SIMPLE_FIELDS = {
    "reason": Field("radio", "reason", "原因", _choices(words.RETURN_REASONS)),
    "how": Field("radio", "how", "怎么联系的", _choices(words.CONTACTS)),
    "where": Field("line", "where", "该去找谁", placeholder="例：自来水公司客服 96116"),
    "other": Field(
        "line", "other", "并入哪个工单", placeholder="工单号，如 100 018", hint="留下来办的那一件，号在它的最上面。"
    ),
}
WITHOUT_TEXT = frozenset(
    {Action.ACCEPT, Action.SET_OUT, Action.ACKNOWLEDGE, Action.ARRIVE, Action.GRANT_EXTENSION, Action.UNMERGE}
)
WITH_PHOTOS = frozenset(
    {
        *(Action.SETTLE, Action.REPORT_RESULT, Action.REPORT_UNSOLVED, Action.REPLY, Action.NOTE),
        *(Action.ANSWER_TASK, Action.SUPPLEMENT),
    }
)


def action_forms(book: Book, city: City, me: Actor, case: CaseRow) -> tuple[ActionForm, ...]:
    """Return a form for each action that this person may take, the likeliest first."""
    return tuple(_form(book, city, me, case, rule) for rule in handling.possible(book, city, me, case))


def action_form(book: Book, city: City, me: Actor, case: CaseRow, action: Action) -> ActionForm | None:
    """Return the form for one action, or None when this person may not take it now."""
    rule = next((each for each in handling.possible(book, city, me, case) if each.action is action), None)
    return _form(book, city, me, case, rule) if rule is not None else None


def _form(book: Book, city: City, me: Actor, case: CaseRow, rule: Rule) -> ActionForm:
    action = rule.action
    sending = action is Action.SEND
    first_send = sending and case.state == "new"
    return ActionForm(
        action=action,
        name="派单" if first_send else words.ACTIONS[action],
        hint=HINTS.get(action, ""),
        placeholder=PLACEHOLDERS.get(action, ""),
        asks_text=action not in WITHOUT_TEXT,
        needs_text="text" in rule.needs,
        asks_photos=action in WITH_PHOTOS,
        two_photos=action in {Action.SETTLE, Action.REPORT_RESULT},
        units=unit_groups(book, city, me, case, chosen=_likely(city, case)) if sending else (),
        categories=kind_groups(city, case.category_code or "") if sending and me.role == "dispatcher" else (),
        fields=tuple(field for need in rule.needs for field in _fields(book, city, me, case, rule, need)),
    )


def _fields(book: Book, city: City, me: Actor, case: CaseRow, rule: Rule, need: str) -> tuple[Field, ...]:
    """Return the fields for one thing that an action needs besides words and a unit."""
    if need in SIMPLE_FIELDS:
        return (SIMPLE_FIELDS[need],)
    if need == "person":
        people = [Choice(str(each.id), each.name) for each in book.staff_of([case.holder_id])]
        return (Field("select", "person", "交给谁", (("", tuple(people)),)),)
    if need == "days":
        days = limits.SUPERVISION_DAYS if rule.action is Action.SUPERVISE else 2
        label = f"几个工作日（最多 {limits.EXTENSION_DAYS}）"
        return (Field("number", "days", label, value=str(days), hint="周末和节假日不算，调休上班算。"),)
    if need == "hours":
        whistle = rule.action is Action.WHISTLE
        label = "几小时内到" if whistle else "几个工作小时内答复"
        value = f"{limits.WHISTLE_HOURS if whistle else limits.HELP_HOURS:g}"
        hint = "从现在算起，下班、夜里也算。" if whistle else "只算对方上班的时间。"
        return (Field("number", "hours", label, value=value, hint=hint),)
    if need == "units":
        return (Field("checks", "units", "请哪些单位", _helpers(book, city, me, case, rule.action)),)
    if need == "task":
        return (Field("radio", "task", "哪一家", _task_choices(book, city, me, case, rule.action)),)
    return ()


def _task_choices(book: Book, city: City, me: Actor, case: CaseRow, action: Action) -> Grouped:
    found = [
        Choice(str(task.id), city.units[task.unit_id].name) for task in tasks.choices(book, case.id, me.unit_id, action)
    ]
    return (("", tuple(found)),)


def _helpers(book: Book, city: City, me: Actor, case: CaseRow, action: Action) -> Grouped:
    """Return the units that may be asked to come or to help."""
    groups: dict[str, list[Choice]] = defaultdict(list)
    for unit in tasks.askable(city, me, case, facts.relations(book, city, me, case), action):
        groups[words.UNIT_KINDS[unit.kind]].append(Choice(unit.code, unit.name))
    return tuple((name, tuple(choices)) for name, choices in groups.items())


def _likely(city: City, case: CaseRow) -> str:
    """Return the code of the unit that the kind of matter names."""
    category = city.categories.get(case.category_code or "")
    return city.queue_unit(category.queue, case.grid_id).code if category else ""


def unit_groups(book: Book, city: City, me: Actor, case: CaseRow, *, chosen: str) -> Grouped:
    """Return the possible targets by kind; the unit with the code `chosen` comes chosen."""
    groups: dict[str, list[Choice]] = defaultdict(list)
    for unit in handling.targets(book, city, me, case):
        groups[words.UNIT_KINDS[unit.kind]].append(Choice(unit.code, unit.name, unit.code == chosen))
    order = ("部门", "网格", "社区", "街道", "区", "市")
    return tuple((name, tuple(groups[name])) for name in order if name in groups)


def kind_groups(city: City, chosen: str) -> Grouped:
    """Return all kinds of matter by group; the one with the code `chosen` comes chosen."""
    groups: dict[str, list[Choice]] = defaultdict(list)
    for category in city.categories.values():
        groups[category.group_name].append(Choice(category.code, category.name, category.code == chosen))
    return tuple((name, tuple(choices)) for name, choices in groups.items())


def filled(city: City, case: CaseRow, text: str) -> str:
    """Return a prepared answer with its variables filled in; what is no variable stays as it is."""
    holder = city.units[case.holder_id]
    values = {
        "{number}": spoken(number_of(case.id)),
        "{title}": words.title_of(case.text),
        "{holder}": holder.name,
        "{phone}": holder.phone,
        "{finish_by}": limits.spoken_time(case.finish_by, case.opened_at),
    }
    return VARIABLE.sub(lambda found: values.get(found[0], found[0]), text)


def canned(book: Book, city: City, me: Actor, case: CaseRow) -> tuple[tuple[str, str], ...]:
    """Return the prepared answers that this person may use, filled in for this case: (title, text)."""
    own = city.units[me.unit_id]
    found = book.canned([own.id, *(unit.id for unit in city.chain(own))])
    return tuple((row.title, filled(city, case, row.text)) for row in found)
