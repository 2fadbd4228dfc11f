"""Calling residents back (回访): after a bad rating, after urgent matters, and a sample of those who never rated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases import ledger, limits
from cases.ledger import NotAllowed, Who
from cases.storage.working import CallbackRow
from cases.workflow import SETTLED

if TYPE_CHECKING:
    from datetime import datetime

    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import CaseRow

WHY = {"bad": "评价不满意", "urgent": "紧急的事办完了", "silent": "没评价，抽查"}
OUTCOMES = {"reached": "联系上了", "unreachable": "没联系上", "declined": "不愿多说"}
# Of those who do not rate, one in so many is called: by the number of the case, so that it can be checked.
SAMPLE = 5
# After so many tries without an answer it is done.
TRIES = 3
# What is said on the phone, step by step.
SCRIPT = (
    "您好，我是{centre}的，想就您反映的“{title}”听听您的意见，占您一分钟。",
    "这件事解决了没有？（解决了 / 解决了一部分 / 没解决）",
    "对办理的人和速度，您满意吗？（满意 / 基本满意 / 不满意）",
    "还有什么要我们接着做的？",
    "谢谢您。有事随时在微信里说。",
)
ROLES = frozenset({"dispatcher", "district", "city"})


@dataclass(frozen=True)
class Heard:
    """What came of a call: `outcome` a key of OUTCOMES, the resident's two answers, and their words."""

    outcome: str
    solved: str = ""
    rating: str = ""
    text: str = ""


def after_end(book: Book, city: City, case: CaseRow, now: datetime) -> None:
    """Note who is to be called now that a case is closed: urgent matters, and a sample, unless they rate it."""
    if case.state not in SETTLED or case.resident_id is None:
        return
    if ledger.is_urgent(city, case):
        plan(book, city, case, "urgent", now)
    elif case.id % SAMPLE == 0:
        plan(book, city, case, "silent", now)


def rated(book: Book, city: City, case: CaseRow, now: datetime) -> None:
    """Put who is not satisfied on the list; who has said that they are need not be asked any more."""
    waiting = book.open_callback(case.id)
    if case.rating == "unsatisfied":
        if waiting is None:
            plan(book, city, case, "bad", now)
        elif waiting.why == "silent":
            waiting.why = "bad"
    elif waiting is not None and waiting.why == "silent":
        book.drop(waiting)


def plan(book: Book, city: City, case: CaseRow, why: str, now: datetime) -> None:
    """Put a resident on the list, unless they are on it for this case."""
    if book.open_callback(case.id) is not None:
        return
    due_at = city.worktime(city.dispatch).add(now, limits.CALLBACK_HOURS)
    book.add(CallbackRow(case_id=case.id, why=why, created_at=now, due_at=due_at))


def check(row: CallbackRow, heard: Heard) -> None:
    """Look whether a call can be written down so. Raises NotAllowed."""
    if row.done_at is not None:
        raise NotAllowed("这一件已经回访过了。")
    if heard.outcome not in OUTCOMES:
        raise NotAllowed("请选联系上没有。")
    if heard.outcome == "reached" and not (heard.solved and heard.rating):
        raise NotAllowed("请记下解决了没有、满不满意。")


def done(book: Book, row: CallbackRow, case: CaseRow, actor: Actor, heard: Heard, now: datetime) -> None:
    """Write down a call. Not reached, it stays on the list for the next try. Raises NotAllowed."""
    check(row, heard)
    row.tries, row.staff_id, row.outcome = row.tries + 1, actor.staff_id, heard.outcome
    row.solved, row.rating, row.text = heard.solved, heard.rating, heard.text
    if heard.outcome != "unreachable" or row.tries >= TRIES:
        row.done_at = now
    text = "，".join(filter(None, (OUTCOMES[heard.outcome], heard.text)))
    ledger.record(book, case, "called_back", Who("staff", frozenset(), actor.staff_id, actor.unit_id), now, text=text)
