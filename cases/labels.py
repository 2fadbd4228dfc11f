"""What people said the kind of a case is: the labels that the city's own classifier learns from and is measured by."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from cases.phones import PAPER, PAPER_SIGN, PHONE
from cases.storage.learning import LabelRow
from cases.workflow import Action

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cases.storage import Book
    from cases.storage.tables import CaseRow, HistoryRow


class Origin(StrEnum):
    """Who said it, and on what occasion."""

    CORRECTION = "correction"
    CONFIRMATION = "confirmation"
    RETURN = "return"
    HANDLED = "handled"
    IMPORT = "import"


ORIGINS = {
    Origin.CORRECTION: "派单员改的",
    Origin.CONFIRMATION: "派单员确认的",
    Origin.RETURN: "退回后改的",
    Origin.HANDLED: "照原类别办完的",
    Origin.IMPORT: "导入的",
}
# Of labels that follow the classifier's own guess nothing is learnt about how right it is; they only teach.
OWN_WORD = frozenset({Origin.HANDLED})

_HIDDEN = (
    (PAPER, PAPER_SIGN),
    (PHONE, "〔电话〕"),
    (
        re.compile(r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·• ]?[A-Z0-9]{5,6}"),
        "〔车牌〕",
    ),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+"), "〔邮箱〕"),
    (re.compile(r"(?<!\d)\d{16,19}(?!\d)"), "〔卡号〕"),
)


def masked(text: str) -> str:
    """Return a text without numbers that tell who somebody is: phones, papers, plates, cards, addresses of mail."""
    for pattern, sign in _HIDDEN:
        text = pattern.sub(sign, text)
    return text


def record(book: Book, case: CaseRow, staff_id: int, now: datetime, *, finished: bool = False) -> None:
    """Keep what a person said the kind of a case is; what they say later takes the stead of it.

    `finished`: nobody said anything, but the case was handled to its end where the classifier had sent it. A case
    without words teaches nothing.
    """
    label = case.category_code
    known = book.label_of(case.id)
    if label is None or not case.text.strip() or (finished and (known is not None or case.category_by != "classifier")):
        return
    row = known or LabelRow(case_id=case.id, said_at=case.opened_at)
    guess = case.guesses[0] if case.guesses else None
    row.text, row.label, row.staff_id, row.labelled_at = masked(case.text), label, staff_id, now
    row.guess = guess["code"] if guess else None
    row.probability = guess["probability"] if guess else None
    row.model_version = case.model_version
    row.origin = Origin.HANDLED if finished else _origin(book.history(case.id), same=row.guess == label)
    row.active = True
    if known is None:
        book.add(row)


def _origin(history: Sequence[HistoryRow], *, same: bool) -> Origin:
    if any(row.action == Action.RETURN for row in history):
        return Origin.RETURN
    return Origin.CONFIRMATION if same else Origin.CORRECTION
