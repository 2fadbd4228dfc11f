"""Nothing that strangers write runs elsewhere, in spreadsheets, logs or addresses; and we call whom we mean to."""

from __future__ import annotations

import csv
import io
import json
import logging
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from bot import logs
from bot.errcodes import WeChatError
from bot.wechat import MEDIA_LIMIT, WeChat, read_whole, session_for
from bot.wecom import WeComError
from cases import registry
from cases.sheets import harmless, unharmed
from cases.storage.tables import PlaceRow
from tests.integration.people import message_xml, signed
from web.console.login import inside as inside_console
from web.residents.frame import inside as inside_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask

    from bot.assembly import House
    from tests.integration.people import Resident, Staff

SIGNS = "=+-@＝＋－＠\t\r\n"
FORMULAS = (
    "=1+1",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "＝1+1",
    " =1+1",
    "\t=1",
    "'=1+1",
    "=cmd|' /C calc'!A0",
    "\r\n=HYPERLINK(1)",
)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Use SQLite: what goes out is the same."""
    return f"sqlite:///{tmp_path}/outgoing.sqlite3"


# -- spreadsheets ---------------------------------------------------------------------------------------------------


@given(st.one_of(st.text(max_size=12), st.text(alphabet="'= +-@＝\t\n1a", max_size=8)))
def test_what_was_made_harmless_comes_back(text: str) -> None:
    """No cell begins a formula, however it is padded or quoted, and reading it again gives its very text."""
    cell = harmless(text)
    assert isinstance(cell, str)
    assert not cell.lstrip(" ").startswith(tuple(SIGNS))
    assert unharmed(cell) == text


def cells(content: bytes, name: str) -> list[object]:
    """Return all cells of a spreadsheet in either format."""
    if name.endswith("xlsx"):
        sheet = load_workbook(io.BytesIO(content)).worksheets[0]
        every = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
        return [f"={cell.value}" if cell.data_type == "f" else cell.value for cell in every]
    return [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in row]


def test_no_export_holds_a_formula(
    app: Flask, house: House, resident: Resident, staff: Callable[[str], Staff], tmp_path: Path
) -> None:
    """Whatever residents and staff write: every file that the routes and the command line give out holds no formula."""
    for formula in FORMULAS:
        resident.say(f"{formula}翠湖小区3栋楼下井盖坏了")
    with house.store.write() as book:
        grid = next(unit for unit in book.units() if unit.kind == "grid")
        for number, formula in enumerate(FORMULAS):
            book.add(
                PlaceRow(
                    name=f"{formula}{number}", grid_id=grid.id, kind="", aliases=[], numbers="", lon=117.0, lat=36.6
                )
            )
    admin, dispatcher = staff("admin"), staff("dispatcher")
    admin.client.post("/console/login", data={"login": "=1+1", "password": "x"})
    exports = [rule for rule in app.url_map.iter_rules() if "export" in rule.endpoint]
    known = {"console.export_list", "console.registry_export", "console.export_audit", "residents.export"}
    assert {rule.endpoint for rule in exports} <= known
    found: dict[str, list[object]] = {}
    for code in registry.TABLES:
        for form in ("csv", "xlsx"):
            answer = admin.client.get(f"/console/registry/{code}/export.{form}")
            if answer.status_code == 200:
                found[f"{code}.{form}"] = cells(answer.data, form)
                assert answer.headers["Cache-Control"] == "no-store"
                assert answer.headers["Content-Disposition"].startswith("attachment")
    found["audit.csv"] = cells(admin.client.get("/console/audit/export").data, "csv")
    with house.store.read() as book:
        city, me = house.cities.current(book), dispatcher
    assert city.units
    for key in ("all", "open", "queue", "waiting"):
        answer = me.client.get(f"/console/export/{key}.xlsx")
        if answer.status_code == 200:
            found[f"{key}.xlsx"] = cells(answer.data, "xlsx")
    for form in ("csv", "xlsx"):
        path = tmp_path / f"all.{form}"
        result = app.test_cli_runner().invoke(args=["cases", "export", "--format", form, "--out", str(path)])
        assert result.exit_code == 0, result.output
        found[f"cli.{form}"] = cells(path.read_bytes(), form)
    assert len(found) > 10
    for name, all_cells in found.items():
        wrong = [cell for cell in all_cells if isinstance(cell, str) and cell.lstrip(" ").startswith(tuple(SIGNS))]
        assert not wrong, (name, wrong[:3])
    assert any("cmd|" in str(cell) for cell in found["cli.csv"])


# -- logs -----------------------------------------------------------------------------------------------------------

INJECTIONS = (
    'x\n{"level": "ERROR", "message": "forged"}',
    "x\r\nforged",
    "\x1b[31mred\x1b[0m",
    '"}{"a": "',
    "\u2028\x85\x7f",
    "\ud800",
    "%s%n{0}",
)


@pytest.mark.parametrize("words", INJECTIONS)
def test_one_event_is_one_line(words: str) -> None:
    """Whatever is logged is one line of JSON with nothing in it that a terminal obeys."""
    with logs.about(kind=words, row=words, case=words):
        line = logs.JsonLines().format(logging.LogRecord("a", logging.INFO, "x", 1, "it was %s", (words,), None))
    assert len(line.splitlines()) == 1
    assert not any(ord(each) < ord(" ") or each in "\x7f\x85\u2028\u2029" for each in line)
    assert json.loads(line)["message"].startswith("it was")


def test_requests_forge_no_lines(app: Flask, house: House, capfd: pytest.CaptureFixture[str]) -> None:
    """Ids, addresses, signatures and logins with line ends in them make no line of their own, and no header."""
    logs.configure("INFO")
    client, token = app.test_client(), house.settings.wechat_token
    for words in INJECTIONS[:5]:
        answer = client.post("/wechat", query_string={"timestamp": words, "signature": words, "nonce": words})
        assert "forged" not in str(answer.headers)
        client.post("/wechat", query_string=signed(token), data=f"<xml><a>{words}</xml>".encode())
        client.post("/wechat", query_string=signed(token), data=message_xml("oLog", words, Content=words).encode())
        client.get(f"/console/cases/{'x' + words.replace(chr(0x2028), '')}".replace("\n", "%0a").replace("\r", "%0d"))
        client.get(
            "/console/login", query_string={"next": words}, headers={"User-Agent": "a\tb", "X-Request-ID": "a b"}
        )
    said = capfd.readouterr().err
    assert said
    for line in said.split("\n"):
        assert not line or isinstance(json.loads(line), dict)
    assert '"message": "forged"' not in said.replace('\\"', "")


# -- addresses ------------------------------------------------------------------------------------------------------

OUTSIDE = [
    *("//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example"),
    *("https://evil.example", "/console/\\evil.example", "/console/..//evil.example", "/console/%2e%2e//evil.example"),
    *("/console/\t//evil.example", "/console/../../evil", "javascript:alert(1)", "data:text/html,x"),
    *("/console@evil.example", "/consoleevil", " /console/", "/console/\r\nX: y", "http:/console/"),
    *("/%2f/evil.example", "//console/", "/h5/../console", "/h5/\\evil", "/h5/\n//evil"),
]


def test_no_way_leads_outside(app: Flask, staff: Callable[[str], Staff]) -> None:
    """Wherever an address says what comes next, it leads to a page of ours or not at all."""
    urban = staff("urban")
    token = csrf(urban.client.get("/console/login").text)
    for number, address in enumerate(OUTSIDE):
        assert inside_console(address) == "", address
        with app.test_request_context("/h5/"):
            found = inside_pages(address)
        assert found == "/h5/" or found.startswith("/h5/.."), address
        paths = ["/console/me", "/console/bulk", "/console/bulk/1/undo"] + ["/console/login"] * (number % 6 == 0)
        for path in paths:
            form = {"csrf_token": token, "login": "urban", "password": "wanggetong", "back": address, "next": address}
            answer = urban.client.post(path, query_string={"next": address, "back": address}, data=form)
            where = answer.headers.get("Location", "/console/")
            assert where.startswith("/console/"), (path, where)
            assert "evil" not in where.partition("?")[0], (path, where)
            token = csrf(urban.client.get("/console/login").text)


def csrf(page: str) -> str:
    """Return the token on a page."""
    return page.split('name="csrf_token" value="')[1].split('"', maxsplit=1)[0]


# -- whom we call ---------------------------------------------------------------------------------------------------


class Astray(BaseHTTPRequestHandler):
    """Answers with what a test has put there: a redirect, or a body that never ends."""

    status: ClassVar[int] = 302
    where: ClassVar[str] = ""
    endless: ClassVar[bool] = False
    asked: ClassVar[list[str]] = []
    enough: ClassVar[threading.Event] = threading.Event()

    def do_GET(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append(self.path.partition("?")[0])
        if "stable_token" in self.path or "gettoken" in self.path:
            return self._say(200, b'{"access_token": "t", "expires_in": 7200, "errcode": 0}', "application/json")
        if self.endless:
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.end_headers()
            try:
                while not self.enough.is_set():
                    self.wfile.write(bytes(1024 * 1024))
            except OSError:
                self.enough.set()
            return None
        return self._say(self.status, b"inside", "image/jpeg")

    def do_POST(self) -> None:
        """Answer."""
        self.do_GET()

    def _say(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Location", self.where)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running() -> Iterator[tuple[str, type[Astray]]]:
    """Run a server that leads astray."""

    class Own(Astray):
        asked: ClassVar[list[str]] = []
        enough: ClassVar[threading.Event] = threading.Event()

    kind = Own
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", kind
    kind.enough.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(house: House, status: int) -> None:
    """Whoever answers for WeChat, WeCom or the alarms with another address leads us to nothing, least of all inside."""
    with running() as (inner, theirs), running() as (outer, leads):
        leads.where, leads.status = f"{inner}/latest/meta-data", status
        house.redis.flushdb()
        wechat = WeChat(replace(house.settings, wechat_api_base=outer), house.redis)
        for call in (lambda: wechat.media("m"), lambda: wechat.send_text("o", "x"), lambda: wechat.openid_of("c")):
            with pytest.raises(WeChatError):
                call()
        with session_for(outer) as session:
            answer = session.post(f"{outer}/alarm", json={}, timeout=5)
        assert answer.status_code == status
        assert leads.asked
        assert theirs.asked == []
    assert issubclass(WeComError, Exception)


def test_files_without_end_are_not_read_to_the_end(house: House) -> None:
    """Of a file that never ends no more is read than a file may have, and one that drips is left after a while."""
    with running() as (outer, leads):
        leads.endless = True
        house.redis.flushdb()
        wechat = WeChat(replace(house.settings, wechat_api_base=outer), house.redis)
        with pytest.raises(WeChatError, match="文件太大"):
            wechat.media("m")
    with running() as (outer, leads):
        leads.endless = True
        with session_for(outer) as session, session.get(f"{outer}/x", stream=True, timeout=5) as answer:
            with pytest.raises(TimeoutError):
                read_whole(answer, MEDIA_LIMIT, seconds=0.0)
            answer.raw.close()


def test_addresses_in_messages_are_not_fetched(house: House, resident: Resident) -> None:
    """The addresses that a message names (a picture's, a link's) are stored as words, and nobody opens them."""
    with running() as (inner, theirs):
        resident.send("image", MediaId="m1", PicUrl=f"{inner}/picture")
        resident.send("link", Title="x", Description="y", Url=f"{inner}/link")
        resident.say(f"{inner}/text 翠湖小区3栋楼下井盖坏了")
        with house.store.read() as book:
            parts = [part.id for case in resident.cases() for part in book.attachments(case.id)]
        for part in parts:
            house.courier.fetch(part)
        assert theirs.asked == []
    assert parts
