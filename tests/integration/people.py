"""Residents at `/wechat` and on their pages, staff in the console: all through the application's own routes."""

from __future__ import annotations

import io
import itertools
import random
import re
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from defusedxml.ElementTree import fromstring
from PIL import Image

from bot.protocol import signature
from bot.sandbox.residents import ACCOUNT
from cases.numbers import case_id_of, number_of
from web import house_of

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from cases.storage.tables import CaseRow

LINK = re.compile(r'<a href="(http[^"]+)">')
# What a camera writes into a photo: how it lay, who made it.
ORIENTATION, MAKER = 0x0112, 0x010F
NUMBER = re.compile(r"工单号? ?(\d{3} \d{3,})")
TOKEN_FIELD = re.compile(r'name="csrf[_-]token" (?:value|content)="([^"]+)"')
_ids = itertools.count(int(time.time()) * 1000)


def message_xml(openid: str, kind: str, message_id: str = "", **fields: str) -> str:
    """Return a message or event as WeChat writes it."""
    head = {"ToUserName": ACCOUNT, "FromUserName": openid, "CreateTime": str(int(time.time())), "MsgType": kind}
    if kind != "event":
        head["MsgId"] = message_id or str(next(_ids))
    body = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in (head | fields).items())
    return f"<xml>{body}</xml>"


def signed(token: str) -> dict[str, str]:
    """Return the query of a callback, signed now."""
    timestamp, nonce = str(int(time.time())), secrets.token_hex(8)
    return {"timestamp": timestamp, "nonce": nonce, "signature": signature(token, timestamp, nonce)}


def mixed_burst(openid: str, number: int) -> list[str]:
    """Return twenty mixed messages about one matter, in any order."""
    texts = ["翠湖小区3栋楼下井盖坏了", "就在单元门口左边", "老人差点摔倒", "昨天下雨冲的", "麻烦快点看看"]
    burst = [message_xml(openid, "text", Content=text) for text in texts]
    burst += [message_xml(openid, "image", MediaId=f"p{number}-{at}", PicUrl="http://x") for at in range(9)]
    burst += [message_xml(openid, "voice", MediaId=f"v{number}-{at}", Format="amr") for at in range(3)]
    burst += [message_xml(openid, "video", MediaId=f"c{number}-{at}", ThumbMediaId="t") for at in range(2)]
    burst.append(message_xml(openid, "location", Location_X="36.6587", Location_Y="117.0095", Label="翠湖小区"))
    random.Random(number).shuffle(burst)  # noqa: S311 - a repeatable order
    return burst


class Resident:
    """Somebody who writes to the official account and reads its passive replies."""

    def __init__(self, app: Flask, openid: str) -> None:
        self.app = app
        self.client = app.test_client()
        self.openid = openid
        self._token = house_of(app).settings.wechat_token

    def deliver(self, xml: str) -> TestResponse:
        """Post one body as WeChat does, and return the answer."""
        client = self.app.test_client()
        return client.post("/wechat", query_string=signed(self._token), data=xml.encode(), content_type="text/xml")

    def send(self, kind: str, **fields: str) -> str:
        """Send one message or event and return the reply's text; empty for silence."""
        answer = self.deliver(message_xml(self.openid, kind, **fields))
        assert answer.status_code == 200, answer.text
        if answer.text == "success":
            return ""
        reply = fromstring(answer.text)
        assert reply.findtext("ToUserName") == self.openid
        return reply.findtext("Content") or ""

    def say(self, text: str) -> str:
        """Send a text."""
        return self.send("text", Content=text)

    def cases(self) -> list[CaseRow]:
        """Return this resident's cases, the oldest first."""
        with house_of(self.app).store.read() as book:
            residents = book.resident(self.openid)
            return sorted((case for each in residents for case in book.all_cases_of(each.id)), key=lambda case: case.id)

    def case(self) -> CaseRow:
        """Return this resident's only case."""
        [case] = self.cases()
        return case


def number_in(reply: str) -> str:
    """Return the case number that a reply names."""
    found = NUMBER.search(reply)
    assert found, reply
    assert case_id_of(found[1])
    return found[1].replace(" ", "")


def link_in(reply: str) -> str:
    """Return the path of the page that a reply offers."""
    found = LINK.search(reply)
    assert found, reply
    return urlsplit(found[1]).path


def picture(form: str = "JPEG") -> io.BytesIO:
    """Return a photo that lies on its side and names its maker."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = 6, "A phone"
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(buffer, form, exif=exif)
    buffer.seek(0)
    return buffer


class Visitor:
    """A browser on residents' pages; with a link, it is opened first."""

    def __init__(self, app: Flask, link: str = "") -> None:
        self.client = app.test_client()
        self.answer = self.client.get(link) if link else None

    def open(self, path: str = "/") -> TestResponse:
        """Open a page below `/h5`."""
        return self.client.get(f"/h5{path}")

    def post(self, path: str, **form: object) -> TestResponse:
        """Post a form with the token of these pages, and return the answer as it is."""
        token = TOKEN_FIELD.search(self.open().text)
        assert token
        return self.client.post(f"/h5{path}", data={"csrf_token": token[1], **form})

    def act(self, case: CaseRow, action: str, **form: object) -> TestResponse:
        """Do something with a case, and return the page that follows."""
        answer = self.post(f"/cases/{number_of(case.id)}/{action}", **form)
        return self.client.get(answer.headers["Location"]) if answer.status_code == 302 else answer


class Staff:
    """Somebody who is logged in to the console."""

    def __init__(self, app: Flask, login: str, password: str = "wanggetong") -> None:
        self.client = app.test_client()
        page = self.client.get("/console/login")
        self.answer = self.post("/console/login", page.text, login=login, password=password)

    def post(self, address: str, page: str, **form: object) -> TestResponse:
        """Post a form with the token of the page that it stands on."""
        token = TOKEN_FIELD.search(page)
        assert token, page[:400]
        return self.client.post(address, data={"csrf_token": token[1], **form}, follow_redirects=True)

    def open(self, case: CaseRow) -> TestResponse:
        """Open a case's page."""
        return self.client.get(f"/console/cases/{number_of(case.id)}")

    def act(self, case: CaseRow, action: str, **form: object) -> TestResponse:
        """Do an action from a page that this person may see, and return the page that follows."""
        page = self.client.get("/console/", follow_redirects=True)
        return self.post(f"/console/cases/{number_of(case.id)}/{action}", page.text, **form)
