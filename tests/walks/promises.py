"""What holds in every case book at any moment, whatever was done: the promises that walks look for holes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases import facts, handling, limits
from cases.limits import Deadlines
from cases.storage.tables import CaseRow
from cases.workflow import ENDED, IN_HAND, RULES, SETTLED, UNRESOLVED, Action, Relation, State
from tests.walks.world import TALLY

if TYPE_CHECKING:
    from collections.abc import Callable

    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import HistoryRow
    from tests.walks.world import World

STEPS = {(rule.action, state, rule.to or state) for rule in RULES for state in rule.states}
REPORTED = SETTLED | {State.RESOLVED}


def check(world: World) -> None:
    """Look at every case, if anything happened since the last time."""
    if world.looked_at:
        return
    world.looked_at = True
    with world.store.read() as book:
        city = world.city(book)
        for case in book.every_case():
            TALLY.states[case.state] += 1
            for promise in PROMISES:
                assert promise(book, city, case), f"case {case.id} ({case.state}): {promise.__name__}: {_told(case)}"
        assert _no_number_is_called_twice(book)


def _told(case: CaseRow) -> str:
    return str({key: value for key, value in vars(case).items() if not key.startswith("_") and value})


def state_is_known(_book: Book, _city: City, case: CaseRow) -> bool:
    """Each state is one of the table's."""
    return case.state in set(State)


def history_is_one_chain(book: Book, _city: City, case: CaseRow) -> bool:
    """Each change is one that the table has, each begins where the last ended, and the last one is now."""
    state: str | None = State.NEW
    for row in _steps(book, case):
        known = (Action(row.action), State(str(row.from_state)), State(str(row.to_state))) in STEPS
        if row.from_state != state or not known:
            return False
        TALLY.changes.add((str(row.from_state), row.action, str(row.to_state)))
        state = row.to_state
    return state == case.state


def _steps(book: Book, case: CaseRow) -> list[HistoryRow]:
    return [row for row in book.history(case.id) if row.to_state is not None]


def what_is_ended_is_over(book: Book, _city: City, case: CaseRow) -> bool:
    """Every ended case has its date, and nothing runs any more; only an ended one has it."""
    if case.state not in ENDED:
        return case.ended_at is None
    runs = (case.due_at, case.alert_at, case.paused_at, case.supervised_at, case.supervise_by, case.supervisor_id)
    owed = [task for task in book.tasks(case.id) if task.answered_at is None and task.cancelled_at is None]
    return case.ended_at is not None and not any((*runs, case.extension_hours, case.gathering_until, owed))


def merged_has_its_target(book: Book, _city: City, case: CaseRow) -> bool:
    """Every merged case, and only one, names another case that it went into."""
    if case.state != State.MERGED:
        return case.merged_into_id is None
    return case.merged_into_id not in {None, case.id} and book.get(CaseRow, case.merged_into_id or 0) is not None


def due_is_computed(_book: Book, _city: City, case: CaseRow) -> bool:
    """Each deadline that counts is what `limits.due` says; a pause has none."""
    due_at = limits.due(
        State(case.state),
        Deadlines(case.accept_by, case.contact_by, case.finish_by),
        contacted=case.contacted_at is not None,
        resolved_at=case.resolved_at,
        paused=case.paused_at is not None,
        verify_days=case.verify_days,
    )
    return case.due_at == due_at and (case.alert_at is None or (case.state in UNRESOLVED and due_at is not None))


def who_works_has_a_limit(_book: Book, _city: City, case: CaseRow) -> bool:
    """Whatever waits for somebody has a limit, unless the resident is asked; only their own cases can wait for that."""
    if case.paused_at is not None:
        return case.due_at is None and case.state in UNRESOLVED and case.resident_id is not None
    return (case.due_at is not None) == (case.state not in ENDED)


def dispatch_holds_what_is_new(_book: Book, city: City, case: CaseRow) -> bool:
    """Whatever is new lies with the dispatchers and is in nobody's hands; what is in work never does."""
    at_dispatch = city.units[case.holder_id].kind == "dispatch"
    if case.state == State.NEW:
        return at_dispatch and case.handler_id is None
    return not at_dispatch or case.state in ENDED


def returns_are_counted(book: Book, _city: City, case: CaseRow) -> bool:
    """Every case is given back twice at most, and each time counts."""
    returned = [row for row in _steps(book, case) if row.action == Action.RETURN]
    return case.returns == len(returned) <= limits.RETURNS


def extensions_are_counted(book: Book, _city: City, case: CaseRow) -> bool:
    """More time is given twice at most, and is asked for only while somebody has it in hand."""
    granted = [row for row in _steps(book, case) if row.action == Action.GRANT_EXTENSION]
    return case.extensions == len(granted) <= limits.EXTENSIONS and (
        case.extension_hours is None or case.state in IN_HAND
    )


def outcome_belongs_to_a_result(_book: Book, _city: City, case: CaseRow) -> bool:
    """Whatever came of it is said of what is reported, and agrees with how it ended."""
    if case.state not in REPORTED:
        return case.outcome == "" and case.resolved_at is None
    wanted = {State.CLOSED: {"solved"}, State.UNSOLVED: {"unsolved"}}.get(State(case.state), {"solved", "unsolved"})
    return case.outcome in wanted and case.resolved_at is not None and bool(case.result)


def one_rating_for_each_closing(book: Book, _city: City, case: CaseRow) -> bool:
    """Each closing is rated once; what was rated before is taken up again without a rating."""
    rated = 0
    for row in _steps(book, case):
        rated = rated + 1 if row.action == Action.RATE else rated if row.from_state == row.to_state else 0
        if rated > 1:
            return False
    return (case.rating is not None) == (rated == 1 and case.state in SETTLED)


def what_was_said_is_of_this_result(_book: Book, _city: City, case: CaseRow) -> bool:
    """Whatever the reporter found agrees with how it ended: nobody's "not solved" stands on a closing."""
    return case.state not in SETTLED or case.solved in {"", "solved" if case.state == State.CLOSED else "unsolved"}


def failures_are_counted(book: Book, _city: City, case: CaseRow) -> bool:
    """Each "not solved" counts, and the third is under supervision until somebody releases it."""
    failures = [row for row in _steps(book, case) if row.action in {Action.VERIFY_FAIL, Action.REOPEN}]
    return case.failed_checks == len(failures)


def supervision_has_a_date(_book: Book, _city: City, case: CaseRow) -> bool:
    """Supervision never lacks its date."""
    return (case.supervised_at is None) == (case.supervise_by is None)


def danger_is_heard(_book: Book, _city: City, case: CaseRow) -> bool:
    """Danger that nobody has signed for or ended is in work, where it rings, or its reporter took it back."""
    runs = case.alarmed_at is not None and case.alarm_ended_at is None
    signed = case.alarm_ended_at is None or case.acknowledged_at is not None
    return signed and (not runs or case.state in UNRESOLVED | {State.WITHDRAWN, State.REJECTED, State.MERGED})


def _no_number_is_called_twice(book: Book) -> bool:
    waiting = [row.case_id for row in book.callbacks(1000)]
    return len(waiting) == len(set(waiting))


PROMISES: tuple[Callable[[Book, City, CaseRow], bool], ...] = (
    state_is_known,
    history_is_one_chain,
    what_is_ended_is_over,
    merged_has_its_target,
    due_is_computed,
    who_works_has_a_limit,
    dispatch_holds_what_is_new,
    returns_are_counted,
    extensions_are_counted,
    outcome_belongs_to_a_result,
    one_rating_for_each_closing,
    what_was_said_is_of_this_result,
    failures_are_counted,
    supervision_has_a_date,
    danger_is_heard,
)


def check_lists(world: World, actor: Actor) -> None:
    """Look at one person's lists: they show what is theirs, and everything that is theirs."""
    with world.store.read() as book:
        city = world.city(book)
        listed = {
            case.id for each in handling.lists_of(city, actor) for case in book.queue(each.scope).cases
        }  # a walk has fewer cases than a page
        for case in book.every_case():
            held = facts.relations(book, city, actor, case)
            assert held or case.id not in listed, f"{actor.name} is shown case {case.id}, which is none of theirs"
            if held and not _helped(book, actor, case, held):
                assert case.id in listed, f"{actor.name} ({set(held)}) has case {case.id} ({case.state}) in no list"


def _helped(book: Book, actor: Actor, case: CaseRow, held: frozenset[Relation]) -> bool:
    """Say whether somebody is only a helper with nothing left to do, or a caller whose callers all were judged."""
    if held - {Relation.HELPER, Relation.CALLER}:
        return False
    tasks = [task for task in book.tasks(case.id) if task.cancelled_at is None]
    owes = any(task.unit_id == actor.unit_id and task.answered_at is None for task in tasks)
    judges = any(
        task.by_unit_id == actor.unit_id and not task.verdict and (task.kind == "whistle" or task.answered_at is None)
        for task in tasks
    )
    return not (owes and case.state in UNRESOLVED) and not judges
