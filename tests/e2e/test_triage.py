"""The triage board in a real browser: by keyboard alone, quickly, and on a phone."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

import settings as configuration
from bot.assembly import build, utc_now
from cases import intake
from cases.numbers import number_of
from tests.e2e.screens import DESK, PHONE, Officer
from tests.e2e.test_widths import LONG, too_wide

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ViewportSize

    from cases.storage.tables import CaseRow
    from tests.services import Service

QUICK_SECONDS = 2.0
MOST_CASES = 60


@pytest.fixture
def put(service: Service) -> list[str]:
    """Give the numbers of five new cases that wait: three with a place, one without, one with long words."""
    house = build(configuration.load(service.environ))
    texts = (
        ("楼下那个东西坏了", True),
        ("这里天天这样", True),
        ("看着不像样子", True),
        ("垃圾没人收", False),
        (LONG, False),
    )
    with house.store.write() as book:
        city = house.cities.current(book)
        numbers = []
        for text, placed in texts:
            key = f"triage-{time.time_ns()}"
            report = intake.Report(text, city.locate_text("翠湖小区3栋") if placed else None)
            case = intake.open_imported(book, city, report, utc_now(), source_key=key, channel="import")
            case.guesses = [{"code": "order/vendor", "probability": 0.3}, {"code": "facility/road", "probability": 0.2}]
            case.certainty = 0.3
            numbers.append(number_of(case.id))
    house.store.engine.dispose()
    return numbers


class Board(Officer):
    """A dispatcher at the board, with hands on the keyboard."""

    def go_to(self, wanted: set[str]) -> str:
        """Skip by keyboard until one of these cases is shown; return its number."""
        for _ in range(MOST_CASES):
            self.settled()
            number = self.number()
            if number in wanted:
                return number
            self.page.keyboard.press("s")
            expect(self.page.locator("#desk")).not_to_have_attribute("data-number", number)
        raise AssertionError(f"{wanted} not found")

    def settled(self) -> None:
        """Wait until the case shown takes keys."""
        expect(self.page.locator("#desk[data-ready]")).to_be_visible()

    def number(self) -> str:
        """Return the number of the case that is shown."""
        return self.page.locator("#desk").get_attribute("data-number") or ""

    def strikes(self, key: str, number: str) -> float:
        """Strike a key and return how long the next case took to be there."""
        started = time.perf_counter()
        self.page.keyboard.press(key)
        self.page.locator(f'#desk:not([data-number="{number}"])').wait_for()
        return time.perf_counter() - started


def holder(service: Service, number: str) -> CaseRow:
    """Return a case as it is in the database."""
    house = build(configuration.load(service.environ))
    with house.store.read() as book:
        found = next(case for case in book.every_case() if number_of(case.id) == number)
    house.store.engine.dispose()
    return found


def test_three_cases_by_keyboard_alone(service: Service, browser: Browser, put: list[str]) -> None:
    """Three cases are decided without a mouse, each at once: a digit, a kind by its initials, a place first."""
    board = Board(browser, service, "dispatcher", DESK)
    board.open("/console/triage")
    placed, taken = set(put[:3]), []

    first = board.go_to(placed)
    taken.append(board.strikes("1", first))
    expect(board.page.locator("#said")).to_contain_text("已派给城市管理局")

    second = board.go_to(placed - {first})
    board.page.keyboard.press("/")
    board.page.keyboard.type("jgqs")
    expect(board.page.locator(".pick.at")).to_contain_text("井盖缺损")
    taken.append(board.strikes("Enter", second))

    last = board.go_to({put[3]})
    board.page.keyboard.press("p")
    board.page.keyboard.type("翠湖小区3栋")
    board.page.keyboard.press("Enter")
    expect(board.page.locator("#said")).to_contain_text("地点记下了")
    board.settled()
    taken.append(board.strikes("2", last))

    kinds = [holder(service, number).category_code for number in (first, second, last)]
    assert kinds == ["order/vendor", "facility/manhole", "facility/road"]
    assert max(taken) < QUICK_SECONDS, taken
    board.close()


def test_a_slip_is_put_right_by_keyboard(service: Service, browser: Browser, put: list[str]) -> None:
    """One key opens the case just sent, another digit sends it elsewhere, and one is back where one was."""
    board = Board(browser, service, "dispatcher", DESK)
    board.open("/console/triage")
    number = board.go_to(set(put[:3]))
    board.strikes("1", number)
    board.settled()
    after = board.number()
    board.page.keyboard.press("u")
    expect(board.page.locator(f'#desk[data-number="{number}"][data-ready]')).to_be_visible()
    board.strikes("2", number)
    assert board.number() == after
    assert holder(service, number).category_code == "facility/road"
    board.close()


def test_a_held_key_decides_once(service: Service, browser: Browser, put: list[str]) -> None:
    """A key struck twice in a row, or held, does not decide the case that has just appeared."""
    board = Board(browser, service, "dispatcher", DESK)
    board.open("/console/triage")
    number = board.go_to(set(put[:3]))
    following = board.page.locator("#desk").get_attribute("data-following") or ""
    board.strikes("1", number)
    for _ in range(3):
        board.page.keyboard.press("1")
    board.settled()
    assert board.number() == following
    board.close()


def test_two_dispatchers_at_once(service: Service, browser: Browser, put: list[str]) -> None:
    """The second of two who look at one case is told that it is gone, and sees the next."""
    one, two = (Board(browser, service, login, DESK) for login in ("dispatcher", "dispatcher2"))
    for board in (one, two):
        board.open(f"/console/triage?case={put[0]}")
        board.settled()
    one.strikes("1", put[0])
    two.strikes("2", put[0])
    expect(two.page.locator("#said")).to_contain_text("刚被同事派走")
    assert holder(service, put[0]).category_code == "order/vendor"
    for board in (one, two):
        board.close()


def test_with_a_thumb(service: Service, browser: Browser, put: list[str]) -> None:
    """On a phone the board is a tap from the list, its choices are large, and a tap decides."""
    board = Board(browser, service, "dispatcher", PHONE)
    board.page.click("#bar-triage")
    expect(board.page).to_have_url(re.compile("/console/triage"))
    board.open(f"/console/triage?case={put[0]}")
    choice = board.page.locator(".choice").first
    box = choice.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    choice.click()
    expect(board.page.locator("#said")).to_contain_text("已派给城市管理局")
    board.close()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_nothing_is_too_wide(service: Service, browser: Browser, put: list[str], size: ViewportSize) -> None:
    """With long words, and with everything opened that can be, the board cannot be scrolled sideways."""
    board = Board(browser, service, "dispatcher", size)
    for number in (put[0], put[4]):
        board.open(f"/console/triage?case={number}")
        board.settled()
        assert too_wide(board.page) == []
        for fold in board.page.locator("#desk details").all():
            fold.evaluate("fold => { fold.open = true; }")
        assert too_wide(board.page) == []
    board.close()


def test_without_javascript(service: Service, browser: Browser, put: list[str]) -> None:
    """With scripts off the same buttons work, and the page that follows says what was done."""
    board = Board(browser, service, "dispatcher", DESK)
    context = browser.new_context(java_script_enabled=False, storage_state=board.page.context.storage_state())
    page = context.new_page()
    page.goto(service.url(f"/console/triage?case={put[0]}"))
    page.click("#byhand summary")
    page.select_option("#unit", "dept-water")
    page.click("#hand button[type=submit]")
    expect(page.locator("#toasts")).to_contain_text("已派给水务局")
    context.close()
    board.close()
