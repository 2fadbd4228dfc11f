from itertools import combinations, product
from pathlib import Path

import pytest

from cases import cards, words
from cases.deeds import HANDLERS
from cases.effects import EFFECTS
from cases.limits import ALERTS
from cases.workflow import RULES, Action, Condition, Effect, Facts, Relation, State, allowed, find, obstacle
from cases.workflow_page import RELATIONS, page

S, A, R, C = State, Action, Relation, Condition
STAFF = (R.DISPATCHER, R.SUPERIOR, R.HOLDER)
NEAR = (*STAFF, R.LOCAL)
HAND = (S.ASSIGNED, S.ACCEPTED)
WORK = (S.NEW, *HAND)
OPEN = (*WORK, S.RESOLVED)
OVER = (S.CLOSED, S.UNSOLVED)
DONE = {C.ALARM_QUIET, C.HELPERS_DONE}
Way = tuple[frozenset[Condition], State | None]
# Who may do what in which state, when, and where it leads: written down once more, by hand, from the field's seven
# steps. None: the state stays. Of several ways the first whose conditions are met.
EXPECTED: dict[tuple[State, Action, Relation], list[Way]] = {}


def way(
    action: Action,
    by: tuple[Relation, ...],
    states: tuple[State, ...],
    to: State | None = None,
    when: set[Condition] | None = None,
) -> None:
    """Write one way down."""
    for state, relation in product(states, by):
        EXPECTED.setdefault((state, action, relation), []).append((frozenset(when or ()), to))


way(A.ACKNOWLEDGE, NEAR, WORK, when={C.ALARM_RINGS})
way(A.MEASURE, NEAR, WORK, when={C.ALARM_ON})
way(A.END_ALARM, STAFF, WORK, when={C.ALARM_ON})
way(A.REVIEW_ALARM, (R.DISPATCHER, R.SUPERIOR, R.OBSERVER), tuple(S), when={C.ALARM_OVER})
way(A.ACCEPT, (R.HOLDER,), (S.ASSIGNED,), S.ACCEPTED)
way(A.SET_OUT, (R.HOLDER,), (S.ACCEPTED,))
way(A.ASSIGN, (R.HOLDER,), HAND)
way(A.SETTLE, (R.REPORTER,), HAND, S.CLOSED, {C.HOLDS, *DONE})
way(A.SETTLE, (R.HOLDER,), HAND, S.RESOLVED, {C.AT_GRID, *DONE})
way(A.REPORT_RESULT, (R.HOLDER,), HAND, S.RESOLVED, DONE)
way(A.REPORT_UNSOLVED, (R.HOLDER,), HAND, S.RESOLVED, DONE)
way(A.REPLY, STAFF, OPEN)
way(A.CONTACT, (*STAFF, R.FIRST), OPEN)
way(A.ASK, STAFF, WORK)
way(A.NOTE, (*NEAR, R.FIRST, R.HELPER, R.OBSERVER), (*OPEN, *OVER))
way(A.SEND, (R.DISPATCHER,), WORK, S.ASSIGNED)
way(A.SEND, (R.SUPERIOR, R.HOLDER), HAND, S.ASSIGNED)
way(A.SEND, (R.SYSTEM,), (S.NEW, S.ASSIGNED), S.ASSIGNED)
way(A.ESCALATE, (R.HOLDER,), HAND, S.ASSIGNED, {C.HAS_ABOVE})
way(A.RETURN, (R.HOLDER,), HAND, S.ASSIGNED, {C.SENT_BY_UNIT})
way(A.RETURN, (R.HOLDER,), HAND, S.NEW, {C.MAY_RETURN})
way(A.REJECT, (R.DISPATCHER,), (S.NEW,), S.REJECTED, {C.ALARM_QUIET})
way(A.MERGE, STAFF, WORK, S.MERGED, {C.ALARM_QUIET})
way(A.MERGE, (R.REPORTER,), (S.NEW, S.ASSIGNED), S.MERGED)
way(A.UNMERGE, STAFF, (S.MERGED,), S.NEW, {C.AT_DISPATCH})
way(A.UNMERGE, STAFF, (S.MERGED,), S.ASSIGNED)
way(A.ASK_HELP, STAFF, HAND)
way(A.WHISTLE, (R.WHISTLER,), WORK)
way(A.ARRIVE, (R.HELPER,), WORK, when={C.TASK_OPEN, C.NOT_ARRIVED})
way(A.ANSWER_TASK, (R.HELPER,), WORK, when={C.TASK_OPEN})
way(A.CONFIRM_TASK, (R.CALLER,), tuple(S), when={C.ANSWERED})
way(A.EMPTY_TASK, (R.CALLER,), tuple(S), when={C.ANSWERED})
way(A.CANCEL_TASK, (R.CALLER,), WORK, when={C.HELPERS_BUSY})
way(A.ASK_EXTENSION, (R.HOLDER,), HAND, when={C.MAY_EXTEND})
way(A.GRANT_EXTENSION, (R.ABOVE,), HAND, when={C.EXTENSION_ASKED})
way(A.REFUSE_EXTENSION, (R.ABOVE,), HAND, when={C.EXTENSION_ASKED})
way(A.SUPERVISE, (R.OBSERVER, R.DISPATCHER), WORK, when={C.NOT_SUPERVISED})
way(A.RELEASE, (R.OBSERVER, R.DISPATCHER), OPEN, when={C.SUPERVISED})
way(A.SUPPLEMENT, (R.REPORTER,), OPEN)
way(A.URGE, (R.REPORTER,), WORK)
way(A.COMPLAIN, (R.REPORTER,), WORK)
way(A.WITHDRAW, (R.REPORTER,), WORK, S.WITHDRAWN)
for who in (R.REPORTER, R.SYSTEM):
    way(A.VERIFY_PASS, (who,), (S.RESOLVED,), S.CLOSED, {C.SAID_SOLVED})
    way(A.VERIFY_PASS, (who,), (S.RESOLVED,), S.UNSOLVED, {C.SAID_UNSOLVED})
way(A.VERIFY_FAIL, (R.REPORTER,), (S.RESOLVED,), S.ASSIGNED)
way(A.RATE, (R.REPORTER,), OVER, when={C.NOT_RATED})
way(A.REMARK, (R.REPORTER,), OVER)
way(A.REOPEN, (R.REPORTER, R.DISPATCHER, R.SUPERIOR), OVER, S.ASSIGNED)
way(A.RESUME, (R.SYSTEM,), WORK, when={C.PAUSED})
# The conditions that count for each action, by the hand-written ways.
COUNTING = {
    action: sorted(
        {condition for (_, each, _), ways in EXPECTED.items() if each is action for w, _ in ways for condition in w}
    )
    for action in Action
}


@pytest.mark.parametrize(("action", "relation"), list(product(Action, Relation)))
def test_every_pair(action: Action, relation: Relation) -> None:
    """Each state × action × who × conditions is open exactly where the steps say, and leads where they say."""
    every = COUNTING[action]
    for state, size in product(State, range(len(every) + 1)):
        for met in map(frozenset, combinations(every, size)):
            ways = EXPECTED.get((state, action, relation), [])
            expected = next((to or state for when, to in ways if when <= met), None)
            rule = find(state, action, {relation}, Facts(met))
            assert (rule and (rule.to or state)) == expected, (state, met)


@pytest.mark.parametrize(("state", "relation"), list(product(State, Relation)))
def test_what_is_offered_is_what_is_open(state: State, relation: Relation) -> None:
    """The list of allowed actions and the door agree, and offer each action once."""
    for facts in (Facts(), Facts(frozenset(Condition))):
        offered = [rule.action for rule in allowed(state, {relation}, facts)]
        assert len(offered) == len(set(offered))
        assert set(offered) == {action for action in Action if find(state, action, {relation}, facts)}


def test_a_closed_action_says_which_condition() -> None:
    """Where only a condition is missing it is named; where the action is not theirs at all, none is."""
    met = Facts(frozenset({C.ALARM_QUIET}))
    assert obstacle(S.ACCEPTED, A.REPORT_RESULT, {R.HOLDER}, met) is C.HELPERS_DONE
    assert obstacle(S.ACCEPTED, A.REPORT_RESULT, {R.OBSERVER}, met) is None
    assert obstacle(S.ACCEPTED, A.REPORT_RESULT, {R.HOLDER}, Facts(frozenset(DONE))) is None


def test_everything_has_a_name() -> None:
    """No state, action, condition or notice reaches a person without its name; no effect is without a deed."""
    assert set(words.STATES) == set(words.STAFF_STATES) == set(State)
    assert set(words.ACTIONS) == set(Action) == {rule.action for rule in RULES}
    assert set(words.OBSTACLES) == set(Condition) == {condition for rule in RULES for condition in rule.when}
    assert set(EFFECTS) == set(Effect) == {effect for rule in RULES for effect in rule.does}
    assert set(RELATIONS) == set(Relation)
    told = {rule.tells for rule in RULES if rule.tells}
    assert told <= set(words.NOTICES) | set(words.FOLLOWERS_NOTICES)
    assert told <= set(words.BRIEF)
    assert {name for alert in ALERTS for name in alert.to} == set(cards.TOLD)


def test_staff_can_do_what_the_table_gives_them() -> None:
    """Each action that the table opens to staff has a handler, and no handler is without its rule."""
    outside = {R.REPORTER, R.SYSTEM}
    assert set(HANDLERS) >= {rule.action for rule in RULES if set(rule.by) - outside}
    assert set(HANDLERS) <= {rule.action for rule in RULES}


def test_the_four_endings_are_told_apart() -> None:
    """Solved, not solved, not for us and the same as another are states with names of their own."""
    endings = (S.CLOSED, S.UNSOLVED, S.REJECTED, S.MERGED, S.WITHDRAWN)
    for names in (words.STATES, words.STAFF_STATES):
        assert len({names[state] for state in endings}) == len(endings)
    briefs = {words.BRIEF[notice][1] for notice in ("closed", "left", "rejected", "merged")}
    assert len(briefs) == 4


def test_the_page_about_it_is_true() -> None:
    """docs/workflow.md is what the table generates."""
    path = Path(__file__).resolve().parents[2] / "docs" / "workflow.md"
    assert path.read_text(encoding="utf-8") == page()
