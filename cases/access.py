"""Who somebody is to a case: role × part of the city × kinds. Every page, the API and every export go through here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases.workflow import Relation

if TYPE_CHECKING:
    from collections.abc import Iterable

# Who arranges the work of others: of their own unit and of those below it.
HEADS = frozenset({"grid_leader", "community", "street", "district", "city", "department", "dispatcher"})
# These are arranged by an administrator only.
APART = frozenset({"leader", "admin"})
HANDLING_ROLES = frozenset({"grid_officer", "grid_leader", "community", "street", "district", "city", "department"})
SCREENING_ROLES = frozenset({"community", "street", "district", "city"})
# Who may call departments to the spot (吹哨).
WHISTLING_ROLES = frozenset({"community", "street"})
# Above a department, and above the city, sit the dispatchers.
UNDER_DISPATCH = frozenset({"department", "city"})


@dataclass(frozen=True)
class Actor:
    """A member of staff at work; `unit_path` is the chain of unit ids from the top, as `/1/2/7/`.

    `groups`: the groups of kinds that they are limited to, none for all; `contacts`: they may look at numbers;
    `covers`: the paths of other units for whose people on leave they stand in.
    """

    staff_id: int
    name: str
    role: str
    unit_id: int
    unit_path: str
    groups: frozenset[str] = frozenset()
    contacts: bool = False
    covers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Subject:
    """What of a case counts for who may see and do what.

    `holder_kind` and `holder_path`: the unit that has it; `grid_path`: where it lies; `group`: the group of its kind;
    `reporter_id`: who of the staff reported it; `from_resident`: a resident did; `helpers` and `callers`: the units
    that were asked to help, and that asked; `first_unit`: the one that accepted it
    first, while it is open.
    """

    holder_kind: str
    holder_path: str
    grid_path: str | None = None
    group: str | None = None
    reporter_id: int | None = None
    from_resident: bool = True
    helpers: frozenset[int] = frozenset()
    callers: frozenset[int] = frozenset()
    first_unit: int | None = None


def relations(actor: Actor, subject: Subject) -> frozenset[Relation]:
    """Return what `actor` is to a case; empty: no business of theirs.

    Dispatchers see every case. Units that handle are holders of what lies in their own queue; screening units also
    look after what units below them hold, and see what lies in their area. Leaders look, comment and supervise. Who is
    limited to some kinds sees those only.
    """
    if actor.groups and subject.group not in actor.groups:
        return frozenset()
    found = {*_by_place(actor, subject), *_by_part(actor, subject)}
    if actor.role == "dispatcher":
        found.add(Relation.DISPATCHER)
        if not subject.from_resident and subject.reporter_id is None:
            found.add(Relation.REPORTER)  # another platform's case: they verify it in its stead
    if _is_above(actor, subject):
        found.add(Relation.ABOVE)
    return frozenset(found)


def _by_part(actor: Actor, subject: Subject) -> Iterable[Relation]:
    """Yield what follows from the part that somebody, or their unit, has had in a case."""
    if actor.role not in HANDLING_ROLES | {"dispatcher"}:
        return
    if actor.unit_id in subject.callers:
        yield Relation.CALLER
    if actor.unit_id in subject.helpers:
        yield Relation.HELPER
    if actor.unit_id == subject.first_unit and actor.unit_path != subject.holder_path:
        yield Relation.FIRST
    if subject.reporter_id == actor.staff_id:
        yield Relation.REPORTER


def _by_place(actor: Actor, subject: Subject) -> Iterable[Relation]:
    """Yield what follows from where a case is held, and where it lies."""
    if actor.role in HANDLING_ROLES and (subject.holder_path == actor.unit_path or subject.holder_path in actor.covers):
        yield Relation.HOLDER
        if actor.role in WHISTLING_ROLES:
            yield Relation.WHISTLER
    under = subject.holder_path.startswith(actor.unit_path)
    below = under or bool(subject.grid_path and subject.grid_path.startswith(actor.unit_path))
    if below and actor.role in SCREENING_ROLES and subject.holder_path != actor.unit_path:
        yield Relation.SUPERIOR if under else Relation.LOCAL
        if actor.role in WHISTLING_ROLES:
            yield Relation.WHISTLER
    if below and actor.role == "leader":
        yield Relation.OBSERVER


def _is_above(actor: Actor, subject: Subject) -> bool:
    """Say whether this person sits one level above the holder."""
    if actor.role == "dispatcher":
        return subject.holder_kind in UNDER_DISPATCH
    return actor.role in SCREENING_ROLES and actor.unit_path == parent_path(subject.holder_path)


def hears_unit(actor: Actor) -> int:
    """Return the id of the unit whose notices somebody gets: who handles or dispatches, their own; others none (0)."""
    return actor.unit_id if actor.role in HANDLING_ROLES | {"dispatcher"} else 0


def parent_path(path: str) -> str:
    """Return the path of the unit above, or `/`."""
    return path.rstrip("/").rpartition("/")[0] + "/"


def may_send_to(actor: Actor, target_path: str, target_kind: str, held: frozenset[Relation]) -> bool:
    """Say whether `actor` may send a case down to this unit; sending up is ESCALATE.

    Dispatchers anywhere; others down into their own part. Department to department goes through a centre.
    """
    if target_kind == "dispatch" or target_path == actor.unit_path:
        return False
    if Relation.DISPATCHER in held:
        return True
    return target_path.startswith(actor.unit_path) and actor.role in SCREENING_ROLES


def may_manage(actor: Actor, target_path: str, target_role: str) -> bool:
    """Say whether `actor` may arrange absence, backup, cases and leaving of somebody in the unit at `target_path`.

    Heads for the people of their own unit and below, administrators for all. Oneself is another matter.
    """
    if actor.role == "admin":
        return True
    return actor.role in HEADS and target_path.startswith(actor.unit_path) and target_role not in APART
