"""Fixtures with real parts: databases, Redis, a browser, trained classifiers, the running product."""

from __future__ import annotations

import fcntl
import shutil
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect, sync_playwright

import settings as configuration
from bot.understanding import Understanding
from cases import learning
from cases.city_files import load_city
from cases.storage import Store, build_engine, migrate
from tests.services import LOG_TAIL, LOOK_SECONDS, SWITCHES, VAULT, Postgres, Redis, Service, chromium, unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from playwright.sync_api import Browser

pytest_plugins = ["tests.figures"]
PRODUCT = Path(__file__).parent / "e2e"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """Give a private PostgreSQL."""
    programs = Postgres.programs()
    if programs is None:
        unavailable("no PostgreSQL: install the package postgresql")
    server = Postgres(programs)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sample_city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a SQLite database with the sample city in it, made once. To be copied, not changed."""
    path = tmp_path_factory.mktemp("city") / "city.sqlite3"
    _make_city(f"sqlite:///{path}")
    return path


def _make_city(database_url: str) -> None:
    migrate(database_url, VAULT)
    engine = build_engine(database_url, VAULT)
    load_city(Store(engine))
    engine.dispose()  # closing SQLite's last connection empties the write-ahead log into the file


@pytest.fixture(scope="session")
def postgres_city(postgres_server: Postgres) -> str:
    """Give the address of a PostgreSQL database with the sample city in it, made once. To be copied, not changed."""
    address = postgres_server.create_database()
    _make_city(configuration.load({"DATABASE_URL": address}).database_url)
    return address


@pytest.fixture
def postgres_url(postgres_server: Postgres, postgres_city: str) -> Iterator[str]:
    """Give the address of a PostgreSQL database of one's own, with the sample city in it."""
    address = postgres_server.create_database(like=postgres_city)
    yield address
    postgres_server.drop_database(address)


@pytest.fixture
def database_of(request: pytest.FixtureRequest, sample_city: Path, tmp_path: Path) -> Callable[[str], str]:
    """Give the address of a fresh database of either kind with the sample city in it, as an operator writes it."""

    def address(kind: str) -> str:
        if kind == "postgresql":
            found: str = request.getfixturevalue("postgres_url")
            return found
        shutil.copy(sample_city, tmp_path / "city.sqlite3")
        return f"sqlite:///{tmp_path}/city.sqlite3"

    return address


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a fresh database, as SQLAlchemy reads it: the test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/test.sqlite3"
    address: str = request.getfixturevalue("postgres_url")
    return address.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """Give a private Redis. Who stops it may leave it so: `redis_url` starts it again."""
    server = Redis()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def redis_url(redis_server: Redis) -> str:
    """Give the address of a running and empty Redis."""
    redis_server.start()
    redis_server.clear()
    return redis_server.url


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of the running product in one process: it is started once."""
    for item in items:
        if PRODUCT in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("product"))


@pytest.fixture(scope="session")
def trained_models(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Give the folder of the starter classifiers, trained once for all processes. To be copied, not changed."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    folder = shared / "models"
    with (shared / "models.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            draft = shared / "models.draft"
            assert [name for name, _ in learning.train_starters(draft)] == ["matters", "intents", "dangers"]
            draft.rename(folder)
    return folder


@pytest.fixture(scope="session")
def models(trained_models: Path) -> Understanding:
    """Give the starter classifiers as the dialogue asks them."""
    return Understanding(trained_models)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give a Chromium without a window. Playwright switches its sandbox off, so root may start it."""
    program = chromium()
    if program is None:
        unavailable("no Chromium: install the package chromium, or set CHROMIUM to its path")
    expect.set_options(timeout=LOOK_SECONDS * 1000)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield started
        started.close()


@pytest.fixture(scope="session")
def services(request: pytest.FixtureRequest, trained_models: Path) -> Iterator[dict[str, Service]]:
    """Give the running product on each database that the session asks for, started and ended side by side."""
    running = {"sqlite": Service(trained_models)}
    if any(
        "running" in getattr(item, "fixturenames", ()) and "postgresql" in item.name for item in request.session.items
    ):
        server: Postgres = request.getfixturevalue("postgres_server")
        running["postgresql"] = Service(trained_models, {"DATABASE_URL": server.create_database()})
    with ExitStack() as afterwards:
        for each in running.values():
            afterwards.callback(each.remove)
            each.start()
        for each in running.values():
            each.wait_until_ready()
        yield running
        for database, each in running.items():
            # One ends as in a terminal, the other as a process manager does it.
            each.signal(signal.SIGINT if database == "sqlite" else signal.SIGTERM, group=database == "sqlite")
        for each in running.values():
            each.assert_ended()


@pytest.fixture(scope="session")
def service(services: dict[str, Service]) -> Service:
    """Give the running product on SQLite, shared by the tests that only add to it."""
    return services["sqlite"]


@pytest.fixture(params=["sqlite", "postgresql"])
def running(request: pytest.FixtureRequest, services: dict[str, Service]) -> Service:
    """Give the running product: the test runs on SQLite and on PostgreSQL."""
    return services[request.param]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show, with a failed test, the last of what the product logged."""
    report = yield
    running = [each for each in getattr(item, "funcargs", {}).values() if isinstance(each, Service)]
    if report.failed:
        report.sections += [("service log", each.log()[-LOG_TAIL:]) for each in running]
    return report
