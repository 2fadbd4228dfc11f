"""A day at the desk: the list, the case beside it, the keyboard, several at once; and one thumb on the phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from bot.sandbox.residents import RESIDENTS
from tests.e2e.screens import DESK, PHONE, Officer, number_in, say
from tests.services import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.services import Service

LI, ZHAO = RESIDENTS[1].openid, RESIDENTS[2].openid


def report(service: Service, openid: str, what: str) -> str:
    """Report a new matter in the grid of 翠湖里 and return its number."""
    return number_in(say(service, openid, f"新的：翠湖里小区{what}"))


@pytest.fixture
def dispatcher(service: Service, browser: Browser) -> Iterator[Officer]:
    """Give a dispatcher at a desk, who is spared errors of the browser at the end."""
    officer = Officer(browser, service, "dispatcher", DESK)
    yield officer
    officer.close()


def test_a_case_opens_beside_its_list(service: Service, dispatcher: Officer) -> None:
    """A click opens a case beside the list; what is done to it there leads back to both; Esc puts it away."""
    first, second = report(service, LI, "2号楼路灯不亮"), report(service, ZHAO, "5号楼路灯一直闪")
    page = dispatcher.page
    dispatcher.open("/console/?list=all")
    dispatcher.row(first).click()
    expect(page.locator(f"#pane #case[data-number='{first}']")).to_be_visible()
    expect(dispatcher.row(second)).to_be_visible()
    dispatcher.row(second).click()
    expect(page.locator(f"#pane #case[data-number='{second}']")).to_be_visible()
    expect(page.locator("dialog#dialog-note")).to_have_count(1)
    assert f"case={second}" in page.url
    dispatcher.write("note", "问过物业，明早修")
    expect(page.locator(f"#pane #case[data-number='{second}']")).to_contain_text("问过物业，明早修")
    expect(dispatcher.row(first)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#pane")).to_be_hidden()
    page.go_back()
    expect(page.locator(f"#pane #case[data-number='{second}']")).to_be_visible()


def test_everything_by_keyboard(service: Service, dispatcher: Officer) -> None:
    """With J, Enter, N and / one walks the list, opens a case, writes a note and looks for another, without a mouse."""
    number = report(service, LI, "7号楼下水道堵了")
    page = dispatcher.page
    dispatcher.open("/console/?list=all")
    expect(page.locator("html.js")).to_be_attached()
    rows = page.locator("#list a.row").count()
    for _ in range(rows):
        page.keyboard.press("j")
        if page.evaluate("document.activeElement.dataset.number") == number:
            break
    expect(dispatcher.row(number)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(f"#pane #case[data-number='{number}']")).to_be_visible()
    expect(page.locator("#pane [data-open=note]")).to_be_visible()
    page.keyboard.press("n")
    expect(page.locator("#dialog-note textarea")).to_be_focused()
    page.keyboard.type("jk?")
    expect(page.locator("#dialog-note textarea")).to_have_value("jk?")
    page.keyboard.press("Escape")
    expect(page.locator("#dialog-note")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    dispatcher.stands(number)


def test_several_at_once_and_undone(service: Service, dispatcher: Officer) -> None:
    """Ticked cases get one note after ten seconds; what is undone in time never happens."""
    numbers = [report(service, LI, "9号楼垃圾没人收"), report(service, ZHAO, "11号楼垃圾没人收")]
    page = dispatcher.page
    for words, undone in (("先不要做", True), ("统一约周五看", False)):
        dispatcher.open("/console/?list=all")
        for number in numbers:
            page.locator(f"input[name=case][value='{number}']").check()
        expect(page.locator("#tick-count")).to_have_text("2")
        page.click("#ticks button[type=submit]")
        page.locator(".chips a", has_text="内部备注").click()
        page.fill("#bulk-text", words)
        page.click("#bulk-send")
        expect(page.locator("#bulk-strip")).to_contain_text("内部备注 2 件")
        if undone:
            page.click("#undo-bulk")
            expect(page.locator("#toasts")).to_contain_text("一件都没有动")
    expect(page.locator("#bulk-strip")).to_contain_text("2 件办好")
    for number in numbers:
        dispatcher.open(f"/console/cases/{number}")
        expect(page.locator("#thread")).to_contain_text("统一约周五看")
        expect(page.locator("#thread")).not_to_contain_text("先不要做")


def test_what_is_new_comes_by_itself(service: Service, browser: Browser, dispatcher: Officer) -> None:
    """A new case appears in an open list, a resident's words in an open case, and two on one case see each other."""
    page = dispatcher.page
    dispatcher.open("/console/?list=all")
    with page.expect_response("**/console/live"):
        page.reload()
    # What the list asks for by itself keeps nobody signed in.
    with page.expect_request(lambda asked: asked.headers.get("hx-target") == "list") as asked:
        number = report(service, LI, "3号楼门禁坏了")
    assert asked.value.headers["x-background"] == "1"
    expect(dispatcher.row(number)).to_be_visible()
    dispatcher.open(f"/console/cases/{number}")
    colleague = Officer(browser, service, "leader", PHONE)
    colleague.open(f"/console/cases/{number}")
    expect(colleague.page.locator("#people")).to_contain_text("也在看这一件")
    say(service, LI, "晚上更暗")
    expect(page.locator("#thread")).to_contain_text("晚上更暗")
    expect(page.locator("#people")).to_be_visible()
    colleague.close()


def test_a_filter_is_kept(service: Service, dispatcher: Officer) -> None:
    """Words and filters find a case; kept under a name they stand in the rail, until they are dropped."""
    number = report(service, LI, "13号楼窨井盖会响")
    page = dispatcher.page

    def found() -> bool:
        dispatcher.open("/console/find?q=窨井盖会响&state=open")
        return dispatcher.row(number).count() == 1

    wait_until(found, what="the case in the index")
    expect(dispatcher.row(number).locator("mark").first).to_be_visible()
    page.fill("#filter-name", "井盖在办")
    page.locator(".keep-filter button").click()
    link = page.locator("#lists a", has_text="井盖在办")
    expect(link).to_have_attribute("aria-current", "page")
    dispatcher.open("/console/")
    link.click()
    expect(dispatcher.row(number)).to_be_visible()
    page.locator(".keep-filter button", has_text="删掉").click()
    expect(link).to_have_count(0)


def test_one_thumb(service: Service, browser: Browser) -> None:
    """On the phone a row pushed to the left offers the likely action, the answer and the way there."""
    number = report(service, ZHAO, "1号楼楼道灯坏了没人换")
    dispatcher = Officer(browser, service, "dispatcher", PHONE)
    dispatcher.open("/console/?list=all")
    row = dispatcher.row(number)
    row.scroll_into_view_if_needed()
    box = row.bounding_box()
    assert box is not None
    row.evaluate(
        """(row, [x, y]) => {
          const touch = (type, at) => row.dispatchEvent(new TouchEvent(type, {
            bubbles: true,
            touches: type === 'touchend' ? [] : [new Touch({ identifier: 1, target: row, clientX: at, clientY: y })],
            changedTouches: [new Touch({ identifier: 1, target: row, clientX: at, clientY: y })],
          }));
          touch('touchstart', x);
          touch('touchend', x - 120);
        }""",
        [box["x"] + 200, box["y"] + 20],
    )
    expect(dispatcher.page.locator(".quick .button.primary")).to_be_visible()
    dispatcher.page.locator(".quick .button", has_text="回复").click()
    dispatcher.stands(number)
    dispatcher.close()
