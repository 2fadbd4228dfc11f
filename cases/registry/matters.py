"""Kinds of matter (类别) with their queues and hours, and the limits (时限) that differ from a kind's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cases.registry.columns import NO, YES, YES_NO, Column, plain_number, yes
from cases.registry.table import Table
from cases.storage.tables import CategoryRow
from cases.storage.working import LimitRow
from cases.words import UNIT_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cases.registry.table import Change, Saving
    from cases.registry.world import Row, World
    from cases.storage import Book

# Queues that go by the place of a case.
BY_PLACE = {"grid": "所在网格", "street": "所在街道"}
HOURS = ("accept_hours", "contact_hours", "finish_hours")
LONGEST_HOURS = 2000.0
LONGEST_DAYS = 60.0
HOUR_COLUMNS = (
    Column(
        "accept_hours",
        "受理（小时）",
        kind="number",
        need=True,
        low=0,
        high=LONGEST_HOURS,
        hint="多久接手，按工作时间算",
    ),
    Column(
        "contact_hours",
        "首次联系（小时）",
        kind="number",
        need=True,
        low=0,
        high=LONGEST_HOURS,
        hint="多久跟居民说上话",
    ),
    Column("finish_hours", "办结（小时）", kind="number", need=True, low=0, high=LONGEST_HOURS, hint="多久有结果"),
)


def _hours_fault(row: Row) -> Iterator[tuple[str, str]]:
    accept, contact, finish = (float(row[name]) for name in HOURS)
    if not accept <= contact <= finish:
        yield "finish_hours", "时限要一个比一个长：受理、首次联系、办结"


class Categories(Table[CategoryRow]):
    """Kinds of matter in two levels. A kind that cases have cannot go, so none can be deleted."""

    code = "categories"
    name = "类别"
    about = "什么事归谁办、多久办完。新加的类别先由派单员确认，准了再自动派。"
    icon = "tags"
    columns: ClassVar = (
        Column("code", "编号", kind="code", need=True, longest=60, hint="写成 大类/小类，如 facility/manhole"),
        Column("name", "名称", need=True, longest=40),
        Column("group_name", "大类", need=True, longest=40),
        Column("queue", "默认送到", need=True, longest=60, finds="queues", hint="所在网格、所在街道，或者单位的编号"),
        Column(
            "needs_place", "要问地点", kind="check", choices=YES_NO, default=YES, hint="居民没说在哪里，机器人就问一句"
        ),
        Column("urgent", "紧急", kind="check", choices=YES_NO, default=NO, hint="紧急的昼夜不停地算"),
        *HOUR_COLUMNS,
    )
    keys = ("code",)
    shown = ("name", "group_name", "queue", "urgent", "accept_hours", "contact_hours", "finish_hours")
    searched = ("name", "code", "group_name")
    filtered = "group_name"
    order = ("group_name", "code")
    deletes = False
    kept = CategoryRow

    def settle(self, row: Row, world: World) -> Row:
        """Return a row with the queue that is meant."""
        by_place = next((code for code, name in BY_PLACE.items() if row["queue"] in {code, name}), None)
        return {**row, "queue": by_place or world.resolve("units", row["queue"])}

    def check(self, row: Row, old: Row | None, world: World) -> Iterator[tuple[str, str]]:
        """Check code, queue and hours."""
        group, slash, kind = row["code"].partition("/")
        if slash and not (group and kind):
            yield "code", "写成 大类/小类，两边都要有"
        unit = world.rows("units").get(row["queue"])
        if row["queue"] not in BY_PLACE and unit is None:
            yield "queue", f"没有单位“{row['queue']}”，可以写单位的编号，或者 {'、'.join(BY_PLACE.values())}"
        elif unit is not None and unit["off"] == YES:
            yield "queue", f"{unit['name']}已经停用"
        yield from _hours_fault(row)

    def choices(self, world: World) -> dict[str, str]:
        """Return the groups that there are."""
        groups = {row["group_name"]: row["group_name"] for row in world.rows("categories").values()}
        return dict(sorted(groups.items()))

    def text(self, kept: CategoryRow, saving: Saving) -> Row:
        """Return a kind as values."""
        return {
            "code": kept.code,
            "name": kept.name,
            "group_name": kept.group_name,
            "queue": kept.queue,
            "needs_place": yes(kept.needs_place),
            "urgent": yes(kept.urgent),
        } | {name: plain_number(getattr(kept, name)) for name in HOURS}

    def fill(self, kept: CategoryRow, row: Row, saving: Saving) -> None:
        """Put values into a kind. One that is new to a city in use waits for the dispatchers first."""
        if kept.code is None:
            kept.auto = saving.loading
        kept.code, kept.name, kept.group_name = row["code"], row["name"], row["group_name"]
        kept.queue, kept.needs_place, kept.urgent = row["queue"], row["needs_place"] == YES, row["urgent"] == YES
        kept.accept_hours, kept.contact_hours, kept.finish_hours = (float(row[name]) for name in HOURS)

    def save(self, book: Book, changes: Sequence[Change], saving: Saving) -> None:
        """Write kinds."""
        for change in changes:
            kept = book.get(CategoryRow, change.new["code"]) or CategoryRow()
            self.fill(kept, change.new, saving)
            book.add(kept)


class Limits(Table[LimitRow]):
    """Limits for a kind, a level, urgent matters or not. An empty part means any."""

    code = "limits"
    name = "时限"
    about = "跟类别自己的时限不一样的：按类别、层级、紧急与否另定。空着就是不限。"
    icon = "hourglass-split"
    columns: ClassVar = (
        Column("category", "类别", refers="categories", hint="写编号或名称，空着就是所有类别"),
        Column("level", "层级", kind="choice", choices=UNIT_KINDS, hint="承办单位的类型，空着就是哪一级都算"),
        Column("urgency", "紧急", kind="choice", choices={YES: "紧急", NO: "不紧急"}, hint="空着就是不分"),
        *HOUR_COLUMNS,
        Column(
            "verify_days",
            "等居民核查（天）",
            kind="number",
            default="7",
            low=0,
            high=LONGEST_DAYS,
            hint="过了这些天没有回音，先按办结",
        ),
    )
    keys = ("category", "level", "urgency")
    shown = ("category", "level", "urgency", *HOURS, "verify_days")
    searched = ("category_code",)
    filtered = "level"
    order = ("category_code", "level", "urgency")
    renames = True
    kept = LimitRow

    def title_of(self, row: Row) -> str:
        """Return what a limit is for."""
        parts = [self.column(name).show(row[name]) for name in self.keys if row[name]]
        return "、".join(parts) or "所有工单"

    def check(self, row: Row, old: Row | None, world: World) -> Iterator[tuple[str, str]]:
        """Check the kind and the hours."""
        yield from self.missing(row, world)
        yield from _hours_fault(row)

    def text(self, kept: LimitRow, saving: Saving) -> Row:
        """Return a limit as values."""
        numbers = {name: plain_number(getattr(kept, name)) for name in (*HOURS, "verify_days")}
        return {"category": kept.category_code, "level": kept.level, "urgency": kept.urgency} | numbers

    def fill(self, kept: LimitRow, row: Row, saving: Saving) -> None:
        """Put values into a limit."""
        kept.category_code, kept.level, kept.urgency = row["category"], row["level"], row["urgency"]
        kept.accept_hours, kept.contact_hours, kept.finish_hours = (float(row[name]) for name in HOURS)
        kept.verify_days = float(row["verify_days"])
