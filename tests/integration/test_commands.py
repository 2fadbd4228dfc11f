import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import requests
from alembic import command
from click.testing import Result
from flask import Flask
from openpyxl import Workbook, load_workbook
from sqlalchemy import func, inspect, select

import settings as configuration
from bot.assembly import House
from cases import exchange, intake
from cases.city_files import SAMPLE, CityError, load_city
from cases.storage import migrate
from cases.storage.engine import alembic_config
from cases.storage.tables import Base, CaseRow, HistoryRow, InboxRow, OutboxRow, ResidentRow
from tests.integration.people import Resident
from tests.services import VAULT
from web import create_app
from web.menu import menu

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"


def run(app: Flask, *arguments: str) -> Result:
    """Run a management command."""
    return app.test_cli_runner().invoke(args=list(arguments))


def test_migrations_are_the_tables(house: House) -> None:
    """The migrations make exactly the tables of the code, twice is as good as once, and they can go back."""
    url = house.settings.database_url
    migrate(url, VAULT)
    command.check(alembic_config(url, VAULT))
    made = {name for name in inspect(house.store.engine).get_table_names() if not name.startswith("case_terms")}
    assert made == set(Base.metadata.tables) | {"alembic_version"}
    house.store.engine.dispose()
    command.downgrade(alembic_config(url, VAULT), "base")
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


@pytest.mark.parametrize(
    ("word", "name"),
    [("nan", "places.csv"), ("inf", "categories.csv"), ("NaN", "grids.geojson"), ("1e999", "grids.geojson")],
)
def test_numbers_that_are_none(house: House, tmp_path: Path, word: str, name: str) -> None:
    """Hours and coordinates have to be finite: what Python takes for a number is not enough."""
    with pytest.raises(CityError) as error:
        load_city(house.store, _spoilt_city(tmp_path / "city", name, word))
    assert [fault.split(maxsplit=1)[0] for fault in error.value.faults] == [name]


def _spoilt_city(folder: Path, file: str, word: str) -> Path:
    """Return the sample city with the last number in a file replaced."""
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("corpus"))
    text = (folder / file).read_text(encoding="utf-8").rstrip()
    at = max(match.start() for match in re.finditer(r"[\d.]+(?=[\D]*$)", text))
    (folder / file).write_text(text[:at] + re.sub(r"^[\d.]+", word, text[at:]), encoding="utf-8")
    return folder


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


HEAD = "source_key,text,category\n"
BAD_FILES = {
    "gaps.csv": (HEAD + "A,井盖坏了,\n\nB,,\nC,路灯,no/such\n", ["第 4 行：缺少 text", "第 5 行：类别 no/such 不存在"]),
    "twice.csv": (HEAD + "A,井盖坏了,\nB,路灯,\nA,狗,\n", ["第 4 行：source_key A 和第 2 行重复"]),
    "headless.csv": ("A,井盖坏了\n", ["第 1 行：缺少列 source_key、text"]),
    "empty.csv": ("", ["第 1 行：缺少列 source_key、text"]),
    "lines.jsonl": ('{"source_key": "A", "text": "井盖"}\n\nnot json\n[1]\n',
                    ["第 3 行：不是 JSON", "第 4 行：不是 JSON"]),
    "null.jsonl": ('{"source_key": "A", "text": "a\\u0000b"}\n{"source_key": "B", "text": "\\ud800"}',
                   ["第 1 行：有存不了的字符", "第 2 行：有存不了的字符"]),
    "broken.xlsx": ("no workbook", ["broken.xlsx：不是完好的 Excel 文件"]),
    "cases.txt": ("A", ["cases.txt：只认 .jsonl、.csv、.xlsx"]),
}  # fmt: skip


def test_a_faulty_import_is_named_by_row(app: Flask, house: House, tmp_path: Path) -> None:
    """Each fault gets a line with the row as the file's own reader counts it, and nothing is opened."""
    for name, (content, faults) in BAD_FILES.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        result = run(app, "cases", "import", str(tmp_path / name))
        lines = result.output.strip().splitlines()
        assert result.exit_code == 1, name
        assert len(lines) == len(faults), lines
        assert all(line.startswith(fault) for line, fault in zip(lines, faults, strict=True)), lines
    workbook = Workbook()
    for at, value in ((1, ("source_key", "text")), (2, ("A", "井盖坏了")), (5, ("B", None))):
        for column, cell in enumerate(value, start=1):
            workbook.worksheets[0].cell(at, column, cell)
    workbook.save(tmp_path / "gaps.xlsx")
    assert run(app, "cases", "import", str(tmp_path / "gaps.xlsx")).output.strip() == "第 5 行：缺少 text"
    with house.store.read() as book:
        assert list(book.every_case()) == []


def test_a_long_import_comes_in_parts(
    app: Flask, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long file is written in parts, so that residents get their turn; what is missing can follow later."""
    monkeypatch.setattr(exchange, "CHUNK", 2)
    file = tmp_path / "in.csv"
    file.write_text(HEAD + "".join(f"K{at},翠湖小区3栋井盖坏了,\n" for at in range(5)), encoding="utf-8")
    opened = intake.open_imported

    def breaks_off(*arguments: Any, **options: Any) -> CaseRow:
        if options["source_key"] == "K3":
            raise LookupError("power cut")
        return opened(*arguments, **options)

    monkeypatch.setattr(exchange, "open_imported", breaks_off)
    assert run(app, "cases", "import", str(file)).exit_code == 1
    with house.store.read() as book:
        assert [case.source_key for case in book.every_case()] == ["K0", "K1"]
    monkeypatch.setattr(exchange, "open_imported", opened)
    assert "新开 3 个工单，2 个以前导入过" in run(app, "cases", "import", str(file)).output


def test_what_cannot_be_written_is_said(app: Flask) -> None:
    """A file that cannot be written is one line and exit code 1."""
    result = run(app, "cases", "export", "--out", "/nope/x")
    assert result.exit_code == 1
    assert len(result.output.strip().splitlines()) == 1
    assert "/nope" in result.output


def traces(house: House, case_id: int) -> str:
    """Return everything that the book holds about a case and its history."""
    with house.store.engine.connect() as connection:
        case = connection.execute(select(CaseRow.__table__).where(CaseRow.id == case_id)).all()
        history = connection.execute(select(HistoryRow.__table__).where(HistoryRow.case_id == case_id)).all()
    assert len(case) == 1
    assert history
    return repr([tuple(row) for row in (*case, *history)])


def test_erase(app: Flask, house: House, resident: Resident, neighbour: Resident) -> None:
    """Erasing a resident leaves the anonymous case, nothing of theirs anywhere, and everybody else's untouched."""
    resident.say(MANHOLE + "，我电话13800001234")
    resident.send("image", MediaId="photo-1")
    neighbour.say(MANHOLE)
    case_id = resident.case().id
    assert "翠湖小区" in traces(house, case_id)
    assert run(app, "erase-resident", resident.openid).exit_code == 0
    assert "翠湖小区" not in traces(house, case_id)
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
    shown = requests.get(f"{serving}/sandbox/chats/oSandboxWangAyi0000000000001", timeout=5).json()["menu"]
    [pages] = [each for button in shown for each in button["sub_button"] if each["type"] == "view"]
    assert (pages["name"], pages["url"]) == ("我的事", f"{serving}/h5/")
    assert "view" not in str(menu(public_url=""))
    out = tmp_path / "grid.png"
    assert run(app, "wechat", "make-qr", "grid-cuihu-01", "--out", str(out)).exit_code == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert run(app, "wechat", "make-qr", "nowhere", "--out", str(out)).exit_code == 1


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"DATABASE_URL": "postgresql://h:abc/z", "REDIS_URL": "redis://h:abc"}, ["DATABASE_URL", "REDIS_URL"]),
        ({"DATA_DIR": "/dev/null/nothing"}, ["/dev/null"]),
    ],
)
def test_bad_settings_are_said_line_by_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environ: dict[str, str], named: list[str]
) -> None:
    """Whatever is asked of `flask --app web`, bad settings end it with a line for each fault and exit code 1."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as exit_:
        create_app()
    lines = capsys.readouterr().err.splitlines()
    assert exit_.value.code == 1
    assert len(lines) == len(named), lines
    assert all(word in line for word, line in zip(named, lines, strict=True))


def test_commands_without_a_database(tmp_path: Path) -> None:
    """A database that cannot be reached is one line that names its setting, for each command that needs it."""
    away = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing", "DATA_DIR": str(tmp_path), "LOG_LEVEL": "ERROR"}
    app = create_app(configuration.load(away))
    for command_line in (["init-db"], ["load-city"], ["cases", "export"], ["erase-resident", "o1"]):
        result = run(app, *command_line)
        assert result.exit_code == 1
        [line] = result.output.strip().splitlines()
        assert "DATABASE_URL" in line
