"""What has to be there before the city can work with it, step by step, looked at anew each time; and the first account.

Steps may be skipped: which ones stands among the facts of the case book.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases import accounts, audit, overview, passwords
from cases.accounts import AccountError
from cases.city import VERSION_KEY
from cases.registry.grids import overlaps
from cases.rules import BY_PLACE
from cases.storage.tables import StaffRow, UnitRow
from cases.worktime import CHINA

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from cases.city import City
    from cases.storage import Book, Store

STEPS = ("account", "wechat", "units", "grids", "people", "kinds", "limits", "menu", "posters")
DONE, TODO, WRONG, SKIPPED = "done", "todo", "wrong", "skipped"
# Facts of the case book: what was skipped, what WeChat answered last, which menu is out, the link to the first account.
SKIPPED_KEY, WECHAT_KEY, MENU_KEY, LINK_KEY = "setup_skipped", "setup_wechat", "setup_menu", "setup_link"
LOCK = "setup"
LINK_SECONDS = 3600
NAMED = 3
# With more grids than this their overlaps are looked for where they are drawn.
MOST_COMPARED = 400
LEVELS = {"city": "市", "dispatch": "派单台"}
LINK_GONE = "这个链接已经不能用了：可能用过了、过了一小时，或者后来又发了新的。请重新运行 flask --app web setup-link。"
ADMIN_THERE = "已经有管理员了，这个链接不再需要。请用管理员的账号登录。"


@dataclass(frozen=True)
class Step:
    """One step: its state (DONE, TODO, WRONG, SKIPPED), how it is in one sentence, and what to do."""

    key: str
    state: str
    words: str
    todo: str = ""

    @property
    def left(self) -> bool:
        """Whether something is still to be done here."""
        return self.state in {TODO, WRONG}


# -- the steps ---------------------------------------------------------------------------------------------------


def steps(
    book: Book, city: City, account: StaffRow, wechat: Step, menu: Mapping[str, Any], now: datetime
) -> list[Step]:
    """Return all steps as they are now; `wechat` was looked at outside, `menu` is the one to be published."""
    found = (
        _account(account),
        wechat,
        _units(city),
        _grids(city),
        _people(book, city),
        _kinds(book, city),
        _limits(city, now),
        _menu(book, menu),
        _posters(book),
    )
    gone = skipped(book)
    return [
        Step(each.key, SKIPPED, each.words, each.todo) if each.left and each.key in gone else each for each in found
    ]


def skipped(book: Book) -> frozenset[str]:
    """Return which steps were skipped."""
    return frozenset((book.meta(SKIPPED_KEY) or "").split(",")) & frozenset(STEPS)


def skip(book: Book, key: str, *, on: bool) -> None:
    """Skip a step, or take it up again."""
    kept = skipped(book) | {key} if on else skipped(book) - {key}
    book.set_meta(SKIPPED_KEY, ",".join(sorted(kept)))


def published(book: Book, menu: Mapping[str, Any]) -> None:
    """Remember which menu is out."""
    book.set_meta(MENU_KEY, _digest(menu))


def _digest(menu: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(menu, sort_keys=True).encode()).hexdigest()


def _account(account: StaffRow) -> Step:
    if account.sample:
        return Step("account", TODO, "您用的是样例账号，密码人人知道", "请换成自己的密码，再开两步验证。")
    if account.must_change:
        return Step("account", TODO, "还在用别人给的初始密码", "请换成自己的密码，再开两步验证。")
    if not account.totp_secret:
        return Step("account", TODO, "密码是自己的了，两步验证还没开", "管理员什么都能改，请开两步验证。")
    return Step("account", DONE, "密码是自己的，两步验证开着")


def _units(city: City) -> Step:
    kinds = {unit.kind for unit in city.by_code.values()}
    missing = [name for kind, name in LEVELS.items() if kind not in kinds]
    if missing:
        return Step("units", WRONG, f"还没有{'、'.join(missing)}", "没有派单台，拿不准的工单没处去。请在单位表里加上。")
    if not kinds - LEVELS.keys():
        return Step("units", TODO, "只有市和派单台", "请加上区、街道、社区、部门；多的话用 Excel 导入。")
    return Step("units", DONE, f"{len(city.by_code)} 个单位")


def _grids(city: City) -> Step:
    grids = [unit for unit in city.by_code.values() if unit.kind == "grid"]
    if not grids:
        return Step("grids", TODO, "还没有网格", "请先加网格，再画边界，或者导入 GeoJSON。")
    bare = [unit.name for unit in grids if unit.id not in city.polygons]
    if bare:
        words = f"{len(bare)} 个网格没有边界：{_some(bare)}"
        return Step("grids", WRONG, words, "居民发来的定位落不进去。请在网格页画上，或者导入 GeoJSON。")
    over = _overlapping(city) if len(grids) <= MOST_COMPARED else []
    if over:
        words = f"{len(over)} 处边界重叠：{_some(over)}"
        return Step("grids", WRONG, words, "重叠的地方不知道归谁。请在网格页改一改。")
    return Step("grids", DONE, f"{len(grids)} 个网格，都有边界")


def _overlapping(city: City) -> list[str]:
    drawn = [unit for unit in city.by_code.values() if unit.id in city.polygons]
    names = {unit.code: unit.name for unit in drawn}
    shapes = {unit.code: json.dumps(city.polygons[unit.id]) for unit in drawn}
    return [f"{names[one]}和{names[other]}" for one, other, _ in overlaps(shapes, set(shapes))]


def _people(book: Book, city: City) -> Step:
    empty = overview.open_to_nobody(book, city)
    if empty:
        words = f"{len(empty)} 个单位没有能办的账号：{_some(empty)}"
        return Step("people", WRONG, words, "派过去的工单没人看得见。请加人，或者停用这个单位。")
    return Step("people", DONE, "每个单位都有人")


def _kinds(book: Book, city: City) -> Step:
    if not city.categories:
        return Step("kinds", TODO, "还没有类别", "请导入类别，写明每一类送到哪里。")
    nowhere = [kind.name for kind in city.categories.values() if not _goes(city, kind.queue)]
    if nowhere:
        words = f"{len(nowhere)} 类要送去的单位没有了：{_some(nowhere)}"
        return Step("kinds", WRONG, words, "这些会全到派单台。请在类别表里改送到哪里。")
    staffed = book.staffed_units()
    queues = sorted({kind.queue for kind in city.categories.values()} & city.by_code.keys())
    alone = [city.by_code[code].name for code in queues if city.by_code[code].id not in staffed]
    if alone:
        return Step("kinds", WRONG, f"有类别送到没人的单位：{_some(alone)}", "请给这些单位加人，或者改送到哪里。")
    return Step("kinds", DONE, f"{len(city.categories)} 类，都有去处")


def _goes(city: City, queue: str) -> bool:
    return queue in BY_PLACE or queue == "dispatch" or queue in city.by_code


def _limits(city: City, now: datetime) -> Step:
    year = city.calendar.missing(now.astimezone(CHINA).date())
    if year is not None:
        return Step("limits", TODO, f"{year} 年的放假安排还没有", "时限先按周末算。国务院公布后请填上。")
    return Step("limits", DONE, "今年的放假安排有了，时限在类别表里")


def _menu(book: Book, menu: Mapping[str, Any]) -> Step:
    out = book.meta(MENU_KEY)
    if out is None:
        return Step("menu", TODO, "公众号的菜单还没有发布", "点一下就发布：我要上报、查进度、更多。")
    if out != _digest(menu):
        return Step("menu", TODO, "菜单变了，公众号里还是旧的", "再发布一次。")
    return Step("menu", DONE, "菜单已经发布")


def _posters(book: Book) -> Step:
    scanned = book.scanned_grids()
    if not scanned:
        return Step("posters", TODO, "还没有人扫过网格的二维码", "打印海报贴出去，自己先扫一张试试。")
    return Step("posters", DONE, f"有 {scanned} 个网格的二维码被扫过")


def _some(names: list[str]) -> str:
    return "、".join(names[:NAMED]) + ("等" if len(names) > NAMED else "")


# -- the first account -------------------------------------------------------------------------------------------


def new_link(book: Book) -> str:
    """Return the secret of a new link to the first account; the one before counts no longer. Raises AccountError."""
    book.lock_name(LOCK)
    if book.has_own_admin():
        raise AccountError(ADMIN_THERE)
    secret = secrets.token_urlsafe(24)
    book.set_meta(LINK_KEY, _mark(secret))
    return secret


def link_fault(book: Book, secret: str) -> str:
    """Return why a link does not count; empty for the one that does."""
    if book.has_own_admin():
        return ADMIN_THERE
    kept = book.meta(LINK_KEY) or ""
    return "" if kept and hmac.compare_digest(kept, _mark(secret)) else LINK_GONE


def _mark(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def first_admin(
    store: Store, secret: str, row: Mapping[str, str], now: datetime, *, classified: bool
) -> tuple[int, str]:
    """Make the first administrator from `login`, `name`, `phone`, `password`, `city`; the link is used up.

    Return the account's id, or 0 and what is wrong. Where no city is loaded yet, one begins: the city itself and its
    dispatchers' desk, so that everything else can be filled in the console.
    """
    owner = passwords.Owner(row["login"], row["name"], row["phone"], row["city"])
    if not row["login"] or not row["name"]:
        return 0, "请写下账号和姓名。"
    if fault := passwords.fault(row["password"], owner, classified=classified):
        return 0, fault
    stored = accounts.own_hash(row["password"])
    with store.write() as book:
        book.lock_name(LOCK)
        if fault := link_fault(book, secret):
            return 0, fault
        if book.staff_by_login(row["login"]) is not None:
            return 0, f"账号 {row['login']} 已经有了，请换一个。"
        unit_id = _home_of_admin(book, row["city"])
        if not unit_id:
            return 0, "请写下城市的名字。"
        account = StaffRow(
            login=row["login"], name=row["name"], role="admin", unit_id=unit_id, phone=row["phone"],
            password_hash=stored, password_changed_at=now,
        )  # fmt: skip
        account_id = book.add(account).id
        book.set_meta(LINK_KEY, "")
        audit.note(book, None, "account", row["login"], "首个管理员，用开通链接建的", now)
    return account_id, ""


def _home_of_admin(book: Book, name: str) -> int:
    """Return the id of the city's own unit; where there are no units, make it and the desk. 0: it needs a name."""
    units = book.units()
    top = next((unit for unit in units if unit.kind == "city" and unit.active), None)
    if top is not None or units:
        return (top or units[0]).id
    if not name:
        return 0
    city = _unit(book, "city", name, "city", None)
    _unit(book, "dispatch", f"{name}派单台", "dispatch", city)
    book.set_meta(VERSION_KEY, uuid.uuid4().hex)
    return city.id


def _unit(book: Book, code: str, name: str, kind: str, above: UnitRow | None) -> UnitRow:
    row = UnitRow(code=code, name=name, kind=kind, parent_id=above.id if above else None, path="", phone="")
    book.add(row)
    row.path = f"{above.path if above else '/'}{row.id}/"
    book.flush()
    return row
