"""The figures that the tests under faults measured: `make chaos` prints them as docs/reliability.md has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.chaos.world import FULL

if TYPE_CHECKING:
    from collections.abc import Callable

FIGURES = pytest.StashKey[list[tuple[str, str, str]]]()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, str, str], None]:
    """Give a way to write a figure down: the promise, how it was tested, what came of it."""
    kept = request.config.stash.setdefault(FIGURES, [])
    return lambda promise, how, result: kept.append((promise, how, result))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the figures of a run at full length as a table."""
    found = config.stash.get(FIGURES, [])
    if FULL and found:
        terminalreporter.write_line("| promise | how tested | result | date |")
        terminalreporter.write_line("| --- | --- | --- | --- |")
        for line in sorted(found):
            terminalreporter.write_line("| " + " | ".join((*line, f"{datetime.now(UTC):%Y-%m-%d}")) + " |")
