"""Everybody's home, and the administrator's walk through the set-up, in a browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from bot.sandbox.residents import RESIDENTS
from tests.e2e.screens import DESK, PHONE, Officer, say
from tests.e2e.test_widths import too_wide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ViewportSize

    from tests.services import Service

LOGINS = ("cuihu01b", "cuihu01", "urban", "dispatcher", "cuihusq", "cuihujd", "district", "city", "leader", "admin")
FIGURES = (
    "[...document.querySelectorAll('[data-figure]')].map((each) => [each.getAttribute('href'), each.dataset.count])"
)
HEADING = re.compile(r'<h1>.*?<span class="soft">(\S+) 件</span>', re.DOTALL)


@pytest.fixture
def officer(service: Service, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Officer]:
    """Give somebody at home, on a phone or at a desk."""
    login, size = request.param
    screen = Officer(browser, service, login, size)
    screen.open("/console/home")
    yield screen
    screen.close()


def everybody() -> list[tuple[str, ViewportSize]]:
    """Return each role on each screen."""
    return [(login, size) for login in LOGINS for size in (PHONE, DESK)]


def names(case: tuple[str, ViewportSize]) -> str:
    """Return what a case is called."""
    return f"{case[0]}-{case[1]['width']}"


def test_a_home_renews_itself(service: Service, browser: Browser) -> None:
    """What comes in stands on the dispatchers' home a moment later by itself; an officer reports from home."""
    screen = Officer(browser, service, "dispatcher", DESK)
    screen.open("/console/home")
    came = screen.page.locator("[data-figure='came.today']")
    before = int(came.get_attribute("data-count") or "")
    finder = Officer(browser, service, "cuihu02", PHONE)
    finder.open("/console/home")
    finder.page.click("#home-report")
    finder.page.fill("#report-text", "翠湖小区门口的路灯不亮")
    finder.submit(finder.page.locator("#report"))
    finder.close()
    expect(came).not_to_have_attribute("data-count", str(before))
    screen.close()


@pytest.mark.parametrize("officer", everybody(), ids=names, indirect=True)
def test_each_home_fits_and_is_right(officer: Officer) -> None:
    """No home can be scrolled sideways, in large type neither; each figure is what the list behind it says."""
    page = officer.page
    expect(page.locator("#home h1")).to_be_visible()
    assert too_wide(page) == []
    for href, count in page.evaluate(FIGURES):
        found = HEADING.search(page.context.request.get(officer.service.url(href)).text())
        assert found is not None, href
        assert found[1] == count, href
    page.evaluate("document.documentElement.dataset.size = 'huge'")
    assert too_wide(page) == []


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_walk_through_the_set_up(service: Service, browser: Browser, size: ViewportSize) -> None:
    """The administrator comes from home, tests WeChat, publishes the menu, skips a step and takes it up again."""
    say(service, RESIDENTS[0].openid, "你好")
    screen = Officer(browser, service, "admin", size)
    screen.open("/console/home")
    screen.page.click("#setup-left a")
    steps = screen.page.locator("#steps > li")
    expect(steps).to_have_count(9)
    assert too_wide(screen.page) == []
    screen.page.click("#step-wechat button:has-text('现在测')")
    expect(screen.page.locator("#step-wechat[data-state=done]")).to_be_visible()
    screen.page.click("#step-menu button:has-text('发布菜单')")
    expect(screen.page.locator("#step-menu[data-state=done]")).to_be_visible()
    screen.page.click("#step-account button:has-text('跳过')")
    expect(screen.page.locator("#step-account[data-state=skipped]")).to_be_visible()
    screen.page.click("#step-account button:has-text('不跳过了')")
    expect(screen.page.locator("#step-account[data-state=todo]")).to_be_visible()
    screen.page.click("#step-units a:has-text('去单位表')")
    expect(screen.page).to_have_url(re.compile("/console/registry/units"))
    screen.close()
