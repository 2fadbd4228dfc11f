"""The figures that the tests under faults measured: `make chaos` prints them as docs/reliability.md has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.chaos.world import FULL

if TYPE_CHECKING:
    from collections.abc import Callable

FIGURES = pytest.StashKey[list[tuple[str, str, str]]]()


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> list[tuple[str, str, str]]:
    """Give the figures of this run."""
    return request.config.stash.setdefault(FIGURES, [])


@pytest.fixture
def figure(figures: list[tuple[str, str, str]]) -> Callable[[str, str, str], None]:
    """Give a way to write a figure down: the promise, how it was tested, what came of it."""
    return lambda promise, how, result: figures.append((promise, how, result))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the figures of a run at full length as a table."""
    found = config.stash.get(FIGURES, [])
    if FULL and found:
        terminalreporter.write_line("| promise | how tested | result | date |")
        terminalreporter.write_line("| --- | --- | --- | --- |")
        for line in sorted(found):
            terminalreporter.write_line("| " + " | ".join((*line, f"{datetime.now(UTC):%Y-%m-%d}")) + " |")
