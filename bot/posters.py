"""Posters with a grid's QR code: one A4 page of PDF each, to be printed and hung up.

The code is drawn from the address that WeChat gives for a lasting scene, so it is sharp at any size. The Chinese font
is one that PDF readers bring themselves (Adobe's STSong-Light), so no font file is needed.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import segno
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from cases.words import POSTER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.wechat import WeChat
    from cases.city import City, Unit

FONT = "STSong-Light"
WIDTH, HEIGHT = A4
MARGIN = 18 * mm
TEAL, WASH, INK, SOFT = "#0f6f73", "#e7f3f2", "#1c292c", "#526367"
# Phones read a code from about ten times its side: from a metre here. Around it is the quiet that scanners need.
CODE_SIDE, QUIET = 112 * mm, 4
BOLD = 19
BAND = 62 * mm
STEP_TOP, STEP_SIDE = 225 * mm, 13 * mm


@dataclass(frozen=True)
class Poster:
    """What stands on one poster: its grid and where that is, what its code says, and the grid's own code."""

    grid: str
    where: str
    code: str
    address: str


def poster_of(city: City, wechat: WeChat, grid: Unit) -> Poster:
    """Return a grid's poster; WeChat gives what its code says. Raises WeChatError."""
    where = " ".join(unit.name for unit in city.chain(grid)[-2:])
    return Poster(grid.name, where, grid.code, wechat.qr_address(grid.code))


def png(address: str) -> bytes:
    """Return a QR code alone, as a picture of about a thousand pixels."""
    buffer = io.BytesIO()
    segno.make(address, error="q").save(buffer, kind="png", scale=24, border=QUIET)
    return buffer.getvalue()


def pdf(posters: Iterable[Poster]) -> bytes:
    """Return a PDF with a page for each poster; the same posters give the same bytes."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1)
    canvas.setTitle(POSTER["title"])
    for poster in posters:
        _page(canvas, poster)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _page(canvas: Canvas, poster: Poster) -> None:
    canvas.setFillColor(TEAL)
    canvas.rect(0, HEIGHT - BAND, WIDTH, BAND, stroke=0, fill=1)
    _line(canvas, POSTER["title"], 33 * mm, 50, "white")
    _line(canvas, POSTER["subtitle"], 50 * mm, 18, "white")
    _code(canvas, poster.address, 71 * mm)
    _line(canvas, poster.grid, 203 * mm, 34, INK)
    for at, words in enumerate(POSTER["steps"].splitlines()):
        _step(canvas, at, words)
    canvas.setStrokeColor(TEAL)
    canvas.setLineWidth(0.6)
    canvas.line(MARGIN, 32 * mm, WIDTH - MARGIN, 32 * mm)
    _line(canvas, POSTER["emergency"], 275 * mm, 19, TEAL)
    _line(canvas, f"{poster.where}　{poster.code}", 287 * mm, 9, SOFT)


def _line(canvas: Canvas, text: str, down: float, size: float, colour: str) -> None:
    """Write a line in the middle of the page, its foot so far down, smaller where it would not fit."""
    room = WIDTH - 2 * MARGIN
    size = min(size, size * room / pdfmetrics.stringWidth(text, FONT, size))
    _words(canvas, text, WIDTH / 2, HEIGHT - down, size, colour)


def _words(canvas: Canvas, text: str, middle: float, foot: float, size: float, colour: str) -> None:
    """Write centred words; the large ones are drawn thicker, because the font has one weight only."""
    canvas.setFont(FONT, size)
    canvas.setFillColor(colour)
    canvas.setStrokeColor(colour)
    canvas.setLineWidth(size / 45)
    canvas.drawCentredString(middle, foot, text, mode=2 if size >= BOLD else 0)


def _step(canvas: Canvas, at: int, words: str) -> None:
    """Draw one of the three steps: its number in a disc, and below it what to do."""
    middle = MARGIN + (at + 0.5) * (WIDTH - 2 * MARGIN) / 3
    canvas.setFillColor(TEAL)
    canvas.circle(middle, HEIGHT - STEP_TOP, STEP_SIDE / 2, stroke=0, fill=1)
    _words(canvas, str(at + 1), middle, HEIGHT - STEP_TOP - 2.8 * mm, 22, "white")
    for row, line in enumerate(words.split("，")):
        _words(canvas, line, middle, HEIGHT - STEP_TOP - (16 + 8 * row) * mm, 20 if row == 0 else 15, INK)


def _code(canvas: Canvas, address: str, down: float) -> None:
    """Draw the QR code as squares on white within a soft frame; each row's dark runs are one rectangle."""
    rows = [bytes(row) for row in segno.make(address, error="q").matrix_iter(border=QUIET)]
    side, left, top = CODE_SIDE / len(rows), (WIDTH - CODE_SIDE) / 2, HEIGHT - down
    canvas.setFillColor(WASH)
    canvas.roundRect(left - 4 * mm, top - CODE_SIDE - 4 * mm, CODE_SIDE + 8 * mm, CODE_SIDE + 8 * mm, 5 * mm, 0, 1)
    canvas.setFillColor("white")
    canvas.roundRect(left, top - CODE_SIDE, CODE_SIDE, CODE_SIDE, 2 * mm, 0, 1)
    canvas.setFillColor("black")
    for down_by, row in enumerate(rows):
        for start, end in _runs(row):
            foot = top - (down_by + 1) * side
            canvas.rect(left + start * side, foot, (end - start) * side, side * 1.01, stroke=0, fill=1)


def _runs(row: bytes) -> Iterable[tuple[int, int]]:
    """Yield where a row of modules is dark, from and to."""
    start = None
    for at, dark in enumerate([*row, 0]):
        if dark and start is None:
            start = at
        elif not dark and start is not None:
            yield start, at
            start = None
