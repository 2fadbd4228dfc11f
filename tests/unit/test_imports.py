import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Each may import what stands before it, and itself.
ORDER = ("settings", "classifier", "cases", "bot", "web", "worker")
# classifier and settings know nothing of ours.
ALONE = ("settings", "classifier")
PURE = ["numbers", "workflow", "access", "limits", "geo", "places", "routing", "words"]
PURE += ["sounds", "spelling", "gazetteer", "mentions", "watch"]
OUTSIDE_OF_CASES = {"flask", "wechatpy", "rq", "redis", "requests", "gunicorn"}


def sources(layer: str) -> Iterator[Path]:
    """Yield the files of one layer."""
    folder = ROOT / layer
    paths = folder.rglob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]
    return (path for path in paths if "node_modules" not in path.parts)


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports, at whatever depth; `from a import b` counts as a.b and a."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("layer", ORDER)
def test_imports_point_one_way(layer: str) -> None:
    """No file imports a layer that stands above its own."""
    allowed = {layer} if layer in ALONE else set(ORDER[: ORDER.index(layer) + 1])
    files = list(sources(layer))
    assert files
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in imported(path)
        if name.split(".")[0] in ORDER and name.split(".")[0] not in allowed
    }
    assert not wrong


def test_the_case_book_knows_no_web_no_wechat_no_queue() -> None:
    """Nothing below cases/ imports Flask, wechatpy, RQ, Redis or an HTTP client."""
    wrong = {
        f"{path.name} imports {name}"
        for path in sources("cases")
        for name in imported(path)
        if name.split(".")[0] in OUTSIDE_OF_CASES
    }
    assert not wrong


def test_only_storage_speaks_sql() -> None:
    """SQLAlchemy and Alembic stay in cases/storage; three edges know the name of their error."""
    users = {
        path.relative_to(ROOT).as_posix()
        for layer in ("cases", "bot", "web")
        for path in sources(layer)
        if any(name.split(".")[0] in {"sqlalchemy", "alembic"} for name in imported(path))
    }
    outside = {user for user in users if not user.startswith("cases/storage/")}
    assert outside <= {"bot/assembly.py", "web/cli.py", "web/health.py"}


@pytest.mark.parametrize("module", PURE)
def test_rules_do_no_io(module: str) -> None:
    """The rules of a case import neither storage nor files nor network."""
    names = imported(ROOT / "cases" / f"{module}.py")
    roots = {name.split(".")[0] for name in names}
    assert not roots & {"sqlalchemy", "alembic", "pathlib", "os", "io", "socket", "subprocess"}
    assert not {name for name in names if name.startswith(("cases.storage", "cases.city", "cases.accounts"))}
