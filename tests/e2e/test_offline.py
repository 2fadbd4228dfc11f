"""The console on a phone that loses its connection: nothing that was written is lost, and nothing is done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.screens import PASSWORD, PHONE, Officer, assert_seen
from tests.integration.people import picture
from tests.services import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Dialog, Page, Route

    from tests.services import Service

# What a browser says of a network that is away, and htmx of a call that failed, under two names; everything else is a
# complaint.
AWAY = ("net::ERR_", "htmx:sendError", "htmx:afterRequest")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Give a photo."""
    path = tmp_path / "found.jpg"
    path.write_bytes(picture().getvalue())
    return path


def on_patrol(browser: Browser, service: Service) -> Officer:
    """Log a grid officer in on the phone, and wait until the service worker has what it keeps."""
    officer = Officer(browser, service, "cuihu01b", PHONE)
    ready = "navigator.serviceWorker.ready.then(() => Boolean(navigator.serviceWorker.controller))"
    wait_until(lambda: officer.page.evaluate(ready), what="the service worker")
    return officer


def close(officer: Officer) -> None:
    """Close the browser; it may have complained of the missing network, of nothing else."""
    lines = officer.complaints.lines
    lines[:] = [line for line in lines if not any(words in line for words in AWAY)]
    assert lines == []
    officer.close()


def reported(officer: Officer, words: str) -> int:
    """Return how many of one's own reports have these words."""
    officer.open("/console/?list=reported")
    return officer.page.locator("#list a.row", has_text=words).count()


def test_a_report_waits_for_the_network(service: Service, browser: Browser, photo: Path) -> None:
    """A report with a photo, sent without a network, waits on the phone, and is one case when the network is back."""
    officer, words = on_patrol(browser, service), "花坛边的木栈道断了一块板"
    officer.open("/console/report")
    page, context = officer.page, officer.page.context
    context.set_offline(offline=True)
    page.fill("#report-text", words)
    page.set_input_files("#report-photos", photo)
    expect(page.locator("#report-before img")).to_have_count(1)
    page.click("#report button[type=submit]")
    expect(page.locator("#unsent")).to_contain_text("1 件等网络，有网自动发")
    expect(page.locator("#report-text")).to_have_value("")
    page.click("#unsent a")
    expect(page.locator("#unsent-list li")).to_contain_text([words])
    context.set_offline(offline=False)
    expect(page.locator("#toasts .toast[data-toast=ok]")).to_contain_text(words)
    expect(page.locator("#unsent-list li")).to_have_count(0)
    assert reported(officer, words) == 1
    page.locator("#list a.row", has_text=words).click()
    assert_seen(page.locator("#thread a[data-media=photo] img"))
    close(officer)


def test_an_answer_that_is_lost_does_nothing_twice(service: Service, browser: Browser) -> None:
    """The server has it, but its answer never came: what is sent again then is known again."""
    officer, words = on_patrol(browser, service), "花坛边的长椅少了一条腿"
    officer.open("/console/report")
    page, context = officer.page, officer.page.context
    page.fill("#report-text", words)

    def lose(route: Route) -> None:
        route.fetch(max_redirects=0)
        context.set_offline(offline=True)
        route.abort()

    page.route("**/console/report", lose, times=1)
    page.click("#report button[type=submit]")
    expect(page.locator("#unsent")).to_contain_text("1 件等网络")
    context.set_offline(offline=False)
    expect(page.locator("#unsent")).to_be_hidden()
    assert reported(officer, words) == 1
    close(officer)


def test_a_page_without_a_network(service: Service, browser: Browser) -> None:
    """Without a network every page gives way to one that says what works; what is reported there waits too."""
    officer, words = on_patrol(browser, service), "花坛边的水管在漏水"
    page, context = officer.page, officer.page.context
    context.set_offline(offline=True)
    officer.open("/console/?list=reported")
    expect(page.locator("h1")).to_have_text("没有网络时")
    page.fill("#report-text", words)
    page.click("#report button[type=submit]")
    expect(page.locator("#unsent-list li")).to_contain_text([words])
    page.reload()
    expect(page.locator("#unsent-list li")).to_contain_text([words])
    context.set_offline(offline=False)
    expect(page.locator("#unsent-list li")).to_have_count(0)
    assert reported(officer, words) == 1
    close(officer)


def test_what_waits_is_its_writer_s(service: Service, browser: Browser) -> None:
    """On a shared phone what waits stays when the login is over, and is sent by its writer only, when they are back."""
    officer, words = on_patrol(browser, service), "花坛边的灯罩碎了一地"
    officer.open("/console/report")
    page, context = officer.page, officer.page.context
    context.set_offline(offline=True)
    page.fill("#report-text", words)
    page.click("#report button[type=submit]")
    expect(page.locator("#unsent")).to_be_visible()
    context.clear_cookies()
    context.set_offline(offline=False)
    expect(page.locator("#unsent")).to_contain_text("请先登录，登录后自动发")
    log_in(officer, "cuihu01")
    with page.expect_response("**/console/token"):
        officer.open("/console/me")
    expect(page.locator("#unsent")).to_have_count(0)
    assert reported(officer, words) == 0
    officer.open("/console/me")
    page.click("#logout")
    expect(page.locator("#login-form")).to_be_visible()
    log_in(officer, "cuihu01b")
    expect(page.locator("#toasts .toast[data-toast=ok]")).to_contain_text(words)
    assert reported(officer, words) == 1
    close(officer)


# Every report that a page sends is lost on the way. (A route of the browser's is not asked once a worker is there.)
NO_WAY_OUT = """
  const real = window.fetch;
  window.fetch = (to, how) => (how?.method === 'POST' && String(to).endsWith('/console/report')
    ? Promise.reject(new TypeError('no network')) : real(to, how));
"""


def test_logging_out_leaves_nothing(service: Service, browser: Browser) -> None:
    """Who logs out while something waits is asked first; then nothing of it is left on the phone."""
    officer = on_patrol(browser, service)
    page = officer.page
    page.add_init_script(NO_WAY_OUT)
    officer.open("/console/report")
    page.fill("#report-text", "花坛边的门锁坏了")
    page.click("#report button[type=submit]")
    expect(page.locator("#unsent")).to_be_visible()
    officer.open("/console/me")
    asked: list[str] = []
    answer(page, asked, "dismiss")
    page.click("#logout")
    wait_until(lambda: page.evaluate("document.readyState") and asked, what="the question")
    expect(page.locator("#unsent")).to_be_visible()
    answer(page, asked, "accept")
    page.click("#logout")
    expect(page.locator("#login-form")).to_be_visible()
    assert asked == ["还有 1 件没发出去，退出就删掉了。要退出吗？"] * 2
    log_in(officer, "cuihu01b")
    officer.open("/console/offline")
    expect(page.locator("#unsent-none")).to_be_visible()
    close(officer)


def answer(page: Page, asked: list[str], word: str) -> None:
    """Answer the next question of a page, and write down what it was."""

    def reply(dialog: Dialog) -> None:
        asked.append(dialog.message)
        getattr(dialog, word)()

    page.once("dialog", reply)


def log_in(officer: Officer, login: str) -> None:
    """Log in as somebody on this phone."""
    officer.open("/console/login")
    officer.page.fill("#login", login)
    officer.page.fill("#password", PASSWORD)
    officer.page.click("#login-form button[type=submit]")
    expect(officer.page.locator("#login-form")).to_have_count(0)
