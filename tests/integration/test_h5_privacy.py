"""What is kept of residents is theirs: to take away, and to have erased."""

import io
from collections.abc import Callable

import pytest
from flask import Flask
from PIL import Image

from bot.assembly import House
from tests.integration.people import Resident, Staff, Visitor, link_in

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"


@pytest.fixture
def visitor(app: Flask, resident: Resident) -> Visitor:
    """Give a resident's browser, let in by a link, with one case, words and a photo of it."""
    resident.say(MANHOLE)
    visitor = Visitor(app, link_in(resident.say("进度")))
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(buffer, "PNG")
    buffer.seek(0)
    visitor.act(resident.case(), "supplement", text="踩上去会响", photos=(buffer, "a.png"))
    return visitor


def test_the_privacy_page_is_plain(visitor: Visitor) -> None:
    """The page says what is kept, why and how long, and leads to export and erasure."""
    text = visitor.open("/privacy").text
    for part in ("我们留着什么", "用来做什么", "留多久", "/h5/privacy/export", "/h5/privacy/erase"):
        assert part in text


def test_the_export_is_whole_and_ones_own(visitor: Visitor, resident: Resident, neighbour: Resident) -> None:
    """The file holds who one is here, every message, case, step and file; and nothing of others."""
    neighbour.say("临江路128号门口有人占道卖水果")
    answer = visitor.open("/privacy/export")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    data = answer.get_json()
    assert data["profile"]["openid"] == resident.openid
    assert data["profile"]["usual_grid"] == "翠湖社区第1网格"
    [case] = data["cases"]
    assert case["text"] == f"{MANHOLE}\n踩上去会响"
    assert [step["action"] for step in case["history"]] == ["open", "supplement"]
    assert [file["kind"] for file in case["files"]] == ["photo"]
    assert [message["content"].get("Content") for message in data["messages"]] == [MANHOLE, "进度"]
    assert "占道" not in answer.text
    assert neighbour.openid not in answer.text


def test_erasing_asks_first(house: House, visitor: Visitor, resident: Resident) -> None:
    """Erasing is confirmed on a page of its own that says what it means; without the tick nothing goes."""
    asked = visitor.open("/privacy/erase").text
    assert "还有 1 件没办完" in asked
    answer = visitor.post("/privacy/erase")
    assert answer.status_code == 422
    assert "我明白" in answer.text
    assert resident.case().text.startswith(MANHOLE)
    with house.store.read() as book:
        assert book.attachments(resident.case().id)


def test_erasing_forgets_everything(
    app: Flask, house: House, visitor: Visitor, resident: Resident, staff: Callable[[str], Staff]
) -> None:
    """Words, photos, messages and the resident go at once; the session ends, old links open nothing, the case stays."""
    link, case = link_in(resident.say("进度")), resident.case()
    with house.store.read() as book:
        [part] = book.attachments(case.id)
    assert house.media.path(part.file).exists()
    answer = visitor.post("/privacy/erase", agreed="1")
    told = visitor.client.get(answer.headers["Location"]).text
    assert "1 件事去掉了您的信息，1 个文件删掉了" in told
    assert not house.media.path(part.file).exists()
    assert visitor.open().status_code == 302
    assert app.test_client().get(link).status_code == 410
    left = staff("dispatcher").open(case).text
    assert "井盖坏了" not in left
    assert "踩上去会响" not in left
    with house.store.read() as book:
        assert not book.resident(resident.openid)
        assert book.attachments(case.id) == []


def test_nobody_is_told_of_an_erasure_that_was_none(app: Flask) -> None:
    """The page that says what was erased is for who did it."""
    assert app.test_client().get("/h5/erased").status_code == 404
