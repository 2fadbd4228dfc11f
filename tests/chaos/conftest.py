"""The product in this process, beside those that die."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import settings as configuration
from bot.assembly import build
from tests.chaos.wechat import Api
from tests.services import DATA_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bot.assembly import House


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
