from __future__ import annotations

import base64
import io
import re
import zlib
from typing import TYPE_CHECKING

from PIL import Image

from cases.numbers import number_of
from tests.integration.people import TOKEN_FIELD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.people import Resident, Staff

HOLE = "临江路128号门口井盖没了，我的电话13812345678"
STREAM = re.compile(rb"stream\r?\n(.+?)endstream", re.DOTALL)


def words_of(content: bytes) -> str:
    """Return the text that a PDF of ours draws: its font has two bytes a character."""
    drawn = b""
    for stream in STREAM.findall(content):
        try:
            drawn += zlib.decompress(base64.a85decode(stream.strip(), adobe=False) if b"~>" not in stream
                                     else base64.a85decode(b"<~" + stream.strip(), adobe=True))  # fmt: skip
        except (ValueError, zlib.error):
            continue
    shown = b"".join(re.findall(rb"\(((?:\\.|[^\\)])*)\) Tj", drawn, re.DOTALL))
    plain = re.sub(rb"\\(\d{3}|.)", lambda found: bytes([int(found[1], 8)]) if found[1].isdigit() else found[1], shown)
    return plain.decode("utf-16-be", errors="replace")


def test_the_file_of_a_case(staff: Callable[[str], Staff], resident: Resident) -> None:
    """The PDF has the words, the talk and the photos; the phone number in it is masked; taking it out is on record."""
    resident.say(HOLE)
    case = resident.case()
    urban = staff("urban")
    buffer = io.BytesIO()
    Image.new("RGB", (400, 300), "green").save(buffer, "PNG")
    token = TOKEN_FIELD.search(urban.client.get("/console/me").text)
    assert token
    form = {"csrf_token": token[1], "text": "已换上新井盖", "photos": (io.BytesIO(buffer.getvalue()), "x.png")}
    assert urban.client.post(f"/console/cases/{number_of(case.id)}/report_result", data=form).status_code == 302
    answer = urban.client.get(f"/console/cases/{number_of(case.id)}/file.pdf")
    assert answer.mimetype == "application/pdf"
    assert "no-store" in answer.headers["Cache-Control"]
    text = words_of(answer.data)
    for words in ("井盖没了", "已换上新井盖", "城市管理局", "导出", "138****5678"):
        assert words in text
    assert "13812345678" not in text
    assert answer.data.count(b"/Subtype /Image") == 1
    trail = staff("admin").client.get("/console/audit").text
    assert "PDF 卷宗" in trail


def test_two_cases_side_by_side(staff: Callable[[str], Staff], resident: Resident, neighbour: Resident) -> None:
    """Two cases stand beside each other with what they share, and one is joined to the other from there."""
    resident.say("临江路128号门口井盖没了")
    neighbour.say("新的：临江路128号楼下烧烤店半夜还在吵")
    one, two = resident.case(), neighbour.case()
    dispatcher = staff("dispatcher")
    address = f"/console/cases/{number_of(one.id)}/compare"
    assert "没有找到工单" in dispatcher.client.get(address, query_string={"other": "999"}).text
    page = dispatcher.client.get(address, query_string={"other": number_of(two.id)}).text
    for words in ("井盖没了", "烧烤店", "把这一件并到", "同一网格"):
        assert words in page
    assert staff("water").client.get(address).status_code == 404
