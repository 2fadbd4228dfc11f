"""Which cases a list shows, and which of them somebody is looking for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cases.search import Query

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class Reach:
    """Which cases are somebody's business: any of these ways suffices.

    Held by one of the `holders`; held or located `below` a path; reported by this member of staff; `part_of`: this unit
    was asked for its part, asked others, or accepted it first.
    """

    holders: frozenset[int] = frozenset()
    below: str | None = None
    reporter_id: int | None = None
    part_of: int | None = None


@dataclass(frozen=True)
class Did:
    """People of this unit did this to a case since then."""

    action: str
    unit_id: int
    since: datetime


@dataclass(frozen=True)
class Narrow:
    """What a figure counts of a scope; None or empty: whatever it is. Spans hold their beginning and not their end.

    `card`: red or yellow, as it is `at` this moment; `stood_at`: opened and not ended before; `late_at`: and past the
    time to finish, without a result, then; `in_time`: with a result before that time was over; `solved`: the reporter
    said so; `ratings`: one of these, `rated`: any or none; `returned`: given back at least once; `alarm`: `ringing`
    until somebody signs for it, `on` until it is over.
    """

    at: datetime | None = None
    card: str = ""
    due: tuple[datetime, datetime] | None = None
    opened: tuple[datetime, datetime] | None = None
    ended: tuple[datetime, datetime] | None = None
    stood_at: datetime | None = None
    late_at: datetime | None = None
    in_time: bool = False
    solved: bool = False
    ratings: frozenset[str] | None = None
    rated: bool | None = None
    returned: bool = False
    alarm: str = ""
    did: Did | None = None


@dataclass(frozen=True)
class Scope:
    """Which cases a list shows: in these states, held by this unit, or held or located below this path.

    `attention`: only those that a dispatcher should look at; `unheard`: those whose reporter missed the last message;
    `supervised`: those under supervision; `kinds`: of these categories only; `reporter_id`: reported by this member of
    staff; `asked_of`: in which this unit still has to answer; `asked_by`: in which it waits for others;
    `first_unit`: which this unit accepted first, and others hold; `reach`: which are somebody's business at all;
    `only`: of all these those that a figure counts.
    """

    states: frozenset[str] | None = None
    holder_id: int | None = None
    below: str | None = None
    attention: bool = False
    unheard: bool = False
    supervised: bool = False
    kinds: frozenset[str] | None = None
    reporter_id: int | None = None
    asked_of: int | None = None
    asked_by: int | None = None
    first_unit: int | None = None
    reach: Reach | None = None
    only: Narrow | None = None


@dataclass(frozen=True)
class Filter:
    """Which cases of a scope somebody is looking for: what was typed, and what they have chosen; None: any.

    `below`: held by the unit of this path or one below it; `card`: red or yellow, as it is `at` this moment;
    `photos`: whether there are any; `ratings`: one of these.
    """

    query: Query = field(default_factory=Query)
    states: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    below: str | None = None
    card: str | None = None
    at: datetime | None = None
    urgent: bool | None = None
    opened_from: datetime | None = None
    opened_to: datetime | None = None
    photos: bool | None = None
    ratings: frozenset[str] | None = None
    anonymous: bool | None = None
