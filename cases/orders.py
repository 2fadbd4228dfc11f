"""Past work orders as labels: columns are mapped, every row is looked at before any is written, numbers are masked."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from cases.labels import Origin, masked
from cases.storage.learning import LabelRow
from cases.worktime import CHINA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cases.routing import Category
    from cases.sheets import Line, Sheet
    from cases.storage import Book

# What the columns are usually called.
USUAL = {
    "text": ("text", "诉求内容", "工单内容", "问题描述", "内容", "诉求", "描述", "正文"),
    "label": ("label", "category", "类别", "分类", "事项类别", "问题类型", "小类", "类型"),
    "time": ("time", "opened_at", "受理时间", "上报时间", "登记时间", "创建时间", "时间", "日期"),
    "key": ("source_key", "id", "number", "工单号", "工单编号", "编号", "流水号"),
}
TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y年%m月%d日")
LEAST_CHARACTERS, MOST_CHARACTERS = 2, 5_000
KEY_CHARACTERS = 60
SHOWN_FAULTS = 50


@dataclass(frozen=True)
class Columns:
    """Which column holds what; `time` and `key` may be empty."""

    text: str = ""
    label: str = ""
    time: str = ""
    key: str = ""


@dataclass(frozen=True)
class Order:
    """A past work order, ready to be kept."""

    text: str
    label: str
    said_at: datetime
    source_key: str


@dataclass
class Preview:
    """What an import would do: orders to keep, how many are known, rows left out, what the file calls the kinds."""

    orders: list[Order] = field(default_factory=list)
    known: int = 0
    faults: list[str] = field(default_factory=list)
    values: list[tuple[str, int, str]] = field(default_factory=list)


def usual_columns(names: Sequence[str]) -> Columns:
    """Return which column probably holds what, by its name."""
    found = {part: next((name for name in usual if name in names), "") for part, usual in USUAL.items()}
    return Columns(**found)


def kind_called(value: str, categories: Mapping[str, Category]) -> str:
    """Return the code of the kind that a file calls so: by code, name, or group and name; empty for none."""
    wanted = _plain(value)
    for code, category in categories.items():
        if wanted in {_plain(code), _plain(category.name), _plain(category.full_name)}:
            return code
    return ""


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).lower()


def preview(
    sheet: Sheet, columns: Columns, categories: Mapping[str, Category], chosen: Mapping[str, str], now: datetime
) -> Preview:
    """Return what importing a file would do.

    `chosen`: kinds that somebody picked for what the file calls them; an empty one leaves those rows out.
    """
    found = Preview()
    counts = Counter(line.row.get(columns.label, "") for line in sheet.lines)
    codes = {value: chosen.get(value, kind_called(value, categories)) for value in counts if value}
    found.values = [(value, count, codes[value]) for value, count in counts.most_common() if value]
    seen: dict[str, int] = {}
    for line in sheet.lines:
        try:
            order = _order(line, columns, codes, categories, now)
        except ValueError as fault:
            found.faults.append(f"第 {line.number} 行：{fault}")
            continue
        first = seen.setdefault(order.source_key, line.number)
        if first == line.number:
            found.orders.append(order)
        else:
            found.faults.append(f"第 {line.number} 行：和第 {first} 行重复")
    return found


def _order(
    line: Line, columns: Columns, codes: Mapping[str, str], categories: Mapping[str, Category], now: datetime
) -> Order:
    text, value = line.row.get(columns.text, ""), line.row.get(columns.label, "")
    if len(text) < LEAST_CHARACTERS:
        raise ValueError("没有内容")
    if len(text) > MOST_CHARACTERS or "\0" in text:
        raise ValueError(f"内容太长（超过 {MOST_CHARACTERS} 字）或有存不了的字符")
    if not value:
        raise ValueError("没有类别")
    if codes.get(value, "") not in categories:
        raise ValueError(f"类别“{value[:20]}”对不上，请在上面选一个")
    time = line.row.get(columns.time, "") if columns.time else ""
    said_at = _moment(time) if time else now
    if said_at is None:
        raise ValueError(f"时间“{time[:20]}”看不懂，应像 2026-05-01 14:30")
    words = masked(text)
    key = line.row.get(columns.key, "")[:KEY_CHARACTERS] if columns.key else ""
    digest = blake2b(f"{codes[value]}\0{words}".encode(), digest_size=16).hexdigest()
    return Order(words, codes[value], min(said_at, now), f"order:{key}" if key else f"text:{digest}")


def _moment(text: str) -> datetime | None:
    try:
        found: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        found = next(filter(None, (_parsed(text, form) for form in TIMES)), None)
    if found is None:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=CHINA)


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=CHINA)
    except ValueError:
        return None


def without_known(book: Book, found: Preview) -> Preview:
    """Return a preview without the orders that were imported before: doing it again is harmless."""
    known = book.known_source_keys(order.source_key for order in found.orders)
    fresh = [order for order in found.orders if order.source_key not in known]
    return Preview(fresh, len(found.orders) - len(fresh), found.faults, found.values)


def keep(book: Book, orders: Iterable[Order], staff_id: int, now: datetime) -> int:
    """Keep some orders as labels, those known already left out; return how many were new."""
    wanted = {order.source_key: order for order in orders}
    known = book.known_source_keys(wanted)
    fresh = [order for key, order in wanted.items() if key not in known]
    for order in fresh:
        book.add(
            LabelRow(
                text=order.text,
                label=order.label,
                origin=Origin.IMPORT,
                staff_id=staff_id,
                source_key=order.source_key,
                said_at=order.said_at,
                labelled_at=now,
            )
        )
    return len(fresh)
