"""The figures that the tests under faults measured: `make chaos` prints them as docs/reliability.md has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

import settings as configuration
from bot.assembly import build
from tests.chaos.wechat import Api
from tests.chaos.world import FULL
from tests.services import DATA_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bot.assembly import House

FIGURES = pytest.StashKey[list[tuple[str, str, str]]]()


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> list[tuple[str, str, str]]:
    """Give the figures of this run."""
    return request.config.stash.setdefault(FIGURES, [])


@pytest.fixture
def figure(figures: list[tuple[str, str, str]]) -> Callable[[str, str, str], None]:
    """Give a way to write a figure down: the promise, how it was tested, what came of it."""
    return lambda promise, how, result: figures.append((promise, how, result))


@pytest.fixture
def api() -> Iterator[Api]:
    """Give WeChat's API."""
    made = Api()
    yield made
    made.close()


@pytest.fixture
def environ(
    api: Api, database_of: Callable[[str], str], redis_url: str, trained_models: Path, tmp_path: Path
) -> dict[str, str]:
    """Give the settings of those who die and of those who come after them."""
    (tmp_path / "models").symlink_to(trained_models)
    return {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": database_of("sqlite"),
        "REDIS_URL": redis_url,
        "WECHAT_API_BASE": api.address,
        "DATA_KEY": DATA_KEY,
        "LOG_LEVEL": "ERROR",
    }


@pytest.fixture
def house(environ: dict[str, str]) -> Iterator[House]:
    """Give the house of those who come after."""
    made = build(configuration.load(environ))
    yield made
    made.store.engine.dispose()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the figures of a run at full length as a table."""
    found = config.stash.get(FIGURES, [])
    if FULL and found:
        terminalreporter.write_line("| promise | how tested | result | date |")
        terminalreporter.write_line("| --- | --- | --- | --- |")
        for line in sorted(found):
            terminalreporter.write_line("| " + " | ".join((*line, f"{datetime.now(UTC):%Y-%m-%d}")) + " |")
