"""Which cases a list shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scope:
    """Which cases a list shows: in these states, held by this unit, or held or located below this path.

    `attention`: only those that a dispatcher should look at; `unheard`: those whose reporter missed the last message;
    `supervised`: those under supervision; `kinds`: of these categories only; `reporter_id`: reported by this member of
    staff; `asked_of`: in which this unit still has to answer; `asked_by`: in which it waits for others;
    `first_unit`: which this unit accepted first, and others hold.
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
