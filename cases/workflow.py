"""The life of a case on one screen: state × action × who → state, and what the action needs.

One table, one door (`find`). The console's buttons, the dialogue's answers, `docs/workflow.md` and the test that
walks every pair all read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class State(StrEnum):
    """Where a case stands."""

    NEW = "new"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"


class Action(StrEnum):
    """What may happen to a case."""

    SUPPLEMENT = "supplement"
    URGE = "urge"
    WITHDRAW = "withdraw"
    ACCEPT = "accept"
    REPLY = "reply"
    NOTE = "note"
    RETURN = "return"
    SEND = "send"
    REJECT = "reject"
    REPORT_RESULT = "report_result"
    VERIFY_PASS = "verify_pass"  # noqa: S105 - no password
    VERIFY_FAIL = "verify_fail"
    RATE = "rate"
    REOPEN = "reopen"
    SET_OUT = "set_out"
    ASK = "ask"
    ACKNOWLEDGE = "acknowledge"
    COMPLAIN = "complain"
    MERGE = "merge"


class Relation(StrEnum):
    """What somebody is to a case."""

    REPORTER = "reporter"
    HOLDER = "holder"
    SUPERIOR = "superior"
    DISPATCHER = "dispatcher"
    OBSERVER = "observer"
    SYSTEM = "system"


OPEN = frozenset({State.NEW, State.ASSIGNED, State.ACCEPTED, State.RESOLVED})
IN_HAND = frozenset({State.ASSIGNED, State.ACCEPTED})
UNRESOLVED = IN_HAND | {State.NEW}
ENDED = frozenset({State.CLOSED, State.REJECTED, State.WITHDRAWN, State.MERGED})
STAFF = (Relation.DISPATCHER, Relation.SUPERIOR, Relation.HOLDER)


@dataclass(frozen=True)
class Rule:
    """`by` may do `action` in `states`; the case moves `to` (None: stays); `needs` must be given."""

    action: Action
    by: tuple[Relation, ...]
    states: frozenset[State]
    to: State | None = None
    needs: tuple[str, ...] = ()


# The order is the order of the console's buttons: the likeliest first.
RULES = (
    Rule(Action.ACKNOWLEDGE, STAFF, UNRESOLVED, needs=("alarm",)),
    Rule(Action.ACCEPT, (Relation.HOLDER,), frozenset({State.ASSIGNED}), State.ACCEPTED),
    Rule(Action.SET_OUT, (Relation.HOLDER,), frozenset({State.ACCEPTED})),
    Rule(Action.REPORT_RESULT, (Relation.HOLDER,), IN_HAND, State.RESOLVED, needs=("text",)),
    Rule(Action.SEND, (Relation.DISPATCHER,), UNRESOLVED, State.ASSIGNED, needs=("unit",)),
    Rule(Action.SEND, (Relation.SUPERIOR, Relation.HOLDER), IN_HAND, State.ASSIGNED, needs=("unit",)),
    Rule(Action.SEND, (Relation.SYSTEM,), frozenset({State.NEW, State.ASSIGNED}), State.ASSIGNED, needs=("unit",)),
    Rule(Action.REPLY, STAFF, OPEN, needs=("text",)),
    Rule(Action.ASK, STAFF, UNRESOLVED, needs=("text",)),
    Rule(Action.RETURN, (Relation.HOLDER,), IN_HAND, State.NEW, needs=("text",)),
    Rule(Action.REJECT, (Relation.DISPATCHER,), frozenset({State.NEW}), State.REJECTED, needs=("text",)),
    Rule(Action.NOTE, STAFF, OPEN | {State.CLOSED}, needs=("text",)),
    Rule(Action.SUPPLEMENT, (Relation.REPORTER,), OPEN),
    Rule(Action.URGE, (Relation.REPORTER,), UNRESOLVED),
    Rule(Action.COMPLAIN, (Relation.REPORTER,), UNRESOLVED),
    Rule(Action.MERGE, (Relation.REPORTER,), frozenset({State.NEW, State.ASSIGNED}), State.MERGED),
    Rule(Action.WITHDRAW, (Relation.REPORTER,), UNRESOLVED, State.WITHDRAWN),
    Rule(Action.VERIFY_PASS, (Relation.REPORTER, Relation.SYSTEM), frozenset({State.RESOLVED}), State.CLOSED),
    Rule(Action.VERIFY_FAIL, (Relation.REPORTER,), frozenset({State.RESOLVED}), State.ASSIGNED),
    Rule(Action.RATE, (Relation.REPORTER,), frozenset({State.CLOSED}), needs=("rating",)),
    Rule(Action.REOPEN, (Relation.REPORTER,), frozenset({State.CLOSED}), State.ASSIGNED),
)


def find(state: State, action: Action, relations: Iterable[Relation]) -> Rule | None:
    """Return the rule by which somebody with these relations may do `action` in `state`, or None."""
    held = set(relations)
    return next(
        (rule for rule in RULES if rule.action is action and state in rule.states and held & set(rule.by)),
        None,
    )


def allowed(state: State, relations: Iterable[Relation]) -> list[Rule]:
    """Return what somebody with these relations may do now, the likeliest first, each action once."""
    held = set(relations)
    rules = [rule for rule in RULES if state in rule.states and held & set(rule.by)]
    return list({rule.action: rule for rule in reversed(rules)}.values())[::-1]
