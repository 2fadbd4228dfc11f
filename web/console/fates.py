"""What staff read about messages to residents: the way, state and time of each, and what to do when one is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases import limits, windows, words, worktime
from web.console.present import Delivery

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cases.storage import Book
    from cases.storage.tables import CaseRow, OutboxRow, ResidentRow

ARRIVED = frozenset({"sent", "delivered"})


def fates(case: CaseRow, messages: Sequence[OutboxRow], phone: str) -> tuple[Delivery, ...]:
    """Return what became of the messages about one thing: the reporter's each, the followers' together."""
    own = [row for row in messages if row.resident_id == case.resident_id]
    others = [row for row in messages if row.resident_id != case.resident_id]
    return tuple(_fate(row, phone) for row in own) + ((_together(others),) if others else ())


def _fate(row: OutboxRow, phone: str) -> Delivery:
    what = "照片" if row.attachment_id is not None else ""
    if row.state in ARRIVED:
        sure = row.state == "delivered" or row.channel == "customer_service"
        done = "已送达" if sure else "已发出，等微信回执"
        at = f" {moment(row.sent_at)}" if row.sent_at is not None else ""
        return Delivery("sent", f"{what}{done} · {words.WAYS.get(row.channel, '微信消息')}{at}")
    if row.state == "dropped":
        return Delivery("sent", f"{what}没有发：{row.error}")
    if row.state == "undeliverable":
        return Delivery("undeliverable", f"{what}没送到：{row.error}", _todo(row, phone))
    return Delivery("waiting", f"{what}还没送到，会再试：{row.error}" if row.error else f"{what}等待发送")


def _todo(row: OutboxRow, phone: str) -> str:
    """Say whom to call, and what happens by itself."""
    call = f"点“查看电话”打 {phone}" if phone else "请打电话或上门告诉居民"
    return f"{call}；居民再来消息时会自动补发。" if row.when_back else f"{call}。"


def _together(rows: Sequence[OutboxRow]) -> Delivery:
    counts = {
        "位已送达": sum(row.state in ARRIVED for row in rows),
        "位没送到": sum(row.state == "undeliverable" for row in rows),
        "位等待发送": sum(row.state in {"waiting", "sending"} for row in rows),
    }
    told = "，".join(f"{count} {name}" for name, count in counts.items() if count)
    return Delivery("waiting" if counts["位等待发送"] else "sent", f"关注的居民：{told}")


def window(book: Book, resident: ResidentRow | None, now: datetime) -> str:
    """Say whether the resident will get a reply now, and how many WeChat still takes."""
    if resident is None:
        return "这个工单不是从微信来的，回复只留在工单里。"
    if not resident.following:
        return "居民已取消关注，微信送不到，请打电话或上门。"
    until = windows.closes_at(resident.wrote_at, resident.tapped_at)
    if until is None or until <= now:
        return "居民超过48小时没来消息，最多收到简短通知；急的话请打电话或上门。"
    left = windows.left(resident.wrote_at, resident.tapped_at, book.pushed_to(resident.id, now), now)
    if not left:
        return "微信允许的条数已经发完，居民再来消息才能接着发；急的话请打电话或上门。"
    return f"居民会在微信里收到：{limits.span(until - now)}内还能发{left}条。"


def moment(at: datetime) -> str:
    """Return a moment as the pages show it."""
    return at.astimezone(worktime.CHINA).strftime("%m-%d %H:%M")
