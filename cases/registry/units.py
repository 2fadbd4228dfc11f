"""Units (单位): their tree, their kinds, and which may be switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cases.registry.columns import NO, YES, YES_NO, Column, listed, yes
from cases.registry.table import Saving, Table
from cases.storage.tables import UnitRow
from cases.words import UNIT_KINDS
from cases.worktime import ALWAYS_WORDS, parse_opening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cases.registry.table import Change
    from cases.registry.world import Row, World
    from cases.storage import Book

LEVELS = ("city", "district", "street", "community", "grid")
# A unit that stands beside the levels is below one of these.
ABOVE_OTHERS = frozenset({"city", "district", "street", "department"})
OPENING_HINT = "不填就跟上级一样。写成 9:00-12:00 13:30-17:30，或 每天 8:00-20:00，或 全天"


class Units(Table[UnitRow]):
    """City, districts, streets, communities, grids, departments, and the dispatchers' desk."""

    code = "units"
    name = "单位"
    about = "市、区、街道、社区、网格、部门和派单台，每个都是一个队列。"
    icon = "building"
    columns: ClassVar = (
        Column("code", "编号", kind="code", need=True, longest=60, hint="定了就不改，二维码和规则都认它"),
        Column("name", "名称", need=True),
        Column("kind", "类型", kind="choice", need=True, choices=UNIT_KINDS),
        Column("parent", "上级单位", refers="units", hint="写编号，名称没有重的也行"),
        Column("phone", "电话", longest=40),
        Column("opening", "工作时间", longest=60, hint=OPENING_HINT),
        Column("former_codes", "旧编号", kind="list", longest=400, hint="贴出去的二维码还认的；几个之间用分号"),
        Column("off", "停用", kind="check", choices=YES_NO, default=NO, hint="还有工单、下级或人员的停不了"),
    )
    keys = ("code",)
    shown = ("name", "kind", "parent", "phone", "off")
    searched = ("name", "code")
    filtered = "kind"
    unit_attribute = "id"
    deletes = False
    kept = UnitRow

    def check(self, row: Row, old: Row | None, world: World) -> Iterator[tuple[str, str]]:
        """Check a unit's place in the tree, its codes, and whether it may be switched off."""
        yield from self.missing(row, world)
        try:
            parse_opening(row["opening"] or ALWAYS_WORDS)
        except ValueError as error:
            yield "opening", str(error)
        if old is not None and old["kind"] != row["kind"]:
            yield "kind", f"类型定了就不能改，原来是{UNIT_KINDS[old['kind']]}；请停用它，另建一个"
        yield from ((name, words) for name, words in _place_faults(row, world))
        if row["off"] == YES and row["kind"] == "dispatch":
            yield "off", "派单台不能停用"
        elif row["off"] == YES and (old is None or old["off"] == NO):
            yield from (("off", words) for words in holding(row["code"], world))

    def check_all(self, world: World) -> Iterator[str]:
        """There is one dispatchers' desk, and a code means one unit only."""
        rows = world.rows("units")
        if sum(row["kind"] == "dispatch" for row in rows.values()) != 1:
            yield "应有且只有一个派单台"
        for row in rows.values():
            for former in listed(row["former_codes"]):
                if former in rows:
                    yield f"{row['name']}的旧编号 {former} 现在是{rows[former]['name']}的编号"

    def text(self, kept: UnitRow, saving: Saving) -> Row:
        """Return a unit as values."""
        return {
            "code": kept.code,
            "name": kept.name,
            "kind": kept.kind,
            "parent": saving.unit_codes[kept.parent_id] if kept.parent_id is not None else "",
            "phone": kept.phone,
            "opening": kept.opening,
            "former_codes": ";".join(map(str, kept.former_codes)),
            "off": yes(not kept.active),
        }

    def fill(self, kept: UnitRow, row: Row, saving: Saving) -> None:
        """Put values into a unit; its place in the tree comes when all units are there."""
        kept.code, kept.name, kept.kind, kept.phone = row["code"], row["name"], row["kind"], row["phone"]
        kept.opening, kept.former_codes = row["opening"], listed(row["former_codes"])
        kept.active = row["off"] == NO

    def save(self, book: Book, changes: Sequence[Change], saving: Saving) -> None:
        """Write units, new ones with their ids first, and then every path that is another now."""
        units = {unit.code: unit for unit in book.units()}
        for change in changes:
            unit = units.setdefault(change.new["code"], UnitRow(path=""))
            self.fill(unit, change.new, saving)
            book.add(unit)
        for change in changes:
            above = units.get(change.new["parent"])
            units[change.new["code"]].parent_id = above.id if above is not None else None
        set_paths({unit.id: unit for unit in units.values()})
        book.flush()


def set_paths(units: Mapping[int, UnitRow]) -> None:
    """Give each unit the chain of ids from the top to itself."""
    done: dict[int, str] = {}

    def path(unit: UnitRow) -> str:
        if unit.id not in done:
            above = path(units[unit.parent_id]) if unit.parent_id is not None else "/"
            done[unit.id] = f"{above}{unit.id}/"
        return done[unit.id]

    for unit in units.values():
        if unit.path != path(unit):
            unit.path = path(unit)


def _place_faults(row: Row, world: World) -> Iterator[tuple[str, str]]:
    rows, kind = world.rows("units"), row["kind"]
    above = rows.get(row["parent"])
    if above is None:
        if kind in LEVELS[2:] and not row["parent"]:
            yield "parent", f"{UNIT_KINDS[kind]}要有上级单位"
        return
    if not _may_stand(kind, above["kind"]):
        yield "parent", f"{UNIT_KINDS[kind]}不能放在{UNIT_KINDS[above['kind']]}下面"
    elif _circles(row, rows):
        yield "parent", "上级绕了一圈又回到自己"
    elif above["off"] == YES and row["off"] == NO:
        yield "parent", f"上级{above['name']}已经停用"


def _may_stand(kind: str, above: str) -> bool:
    if kind in LEVELS:
        return above in LEVELS[: LEVELS.index(kind)]
    return above in ABOVE_OTHERS


def _circles(row: Row, rows: Mapping[str, Row]) -> bool:
    seen = {row["code"]}
    while row["parent"] in rows:
        row = rows[row["parent"]]
        if row["code"] in seen:
            return True
        seen.add(row["code"])
    return False


def holding(code: str, world: World) -> list[str]:
    """Return what keeps a unit from being switched off, in plain words."""
    cases = world.busy().get(code, 0)
    below = [row["name"] for row in world.rows("units").values() if row["parent"] == code and row["off"] == NO]
    people = [row["name"] for row in world.rows("staff").values() if row["unit"] == code and row["off"] == NO]
    kinds = [row["name"] for row in world.rows("categories").values() if row["queue"] == code]
    places = [row["name"] + row["numbers"] for row in world.rows("places").values() if row["grid"] == code]
    held = [
        f"手里还有 {cases} 件没办完的工单或协办" if cases else "",
        f"下面还有{_some(below)}" if below else "",
        f"还有人员：{_some(people)}" if people else "",
        f"这些类别还送到这里：{_some(kinds)}" if kinds else "",
        f"这些地点还在这里，请先挪到别的网格：{_some(places)}" if places else "",
    ]
    return [f"停不了，{words}" for words in held if words]


def _some(names: Sequence[str]) -> str:
    return "、".join(names[:3]) + (f" 等 {len(names)} 个" if len(names) > 3 else "")  # noqa: PLR2004 - a few are enough
