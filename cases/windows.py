"""When WeChat lets us speak to a resident of our own accord, and how often.

Source: 微信公众平台「客服消息」: five messages within 48 hours of each message of the resident; three within a
minute of a menu click, a follow or a scan.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WRITTEN, WRITTEN_COUNT = timedelta(hours=48), 5
TAPPED, TAPPED_COUNT = timedelta(minutes=1), 3


def closes_at(wrote_at: datetime | None, tapped_at: datetime | None) -> datetime | None:
    """Return when the last window that the resident opened closes, or closed; None: they never opened any."""
    ends = [since + span for since, span in ((wrote_at, WRITTEN), (tapped_at, TAPPED)) if since is not None]
    return max(ends, default=None)


def left(wrote_at: datetime | None, tapped_at: datetime | None, sent: Sequence[datetime], now: datetime) -> int:
    """Return how many messages WeChat still takes; those `sent` after a tap count against the tap first."""
    by_tap = [at for at in sorted(sent) if tapped_at is not None and _within(tapped_at, TAPPED, at)][:TAPPED_COUNT]
    others = [at for at in sent if at not in by_tap and wrote_at is not None and at >= wrote_at]
    after_tap = TAPPED_COUNT - len(by_tap) if _within(tapped_at, TAPPED, now) else 0
    after_words = WRITTEN_COUNT - len(others) if _within(wrote_at, WRITTEN, now) else 0
    return max(0, after_tap) + max(0, after_words)


def _within(since: datetime | None, span: timedelta, now: datetime) -> bool:
    return since is not None and timedelta() <= now - since < span
