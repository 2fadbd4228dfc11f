"""One walk: anybody does anything, in any order, and after each step everything that was promised holds."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cases import facts, handling, intake, neighbours, own, patrol
from cases.callbacks import OUTCOMES, Heard
from cases.handling import Inputs, NoSuchCase
from cases.intake import Report
from cases.ledger import NotAllowed
from cases.own import Given
from cases.routing import Guess, Located
from cases.storage.tables import CaseRow, ResidentRow
from cases.words import RATINGS, SOLVED
from cases.workflow import Action
from tests.walks import inputs, promises
from tests.walks.inputs import AFTER, BEFORE, SAID
from tests.walks.world import LOGINS, OPENIDS, TALLY, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DataObject

    from cases.city import City
    from cases.storage import Book

LIVELY = 10  # what happens to one case in one go
# These end a case before much has happened.
ENDING = frozenset({Action.MERGE, Action.REJECT, Action.WITHDRAW})
SELDOM = frozenset({Action.ASK_EXTENSION, Action.GRANT_EXTENSION, Action.REFUSE_EXTENSION, Action.END_ALARM})
KINDS = ("facility/manhole", "housing/clutter", "order/ebikes", "utility/water", "community/dispute", "safety/fire", "")
GRIDS = ("grid-cuihu-01", "grid-cuihu-01", "grid-cuihu-02", "grid-linjiang-01", "")
SURE, UNSURE = 0.9, 0.3
reports = st.tuples(
    st.sampled_from(KINDS), st.sampled_from(GRIDS), st.booleans(), st.sampled_from(("", "", "", "fire"))
)
people = st.sampled_from(LOGINS)
picks = st.integers(0, 10_000)
Told = tuple[str, str, bool, str]


class Walk(RuleBasedStateMachine):
    """Steps of everybody at the same cases."""

    city: ClassVar[Path]  # the database that a walk begins with

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(self.city, Path(self.folder.name) / "walk.sqlite3")
        self.last = LOGINS[0]
        TALLY.walks += 1

    def teardown(self) -> None:
        """End the walk: everybody looks at their lists once more."""
        for actor in self.world.actors.values():
            promises.check_lists(self.world, actor)
        TALLY.cases += len(self.world.numbers)
        self.world.close()
        self.folder.cleanup()

    def case(self, pick: int) -> int:
        """Return the id of some case."""
        numbers = self.world.open if pick % 4 and self.world.open else self.world.numbers
        return numbers[pick // 4 % len(numbers)]

    def report(self, told: Told) -> Report:
        """Return what a message or a patrol tells."""
        code, grid, sure, danger = told
        with self.world.store.read() as book:
            unit = self.world.city(book).by_code.get(grid)
        place = Located(unit.name, unit.id, "text", 117.0 + unit.id / 1e4, 36.65) if unit is not None else None
        guesses = (Guess(code, SURE if sure else UNSURE),) if code else ()
        return Report(text="楼下的事", place=place, guesses=guesses, danger=danger)

    # -- cases come --------------------------------------------------------------------------------------------

    @initialize(told=reports, other=reports)
    def there_are_cases(self, told: Told, other: Told) -> None:
        """Begin with two residents' cases."""
        self.a_resident_reports(OPENIDS[0], told)
        self.a_resident_reports(OPENIDS[1], other)

    @precondition(lambda self: self.world.wants_more)
    @rule(openid=st.sampled_from(OPENIDS), told=reports)
    def a_resident_reports(self, openid: str, told: Told) -> None:
        """Open a case from the chat."""
        resident_id = self.world.residents[openid]

        def do(book: Book, city: City) -> None:
            resident = book.get(ResidentRow, resident_id)
            assert resident is not None
            intake.open_case(book, city, resident, self.report(told), self.world.now)

        assert self.world.attempt("open", do) is None

    @precondition(lambda self: self.world.wants_more)
    @rule(login=people, told=reports, done=st.sampled_from((None, (), (BEFORE,), (AFTER,))))
    def an_officer_reports(self, login: str, told: Told, done: tuple[()] | None) -> None:
        """Open a case from a patrol, perhaps settled on the spot."""
        given = Inputs(text=SAID, photos=done) if done is not None else None
        actor = self.world.actors[login]
        self.world.attempt(
            "patrol",
            lambda book, city: patrol.report(book, city, actor, self.report(told), self.world.now, done=given),
        )

    @precondition(lambda self: self.world.wants_more)
    @rule(told=reports)
    def a_platform_reports(self, told: Told) -> None:
        """Open a case from another system."""
        name = f"p-{len(self.world.numbers)}"
        report = self.report(told)
        refusal = self.world.attempt(
            "import",
            lambda book, city: intake.open_imported(
                book, city, report, self.world.now, source_key=name, channel="12345"
            ),
        )
        assert refusal is None

    # -- staff -------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.numbers)
    @rule(pick=picks, data=st.data())
    def what_is_offered_succeeds(self, pick: int, data: DataObject) -> None:
        """Whatever is offered to anybody can be done, when it is filled in as it should be."""
        for _ in range(LIVELY):
            if data.draw(st.integers(0, 3)):
                self.do_offered(pick, data)
            else:
                self.do_own(pick, data)
            promises.check(self.world)

    def do_own(self, pick: int, data: DataObject) -> None:
        """Let the resident do what their page offers."""
        case_id = self.case(pick)
        with self.world.store.read() as book:
            case, city = book.get(CaseRow, case_id), self.world.city(book)
            assert case is not None
            offered = sorted(own.possible(book, city, case, self.world.now)) if case.resident_id else []
        if not offered:
            return
        action = data.draw(st.sampled_from([each for each in offered if each not in ENDING] or offered))
        given = Given(text=SAID, rating="fair", solved=data.draw(st.sampled_from(list(SOLVED))))
        refusal = self.tap(case.resident_id or 0, case_id, action, given)
        assert refusal is None, f"a resident was offered {action} of case {case_id} and refused: {refusal}"

    def tap(self, resident_id: int, case_id: int, action: Action, given: Given) -> Exception | None:
        """Let a resident press a button of their page."""

        def do(book: Book, city: City) -> None:
            resident = book.get(ResidentRow, resident_id)
            assert resident is not None
            own.act(book, city, resident, case_id, action, given, self.world.now)

        return self.world.attempt(f"page {action}", do)

    def do_offered(self, pick: int, data: DataObject) -> None:
        """Let somebody do what they are offered in this case."""
        case_id = self.case(pick)
        with self.world.store.read() as book:
            case, city = book.get(CaseRow, case_id), self.world.city(book)
            assert case is not None
            moving = data.draw(st.booleans())  # what leads to another state, or anything: else most would be notes
            offers = {
                login: [
                    each.action
                    for each in handling.possible(book, city, actor, case)
                    if not moving or (each.to is not None and each.action not in ENDING) or each.action in SELDOM
                ]
                for login, actor in self.world.actors.items()
            }
            login = data.draw(st.sampled_from([login for login, offered in offers.items() if offered] or ["leader"]))
            if not offers[login]:
                return
            action, actor = data.draw(st.sampled_from(offers[login])), self.world.actors[login]
            given = inputs.proper(book, city, actor, case, action, data)
        self.last = login
        if given is None:
            assert action in {Action.MERGE, Action.WHISTLE, Action.ASK_HELP}, f"{login} has nothing to choose: {action}"
            return
        refusal = self.world.act(login, case_id, action, given)
        assert refusal is None, f"{login} was offered {action} of case {case_id} and refused: {refusal}"

    @precondition(lambda self: self.world.numbers)
    @rule(login=people, pick=picks, action=st.sampled_from(list(Action)), given=inputs.anything())
    def what_is_not_offered_is_refused(self, login: str, pick: int, action: Action, given: Inputs) -> None:
        """Anybody tries anything: only what is offered can be done, and strangers find no case."""
        case_id, actor, self.last = self.case(pick), self.world.actors[login], login
        with self.world.store.read() as book:
            case, city = book.get(CaseRow, case_id), self.world.city(book)
            assert case is not None
            held = facts.relations(book, city, actor, case)
            offered = {each.action for each in handling.possible(book, city, actor, case)}
        refusal = self.world.act(login, case_id, action, given)
        if not held:
            assert isinstance(refusal, NoSuchCase), f"{login} is nothing to case {case_id} and did {action}"
        elif action not in offered:
            assert isinstance(refusal, NotAllowed), f"{login} did {action} of case {case_id} without an offer"

    # -- residents ---------------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.numbers)
    @rule(pick=picks, told=reports)
    def a_resident_adds(self, pick: int, told: Told) -> None:
        """More of a case, as the chat takes it while the case is being told: perhaps danger."""
        case_id, report = self.case(pick), self.report(told)
        if self.resident_of(case_id) is not None:
            self.world.told(
                case_id, lambda book, city, case: intake.extend_case(book, city, case, report, self.world.now), "add"
            )

    @precondition(lambda self: self.world.numbers)
    @rule(pick=picks, openid=st.sampled_from(OPENIDS), own_one=st.booleans(), data=st.data(), given=inputs.givings())
    def a_resident_taps(self, pick: int, openid: str, *, own_one: bool, data: DataObject, given: Given) -> None:
        """Press the buttons of the page: what it offers works, and nothing else; strangers find no case."""
        case_id = self.case(pick)
        with self.world.store.read() as book:
            case, city = book.get(CaseRow, case_id), self.world.city(book)
            assert case is not None
            offered = own.possible(book, city, case, self.world.now)
        resident_id = (case.resident_id if own_one else None) or self.world.residents[openid]
        action = data.draw(st.sampled_from(sorted(offered) if own_one and offered else list(Action)))

        refusal = self.tap(resident_id, case_id, action, given)
        complete = (action is not Action.RATE or given.rating) and (action is not Action.SUPPLEMENT or given.text)
        if case.resident_id != resident_id:
            assert isinstance(refusal, NoSuchCase)
        else:
            assert (refusal is None) == bool(action in offered and complete), f"{action} of {case_id}: {refusal}"

    @precondition(lambda self: self.world.numbers)
    @rule(pick=picks, said=st.sampled_from(("solved", "partly", "unsolved", "rate", "urge", "complain", "human",
          "explain", "kind", "withdraw", "reopen")), rating=st.sampled_from(list(RATINGS)))  # fmt: skip
    def a_resident_says(self, pick: int, said: str, rating: str) -> None:
        """Say what the chat understands; it may come at any time."""
        case_id, now = self.case(pick), self.world.now
        ways: dict[str, Callable[[Book, City, CaseRow], object]] = {
            "rate": lambda book, city, case: intake.rate(book, city, case, rating, now, words=SAID),
            "urge": lambda book, city, case: intake.urge(book, city, case, now, words=SAID),
            "complain": lambda book, city, case: intake.complain(book, city, case, now, words=SAID),
            "human": lambda book, city, case: intake.want_human(book, city, case, now, words=SAID),
            "explain": lambda book, city, case: intake.explain(book, city, case, SAID, now),
            "kind": lambda book, city, case: intake.choose_kind(book, city, case, "housing/clutter", now),
            "withdraw": lambda book, city, case: intake.withdraw(book, city, case, now, words=SAID),
            "reopen": lambda book, city, case: intake.reopen(book, city, case, now, words=SAID),
        }
        verify: Callable[[Book, City, CaseRow], object] = lambda book, city, case: intake.verify(  # noqa: E731
            book, city, case, now, answer=said, words=SAID
        )
        if self.resident_of(case_id) is not None:
            self.world.told(case_id, ways.get(said, verify), f"say {said}")

    @precondition(lambda self: len(self.world.numbers) > 1)
    @rule(pick=picks, other=picks)
    def neighbours_join(self, pick: int, other: int) -> None:
        """Say that one is the same as a neighbour's, which is offered only while that one is open."""
        case_id, target_id = self.case(pick), self.case(other)
        resident_id, other_id = self.resident_of(case_id), self.resident_of(target_id)
        if case_id == target_id or resident_id is None or other_id in {None, resident_id}:
            return

        def do(book: Book, city: City, case: CaseRow) -> None:
            target = book.get(CaseRow, target_id)
            if target is not None and target.state in intake.ROUTABLE | {"accepted"} and not (case.urgent):
                neighbours.join(book, city, case, target, self.world.now)

        self.world.told(case_id, do, "join")

    def resident_of(self, case_id: int) -> int | None:
        """Return who reported a case in the chat."""
        with self.world.store.read() as book:
            case = book.get(CaseRow, case_id)
            return case.resident_id if case is not None else None

    # -- time, and calls ---------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.numbers)
    @rule(hours=st.sampled_from((0.1, 0.5, 2.0, 8.0, 24.0, 80.0, 24.0 * 8)))
    def time_passes(self, hours: float) -> None:
        """Let the sweeper do what is due."""
        self.world.later(hours)

    @precondition(lambda self: self.world.calls)
    @rule(login=people, pick=picks, outcome=st.sampled_from(("", *OUTCOMES)), solved=st.sampled_from(("", *SOLVED)),
          rating=st.sampled_from(("", *RATINGS)), reopen=st.booleans())  # fmt: skip
    def somebody_calls_back(
        self, login: str, pick: int, outcome: str, solved: str, rating: str, *, reopen: bool
    ) -> None:
        """Call a resident back; perhaps the case goes on."""
        call_id = self.world.calls[pick % len(self.world.calls)]
        self.world.call(login, call_id, Heard(outcome, solved, rating), reopen=reopen)

    # -- what always holds -------------------------------------------------------------------------------------

    @invariant()
    def promises_hold(self) -> None:
        """Everything that holds always, and the lists of whoever acted last."""
        TALLY.steps += 1
        changed = not self.world.looked_at
        promises.check(self.world)
        if changed:
            promises.check_lists(self.world, self.world.actors[self.last])
