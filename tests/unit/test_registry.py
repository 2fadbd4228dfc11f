from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.emergency import Danger
from cases.registry import TABLES, grids, year
from cases.registry.answers import PLAN_KEYS
from cases.registry.columns import Column
from cases.registry.plan import Plan, form_plan, plan
from cases.registry.times import moment
from cases.registry.world import Row, World
from cases.sheets import ExchangeError, Line, Sheet, harmless, to_csv, unharmed

SQUARE = [[117.0, 36.0], [117.01, 36.0], [117.01, 36.01], [117.0, 36.01], [117.0, 36.0]]


def unit(code: str, kind: str, parent: str = "", off: str = "no") -> Row:
    """Return a unit as values."""
    return {"code": code, "name": f"{code}处", "kind": kind, "parent": parent, "phone": "", "opening": "",
            "former_codes": "", "off": off}  # fmt: skip


def person(login: str, role: str, where: str, off: str = "no") -> Row:
    """Return an account as values."""
    return {"login": login, "name": login, "role": role, "unit": where, "phone": "", "groups": "", "contacts": "no",
            "backup": "", "off": off, "external": "", "password": ""}  # fmt: skip


def town(**more: dict[str, Row]) -> World:
    """Return a small town: a city with a desk, a street, a community, a grid and one department."""
    units = [
        unit("city", "city"),
        unit("desk", "dispatch", "city"),
        unit("dept", "department", "city"),
        unit("street", "street", "city"),
        unit("community", "community", "street"),
        unit("grid", "grid", "community"),
    ]
    given: dict[str, Any] = {table: {} for table in TABLES}
    given["units"] = {each["code"]: each for each in units}
    given["staff"] = {"boss": person("boss", "admin", "city")}
    return World(given | more)


def planned(table: str, world: World, *rows: dict[str, str]) -> Plan:
    """Return what lines with these cells would do; the first has number 2, as in a file."""
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return plan(TABLES[table], Sheet(columns, tuple(Line(at, row) for at, row in enumerate(rows, start=2))), world)


def said(found: Plan) -> list[str]:
    """Return the faults of a plan as people read them."""
    return [str(fault) for fault in found.faults]


# -- cells -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("check", "是", "yes"),
        ("check", "FALSE", "no"),
        ("number", "2.0", "2"),
        ("number", "117.003656", "117.003656"),
        ("whole", "3.0", "3"),
        ("date", "2027/1/5", "2027-01-05"),
        ("date", "2027年1月5日", "2027-01-05"),
        ("date", "2027-01-05 00:00:00", "2027-01-05"),
        ("moment", "2027-01-05 08:30:00", "2027-01-05 08:30"),
        ("moment", "2027/1/5 8:30", "2027-01-05 08:30"),
        ("moment", "2027-01-05T08:30", "2027-01-05 08:30"),
        ("list", "甲；乙;甲", "甲;乙"),
        ("lines", " 一 \r\n\r\n二", "一\n二"),
        ("choice", "红", "red"),
        ("choice", "red", "red"),
    ],
)
def test_a_cell_has_one_value(kind: str, cell: str, value: str) -> None:
    """However people and spreadsheets write it, a cell means one value."""
    assert Column("x", "某列", kind=kind, choices={"red": "红"}).read(cell) == value


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("number", "nan"),
        ("number", "1e999"),
        ("number", "很多"),
        ("number", "0"),
        ("whole", "1.5"),
        ("date", "2027-02-30"),
        ("date", "明天"),
        ("moment", "2027-01-05 25:00"),
        ("moment", "2027-01-05"),
        ("check", "也许"),
        ("choice", "蓝"),
        ("code", "a b"),
        ("text", "a\0b"),
        ("text", "长" * 81),
        ("text", ""),
    ],
)
def test_a_cell_that_means_nothing_says_so(kind: str, cell: str) -> None:
    """What cannot be read is a fault in words, never a guess and never an exception of another kind."""
    with pytest.raises(ValueError, match=r"[\u4e00-\u9fff]"):
        Column("x", "某列", kind=kind, need=True, low=0, choices={"red": "红"}).read(cell)


@given(st.text())
def test_no_cell_is_a_formula(text: str) -> None:
    """No exported cell begins as a formula does, and its text comes back as it was."""
    cell = str(harmless(text))
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unharmed(cell) == text


def test_csv_keeps_lines_within_cells() -> None:
    """A cell of several lines stays one cell."""
    written = to_csv(["步骤"], [["一\n二"]]).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(written, newline=""))) == [["步骤"], ["一\n二"]]


# -- rows --------------------------------------------------------------------------------------------------------


def test_headings_are_chinese_or_code() -> None:
    """A column is found by its heading or by its name in code; what means nothing is named, what is missing too."""
    row = {"code": "g2", "name": "二格", "kind": "grid", "parent": "community", "天气": "晴"}
    assert planned("units", town(), row).unused == ("天气",)
    chinese = {"编号": "g2", "名称": "二格", "类型": "网格", "上级单位": "community"}
    assert planned("units", town(), chinese).new == planned("units", town(), row).new
    assert said(planned("units", town(), {"名称": "二格"})) == ["第 1 行：缺少列 编号"]


def test_what_a_file_has_no_column_for_stays() -> None:
    """A file with some columns changes those only, and a row that it says nothing new about is not a change."""
    found = planned("units", town(), {"编号": "dept", "电话": "12345"}, {"编号": "desk", "电话": ""})
    assert [(change.new["name"], change.new["phone"]) for change in found.changed] == [("dept处", "12345")]
    assert (found.same, found.new) == (1, [])


def test_a_name_will_do_where_it_is_one_only() -> None:
    """A unit may be named; where two have the name, or none, the fault says so with row and column."""
    world = town()
    [change] = planned("places", world, {"name": "翠湖", "grid": "grid处", "lon": "117", "lat": "36"}).new
    assert change.new["grid"] == "grid"
    again = planned("places", town(), {"name": "翠湖", "grid": "别处", "lon": "117", "lat": "36"})
    assert said(again) == ["第 2 行“网格”：没有单位“别处”"]


def test_rows_of_one_file_know_each_other() -> None:
    """A unit may stand below one that comes later in the file; a key may stand in a file once."""
    below = {"编号": "g2", "名称": "二格", "类型": "网格", "上级单位": "c2"}
    above = {"编号": "c2", "名称": "二社", "类型": "社区", "上级单位": "street"}
    assert len(planned("units", town(), below, above).new) == 2
    assert said(planned("units", town(), above, above)) == ["第 3 行“编号”：和第 2 行重复"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"code": "x", "name": "x", "kind": "community", "parent": "grid"}, "社区不能放在网格下面"),
        ({"code": "x", "name": "x", "kind": "grid"}, "网格要有上级单位"),
        ({"code": "x", "name": "x", "kind": "dispatch", "parent": "city"}, "有且只有一个派单台"),
        ({"code": "dept", "kind": "street"}, "类型定了就不能改"),
        ({"code": "dept", "opening": "看心情"}, "工作时间“看心情”看不懂"),
        ({"code": "street", "off": "是"}, "下面还有community处"),
        ({"code": "desk", "off": "是"}, "派单台不能停用"),
        ({"code": "city", "off": "是"}, "还有人员：boss"),
        ({"code": "x", "name": "x", "kind": "department", "parent": "city", "former_codes": "dept"}, "旧编号 dept"),
    ],
)
def test_units_keep_their_tree(row: dict[str, str], words: str) -> None:
    """A unit that would break the tree, or that something hangs on, is a fault in plain words."""
    assert any(words in fault for fault in said(planned("units", town(), row)))


def test_a_unit_with_open_cases_stays() -> None:
    """A unit that holds open cases, or that a kind is sent to, cannot be switched off; the fault says how many."""
    kinds = {"a/b": {"code": "a/b", "name": "路灯", "queue": "dept", "group_name": "市政"}}
    world = town(categories=kinds)
    busy = World({table: world.rows(table) for table in TABLES}, busy=lambda: {"dept": 3})
    faults = said(planned("units", busy, {"code": "dept", "off": "yes"}))
    assert ["3 件" in faults[0], "路灯" in faults[1]] == [True, True]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"role": "grid_officer", "unit": "dept"}, "网格员要放在网格，dept处不是"),
        ({"role": "king", "unit": "dept"}, "“king”不认识"),
        ({"role": "department", "unit": "dept", "backup": "new"}, "备岗要是另一个"),
        ({"role": "department", "unit": "dept", "backup": "nobody"}, "没有账号“nobody”"),
        ({"role": "department", "unit": "dept", "groups": "天文"}, "没有大类“天文”"),
        ({"role": "department", "unit": "dept", "password": "short"}, "密码至少 10 位"),
    ],
)
def test_accounts_are_checked(row: dict[str, str], words: str) -> None:
    """Role, unit, backup, groups and password of an account are checked, each fault with its row."""
    [fault] = said(planned("staff", town(), {"login": "new", "name": "新人"} | row))
    assert fault.startswith("第 2 行“")
    assert words in fault


@pytest.mark.parametrize("row", [{"off": "是"}, {"role": "分管领导"}])
def test_somebody_can_always_log_in(row: dict[str, str]) -> None:
    """The last administrator can neither be switched off nor become somebody else."""
    assert said(planned("staff", town(), {"login": "boss"} | row)) == ["第 2 行“角色”：至少要留一个在用的系统管理员"]
    other = {"login": "new", "name": "新人", "role": "admin", "unit": "city", "off": "否"}
    old = {"login": "boss", "name": "boss", "role": "admin", "unit": "city", "off": "否"}
    assert planned("staff", town(), old | row, other).faults == ()


@pytest.mark.parametrize(
    ("table", "row", "words"),
    [
        ("categories", {"code": "a/b", "name": "x", "group_name": "y", "queue": "nowhere", "accept_hours": "1",
                        "contact_hours": "2", "finish_hours": "3"}, "没有单位“nowhere”"),
        ("categories", {"code": "a/b", "name": "x", "group_name": "y", "queue": "所在网格", "accept_hours": "5",
                        "contact_hours": "2", "finish_hours": "3"}, "一个比一个长"),
        ("limits", {"category": "a/b", "accept_hours": "1", "contact_hours": "2", "finish_hours": "3"}, "没有类别"),
        ("places", {"name": "湖", "grid": "grid", "lon": "117", "lat": "36"}, "至少 2 个字"),
        ("places", {"name": "翠湖", "grid": "dept", "lon": "117", "lat": "36"}, "不是网格"),
        ("places", {"name": "翠湖", "grid": "grid", "lon": "117", "lat": "136"}, "“136”不对"),
        ("places", {"name": "翠湖", "grid": "grid", "numbers": "8-1栋", "lon": "117", "lat": "36"}, "1-8栋"),
        ("places", {"id": "7", "name": "翠湖", "grid": "grid", "lon": "117", "lat": "36"}, "没有编号是 7"),
        ("calendar", {"day": "2027-13-01", "working": "上班"}, "不是日期"),
        ("duties", {"unit": "desk", "login": "boss", "from": "2027-01-05 08:00", "until": "2027-01-05 07:00"}, "之后"),
        ("duties", {"unit": "desk", "login": "boss", "from": "2027-01-05 08:00", "until": "2028-01-05 07:00"}, "最长"),
        ("canned", {"title": "好", "unit": "", "text": "您好 {phone}"}, "花括号里只能写"),
        ("canned", {"title": "好", "unit": "", "text": "您好 {number"}, "花括号里只能写"),
        ("plans", {"key": "火灾", "name": "着火", "steps": "跑", "phones": "消防"}, "名称 号码"),
    ],
)  # fmt: skip
def test_every_table_is_checked(table: str, row: dict[str, str], words: str) -> None:
    """Nonsense in any table is one fault with its row and its column."""
    [fault] = said(planned(table, town(), row))
    assert fault.startswith("第 2 行“")
    assert words in fault


def test_a_form_says_which_field() -> None:
    """A form's fault names its field and no row; a key that is taken, or a row that is gone, is told."""
    values = {"code": "dept", "name": "又一个", "kind": "department", "parent": "city"}
    [fault] = form_plan(TABLES["units"], "", values, town()).faults
    assert (fault.where, fault.field, "已经有" in fault.words) == ("", "编号", True)
    [gone] = form_plan(TABLES["units"], "gone", values, town()).faults
    assert "已经不在了" in str(gone)


def test_every_danger_has_a_plan() -> None:
    """There is a plan for each kind of danger that the bot tells apart, and one for any other."""
    assert set(PLAN_KEYS) == set(Danger) | {"general"}


def test_duty_is_in_the_city_s_time() -> None:
    """Times of a roster are the city's, eight hours before UTC."""
    assert moment("2027-01-05 08:30") == datetime(2027, 1, 5, 0, 30, tzinfo=UTC)


# -- shapes ------------------------------------------------------------------------------------------------------


def feature(code: str, *rings: Any, kind: str = "Polygon") -> dict[str, Any]:
    """Return a feature of a GeoJSON collection."""
    return {"type": "Feature", "properties": {"code": code}, "geometry": {"type": kind, "coordinates": list(rings)}}


def drawn(*features: dict[str, Any], world: World | None = None) -> Plan:
    """Return what a collection of these would do."""
    text = json.dumps({"type": "FeatureCollection", "features": list(features)})
    return plan(TABLES["grids"], grids.sheet_of(text), world or town())


def shifted(by: float) -> list[list[float]]:
    """Return the square moved to the east."""
    return [[lon + by, lat] for lon, lat in SQUARE]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (feature("nowhere", SQUARE), "没有编号是 nowhere 的网格"),
        (feature("dept", SQUARE), "没有编号是 dept 的网格"),
        (feature("grid", SQUARE[:4]), "没有闭合"),
        (feature("grid", [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]), "自己交叉"),
        (feature("grid", [SQUARE[0], SQUARE[1], SQUARE[0], SQUARE[0]]), "形状不对"),
        (feature("grid", [[lat, lon] for lon, lat in SQUARE]), "写反"),
        (feature("grid", [[each, 36.0] for each in (117.0, 200.0, 117.0, 117.0)]), "超出"),
        (feature("grid", [SQUARE], kind="MultiPolygon"), "只能是一块"),
        (feature("grid"), "没有边界"),
        (feature("grid", ["x"]), "[经度, 纬度]"),
        ({"type": "Feature", "properties": {"code": "grid"}, "geometry": None}, "没有边界"),
    ],
)
def test_shapes_are_checked(made: dict[str, Any], words: str) -> None:
    """A shape that is none, or of no grid, is a fault that names the feature."""
    [fault] = said(drawn(made))
    assert fault.startswith("第 1 个图形")
    assert words in fault


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"features": 3}', '{"features": [[]]}', "[" * 5000])
def test_what_is_no_geojson_says_so(text: str) -> None:
    """A file that is no collection is one clear fault."""
    with pytest.raises(ExchangeError, match="读不了"):
        grids.sheet_of(text)


def test_another_datum_is_refused() -> None:
    """Coordinates that say they are not WGS-84 are not taken for it."""
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    with pytest.raises(ExchangeError, match="WGS-84"):
        grids.sheet_of(json.dumps({"type": "FeatureCollection", "crs": crs, "features": []}))


def test_overlaps_are_told_first() -> None:
    """Grids that share more than a twentieth of their area are named before anything is saved; a seam is not."""
    world = town()
    world.put("units", {"g2": unit("g2", "grid", "community"), "g3": unit("g3", "grid", "community")})
    found = drawn(feature("grid", SQUARE), feature("g2", shifted(0.0095)), feature("g3", shifted(0.005)), world=world)
    assert found.faults == ()
    assert len(found.warnings) == 3
    assert drawn(feature("grid", SQUARE), feature("g2", shifted(0.0099)), world=town_of_two()).warnings == ()


def town_of_two() -> World:
    """Return the town with a second grid."""
    world = town()
    world.put("units", {"g2": unit("g2", "grid", "community")})
    return world


def test_areas_are_compared() -> None:
    """A changed shape says by how much its area grows."""
    old, new = (json.dumps({"type": "Polygon", "coordinates": [ring]}) for ring in (SQUARE, [*SQUARE]))
    assert grids.area_change(old, new) == pytest.approx(0)
    wider = json.dumps({"type": "Polygon", "coordinates": [[[117.0 + (x - 117.0) * 2, y] for x, y in SQUARE]]})
    assert grids.area_change(old, wider) == pytest.approx(1)
    assert grids.square_metres(grids.polygon_of(old)) == pytest.approx(1_002_000, rel=0.01)


# -- the calendar ------------------------------------------------------------------------------------------------


def test_own_days_count_before_the_country_s() -> None:
    """A year shows the country's holidays and make-up days; what the administrator says of a day wins."""
    assert (year.published(2026), year.published(2027)) == (True, False)
    months = year.year_of({date(2026, 10, 1): (True, "值守")}, 2026)
    days = {each.day: each for month in months for each in month}
    assert len(days) == 365
    assert (days[date(2026, 10, 1)].working, days[date(2026, 10, 1)].own) == (True, True)
    assert not days[date(2026, 10, 2)].working
    assert days[date(2026, 10, 10)].working
    assert days[date(2026, 10, 10)].brief == "班"
    assert [day for day, each in days.items() if each.unusual and day.month == 11] == []
