"""`python -m tests.pictures`: the guides' pictures, out of the running product, and the guides printed, a page each.

With `--check` no new pictures are made; with `--pdf FOLDER` the printed guides are kept there.
"""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import ExitStack
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from openpyxl import load_workbook
from PIL import Image, ImageDraw
from playwright.sync_api import expect, sync_playwright

from bot.assembly import utc_now
from bot.sandbox.residents import RESIDENTS
from cases import learning
from cases.numbers import case_id_of
from cases.storage import Store, build_engine
from cases.storage.tables import CaseRow
from tests.e2e.screens import Officer, Resident, number_in, say
from tests.services import LOOK_SECONDS, ROOT, SWITCHES, VAULT, Service, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, FloatRect, Page, ViewportSize

GUIDES = ROOT / "docs" / "guides"
PICTURES = GUIDES / "images"
PHONE: ViewportSize = {"width": 390, "height": 640}
DESK: ViewportSize = {"width": 1280, "height": 760}
SHARPNESS = 1.5
# An alarm sounds at once, as it does for somebody who has worked on the page before.
WITH_SOUND = "--autoplay-policy=no-user-gesture-required"
COLOURS = 64
MOST_BYTES = 1_500_000
# A page has to be one page even where the letters of another machine are a little larger.
ROOM = 1.02
PICTURE = re.compile(r'<img [^>]*src="([^"]+)"')
# What Chromium writes for each page of a PDF; `/Pages` is the list of them.
PDF_PAGE = re.compile(rb"/Type\s*/Page\b")
IN_SIGHT = """() => [...document.images].every((image) => {
  const box = image.getBoundingClientRect();
  return !box.width || box.top > innerHeight || box.bottom < 0 || (image.complete && image.naturalWidth > 1);
})"""
WANG, LI, ZHAO, CHEN = (each.openid for each in RESIDENTS[:4])


class GuidesError(Exception):
    """What is wrong with the guides; the message is the line that says so."""


# -- taking pictures ---------------------------------------------------------------------------------------------


class Camera:
    """Staff of the sample city in the browser, and pictures of what they see."""

    def __init__(self, browser: Browser, service: Service, folder: Path) -> None:
        self.browser, self.service, self._folder = browser, service, folder
        self._staff: dict[tuple[str, int], Officer] = {}

    def staff(self, login: str, size: ViewportSize = PHONE) -> Officer:
        """Return somebody at the phone or at the desk, logged in, in a browser that keeps still."""
        key = (login, size["width"])
        if key not in self._staff:
            self._staff[key] = Officer(self.browser, self.service, login, size, SHARPNESS)
            self._staff[key].page.emulate_media(reduced_motion="reduce", color_scheme="light")
        return self._staff[key]

    def take(self, name: str, officer: Officer) -> None:
        """Keep what the phone shows now."""
        self._keep(name, officer, None)

    def take_page(self, name: str, officer: Officer, height: int, skip: int = 0) -> None:
        """Keep the top of a page at the desk, without the frame around it, and without the first lines."""
        box = officer.page.locator("#main").bounding_box()
        assert box is not None
        self._keep(name, officer, {"x": box["x"], "y": box["y"] + skip, "width": box["width"], "height": height})

    def _keep(self, name: str, officer: Officer, part: FloatRect | None) -> None:
        """Put toasts away, wait for what is to be seen, and keep it in a few colours."""
        page = officer.page
        for close in page.locator("[data-close-toast]:visible").all():
            close.click()
        expect(page.locator(".toast:visible")).to_have_count(0)
        page.wait_for_function(IN_SIGHT)
        taken = page.screenshot(animations="disabled", caret="hide", clip=part)
        image = Image.open(BytesIO(taken)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        image.save(self._folder / f"{name}.png", optimize=True)

    def close(self) -> None:
        """Close all browsers. Raises GuidesError when one of them has complained."""
        lines = [line for officer in self._staff.values() for line in officer.complaints.lines]
        for officer in self._staff.values():
            officer.page.context.close()
        if lines:
            raise GuidesError("\n".join(lines))


def photos(folder: Path) -> tuple[Path, Path]:
    """Return a photo of a manhole without its cover, and one with it."""
    paths = (folder / "before.jpg", folder / "after.jpg")
    for path, inside in zip(paths, ("#1d1d1d", "#8f9496"), strict=True):
        image = Image.new("RGB", (800, 600), "#9aa48f")
        draw = ImageDraw.Draw(image)
        draw.ellipse((220, 150, 580, 460), fill=inside, outline="#5a5f5a", width=18)
        image.save(path)
    return paths


# -- the story ---------------------------------------------------------------------------------------------------


def play(camera: Camera, service: Service, folder: Path) -> None:
    """Let residents speak and staff answer, always in the same order, and take a picture where a guide has one."""
    before, after = photos(folder)
    aunt = Resident(camera.browser, service, WANG)
    manhole = number_in(aunt.say("翠湖小区3栋楼下井盖坏了，老人差点摔倒"))
    aunt.send_sample_photo()
    aunt.say("就这些")
    rubbish = number_in(say(service, LI, "新的：翠湖小区2栋楼下垃圾桶满了没人清，电话13900007781"))
    clutter = number_in(say(service, ZHAO, "新的：翠湖小区5栋楼道里堆满了纸箱，走路都难"))
    say(service, CHEN, "新的：翠湖小区6栋楼下路灯坏了，晚上看不见路")
    say(service, LI, "新的：那个东西坏了，没人管")
    unsure = number_in(say(service, ZHAO, "新的：翠湖小区8栋不太对劲，快来看看吧"))
    make_late(service, rubbish)
    of_the_officer(camera, rubbish, before)
    of_the_department(camera, manhole, before, after)
    of_the_centre(camera, clutter)
    of_the_leader(camera, manhole, rubbish)
    of_the_admin(camera, folder)
    of_the_dispatcher(camera, service, unsure)
    aunt.close()


def make_late(service: Service, number: str) -> None:
    """Let the first limit of a case have passed an hour ago: a red card."""
    engine = build_engine(f"sqlite:///{service.data_dir}/wanggetong.sqlite3", VAULT)
    with Store(engine).write() as book:
        case = book.get(CaseRow, case_id_of(number) or 0)
        assert case is not None
        case.accept_by = case.due_at = utc_now() - timedelta(hours=1)
    engine.dispose()


def of_the_officer(camera: Camera, rubbish: str, before: Path) -> None:
    """Take a grid leader's list, a case, and a find on patrol."""
    officer = camera.staff("cuihu01")
    officer.open("/console/?list=mine")
    camera.take("officer-list", officer)
    officer.row(rubbish).click()
    officer.stands(rubbish)
    camera.take("officer-case", officer)
    officer.open("/console/report")
    officer.page.set_input_files("#report-photos", before)
    expect(officer.page.locator("#report-before img")).to_have_count(1)
    officer.page.fill("#report-text", "绿化带边上的井盖没了，只剩一个洞")
    camera.take("officer-report", officer)
    officer.page.evaluate("document.getElementById('report').reset()")
    officer.open("/console/me")


def of_the_department(camera: Camera, manhole: str, before: Path, after: Path) -> None:
    """Take a department's list, what it can do with a case, and a result with photos."""
    officer = camera.staff("urban")
    officer.open("/console/?list=mine")
    camera.take("department-list", officer)
    officer.take(manhole)
    officer.accept()
    officer.write("reply", "师傅下午两点到，请绕行。")
    officer.page.reload()
    camera.take("department-case", officer)
    form = officer.form("report_result")
    form.locator("#f-report_result-text").fill("已换上新井盖，周边清扫干净，请放心通行。")
    form.locator("input[name=before]").set_input_files(before)
    form.locator("input[name=photos]").set_input_files(after)
    expect(form.locator(".previews img")).to_have_count(2)
    camera.take("department-result", officer)
    officer.submit(form)
    officer.open("/console/me")


def of_the_centre(camera: Camera, clutter: str) -> None:
    """Take two departments being called to the spot, and the street's desk after one has answered."""
    street = camera.staff("cuihujd")
    street.find(clutter)
    form = street.form("whistle")
    for unit in ("dept-emergency", "dept-housing"):
        street.tick(form, "units", unit)
    form.locator("#f-whistle-text").fill("请到翠湖小区5栋，一起清楼道")
    form.locator("#f-whistle-text").scroll_into_view_if_needed()
    camera.take("centre-whistle", street)
    street.submit(form)
    called = camera.staff("emergency")
    called.find(clutter)
    called.submit(called.form("arrive"))
    called.find(clutter)
    called.write("answer_task", "两人到场，和住户一起搬走了 12 箱")
    called.open("/console/me")
    street.open("/console/me")
    desk = camera.staff("cuihujd", DESK)
    desk.open(f"/console/?list=all&case={clutter}")
    expect(desk.page.locator("#pane #tasks")).to_contain_text("12 箱")
    desk.page.locator("#pane #tasks").evaluate("tasks => tasks.scrollIntoView({ block: 'center' })")
    desk.page.evaluate("window.scrollTo(0, 0)")
    camera.take_page("centre-desk", desk, 500)


def of_the_leader(camera: Camera, manhole: str, rubbish: str) -> None:
    """Take a leader's desk with a late case beside the list, and how one supervises it."""
    desk = camera.staff("leader", DESK)
    desk.open(f"/console/?list=all&case={rubbish}")
    expect(desk.page.locator("#pane #case")).to_be_visible()
    expect(desk.row(manhole)).to_have_count(0)  # its result is reported: it waits for the resident
    camera.take_page("leader-desk", desk, 560)
    desk.open("/console/me")
    phone = camera.staff("leader")
    phone.find(rubbish)
    form = phone.form("supervise")
    form.locator("#f-supervise-text").fill("天热，垃圾当天清走，清完告诉居民。")
    camera.take("leader-supervise", phone)


def of_the_admin(camera: Camera, folder: Path) -> None:
    """Take the city's tables, and an import that is looked at before anything is written."""
    admin = camera.staff("admin", DESK)
    admin.open("/console/registry/")
    camera.take_page("admin-registry", admin, 300)
    admin.open("/console/registry/places/import")
    with admin.page.expect_download() as caught:
        admin.page.locator("a[download]").first.click()
    table = folder / "places.xlsx"
    caught.value.save_as(table)
    rename_first(table)
    admin.page.set_input_files("#file", table)
    admin.page.click("form button.primary[type=submit]")
    expect(admin.page.locator("#outcome[data-changed='1']")).to_be_visible()
    camera.take_page("admin-import", admin, 320, skip=60)


def rename_first(table: Path) -> None:
    """Give the first place of a table of places one more name."""
    book = load_workbook(table)
    sheet = book.worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    cell = sheet.cell(2, heads.index("别名") + 1)
    cell.value = ";".join(filter(None, (str(cell.value or ""), "老翠湖")))
    book.save(table)


def of_the_dispatcher(camera: Camera, service: Service, unsure: str) -> None:
    """Take the board with a case that the program is unsure of, and an alarm that waits for a signature."""
    desk = camera.staff("dispatcher", DESK)
    desk.open(f"/console/triage?case={unsure}")
    expect(desk.page.locator("#desk[data-ready]")).to_be_visible()
    camera.take_page("dispatcher-board", desk, 440)
    say(service, CHEN, "翠湖小区3栋着火了，浓烟往上冒")
    phone = camera.staff("dispatcher")
    phone.open("/console/?list=mine")
    phone.page.locator("a.alarm").click()
    expect(phone.page.locator("#alarm")).to_be_visible()
    camera.take("dispatcher-alarm", phone)
    phone.submit(phone.form("acknowledge"))


def take_all(browser: Browser, models: Path) -> None:
    """Start the product, play the story, and put its pictures in the place of the old ones."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as temporary, Service(models) as service, ExitStack() as afterwards:
        drafts = Path(temporary) / "drafts"
        drafts.mkdir()
        camera = Camera(browser, service, drafts)
        afterwards.callback(camera.close)
        play(camera, service, Path(temporary))
        for old in PICTURES.glob("*.png"):
            old.unlink()
        for path in sorted(drafts.glob("*.png")):
            (PICTURES / path.name).write_bytes(path.read_bytes())


# -- checking and printing ---------------------------------------------------------------------------------------


def guides() -> list[Path]:
    """Return the guides, one page for each role."""
    return sorted(GUIDES.glob("*.html"))


def missing(guide: Path) -> list[str]:
    """Return the pictures that a guide names and that are not there."""
    return [name for name in PICTURE.findall(guide.read_text(encoding="utf-8")) if not (GUIDES / name).is_file()]


def printed(page: Page, scale: float = 1) -> bytes:
    """Return the page that is open as a PDF."""
    return page.pdf(format="A4", prefer_css_page_size=True, print_background=True, scale=scale)


def faults_of(page: Page, pdfs: Path | None) -> Iterator[str]:
    """Print each guide, and yield what is wrong with it, and with the pictures together."""
    for guide in guides():
        yield from (f"{guide.name}: no such picture: {name}" for name in missing(guide))
        page.goto(guide.as_uri())
        pages = len(PDF_PAGE.findall(printed(page, ROOM)))
        if pages != 1:
            yield f"{guide.name}: takes {pages} pages of A4, not one"
        if pdfs is not None:
            pdfs.mkdir(parents=True, exist_ok=True)
            (pdfs / f"{guide.stem}.pdf").write_bytes(printed(page))
    total = sum(path.stat().st_size for path in PICTURES.glob("*.png"))
    if total > MOST_BYTES:
        yield f"the pictures have {total:,} bytes together, more than {MOST_BYTES:,}"


def run(options: argparse.Namespace) -> None:
    """Make pictures unless only a check is wanted, and print the guides. Raises GuidesError with all that is wrong."""
    program = chromium()
    if program is None:
        raise GuidesError("no Chromium: install the package chromium, or set CHROMIUM to its path")
    expect.set_options(timeout=LOOK_SECONDS * 1000)
    with sync_playwright() as playwright, TemporaryDirectory() as models:
        browser = playwright.chromium.launch(executable_path=program, args=[*SWITCHES, WITH_SOUND])
        if not options.check:
            list(learning.train_starters(Path(models)))
            take_all(browser, Path(models))
        found = list(faults_of(browser.new_page(), options.pdf))
        browser.close()
    if found:
        raise GuidesError("\n".join(found))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only print and check; no new pictures")
    parser.add_argument("--pdf", type=Path, metavar="FOLDER", help="keep the printed guides here")
    try:
        run(parser.parse_args(arguments))
    except GuidesError as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
