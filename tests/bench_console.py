"""`python -m tests.bench_console --cases 200000`: how quick the console is among so many cases, in a real browser.

The product runs as `make run` starts it, on SQLite; headless Chromium opens each page again and again, logged in, after
a first visit. The browser's own clock tells how long the server took (from the request to the first byte), when the
page stood (largest contentful paint), and how many bytes came over the wire, everything that the page fetched included.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from playwright.sync_api import sync_playwright

from cases import learning
from cases.storage import Store, build_engine, migrate
from tests.bench_search import build, index
from tests.e2e.screens import DESK, PHONE, Officer
from tests.services import SWITCHES, VAULT, Service, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, ViewportSize

VISITS = 20
GOAL_MS, GOAL_KB = 300, 150
# Who opens what, at which width; {number} is a case that they see.
LOOKS: tuple[tuple[str, ViewportSize, tuple[str, ...]], ...] = (
    ("cuihu01", PHONE, ("/console/home", "/console/", "/console/find", "/console/cases/{number}", "/console/map")),
    ("dispatcher", DESK, ("/console/home", "/console/", "/console/?list=all", "/console/?list=all&case={number}",
                          "/console/find?q=路灯", "/console/find?state=open&order=due", "/console/triage")),
    ("cuihujd", DESK, ("/console/home", "/console/?list=all", "/console/?list=ended")),
    ("leader", DESK, ("/console/home", "/console/?list=all")),
    ("admin", DESK, ("/console/home", "/console/categories")),
)  # fmt: skip
MEASURE = """() => new Promise((done) => {
  let paint = 0;
  new PerformanceObserver((list) => { paint = list.getEntries().at(-1).startTime; })
    .observe({ type: 'largest-contentful-paint', buffered: true });
  requestAnimationFrame(() => setTimeout(() => {
    const page = performance.getEntriesByType('navigation')[0];
    const parts = performance.getEntriesByType('resource');
    done({ server: page.responseStart - page.requestStart, paint,
           bytes: [page, ...parts].reduce((sum, part) => sum + part.transferSize, 0) });
  }, 50));
})"""


class Figures(NamedTuple):
    """What one page took: the server's milliseconds at the 95th of 100, the paint's median, kilobytes."""

    name: str
    server_p95: float
    paint: float
    kilobytes: float


def measure(page: Page, address: str) -> list[dict[str, Any]]:
    """Open a page again and again after a first visit, and return what the browser measured."""
    page.goto(address)
    found = []
    for _ in range(VISITS):
        page.goto(address)
        found.append(page.evaluate(MEASURE))
    return found


def figures(browser: Browser, service: Service) -> Iterator[Figures]:
    """Yield what each page took."""
    for login, size, paths in LOOKS:
        officer = Officer(browser, service, login, size)
        officer.open("/console/find")
        first = officer.page.locator("a.row").first
        number = first.get_attribute("data-number") if first.count() else ""
        for path in paths:
            taken = measure(officer.page, service.url(path.format(number=number)))
            servers = sorted(each["server"] for each in taken)
            yield Figures(
                f"{login} {path}",
                servers[round(0.95 * (len(servers) - 1))],
                statistics.median(each["paint"] for each in taken),
                max(each["bytes"] for each in taken) / 1000,
            )
        officer.page.context.close()


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200_000)
    count = parser.parse_args().cases
    program = chromium()
    if program is None:
        raise SystemExit("no Chromium: install the package chromium, or set CHROMIUM to its path")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/cases.sqlite3"
        migrate(url, VAULT)
        store = Store(build_engine(url, VAULT))
        build(store, count)
        index(store)
        store.engine.dispose()
        models = Path(folder) / "models"
        list(learning.train_starters(models))
        with Service(models, {"DATABASE_URL": url}) as service, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
            print(f"{count:,} cases, {VISITS} visits a page; goals: {GOAL_MS} ms, {GOAL_KB} kB")
            print("| page | server p95, ms | paint, ms | kB |\n| --- | --- | --- | --- |")
            for each in figures(browser, service):
                print(f"| {each.name} | {each.server_p95:.0f} | {each.paint:.0f} | {each.kilobytes:.0f} |", flush=True)
            browser.close()


if __name__ == "__main__":
    main()
