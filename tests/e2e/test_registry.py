"""What the administrator keeps, with real hands: a grid drawn on the canvas, a spreadsheet looked at and brought in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.screens import DESK, PHONE, Officer

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page, ViewportSize

    from tests.services import Service

MAP = "/console/registry/grids?unit=community-wenchang&pick="


def corners(page: Page) -> list[list[float]]:
    """Return the corners in the text field, the first one again at the end."""
    ring: list[list[float]] = json.loads(page.input_value("#geometry"))["coordinates"][0]
    return ring


def middle(page: Page, selector: str) -> tuple[float, float]:
    """Return the middle of an element on the screen."""
    box = page.locator(selector).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, selector: str, right: float, down: float) -> None:
    """Drag an element by so many pixels."""
    x, y = middle(page, selector)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right, y + down, steps=4)
    page.mouse.up()


@pytest.mark.parametrize(
    ("size", "grid"), [(DESK, "grid-wenchang-01"), (PHONE, "grid-wenchang-02")], ids=["desk", "phone"]
)
def test_a_shape_is_drawn_by_hand(service: Service, browser: Browser, size: ViewportSize, grid: str) -> None:
    """Corners are dragged, added on an edge and taken away, all of it can be undone, and what is saved is there."""
    admin = Officer(browser, service, "admin", size)
    page = admin.page
    admin.open(MAP + grid)
    page.locator("#canvas").scroll_into_view_if_needed()
    before = corners(page)
    drag(page, '[data-corner="1"]', 20, 20)
    assert corners(page)[1] != before[1]
    assert corners(page)[2:] == before[2:]
    page.click("#drop-corner")
    assert len(corners(page)) == len(before) - 1
    (x1, y1), (x2, y2) = middle(page, '[data-corner="0"]'), middle(page, '[data-corner="1"]')
    page.mouse.click((x1 + x2) / 2, (y1 + y2) / 2)
    assert len(corners(page)) == len(before)
    page.click("#undo")
    assert corners(page) == before
    drag(page, '[data-corner="1"]', 5, 5)
    moved = corners(page)
    page.click("#grid-form button[type=submit]")
    expect(page.locator("[data-toast=ok]")).to_contain_text("边界已保存")
    assert corners(page) == moved
    admin.close()


def test_a_new_shape_and_what_it_lies_on(service: Service, browser: Browser) -> None:
    """A shape is drawn point by point; that it lies on neighbours is told first; the keyboard puts it back."""
    admin = Officer(browser, service, "admin", DESK)
    page = admin.page
    admin.open(MAP + "grid-wenchang-03")
    before = page.input_value("#geometry")
    page.click("#draw")
    box = page.locator("#canvas").bounding_box()
    assert box
    for right, down in ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8), (0.2, 0.2)):
        page.mouse.click(box["x"] + box["width"] * right, box["y"] + box["height"] * down)
    assert len(corners(page)) == 5
    page.click("#grid-form button[type=submit]")
    expect(page.locator("#cautions")).to_contain_text("重叠")
    page.fill("#geometry", before)
    page.click("#grid-form button[type=submit]")
    expect(page.locator("[data-toast=ok]")).to_contain_text("边界没有变")
    admin.close()


def test_a_spreadsheet_comes_in(service: Service, browser: Browser, tmp_path: Path) -> None:
    """A file is looked at, confirmed by a button, and then in the list."""
    file = tmp_path / "地点.csv"
    file.write_text("名称,类型,网格,经度,纬度\n新湖家园,小区,grid-cuihu-01,117.005,36.66\n", encoding="gb18030")
    admin = Officer(browser, service, "admin", PHONE)
    page = admin.page
    admin.open("/console/registry/places/import")
    page.set_input_files("#file", file)
    page.click("form.panel button[type=submit]")
    expect(page.locator("#outcome")).to_have_attribute("data-new", "1")
    page.click("#outcome button[type=submit]")
    expect(page.locator("[data-toast=ok]")).to_contain_text("新加 1 条")
    admin.open("/console/registry/places?q=新湖家园")
    expect(page.locator("#rows")).to_contain_text("新湖家园")
    admin.close()


def test_forms_of_the_administrator(service: Service, browser: Browser) -> None:
    """A row is changed, a first password is given and shown, a text of the bot is changed and put back."""
    admin = Officer(browser, service, "admin", DESK)
    page = admin.page
    admin.open("/console/registry/staff/row?key=beiguanjd2")
    page.fill(".reg-form [name=phone]", "19900009876")
    page.click(".reg-form button[type=submit]")
    admin.open("/console/registry/staff/row?key=beiguanjd2")
    expect(page.locator(".reg-form [name=phone]")).to_have_value("19900009876")
    admin.open("/console/registry/staff/row?key=linjiangjd2")
    page.get_by_role("button", name="给一个新的初始密码").click()
    expect(page.locator("main code").first).to_be_visible()
    admin.open("/console/texts")
    line = page.locator("#text-WELCOME")
    before = line.locator("textarea").input_value()
    line.locator("textarea").fill(f"{before}\n我们一直在。")
    line.get_by_role("button", name="保存").click()
    expect(page.locator("#text-WELCOME textarea")).to_have_value(f"{before}\n我们一直在。")
    page.locator("#text-WELCOME").get_by_role("button", name="用回原文").click()
    expect(page.locator("#text-WELCOME textarea")).to_have_value(before)
    admin.close()
