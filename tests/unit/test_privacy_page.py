import re
from pathlib import Path

import settings as configuration
from cases import audit, once, sessions
from cases.storage import desk, erasures, learning, security, terms, working
from cases.storage.sealing import sealed_columns
from cases.storage.tables import Base

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
TABLES = (desk, erasures, learning, security, terms, working)
ROW = re.compile(r"^\| (.+?) \| ", re.MULTILINE)


def test_every_table_has_its_place() -> None:
    """The page about personal data says of each table, once, what it tells of people; and of no other."""
    assert TABLES
    first = PAGE.split("\n## ")[1]
    told = [name for cell in ROW.findall(first) for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(told) == sorted({*Base.metadata.tables, "case_terms"})


def test_every_sealed_column_is_named() -> None:
    """The page names exactly the columns that are sealed."""
    named = set(re.findall(r"`(\w+\.\w+)`", PAGE.split("\n## ")[1]))
    assert named == set(sealed_columns())


def test_the_days_are_those_that_hold() -> None:
    """The page and README name the days after which things go."""
    table = PAGE.split("\n## ")[2]
    found = dict(re.findall(r"^\| `(\w+)`.*? \| (\d+) \|", table, re.MULTILINE))
    assert {what: int(days) for what, days in found.items()} == configuration.RETENTION_DAYS
    assert f"| sessions · audit trail | {sessions.KEPT.days} · {audit.KEPT.days} |" in table
    assert f"| keys of forms | {once.KEPT.days} |" in table
    default = ",".join(f"{what}={days}" for what, days in configuration.RETENTION_DAYS.items())
    for readme in ("README.md", "README.zh-CN.md"):
        assert f"| `{default}` |" in (ROOT / readme).read_text(encoding="utf-8")
