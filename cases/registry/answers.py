"""Canned answers (常用答复) and plans for emergencies (预案)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from cases.registry.columns import Column
from cases.registry.table import Table
from cases.storage.working import CannedRow, PlanRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cases.registry.table import Saving
    from cases.registry.world import Row, World

# What a canned answer may name, and what stands there in the end.
VARIABLES = {"number": "工单号", "title": "诉求", "holder": "承办单位", "finish_by": "办结时间"}
# The kinds of danger (`bot.emergency.Danger`), and what holds for any other.
PLAN_KEYS = {
    "self_harm": "轻生",
    "gas": "燃气泄漏",
    "electricity": "漏电触电",
    "fire": "火灾",
    "mass": "人群聚集",
    "violence": "打架伤人",
    "drowning": "落水",
    "trapped": "被困",
    "collapse": "坍塌",
    "missing": "走失",
    "medical": "急病",
    "general": "其他紧急情况",
}
MOST_STEPS = 12
_NAME = re.compile(r"\{([^{}]*)\}")
_PHONE = re.compile(r"(.+?)[\s:：]+([+\d][\d\- ]{1,30})")


class Canned(Table[CannedRow]):
    """Answers written beforehand, of a unit and those below it, or of all."""

    code = "canned"
    name = "常用答复"
    about = "回复居民时点一下就能用的话，写得亲切些。单位空着，大家都能用。"
    icon = "chat-square-text"
    columns: ClassVar = (
        Column("title", "标题", need=True, longest=40),
        Column("unit", "单位", refers="units", hint="空着，大家都能用；填了，这个单位和它下面的能用"),
        Column(
            "text", "内容", kind="lines", need=True, longest=500,
            hint="可以用 " + "、".join(f"{{{code}}}（{name}）" for code, name in VARIABLES.items()),
        ),
    )  # fmt: skip
    keys = ("unit", "title")
    shown = ("title", "unit", "text")
    searched = ("title", "text")
    order = ("title",)
    unit_attribute = "unit_id"
    of_city = False
    renames = True
    kept = CannedRow

    def check(self, row: Row, old: Row | None, world: World) -> Iterator[tuple[str, str]]:
        """Check the unit and the variables."""
        yield from self.missing(row, world)
        strange = [name for name in _NAME.findall(row["text"]) if name not in VARIABLES]
        if strange or "{" in _NAME.sub("", row["text"]) or "}" in _NAME.sub("", row["text"]):
            allowed = "、".join(f"{{{name}}}" for name in VARIABLES)
            yield "text", f"花括号里只能写 {allowed}"

    def text(self, kept: CannedRow, saving: Saving) -> Row:
        """Return an answer as values."""
        unit = saving.unit_codes[kept.unit_id] if kept.unit_id is not None else ""
        return {"title": kept.title, "unit": unit, "text": kept.text}

    def fill(self, kept: CannedRow, row: Row, saving: Saving) -> None:
        """Put values into an answer."""
        kept.title, kept.text = row["title"], row["text"]
        kept.unit_id = saving.unit_id(row["unit"]) if row["unit"] else None


class Plans(Table[PlanRow]):
    """What to do in each kind of danger, step by step, and whom to call."""

    code = "plans"
    name = "应急预案"
    about = "每种紧急情况先做什么、再做什么、打给谁。警情页上照着办。"
    icon = "shield-exclamation"
    columns: ClassVar = (
        Column("key", "情况", kind="choice", need=True, choices=PLAN_KEYS),
        Column("name", "名称", need=True, longest=40),
        Column("steps", "步骤", kind="lines", need=True, longest=2000, hint="一行一步，短一点"),
        Column("phones", "电话", kind="lines", longest=600, hint="一行一个：名称 号码，如 消防 119"),
    )
    keys = ("key",)
    shown = ("name", "key", "steps", "phones")
    searched = ("name",)
    of_city = False
    kept = PlanRow

    def settle(self, row: Row, world: World) -> Row:
        """Return a row whose phones are written in one way."""
        lines = ((_PHONE.fullmatch(line), line) for line in row["phones"].split("\n"))
        phones = "\n".join(f"{match[1]} {match[2]}" if match else line for match, line in lines)
        return {**super().settle(row, world), "phones": phones}

    def check(self, row: Row, old: Row | None, world: World) -> Iterator[tuple[str, str]]:
        """Check that there are not too many steps, and that each phone has a name and a number."""
        if len(row["steps"].split("\n")) > MOST_STEPS:
            yield "steps", f"最多 {MOST_STEPS} 步，急的时候看不过来"
        for line in filter(None, row["phones"].split("\n")):
            if not _PHONE.fullmatch(line):
                yield "phones", f"“{line}”看不懂，请写成 名称 号码"

    def text(self, kept: PlanRow, saving: Saving) -> Row:
        """Return a plan as values."""
        phones = "\n".join(f"{name} {number}" for name, number in kept.phones)
        return {"key": kept.key, "name": kept.name, "steps": "\n".join(map(str, kept.steps)), "phones": phones}

    def fill(self, kept: PlanRow, row: Row, saving: Saving) -> None:
        """Put values into a plan."""
        matches = (_PHONE.fullmatch(line) for line in row["phones"].split("\n") if line)
        kept.key, kept.name = row["key"], row["name"]
        kept.steps, kept.phones = row["steps"].split("\n"), [[match[1], match[2]] for match in matches if match]
