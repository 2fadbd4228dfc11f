"""Whoever can write into Redis can run nothing: jobs are JSON, and what is none is put aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Use SQLite: the queue does not lie in the database."""
    return f"sqlite:///{tmp_path}/queue.sqlite3"


class Planted:
    """What runs a command where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os  # noqa: PLC0415 - as somebody plants it

        return os.system, (f"touch {self.path}",)
