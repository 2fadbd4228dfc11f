"""The calendar (日历): days on which offices work or do not; and duty rosters (值班表): who is called, and first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from cases.registry.columns import NO, YES, Column, yes
from cases.registry.table import Table
from cases.storage.working import DayRow, DutyRow
from cases.worktime import CHINA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cases.registry.table import Saving
    from cases.registry.world import Row, World
    from cases.storage import Wanted

# Nobody is on duty for longer than this at a stretch: it is a slip of the pen.
LONGEST_DUTY = timedelta(days=7)
CLOCK = "%Y-%m-%d %H:%M"
COMING, PAST = "coming", "all"


class Calendar(Table[DayRow]):
    """The administrator's own days, which count before the country's."""

    code = "calendar"
    name = "日历"
    about = "哪天上班、哪天放假。国家的节假日自带，这里写本地另外定的，以这里为准。"
    icon = "calendar3"
    columns: ClassVar = (
        Column("day", "日期", kind="date", need=True, hint="写成 2027-01-31"),
        Column(
            "working",
            "上班还是放假",
            kind="choice",
            need=True,
            choices={YES: "上班", NO: "放假"},
            hint="这里定的，先于国家公布的",
        ),
        Column("name", "名称", longest=40, hint="如 春节、调休"),
    )
    keys = ("day",)
    shown = ("day", "working", "name")
    order = ("-day",)
    kept = DayRow

    def title_of(self, row: Row) -> str:
        """Return the day."""
        return row["day"]

    def text(self, kept: DayRow, saving: Saving) -> Row:
        """Return a day as values."""
        return {"day": kept.day.isoformat(), "working": yes(kept.working), "name": kept.name}

    def fill(self, kept: DayRow, row: Row, saving: Saving) -> None:
        """Put values into a day."""
        kept.day, kept.working, kept.name = date.fromisoformat(row["day"]), row["working"] == YES, row["name"]


class Duties(Table[DutyRow]):
    """Turns on duty. Times are the city's (UTC+8)."""

    code = "duties"
    name = "值班表"
    about = "哪个单位、什么时候、谁值班。有危险先找当班的，顺序小的先找。"
    icon = "person-badge"
    columns: ClassVar = (
        Column("unit", "单位", need=True, refers="units", hint="写编号，名称没有重的也行"),
        Column("login", "账号", need=True, refers="staff", hint="值班人的账号，姓名没有重的也行"),
        Column("from", "开始", kind="moment", need=True, hint="写成 2027-01-31 08:30"),
        Column("until", "结束", kind="moment", need=True, hint="一班最长 7 天，再长就分几班"),
        Column("position", "顺序", kind="whole", default="1", low=0, high=9, hint="1 最先找"),
    )
    keys = ("unit", "login", "from")
    shown = ("from", "until", "unit", "login", "position")
    filtered = "when"
    order = ("starts_at", "unit_id", "position")
    unit_attribute = "unit_id"
    of_city = False
    renames = True
    kept = DutyRow

    def title_of(self, row: Row) -> str:
        """Return whose turn it is, and when."""
        return f"{row['login']} {row['from']}"

    def check(self, row: Row, old: Row | None, world: World) -> Iterator[tuple[str, str]]:
        """Check unit, person and time."""
        yield from self.missing(row, world)
        for table, name in (("units", "unit"), ("staff", "login")):
            found = world.rows(table).get(row[name])
            if found is not None and found["off"] == YES:
                yield name, f"{found['name']}已经停用"
        length = moment(row["until"]) - moment(row["from"])
        if length <= timedelta():
            yield "until", "结束要在开始之后"
        elif length > LONGEST_DUTY:
            yield "until", f"一班最长 {LONGEST_DUTY.days} 天，请分成几班"

    def choices(self, world: World) -> dict[str, str]:
        """Return what may be looked at besides what is still to come."""
        return {COMING: "还没到的和正在值的", PAST: "以前的也看"}

    def wanted(self, needle: str, chosen: str, path: str, page: int, now: datetime) -> Wanted:
        """Return turns that have not ended, or all of them."""
        wanted = replace(super().wanted("", "", path, page, now), needle=needle)
        return wanted if chosen == PAST else replace(wanted, since=("ends_at", now))

    def text(self, kept: DutyRow, saving: Saving) -> Row:
        """Return a turn as values."""
        return {
            "unit": saving.unit_codes[kept.unit_id],
            "login": saving.logins[kept.staff_id],
            "from": kept.starts_at.astimezone(CHINA).strftime(CLOCK),
            "until": kept.ends_at.astimezone(CHINA).strftime(CLOCK),
            "position": str(kept.position),
        }

    def fill(self, kept: DutyRow, row: Row, saving: Saving) -> None:
        """Put values into a turn."""
        kept.unit_id, kept.staff_id = saving.unit_id(row["unit"]), saving.staff_id(row["login"])
        kept.starts_at, kept.ends_at = moment(row["from"]), moment(row["until"])
        kept.position = int(row["position"])


def moment(value: str) -> datetime:
    """Return the moment (UTC) that a value of the kind `moment` means in the city."""
    return datetime.strptime(value, CLOCK).replace(tzinfo=CHINA).astimezone(UTC)
