"""Words in photos: signs, house numbers, notices. A help for staff and routing, off unless `OCR=on`.

The engine is RapidOCR, whose package brings its models (`make extras` installs it).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

# What is less sure than this is noise: leaves, bricks, shadows.
SURE = 0.8
LINES = 12


class OcrError(Exception):
    """The engine cannot run; the message is for the administrator."""


class PhotoReader(Protocol):
    """Reads the words in a photo."""

    def words(self, path: Path) -> str:
        """Return the words in a photo, a line each, from top to bottom; empty without any."""


class RapidPhotoReader:
    """RapidOCR on the CPU; its models are loaded at the first photo."""

    @cached_property
    def _engine(self) -> Any:  # noqa: ANN401 - the library has no types
        try:
            from rapidocr import RapidOCR  # noqa: PLC0415 - an extra, and slow to load
        except ImportError as error:
            raise OcrError(f"没有安装读图组件（{error.name}），请运行 make extras") from error
        return RapidOCR(params={"Global.log_level": "error"})

    def words(self, path: Path) -> str:
        """Return the words in a photo of which the engine is sure."""
        result = self._engine(str(path))
        texts, scores = result.txts or (), result.scores or ()
        return "\n".join([text for text, score in zip(texts, scores, strict=True) if score >= SURE][:LINES])


def engine_for(switch: str) -> PhotoReader | None:
    """Return the engine when it is switched on."""
    return RapidPhotoReader() if switch == "on" else None
