"""What becomes of messages after they went: WeChat's receipts, the resident's agreement, and the second sending.

Source: 微信公众平台「模板消息 · 事件推送」「订阅通知 · 事件推送」.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.errcodes import ERRORS
from cases.storage.tables import CaseRow, HistoryRow
from cases.workflow import OPEN, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from bot.protocol import Inbound
    from bot.turn import Turn
    from cases.storage import Book
    from cases.storage.tables import OutboxRow, ResidentRow

# What was owed so long ago is of no use any more.
STILL_OF_USE = timedelta(days=7)
# The reply in the same response comes first.
AFTER_REPLY = timedelta(seconds=2)
MSGID_CHARACTERS = 40
LONGEST_CODE = 9
TEMPLATE_FAULTS = {"failed:user block": "居民拒收这个公众号的模板消息"}
NOT_DELIVERED = "微信没有送到"


# -- receipts --------------------------------------------------------------------------------------------------


def template_sent(turn: Turn, message: Inbound) -> str:
    """Take a template message's receipt."""
    status = message.text("Status").lower()
    fault = "" if status == "success" else TEMPLATE_FAULTS.get(status.replace(": ", ":"), NOT_DELIVERED)
    _settle(turn, message.message_id, fault)
    return ""


def subscription_sent(turn: Turn, message: Inbound) -> str:
    """Take a subscription notice's receipt."""
    for each in _listed(message.fields.get("SubscribeMsgSentEvent")):
        code = _text(each, "ErrorCode")
        plain = code.isascii() and code.isdigit() and len(code) <= LONGEST_CODE
        known = ERRORS[int(code)][1] if plain and int(code) in ERRORS else NOT_DELIVERED
        _settle(turn, _text(each, "MsgID"), "" if code == "0" else f"{known}（{code}）")
    return ""


def _settle(turn: Turn, msgid: str, fault: str) -> None:
    row = turn.book.receipted(turn.resident.id, msgid[:MSGID_CHARACTERS])
    if row is None:
        return
    row.msgid, row.sent_at = msgid[:MSGID_CHARACTERS], row.sent_at or turn.now
    row.state, row.error = ("undeliverable", fault) if fault else ("delivered", "")


# -- what the resident agrees to -------------------------------------------------------------------------------


def granted(turn: Turn, message: Inbound) -> str:
    """Note which notices the resident agreed to, one time each, and which no more."""
    for name in ("SubscribeMsgPopupEvent", "SubscribeMsgChangeEvent"):
        for each in _listed(message.fields.get(name)):
            template_id, status = _text(each, "TemplateId"), _text(each, "SubscribeStatusString")
            if template_id and status == "accept":
                turn.book.grant(turn.resident.id, template_id, by=1)
            elif template_id and status in {"reject", "ban"}:
                turn.book.revoke(turn.resident.id, template_id)
    return ""


def _listed(below: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - whatever came
    """Yield the elements `List` below this one: one, several or none."""
    found = below.get("List") if isinstance(below, dict) else None
    yield from (each for each in (found if isinstance(found, list) else [found]) if isinstance(each, dict))


def _text(element: dict[str, Any], name: str) -> str:
    value = element.get(name)
    return value.strip()[:100] if isinstance(value, str) else ""


# -- again -----------------------------------------------------------------------------------------------------


def send_again(book: Book, resident: ResidentRow, now: datetime, *, said: str) -> None:
    """Owe once more, whole, what the resident missed and still has to know; not what the reply has just `said`."""
    again: set[int | None] = set()
    for row in book.kept_back(resident.id, now - STILL_OF_USE):
        row.when_back = False
        case = book.get(CaseRow, row.case_id)
        if row.notice == "photo":
            wanted = row.history_id in again
        else:
            cause = book.get(HistoryRow, row.history_id) if row.history_id else None
            wanted = case is not None and _matters(row, case) and not (cause and cause.text and cause.text in said)
        if wanted:
            again.add(row.history_id)
            book.owe_again(row, now, now + AFTER_REPLY)


def _matters(row: OutboxRow, case: CaseRow) -> bool:
    """Say whether a message is not outdated: a result while it waits for a judgement, a question while it is open."""
    if row.notice == "result":
        return case.state == State.RESOLVED
    return row.notice != "ask" or case.state in OPEN
