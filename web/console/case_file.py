"""The file of one case as a PDF, and two cases side by side."""

from __future__ import annotations

import io
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from flask import Response, render_template, request
from PIL import Image as Picture
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Flowable, Image, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table

from bot.assembly import utc_now
from cases import audit, contacts, handling, merging
from cases.handling import NoSuchCase
from cases.workflow import Relation
from web.console import shape
from web.console.fates import moment
from web.console.frame import frame
from web.console.pages import case_id_in
from web.console.session import Page, actor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flask import Blueprint
    from reportlab.pdfgen.canvas import Canvas

    from bot.assembly import House
    from bot.media import MediaStore
    from cases.storage.tables import AttachmentRow, CaseRow
    from web.console.present import CasePage, Entry

FONT = "STSong-Light"  # one that PDF readers bring themselves, as on the posters
MARGIN = 18 * mm
PHOTO_SIDE = 52 * mm
PHOTO_PIXELS = 900
ACROSS = 3


def register(routes: Blueprint, house: House) -> None:
    """Add the file of a case, and the comparison."""

    @routes.get("/cases/<number>/file.pdf")
    def case_file(number: str) -> Page:
        """Give the case's file; numbers in it are masked, and that it was taken out is on record."""
        now = utc_now()
        with house.store.read() as book:
            city = house.cities.current(book)
            me = actor(book, city)
            row, held = handling.access_case(book, city, me, case_id_in(number))
            page = shape.case_page(book, city, me, row, held, now, house.similar.likeness)
            photos = [part for part in book.attachments(row.id) if part.kind == "photo" and part.state == "stored"]
            by = f"{me.name}（{city.units[me.unit_id].name}） {moment(now)} 导出"
        with house.store.write() as book:
            audit.note(book, me, "export", f"工单 {page.line.spoken}", "PDF 卷宗", now)
        content = pdf(page, _pictures(house.media, photos), by)
        headers = {
            "Content-Disposition": f'inline; filename="{page.line.number}.pdf"',
            "Cache-Control": "private, no-store",
        }
        return Response(content, mimetype="application/pdf", headers=headers)

    @routes.get("/cases/<number>/compare")
    def compare(number: str) -> Page:
        """Show two cases beside each other, to see whether they are the same matter; ask which, if none is named."""
        wanted, now = request.args.get("other", "").strip(), utc_now()
        with house.store.read() as book:
            city = house.cities.current(book)
            me = actor(book, city)
            row, held = handling.access_case(book, city, me, case_id_in(number))
            found = [(row, held)]
            with suppress(NoSuchCase):
                found.append(handling.access_case(book, city, me, case_id_in(wanted)))
            alike = house.similar.likeness
            pages = [shape.case_page(book, city, me, each, relations, now, alike) for each, relations in found]
            fault = f"没有找到工单“{wanted[:20]}”。" if wanted and len(found) == 1 else ""
            knows = Relation.DISPATCHER in held
            between = _between(*(each for each, _ in found), knows=knows) if len(found) > 1 else ()
            return render_template(
                "console/compare.html", **frame(book, city, me), cases=pages, between=between, fault=fault
            )


def _between(one: CaseRow, two: CaseRow, *, knows: bool) -> tuple[str, ...]:
    """Say what two cases have in common, and how far they are apart; who reported only to whom `knows` it."""
    told = []
    if one.category_code and one.category_code == two.category_code:
        told.append("同一类")
    if one.grid_id is not None and one.grid_id == two.grid_id:
        told.append("同一网格")
    named = knows or not (one.anonymous or two.anonymous)
    if named and one.resident_id is not None and one.resident_id == two.resident_id:
        told.append("同一位居民")
    apart = merging.distance(one, two)
    return (*told, f"相距约 {apart:.0f} 米") if apart is not None else tuple(told)


# -- the PDF ------------------------------------------------------------------------------------------------------


def _pictures(media: MediaStore, photos: Sequence[AttachmentRow]) -> list[tuple[bytes, str]]:
    """Return the photos, small enough for paper, each with what is said of it; a lost file is left out."""
    found = []
    for part in photos:
        try:
            image = Picture.open(media.path(part.file))
            image.thumbnail((PHOTO_PIXELS, PHOTO_PIXELS))
            buffer = io.BytesIO()
            image.convert("RGB").save(buffer, "JPEG", quality=80)
        except OSError:
            continue
        phase = {"before": "办之前 ", "after": "办好后 "}.get(part.phase, "")
        found.append((buffer.getvalue(), f"{phase}{moment(part.created_at)}"))
    return found


def pdf(page: CasePage, pictures: Iterable[tuple[bytes, str]], by: str) -> bytes:
    """Return a case's file: what and where, how it stands, the photos, the talk, what was done, on A4."""
    styles, line, buffer = _styles(), page.line, io.BytesIO()
    story: list[Flowable] = [Paragraph(_safe(line.title), styles["title"]), _facts(page), Spacer(1, 4 * mm)]
    story += _section("诉求", [page.text])
    if page.result:
        story += _section("为什么没能解决" if page.explained else "办理结果", [page.result])
    if page.rating:
        story += _section("居民评价", [f"{page.rating}  {page.rating_words}"])
    story += _photos(list(pictures))
    story += _section("对话", [_spoken(each) for each in page.thread if each.text])
    story += _section("经过", [f"{each.at}  {each.name}  {each.words}  {each.text}" for each in page.events])

    def foot(canvas: Canvas, _document: object) -> None:
        canvas.setFont(FONT, 8)
        canvas.setFillColor(HexColor("#526367"))
        canvas.drawString(MARGIN, 10 * mm, f"工单 {line.spoken}    {by}    内含个人信息，请妥善保管")
        canvas.drawRightString(A4[0] - MARGIN, 10 * mm, str(canvas.getPageNumber()))

    document = SimpleDocTemplate(
        buffer, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN,
        title=f"工单 {line.spoken}", author="网格通",
    )  # fmt: skip
    document.build(story, onFirstPage=foot, onLaterPages=foot)
    return buffer.getvalue()


def _spoken(entry: Entry) -> str:
    return f"{entry.at}  {entry.name}{'' if entry.public else '（内部）'}：{entry.text}"


def _facts(page: CasePage) -> Flowable:
    line, styles = page.line, _styles()
    rows = [
        ("工单号", line.spoken, "状态", line.state_name),
        ("类别", line.category, "谁在办", line.holder),
        ("地点", line.place, "网格", page.grid or "—"),
        ("来源", f"{page.channel} {page.resident}", "时限", line.due or "—"),
    ]
    kinds = ("soft", "body", "soft", "body")
    cells = [[Paragraph(_safe(text), styles[kind]) for kind, text in zip(kinds, row, strict=True)] for row in rows]
    table = Table(cells, colWidths=[18 * mm, 68 * mm, 18 * mm, 70 * mm])
    table.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor("#dbe4e4"))])
    return table


def _section(title: str, lines: Sequence[str]) -> list[Flowable]:
    styles = _styles()
    body: list[Flowable] = [Paragraph(_safe(text), styles["body"]) for text in lines] or [
        Paragraph("—", styles["body"])
    ]
    return [KeepTogether([Paragraph(title, styles["head"]), body[0]]), *body[1:]]


def _photos(pictures: Sequence[tuple[bytes, str]]) -> list[Flowable]:
    if not pictures:
        return []
    styles = _styles()
    cells: list[Any] = [[_fitted(content), Paragraph(_safe(words), styles["soft"])] for content, words in pictures]
    rows = [cells[at : at + ACROSS] for at in range(0, len(cells), ACROSS)]
    rows = [[*row, *[""] * (ACROSS - len(row))] for row in rows]
    return [Paragraph("照片", styles["head"]), Table(rows, colWidths=[PHOTO_SIDE + 6 * mm] * ACROSS)]


def _fitted(content: bytes) -> Image:
    image = Image(io.BytesIO(content))
    scale = min(PHOTO_SIDE / image.imageWidth, PHOTO_SIDE / image.imageHeight)
    image.drawWidth, image.drawHeight = image.imageWidth * scale, image.imageHeight * scale
    return image


def _safe(text: str) -> str:
    """Return text for a paragraph: numbers masked, nothing in it is markup."""
    return escape(contacts.hidden(text)).replace("\n", "<br/>")


@cache
def _styles() -> dict[str, ParagraphStyle]:
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    body = ParagraphStyle("body", fontName=FONT, fontSize=10, leading=16, wordWrap="CJK", spaceAfter=3)
    return {
        "body": body,
        "soft": ParagraphStyle("soft", body, textColor=HexColor("#526367"), fontSize=9),
        "head": ParagraphStyle("head", body, fontSize=12, leading=20, spaceBefore=8, textColor=HexColor("#0a5659")),
        "title": ParagraphStyle("title", body, fontSize=16, leading=24, spaceAfter=8),
    }
