"""The classifier in the dispatcher's hands: past orders in, trained, compared, released, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.screens import DESK, PHONE, Officer
from tests.e2e.test_widths import too_wide

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.services import Service

# A training reads the whole starter corpus.
TRAINED_MILLISECONDS = 180_000
SAID = {
    "路灯不亮": ("灯杆不亮", "巷子里黑得很没有灯", "路灯一闪一闪"),
    "垃圾堆积": ("垃圾桶满了没人收", "生活垃圾堆成山", "垃圾清运车不来"),
    "经营噪声": ("店家音响震天", "烧烤摊吵到半夜", "音箱放得太响"),
}


def orders(path: Path) -> Path:
    """Write past orders of three kinds, twenty of each, the kinds by their names."""
    rows = [
        {"诉求内容": f"{lines[at % 3]}，{at}号门口", "类别": kind, "受理时间": f"2026-05-{at + 1:02d} 08:00"}
        for kind, lines in SAID.items()
        for at in range(20)
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_loop_in_the_browser(service: Service, browser: Browser, tmp_path: Path) -> None:
    """A dispatcher imports past orders, trains, compares, releases, goes back; every page fits a phone."""
    dispatcher = Officer(browser, service, "dispatcher", DESK)
    page = dispatcher.page
    dispatcher.open("/console/learning/import")
    page.set_input_files("#file", orders(tmp_path / "orders.jsonl"))
    page.click("form[enctype] button")
    expect(page.locator("#outcome-title")).to_have_text("会导入 60 条")
    dispatcher.submit(page.locator("#outcome form"))
    dispatcher.open("/console/learning")
    page.click("#train button")
    expect(page.locator("#progress, #result").first).to_be_visible()
    expect(page.locator("#result[data-state=done]")).to_be_visible(timeout=TRAINED_MILLISECONDS)
    expect(page.locator("#compare")).to_be_visible()
    expect(page.locator("#curve .chart-dot")).to_have_count(4)
    compared = page.url.removeprefix(service.url(""))
    reason = page.locator("#reason")
    if page.locator("#against").count():
        reason.fill("试一试")
    dispatcher.submit(page.locator("#release form"))
    dispatcher.open("/console/learning")
    expect(page.locator("#since")).to_contain_text("上线")
    page.click("#roll-back")
    expect(page.locator("#toasts .toast[data-toast=ok]")).to_be_visible()
    expect(page.locator("#since")).to_contain_text("换回")
    page.set_viewport_size(PHONE)
    kind = "/console/learning/kinds/noise/business"
    for path in ("/console/learning", compared, "/console/learning/labels", kind, "/console/learning/conflicts"):
        dispatcher.open(path)
        assert too_wide(page) == [], path
    dispatcher.close()
