"""A rule from the form to where it works, on a phone and at a desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.screens import DESK, PHONE, Officer
from tests.e2e.test_widths import too_wide

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ViewportSize

    from tests.services import Service

# Nobody says this, so no other test meets the rule.
WORD = "鹦鹉螺号潜水艇"


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_rule_is_written_tried_and_put_to_work(service: Service, browser: Browser, size: ViewportSize) -> None:
    """The administrator writes a rule, sees the trial, switches the rule on, and deletes it; every page fits."""
    admin = Officer(browser, service, "admin", size)
    page = admin.page
    admin.open("/console/rules/edit")
    page.fill("#words", WORD)
    page.select_option("#queue", "dept-water")
    page.fill("#name", WORD)
    assert too_wide(page) == []
    page.click("#rule-form button[type=submit]")
    rule = page.locator(".rule", has_text=WORD)
    expect(rule).to_have_attribute("data-state", "off")
    assert too_wide(page) == []
    rule.locator("button[value=on]").click()
    expect(page.locator("#trial")).to_be_visible()
    assert too_wide(page) == []
    page.click("#apply")
    expect(rule).to_have_attribute("data-state", "on")
    rule.get_by_role("link", name="修改").click()
    page.click("button[value=delete]")
    page.click("#apply")
    expect(rule).to_have_count(0)
    admin.close()
