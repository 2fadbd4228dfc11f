"""Whatever is sent as a photo, a voice, a film or a table is refused quickly, or made into something harmless."""

from __future__ import annotations

import io
import socket
import struct
import threading
import time
import zipfile
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from bot.assembly import utc_now
from bot.media import BadMedia
from cases import sheets
from cases.ledger import REPORTER, Photo, attach, record
from cases.sheets import ExchangeError
from tests.integration.people import Resident, Staff, Visitor, link_in, picture
from tests.integration.test_media import VOICE, film

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask

    from bot.assembly import House

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"
SCRIPT = b"<html><script>alert(document.cookie)</script></html>"
QUICK_SECONDS = 20.0


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Use SQLite: files do not lie in the database."""
    return f"sqlite:///{tmp_path}/uploads.sqlite3"


def photo(form: str, **options: object) -> bytes:
    """Return a small photo."""
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(buffer, form, **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def wide_png(side: int) -> bytes:
    """Return a PNG of a few kilobytes that says it is so wide and so high."""
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def many_frames(count: int) -> bytes:
    """Return an animated GIF with so many frames."""
    frame = b"\x21\xf9\x04\x00\x01\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00"
    return b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff" + frame * count + b"\x3b"


def archive() -> bytes:
    """Return a ZIP with a page in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("index.html", SCRIPT)
    return buffer.getvalue()


POLYGLOTS = {
    "JPEG and page": photo("JPEG", comment=SCRIPT) + SCRIPT,
    "GIF and script": photo("GIF").replace(b"GIF87a", b"GIF89a") + b"/*" + SCRIPT + b"*/=1;",
    "PNG and page": photo("PNG") + SCRIPT,
    "GIF with ten thousand frames": many_frames(10_000),
}
BAD = {
    "a wide PNG": wide_png(50_000),
    "a PNG cut off": wide_png(5_000),
    "a drawing": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>',
    "a page": SCRIPT,
    "a PDF and ZIP": b"%PDF-1.4\n1 0 obj<</JS (app.alert(1))>>endobj\n" + archive(),
    "an archive": archive(),
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) print\n",
    "a program": b"\x7fELF" + bytes(500),
    "nothing": b"",
    "zeros": bytes(100_000),
}


@pytest.mark.parametrize("name", POLYGLOTS)
def test_a_photo_that_is_more_than_a_photo(house: House, name: str) -> None:
    """Of what is a photo and something else, only the photo is kept: drawn anew, nothing else of it."""
    begun = time.monotonic()
    stored = house.media.keep("photo", POLYGLOTS[name])
    kept = house.media.read(stored.file)
    assert stored.mime == "image/jpeg"
    assert kept.startswith(b"\xff\xd8\xff")
    assert kept.rstrip().endswith(b"\xff\xd9")
    assert b"<script" not in kept
    assert time.monotonic() - begun < QUICK_SECONDS


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_photo(house: House, name: str) -> None:
    """What is no photo, or one of monstrous size, is refused before it is unpacked, and nothing is kept."""
    begun = time.monotonic()
    for kind in ("photo", "voice", "video"):
        with pytest.raises(BadMedia):
            house.media.keep(kind, BAD[name])
    assert time.monotonic() - begun < QUICK_SECONDS
    assert not list(house.media.files(utc_now()))


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """Give a port that nobody should come to, and what came."""
    came: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                visitor, _ = server.accept()
            except OSError:
                return
            came.append(visitor.recv(200))
            visitor.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1], came
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def test_playlists_lead_nowhere(house: House, tmp_path: Path, listener: tuple[int, list[bytes]]) -> None:
    """A file that names other files and addresses is no voice and no film: none of them is opened."""
    port, came = listener
    secret = tmp_path / "secret.mp3"
    secret.write_bytes(b"ID3" + bytes(2000))
    for target in (f"http://127.0.0.1:{port}/inside.ts", secret.as_uri(), str(secret), f"tcp://127.0.0.1:{port}"):
        lists = (
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n",
            f"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nconcat:{target}\n#EXT-X-ENDLIST\n",
            f"ffconcat version 1.0\nfile '{target}'\nduration 1\n",
            f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{target}</BaseURL></MPD>',
            f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n",
        )
        for content in lists:
            for kind in ("voice", "video", "photo"):
                with pytest.raises(BadMedia):
                    house.media.keep(kind, content.encode())
    assert came == []


def test_sounds_and_films_that_do_not_end(house: House) -> None:
    """A voice that says it lasts for hours, or is broken in any place, and a film of monstrous frames end quickly."""
    begun = time.monotonic()
    endless = b"#!AMR\n" + VOICE[6:38] * 60_000
    with pytest.raises(BadMedia):
        house.media.keep("voice", endless)
    for at in range(0, len(VOICE), max(1, len(VOICE) // 12)):
        broken = VOICE[:at] + b"\xff" * 40 + VOICE[at + 40 :]
        try:
            assert house.media.keep("voice", broken).mime == "audio/mpeg"
        except BadMedia:
            continue
    content = bytearray(film())
    at = content.index(b"mp4v") + 28  # width and height in the sample's description
    content[at : at + 4] = b"\xff\xff\xff\xff"
    with suppress(BadMedia):
        assert house.media.keep("video", bytes(content)).mime == "video/mp4"
    assert time.monotonic() - begun < QUICK_SECONDS


def test_a_kept_file_cannot_run(app: Flask, house: House, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """A film that is a page too, as any file, goes out with a fixed type, unsniffed, in a sandbox, under our name."""
    resident.say(MANHOLE)
    case, now = resident.case(), utc_now()
    content = film() + SCRIPT
    for kind, body in (("video", content), ("photo", POLYGLOTS["JPEG and page"]), ("voice", VOICE)):
        stored = house.media.keep(kind, body)
        with house.store.write() as book:
            row = record(book, case, "media", REPORTER, now, public=True)
            file_id = attach(book, row, Photo(stored.file, stored.mime, kind=kind), now).id
        visitor = Visitor(app, link_in(resident.say("进度")))
        for answer in (
            staff("urban").client.get(f"/console/files/{file_id}"),
            visitor.open(f"/files/{file_id}"),
            visitor.client.get(f"/h5/files/{file_id}", headers={"Accept": "text/html", "Range": "bytes=0-9"}),
        ):
            assert answer.status_code in {200, 206}, kind
            assert answer.mimetype == {"video": "video/mp4", "photo": "image/jpeg", "voice": "audio/mpeg"}[kind]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "sandbox" in answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Content-Disposition"] == f"inline; filename={stored.file}"
            answer.close()


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd.jpg",
        "..\\..\\x.jpg",
        "a\0b.jpg",
        "好" * 300 + ".jpg",
        "x.php",
        ".",
        "a\x1b[31m.jpg",
    ],
)
def test_names_of_files(
    house: House, resident: Resident, staff: Callable[[str], Staff], tmp_path: Path, name: str
) -> None:
    """Whatever a file is called, it is kept under our own name, and its own is kept nowhere."""
    resident.say(MANHOLE)
    urban = staff("urban")
    urban.act(resident.case(), "accept")
    page = urban.act(resident.case(), "note", text="看过了", photos=(picture(), name))
    assert page.status_code == 200
    with house.store.read() as book:
        [part] = book.attachments(resident.case().id)
    assert part.file.removesuffix(".jpg").isalnum()
    assert len(part.file) < 40
    found = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert not {each for each in found if "passwd" in each or "php" in each or "\x1b" in each}


# -- tables ---------------------------------------------------------------------------------------------------------


SPREADSHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def workbook(rows: str, begins: str = "", more: dict[str, bytes] | None = None) -> bytes:
    """Return a workbook with these rows as they stand in its XML, which `begins` so."""
    plain, changed = io.BytesIO(sheets.to_xlsx("a", ["x"], [])), io.BytesIO()
    sheet = f'{begins}<worksheet xmlns="{SPREADSHEETS}"><sheetData>{rows}</sheetData></worksheet>'
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, sheet if name.endswith("sheet1.xml") else old.read(name))
        for name, content in (more or {}).items():
            new.writestr(name, content)
    return changed.getvalue()


def cell(at: str, text: str) -> str:
    """Return a cell."""
    return f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'


HEAD = f'<row r="1">{cell("A1", "text")}{cell("B1", "kind")}</row>'
ENTITY = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd"><!ENTITY b "xxxxxxxxxx">]>'
TABLES = {
    "a row at the very end.xlsx": workbook(f'{HEAD}<row r="1048576">{cell("A1048576", "x")}</row>'),
    "a row beyond.xlsx": workbook(f'{HEAD}<row r="999999999999">{cell("A999999999999", "x")}</row>'),
    "an outer entity.xlsx": workbook(f'{HEAD}<row r="2"><c r="A2" t="inlineStr"><is><t>&a;</t></is></c></row>', ENTITY),
    "entities in entities.xlsx": workbook(
        f'{HEAD}<row r="2"><c r="A2" t="inlineStr"><is><t>&c;</t></is></c></row>',
        '<!DOCTYPE x [<!ENTITY b "xxxxxxxxxx"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>',
    ),
    "a bomb.xlsx": workbook(HEAD, more={"xl/media/x.bin": bytes(250 * 1024 * 1024)}),
    "no workbook.xlsx": archive(),
    "a page.xlsx": SCRIPT,
    "too many rows.csv": b"text,kind\n" + b"a,b\n" * 300_000,
    "a field without end.csv": b'text,kind\n"' + b"a" * 300_000,
    "no text.csv": b"\xff\xfe\x00\xd8",
    "nested.jsonl": b"[" * 100_000,
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_that_are_bombs(tmp_path: Path, name: str) -> None:
    """A table that unpacks to more than anybody types, or names others, is refused with a word about it, quickly."""
    path = tmp_path / name
    path.write_bytes(TABLES[name])
    begun = time.monotonic()
    with pytest.raises(ExchangeError) as refusal:
        sheets.read(path)
    assert time.monotonic() - begun < QUICK_SECONDS
    assert "root:" not in str(refusal.value)


def test_wide_tables_are_read_as_far_as_anybody_types(tmp_path: Path) -> None:
    """A cell in the last of sixteen thousand columns costs nothing, and rows are as long as what stands in them."""
    rows = "".join(f'<row r="{at}">{cell(f"A{at}", "路灯坏了")}{cell(f"XFD{at}", "x")}</row>' for at in range(2, 3000))
    (tmp_path / "wide.xlsx").write_bytes(workbook(HEAD + rows))
    begun = time.monotonic()
    found = sheets.read(tmp_path / "wide.xlsx")
    assert (len(found.lines), found.columns) == (2998, ("text", "kind"))
    assert time.monotonic() - begun < QUICK_SECONDS
    (tmp_path / "wide.csv").write_bytes(b"text,kind" + b",x" * 100_000 + b"\n" + b"a,b" + b",x" * 100_000 + b"\n")
    assert sheets.read(tmp_path / "wide.csv").lines[0].row["text"] == "a"


def test_uploaded_tables_that_are_bombs(staff: Callable[[str], Staff]) -> None:
    """In the console a bomb is refused on the page, and the page goes on working."""
    admin = staff("admin")
    page = admin.client.get("/console/registry/")
    for name in ("a row at the very end.xlsx", "an outer entity.xlsx", "no text.csv"):
        answer = admin.post("/console/registry/places/import", page.text, file=(io.BytesIO(TABLES[name]), name))
        assert answer.status_code in {200, 400, 422}, name
        assert any(word in answer.text for word in ("Excel", "行数", "UTF-8")), name
        assert "root:" not in answer.text


def test_packed_bodies_are_not_unpacked(app: Flask, staff: Callable[[str], Staff]) -> None:
    """What says that it is packed is not unpacked: it counts as the few bytes that it is."""
    packed = zlib.compress(b"a" * 50_000_000)
    client = staff("urban").client
    for address in ("/wechat", "/console/login", "/api/v1/cases", "/h5/type"):
        answer = client.post(
            address, data=packed, headers={"Content-Encoding": "gzip"}, content_type="application/json"
        )
        assert answer.status_code in {400, 401, 403}, address
    big = b"x" * (app.config["MAX_CONTENT_LENGTH"] + 1)
    assert client.post("/console/report", data={"photos": (io.BytesIO(big), "x.jpg")}).status_code in {400, 413}
