"""The menu, and the codes that hang on walls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import requests

from cases.city import VERSION_KEY
from tests.integration.phone import WANG, Phone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask

    from bot.assembly import House
    from tests.integration.people import Resident, Staff


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Deliver from SQLite: the claims are tested on both databases elsewhere."""
    return f"sqlite:///{tmp_path}/outbound.sqlite3"


def test_the_menu_opens_the_guide(house: House, phone: Phone, app: Flask) -> None:
    """The published menu has the office guide, WeChat takes it, and tapping it lists what can be asked."""
    assert app.test_cli_runner().invoke(args=["wechat", "sync-menu"]).exit_code == 0
    state = requests.get(f"{house.settings.own_address}/sandbox/chats/{WANG}", timeout=5).json()
    assert [button["name"] for button in state["menu"]] == ["我要上报", "查进度", "更多"]
    assert [button["name"] for button in state["menu"][2]["sub_button"]] == ["我的事", "办事指南", "怎么用"]
    phone.send("click", key="GUIDE", name="办事指南")
    told = phone.texts()[-1]
    assert "老年人优待证" in told
    assert len(told.encode()) <= 2048


def test_a_printed_code_leads_to_its_grid(house: House, phone: Phone, app: Flask, tmp_path: Path) -> None:
    """What a poster's code says is what WeChat gave for the grid's scene: who scans it stands in that grid."""
    picture, poster = tmp_path / "grid.png", tmp_path / "grid.pdf"
    for out in (picture, poster):
        done = app.test_cli_runner().invoke(args=["wechat", "make-qr", "grid-cuihu-03", "--out", str(out)])
        assert done.exit_code == 0, done.output
    drawn = cv2.imdecode(np.frombuffer(picture.read_bytes(), np.uint8), 1)
    assert drawn is not None
    said = cv2.QRCodeDetector().detectAndDecode(drawn)[0]
    assert said == house.wechat.qr_address("grid-cuihu-03")
    assert said.startswith("http://weixin.qq.com/q/")
    assert pages_of(poster.read_bytes()) == 1
    scenes = requests.get(f"{house.settings.own_address}/sandbox/chats/{WANG}", timeout=5).json()["scenes"]
    assert [each["scene"] for each in scenes] == ["grid-cuihu-03"]
    phone.send("scan", scene="grid-cuihu-03", ticket=scenes[0]["ticket"])
    with house.store.read() as book:
        [resident] = book.resident(WANG)
        assert resident.scene_grid_id == house.cities.current(book).by_code["grid-cuihu-03"].id
    wrong = app.test_cli_runner().invoke(args=["wechat", "make-qr", "grid-cuihu-03", "--out", str(tmp_path / "x.gif")])
    assert wrong.exit_code == 2


def pages_of(pdf: bytes) -> int:
    """Return how many pages a PDF has."""
    assert pdf.startswith(b"%PDF-")
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def test_a_retired_code_is_still_understood(house: House, phone: Phone, wang: Resident) -> None:
    """A poster that was printed before the grid got another code still leads to it."""
    with house.store.write() as book:
        grid = next(row for row in book.units() if row.code == "grid-cuihu-03")
        grid.former_codes = ["old-07"]
        book.set_meta(VERSION_KEY, "another")
    wang.send("event", Event="SCAN", EventKey="old-07")
    with house.store.read() as book:
        assert book.resident(WANG)[0].scene_grid_id == grid.id
    assert phone


def test_posters_are_for_the_administrator(
    house: House, phone: Phone, staff: Callable[[str], Staff], app: Flask, tmp_path: Path
) -> None:
    """The page offers one grid's poster and a community's all in one file; others get none, and faults are said."""
    assert phone
    admin = staff("admin").client
    page = admin.get("/console/posters").text
    [community, *_] = re.findall(r'id="posters-([^"]+)"', page)
    with house.store.read() as book:
        city = house.cities.current(book)
        grids = city.grids_below(city.by_code[community])
    assert all(f"/console/posters/{grid.code}.pdf" in page for grid in grids)
    together = admin.get(f"/console/posters/{community}.pdf")
    assert (together.mimetype, pages_of(together.data)) == ("application/pdf", len(grids))
    assert together.data == admin.get(f"/console/posters/{community}.pdf").data
    assert admin.get("/console/posters/nowhere.pdf").status_code == 404
    assert staff("dispatcher").client.get(f"/console/posters/{community}.pdf").status_code == 403
    phone.fault(path="qrcode/create", times=1, errcode=48001)
    refused = admin.get(f"/console/posters/{grids[0].code}.pdf", follow_redirects=True).text
    assert "海报没做成：公众号没有这个接口的权限（48001）" in refused
    out = tmp_path / "all.pdf"
    done = app.test_cli_runner().invoke(args=["wechat", "make-posters", "--below", community, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert out.read_bytes() == together.data
