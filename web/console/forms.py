"""The actions that a person may take now, as forms."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from cases import handling, words
from cases.workflow import Action
from web.console.present import ActionForm, Choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cases.access import Actor
    from cases.city import City
    from cases.storage.tables import CaseRow
    from cases.workflow import Rule

Grouped = tuple[tuple[str, tuple[Choice, ...]], ...]

HINTS = {
    Action.ACCEPT: "受理后，居民会收到由谁办、什么时候有结果。",
    Action.REPORT_RESULT: "写清做了什么、结果怎样，最好配上照片。居民会收到，并请他核查。",
    Action.SEND: "会告诉居民转给了谁。",
    Action.REPLY: "居民会在微信里收到。",
    Action.RETURN: "退回给派单员重新派，居民不会收到这段话。",
    Action.REJECT: "居民会收到这段话：为什么办不了，该去哪里办。",
    Action.NOTE: "只有工作人员看得到。",
    Action.SET_OUT: "居民会收到：您已经在路上了。",
    Action.ASK: "居民会收到这个问题，他接着发来的都会进这个工单。",
    Action.ACKNOWLEDGE: "签收表示已有人在处置：先打电话核实，再通知 119、110、120 或现场人员。",
}
PLACEHOLDERS = {
    Action.REPORT_RESULT: "例：已换上新井盖，周边清扫干净，请放心通行。",
    Action.SEND: "转过去的原因（可不写）",
    Action.REPLY: "例：师傅下午两点到，请您留意电话。",
    Action.RETURN: "为什么不该我们办，建议给谁",
    Action.REJECT: "例：这是水费账单的事，请打自来水公司客服。",
    Action.ASK: "例：漏水的是厨房还是卫生间？几点方便上门？",
    Action.NOTE: "例：已电话联系物业，约明早现场看。",
}
REASONS = {Action.RETURN: ("不在本网格", "不是我们的职责", "重复的工单", "信息不够，找不到地方", "其他原因：")}
WITHOUT_TEXT = frozenset({Action.ACCEPT, Action.SET_OUT, Action.ACKNOWLEDGE})
WITH_PHOTOS = frozenset({Action.REPORT_RESULT, Action.REPLY, Action.NOTE})


def action_forms(city: City, me: Actor, case: CaseRow, rules: Sequence[Rule]) -> tuple[ActionForm, ...]:
    """Return a form for each action that staff may take, the likeliest first; without a target there is no sending."""
    ringing = case.alarmed_at is not None and case.acknowledged_at is None
    actions = [
        rule for rule in rules if rule.action in handling.HANDLERS and (ringing or rule.action != Action.ACKNOWLEDGE)
    ]
    forms = [_form(city, me, case, rule) for rule in actions]
    return tuple(form for form in forms if form.action != Action.SEND or form.units)


def _form(city: City, me: Actor, case: CaseRow, rule: Rule) -> ActionForm:
    action = rule.action
    sending = action is Action.SEND
    first_send = sending and case.state == "new"
    return ActionForm(
        action=action,
        name="派单" if first_send else words.ACTIONS[action],
        hint=HINTS[action],
        placeholder=PLACEHOLDERS.get(action, ""),
        asks_text=action not in WITHOUT_TEXT,
        needs_text="text" in rule.needs,
        asks_photos=action in WITH_PHOTOS,
        units=unit_groups(city, me, case, chosen=_likely(city, case)) if sending else (),
        categories=_categories(city, case) if sending and me.role == "dispatcher" else (),
        reasons=REASONS.get(action, ()),
    )


def _likely(city: City, case: CaseRow) -> str:
    """Return the code of the unit that the kind of matter names."""
    category = city.categories.get(case.category_code or "")
    return city.queue_unit(category.queue, case.grid_id).code if category else ""


def unit_groups(city: City, me: Actor, case: CaseRow, *, chosen: str) -> Grouped:
    """Return the possible targets by kind; the unit with the code `chosen` comes chosen."""
    groups: dict[str, list[Choice]] = defaultdict(list)
    for unit in handling.targets(city, me, case):
        groups[words.UNIT_KINDS[unit.kind]].append(Choice(unit.code, unit.name, unit.code == chosen))
    order = ("部门", "网格", "社区", "街道", "区", "市")
    return tuple((name, tuple(groups[name])) for name in order if name in groups)


def _categories(city: City, case: CaseRow) -> Grouped:
    groups: dict[str, list[Choice]] = defaultdict(list)
    for category in city.categories.values():
        chosen = category.code == case.category_code
        groups[category.group_name].append(Choice(category.code, category.name, chosen))
    return tuple((name, tuple(choices)) for name, choices in groups.items())
