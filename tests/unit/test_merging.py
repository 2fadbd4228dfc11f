from datetime import UTC, datetime, timedelta

import pytest

from cases import merging
from cases.storage.tables import CaseRow

NOW = datetime(2026, 3, 10, 1, tzinfo=UTC)
# A hundredth of a degree of longitude is about 890 metres here.
LON, LAT = 117.0, 36.65


def case(text: str, kind: str | None, east: float = 0.0, days: float = 0.0, place: str = "", grid: int = 1) -> CaseRow:
    """Return a case so many metres to the east and so many days ago."""
    return CaseRow(
        text=text,
        category_code=kind,
        place_words=place,
        grid_id=grid,
        lon=LON + east / 89_300,
        lat=LAT,
        opened_at=NOW - timedelta(days=days),
    )


MANHOLE = case("3栋楼下井盖坏了", "facility/manhole")
# Another case, how alike the words are (0 to 1), and whether it may be the same matter.
PAIRS = (
    (case("3栋门口的井盖松了", "facility/manhole", east=20, days=1), 0.7, True),
    (case("井盖没了，差点掉下去", "facility/manhole", east=60, days=3), 0.6, True),
    (case("楼下那个盖子晃", None, east=10, days=0.5), 0.5, True),  # kind not known yet
    (case("井盖响", "facility/manhole", east=5, days=20), 0.5, True),  # nobody mended it for weeks
    (case("马路上的盖子坏了", "facility/road", east=15, days=1), 0.6, True),  # another kind, the same words
    (case("井盖坏了", "facility/manhole", east=280, days=28), 0.7, False),  # far, and long ago
    (case("路灯不亮", "facility/streetlight", east=5, days=0.1), 0.05, False),  # the same door, another matter
    (case("楼道里堆了纸箱", "housing/clutter", east=0, days=0), 0.1, False),
    (case("有人吵架", None, east=10, days=0.5), 0.0, False),
    (case("着火了，浓烟往上冒", "environment/burning", east=0, days=0), 0.4, False),
)


@pytest.mark.parametrize(("other", "meaning", "same"), PAIRS)
def test_pairs_that_are_and_are_not_the_same(other: CaseRow, meaning: float, *, same: bool) -> None:
    """What is alike in kind, words, place and time may be one matter; what shares only the place is not."""
    twin = merging._twin(MANHOLE, other, meaning)  # noqa: SLF001 - the rule itself
    assert (twin.likeness >= merging.LIKELY) == same, twin
    assert 0 <= twin.likeness <= 1


def test_danger_is_no_everyday_matter() -> None:
    """Danger to life is never offered to be joined to what is none, however alike the words are."""
    burning = case("井盖冒火了", "facility/manhole")
    burning.urgent = True
    assert merging._twin(MANHOLE, burning, 0.9).likeness == 0  # noqa: SLF001


def test_what_is_too_far_is_not_compared() -> None:
    """Beyond some hundred metres nothing is near; the same words of a place are; without points the grid counts."""
    far = case("井盖坏了", "facility/manhole", east=merging.NEAR_METRES + 20)
    assert merging.distance(MANHOLE, far) is None
    named = case("井盖坏了", "facility/manhole", east=900, place="翠湖小区3栋")
    also = case("井盖坏了", "facility/manhole", place="翠湖小区3栋")
    assert merging.distance(named, also) == 0
    vague = case("井盖坏了", "facility/manhole")
    vague.lon = vague.lat = None
    assert merging.distance(MANHOLE, vague) == merging.NEAR_METRES
    vague.grid_id = 2
    assert merging.distance(MANHOLE, vague) is None


def test_nearer_later_and_more_alike_is_likelier() -> None:
    """Each of the four parts counts: kind, words, place, time."""
    best = merging._twin(MANHOLE, case("井盖", "facility/manhole"), 1.0).likeness  # noqa: SLF001
    assert best == 1.0
    for other, meaning in (
        (case("井盖", "facility/road"), 1.0),
        (case("井盖", "facility/manhole"), 0.5),
        (case("井盖", "facility/manhole", east=150), 1.0),
        (case("井盖", "facility/manhole", days=10), 1.0),
    ):
        assert merging._twin(MANHOLE, other, meaning).likeness < best  # noqa: SLF001


def test_it_says_why() -> None:
    """Staff read in words what speaks for it."""
    assert merging._twin(MANHOLE, case("井盖", "facility/manhole"), 0.8).why == "同一类，说的话很像，离得很近"  # noqa: SLF001
    assert "相距约 50 米" in merging._twin(MANHOLE, case("灯", None, east=50), 0.3).why  # noqa: SLF001
