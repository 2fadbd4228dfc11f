from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from bot import sweeping
from cases import accounts, registry, sheets
from cases.city_files import SAMPLE, load_city
from cases.registry import TABLES
from cases.registry.bringing import bring, look, sheet_of, write_down
from cases.registry.grids import collection
from cases.registry.plan import exported
from cases.sheets import ExchangeError, Line, Sheet
from cases.storage.tables import CategoryRow, PlaceRow, StaffRow, UnitRow
from cases.storage.working import CannedRow, DayRow, DutyRow, LimitRow, PlanRow
from tests.integration.people import Resident

if TYPE_CHECKING:
    from pathlib import Path

    from bot.assembly import House
    from cases.registry.bringing import Brought
    from cases.registry.table import Table
    from cases.registry.world import Row

NOW = datetime(2026, 11, 26, 4, tzinfo=UTC)


def save(house: House, table: str, key: str = "", **values: str) -> Brought:
    """Fill the form of a row and send it."""
    with house.store.write() as book:
        return write_down(book, TABLES[table], key, values)


def confirmed(house: House, table: Table[Any], sheet: Sheet, seen: str) -> Brought:
    """Confirm a sheet as the administrator."""
    with house.store.read() as book:
        account = book.staff_by_login("admin")
        assert account is not None
        me = accounts.actor_of(book, house.cities.current(book), account.id, NOW)
    assert me is not None
    return bring(house.store, table, sheet, seen, me, NOW)


def faults(brought: Brought) -> list[str]:
    """Return what was wrong with a form."""
    return [str(fault) for fault in brought.plan.faults]


def rows(house: House, table: str) -> dict[str, Row]:
    """Return a table's rows by key."""
    with house.store.read() as book:
        return dict(registry.world(book).rows(table))


def written(house: House, table: str, path: Path) -> Path:
    """Export a table into a file."""
    kind = TABLES[table]
    heads = [column.name for column in kind.exported]
    with house.store.read() as book:
        content = {
            ".xlsx": lambda: sheets.to_xlsx(kind.name, heads, exported(book, kind)),
            ".csv": lambda: sheets.to_csv(heads, exported(book, kind)),
            ".geojson": lambda: collection(kind.known(book).values()),
        }[path.suffix]()
    path.write_bytes(content)
    return path


def fill(house: House) -> None:
    """Give the tables what the sample city has none of, with words that a spreadsheet would run."""
    save(house, "calendar", day="2027-10-01", working="no", name="国庆节")
    save(house, "canned", title="=1+1", unit="dept-water", text="-马上到\n'=真的")
    save(house, "units", "dept-water", phone="+86 10", opening="9:00-17:00", former_codes="old-water")
    save(house, "staff", "water", groups="市政设施;水电通信", contacts="yes", backup="urban")


@pytest.mark.parametrize("suffix", [".xlsx", ".csv"])
@pytest.mark.parametrize("table", [code for code in TABLES if code != "grids"])
def test_what_goes_out_comes_in_again_unchanged(house: House, tmp_path: Path, table: str, suffix: str) -> None:
    """An exported table can be imported as it is: nothing is new, nothing changed, nothing wrong."""
    fill(house)
    sheet = sheet_of(TABLES[table], written(house, table, tmp_path / f"out{suffix}"))
    with house.store.read() as book:
        found = look(book, TABLES[table], sheet)
    assert (found.faults, found.changes, found.unused) == ((), (), ())
    assert found.same == len(rows(house, table)) > 0


def test_shapes_go_out_and_come_in_again_unchanged(house: House, tmp_path: Path) -> None:
    """An exported map can be imported as it is."""
    sheet = sheet_of(TABLES["grids"], written(house, "grids", tmp_path / "out.geojson"))
    with house.store.read() as book:
        found = look(book, TABLES["grids"], sheet)
    assert (found.faults, found.changes, found.warnings) == ((), (), ())
    assert found.same == 44


def test_an_import_is_all_or_nothing(house: House, tmp_path: Path) -> None:
    """With one faulty row nothing is written, whatever else is in the file; a repaired file is written whole."""
    head = "名称,网格,门牌,经度,纬度\n"
    path = tmp_path / "places.csv"
    path.write_text(head + "新湖家园,grid-cuihu-01,,117.005,36.66\n新湖路,没有,,117,36\n", encoding="gb18030")
    sheet, before = sheet_of(TABLES["places"], path), len(rows(house, "places"))
    brought = confirmed(house, TABLES["places"], sheet, "")
    assert not brought.done
    assert faults(brought) == ["第 3 行“网格”：没有单位“没有”"]
    assert len(rows(house, "places")) == before
    path.write_text(path.read_text(encoding="gb18030").replace("没有", "grid-cuihu-02"), encoding="gb18030")
    sheet = sheet_of(TABLES["places"], path)
    with house.store.read() as book:
        seen = look(book, TABLES["places"], sheet).digest
    assert confirmed(house, TABLES["places"], sheet, seen).done
    assert len(rows(house, "places")) == before + 2
    with house.store.read() as book:
        city = house.cities.current(book)
        found = city.locate_text("新湖家园3栋门口")
        assert found is not None
        assert city.units[found.grid_id or 0].code == "grid-cuihu-01"


def test_what_was_not_seen_is_not_written(house: House) -> None:
    """When somebody changed a row between looking and confirming, nothing is written."""
    sheet = Sheet(("code", "phone"), (Line(2, {"code": "dept-water", "phone": "111"}),))
    with house.store.read() as book:
        seen = look(book, TABLES["units"], sheet).digest
    save(house, "units", "dept-water", phone="222")
    assert not confirmed(house, TABLES["units"], sheet, seen).done
    assert rows(house, "units")["dept-water"]["phone"] == "222"


def test_a_plan_with_faults_is_never_put(house: House) -> None:
    """Whoever forgets to look for faults writes nothing."""
    with house.store.write() as book:
        found = look(book, TABLES["units"], Sheet(("code",), (Line(2, {"code": "neu"}),)))
        with pytest.raises(ExchangeError, match="要填"):
            registry.plan.put(book, TABLES["units"], found)


def test_a_new_account_gets_a_password_of_its_own(house: House) -> None:
    """New accounts without a password get one each, told once, with which they log in; old ones keep theirs."""
    cells = [("neu1", "白新", "dept-water", ""), ("neu2", "黑新", "dept-water", "my-own-password"),
             ("water", "某人", "dept-water", "another-password")]  # fmt: skip
    names = ("login", "name", "unit", "password")
    lines = [
        Line(at, {**dict(zip(names, each, strict=True)), "role": "department"}) for at, each in enumerate(cells, 2)
    ]
    sheet = Sheet((*names, "role"), tuple(lines))
    with house.store.read() as book:
        seen = look(book, TABLES["staff"], sheet).digest
    brought = confirmed(house, TABLES["staff"], sheet, seen)
    [started] = brought.started
    logins = {"neu1": started.password, "neu2": "my-own-password", "water": "wanggetong"}
    for login, password in logins.items():
        assert accounts.login(house.store, login, password, NOW, samples_allowed=True).staff_id, login
    assert accounts.login(house.store, "neu1", started.password, NOW, samples_allowed=False).staff_id
    with house.store.read() as book:
        outgoing = repr(list(exported(book, TABLES["staff"])))
    assert "argon2" not in outgoing
    assert "my-own-password" not in outgoing


def test_moving_a_street_moves_all_below(house: House) -> None:
    """When a unit gets another place in the tree, what lies below goes along."""
    save(house, "units", code="district2", name="新区", kind="district", parent="city")
    assert save(house, "units", "street-cuihu", parent="district2").done
    with house.store.read() as book:
        city = house.cities.current(book)
        for grid in city.grids_below(city.by_code["street-cuihu"]):
            assert grid.path.startswith(city.by_code["district2"].path)
            assert [unit.id for unit in city.chain(grid)] == [int(part) for part in grid.path.split("/")[1:-2]]


def test_a_unit_that_is_switched_off_gets_no_cases(house: House, resident: Resident) -> None:
    """A unit with open cases, people or places stays; once it is off, nothing new goes there and old cases name it."""
    resident.say("翠湖小区3栋楼道里堆满了纸箱")
    grid = "grid-cuihu-01"
    said = faults(save(house, "units", grid, off="yes"))
    assert any("1 件没办完" in fault for fault in said)
    assert any("人员" in fault for fault in said)
    with house.store.write() as book:
        case = resident.case()
        found = book.lock_case(case.id)
        assert found is not None
        found.state = "closed"
    for login, row in rows(house, "staff").items():
        if row["unit"] == grid:
            assert save(house, "staff", login, off="yes").done
    assert ["地点" in fault for fault in faults(save(house, "units", grid, off="yes"))] == [True]
    for key, row in rows(house, "places").items():
        if row["grid"] == grid:
            assert save(house, "places", key, grid="grid-cuihu-02").done
    assert save(house, "units", grid, off="yes").done
    neighbour = Resident(resident.app, "oResident000000000000000009")
    neighbour.say("翠湖小区3栋楼道里堆满了纸箱")
    with house.store.read() as book:
        city = house.cities.current(book)
        assert city.units[neighbour.case().holder_id].code == "grid-cuihu-02"
        assert city.units[resident.case().holder_id].code == grid
        assert city.locate_point(117.0062, 36.6607, "").grid_id is None


def test_a_new_kind_waits_for_people(house: House) -> None:
    """A kind that is new to a city in use does not route by itself yet."""
    done = save(house, "categories", code="facility/swing", name="秋千", group_name="市政设施", queue="所在网格",
                accept_hours="1", contact_hours="2", finish_hours="3")  # fmt: skip
    assert done.done
    with house.store.read() as book:
        city = house.cities.current(book)
        assert (city.categories["facility/swing"].auto, city.categories["facility/road"].auto) == (False, True)


def test_rows_can_be_deleted(house: House) -> None:
    """Places, limits, days, duties, answers and plans can be deleted; twice is as good as once."""
    fill(house)
    kinds: dict[str, Any] = {"places": PlaceRow, "limits": LimitRow, "calendar": DayRow, "duties": DutyRow,
                             "canned": CannedRow, "plans": PlanRow}  # fmt: skip
    for table, kind in kinds.items():
        before = rows(house, table)
        with house.store.write() as book:
            assert TABLES[table].delete(book, next(iter(before)))
            book.flush()
            assert not TABLES[table].delete(book, next(iter(before)))
        with house.store.read() as book:
            assert book.count_of(kind) == len(before) - 1


def test_danger_calls_who_is_on_the_roster(house: House, resident: Resident) -> None:
    """In the sample city a dispatcher is on duty at any time, and is called when danger is told."""
    resident.say("翠湖小区3栋着火了快来人")
    sweeping.sweep(house)
    with house.store.read() as book:
        called = book.get(StaffRow, resident.case().alarm_called_id or 0)
    assert called is not None
    assert called.role == "dispatcher"


# -- loading a city ----------------------------------------------------------------------------------------------


def own_city(folder: Path) -> Path:
    """Return the sample city as one's own."""
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("corpus"))
    return folder


def test_loading_again_keeps_what_people_changed(house: House, tmp_path: Path) -> None:
    """What was changed or deleted in the console stays so; what nobody touched follows the files; new rows come."""
    folder = own_city(tmp_path / "city")
    save(house, "categories", "facility/road", queue="dept-traffic", finish_hours="99")
    save(house, "units", "dept-water", phone="66")
    place = next(row for row in rows(house, "places").values() if row["name"] == "翠湖实验小学")
    with house.store.write() as book:
        assert TABLES["places"].delete(book, place["id"])
        plan = book.get(PlanRow, "fire")
        assert plan is not None
        plan.steps = ["跑"]
    for file, old, new in (
        ("categories.csv", "facility/streetlight,路灯不亮,", "facility/streetlight,路灯坏了,"),
        ("categories.csv", "facility/road,道路破损,", "facility/road,路坏了,"),
        ("units.csv", "dept-police,公安分局,", "dept-police,公安局,"),
        ("places.csv", "翠湖花园;翠湖家园", "翠湖花园;翠湖家园;大翠湖"),
        ("staff.csv", "wanggetong", "a-new-password"),
    ):
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    with (folder / "places.csv").open("a", encoding="utf-8") as stream:
        stream.write("新湖家园,,小区,grid-cuihu-01,,117.005,36.66\n")
    load_city(house.store, folder)
    kinds, units, places = (rows(house, table) for table in ("categories", "units", "places"))
    road = kinds["facility/road"]
    assert (road["name"], road["queue"], road["finish_hours"]) == ("道路破损", "dept-traffic", "99")
    assert kinds["facility/streetlight"]["name"] == "路灯坏了"
    assert (units["dept-water"]["phone"], units["dept-police"]["name"]) == ("66", "公安局")
    named = {row["name"]: row for row in places.values()}
    assert "翠湖实验小学" not in named
    assert "新湖家园" in named
    assert named["翠湖小区"]["aliases"].endswith("大翠湖")
    assert rows(house, "plans")["fire"]["steps"] == "跑"
    assert accounts.login(house.store, "water", "wanggetong", NOW, samples_allowed=True).staff_id


def test_a_city_loaded_before_keeps_everything(house: House, tmp_path: Path) -> None:
    """Where it is not known what the files brought before, all that is there counts as people's own."""
    with house.store.write() as book:
        book.remember_loaded({})
        road = book.get(CategoryRow, "facility/road")
        assert road is not None
        road.finish_hours = 99
    load_city(house.store, own_city(tmp_path / "city"))
    assert rows(house, "categories")["facility/road"]["finish_hours"] == "99"
    assert len(rows(house, "places")) == 321


def test_the_sample_city_shows_everything(house: House) -> None:
    """The sample city has limits, plans for every danger, answers, and a roster that begins before now."""
    with house.store.read() as book:
        counts = {table.code: table.count(book) for table in TABLES.values()}
        duties = book.rows_of(DutyRow)
        units = {unit.id: unit.kind for unit in book.rows_of(UnitRow)}
        roles = {account.id: account.role for account in book.rows_of(StaffRow)}
    assert (counts["plans"], counts["canned"] >= 10, counts["limits"] >= 4) == (12, True, True)
    assert {units[duty.unit_id] for duty in duties} == {"dispatch", "street"}
    assert {roles[duty.staff_id] for duty in duties} == {"dispatcher", "street"}
    assert (max(duty.ends_at for duty in duties) - min(duty.starts_at for duty in duties)).days == 15
    before = len(duties)
    load_city(house.store, SAMPLE)
    with house.store.read() as book:
        assert book.count_of(DutyRow) == before
