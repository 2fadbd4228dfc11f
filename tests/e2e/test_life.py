"""A case's life as people see it: on the spot, up and back, with others called, with danger, and after its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import expect

from bot.sandbox.residents import RESIDENTS
from tests.e2e.screens import DESK, PHONE, Officer, Resident, assert_seen, number_in, say
from tests.e2e.test_h5 import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, ViewportSize

    from tests.services import Service

ZHAO, CHEN = RESIDENTS[2].openid, RESIDENTS[3].openid
CLUTTER = "新的：翠湖小区5栋楼道里堆满了纸箱，走路都难"
MANHOLE = "新的：翠湖小区6栋门口的井盖坏了，老人差点摔倒"


@pytest.fixture
def photos(tmp_path: Path) -> tuple[Path, Path]:
    """Give a photo before and one after."""
    paths = (tmp_path / "before.jpg", tmp_path / "after.jpg")
    for path, colour in zip(paths, ("#8a6a4a", "#7a8a7a"), strict=True):
        Image.new("RGB", (800, 600), colour).save(path)
    return paths


@pytest.fixture
def officer(browser: Browser, service: Service) -> Iterator[Callable[..., Officer]]:
    """Give a way to log in: `officer("urban", PHONE)`; at the end no browser may have complained."""
    opened: list[Officer] = []

    def log_in(login: str, size: ViewportSize) -> Officer:
        opened.append(Officer(browser, service, login, size))
        return opened[-1]

    yield log_in
    for each in opened:
        each.close()


def test_found_and_settled_on_patrol(officer: Callable[..., Officer], photos: tuple[Path, Path]) -> None:
    """On the phone a find is reported with a photo and settled on the spot: one form, and it is closed."""
    page = (finder := officer("cuihu01", PHONE)).page
    page.click("#bar-report")
    page.fill("#report-text", "单元门口倒了几辆共享单车")
    page.set_input_files("#report-photos", photos[0])
    expect(page.locator("#report-before img")).to_have_count(1)
    page.click("#settle > summary")
    page.locator("#settle label.kind-check").click()
    page.fill("#report-done", "扶起来摆齐了")
    page.set_input_files("#report input[name=after]", photos[1])
    finder.submit(page.locator("#report"))
    expect(page.locator("#toasts")).to_contain_text("当场办结")
    expect(page.locator("#case[data-state=closed]")).to_be_visible()
    expect(page.locator("#result")).to_have_text("扶起来摆齐了")
    expect(page.locator("#thread [data-compare] img")).to_have_count(2)


def test_a_small_case_is_settled_and_found_done_in_part(
    officer: Callable[..., Officer], browser: Browser, service: Service, photos: tuple[Path, Path]
) -> None:
    """A grid officer settles with photos before and after; the resident answers 3, and the rest is handled on."""
    number = number_in(say(service, ZHAO, CLUTTER))
    rider = Resident(browser, service, ZHAO)
    grid = officer("cuihu01", PHONE)
    grid.take(number)
    grid.accept()
    form = grid.form("settle")
    form.locator("input[name=before]").set_input_files(photos[0])
    form.locator("input[name=photos]").set_input_files(photos[1])
    expect(form.locator(".previews img")).to_have_count(2)
    form.locator("#f-settle-text").fill("和住户一起搬走了 8 箱")
    grid.submit(form)
    grid.stands(number, "resolved")
    rider.gets("和住户一起搬走了 8 箱")
    assert "还差哪里" in rider.say("3")
    assert "记下了" in rider.say("六楼还有两箱")
    grid.take(number)
    grid.stands(number, "assigned")
    expect(grid.page.locator("#thread")).to_contain_text("六楼还有两箱")
    grid.write("report_result", "六楼的两箱也搬走了")
    rider.gets("六楼的两箱也搬走了")
    rider.close()


def test_up_to_the_community_and_back(officer: Callable[..., Officer], service: Service) -> None:
    """A grid passes a case up with its reason; the community gives it back with one of the list, and both are read."""
    number = number_in(say(service, ZHAO, CLUTTER))
    grid = officer("cuihu01", PHONE)
    grid.take(number)
    grid.write("escalate", "要动用货车，网格没有")
    community = officer("cuihusq", PHONE)
    community.take(number)
    expect(community.page.locator("#events")).to_contain_text("要动用货车")
    community.write("return", "货车借给你们", reason="other")
    grid.take(number)
    grid.stands(number, "assigned")
    expect(grid.page.locator("#notes")).to_contain_text("退回过 1 次")
    expect(grid.page.locator("#events")).to_contain_text("货车借给你们")


def test_departments_are_called_to_the_spot(officer: Callable[..., Officer], service: Service) -> None:
    """A street calls two departments; one finds it by its bell, answers on the phone, and the street confirms."""
    number = number_in(say(service, ZHAO, CLUTTER))
    street = officer("cuihujd", DESK)
    street.find(number)
    street.write("whistle", "一起清楼道", units=("dept-emergency", "dept-water"))
    expect(street.page.locator("#tasks [data-standing=waiting]")).to_have_count(2)
    called = officer("emergency", PHONE)
    called.page.click("#bell")
    notice = called.page.locator("button.notice-new", has_text=number[-3:]).first
    expect(notice).to_contain_text("吹哨：请到现场")
    notice.click()
    called.stands(number)
    called.submit(called.form("arrive"))
    called.write("answer_task", "两人到场，搬走了 12 箱")
    called.open("/console/notices")
    expect(called.page.locator("button.notice-new", has_text=number[-3:])).to_have_count(0)
    street.page.reload()
    form = street.form("confirm_task")
    form.locator("label:has(input[name=task])").click()
    street.submit(form)
    expect(street.page.locator("#tasks [data-standing=confirmed]")).to_contain_text("搬走了 12 箱")
    street.open("/console/whistles")
    expect(street.page.locator("#whistles tr[data-unit=应急管理局]")).to_be_visible()


def test_danger_goes_its_whole_way(officer: Callable[..., Officer], service: Service) -> None:
    """The strip on every page leads to the danger; it is signed for, handled, ended and reviewed."""
    reply = say(service, CHEN, "翠湖小区3栋着火了，浓烟往上冒")
    assert "119" in reply
    duty = officer("dispatcher", DESK)
    strip = duty.page.locator("#alarms a.alarm", has_text="着火")
    expect(strip.first).to_be_visible()
    strip.last.click()
    duty.submit(duty.form("acknowledge"))
    expect(duty.page.locator("#alarm")).to_contain_text("签收")
    duty.write("measure", "已打 119，物业在疏散")
    duty.write("end_alarm", "明火已灭，无人受伤")
    expect(duty.page.locator("#alarm")).to_contain_text("等复盘")
    duty.write("review_alarm", "三分钟签收，八分钟到场")
    expect(duty.page.locator("#alarm")).to_contain_text("已复盘")
    expect(duty.page.locator("#events")).to_contain_text("已打 119，物业在疏散")


def test_an_urgent_closing_is_called_back(officer: Callable[..., Officer], service: Service) -> None:
    """An urgent case that is closed stands on the page of calls; what was said there takes it up again."""
    number = number_in(say(service, ZHAO, MANHOLE))
    urban = officer("urban", PHONE)
    urban.find(number)
    urban.write("report_result", "已换上新井盖")
    assert "请评个分" in say(service, ZHAO, "1")
    caller = officer("dispatcher", DESK)
    caller.open("/console/callbacks")
    call = caller.page.locator(f".call[data-number='{number}']")
    call.locator("summary").click()
    for name, value in (("outcome", "reached"), ("solved", "partly"), ("rating", "fair")):
        caller.tick(call.locator("form"), name, value)
    call.locator("textarea").fill("盖子还响")
    call.locator("label.kind-check").click()
    caller.submit(call.locator("form"))
    expect(caller.page.locator(f".call[data-number='{number}']")).to_have_count(0)
    caller.find(number)
    caller.stands(number, "assigned")
    expect(caller.page.locator("#notes")).to_contain_text("联系上了")


def test_done_in_part_on_the_page(
    officer: Callable[..., Officer], browser: Browser, service: Service, photos: tuple[Path, Path]
) -> None:
    """On the resident's own page one button says that a part is done; the case goes on with what was said."""
    number = number_in(say(service, CHEN, CLUTTER))
    grid = officer("cuihu01", PHONE)
    grid.take(number)
    grid.write("report_result", "搬走了一半", photos[1])
    say(service, CHEN, number)
    tenant = Resident(browser, service, CHEN)
    page = opened(tenant, f"工单 {number[:-3]} {number[-3:]}“")
    assert_seen(page.locator(".event-staff [data-media=photo] img"))
    page.fill("#verify-text", "三楼还有")
    page.get_by_role("button", name="解决了一部分").click()
    expect(page.locator("#case[data-state=assigned]")).to_be_visible()
    grid.find(number)
    grid.stands(number, "assigned")
    expect(grid.page.locator("#thread")).to_contain_text("三楼还有")
    tenant.close()
