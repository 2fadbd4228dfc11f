"""Long runs that need nobody's attention start early, so that both cores have work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.scripts import Script, marked_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def readme_scripts(trained_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Script]]:
    """Give the scripts of README, already running, each in a checkout of its own."""
    running = [Script(text, tmp_path_factory.mktemp("checkout"), trained_models) for text in marked_in("README.md")]
    yield running
    for script in running:
        script.remove()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Look last at what started first."""
    items.sort(key=lambda item: "readme_scripts" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session", autouse=True)
def _early_start(request: pytest.FixtureRequest) -> None:
    if any("readme_scripts" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("readme_scripts")
