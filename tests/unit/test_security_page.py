import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
_, ASVS, CLASSIFIED, WRITTEN = re.split(r"^## Part \d: .*$", PAGE, flags=re.MULTILINE)
ROW = re.compile(r"^\| (\d+(?:\.\d+)+(?: [a-g])?) \| ([^|]+) \| (met|does not apply|open): ([^|]+) \|$", re.MULTILINE)
COUNTS = re.compile(r"(\d+) items: (\d+) met, (\d+) do not apply, (\d+) open")
NAMED = re.compile(r"`((?:[\w.@-]+/)+[\w.@-]+\.\w+|settings\.py|worker\.py)(?:::(\w+))?`")
LINK = re.compile(r"\]\(([^)#]*)(?:#([\w-]+))?\)")
# ASVS 5.0.0: how many requirements each section has, and which of them are of level 3 only.
SECTIONS = {
    "1.1": (2, ()), "1.2": (10, (10,)), "1.3": (12, (12,)), "1.4": (3, ()), "1.5": (3, (3,)),
    "2.1": (3, ()), "2.2": (3, ()), "2.3": (5, (5,)), "2.4": (2, (2,)),
    "3.1": (1, (1,)), "3.2": (3, (3,)), "3.3": (5, (5,)), "3.4": (8, (7, 8)), "3.5": (8, (6, 7, 8)),
    "3.6": (1, (1,)), "3.7": (5, (3, 4, 5)),
    "4.1": (5, (4, 5)), "4.2": (5, (2, 3, 4, 5)), "4.3": (2, ()), "4.4": (4, ()),
    "5.1": (1, ()), "5.2": (6, (4, 5, 6)), "5.3": (3, (3,)), "5.4": (3, ()),
    "6.1": (3, ()), "6.2": (12, ()), "6.3": (8, (5, 6, 7, 8)), "6.4": (6, (5, 6)), "6.5": (8, (6, 7, 8)),
    "6.6": (4, (4,)), "6.7": (2, (1, 2)), "6.8": (4, ()),
    "7.1": (3, ()), "7.2": (4, ()), "7.3": (2, ()), "7.4": (5, ()), "7.5": (3, (3,)), "7.6": (2, ()),
    "8.1": (4, (3, 4)), "8.2": (4, (4,)), "8.3": (3, (2, 3)), "8.4": (2, (2,)),
    "9.1": (3, ()), "9.2": (4, ()),
    "10.1": (2, ()), "10.2": (3, (3,)), "10.3": (5, (5,)), "10.4": (16, (12, 13, 14, 15, 16)), "10.5": (5, ()),
    "10.6": (2, ()), "10.7": (3, ()),
    "11.1": (4, (3, 4)), "11.2": (5, (4, 5)), "11.3": (5, (4, 5)), "11.4": (4, ()), "11.5": (2, (2,)),
    "11.6": (2, (2,)), "11.7": (2, (1, 2)),
    "12.1": (5, (4, 5)), "12.2": (2, ()), "12.3": (5, (5,)),
    "13.1": (4, (2, 3, 4)), "13.2": (6, (6,)), "13.3": (4, (3, 4)), "13.4": (7, (6, 7)),
    "14.1": (2, ()), "14.2": (8, (5, 6, 7, 8)), "14.3": (3, ()),
    "15.1": (5, (4, 5)), "15.2": (5, (4, 5)), "15.3": (7, ()), "15.4": (4, (1, 2, 3, 4)),
    "16.1": (1, ()), "16.2": (5, ()), "16.3": (4, ()), "16.4": (3, ()), "16.5": (4, (4,)),
    "17.1": (2, (2,)), "17.2": (8, (5, 6, 7, 8)), "17.3": (2, ()),
}  # fmt: skip
# GB/T 22239-2019, 8.1.4: how many letters each paragraph has.
PARAGRAPHS = {1: 4, 2: 7, 3: 4, 4: 6, 7: 2, 8: 2, 9: 3, 10: 2, 11: 2}


def test_every_item_of_asvs_is_there_once() -> None:
    """The page has each requirement of levels 1 and 2, in the standard's order, and no other."""
    wanted = [
        f"{section}.{at}" for section, (many, high) in SECTIONS.items() for at in range(1, many + 1) if at not in high
    ]
    assert [row[0] for row in ROW.findall(ASVS)] == wanted
    assert len(wanted) == 253


def test_every_item_of_classified_protection_is_there_once() -> None:
    """The page has each item of 安全计算环境 once; of networks those that it says."""
    lettered = {f"8.1.4.{at} {letter}" for at, many in PARAGRAPHS.items() for letter in "abcdefg"[:many]}
    found = [row[0] for row in ROW.findall(CLASSIFIED)]
    assert len(found) == len(set(found))
    assert {item for item in found if item.startswith("8.1.4.")} == lettered | {"8.1.4.5", "8.1.4.6"}
    assert all(item.startswith(("8.1.2.", "8.1.3.", "8.1.4.")) for item in found)


def test_every_row_is_read() -> None:
    """No row of the two parts is of a form that nobody counts."""
    for part in (ASVS, CLASSIFIED):
        rows = [line for line in part.splitlines() if re.match(r"\| \d", line)]
        assert len(rows) == len(ROW.findall(part))


def test_the_counts_are_the_real_ones() -> None:
    """The numbers at the top are those of the tables."""
    for said, part in zip(COUNTS.findall(PAGE), (ASVS, CLASSIFIED), strict=True):
        states = Counter(row[2] for row in ROW.findall(part))
        assert tuple(map(int, said)) == (states.total(), states["met"], states["does not apply"], states["open"])


@cache
def names_in(path: Path) -> frozenset[str]:
    """Return the names of the tests in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("path", "test"), sorted(set(NAMED.findall(PAGE))))
def test_what_is_named_is_there(path: str, test: str) -> None:
    """Every file that the page names exists, and every test."""
    assert (ROOT / path).exists()
    assert not test or test in names_in(ROOT / path)


@pytest.mark.parametrize("folder", sorted(set(re.findall(r"`((?:[\w-]+/)+)`", PAGE))))
def test_folders_that_are_named_are_there(folder: str) -> None:
    """Every folder that the page names exists."""
    assert (ROOT / folder).is_dir()


def test_links_lead_somewhere() -> None:
    """Links to other pages find them, and those within the page their heading."""
    headings = {
        re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    }
    for target, anchor in LINK.findall(PAGE):
        if not target.startswith("https://"):
            assert not target or (ROOT / "docs" / target).exists(), target
            assert not anchor or target or anchor in headings, anchor


def test_what_is_met_says_how() -> None:
    """Whatever is met names a test, a file, a page or a paragraph; a few say in words that there is nothing to name."""
    bare = [
        item
        for item, _, state, how in ROW.findall(PAGE)
        if state == "met" and not NAMED.search(how) and "](" not in how and len(how) < 40
    ]
    assert len(bare) < 20, bare
