"""An upgrade without a break: the program of before goes on working on the schema of after, until it is replaced.

So a migration only adds: what is not used any more goes a release later, and is named here with its reason.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

FOLDER = Path("cases/storage/migrations/versions")
# 0010 seals what stood there plainly: for it everything is stopped (docs/deploy.md). Before it there was no release.
SINCE = "0011"
TAKES_AWAY = frozenset({"drop_table", "drop_column", "rename_table", "create_unique_constraint", "execute"})


def faults(source: str) -> list[str]:
    """Return what in a migration the program of before would stumble over."""
    upgrade = next(
        node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == "upgrade"
    )
    calls = [node for node in ast.walk(upgrade) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return [fault for call in calls if (fault := _fault(call))]


def _fault(call: ast.Call) -> str:
    assert isinstance(call.func, ast.Attribute)
    name, options = call.func.attr, {each.arg: ast.unparse(each.value) for each in call.keywords}
    if name in TAKES_AWAY:
        return name
    if name == "alter_column" and ({"new_column_name", "type_"} & options.keys() or options.get("nullable") == "False"):
        return "alter_column"
    column = next((each for each in call.args if isinstance(each, ast.Call)), None)
    if name != "add_column" or column is None:
        return ""
    given = {each.arg: ast.unparse(each.value) for each in column.keywords}
    return "add_column" if given.get("nullable") == "False" and "server_default" not in given else ""


@pytest.mark.parametrize(
    "path", sorted(path for path in FOLDER.glob("*.py") if path.name[:4] >= SINCE), ids=lambda path: path.stem
)
def test_migrations_only_add(path: Path) -> None:
    """Whatever the program of before reads and writes is there, and asks for nothing that it does not know."""
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("op.drop_column('cases', 'text')", ["drop_column"]),
        ("op.rename_table('cases', 'matters')", ["rename_table"]),
        ("op.add_column('cases', sa.Column('a', sa.Text(), nullable=False))", ["add_column"]),
        ("op.add_column('cases', sa.Column('a', sa.Text(), nullable=False, server_default=''))", []),
        ("op.add_column('cases', sa.Column('a', sa.Text(), nullable=True))", []),
        ("op.alter_column('cases', 'text', nullable=False)", ["alter_column"]),
        ("op.alter_column('cases', 'text', nullable=True)", []),
        ("op.execute('DELETE FROM cases')", ["execute"]),
        ("op.create_table('a', sa.Column('b', sa.Text(), nullable=False))", []),
    ],
)
def test_what_takes_away_is_noticed(line: str, fault: list[str]) -> None:
    """The rule knows the ways of taking away, and lets adding pass."""
    assert faults(f"def upgrade():\n    {line}\n") == fault
