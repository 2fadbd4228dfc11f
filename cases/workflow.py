"""The life of a case on one screen: state × action × who × condition → state, and what follows from it.

One table, one door (`cases.lifecycle.step`). The console's buttons, the API's allowed actions, the dialogue's answers,
`docs/workflow.md` and the test that walks every pair all read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases.vocabulary import (
    ENDED,
    IN_HAND,
    OPEN,
    SETTLED,
    STAFF,
    UNRESOLVED,
    Action,
    Condition,
    Effect,
    Facts,
    Relation,
    Rule,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ENDED", "IN_HAND", "OPEN", "RULES", "SETTLED", "STAFF", "UNRESOLVED",
    "Action", "Condition", "Effect", "Facts", "Relation", "Rule", "State", "allowed", "find", "obstacle",
]  # fmt: skip

A, C, E, R, S = Action, Condition, Effect, Relation, State
EVERY = frozenset(State)
NEAR = (*STAFF, R.LOCAL)
REPORTER, HOLDER, SYSTEM = (R.REPORTER,), (R.HOLDER,), (R.SYSTEM,)
RESULT = (C.ALARM_QUIET, C.HELPERS_DONE)
REPORTED = (E.RESUME, E.CONTACTED, E.STOP, E.LABEL)

# The order is the order of the console's buttons: the likeliest first.
# fmt: off
RULES = (
    # Danger: signed for, measures, over, reviewed.
    Rule(A.ACKNOWLEDGE, NEAR, UNRESOLVED, when=(C.ALARM_RINGS,)),
    Rule(A.MEASURE, NEAR, UNRESOLVED, needs=("text",), when=(C.ALARM_ON,)),
    Rule(A.END_ALARM, STAFF, UNRESOLVED, needs=("text",), when=(C.ALARM_ON,)),
    # What the holder does, and who helps: take it, visit, report.
    Rule(A.ACCEPT, HOLDER, {S.ASSIGNED}, S.ACCEPTED, does=(E.TAKE,), tells="accepted"),
    Rule(A.ARRIVE, (R.HELPER,), UNRESOLVED, when=(C.TASK_OPEN, C.NOT_ARRIVED)),
    Rule(A.ANSWER_TASK, (R.HELPER,), UNRESOLVED, needs=("text",), when=(C.TASK_OPEN,)),
    Rule(A.SETTLE, REPORTER, IN_HAND, S.CLOSED, ("text",), (C.HOLDS, *RESULT), (*REPORTED, E.END), public=True),
    Rule(A.SETTLE, HOLDER, IN_HAND, S.RESOLVED, ("text",), (C.AT_GRID, *RESULT), REPORTED,
         tells="result", asks="verify", public=True),
    Rule(A.SET_OUT, HOLDER, {S.ACCEPTED}, tells="set_out"),
    Rule(A.REPORT_RESULT, HOLDER, IN_HAND, S.RESOLVED, ("text",), RESULT, REPORTED,
         tells="result", asks="verify", public=True),
    # Who reported verifies; time does it for them.
    Rule(A.VERIFY_PASS, REPORTER, {S.RESOLVED}, S.CLOSED, (), (C.SAID_SOLVED,), (E.END,), "closed", public=True),
    Rule(A.VERIFY_PASS, REPORTER, {S.RESOLVED}, S.UNSOLVED, (), (C.SAID_UNSOLVED,), (E.END,), "left", public=True),
    Rule(A.VERIFY_PASS, SYSTEM, {S.RESOLVED}, S.CLOSED, (), (C.SAID_SOLVED,), (E.END,), "closed_by_default", "rate"),
    Rule(A.VERIFY_PASS, SYSTEM, {S.RESOLVED}, S.UNSOLVED, (), (C.SAID_UNSOLVED,), (E.END,), "left_by_default", "rate"),
    Rule(A.VERIFY_FAIL, REPORTER, {S.RESOLVED}, S.ASSIGNED, does=(E.FAILED, E.HOLD), tells="reopened", public=True),
    # Where it goes: down, to a department, up, back.
    Rule(A.SEND, (R.DISPATCHER,), UNRESOLVED, S.ASSIGNED, ("unit",), does=(E.SENDER, E.HOLD), tells="sent"),
    Rule(A.SEND, (R.SUPERIOR, R.HOLDER), IN_HAND, S.ASSIGNED, ("unit",), does=(E.SENDER, E.HOLD), tells="sent"),
    Rule(A.SEND, SYSTEM, {S.NEW, S.ASSIGNED}, S.ASSIGNED, ("unit",), does=(E.SENDER, E.HOLD)),
    Rule(A.REPLY, STAFF, OPEN, needs=("text",), does=(E.CONTACTED,), tells="reply", public=True),
    Rule(A.CONTACT, (*STAFF, R.FIRST), OPEN, needs=("how",)),
    Rule(A.ASK, STAFF, UNRESOLVED, None, ("text",), (), (E.CONTACTED, E.PAUSE), "ask", "answer", public=True),
    Rule(A.ASSIGN, HOLDER, IN_HAND, needs=("person",)),
    Rule(A.ESCALATE, HOLDER, IN_HAND, S.ASSIGNED, ("text",), (C.HAS_ABOVE,), (E.SENDER, E.HOLD), "sent"),
    Rule(A.RETURN, HOLDER, IN_HAND, S.ASSIGNED, ("reason",), (C.SENT_BY_UNIT,), (E.RETURNED, E.HOLD)),
    Rule(A.RETURN, HOLDER, IN_HAND, S.NEW, ("reason",), (C.MAY_RETURN,), (E.RETURNED, E.HOLD)),
    # Who else is needed.
    Rule(A.WHISTLE, (R.WHISTLER,), UNRESOLVED, needs=("units", "hours", "text")),
    Rule(A.ASK_HELP, STAFF, IN_HAND, needs=("units", "hours", "text")),
    Rule(A.CONFIRM_TASK, (R.CALLER,), EVERY, needs=("task",), when=(C.ANSWERED,)),
    Rule(A.EMPTY_TASK, (R.CALLER,), EVERY, needs=("task", "text"), when=(C.ANSWERED,)),
    Rule(A.CANCEL_TASK, (R.CALLER,), UNRESOLVED, needs=("task",), when=(C.HELPERS_BUSY,)),
    # More time: asked for by the holder, granted one level up.
    Rule(A.GRANT_EXTENSION, (R.ABOVE,), IN_HAND, when=(C.EXTENSION_ASKED,), does=(E.EXTEND,), tells="extended"),
    Rule(A.REFUSE_EXTENSION, (R.ABOVE,), IN_HAND, needs=("text",), when=(C.EXTENSION_ASKED,)),
    Rule(A.ASK_EXTENSION, HOLDER, IN_HAND, needs=("days", "text"), when=(C.MAY_EXTEND,)),
    # Other ends: cannot be solved, not for us, the same as another.
    Rule(A.REPORT_UNSOLVED, HOLDER, IN_HAND, S.RESOLVED, ("text",), RESULT, REPORTED,
         tells="unsolved", asks="verify", public=True),
    Rule(A.REJECT, (R.DISPATCHER,), {S.NEW}, S.REJECTED, ("text", "where"), (C.ALARM_QUIET,), (E.END,),
         "rejected", public=True),
    Rule(A.MERGE, STAFF, UNRESOLVED, S.MERGED, ("other",), (C.ALARM_QUIET,), (E.END,)),
    Rule(A.UNMERGE, STAFF, {S.MERGED}, S.NEW, (), (C.AT_DISPATCH,), (E.HOLD,), "unmerged"),
    Rule(A.UNMERGE, STAFF, {S.MERGED}, S.ASSIGNED, does=(E.HOLD,), tells="unmerged"),
    # Leaders.
    Rule(A.SUPERVISE, (R.OBSERVER, R.DISPATCHER), UNRESOLVED, needs=("days", "text"), when=(C.NOT_SUPERVISED,)),
    Rule(A.RELEASE, (R.OBSERVER, R.DISPATCHER), OPEN, needs=("text",), when=(C.SUPERVISED,)),
    Rule(A.REVIEW_ALARM, (R.DISPATCHER, R.SUPERIOR, R.OBSERVER), EVERY, needs=("text",), when=(C.ALARM_OVER,)),
    Rule(A.NOTE, (*NEAR, R.FIRST, R.HELPER, R.OBSERVER), OPEN | SETTLED, needs=("text",)),
    # What residents do, and what time does.
    Rule(A.SUPPLEMENT, REPORTER, OPEN, does=(E.RESUME,), public=True),
    Rule(A.URGE, REPORTER, UNRESOLVED, public=True),
    Rule(A.COMPLAIN, REPORTER, UNRESOLVED, public=True),
    Rule(A.WITHDRAW, REPORTER, UNRESOLVED, S.WITHDRAWN, does=(E.END,), public=True),
    Rule(A.MERGE, REPORTER, {S.NEW, S.ASSIGNED}, S.MERGED, ("other",), (), (E.END,), public=True),
    Rule(A.RATE, REPORTER, SETTLED, needs=("rating",), when=(C.NOT_RATED,), public=True),
    Rule(A.REMARK, REPORTER, SETTLED, public=True),
    Rule(A.REOPEN, REPORTER, SETTLED, S.ASSIGNED, (), (), (E.FAILED, E.HOLD), "reopened", public=True),
    Rule(A.REOPEN, (R.DISPATCHER, R.SUPERIOR), SETTLED, S.ASSIGNED, ("text",), does=(E.FAILED, E.HOLD),
         tells="reopened_by_us"),
    Rule(A.RESUME, SYSTEM, UNRESOLVED, when=(C.PAUSED,), does=(E.RESUME,)),
)
# fmt: on


def candidates(state: State, action: Action, relations: Iterable[Relation]) -> list[Rule]:
    """Return the rules by which somebody with these relations may do `action` in `state`, their conditions apart."""
    held = set(relations)
    return [rule for rule in RULES if rule.action is action and state in rule.states and held & set(rule.by)]


def find(state: State, action: Action, relations: Iterable[Relation], facts: Facts) -> Rule | None:
    """Return the rule by which somebody with these relations may do `action` now, or None."""
    return next((rule for rule in candidates(state, action, relations) if not unmet(rule, facts)), None)


def unmet(rule: Rule, facts: Facts) -> list[Condition]:
    """Return the conditions of a rule that these facts do not meet."""
    return [condition for condition in rule.when if not facts.meet(condition)]


def obstacle(state: State, action: Action, relations: Iterable[Relation], facts: Facts) -> Condition | None:
    """Return the condition that alone keeps somebody from `action`; None when it is open, or not theirs at all."""
    closed = [unmet(rule, facts) for rule in candidates(state, action, relations)]
    return None if not closed or not all(closed) else closed[-1][0]


def allowed(state: State, relations: Iterable[Relation], facts: Facts) -> list[Rule]:
    """Return what somebody with these relations may do now, the likeliest first, each action once."""
    held = set(relations)
    rules = [rule for rule in RULES if state in rule.states and held & set(rule.by) and not unmet(rule, facts)]
    return list({rule.action: rule for rule in reversed(rules)}.values())[::-1]
