"""Who somebody is to a case: one function that every page, API and export goes through."""

from __future__ import annotations

from dataclasses import dataclass

from cases.workflow import Relation

# Who arranges the work of others: of their own unit and of those below it.
HEADS = frozenset({"grid_leader", "community", "street", "district", "city", "department", "dispatcher"})
# These are arranged by an administrator only.
APART = frozenset({"leader", "admin"})
HANDLING_ROLES = frozenset({"grid_officer", "grid_leader", "community", "street", "district", "city", "department"})
SCREENING_ROLES = frozenset({"community", "street", "district", "city"})


@dataclass(frozen=True)
class Actor:
    """A member of staff at work; `unit_path` is the chain of unit ids from the top, as `/1/2/7/`.

    `contacts`: they may look at residents' numbers. `covers`: the paths of other units for whose people on leave
    they stand in.
    """

    staff_id: int
    name: str
    role: str
    unit_id: int
    unit_path: str
    contacts: bool = False
    covers: frozenset[str] = frozenset()


def relations(actor: Actor, holder_path: str, grid_path: str | None) -> frozenset[Relation]:
    """Return what `actor` is to a case held at `holder_path` whose place lies in `grid_path`; empty: no business.

    Dispatchers see every case. Units that handle are holders of what lies in their own queue; screening units
    also look after what lies below them. Leaders look, and do not touch.
    """
    found: set[Relation] = set()
    if actor.role == "dispatcher":
        found.add(Relation.DISPATCHER)
    if actor.role in HANDLING_ROLES and (holder_path == actor.unit_path or holder_path in actor.covers):
        found.add(Relation.HOLDER)
    below = [path for path in (holder_path, grid_path) if path and path.startswith(actor.unit_path)]
    if below and actor.role in SCREENING_ROLES and holder_path != actor.unit_path:
        found.add(Relation.SUPERIOR)
    if below and actor.role == "leader":
        found.add(Relation.OBSERVER)
    return frozenset(found)


def may_send_to(actor: Actor, target_path: str, target_kind: str, held: frozenset[Relation]) -> bool:
    """Say whether `actor` may send a case to this unit.

    Dispatchers anywhere; others down into their own part, or up one level. Department to department goes
    through the dispatchers.
    """
    if target_kind == "dispatch" or target_path == actor.unit_path:
        return False
    if Relation.DISPATCHER in held:
        return True
    below = target_path.startswith(actor.unit_path) and actor.role in SCREENING_ROLES
    parent = actor.unit_path.rstrip("/").rpartition("/")[0] + "/"
    return below or (target_path == parent and actor.role in HANDLING_ROLES - {"department", "city"})


def may_manage(actor: Actor, target_path: str, target_role: str) -> bool:
    """Say whether `actor` may arrange absence, backup, cases and leaving of somebody in the unit at `target_path`.

    Heads for the people of their own unit and below, administrators for all. Oneself is another matter.
    """
    if actor.role == "admin":
        return True
    return actor.role in HEADS and target_path.startswith(actor.unit_path) and target_role not in APART
