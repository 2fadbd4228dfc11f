from datetime import UTC, datetime, timedelta

import pytest

from cases import tasks
from cases.storage.working import TaskRow

NOW = datetime(2026, 3, 10, 8, tzinfo=UTC)
DUE = NOW - timedelta(hours=1)
SOON, LATE = DUE - timedelta(hours=1), DUE + timedelta(minutes=1)


def whistle(unit_id: int = 1, **fields: object) -> TaskRow:
    """Return a whistle that had to be answered an hour ago."""
    return TaskRow(**{"unit_id": unit_id, "kind": "whistle", "due_at": DUE, "verdict": "", **fields})


STANDINGS = (
    (whistle(), "missed"),
    (whistle(due_at=NOW), "waiting"),
    (whistle(due_at=NOW + timedelta(hours=1)), "waiting"),
    (whistle(answered_at=SOON), "answered"),
    (whistle(answered_at=SOON, verdict="confirmed"), "confirmed"),
    (whistle(answered_at=DUE), "answered"),
    (whistle(answered_at=LATE), "late"),
    (whistle(answered_at=LATE, verdict="confirmed"), "late"),
    (whistle(answered_at=SOON, verdict="empty"), "empty"),
    (whistle(answered_at=LATE, verdict="empty"), "empty"),
    (whistle(cancelled_at=SOON), "cancelled"),
    (whistle(cancelled_at=LATE), "missed"),
    (whistle(kind="help", answered_at=SOON), "confirmed"),
    (whistle(kind="help", answered_at=LATE), "late"),
)


@pytest.mark.parametrize(("task", "expected"), STANDINGS)
def test_how_a_call_stands(task: TaskRow, expected: str) -> None:
    """In time, late, empty, missed, waiting, not needed: each by its times and the caller's word."""
    assert tasks.standing(task, NOW) == expected
    assert expected in tasks.STANDINGS


def test_counts_by_unit() -> None:
    """What was called off in time counts for nobody; who missed most comes first, then who was empty, then the rest."""
    rows = [
        whistle(1, answered_at=SOON, verdict="confirmed"),
        whistle(1, answered_at=SOON),
        whistle(2),
        whistle(2),
        whistle(3),
        whistle(4, answered_at=SOON, verdict="empty"),
        whistle(5, cancelled_at=SOON),
    ]
    counted = [(each.unit_id, each.called, each.by) for each in tasks.counts(rows, NOW)]
    assert counted == [
        (2, 2, {"missed": 2}),
        (3, 1, {"missed": 1}),
        (4, 1, {"empty": 1}),
        (1, 2, {"confirmed": 1, "answered": 1}),
    ]
    assert tasks.counts([], NOW) == []
