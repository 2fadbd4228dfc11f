"""How many taps and clicks the ten commonest tasks take. The table in docs/console.md says so, and is held to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import expect

from bot.sandbox.residents import RESIDENTS
from tests.e2e.screens import DESK, PHONE, Officer, number_in, say
from tests.services import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Locator

    from tests.services import Service

TABLE = Path(__file__).resolve().parents[2] / "docs/console.md"
ROW = re.compile(r"^\| (?P<task>[^|]+) \| (?P<who>[^|]+) \| (?P<taps>\d+) \|", re.MULTILINE)
LI, ZHAO, SUN = (each.openid for each in RESIDENTS[1:4])
PHONED = "13900007781"


class Counted:
    """Somebody whose taps are counted: clicks, and keys that stand for one. What is typed or photographed is not."""

    def __init__(self, officer: Officer) -> None:
        self.officer, self.page, self.taps = officer, officer.page, 0

    def tap(self, target: Locator) -> None:
        """Tap something that can be seen without scrolling sideways."""
        target.click()
        self.taps += 1

    def row(self, number: str) -> None:
        """Open a case of the list."""
        self.tap(self.officer.row(number))

    def done(self) -> None:
        """See that it was done."""
        expect(self.page.locator("#toasts .toast[data-toast=ok]")).to_be_visible()


def _accept(one: Counted, number: str, _photo: Path) -> None:
    one.row(number)
    one.tap(one.page.locator("#likely .button"))
    one.done()


def _reply(one: Counted, number: str, _photo: Path) -> None:
    one.row(number)
    one.tap(one.page.locator("#go-reply"))
    one.page.keyboard.type("师傅下午两点到")
    one.tap(one.page.locator("#f-reply button[type=submit]"))
    one.done()


def _way(one: Counted, number: str, _photo: Path) -> None:
    one.row(number)
    one.tap(one.page.locator("#way"))


def _call(one: Counted, number: str, _photo: Path) -> None:
    one.row(number)
    one.tap(one.page.locator(".contact-form button"))
    expect(one.page.locator("#contact a[href^='tel:']")).to_be_visible()
    one.taps += 1  # the number itself: it leaves the browser


def _set_out(one: Counted, number: str, _photo: Path) -> None:
    one.row(number)
    one.tap(one.page.locator("#more"))
    one.tap(one.page.locator("#f-set_out button"))
    one.done()


def _settle(one: Counted, number: str, photo: Path) -> None:
    one.row(number)
    one.tap(one.page.locator("[data-open=settle]"))
    one.page.fill("#f-settle-text", "已清运，地面冲洗干净")
    one.page.locator("#dialog-settle input[name=photos]").set_input_files(photo)
    one.taps += 1  # the camera's button
    one.tap(one.page.locator("#dialog-settle button[type=submit]"))
    one.done()


def _patrol(one: Counted, _number: str, photo: Path) -> None:
    one.tap(one.page.locator("#bar-report"))
    one.page.locator("#report-photos").set_input_files(photo)
    one.taps += 1  # the camera's button
    one.page.fill("#report-text", "单元门口堆了旧家具，挡住消防通道")
    one.tap(one.page.locator("#report .button.big[type=submit]"))
    one.done()


def _dispatch(one: Counted, number: str, _photo: Path) -> None:
    one.page.goto(one.officer.service.url(f"/console/triage?case={number}"))
    expect(one.page.locator("#desk button[data-key='1']")).to_be_visible()

    def sent() -> bool:
        one.page.keyboard.press("1")  # what comes within a moment of the page is not heard: nobody has read it yet
        return "已派给" in one.page.locator("#said").inner_text()

    wait_until(sent, what="the decision")
    one.taps += 1


def _find(one: Counted, number: str, _photo: Path) -> None:
    def found() -> bool:
        one.page.fill("#find-words", PHONED[-4:])
        one.page.keyboard.press("Enter")
        one.page.wait_for_load_state()
        return one.officer.row(number).count() > 0

    wait_until(found, what="the case in the index")
    one.taps += 1  # Enter, the time that found it
    one.row(number)
    expect(one.page.locator(f"#case[data-number='{number}']")).to_be_visible()


def _join(one: Counted, number: str, _photo: Path) -> None:
    one.row(number)
    one.tap(one.page.locator("#twins form button").first)
    one.done()


# Task, who does it, the list that one begins at; on the phone but where a desk is said. The order is that of a day.
TASKS: dict[str, tuple[str, str, Callable[[Counted, str, Path], None]]] = {
    "受理一件新工单": ("cuihu01", "mine", _accept),
    "告诉居民在路上了": ("cuihu01", "mine", _set_out),
    "回复居民": ("cuihu01", "mine", _reply),
    "让地图带路": ("cuihu01", "mine", _way),
    "给居民打电话": ("cuihu01", "mine", _call),
    "带照片当场办结": ("cuihu01", "mine", _settle),
    "巡查拍照上报": ("cuihu01", "mine", _patrol),
    "派一件拿不准的单": ("dispatcher", "unsure", _dispatch),
    "按电话后四位找工单": ("dispatcher", "all", _find),
    "合并重复的工单": ("dispatcher", "all", _join),
}
AT_DESK = frozenset({"dispatcher"})


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Give a photo."""
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (640, 480), "#7a8a7a").save(path)
    return path


@pytest.fixture(scope="module")
def cases(service: Service) -> dict[str, str]:
    """Give the case of each list that the tasks are done to."""
    mine = number_in(say(service, SUN, f"新的：翠湖里小区4号楼下垃圾桶满了没人清，电话{PHONED}"))
    unsure = number_in(say(service, SUN, "新的：翠湖里小区不太对劲，快来看看吧"))
    twin, _ = [number_in(say(service, who, "新的：翠湖里小区6号楼下路灯坏了")) for who in (LI, ZHAO)]
    return {"mine": mine, "all": twin, "unsure": unsure}


@pytest.fixture(scope="module")
def people(service: Service, browser: Browser) -> Iterator[dict[str, Officer]]:
    """Give a browser for each who does something, at the width that they work at."""
    logins = {login for login, _, _ in TASKS.values()}
    opened = {login: Officer(browser, service, login, DESK if login in AT_DESK else PHONE) for login in logins}
    yield opened
    for officer in opened.values():
        officer.page.context.close()


def test_the_table_of_taps_is_true(people: dict[str, Officer], cases: dict[str, str], photo: Path) -> None:
    """Each of the ten tasks takes exactly as many taps as the table says, beginning at one's list."""
    section = TABLE.read_text(encoding="utf-8").partition("## Taps and clicks")[2].partition("\n## ")[0]
    told = {found["task"].strip(): int(found["taps"]) for found in ROW.finditer(section)}
    counted = {}
    for task, (login, where, do) in TASKS.items():
        one = Counted(people[login])
        one.officer.open("/console/" if where == "unsure" else f"/console/?list={where}")
        expect(one.page.locator("html.js")).to_be_attached()
        do(one, cases["mine"] if do is _find else cases[where], photo)
        counted[task] = one.taps
    assert counted == told
