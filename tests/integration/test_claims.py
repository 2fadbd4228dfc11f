from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from shapely.geometry import Point, shape

from bot import phrases
from cases.geo import gcj_to_wgs, wgs_to_gcj

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.assembly import House
    from cases.city import City
    from tests.integration.people import Resident, Staff

CLUTTER = "楼道里堆满了纸箱和杂物，走不过去"
MANHOLE = "井盖没了，太危险"
LIGHT = "路灯坏了好几天，晚上黑得看不见路"


@pytest.fixture
def city(house: House) -> City:
    """Give the sample city."""
    with house.store.read() as book:
        return house.cities.current(book)


def edge(city: City, *, same_community: bool) -> tuple[Point, set[str]]:
    """Return a point on the edge of two grids, of one community or of two, and the grids' names."""
    shapes = {city.units[unit]: shape(polygon) for unit, polygon in city.polygons.items()}
    for one, other in combinations(shapes, 2):
        line = shapes[one].intersection(shapes[other])
        if line.length > 0.001 and (one.parent_id == other.parent_id) == same_community:
            return line.interpolate(0.37, normalized=True), {one.name, other.name}
    raise LookupError


def send(resident: Resident, point: Point) -> str:
    """Send a point as WeChat does."""
    lon, lat = wgs_to_gcj(point.x, point.y)
    return resident.send("location", Location_X=f"{lat:.8f}", Location_Y=f"{lon:.8f}", Label="")


def holder(house: House, resident: Resident) -> str:
    """Return the code of the unit that holds the resident's case."""
    with house.store.read() as book:
        return house.cities.current(book).units[resident.case().holder_id].code


@pytest.mark.parametrize("same", [True, False])
def test_a_spot_between_two_grids_is_to_be_claimed(house: House, city: City, resident: Resident, *, same: bool) -> None:
    """On the edge of two grids a case goes to their community, or to the dispatchers, who read which two."""
    point, names = edge(city, same_community=same)
    resident.say(CLUTTER)
    reply = send(resident, point)
    case = resident.case()
    assert case.grid_id is None
    assert city.by_code[holder(house, resident)].kind == ("community" if same else "dispatch")
    [reason] = [reason for reason in case.reasons if "请认领" in reason]
    assert all(name in reason for name in names)
    assert phrases.PLACE_OUTSIDE not in reply
    assert phrases.PLACE_MISSING not in reply


def test_the_community_gives_it_to_one_of_them(
    house: House, city: City, resident: Resident, staff: Callable[[str], Staff]
) -> None:
    """The community that has to claim a case gives it to a grid like any other case."""
    point, _ = edge(city, same_community=True)
    resident.say(CLUTTER)
    send(resident, point)
    community = city.by_code[holder(house, resident)]
    login = community.code.removeprefix("community-")
    grid = city.grids_below(community)[0]
    page = staff(f"{login}sq").act(resident.case(), "send", unit=grid.code)
    assert page.status_code == 200
    assert holder(house, resident) == grid.code


def test_a_department_needs_no_claim(house: House, city: City, resident: Resident) -> None:
    """What a department handles goes there at once, from an edge too."""
    point, _ = edge(city, same_community=False)
    resident.say(MANHOLE)
    send(resident, point)
    assert city.by_code[holder(house, resident)].kind == "department"


def test_points_are_converted_once(resident: Resident) -> None:
    """WeChat's GCJ-02 is turned into WGS-84 once, at the edge: that is what the case keeps."""
    resident.say(CLUTTER)
    resident.send("location", Location_X="36.658719", Location_Y="117.009513", Label="")
    case = resident.case()
    assert (case.lon, case.lat) == pytest.approx(gcj_to_wgs(117.009513, 36.658719), abs=1e-9)
    assert case.lon != pytest.approx(117.009513, abs=1e-4)


def test_a_misspelt_place_is_found_and_said(resident: Resident) -> None:
    """The resident reads the right name; staff read how it was written, also after more was added."""
    reply = resident.say("翠胡小区3栋旁边井盖没了")
    assert "翠湖小区3栋" in reply
    resident.say("就在花坛边上")
    case = resident.case()
    assert case.place_words == "翠湖小区3栋"
    assert "地点：翠湖小区3栋（话里提到，话里写作“翠胡小区”，在它旁边）" in case.reasons


def test_which_of_several_is_asked(house: House, resident: Resident) -> None:
    """Two places in different grids are both kept; the bot asks which, and the answer routes the case."""
    reply = resident.say("翠湖小区3栋和柳荫苑15栋那边路灯不亮，晚上黑得看不见路")
    assert phrases.PLACE_WHICH.format(options="翠湖小区、柳荫苑") in reply
    assert resident.case().grid_id is None
    assert any("可能是翠湖小区、柳荫苑" in reason for reason in resident.case().reasons)
    resident.say("柳荫苑15栋")
    assert resident.case().grid_id is not None
    assert holder(house, resident) != "dispatch"


def test_between_two_buildings_of_two_grids(city: City, resident: Resident) -> None:
    """A spot between two buildings of different grids is no question to the resident: the community knows."""
    reply = resident.say("翠湖小区8栋和9栋之间楼道里堆满了纸箱和杂物，走不过去")
    case = resident.case()
    assert city.units[case.holder_id].code == "community-cuihu", reply
    assert case.place_words == "翠湖小区8栋和9栋"
    assert any("请认领" in reason for reason in case.reasons)
