"""The product in this process: its real database, its real Redis, its own stand-in for WeChat over real HTTP."""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

import settings as configuration
from tests.integration.desk import Desk
from tests.integration.people import Resident, Staff
from tests.integration.phone import CLUTTER, MANHOLE, WANG, Phone, fates
from tests.integration.seeking import ids, swept
from tests.services import DATA_KEY, free_port
from web import create_app, house_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask

    from bot.assembly import House
    from cases.storage import Filter
    from cases.storage.tables import CaseRow, OutboxRow
    from settings import Settings


@pytest.fixture
def settings(database_url: str, redis_url: str, trained_models: Path, tmp_path: Path) -> Settings:
    """Give the sandbox's settings on fresh parts, with the trained classifiers in place."""
    shutil.copytree(trained_models, tmp_path / "models")
    environ = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DATA_DIR": str(tmp_path),
        "DATA_KEY": DATA_KEY,
        "PORT": str(free_port()),
        "LOG_LEVEL": "ERROR",
    }
    return configuration.load(environ)


@pytest.fixture
def app(settings: Settings, sample_city: Path) -> Iterator[Flask]:
    """Give the application with the sample city loaded."""
    if settings.database_url.startswith("sqlite:///"):
        shutil.copy(sample_city, settings.database_url.removeprefix("sqlite:///"))
    application = create_app(settings)
    yield application
    house_of(application).store.engine.dispose()


@pytest.fixture
def house(app: Flask) -> House:
    """Give what the application works with."""
    return house_of(app)


@pytest.fixture
def serving(app: Flask, settings: Settings) -> Iterator[str]:
    """Serve the application over HTTP, WeChat's stand-in included, and give its address."""
    server = make_server("127.0.0.1", settings.port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield settings.own_address
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def resident(app: Flask) -> Resident:
    """Give a resident who writes to the official account."""
    return Resident(app, "oResident000000000000000001")


@pytest.fixture
def neighbour(app: Flask) -> Resident:
    """Give another resident."""
    return Resident(app, "oResident000000000000000002")


@pytest.fixture
def staff(app: Flask) -> Callable[[str], Staff]:
    """Give a way to log in: `staff("urban")`."""

    def log_in(login: str) -> Staff:
        return Staff(app, login)

    return log_in


@pytest.fixture
def phone(serving: str) -> Phone:
    """Give the phone, after a report was sent from it."""
    phone = Phone(serving)
    phone.send("text", text=MANHOLE)
    return phone


@pytest.fixture
def wang(app: Flask, phone: Phone) -> Resident:
    """Give 王阿姨, who has reported a manhole from her phone."""
    assert phone
    return Resident(app, WANG)


@pytest.fixture
def reply(wang: Resident, staff: Callable[[str], Staff]) -> Callable[[str], OutboxRow]:
    """Give a way to answer the resident from the console; the row that is owed is returned."""

    def say(text: str) -> OutboxRow:
        page = staff("urban").act(wang.case(), "reply", text=text)
        assert "已回复居民" in page.text
        return fates(wang)[-1]

    return say


@pytest.fixture
def desk(house: House) -> Desk:
    """Give staff at work, through the case book itself."""
    return Desk(house)


@pytest.fixture
def manhole(resident: Resident) -> CaseRow:
    """Give an urgent case at the urban department."""
    resident.say(MANHOLE)
    return resident.case()


@pytest.fixture
def clutter(resident: Resident) -> CaseRow:
    """Give a small case in a grid."""
    resident.say(CLUTTER)
    return resident.case()


@pytest.fixture
def find(house: House, desk: Desk) -> Callable[..., list[int]]:
    """Give a way to find as somebody, once the sweeper has been there: `find("urban", "路灯")`."""

    def look(login: str, typed: str, wanted: Filter | None = None, order: str = "newest") -> list[int]:
        swept(house)
        return ids(house, desk.actor(login), typed, wanted, order)

    return look
