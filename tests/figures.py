"""The figures that the tests under faults and attacks measured, printed as the docs have them, at full length only."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

# At full length by `make chaos` and `make security`, in short by the suite.
FULL = bool(os.environ.get("FULL"))
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
        command, today = f"`make {Path(config.args[0]).parts[1]}`", f"{datetime.now(UTC):%Y-%m-%d}"
        terminalreporter.write_line("| promise | how tested | command | result | date |")
        terminalreporter.write_line("| --- | --- | --- | --- | --- |")
        for promise, how, result in sorted(found):
            terminalreporter.write_line(f"| {promise} | {how} | {command} | {result} | {today} |")
