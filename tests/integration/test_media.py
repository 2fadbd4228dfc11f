"""Photos, voices and videos of a case: who gets them, in which parts, and with which words."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from bot.assembly import utc_now
from bot.speech import Heard, heard
from cases.deeds import NoSuchCase
from cases.erasure import erase_resident
from cases.ledger import REPORTER, SYSTEM, Photo, attach, record
from cases.own import own_file
from cases.storage.tables import AttachmentRow, CaseRow, ResidentRow
from tests.integration.people import Resident, Staff, picture
from tests.integration.test_patrol import found, report

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.assembly import House

VOICE = (Path(__file__).resolve().parents[1] / "data" / "speech" / "manhole.amr").read_bytes()
WORDS = "翠湖小区3栋楼下的井盖坏了"
TIMING: list[list[float | str]] = [[0.0, 1.2, "翠湖小区3栋"], [1.2, 2.6, "楼下的井盖坏了"]]


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Look at files with SQLite: they do not lie in the database."""
    return f"sqlite:///{tmp_path}/media.sqlite3"


def film() -> bytes:
    """Return a second of a grey film."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as target:
        stream = target.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, dtype=np.uint8), format="rgb24")
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return buffer.getvalue()


def put(house: House, case: CaseRow, kind: str, content: bytes, **more: object) -> int:
    """Put a file of the resident's into a case, as if it had been fetched; return its id."""
    stored, now = house.media.keep(kind, content), utc_now()
    with house.store.write() as book:
        row = record(book, case, "media", REPORTER, now, public=True)
        part = AttachmentRow(
            case_id=case.id, history_id=row.id, kind=kind, state="stored", file=stored.file, mime=stored.mime,
            seconds=stored.seconds, next_try_at=now, created_at=now, **more,
        )  # fmt: skip
        return book.add(part).id


@pytest.mark.parametrize("kind", ["voice", "video"])
def test_a_part_of_a_file_is_sent(house: House, manhole: CaseRow, staff: Callable[[str], Staff], kind: str) -> None:
    """A player gets the part that it asks for, the end too, and is told where the file ends; no proxy keeps it."""
    file = put(house, manhole, kind, VOICE if kind == "voice" else film())
    client = staff("urban").client
    whole = client.get(f"/console/files/{file}")
    assert (whole.status_code, whole.headers["Accept-Ranges"]) == (200, "bytes")
    size = len(whole.data)
    part = client.get(f"/console/files/{file}", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.headers["Content-Range"]) == (206, f"bytes 100-199/{size}")
    assert part.data == whole.data[100:200]
    rest = client.get(f"/console/files/{file}", headers={"Range": f"bytes={size - 50}-"})
    assert (rest.status_code, rest.data) == (206, whole.data[-50:])
    beyond = client.get(f"/console/files/{file}", headers={"Range": f"bytes={size}-"})
    assert beyond.status_code == 416
    assert part.headers["Cache-Control"].startswith("private")


def test_parts_are_for_those_who_may_have_the_whole(
    house: House, manhole: CaseRow, staff: Callable[[str], Staff]
) -> None:
    """Rights are asked for each part: not there for strangers, login for nobody, an anonymous voice for dispatchers."""
    file, wanted = put(house, manhole, "voice", VOICE), {"Range": "bytes=0-9"}
    address = f"/console/files/{file}"
    assert staff("water").client.get(address, headers=wanted).status_code == 404
    nobody = staff("urban").client.application.test_client()
    assert "/console/login" in nobody.get(address, headers=wanted).headers["Location"]
    with house.store.write() as book:
        case = book.lock_case(manhole.id)
        assert case is not None
        case.anonymous = True
    assert staff("urban").client.get(address, headers=wanted).status_code == 403
    assert staff("dispatcher").client.get(address, headers=wanted).status_code == 206


def test_words_are_in_step_with_the_voice(house: House, manhole: CaseRow, staff: Callable[[str], Staff]) -> None:
    """What is said when stands with the words; a person's correction keeps it only where it changes nothing."""
    file = put(house, manhole, "voice", VOICE, transcript=WORDS, transcript_by="engine", timing=TIMING)
    urban = staff("urban")
    said = re.findall(r'data-from="([\d.]+)" data-to="([\d.]+)">([^<]+)<', urban.open(manhole).text)
    assert said == [("0.0", "1.2", "翠湖小区3栋"), ("1.2", "2.6", "楼下的井盖坏了")]
    urban.post(f"/console/files/{file}/transcript", urban.open(manhole).text, words=WORDS)
    assert timing_of(house, file) == TIMING
    urban.post(f"/console/files/{file}/transcript", urban.open(manhole).text, words="翠湖小区5栋楼下的井盖坏了")
    assert timing_of(house, file) is None
    assert 'class="said"' not in urban.open(manhole).text


def test_a_number_is_not_read_off_the_parts(house: House, manhole: CaseRow, staff: Callable[[str], Staff]) -> None:
    """A phone number that lies across two parts of a voice stays hidden."""
    parts: list[list[float | str]] = [[0.0, 1.0, "我的电话是1380"], [1.0, 2.0, "0013800请打"]]
    words = "我的电话是13800013800请打"
    put(house, manhole, "voice", VOICE, transcript=words, transcript_by="engine", timing=parts)
    page = staff("urban").open(manhole).text
    assert "请打" in page
    assert "0013800" not in page


def timing_of(house: House, file: int) -> list[object] | None:
    """Return what is kept of when the words of a voice are said."""
    with house.store.read() as book:
        part = book.get(AttachmentRow, file)
        assert part is not None
        return part.timing


def test_an_engine_s_parts() -> None:
    """What an engine hears part by part makes the words; empty parts and half characters at the edges go."""
    found = heard([(0.04, 1.26, " 井盖"), (1.26, 2.0, "\ufffd"), (2.0, 3.0, "坏了 ")])
    assert found.words == "井盖\ufffd坏了"
    assert found.timing == ((0.0, 1.3, "井盖"), (2.0, 3.0, "坏了"))
    assert heard([]).timing == ()


def test_before_and_after_are_laid_over_each_other(
    house: House, manhole: CaseRow, staff: Callable[[str], Staff]
) -> None:
    """A result with a photo of before and one of after shows both in one, further photos below."""
    with house.store.write() as book:
        row = record(book, manhole, "note", SYSTEM, utc_now())
        for phase in ("before", "after", "after"):
            stored = house.media.keep("photo", picture().getvalue())
            attach(book, row, Photo(stored.file, stored.mime, phase), utc_now())
    page = staff("urban").open(manhole).text
    assert page.count("data-compare") == 1
    assert page.count("compare-before") == page.count("compare-after") == 1
    assert page.count('class="photo"') == 1


def test_a_photo_from_the_report_is_before(staff: Callable[[str], Staff]) -> None:
    """What an officer found and settled on the spot is shown as it was and as it is, though told in two lines."""
    officer = staff("cuihu01")
    form = {"text": "单元门口倒了几辆共享单车", "done": "1", "done_text": "扶起来摆齐了"}
    photos = {"photos": (picture(), "a.jpg"), "after": (picture(), "b.jpg")}
    page = officer.post("/console/report", officer.client.get("/console/report").text, **form, **photos).text
    assert page.count("data-compare") == 1
    assert page.count("compare-before") == page.count("compare-after") == 1


def test_a_forgotten_resident_leaves_no_voice(house: House, resident: Resident, manhole: CaseRow) -> None:
    """With the resident their voices go, and the words in step with them."""
    resident.send("voice", MediaId="v")
    with house.store.write() as book:
        [part] = book.attachments(manhole.id)
        part.timing, part.transcript = TIMING, WORDS
    with house.store.write() as book:
        erase_resident(book, resident.openid, utc_now())
        assert book.attachments(manhole.id) == []


def spoken(form: str, codec: str, seconds: float = 2.0) -> io.BytesIO:
    """Return a voice as a browser records it."""
    buffer, rate = io.BytesIO(), 48000
    with av.open(buffer, "w", format=form) as target:
        stream = target.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        wave = (np.sin(np.arange(int(seconds * rate)) / 20) * 8000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=rate, frame_size=960)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            target.mux(stream.encode(part))
        target.mux(stream.encode(None))
    buffer.seek(0)
    return buffer


@pytest.mark.parametrize(("form", "codec"), [("webm", "libopus"), ("mp4", "aac")])
def test_a_note_is_spoken(house: House, manhole: CaseRow, staff: Callable[[str], Staff], form: str, codec: str) -> None:
    """What an officer says into the phone is an internal note that staff hear, and residents never."""
    page = staff("urban").act(manhole, "note", text="", voice=(spoken(form, codec), f"voice.{form}")).text
    assert "备注记下了" in page
    with house.store.read() as book:
        [voice] = book.attachments(manhole.id)
    assert (voice.kind, voice.mime, voice.state, voice.reading) == ("voice", "audio/mpeg", "stored", "")
    assert voice.seconds == pytest.approx(2.0, abs=0.2)
    assert f"/console/files/{voice.id}" in page
    with house.store.read() as book:
        resident = book.get(ResidentRow, manhole.resident_id or 0)
        assert resident is not None
        with pytest.raises(NoSuchCase):
            own_file(book, resident, voice.id)


def test_a_spoken_note_is_no_part_of_the_report(
    house: House, manhole: CaseRow, staff: Callable[[str], Staff], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words, found by the engine or written down, tell the resident nothing and change nothing in the case."""
    monkeypatch.setattr(house.reader, "_speech", Engine())
    urban = staff("urban")
    urban.act(manhole, "note", text="", voice=(spoken("webm", "libopus"), "voice.webm"))
    with house.store.read() as book:
        owed = len(book.owed(manhole.id))
        [voice] = book.attachments(manhole.id)
    assert voice.reading == "waiting"
    house.reader.read(voice.id)
    assert "路灯也不亮" in urban.open(manhole).text
    urban.post(f"/console/files/{voice.id}/transcript", urban.open(manhole).text, words="路灯也不亮，明天再来")
    with house.store.read() as book:
        [voice] = book.attachments(manhole.id)
        case = book.get(CaseRow, manhole.id)
        assert case is not None
        assert (voice.transcript, voice.transcript_by) == ("路灯也不亮，明天再来", "staff")
        assert (case.text, case.category_code) == (manhole.text, manhole.category_code)
        assert len(book.owed(manhole.id)) == owed


class Engine:
    """An engine that always hears the same."""

    def transcribe(self, path: Path, hint: str = "") -> Heard:
        """Return the words."""
        assert path.exists()
        assert hint
        return heard([(0.0, 2.0, "路灯也不亮")])


def test_a_spoken_note_that_is_too_long(house: House, manhole: CaseRow, staff: Callable[[str], Staff]) -> None:
    """More than a minute, and what is no sound, is refused in words; nothing of it stays."""
    urban = staff("urban")
    page = urban.act(manhole, "note", text="x", voice=(spoken("webm", "libopus", 70), "voice.webm")).text
    assert "最长 60 秒" in page
    assert "不是能听的语音" in urban.act(manhole, "note", text="x", voice=(io.BytesIO(b"<svg>"), "v.webm")).text
    with house.store.read() as book:
        assert book.attachments(manhole.id) == []
    assert not list(house.media.path("00").parents[1].rglob("*.mp3"))


def test_a_report_with_a_spoken_note(house: House, staff: Callable[[str], Staff]) -> None:
    """A patrol report may carry a spoken note beside its words."""
    voice = (spoken("webm", "libopus"), "voice.webm")
    assert "已上报" in report(staff("cuihu01"), text="绿化带旁边的井盖没了，只剩一个洞", voice=voice)
    with house.store.read() as book:
        [part] = book.attachments(found(house).id)
    assert (part.kind, part.state) == ("voice", "stored")
