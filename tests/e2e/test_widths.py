"""Every page fits a phone and a desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from bot.sandbox.residents import RESIDENTS
from tests.e2e.screens import DESK, PHONE, Officer, Screen, act, number_in, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, ViewportSize

    from tests.services import Service

NEWCOMER = RESIDENTS[4].openid
# Words without a gap, such as people paste.
LONG = "北关菜市场门口的井盖坏了 https://example.com/" + "a1B2" * 60
ANYBODY = ""
REGISTRY = (
    "",
    "units",
    "plans",
    "limits",
    "staff/row?key=water",
    "plans/row?key=fire",
    "places/import",
    "calendar",
    "grids",
)
# Who looks at which pages; {number} is a case with long words.
PAGES = {
    ANYBODY: ("/", "/sandbox/", "/console/login", "/console/offline"),
    "urban": (
        "/console/",
        "/console/?list=resolved",
        "/console/?list=ended",
        "/console/cases/{number}",
        "/console/team",
        "/console/me/security",
    ),
    "dispatcher": ("/console/", "/console/?list=all", "/console/cases/{number}", "/console/triage"),
    "leader": ("/console/?list=all", "/console/cases/{number}"),
    "admin": (
        *("/console/categories", "/console/rules", "/console/rules/edit", "/console/audit", "/console/team"),
        *(f"/console/registry/{page}" for page in REGISTRY),
    ),
}


@pytest.fixture(scope="module")
def people(service: Service, browser: Browser) -> Iterator[dict[str, Screen]]:
    """Give a browser for each who looks, logged in."""
    opened: dict[str, Screen] = {
        login: Officer(browser, service, login, PHONE) if login else Screen(browser, service, PHONE) for login in PAGES
    }
    yield opened
    for screen in opened.values():
        screen.page.context.close()


@pytest.fixture(scope="module")
def number(service: Service) -> str:
    """Give the number of a case with long words."""
    act(service, NEWCOMER, kind="subscribe")
    return number_in(say(service, NEWCOMER, LONG))


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_no_page_is_wider_than_its_window(people: dict[str, Screen], number: str, size: ViewportSize) -> None:
    """No page, and no sheet that opens on it, can be scrolled sideways or upsets the browser."""
    faults: list[str] = []
    for login, pages in PAGES.items():
        screen = people[login]
        screen.page.set_viewport_size(size)
        for path in pages:
            screen.open(path.format(number=number))
            faults += [f"{login} {path}: {fault}" for fault in too_wide(screen.page)]
            faults += [f"{login} {path}: {fault}" for fault in _sheets_too_wide(screen.page)]
        faults += screen.complaints.lines
    assert faults == []


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
