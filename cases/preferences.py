"""How a member of staff wants the console: light or dark, size of type, sounds, keys, columns."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cases.storage.desk import PreferenceRow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cases.storage import Book

THEMES = {"auto": "跟随手机或电脑", "light": "浅色", "dark": "深色"}
SIZES = {"normal": "标准", "large": "大字", "huge": "特大字"}
# The columns of the wide list that may be left out; what a case is about always stands there.
COLUMNS = {"category": "类别", "place": "地点", "holder": "谁在办", "state": "状态", "due": "时限"}


@dataclass(frozen=True)
class Preferences:
    """One person's choices; what is not known falls back to the default.

    `theme` of THEMES, `size` of SIZES, `columns` of COLUMNS; `sound`: a quiet tone for what is pressing; `keys`:
    single keys are shortcuts.
    """

    theme: str = "auto"
    size: str = "normal"
    sound: bool = True
    keys: bool = True
    columns: tuple[str, ...] = tuple(COLUMNS)


DEFAULT = Preferences()


def of(book: Book, staff_id: int) -> Preferences:
    """Return what somebody chose."""
    row = book.get(PreferenceRow, staff_id)
    return read(row.chosen) if row is not None else DEFAULT


def read(chosen: Mapping[str, Any]) -> Preferences:
    """Return preferences from stored or sent values, without what is unknown."""
    theme, size = str(chosen.get("theme", DEFAULT.theme)), str(chosen.get("size", DEFAULT.size))
    columns = chosen.get("columns", DEFAULT.columns)
    return Preferences(
        theme=theme if theme in THEMES else DEFAULT.theme,
        size=size if size in SIZES else DEFAULT.size,
        sound=bool(chosen.get("sound", DEFAULT.sound)),
        keys=bool(chosen.get("keys", DEFAULT.keys)),
        columns=tuple(each for each in COLUMNS if each in columns),
    )


def keep(book: Book, staff_id: int, chosen: Preferences) -> None:
    """Keep somebody's choices."""
    row = book.get(PreferenceRow, staff_id)
    if row is None:
        book.add(PreferenceRow(staff_id=staff_id, chosen=asdict(chosen)))
    else:
        row.chosen = asdict(chosen)
