"""`docs/workflow.md`: the transition table and the table of alerts for people, made from the rules themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases import limits, words
from cases.cards import TOLD
from cases.workflow import RULES, Condition, Relation, State

if TYPE_CHECKING:
    from cases.limits import Alert
    from cases.workflow import Rule

RELATIONS = {
    Relation.REPORTER: "上报的人",
    Relation.HOLDER: "承办单位",
    Relation.SUPERIOR: "上级",
    Relation.LOCAL: "所在地社区、街道",
    Relation.ABOVE: "上一级",
    Relation.WHISTLER: "社区、街道",
    Relation.HELPER: "协办单位",
    Relation.CALLER: "请协办的单位",
    Relation.FIRST: "首问单位",
    Relation.DISPATCHER: "派单员",
    Relation.OBSERVER: "分管领导",
    Relation.SYSTEM: "系统",
}


def page() -> str:
    """Return the page as Markdown."""
    sizes = ((State, "states"), ({rule.action for rule in RULES}, "actions"), (Relation, "relations"))
    counts = ", ".join(f"{len(each)} {name}" for each, name in (*sizes, (Condition, "conditions"), (RULES, "rules")))
    lines = [
        "# The life of a case",
        "",
        "Made by `python -m cases.workflow_page` from `cases/workflow.py` and `cases/limits.py`; a test compares them.",
        "",
        counts,
        "",
        "| action 操作 | who 谁 | in state 状态 | when 条件 | then 之后 | needs 要填 | follows 随后 | resident hears |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *map(_line, RULES),
        "",
        "## Conditions",
        "",
        "What one reads when a condition is not met.",
        "",
        "| condition | refusal |",
        "| --- | --- |",
        *(f"| `{condition}` | {words.OBSTACLES[condition]} |" for condition in Condition),
        "",
        "## Who is told when of a limit",
        "",
        "In working time of the holder, urgent matters round the clock; of a short limit the last quarter is yellow.",
        "",
        "| card 牌 | when 何时 | who is told 告诉谁 |",
        "| --- | --- | --- |",
        *map(_alert, limits.ALERTS),
    ]
    return "\n".join(lines) + "\n"


def _line(rule: Rule) -> str:
    states = (
        "任何状态"
        if set(rule.states) == set(State)
        else "、".join(words.STAFF_STATES[state] for state in State if state in rule.states)
    )
    return (
        "| "
        + " | ".join(
            (
                f"`{rule.action}` {words.ACTIONS[rule.action]}",
                "、".join(RELATIONS[relation] for relation in rule.by),
                states,
                " ".join(f"`{condition}`" for condition in rule.when),
                words.STAFF_STATES[rule.to] if rule.to else "不变",
                "、".join(rule.needs),
                " ".join(f"`{effect}`" for effect in rule.does),
                f"`{rule.tells}`" if rule.tells else "",
            )
        )
        + " |"
    )


def _alert(alert: Alert) -> str:
    return f"| {alert.card} | {_when(alert.hours)} | {'、'.join(TOLD[name] for name in alert.to)} |"


def _when(hours: float) -> str:
    if hours < 0:
        return f"{-hours:g} 小时之前"
    return f"过后 {hours / limits.DAY_HOURS:g} 个工作日" if hours else "到时限"


if __name__ == "__main__":
    print(page(), end="")
