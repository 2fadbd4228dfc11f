"""Photos and voices as one works with them: the viewer, before and after, words in step with the voice."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import expect

from bot.assembly import utc_now
from bot.media import MediaStore
from cases.numbers import case_id_of
from cases.storage import Store, build_engine
from cases.storage.tables import AttachmentRow
from tests.e2e.screens import DESK, PHONE, Officer, assert_seen
from tests.services import SWITCHES, VAULT, chromium, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.services import Service

VOICE = (Path(__file__).resolve().parents[1] / "data" / "speech" / "manhole.amr").read_bytes()
MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
TIMING: list[list[float | str]] = [[0.0, 0.8, "翠湖小区"], [0.8, 30.0, "井盖坏了"]]


@pytest.fixture(scope="module")
def number(service: Service, browser: Browser) -> str:
    """Give a case of the urban department, found on patrol, for all that is done here."""
    officer = Officer(browser, service, "cuihu01", PHONE)
    officer.open("/console/report")
    officer.page.fill("#report-text", "绿化带旁边的井盖没了，只剩一个洞")
    officer.submit(officer.page.locator("#report"))
    found = officer.page.locator("#case").get_attribute("data-number")
    officer.close()
    assert found
    return found


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Give two photos."""
    files = []
    for name, colour in (("one", "#356"), ("two", "#a64")):
        buffer = BytesIO()
        Image.new("RGB", (900, 600), colour).save(buffer, "JPEG")
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(buffer.getvalue())
        files.append(path)
    return files


def hear(service: Service, number: str) -> None:
    """Put a voice with timed words into a case, as the engine leaves it."""
    stored, now = MediaStore(f"file://{service.data_dir}/media").keep("voice", VOICE), utc_now()
    engine = build_engine(f"sqlite:///{service.data_dir}/wanggetong.sqlite3", VAULT)
    with Store(engine).write() as book:
        case_id = case_id_of(number) or 0
        voice = AttachmentRow(
            case_id=case_id, history_id=book.history(case_id)[0].id, kind="voice", state="stored", file=stored.file,
            mime=stored.mime, seconds=stored.seconds, transcript="翠湖小区井盖坏了", transcript_by="engine",
            reading="done", timing=TIMING, next_try_at=now, created_at=now,
        )  # fmt: skip
        book.add(voice)
    engine.dispose()


def transform(page: Page) -> str:
    """Return how the photo in the viewer is turned and sized."""
    return str(page.locator(".viewer-canvas img").evaluate("image => image.style.cssText"))


def test_a_photo_in_the_viewer(service: Service, browser: Browser, number: str, photos: list[Path]) -> None:
    """A photo opens over the page; keys and buttons with Chinese names enlarge, turn, change it; Escape leads back."""
    urban = Officer(browser, service, "urban", DESK)
    urban.find(number)
    form = urban.form("note")
    form.locator("#f-note-text").fill("现场两张")
    form.locator("input[name=photos]").set_input_files(photos)
    urban.submit(form)
    page, links = urban.page, urban.page.locator("#thread a[data-media=photo]")
    expect(links).to_have_count(2)
    links.first.focus()
    page.keyboard.press("Enter")
    viewer = page.locator(".viewer-container.viewer-in")
    expect(viewer).to_have_attribute("role", "dialog")
    expect(viewer.locator(".viewer-title")).to_contain_text("1 / 2")
    assert_seen(page.locator(".viewer-canvas img"))
    for name in ("放大", "缩小", "向右转", "向左转", "上一张", "下一张", "还原", "关闭"):
        expect(viewer.get_by_role("button", name=name, exact=True)).to_have_count(1)
    before = transform(page)
    page.keyboard.press("+")
    wait_until(lambda: transform(page) != before, what="a larger photo")
    page.keyboard.press("r")
    wait_until(lambda: "rotate(90deg)" in transform(page), what="a turned photo")
    viewer.get_by_role("button", name="向左转", exact=True).click()
    wait_until(lambda: "rotate(90deg)" not in transform(page), what="a photo turned back")
    page.keyboard.press("ArrowRight")
    expect(viewer.locator(".viewer-title")).to_contain_text("2 / 2")
    page.keyboard.press("Escape")
    expect(page.locator(".viewer-container")).to_have_count(0)
    expect(links.first).to_be_focused()
    urban.stands(number)
    urban.close()


def test_before_and_after_with_the_keyboard(
    service: Service, browser: Browser, number: str, photos: list[Path]
) -> None:
    """Before and after lie over each other; the line between them moves by the arrow keys."""
    urban = Officer(browser, service, "urban", PHONE)
    urban.find(number)
    urban.accept()
    form = urban.form("report_result")
    form.locator("#f-report_result-text").fill("换了新井盖")
    form.locator("input[name=before]").set_input_files(photos[0])
    form.locator("input[name=photos]").set_input_files(photos[1])
    urban.submit(form)
    figure = urban.page.locator("#thread [data-compare].ready")
    assert_seen(figure.locator(".compare-after img"))
    line = figure.get_by_role("slider")
    line.focus()
    urban.page.keyboard.press("Home")
    assert figure.evaluate("figure => figure.style.getPropertyValue('--cut')") == "0%"
    urban.page.keyboard.press("ArrowRight")
    assert figure.evaluate("figure => figure.style.getPropertyValue('--cut')") == "1%"
    urban.close()


def test_a_voice_and_its_words(service: Service, browser: Browser, number: str) -> None:
    """A voice plays at the speed that was chosen, and stays at it; what is said is marked, and a click leads there."""
    hear(service, number)
    urban = Officer(browser, service, "urban", DESK)
    urban.find(number)
    page, voice = urban.page, urban.page.locator("#thread .voice")
    expect(voice.locator("audio")).to_be_hidden()
    speed = voice.locator(".player-speed")
    speed.click()
    speed.click()
    expect(speed).to_have_text("1.5×")
    voice.get_by_role("button", name="播放").click()
    wait_until(lambda: voice.locator("audio").evaluate("audio => audio.currentTime > 0.1"), what="sound")
    assert voice.locator("audio").evaluate("audio => audio.playbackRate") == 1.5
    words = page.locator("#thread .said")
    expect(words.nth(1)).to_have_class("said now")
    expect(words.first).to_have_class("said")
    voice.get_by_role("button", name="暂停").click()
    words.first.click()
    expect(words.first).to_have_class("said now")
    page.reload()
    expect(speed).to_have_text("1.5×")
    urban.close()


def test_a_note_is_spoken_into_the_phone(service: Service, browser: Browser, number: str) -> None:
    """A note is recorded, heard before it is sent, and stands in the talk as a voice."""
    with_microphone = browser.browser_type.launch(executable_path=chromium(), args=[*SWITCHES, *MICROPHONE])
    urban = Officer(with_microphone, service, "urban", PHONE)
    urban.page.context.grant_permissions(["microphone"])
    urban.find(number)
    form = urban.form("note")
    record = form.locator("[data-record]")
    record.click()
    expect(form.locator(".recorder [role=status]")).to_contain_text("正在录 1 秒")
    record.click()
    expect(form.locator(".recorder audio")).to_be_visible()
    urban.submit(form)
    note = urban.page.locator("#thread .entry-note", has_text="（语音）")
    expect(note.locator(".voice .player")).to_be_visible()
    assert note.locator("audio").evaluate("audio => fetch(audio.src).then((answer) => answer.status)") == 200
    urban.close()
    with_microphone.close()
