"""The whole line, from a resident's words to the rating, with the real pages on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from bot.sandbox.residents import RESIDENTS
from tests.e2e.screens import PHONE, Officer, Resident, assert_seen, number_in

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.services import Service

AUNT = RESIDENTS[0].openid
MATTER = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Give a photo such as an officer takes of what is done."""
    image = Image.new("RGB", (1600, 1200), "#7a8a7a")
    ImageDraw.Draw(image).ellipse((500, 400, 1100, 900), fill="#333333")
    path = tmp_path / "done.jpg"
    image.save(path)
    return path


def test_a_case_from_the_first_words_to_the_rating(running: Service, browser: Browser, photo: Path) -> None:
    """A resident's words, photo and place become one case; staff answer in the chat; the resident has the last word."""
    aunt = Resident(browser, running, AUNT)
    number = _reports(aunt)
    officer = Officer(browser, running, "urban", PHONE)
    _is_accepted(officer, aunt, number)
    _is_answered(officer, aunt)
    _is_done_but_not_well(officer, aunt, number, photo)
    _is_done_again(officer, aunt, number)
    _shows_how_it_went(officer, number)
    aunt.close()
    officer.close()
    _kept_its_secrets(running)


def _reports(aunt: Resident) -> str:
    receipt = aunt.say(MATTER)
    assert "井盖缺损" in receipt
    assert "城市管理局" in receipt
    number = number_in(receipt)
    spoken = f"{number[:-3]} {number[-3:]}"
    aunt.send_sample_photo()
    aunt.send_place("翠湖小区")
    assert f"1张照片、位置都在工单 {spoken} 里了" in aunt.say("就这些")
    return number


def _is_accepted(officer: Officer, aunt: Resident, number: str) -> None:
    page = officer.page
    expect(officer.row(number)).to_contain_text("井盖")
    expect(officer.row(number)).to_have_attribute("data-state", "assigned")
    officer.row(number).click()
    officer.stands(number, "assigned")
    expect(page.locator("#what")).to_have_text(MATTER)
    expect(page.locator("#where")).to_contain_text("翠湖小区")
    expect(page.locator("#map .map-pin")).to_be_visible()
    photo = page.locator("#thread li[data-who=resident] [data-media=photo] img")
    officer.sees(photo)
    assert_seen(photo)
    officer.accept()
    officer.stands(number, "accepted")
    aunt.gets("城市管理局已经接手")


def _is_answered(officer: Officer, aunt: Resident) -> None:
    officer.write("reply", "师傅下午两点到，请绕行。")
    aunt.gets("师傅下午两点到，请绕行。")
    entry = officer.page.locator("#thread > li[data-who=staff]", has_text="师傅下午两点到，请绕行。")
    officer.sees(entry.locator("[data-delivery=sent]", has_text="已送达"))


def _is_done_but_not_well(officer: Officer, aunt: Resident, number: str, photo: Path) -> None:
    officer.write("report_result", "已换上新井盖。", photo)
    officer.stands(number, "resolved")
    assert_seen(officer.page.locator("#thread li[data-who=staff] [data-media=photo] img"))
    aunt.gets("已换上新井盖。")
    aunt.gets_photo()
    assert "已退回城市管理局重新办" in aunt.say("2")
    assert "记下了" in aunt.say("井盖还是晃，踩上去响")
    officer.open("/console/")
    expect(officer.row(number)).to_have_attribute("data-state", "assigned")


def _is_done_again(officer: Officer, aunt: Resident, number: str) -> None:
    officer.take(number)
    expect(officer.page.locator("#thread")).to_contain_text("井盖还是晃，踩上去响")
    officer.write("report_result", "已加固，踩上去不晃了。")
    aunt.gets("已加固，踩上去不晃了。")
    assert "请评个分" in aunt.say("1")
    assert "谢谢您的评价" in aunt.say("满意")


def _shows_how_it_went(officer: Officer, number: str) -> None:
    officer.find(number)
    officer.stands(number, "closed")
    expect(officer.page.locator("#rating")).to_contain_text("满意")
    expect(officer.page.locator("#result")).to_have_text("已加固，踩上去不晃了。")
    officer.page.click("#history > summary")
    events = officer.page.locator("#events > li")
    steps = ["建案", "补充", "受理", "回复居民", "报告结果", "核查不通过", "报告结果", "核查通过", "评价"]
    told = events.locator("p:first-child").all_inner_texts()
    rest = iter(told)
    assert all(any(step in line for line in rest) for step in steps), told


def _kept_its_secrets(running: Service) -> None:
    log = running.log()
    assert AUNT not in log
    assert "井盖" not in log
    assert '"level": "ERROR"' not in log
    assert "Traceback" not in log
