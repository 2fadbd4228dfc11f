"""Every page fits a phone and a desk, and everybody can use it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from bot.sandbox.residents import RESIDENTS
from tests.e2e.every_page import ANYBODY, PAGES
from tests.e2e.screens import DESK, PHONE, Officer, Screen, act, number_in, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, ViewportSize

    from tests.services import Service

NEWCOMER, SECOND = RESIDENTS[4].openid, RESIDENTS[3].openid
AXE = Path(__file__).resolve().parents[2] / "web/node_modules/axe-core/axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Words without a gap, such as people paste.
LONG = "北关菜市场门口的井盖坏了 https://example.com/" + "a1B2" * 60


@pytest.fixture(scope="module")
def people(service: Service, browser: Browser) -> Iterator[dict[str, Screen]]:
    """Give a browser for each who looks, logged in."""
    opened: dict[str, Screen] = {
        login: Officer(browser, service, login, PHONE) if login else Screen(browser, service, PHONE) for login in PAGES
    }
    for screen in opened.values():
        screen.page.emulate_media(reduced_motion="reduce")
    yield opened
    for screen in opened.values():
        screen.page.context.close()


@pytest.fixture(scope="module")
def cases(service: Service) -> dict[str, str]:
    """Give the numbers of two cases, the first one with long words."""
    act(service, NEWCOMER, kind="subscribe")
    second = say(service, SECOND, "新的：北关菜市场门口的井盖又坏了")
    return {"number": number_in(say(service, NEWCOMER, LONG)), "other": number_in(second)}


def every_page(people: dict[str, Screen], cases: dict[str, str], size: ViewportSize) -> Iterator[tuple[str, Screen]]:
    """Open each page for whoever looks at it."""
    for login, pages in PAGES.items():
        screen = people[login]
        screen.page.set_viewport_size(size)
        for path in pages:
            screen.open(path.format(**cases))
            yield f"{login} {path}", screen


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_every_page_fits_and_everybody_can_use_it(
    people: dict[str, Screen], cases: dict[str, str], size: ViewportSize
) -> None:
    """No page, and no sheet on it, can be scrolled sideways or upsets the browser, in large type neither.

    By WCAG 2.2 AA none has a fault that axe calls serious or critical: contrast, names, targets, structure.
    """
    faults: list[str] = []
    for name, screen in every_page(people, cases, size):
        faults += [f"{name}: {fault}" for fault in too_wide(screen.page)]
        faults += [f"{name}: {fault}" for fault in axe(screen.page, {"type": "tag", "values": WCAG})]
        faults += [f"{name}: {fault}" for fault in _sheets_too_wide(screen.page)]
        screen.page.evaluate("document.documentElement.dataset.size = 'huge'")
        faults += [f"{name} in large type: {fault}" for fault in too_wide(screen.page)]
    faults += [line for screen in people.values() for line in screen.complaints.lines]
    assert faults == []


def test_it_can_be_read_in_the_dark(people: dict[str, Screen], cases: dict[str, str]) -> None:
    """By night every page has the contrast that WCAG 2.2 AA asks for."""
    for screen in people.values():
        screen.page.emulate_media(color_scheme="dark")
    faults = [
        f"{name}: {fault}"
        for name, screen in every_page(people, cases, DESK)
        for fault in axe(screen.page, {"type": "rule", "values": ["color-contrast"]})
    ]
    for screen in people.values():
        screen.page.emulate_media(color_scheme="light")
    assert faults == []


def axe(page: Page, rules: dict[str, object]) -> list[str]:
    """Return what axe calls serious or critical on a page."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("rules => axe.run(document, { runOnly: rules })", rules)
    assert found["passes"], f"axe looked at nothing on {page.url}"
    return [
        f"{fault['id']} {node['html'][:120]}"
        for fault in found["violations"]
        if fault["impact"] in {"serious", "critical"}
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_missing_page_fits_too(people: dict[str, Screen], size: ViewportSize) -> None:
    """The error page says so in Chinese and fits."""
    screen = people[ANYBODY]
    screen.page.set_viewport_size(size)
    screen.open("/console/nowhere")
    expect(screen.page.locator("#error[data-code='404']")).to_be_visible()
    assert too_wide(screen.page) == []
    assert all("404" in line for line in screen.complaints.lines)
    screen.complaints.lines.clear()


def too_wide(page: Page) -> list[str]:
    """Return what reaches beyond the window, if the page can be scrolled sideways."""
    return list(
        page.evaluate(
            """() => {
              const width = document.documentElement.clientWidth;
              if (document.documentElement.scrollWidth <= width && document.body.scrollWidth <= width) return [];
              return [...document.querySelectorAll('body *')]
                .filter((one) => one.getBoundingClientRect().right > width + 1)
                .map((one) => `${one.tagName}.${one.className} reaches ${one.getBoundingClientRect().right}`)
                .slice(0, 5);
            }"""
        )
    )


def _sheets_too_wide(page: Page) -> list[str]:
    """Open each action's sheet, and return those that cannot be read without scrolling sideways."""
    faults = []
    for button in page.locator("[data-open]").all():
        action = button.get_attribute("data-open")
        if not button.is_visible():
            page.click("#more")
        button.click()
        sheet = page.locator(f"#dialog-{action}")
        expect(sheet).to_be_visible()
        if sheet.evaluate("sheet => sheet.scrollWidth > sheet.clientWidth") or too_wide(page):
            faults.append(f"sheet {action} is too wide")
        sheet.locator(".sheet-close").click()
        expect(sheet).to_be_hidden()
    return faults
