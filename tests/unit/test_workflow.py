from itertools import product
from pathlib import Path

import pytest

from cases import words
from cases.workflow import RULES, Action, Relation, State, allowed, find

S, A, R = State, Action, Relation
STAFF = (R.DISPATCHER, R.SUPERIOR, R.HOLDER)
# Who may do what in which state, and where it leads: written down once more, by hand, from the field's seven steps.
EXPECTED: dict[tuple[State, Action, Relation], State] = {
    (S.ASSIGNED, A.ACCEPT, R.HOLDER): S.ACCEPTED,
    (S.NEW, A.REJECT, R.DISPATCHER): S.REJECTED,
    (S.RESOLVED, A.VERIFY_PASS, R.REPORTER): S.CLOSED,
    (S.RESOLVED, A.VERIFY_PASS, R.SYSTEM): S.CLOSED,
    (S.RESOLVED, A.VERIFY_FAIL, R.REPORTER): S.ASSIGNED,
    (S.CLOSED, A.RATE, R.REPORTER): S.CLOSED,
    (S.CLOSED, A.REOPEN, R.REPORTER): S.ASSIGNED,
    (S.NEW, A.SEND, R.DISPATCHER): S.ASSIGNED,
    (S.NEW, A.SEND, R.SYSTEM): S.ASSIGNED,
    (S.ASSIGNED, A.SEND, R.SYSTEM): S.ASSIGNED,
}
EXPECTED[S.ACCEPTED, A.SET_OUT, R.HOLDER] = S.ACCEPTED
for state in (S.NEW, S.ASSIGNED):
    EXPECTED[state, A.MERGE, R.REPORTER] = S.MERGED
for state in (S.NEW, S.ASSIGNED, S.ACCEPTED):
    EXPECTED[state, A.COMPLAIN, R.REPORTER] = state
    EXPECTED |= {(state, action, who): state for action in (A.ASK, A.ACKNOWLEDGE) for who in STAFF}
for state in (S.ASSIGNED, S.ACCEPTED):
    EXPECTED[state, A.REPORT_RESULT, R.HOLDER] = S.RESOLVED
    EXPECTED[state, A.RETURN, R.HOLDER] = S.NEW
    EXPECTED |= {(state, A.SEND, who): S.ASSIGNED for who in STAFF}
for state in (S.NEW, S.ASSIGNED, S.ACCEPTED):
    EXPECTED[state, A.URGE, R.REPORTER] = state
    EXPECTED[state, A.WITHDRAW, R.REPORTER] = S.WITHDRAWN
for state in (S.NEW, S.ASSIGNED, S.ACCEPTED, S.RESOLVED):
    EXPECTED[state, A.SUPPLEMENT, R.REPORTER] = state
    EXPECTED |= {(state, A.REPLY, who): state for who in STAFF}
for state in (S.NEW, S.ASSIGNED, S.ACCEPTED, S.RESOLVED, S.CLOSED):
    EXPECTED |= {(state, A.NOTE, who): state for who in STAFF}


@pytest.mark.parametrize(("state", "action", "relation"), list(product(State, Action, Relation)))
def test_every_pair(state: State, action: Action, relation: Relation) -> None:
    """Each state × action × relation is open exactly where the field's steps say, and leads where they say."""
    rule = find(state, action, {relation})
    expected = EXPECTED.get((state, action, relation))
    assert (rule is None) == (expected is None)
    if rule is not None:
        assert (rule.to or state) == expected


@pytest.mark.parametrize(("state", "relation"), list(product(State, Relation)))
def test_what_is_offered_is_what_is_open(state: State, relation: Relation) -> None:
    """The list of allowed actions and the door agree, and offer each action once."""
    offered = [rule.action for rule in allowed(state, {relation})]
    assert len(offered) == len(set(offered))
    assert set(offered) == {action for action in Action if find(state, action, {relation})}


def test_everything_has_a_name() -> None:
    """No state or action reaches a person without its Chinese name."""
    assert set(words.STATES) == set(words.STAFF_STATES) == set(State)
    assert set(words.ACTIONS) == set(Action) == {rule.action for rule in RULES}


def test_the_page_about_it_is_true() -> None:
    """docs/workflow.md is what the table generates."""
    page = Path(__file__).resolve().parents[2] / "docs" / "workflow.md"
    assert page.read_text(encoding="utf-8") == words.workflow_page()
