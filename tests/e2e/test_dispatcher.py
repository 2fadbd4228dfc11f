"""What the program is unsure about goes through the dispatchers; everybody sees their own business only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from playwright.sync_api import expect

from bot.sandbox.residents import RESIDENTS
from tests.e2e.screens import DESK, PHONE, Officer, number_in, say

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.services import Service

LI, ZHAO = RESIDENTS[1].openid, RESIDENTS[2].openid
UNSURE = "那个东西坏了，没人管"
SELF_REFRESH_MS = 16_000


def test_an_unsure_case_is_dispatched_returned_and_dispatched_again(service: Service, browser: Browser) -> None:
    """A dispatcher sends an unsure case where it belongs; a department's return brings it back with the reason."""
    dispatcher = Officer(browser, service, "dispatcher", DESK)
    number = _appears_by_itself(dispatcher, service)
    _is_sent(dispatcher, number, "dept-traffic", "traffic/signal")
    traffic = Officer(browser, service, "traffic", PHONE)
    traffic.take(number)
    expect(traffic.page.locator("#glance")).to_contain_text("信号灯与标线")
    traffic.write("return", "是路灯，不是信号灯，建议给城管", reason="not_ours")
    expect(traffic.row(number)).to_have_count(0)
    dispatcher.find(number)
    dispatcher.stands(number, "new")
    expect(dispatcher.page.locator("#events")).to_contain_text("是路灯，不是信号灯，建议给城管")
    for officer in (dispatcher, traffic):
        officer.close()


def test_a_foreign_case_does_not_exist(service: Service, browser: Browser) -> None:
    """An officer of another grid gets 404 for a case's address, as for one that never was; nobody without login."""
    number = number_in(say(service, RESIDENTS[3].openid, "新的：文昌花园门口的井盖松了，车一过就响"))
    address = service.url(f"/console/cases/{number}")
    stranger = Officer(browser, service, "linjiang01", PHONE)
    answer = stranger.page.request.get(address)
    assert answer.status == 404
    assert "井盖" not in answer.text()
    assert answer.text() == stranger.page.request.get(service.url("/console/cases/987654")).text()
    stranger.close()
    outside = requests.get(address, timeout=10)
    assert outside.url.startswith(service.url("/console/login?next="))
    assert "井盖" not in outside.text


def test_a_changed_queue_holds_for_the_next_message(service: Service, browser: Browser) -> None:
    """An administrator gives a kind of matter to another department, and the next message goes there."""
    admin = Officer(browser, service, "admin", DESK)
    expect(admin.page).to_have_url(service.url("/console/categories"))
    kind = admin.page.locator('form.kind[data-code="facility/streetlight"]')
    kind.locator("select[name=queue]").select_option("dept-garden")
    admin.submit(kind)
    expect(kind.locator("select[name=queue]")).to_have_value("dept-garden")
    receipt = say(service, ZHAO, "新的：翠湖小区5栋门口的路灯晚上不亮，黑漆漆的")
    assert "已交给园林绿化中心" in receipt
    garden = Officer(browser, service, "garden", PHONE)
    expect(garden.row(number_in(receipt))).to_contain_text("路灯不亮")
    for officer in (admin, garden):
        officer.close()


def _appears_by_itself(dispatcher: Officer, service: Service) -> str:
    """Let a resident speak while the dispatcher looks at the list: the case comes without a reload."""
    dispatcher.page.clock.install()
    dispatcher.open("/console/find?state=open")  # the newest first
    receipt = say(service, LI, f"新的：{UNSURE}")
    assert "派单员" in receipt
    number = number_in(receipt)
    expect(dispatcher.row(number)).to_have_count(0)
    dispatcher.page.clock.fast_forward(SELF_REFRESH_MS)
    expect(dispatcher.row(number)).to_contain_text(UNSURE)
    return number


def _is_sent(dispatcher: Officer, number: str, unit: str, category: str) -> None:
    dispatcher.row(number).click()
    dispatcher.stands(number, "new")
    form = dispatcher.form("send")
    form.locator("select[name=unit]").select_option(unit)
    form.locator("select[name=category]").select_option(category)
    dispatcher.submit(form)
    dispatcher.open("/console/")
    expect(dispatcher.page.locator("#list")).to_be_visible()
    expect(dispatcher.row(number)).to_have_count(0)
