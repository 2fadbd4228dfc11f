"""Changing the rules: what a change makes of them, whether it alters where cases go, and keeping it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cases.rules import Draft
from cases.storage.learning import RuleRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cases.storage import Book

# A rule that is being written has no id yet.
NEW = 0


def saving(draft: Draft) -> dict[str, Any]:
    """Return the change that keeps a rule as it is written here; a new one begins switched off, at the end."""
    return {
        "do": "save",
        "id": draft.id,
        "name": draft.name,
        "conditions": dict(draft.conditions),
        "queue": draft.queue,
        "note": draft.note,
    }


def applied(drafts: Sequence[Draft], change: Mapping[str, Any]) -> tuple[Draft, ...]:
    """Return the rules after a change: save, on, off, up, down or delete. Raises KeyError for a rule that is gone."""
    do, rule_id = change["do"], int(change["id"])
    if do == "save" and rule_id == NEW:
        fresh = Draft(NEW, change["name"], active=False, conditions=change["conditions"], queue=change["queue"])
        return (*drafts, replace(fresh, note=change["note"]))
    at = next((at for at, draft in enumerate(drafts) if draft.id == rule_id), None)
    if at is None:
        raise KeyError(rule_id)
    rules = list(drafts)
    if do == "save":
        kept = {name: change[name] for name in ("name", "conditions", "queue", "note")}
        rules[at] = replace(rules[at], **kept)
    elif do in {"on", "off"}:
        rules[at] = replace(rules[at], active=do == "on")
    elif do == "delete":
        del rules[at]
    else:
        to = min(max(at + {"up": -1, "down": 1}[do], 0), len(rules) - 1)
        rules.insert(to, rules.pop(at))
    return tuple(rules)


def same_live(before: Sequence[Draft], after: Sequence[Draft]) -> bool:
    """Say whether two rule sets decide alike: the same rules are on, in the same order, with the same conditions."""

    def live(drafts: Sequence[Draft]) -> list[tuple[Any, ...]]:
        return [(each.id, dict(each.conditions), each.queue) for each in drafts if each.active]

    return live(before) == live(after)


def keep(book: Book, drafts: Sequence[Draft], staff_id: int, now: datetime) -> None:
    """Put these rules in the stead of those that are kept; what has not changed keeps who changed it last."""
    rows = {row.id: row for row in book.rules()}
    for position, draft in enumerate(drafts, start=1):
        row = rows.pop(draft.id, None) or RuleRow(changed_at=now)
        values = {
            "name": draft.name,
            "active": draft.active,
            "conditions": dict(draft.conditions),
            "queue": draft.queue,
            "note": draft.note,
        }
        changed = row.id is None or any(getattr(row, name) != value for name, value in values.items())
        if changed:
            row.changed_by, row.changed_at = staff_id, now
            for name, value in values.items():
                setattr(row, name, value)
        row.position = position
        book.add(row)
    for row in rows.values():
        book.drop(row)
