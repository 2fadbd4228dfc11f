"""The audit trail: who did what is kept, nobody can change it quietly, and it says nothing about residents."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bot.assembly import utc_now
from cases import audit
from cases.audit import KEPT, LEAST
from cases.numbers import number_of, spoken
from cases.storage.trail import Sought
from tests.integration.people import Resident, Staff

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from click.testing import Result
    from flask import Flask

    from bot.assembly import House
    from cases.storage.working import AuditRow

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒，打13812345678找我"
GUARDS = {
    "sqlite": ("DROP TRIGGER audit_keeps", "DROP TRIGGER audit_stays"),
    "postgresql": ("DROP TRIGGER audit_keeps ON audit",),
}


def noted(house: House, action: str = "") -> Sequence[AuditRow]:
    """Return the lines of the trail, the newest first."""
    with house.store.read() as book:
        return book.sought(Sought(action=action)).lines


def write(house: House, count: int, at: datetime | None = None) -> None:
    """Add so many lines, each in a transaction of its own."""
    for number in range(count):
        with house.store.write() as book:
            audit.note(book, None, "change", f"对象 {number}", "", at or utc_now())


def raw(house: House, statement: str) -> None:
    """Do something to the database behind the house's back."""
    with house.store.engine.begin() as connection:
        connection.execute(text(statement))


def unguard(house: House) -> None:
    """Take the triggers away, as somebody with the database's password can."""
    for statement in GUARDS[house.store.engine.dialect.name]:
        raw(house, statement)


def broken(house: House) -> int | None:
    """Return where the trail is broken."""
    with house.store.read() as book:
        return audit.verify(book)


def run(app: Flask, *arguments: str) -> Result:
    """Run a management command."""
    return app.test_cli_runner().invoke(args=list(arguments))


def test_the_database_lets_nobody_change_it(house: House) -> None:
    """A line can neither be altered nor deleted while it is younger than the keeping time, by whatever statement."""
    write(house, 3)
    for statement in ("UPDATE audit SET detail = 'x'", "DELETE FROM audit WHERE id = 1"):
        with pytest.raises(SQLAlchemyError):
            raw(house, statement)
    assert broken(house) is None
    assert len(noted(house)) == 3


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("UPDATE audit SET detail = 'x' WHERE id = 3", 3),
        ("UPDATE audit SET staff_id = 7 WHERE id = 1", 1),
        ("DELETE FROM audit WHERE id = 2", 3),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("DELETE FROM audit WHERE id = 5", 5),
        ("DELETE FROM audit", 1),
    ],
)
def test_what_was_altered_is_found(app: Flask, house: House, statement: str, where: int) -> None:
    """With the triggers gone, an altered or missing line is found, in the middle and at both ends; exit code 1."""
    write(house, 5)
    assert run(app, "audit", "verify").exit_code == 0
    unguard(house)
    raw(house, statement)
    assert broken(house) == where
    result = run(app, "audit", "verify")
    assert result.exit_code == 1
    assert f"第 {where} 条" in result.output
    assert result.output.count("\n") == 1


def test_writers_at_once_make_one_chain(house: House) -> None:
    """Lines that are written at the same moment follow one another; the chain never forks."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _at: write(house, 4), range(8)))
    assert broken(house) is None
    assert len({row.previous for row in noted(house)}) == len(noted(house)) == 32


def test_nothing_is_noted_of_what_did_not_happen(house: House) -> None:
    """A transaction that fails leaves no line."""

    def fail() -> None:
        with house.store.write() as book:
            audit.note(book, None, "change", "", "", utc_now())
            audit.note(book, None, "no such action", "", "", utc_now())

    with pytest.raises(KeyError):
        fail()
    assert not noted(house)


def test_old_lines_go_and_the_rest_still_verifies(house: House) -> None:
    """What is older than the keeping time goes, never what the law wants kept; what stays is still one chain."""
    now = utc_now()
    for days in (500, 450, 401, 300, 184, 100, 0):
        write(house, 1, now - timedelta(days=days))
    with house.store.read() as book:
        assert audit.to_purge(book, now)
    with house.store.write() as book:
        assert audit.purge(book, now) in {2, 3}  # the day on which the keeping time begins stays whole
    assert broken(house) is None
    with house.store.write() as book:
        assert audit.purge(book, now, timedelta(days=1)) >= 1
    assert [(now - row.at).days for row in noted(house)][:2] == [0, 100]
    assert min(row.at for row in noted(house)) >= now - LEAST - timedelta(days=1)
    with house.store.write() as book:
        assert not audit.to_purge(book, now)
        assert audit.purge(book, now, KEPT) == 0
    write(house, 1)
    assert broken(house) is None


def test_all_gone_and_begun_again(house: House) -> None:
    """A trail of which everything was old enough to go still takes lines, and verifies."""
    write(house, 2, utc_now() - timedelta(days=600))
    with house.store.write() as book:
        assert audit.purge(book, utc_now()) == 2
    assert broken(house) is None
    write(house, 2)
    assert broken(house) is None


def test_logins_are_kept(app: Flask, house: House, staff: Callable[[str], Staff]) -> None:
    """Who got in, who did not, when an account was locked, who left; tries at a locked account add nothing."""
    urban = staff("urban")
    urban.post("/console/logout", urban.client.get("/console/").text)
    for _ in range(7):
        Staff(app, "urban", "wrong")
    Staff(app, "nobody-at-all", "wrong")
    assert [row.action for row in noted(house)] == ["locked", *["login_failed"] * 5, "logout", "login"]
    assert {row.subject for row in noted(house) if row.subject} == {"urban"}
    assert broken(house) is None


def test_what_is_noted_says_nothing_of_residents(app: Flask, house: House, resident: Resident) -> None:
    """Exporting and erasing leave a line each, and no word, phone or openid of anybody in it."""
    resident.say(MANHOLE)
    assert run(app, "cases", "export").exit_code == 0
    assert run(app, "erase-resident", resident.openid).exit_code == 0
    assert run(app, "staff", "add", "wang", "--name", "王工", "--role", "department", "--unit", "dept-water",
               "--password", "a-long-password").exit_code == 0  # fmt: skip
    assert [row.action for row in noted(house)] == ["account", "erase", "export"]
    with house.store.write() as book:
        audit.note(book, None, "change", "", "联系人 13812345678", utc_now())
    kept = "".join(f"{row.subject}{row.detail}" for row in noted(house))
    assert not any(secret in kept for secret in ("13812345678", resident.openid, "井盖"))


def test_administrators_changes_are_kept(house: House, staff: Callable[[str], Staff]) -> None:
    """Each setting that an administrator saves is a line with who and what; what was refused is none."""
    admin = staff("admin")
    page = admin.client.get("/console/categories").text
    good = {"code": "facility/manhole", "queue": "dept-water", "accept_hours": "1", "contact_hours": "2"}
    admin.post("/console/categories", page, **good, finish_hours="3")
    admin.post("/console/categories", page, **good, finish_hours="-3")
    admin.post("/console/texts", page, key="thanks-for-nothing", text="x")
    admin.post("/console/guide", page, title="新的一条", what="怎么办", names="")
    [guide, kind] = noted(house, "change")
    assert (kind.subject, "dept-water" in kind.detail) == ("类别 facility/manhole", True)
    assert "新的一条" in guide.detail
    with house.store.read() as book:
        account = book.staff_by_login("admin")
    assert account is not None
    assert {guide.staff_id, kind.staff_id} == {account.id}


def test_the_page(house: House, staff: Callable[[str], Staff]) -> None:
    """The administrator searches by person, action, day and case, pages, and takes the file away, which is noted."""
    admin = staff("admin")
    with house.store.write() as book:
        for number in range(60):
            audit.note(book, None, "contact", number_of(2 if number else 1), "回访", utc_now() - timedelta(days=2))
    first = admin.client.get("/console/audit").text
    assert first.count('class="trail-line"') == 50
    assert "page=2" in first
    assert admin.client.get("/console/audit?page=2").text.count('class="trail-line"') == 11
    assert admin.client.get(f"/console/audit?number={spoken(number_of(1))}").text.count('class="trail-line"') == 1
    assert admin.client.get("/console/audit?action=login").text.count('class="trail-line"') == 1
    assert "没有这样的记录" in admin.client.get("/console/audit?day=2001-01-01").text
    assert admin.client.get("/console/audit?day=nonsense&who=x&page=x").status_code == 200
    assert 'data-chain="whole"' in admin.client.get("/console/audit?check=1").text
    assert 'data-chain="whole"' in admin.client.get("/console/audit/chain").text
    file = admin.client.get("/console/audit/export?action=contact")
    rows = list(csv.DictReader(io.StringIO(file.data.decode("utf-8-sig"))))
    assert len(rows) == 60
    assert rows[-1]["对象"] == number_of(2)
    assert noted(house, "export")[0].subject == "审计记录"
    assert staff("urban").client.get("/console/audit").status_code == 403


def test_the_page_says_when_it_is_broken(house: House, staff: Callable[[str], Staff]) -> None:
    """An administrator is told in plain words that the trail was tampered with."""
    admin = staff("admin")
    unguard(house)
    raw(house, "UPDATE audit SET detail = 'x'")
    assert "记录被动过" in admin.client.get("/console/audit?check=1").text


def test_the_command_exports(app: Flask, house: House, tmp_path: Path) -> None:
    """`audit export` writes the whole trail, and notes that it did."""
    write(house, 2)
    out = tmp_path / "trail.csv"
    assert run(app, "audit", "export", "--out", str(out)).exit_code == 0
    assert len(list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8-sig"))))) == 2
    assert noted(house)[0].action == "export"
