from __future__ import annotations

import io
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from cases import registry
from cases.registry import TABLES
from cases.storage.tables import PlaceRow
from cases.storage.working import AuditRow, DayRow
from tests.integration.people import Resident, Staff

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from werkzeug.test import TestResponse

    from bot.assembly import House
    from cases.registry.world import Row

HOME = "/console/registry/"
SEEN = re.compile(r'name="seen" value="([0-9a-f]+)"')
COUNTS = re.compile(r'data-new="(\d+)" data-changed="(\d+)" data-same="(\d+)" data-faults="(\d+)"')
PASSWORD = re.compile(r'class="reg-password">([^<]+)<')


@pytest.fixture
def admin(staff: Callable[[str], Staff]) -> Staff:
    """Give the administrator."""
    return staff("admin")


def post(admin: Staff, path: str, **form: object) -> TestResponse:
    """Post a form below the registry and follow it."""
    return admin.post(HOME + path, admin.client.get(HOME).text, **form)


def upload(admin: Staff, table: str, name: str, content: bytes) -> TestResponse:
    """Send a file to be looked at, and return its preview."""
    return post(admin, f"{table}/import", file=(io.BytesIO(content), name))


def confirm(admin: Staff, page: TestResponse) -> TestResponse:
    """Press the button below a preview."""
    seen = SEEN.search(page.text)
    assert seen, page.text[-3000:]
    return admin.post(page.request.path, page.text, seen=seen[1])


def counts(page: TestResponse) -> tuple[int, ...]:
    """Return how many rows a preview calls new, changed, as they were, and faults."""
    found = COUNTS.search(page.text)
    assert found, page.text[-3000:]
    return tuple(map(int, found.groups()))


def rows(house: House, table: str) -> dict[str, Row]:
    """Return a table's rows by key."""
    with house.store.read() as book:
        return dict(registry.world(book).rows(table))


def test_it_is_the_administrator_s(app: Flask, admin: Staff, staff: Callable[[str], Staff]) -> None:
    """Every page and every form of the registry is refused to all others."""
    other = staff("dispatcher")
    page = other.client.get("/console/", follow_redirects=True).text
    places = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/console/registry")]
    assert len(places) >= 14
    for rule in places:
        address = rule.rule
        for name, value in (("<code>", "units"), ("<token>", "abc"), ("<form>", "csv")):
            address = address.replace(name, value)
        if "POST" in (rule.methods or ()):
            assert other.post(address, page).status_code == 403, address
        if "GET" in (rule.methods or ()):
            assert other.client.get(address).status_code == 403, address
    assert "基础数据" not in page
    assert "基础数据" in admin.client.get("/console/categories").text


def test_every_table_has_its_pages(admin: Staff) -> None:
    """The index counts each table; each has a list, a form, an import and exports; another address is 404."""
    index = admin.client.get(HOME).text
    for code, table in TABLES.items():
        assert f'id="card-{code}"' in index
        assert table.name in admin.client.get(f"{HOME}{code}").text
        assert "先看看" in admin.client.get(f"{HOME}{code}/import").text
        for form in ("geojson",) if code == "grids" else ("xlsx", "csv"):
            answer = admin.client.get(f"{HOME}{code}/export.{form}")
            assert (answer.status_code, "attachment" in answer.headers["Content-Disposition"]) == (200, True)
        if code != "grids":
            assert "新加" in admin.client.get(f"{HOME}{code}/row").text
    for path in ("nothing", "nothing/row", "nothing/import", "units/export.exe", "grids/export.csv"):
        assert admin.client.get(HOME + path).status_code == 404, path


def test_a_list_is_searched_filtered_and_paged(admin: Staff) -> None:
    """A list shows thirty rows, finds by words, by kind and by unit, and says when there is nothing."""
    page = admin.client.get(f"{HOME}units").text
    assert page.count("data-key=") == 30
    assert "第 1 / 3 页，共 83 条" in page
    assert "第 3 / 3 页" in admin.client.get(f"{HOME}units?page=99").text
    found = admin.client.get(f"{HOME}units?q=翠湖&filter=grid").text
    assert (found.count("data-key="), "grid-cuihu-01" in found) == (6, True)
    below = admin.client.get(f"{HOME}staff?unit=community-cuihu").text
    assert "cuihusq" in below
    assert "linjiangsq" not in below
    assert "没有找到" in admin.client.get(f"{HOME}places?q=月球%25_").text


def test_ten_thousand_places_stay_quick(house: House, admin: Staff) -> None:
    """A list of ten thousand places, one of them, and saving it take moments, and no page has them all."""
    with house.store.write() as book:
        grid = book.units()[-1].id
        book.add_all(
            PlaceRow(name=f"大路{at}号院", aliases=[], kind="小区", grid_id=grid, numbers="", lon=117.0, lat=36.6)
            for at in range(10_000)
        )
    admin.client.get(HOME)
    began = time.perf_counter()
    page = admin.client.get(f"{HOME}places?q=大路77")
    row = admin.client.get(f"{HOME}places/row?key=5000")
    assert time.perf_counter() - began < 2
    assert (page.text.count("data-key="), len(page.data) < 100_000) == (30, True)
    assert row.status_code == 200
    saved = post(admin, "places/row", key="5000", name="改过的院", grid="grid-cuihu-01", lon="117", lat="36.6",
                 kind="小区", aliases="", numbers="")  # fmt: skip
    assert "改过的院" in saved.text


def test_a_form_saves_or_says_why_not(house: House, admin: Staff) -> None:
    """A row is made and changed in a form; what is wrong stands at its field and what was typed stays."""
    bad = post(admin, "units/row", key="", code="dept-new", name="新局", kind="department", parent="grid-cuihu-01")
    assert bad.status_code == 400
    assert "部门不能放在网格下面" in bad.text
    assert 'value="新局"' in bad.text
    good = post(admin, "units/row", key="", code="dept-new", name="新局", kind="department", parent="district")
    assert "“新局”已保存" in good.text
    assert "新局" in post(admin, "units/row", key="dept-new", name="新局", kind="department", parent="district",
                        off="yes").text  # fmt: skip
    assert rows(house, "units")["dept-new"]["off"] == "yes"
    assert post(admin, "units/row", key="gone", name="x").status_code == 400
    assert "已经不在了" in admin.client.get(f"{HOME}units/row?key=gone", follow_redirects=True).text


def test_what_is_saved_holds_for_the_next_message(admin: Staff, resident: Resident) -> None:
    """A kind that was given to another unit in the registry goes there with the next report."""
    values = {"name": "井盖缺损", "group_name": "市政设施", "queue": "水务局", "needs_place": "1", "urgent": "1",
              "accept_hours": "1", "contact_hours": "2", "finish_hours": "3"}  # fmt: skip
    assert "已保存" in post(admin, "categories/row", key="facility/manhole", **values).text
    assert "水务局" in resident.say("翠湖小区3栋楼下井盖坏了，老人差点摔倒")


def test_an_import_is_looked_at_first(house: House, admin: Staff) -> None:
    """A file shows what would be new and changed, old and new value; only the button writes it, and once."""
    content = (
        "编号,名称,类型,上级单位,电话,天气\ndept-water,水务局,部门,district,123,晴\ndept-x,新局,部门,district,,雨\n"
    )
    page = upload(admin, "units", "单位.csv", content.encode("gb18030"))
    assert counts(page) == (1, 1, 0, 0)
    assert re.search(r"<del>0000-81001112</del>.*<ins>123</ins>", page.text, re.DOTALL)
    assert "这几列没有用到：天气" in page.text
    assert "dept-x" not in rows(house, "units")
    done = confirm(admin, page)
    assert "新加 1 条，改了 1 条" in done.text
    assert rows(house, "units")["dept-water"]["phone"] == "123"
    assert admin.client.get(page.request.path).status_code == 404
    assert list((house.settings.data_dir / "imports").iterdir()) == []


def test_faults_of_an_import_have_their_rows(house: House, admin: Staff) -> None:
    """Every fault of a file is named by row and column, and there is no button."""
    content = "名称,网格,经度,纬度\n新湖家园,grid-cuihu-01,117,36\n新,没有,117,36\n新湖路,grid-cuihu-01,x,36\n"
    page = upload(admin, "places", "地点.csv", content.encode())
    assert (page.status_code, counts(page)[3]) == (400, 3)
    for fault in ("第 3 行“名称”：至少 2 个字", "第 3 行“网格”：没有单位“没有”", "第 4 行“经度”：“x”不对"):
        assert fault in page.text
    assert not SEEN.search(page.text)
    assert "新湖家园" not in {row["name"] for row in rows(house, "places").values()}


@pytest.mark.parametrize(
    ("table", "name", "content", "words"),
    [
        ("units", "x.xlsx", b"no workbook", "x.xlsx：不是完好的 Excel 文件"),
        ("units", "x.exe", b"MZ", "只认"),
        ("units", "x.csv", b"", "缺少列"),
        ("grids", "x.csv", b"a,b", "x.csv：只认 .json、.geojson"),
        ("grids", "x.geojson", b"\xff\xfe", "要 UTF-8"),
        ("grids", "x.geojson", b"[]", "读不了"),
    ],
)
def test_a_file_that_is_none_says_so(admin: Staff, table: str, name: str, content: bytes, words: str) -> None:
    """What cannot be read is refused with the file's name, and nothing of it is kept."""
    page = upload(admin, table, name, content)
    assert page.status_code == 400
    assert words.replace("x.csv：只认 .json、.geojson", "只认") in page.text


def test_a_changed_city_is_looked_at_again(house: House, admin: Staff) -> None:
    """When a row was changed after the preview, the button writes nothing and shows the new preview."""
    page = upload(admin, "units", "x.csv", b"code,phone\ndept-water,123\n")
    post(admin, "units/row", key="dept-water", name="水务局", kind="department", parent="district", phone="9")
    again = confirm(admin, page)
    assert "情况变了" in again.text
    assert "<del>9</del>" in again.text
    assert rows(house, "units")["dept-water"]["phone"] == "9"
    confirm(admin, again)
    assert rows(house, "units")["dept-water"]["phone"] == "123"


def test_first_passwords_are_shown_once(app: Flask, admin: Staff) -> None:
    """A new account's password is on the page after the import and nowhere else; a new one replaces it."""
    page = upload(admin, "staff", "x.csv", "login,name,role,unit\nneu,白新,部门工作人员,水务局\n".encode())
    done = confirm(admin, page)
    password = PASSWORD.search(done.text)
    assert password
    assert "现在的密码是别人给的" in Staff(app, "neu", password[1]).answer.text
    assert password[1] not in admin.client.get(f"{HOME}staff/row?key=neu").text
    again = PASSWORD.search(post(admin, "staff/password", key="neu").text)
    assert again
    assert Staff(app, "neu", password[1]).answer.status_code == 401
    assert Staff(app, "neu", again[1]).answer.status_code == 200
    assert "已经不在了" in post(admin, "staff/password", key="gone").text
    made = post(admin, "staff/row", key="", login="neu2", name="黑新", role="department", unit="dept-water")
    assert PASSWORD.search(made.text)


def test_an_account_that_is_switched_off_is_out(admin: Staff, staff: Callable[[str], Staff]) -> None:
    """Whoever is switched off is out with their next click."""
    water = staff("water")
    assert water.client.get("/console/").status_code == 200
    post(admin, "staff/row", key="water", name="某人", role="department", unit="dept-water", off="yes")
    assert "/login" in water.client.get("/console/").headers["Location"]


def test_the_calendar_says_which_years_are_official(house: House, admin: Staff) -> None:
    """A published year says so, one to come warns; a day of one's own is shown, changed and deleted."""
    assert 'data-published="yes"' in admin.client.get(f"{HOME}calendar?year=2026").text
    assert 'data-published="no"' in admin.client.get(f"{HOME}calendar?year=2027").text
    page = upload(
        admin, "calendar", "x.csv", "日期,上班还是放假,名称\n2027/2/6,放假,春节\n2027年2月20日,上班,调休\n".encode()
    )
    assert counts(page)[0] == 2
    assert "导入好了" in confirm(admin, page).text
    shown = admin.client.get(f"{HOME}calendar?year=2027").text
    assert 'data-published="own"' in shown
    assert re.search(r'day-own[^"]*" data-day="2027-02-06"', shown)
    post(admin, "calendar/delete", key="2027-02-06")
    with house.store.read() as book:
        assert [row.day.isoformat() for row in book.rows_of(DayRow)] == ["2027-02-20"]
    assert admin.client.get(f"{HOME}calendar?year=99999").status_code == 200


def shape(house: House, code: str) -> dict[str, Any]:
    """Return a grid's polygon."""
    found: dict[str, Any] = json.loads(rows(house, "grids")[code]["geometry"])
    return found


def test_a_grid_is_drawn(house: House, admin: Staff) -> None:
    """A drawn shape is checked and saved; an overlap is told first and saved when it is heeded."""
    page = admin.client.get(f"{HOME}grids?unit=community-cuihu&pick=grid-cuihu-01").text
    assert "翠湖社区第1网格" in page
    polygon = shape(house, "grid-cuihu-01")
    polygon["coordinates"][0][1][1] -= 0.0005
    saved = post(admin, "grids/save", code="grid-cuihu-01", geometry=json.dumps(polygon))
    assert "边界已保存" in saved.text
    assert shape(house, "grid-cuihu-01") == polygon
    crossed = {"type": "Polygon", "coordinates": [[[117, 36], [117.1, 36.1], [117.1, 36], [117, 36.1], [117, 36]]]}
    bad = post(admin, "grids/save", code="grid-cuihu-01", geometry=json.dumps(crossed))
    assert (bad.status_code, "自己交叉" in bad.text, "117.1" in bad.text) == (400, True, True)
    wide = json.dumps(shape(house, "grid-cuihu-02"))
    told = post(admin, "grids/save", code="grid-cuihu-01", geometry=wide)
    assert "重叠" in told.text
    assert shape(house, "grid-cuihu-01") == polygon
    heeded = re.search(r'name="heeded" value="([0-9a-f]+)"', told.text)
    assert heeded
    assert "边界已保存" in post(admin, "grids/save", code="grid-cuihu-01", geometry=wide, heeded=heeded[1]).text


def test_a_new_grid_has_no_shape_yet(house: House, admin: Staff, resident: Resident) -> None:
    """A grid that was made without a shape is on the map's list, is drawn there, and then finds who stands in it."""
    post(admin, "units/row", key="", code="grid-new", name="新网格", kind="grid", parent="community-cuihu")
    page = admin.client.get(f"{HOME}grids?unit=community-cuihu&pick=grid-new").text
    assert "新网格（还没画）" in page
    corners = [[118.0, 36.0], [118.01, 36.0], [118.01, 36.01], [118.0, 36.01], [118.0, 36.0]]
    geometry = json.dumps({"type": "Polygon", "coordinates": [corners]})
    assert "已保存" in post(admin, "grids/save", code="grid-new", geometry=geometry).text
    assert resident
    with house.store.read() as book:
        city = house.cities.current(book)
        assert city.units[city.locate_point(118.005, 36.005, "").grid_id or 0].code == "grid-new"


def test_shapes_come_by_file(house: House, admin: Staff) -> None:
    """A collection shows by how much areas change and which grids overlap, and is written when confirmed."""
    polygon = shape(house, "grid-cuihu-01")
    polygon["coordinates"][0] = [[x, y - 0.001] for x, y in polygon["coordinates"][0]]
    feature = {"type": "Feature", "properties": {"code": "grid-cuihu-01"}, "geometry": polygon}
    page = upload(
        admin, "grids", "x.geojson", json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()
    )
    assert counts(page) == (0, 1, 0, 0)
    assert "公顷" in page.text
    assert "重叠" in page.text
    confirm(admin, page)
    assert shape(house, "grid-cuihu-01")["coordinates"][0][0][1] == pytest.approx(36.655539)


def test_every_change_is_on_the_trail(house: House, admin: Staff) -> None:
    """What is saved, imported, deleted, drawn, exported, and each new password is a line with what changed in it."""
    post(
        admin,
        "units/row",
        key="dept-water",
        name="水务中心",
        kind="department",
        parent="district",
        phone="0000-81001112",
    )
    confirm(admin, upload(admin, "units", "x.csv", b"code,phone\ndept-gas,13912345678\n"))
    post(admin, "plans/delete", key="fire")
    post(admin, "staff/password", key="water")
    admin.client.get(f"{HOME}staff/export.csv")
    post(admin, "units/row", key="dept-water", name="", kind="department", parent="district")
    with house.store.read() as book:
        lines = [(row.action, row.subject, row.detail) for row in book.rows_of(AuditRow) if row.action != "login"]
    assert lines[0] == ("change", "单位 dept-water", "水务中心：名称 水务局 改成 水务中心")
    assert lines[1][:2] == ("change", "单位 dept-gas")
    assert "13912345678" not in lines[1][2]
    assert lines[2] == ("change", "应急预案 fire", "删除 着火了")
    assert lines[3][:2] == ("account", "人员 water")
    assert lines[4:] == [("export", "人员", "csv")]


def test_fields_are_found_by_words(admin: Staff) -> None:
    """A field for a unit, a person, a kind or a queue offers what has the typed words in it."""
    for what, words, found in (
        ("units", "翠湖社区第1", "grid-cuihu-01"),
        ("staff", "water", "水务局"),
        ("categories", "路灯", "facility/streetlight"),
        ("queues", "水务", "所在网格"),
    ):
        assert found in admin.client.get(f"{HOME}find?what={what}&field=x&x={words}").text
