"""Residents' own pages in a browser: from the chat to the rating, by keyboard alone, and without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import expect

from bot.sandbox.residents import RESIDENTS
from tests.e2e.screens import DESK, PHONE, Complaints, Officer, Resident, Screen, assert_seen, number_in, say
from tests.services import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, ViewportSize

    from tests.services import Service

TEACHER, COURIER = RESIDENTS[3].openid, RESIDENTS[2].openid
MATTER = "翠湖小区5栋楼下井盖坏了，踩上去会响"
SMALLEST_TYPE, SMALLEST_TARGET = 17, 44
MEASURE = """() => {
  const seen = (one) => one.getClientRects().length > 0 && !one.closest('.away, .skip');
  const words = (one) => [...one.childNodes].some((part) => part.nodeType === 3 && part.textContent.trim());
  const all = [...document.querySelectorAll('body *')].filter(seen);
  const targets = all.filter((one) => one.matches('a, button, textarea, summary, label.rating, label.agree'));
  return {
    width: document.documentElement.scrollWidth,
    type: Math.min(...all.filter(words).map((one) => parseFloat(getComputedStyle(one).fontSize))),
    target: Math.min(...targets.filter((one) => !one.matches('.case-title a'))
      .map((one) => Math.min(one.getBoundingClientRect().height, one.getBoundingClientRect().width))),
  };
}"""


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Give a photo larger than what is sent: the page makes it smaller first."""
    path = tmp_path / "big.jpg"
    Image.effect_noise((4000, 3000), 60).convert("RGB").save(path, quality=90)
    return path


@pytest.fixture
def teacher(browser: Browser, service: Service) -> Iterator[Resident]:
    """Give a resident with the sandbox's phone; at the end nothing may have upset the browser."""
    teacher = Resident(browser, service, TEACHER)
    yield teacher
    teacher.close()


def opened(teacher: Resident, words: str) -> Page:
    """Tap the link below these words in the chat, and return the page that it opens."""
    bubble = teacher.page.locator("#messages .bubble.theirs", has_text=words)
    with teacher.page.context.expect_page() as opening:
        bubble.get_by_role("link", name="点这里看详情").click()
    page: Page = opening.value
    expect(page.locator("#main")).to_be_visible()
    return page


def test_from_the_chat_to_the_rating(
    teacher: Resident, browser: Browser, service: Service, photo: Path, tmp_path: Path
) -> None:
    """A link in the chat leads to the case; what is added, verified and rated there is what staff see."""
    number = number_in(say(service, TEACHER, f"新的：{MATTER}"))
    say(service, TEACHER, number)
    page = opened(teacher, f"工单 {number[:-3]} {number[-3:]}“")
    assert page.url == service.url(f"/h5/cases/{number}")
    _adds(page, photo)
    officer = Officer(browser, service, "urban", PHONE)
    officer.take(number)
    assert_seen(officer.page.locator("#thread [data-media=photo] img"))
    expect(officer.page.locator("#thread")).to_contain_text("在东边，靠近垃圾房")
    Image.new("RGB", (800, 600), "#7a8a7a").save(tmp_path / "done.jpg")
    officer.write("report_result", "已换上新井盖。", tmp_path / "done.jpg")
    page.reload()
    expect(page.locator("#result")).to_contain_text("已换上新井盖。")
    assert_seen(page.locator(".event-staff [data-media=photo] img"))
    page.fill("#verify-text", "不响了")
    page.click("#solved")
    expect(page.locator("#told [data-told=ok]")).to_contain_text("请评个分")
    page.get_by_label("基本满意").check()
    page.fill("#rate-text", "等了两天")
    page.click("#send-rating")
    expect(page.locator("#rated")).to_contain_text("基本满意")
    officer.find(number)
    expect(officer.page.locator("#rating")).to_contain_text("基本满意")
    officer.close()


def _adds(page: Page, photo: Path) -> None:
    page.click("#add")
    page.fill("#text", "在东边，靠近垃圾房")
    page.set_input_files("#photos", [photo, photo])
    expect(page.locator(".previews img")).to_have_count(2)
    page.get_by_role("button", name="去掉照片 2").click()
    expect(page.locator(".previews img")).to_have_count(1)
    expect(page.locator(".pick-words")).to_contain_text("选了 1 张")
    assert page.evaluate("document.querySelector('#photos').files[0].size") < photo.stat().st_size / 2
    page.click("#send")
    expect(page.locator("#told [data-told=ok]")).to_be_visible()
    expect(page.locator("#told [data-told=ok]")).to_be_focused()
    assert_seen(page.locator(".event-resident [data-media=photo] img"))


def test_the_menu_leads_to_my_cases(teacher: Resident, service: Service) -> None:
    """我的事 in the account's menu opens the list by WeChat's login, without asking anything; type can be large."""
    number = number_in(say(service, TEACHER, f"新的：{MATTER}"))
    teacher.page.get_by_role("button", name="更多").click()
    with teacher.page.context.expect_page() as opening:
        teacher.page.get_by_role("button", name="我的事").click()
    page = opening.value
    expect(page.locator(f"#cases [data-number='{number}']")).to_be_visible()
    assert page.url.partition("#")[0] == service.url("/h5/")
    before = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.case-title')).fontSize)")
    page.click("#type")
    expect(page.locator("html.big")).to_be_attached()
    after = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.case-title')).fontSize)")
    assert after > before * 1.25
    page.locator(f"[data-number='{number}'] a").click()
    expect(page.locator(f"#case[data-number='{number}']")).to_be_visible()
    expect(page.locator("html.big")).to_be_attached()
    page.click("#type")
    expect(page.locator("html.big")).not_to_be_attached()


def _link(service: Service, openid: str, number: str) -> str:
    return "http" + say(service, openid, number).split('href="http')[1].split('"')[0]


def _press_until(page: Page, selector: str) -> None:
    """Press Tab until this is focused; every stop on the way can be seen."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement?.matches(selector)", selector):
            return
    raise AssertionError(f"no way by keyboard to {selector}")


def _enter(page: Page) -> None:
    """Press Enter and wait for the page that follows."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_by_keyboard_alone(browser: Browser, service: Service) -> None:
    """Without a finger or a mouse one opens a case, adds to it, urges it and rates nothing by accident."""
    number = number_in(say(service, COURIER, f"新的：{MATTER}"))
    screen = Screen(browser, service, PHONE)
    page = screen.page
    page.goto(_link(service, COURIER, number))
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    _press_until(page, "#add")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    _enter(page)
    _press_until(page, "#text")
    page.keyboard.type("晚上更响")
    _press_until(page, "#photos")
    assert page.evaluate("getComputedStyle(document.querySelector('.pick')).outlineStyle") == "solid"
    _press_until(page, "#send")
    _enter(page)
    expect(page.locator("#told [data-told=ok]")).to_be_focused()
    expect(page.locator("#story")).to_contain_text("晚上更响")
    _press_until(page, "#urge")
    _enter(page)
    expect(page.locator("#urge-rest")).to_contain_text("已经催过了")
    _press_until(page, "#withdraw")
    _enter(page)
    _press_until(page, "#send")
    _enter(page)
    expect(page.locator("#case[data-state=withdrawn]")).to_be_visible()
    screen.close()


def test_without_scripts(browser: Browser, service: Service, photo: Path) -> None:
    """Everything works as plain pages and forms."""
    number = number_in(say(service, COURIER, f"新的：{MATTER}"))
    context = browser.new_context(viewport=PHONE, locale="zh-CN", java_script_enabled=False)
    complaints = Complaints(context)
    page = context.new_page()
    page.goto(_link(service, COURIER, number))
    page.click("#add")
    page.fill("#text", "补一张")
    page.set_input_files("#photos", photo)
    page.click("#send")
    expect(page.locator("#story .event-resident [data-media=photo]")).to_have_count(1)
    page.click("#type")
    expect(page.locator("html.big")).to_be_attached()
    page.click("#urge")
    expect(page.locator("#urge-rest")).to_be_visible()
    context.close()
    assert complaints.lines == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_large_enough_and_never_too_wide(browser: Browser, service: Service, size: ViewportSize, scheme: str) -> None:
    """On each page, in either size of type, nothing is written small, hard to hit, or wider than the window."""
    number = number_in(say(service, COURIER, f"新的：{MATTER} https://example.com/{'a1B2' * 40}"))
    link = _link(service, COURIER, number)
    context = browser.new_context(
        viewport=size, locale="zh-CN", color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(link)
    case = f"/h5/cases/{number}"
    paths = ("/h5/", case, f"{case}/supplement", f"{case}/withdraw", "/h5/privacy", "/h5/privacy/erase", "/h5/nowhere")
    faults = []
    for big in (False, True):
        for path in paths:
            page.goto(service.url(path))
            found = page.evaluate(MEASURE)
            if (
                found["width"] > size["width"]
                or found["type"] < SMALLEST_TYPE
                or (found["target"] or SMALLEST_TARGET) < SMALLEST_TARGET
            ):
                faults.append((path, big, found))
        page.click("#type")
    context.close()
    assert faults == []


def test_export_and_erasure(browser: Browser, service: Service) -> None:
    """One takes one's data away as a file, and has them erased on a page that asks first."""
    newcomer = RESIDENTS[1].openid
    number = number_in(say(service, newcomer, f"新的：{MATTER}"))
    screen = Screen(browser, service, PHONE)
    page = screen.page
    page.goto(_link(service, newcomer, number))
    page.get_by_role("link", name="隐私").click()
    with page.expect_download() as download:
        page.click("#export")
    assert MATTER in download.value.path().read_text(encoding="utf-8")
    page.click("#erase")
    page.check("#agreed")
    page.click("#erase-now")
    expect(page.locator("#erased")).to_contain_text("删好了")
    assert "没查到您报过的事" in wait_until(lambda: say(service, newcomer, "进度"))
    screen.close()
