"""Accounts of staff (人员): who works where, as what, and the password that a new account begins with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from cases import accounts, passwords
from cases.registry.columns import NO, YES, YES_NO, Column, listed, yes
from cases.registry.table import Started, Table
from cases.storage.tables import StaffRow
from cases.words import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cases.registry.table import Change, Saving
    from cases.registry.world import Row, World
    from cases.storage import Book

# The kinds of unit in which somebody has this role; the others may work anywhere.
PLACES = {
    "grid_officer": ("grid",),
    "grid_leader": ("grid",),
    "community": ("community",),
    "street": ("street",),
    "district": ("district",),
    "city": ("city",),
    "department": ("department",),
    "dispatcher": ("dispatch",),
}
WHERE = {
    "grid": "网格",
    "community": "社区",
    "street": "街道",
    "district": "区",
    "city": "市",
    "department": "部门",
    "dispatch": "派单台",
}


EXTERNAL = "那边给这个人的编号（OIDC 的 sub；企业微信写 wecom: 加账号）。账号同名的不用填，第一次登录会记下"


class Staff(Table[StaffRow]):
    """Everybody who logs in to the console."""

    code = "staff"
    name = "人员"
    about = "谁在哪个单位、做什么。密码不导出；新账号没写密码的，导入后给一个初始密码。"
    icon = "people"
    columns: ClassVar = (
        Column("login", "账号", kind="code", need=True, longest=60),
        Column("name", "姓名", need=True, longest=40),
        Column("role", "角色", kind="choice", need=True, choices=ROLES, hint="能看什么、能做什么，由它定"),
        Column("unit", "单位", need=True, refers="units", hint="写编号，名称没有重的也行"),
        Column("phone", "电话", longest=40),
        Column("groups", "只看这些大类", kind="list", longest=400, hint="写大类名，几个之间用分号；不填就都能看"),
        Column("contacts", "可看居民电话", kind="check", choices=YES_NO, default=NO, hint="要选理由，看一次记一次"),
        Column("backup", "备岗账号", refers="staff", hint="AB岗：不在的时候由谁顶"),
        Column("off", "停用", kind="check", choices=YES_NO, default=NO, hint="停用后马上登不进来，办过的记录都在"),
        Column("external", "统一登录账号", longest=160, hint=EXTERNAL, late=True),
        Column("password", "初始密码", kind="secret", longest=200, hint="只给新账号用，可以不填；本人登录后先改掉"),
    )
    keys = ("login",)
    shown = ("name", "login", "role", "unit", "phone", "off")
    searched = ("name", "login", "phone")
    filtered = "role"
    unit_attribute = "unit_id"
    of_city = False
    deletes = False
    kept = StaffRow

    def check(self, row: Row, old: Row | None, world: World) -> Iterator[tuple[str, str]]:
        """Check that role and unit fit, that a backup can stand in, and a new account's password."""
        yield from self.missing(row, world)
        unit = world.rows("units").get(row["unit"])
        if unit is not None and unit["kind"] not in PLACES.get(row["role"], (unit["kind"],)):
            yield "unit", f"{ROLES[row['role']]}要放在{WHERE[PLACES[row['role']][0]]}，{unit['name']}不是"
        if unit is not None and unit["off"] == YES and row["off"] == NO:
            yield "unit", f"{unit['name']}已经停用"
        backup = world.rows("staff").get(row["backup"], {})
        if row["backup"] and (row["backup"] == row["login"] or backup.get("off") == YES):
            yield "backup", "备岗要是另一个在用的账号"
        groups = {each["group_name"] for each in world.rows("categories").values()}
        strange = [name for name in listed(row["groups"]) if name not in groups]
        if strange:
            yield "groups", f"没有大类“{'、'.join(strange)}”"
        if old is not None and _leads(old) and not any(map(_leads, world.rows("staff").values())):
            yield "role", "至少要留一个在用的系统管理员"
        if row["external"] and (old is None or old["external"] != row["external"]):
            yield from _shared(row, world)
        if old is None and row["password"] and not world.sample:
            owner = passwords.Owner(row["login"], row["name"], row["phone"], unit["name"] if unit is not None else "")
            if fault := passwords.fault(row["password"], owner):
                yield "password", fault

    def text(self, kept: StaffRow, saving: Saving) -> Row:
        """Return an account as values; its password is none."""
        return {
            "login": kept.login,
            "name": kept.name,
            "role": kept.role,
            "unit": saving.unit_codes[kept.unit_id],
            "phone": kept.phone,
            "groups": ";".join(map(str, kept.groups)),
            "contacts": yes(kept.contacts),
            "backup": saving.logins.get(kept.backup_id or 0, ""),
            "off": yes(not kept.active),
            "external": kept.external_id or "",
            "password": "",
        }

    def fill(self, kept: StaffRow, row: Row, saving: Saving) -> None:
        """Put values into an account; who stands in comes when all accounts are there."""
        kept.login, kept.name, kept.role, kept.phone = row["login"], row["name"], row["role"], row["phone"]
        kept.unit_id, kept.contacts = saving.unit_id(row["unit"]), row["contacts"] == YES
        kept.groups, kept.active = listed(row["groups"]), row["off"] == NO
        kept.external_id = row["external"] or None

    def save(self, book: Book, changes: Sequence[Change], saving: Saving) -> None:
        """Write accounts. Who is new gets the hash of the password to begin with; others keep theirs.

        Who is switched off is signed in nowhere any more.
        """
        known = {account.login: account for account in book.staff()}
        for change in changes:  # two may change places: first nobody has what they had
            if change.old is not None and change.old["external"] != change.new["external"]:
                known[change.new["login"]].external_id = None
        book.flush()
        for change in changes:
            login = change.new["login"]
            if login not in known:
                known[login] = StaffRow(password_hash=saving.hashes[login], sample=saving.sample)
                if not saving.sample:
                    known[login].must_change, known[login].password_changed_at = True, datetime.now(UTC)
            self.fill(known[login], change.new, saving)
            book.add(known[login])
            if not known[login].active:
                book.end_sessions(known[login].id, datetime.now(UTC))
        for change in changes:
            backup = change.new["backup"]
            known[change.new["login"]].backup_id = known[backup].id if backup else None
        book.flush()


def _shared(row: Row, world: World) -> Iterator[tuple[str, str]]:
    """Find the other account that another login would call the same."""
    for login, other in world.rows("staff").items():
        if login != row["login"] and other.get("external") == row["external"]:
            yield "external", f"{other['name']}已经是这个统一登录账号了"
            return


def _leads(row: Row) -> bool:
    """Say whether this is an administrator who can log in."""
    return row["role"] == "admin" and row["off"] == NO


def begin(changes: Sequence[Change]) -> tuple[dict[str, str], list[Started]]:
    """Return the hashes of new accounts' passwords by login, and those passwords that were made here.

    Hashing takes its time: call it before the transaction. One password that many accounts share is hashed once.
    """
    fresh = [change.new for change in changes if change.old is None]
    started = [Started(row["login"], row["name"], accounts.start_password()) for row in fresh if not row["password"]]
    hashes = {each.login: accounts.start_hash(each.password) for each in started}
    shared = {word: accounts.own_hash(word) for word in {row["password"] for row in fresh if row["password"]}}
    return hashes | {row["login"]: shared[row["password"]] for row in fresh if row["password"]}, started
