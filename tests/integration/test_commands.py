import csv
import io
import json
from pathlib import Path

import pytest
from alembic import command
from click.testing import Result
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import func, inspect, select

from bot.assembly import House
from cases.city_files import SAMPLE, CityError, load_city
from cases.storage import migrate
from cases.storage.engine import alembic_config
from cases.storage.tables import Base, CaseRow, InboxRow, OutboxRow, ResidentRow
from tests.integration.people import Resident

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"


def run(app: Flask, *arguments: str) -> Result:
    """Run a management command."""
    return app.test_cli_runner().invoke(args=list(arguments))


def test_migrations_are_the_tables(house: House) -> None:
    """The migrations make exactly the tables of the code, twice is as good as once, and they can go back."""
    url = house.settings.database_url
    migrate(url)
    command.check(alembic_config(url))
    made = set(inspect(house.store.engine).get_table_names())
    assert made == set(Base.metadata.tables) | {"alembic_version"}
    house.store.engine.dispose()
    command.downgrade(alembic_config(url), "base")
    assert inspect(house.store.engine).get_table_names() == ["alembic_version"]


def test_setting_up(app: Flask) -> None:
    """`init-db` and `load-city` may run again on a city in use and change nothing that staff would miss."""
    assert run(app, "init-db").exit_code == 0
    again = run(app, "load-city")
    assert again.exit_code == 0
    assert "units.csv" in again.output


def test_a_faulty_city_is_named_by_row(house: House, app: Flask, tmp_path: Path) -> None:
    """Faults in a city's files are all named by file and row, and nothing of it is loaded."""
    folder = tmp_path / "city"
    folder.mkdir()
    for file in SAMPLE.iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    places = (folder / "places.csv").read_text(encoding="utf-8").replace(",1-8栋,", ",8-1栋,", 1)
    (folder / "places.csv").write_text(places.replace("grid-cuihu-03", "grid-nowhere", 1), encoding="utf-8")
    with house.store.read() as book:
        before = house.cities.current(book).version
    with pytest.raises(CityError) as error:
        load_city(house.store, folder)
    assert len(error.value.faults) == 2
    assert all(fault.startswith("places.csv 第") for fault in error.value.faults)
    result = run(app, "load-city", str(folder))
    assert result.exit_code == 1
    with house.store.read() as book:
        assert house.cities.current(book).version == before


def test_staff_add(app: Flask) -> None:
    """An account is made; a taken login, a short password and an unknown unit are refused with one line."""
    good = ["staff", "add", "newcomer", "--name", "新人", "--role", "department", "--unit", "dept-water"]
    assert run(app, *good, "--password", "long-enough-1").exit_code == 0
    for arguments in (
        [*good, "--password", "long-enough-1"],
        [*(part.replace("newcomer", "other") for part in good), "--password", "short"],
        [
            *(part.replace("newcomer", "other").replace("dept-water", "nowhere") for part in good),
            "--password",
            "x" * 12,
        ],
    ):
        result = run(app, *arguments)
        assert result.exit_code == 1
        assert len(result.output.strip().splitlines()) == 1
    assert run(app, "staff", "add", "x", "--role", "king").exit_code == 2


def test_export(app: Flask, resident: Resident, tmp_path: Path) -> None:
    """Cases come out in three formats alike, without who reported them and without cells that run."""
    resident.say(MANHOLE)
    rows = {}
    for form in ("jsonl", "csv", "xlsx"):
        out = tmp_path / f"cases.{form}"
        assert run(app, "cases", "export", "--format", form, "--out", str(out)).exit_code == 0
        rows[form] = out.read_bytes()
        assert resident.openid.encode() not in rows[form]
    [line] = [json.loads(line) for line in rows["jsonl"].decode().splitlines()]
    [record] = csv.DictReader(io.StringIO(rows["csv"].decode("utf-8-sig")))
    head, cells = list(load_workbook(io.BytesIO(rows["xlsx"])).active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert line["text"] == record["text"] == dict(zip(head, cells, strict=True))["text"] == MANHOLE
    assert json.loads(run(app, "cases", "export", "--format", "jsonl").output) == line


def test_formulas_are_harmless(app: Flask, resident: Resident, tmp_path: Path) -> None:
    """A resident's words that a spreadsheet would run come out as words."""
    resident.say("=cmd|'/c calc'!A1 翠湖小区3栋井盖坏了")
    out = tmp_path / "cases.csv"
    run(app, "cases", "export", "--format", "csv", "--out", str(out))
    [record] = csv.DictReader(io.StringIO(out.read_text(encoding="utf-8-sig")))
    assert record["text"].startswith("'=")


def test_import(app: Flask, house: House, tmp_path: Path) -> None:
    """The hotline's cases are routed like any other; importing them again changes nothing; faults name their row."""
    rows = [
        {"source_key": "12345-1", "channel": "hotline", "text": MANHOLE},
        {"source_key": "12345-2", "text": "柳荫苑2号楼楼道堆满纸箱", "category": "housing/clutter"},
    ]
    file = tmp_path / "in.jsonl"
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    assert "新开 2 个" in run(app, "cases", "import", str(file)).output
    assert "新开 0 个" in run(app, "cases", "import", str(file)).output
    with house.store.read() as book:
        cases = list(book.every_case())
        city = house.cities.current(book)
    assert [city.units[case.holder_id].kind for case in cases] == ["department", "grid"]
    bad = tmp_path / "bad.csv"
    bad.write_text("source_key,text,category\nA,井盖坏了,\nB,,\nC,路灯,no/such\n", encoding="utf-8")
    result = run(app, "cases", "import", str(bad))
    assert result.exit_code == 1
    assert "第 2 行" in result.output
    assert "第 3 行" in result.output
    with house.store.read() as book:
        assert len(list(book.every_case())) == 2


def test_erase(app: Flask, house: House, resident: Resident, neighbour: Resident) -> None:
    """Erasing a resident leaves the anonymous case, nothing of theirs anywhere, and everybody else's untouched."""
    resident.say(MANHOLE + "，我电话13800001234")
    resident.send("image", MediaId="photo-1")
    neighbour.say(MANHOLE)
    case_id = resident.case().id
    assert run(app, "erase-resident", resident.openid).exit_code == 0
    with house.store.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            everything = repr([tuple(row) for row in connection.execute(select(table))])
            assert resident.openid not in everything, table.name
            assert "13800001234" not in everything, table.name
        kept = connection.scalar(select(func.count()).select_from(CaseRow))
        left = [
            connection.scalar(select(func.count()).select_from(each)) for each in (ResidentRow, InboxRow, OutboxRow)
        ]
    assert (kept, left) == (2, [1, 1, 0])
    with house.store.read() as book:
        assert book.get(CaseRow, case_id) is not None
    assert neighbour.case().text == MANHOLE


def test_menu_and_qr(app: Flask, serving: str, tmp_path: Path) -> None:
    """The menu is published and a grid's QR code is made through WeChat's API; an unknown grid is refused."""
    assert serving
    assert run(app, "wechat", "sync-menu").exit_code == 0
    out = tmp_path / "grid.png"
    assert run(app, "wechat", "make-qr", "grid-cuihu-01", "--out", str(out)).exit_code == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert run(app, "wechat", "make-qr", "nowhere", "--out", str(out)).exit_code == 1
