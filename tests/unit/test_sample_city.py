import csv
import json
from collections import Counter
from itertools import combinations

import pytest
from shapely.geometry import Point, shape

import classifier
from bot.intents import Intent
from cases.city_files import CORPUS, SAMPLE


def rows(file: str) -> list[dict[str, str]]:
    """Return a file of the sample city."""
    with (SAMPLE / file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


UNITS, CATEGORIES = rows("units.csv"), rows("categories.csv")
GRIDS = {
    feature["properties"]["code"]: shape(feature["geometry"])
    for feature in json.loads((SAMPLE / "grids.geojson").read_text(encoding="utf-8"))["features"]
}


def test_the_city_has_its_size() -> None:
    """One district, 3 streets, 8 communities, more than 40 grids, more than 12 departments, staff of every role."""
    kinds = Counter(unit["kind"] for unit in UNITS)
    assert (kinds["district"], kinds["street"], kinds["community"]) == (1, 3, 8)
    assert kinds["grid"] >= 40
    assert kinds["department"] >= 12
    roles = {person["role"] for person in rows("staff.csv")}
    assert roles >= {"grid_officer", "grid_leader", "community", "street", "district", "city"}
    assert roles >= {"department", "dispatcher", "leader", "admin"}


def test_grids_tile_the_district() -> None:
    """Grids are valid, do not overlap and leave no gap; every place lies in its grid."""
    assert all(grid.is_valid for grid in GRIDS.values())
    assert max(first.intersection(second).area for first, second in combinations(GRIDS.values(), 2)) < 1e-12
    for place in rows("places.csv"):
        assert GRIDS[place["grid"]].covers(Point(float(place["lon"]), float(place["lat"]))), place["name"]


def test_the_category_tree() -> None:
    """40 to 100 kinds in two levels, each with a queue that exists and limits in order."""
    assert 40 <= len(CATEGORIES) <= 100
    queues = {unit["code"] for unit in UNITS} | {"grid", "street"}
    for row in CATEGORIES:
        assert row["code"].startswith(row["group"] + "/")
        assert row["queue"] in queues
        assert 0 < float(row["accept_hours"]) <= float(row["contact_hours"]) <= float(row["finish_hours"])


@pytest.mark.parametrize(("file", "least"), [("reports.jsonl", 1200), ("others.jsonl", 1600)])
def test_the_starter_corpus(file: str, least: int) -> None:
    """Enough short messages of each kind, all different, none longer than a chat line."""
    examples = classifier.read_examples(CORPUS / file)
    texts = [example.text for example in examples]
    assert len(texts) == len(set(texts)) >= least
    assert max(map(len, texts)) <= 150
    counts = Counter(example.label for example in examples)
    assert min(counts.values()) >= 20
    if file == "reports.jsonl":
        assert set(counts) == {row["code"] for row in CATEGORIES}
    else:
        assert set(counts) <= set(Intent)
