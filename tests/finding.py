"""How well places are found in the messages of tests/data: counted by its own functions, for tests and bench."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cases.city_files import SAMPLE
from cases.gazetteer import Gazetteer
from cases.mentions import best
from cases.places import Place, parse_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).parent / "data" / "places.jsonl"
GRIDS: list[str] = []


def sample_gazetteer() -> Gazetteer:
    """Return the sample city's gazetteer; the ids of its grids are places in `GRIDS`."""
    return Gazetteer(_entries())


def _entries() -> Iterator[tuple[Place, list[str]]]:
    with (SAMPLE / "places.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["grid"] not in GRIDS:
                GRIDS.append(row["grid"])
            place = Place(
                row["name"],
                row["kind"],
                GRIDS.index(row["grid"]),
                parse_numbers(row["numbers"]),
                float(row["lon"]),
                float(row["lat"]),
            )
            yield place, row["aliases"].split(";")


@dataclass(frozen=True)
class Found:
    """What was found of one part.

    `right`: share of the messages with a grid that get it; `false`: of those without one that get one; `named`: of
    those that name a place whose place is the one that is found; `astray`: those that get another grid than theirs.
    """

    right: float
    false: float
    named: float
    astray: float


def lines(part: str) -> list[dict[str, Any]]:
    """Return the messages of one part."""
    return [line for line in map(json.loads, DATA.read_text(encoding="utf-8").splitlines()) if line["part"] == part]


def places(part: str, gazetteer: Gazetteer) -> Found:
    """Return how many places of a part are found."""
    seen = [(line, best(gazetteer, line["text"])) for line in lines(part)]
    grids = [(line["grid"], GRIDS[found.place.grid_id] if found and found.place else None) for line, found in seen]
    placed = [(grid, got) for grid, got in grids if grid is not None]
    named = [(line["place"], found.name if found else None) for line, found in seen if line["place"]]
    open_ = [got for grid, got in grids if grid is None]
    return Found(
        right=sum(grid == got for grid, got in placed) / len(placed),
        false=sum(got is not None for got in open_) / len(open_),
        named=sum(place == got for place, got in named) / len(named),
        astray=sum(got not in {None, grid} for grid, got in placed) / len(placed),
    )
