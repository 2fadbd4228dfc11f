from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from bot.assembly import House, utc_now
from bot.phrases import PLACE_MISSING
from cases import erasure, handling, intake, triage
from cases.access import Actor
from cases.accounts import actor_of
from cases.handling import Inputs
from cases.ledger import NotAllowed
from cases.storage import Book
from cases.storage.learning import LabelRow
from cases.storage.tables import CaseRow
from cases.triage import Gone, PlaceNeeded, Wish
from cases.workflow import Action, State
from tests.integration.people import Resident
from tests.integration.test_rules import put_rule

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"
VAGUE = "你们来看看吧，我们这儿越来越不像样子了"


class Desk:
    """The dispatchers' desk: cases put there as a test wants them, and what is done to them."""

    def __init__(self, house: House) -> None:
        self.house = house

    def put(self, text: str, place: str = "翠湖小区3栋", **columns: Any) -> int:
        """Open a case that waits, as sure and as urgent as wanted; return its id."""
        with self.house.store.write() as book:
            city = self.house.cities.current(book)
            report = intake.Report(text, city.locate_text(place) if place else None)
            key = f"{text}|{place}|{sorted(columns)}"
            case = intake.open_imported(book, city, report, utc_now(), source_key=key[:80], channel="import")
            for name, value in columns.items():
                setattr(case, name, value)
            return case.id

    def do(self, what: Callable[..., CaseRow], case_id: int, *rest: Any, login: str = "dispatcher") -> CaseRow:
        """Do something of `cases.triage` as somebody."""
        with self.house.store.write() as book:
            return what(book, self.house.cities.current(book), self.actor(book, login), case_id, *rest, utc_now())

    def decide(self, case_id: int, login: str = "dispatcher", **wish: Any) -> CaseRow:
        """Decide a case."""
        return self.do(triage.decide, case_id, Wish(**wish), login=login)

    def act(self, login: str, case_id: int, action: Action, **inputs: Any) -> CaseRow:
        """Act on a case as somebody."""
        with self.house.store.write() as book:
            city = self.house.cities.current(book)
            return handling.act(book, city, self.actor(book, login), case_id, action, Inputs(**inputs), utc_now())

    def actor(self, book: Book, login: str) -> Actor:
        """Return somebody at work."""
        account = book.staff_by_login(login)
        assert account is not None
        found = actor_of(book, self.house.cities.current(book), account.id)
        assert found is not None
        return found

    def waiting(self) -> list[int]:
        """Return the ids of what waits, the first to decide first."""
        with self.house.store.read() as book:
            return list(triage.waiting(book, self.house.cities.current(book)).ids)

    def label(self, case_id: int) -> LabelRow | None:
        """Return the label of a case."""
        with self.house.store.read() as book:
            return book.label_of(case_id)

    def unit(self, case: CaseRow) -> str:
        """Return the code of the unit that has a case."""
        with self.house.store.read() as book:
            return self.house.cities.current(book).units[case.holder_id].code


@pytest.fixture
def desk(house: House) -> Desk:
    """Give the dispatchers' desk."""
    return Desk(house)


def guesses(*codes: str, first: float = 0.4) -> dict[str, Any]:
    """Return the columns of a case that the classifier was unsure of."""
    kinds = [{"code": code, "probability": first / (at + 1)} for at, code in enumerate(codes)]
    return {"guesses": kinds, "certainty": first, "category_code": codes[0], "model_version": "v1"}


def test_the_order(desk: Desk) -> None:
    """Danger first, then urgent kinds, returned and called-for ones, the least certain, the oldest; asked ones last."""
    hour = utc_now() - timedelta(hours=1)
    sure = desk.put("一", **guesses("order/vendor", first=0.44))
    old = desk.put("二", **guesses("order/vendor", first=0.2), opened_at=hour)
    doubtful = desk.put("三", **guesses("order/vendor", first=0.2))
    none = desk.put("四")
    called = desk.put("五", **guesses("order/vendor", first=0.43), attention="human")
    returned = desk.put("六", **guesses("order/vendor", first=0.99))
    desk.decide(returned, kind="order/vendor")
    desk.act("urban", returned, Action.RETURN, reason="not_ours", text="不归我们")
    urgent = desk.put("七", **guesses("facility/manhole"))
    danger = desk.put("八", urgent=True)
    asked = desk.put("九", place="")
    desk.act("dispatcher", asked, Action.ASK, text="在哪里？")
    assert desk.waiting() == [danger, urgent, called, returned, none, old, doubtful, sure, asked]
    with desk.house.store.read() as book:
        city = desk.house.cities.current(book)
        assert book.waiting_cases(city.dispatch.id, 3).total == 9
        assert len(book.waiting_cases(city.dispatch.id, 3).ids) == 3


def test_only_what_waits(desk: Desk) -> None:
    """What has been sent, ended or is held by others does not wait for the dispatchers."""
    case_id = desk.put("占道", **guesses("order/vendor"))
    desk.put("撤回的", state=State.WITHDRAWN)
    assert desk.waiting() == [case_id]
    assert desk.decide(case_id, kind="order/vendor").state == State.ASSIGNED
    assert desk.waiting() == []


def test_a_kind_decides_the_unit(desk: Desk) -> None:
    """A chosen kind sends the case where that kind goes from this place: department, grid or street."""
    for kind, unit in (
        ("facility/manhole", "dept-urban"),
        ("sanitation/garbage", "grid-cuihu-01"),
        ("order/ebikes", "street-cuihu"),
    ):
        case = desk.decide(desk.put(kind), kind=kind)
        assert (desk.unit(case), case.category_code, case.category_by) == (unit, kind, "staff")


def test_rules_decide_for_a_chosen_kind_too(desk: Desk) -> None:
    """The administrator's rules count for a dispatcher's decision, but for those that only ask for one."""
    put_rule(desk.house, "dispatch", name="先看看", words=["占道"])
    put_rule(desk.house, "dept-garden", name="归园林", kinds=["order/vendor"])
    case_id = desk.put("占道", **guesses("order/vendor"), urgent=True)
    assert desk.unit(desk.decide(case_id, kind="order/vendor")) == "dept-garden"


def test_every_decision_teaches(desk: Desk) -> None:
    """The guess taken is a confirmation, another kind a correction, a decision after a return says so."""
    for kind, origin in (("order/vendor", "confirmation"), ("facility/road", "correction")):
        case_id = desk.put(f"看看{kind}", **guesses("order/vendor", "facility/road"))
        desk.decide(case_id, kind=kind)
        label = desk.label(case_id)
        assert label is not None
        assert (label.label, label.origin, label.guess, label.probability) == (kind, origin, "order/vendor", 0.4)
    desk.act("urban", case_id, Action.RETURN, reason="other", text="是路灯")
    desk.decide(case_id, kind="facility/streetlight")
    label = desk.label(case_id)
    assert label is not None
    assert (label.label, label.origin) == ("facility/streetlight", "return")


def test_a_unit_by_hand_says_nothing_of_the_kind(desk: Desk) -> None:
    """Sent to a unit without a word on the kind, a case goes there and teaches nothing."""
    case_id = desk.put("说不清", place="", **guesses("order/vendor"))
    assert desk.unit(desk.decide(case_id, unit="dept-water")) == "dept-water"
    assert desk.label(case_id) is None


def test_handled_to_its_end(desk: Desk, resident: Resident) -> None:
    """A case finished where the classifier had sent it counts as handled; erasing its resident deletes the label."""
    resident.say(MANHOLE)
    case = resident.case()
    assert desk.label(case.id) is None
    desk.act("urban", case.id, Action.REPORT_RESULT, text="已换上新井盖")
    label = desk.label(case.id)
    assert label is not None
    assert (label.label, label.origin) == ("facility/manhole", "handled")
    with desk.house.store.write() as book:
        erasure.erase_resident(book, resident.openid, utc_now())
    assert desk.label(case.id) is None


def test_the_case_says_how_sure_and_why(resident: Resident) -> None:
    """A case keeps how sure the classifier was and the words that spoke for its guess."""
    resident.say(MANHOLE)
    case = resident.case()
    assert case.certainty is not None
    assert round(case.certainty, 4) == case.guesses[0]["probability"]
    assert "井盖" in case.evidence


def test_a_place_is_needed(desk: Desk) -> None:
    """A kind that hangs on the place waits for it; once written down, it goes to the grid of that place."""
    case_id = desk.put("垃圾没人收", place="")
    with pytest.raises(PlaceNeeded):
        desk.decide(case_id, kind="sanitation/garbage")
    with pytest.raises(NotAllowed):
        desk.do(triage.set_place, case_id, "月球背面")
    case = desk.do(triage.set_place, case_id, "翠湖小区3栋")
    assert (case.place_source, case.state) == ("staff", State.NEW)
    assert [reason for reason in case.reasons if "地点" in reason] == ["地点：翠湖小区3栋（工作人员填写）"]
    assert desk.unit(desk.decide(case_id, kind="sanitation/garbage")) == "grid-cuihu-01"


def test_the_resident_is_asked(desk: Desk, resident: Resident) -> None:
    """One key asks the resident where it is; the case waits at the end until they answer, and then comes back."""
    resident.say(VAGUE)
    case_id, other = resident.case().id, desk.put("别的", **guesses("order/vendor"))
    desk.do(triage.ask, case_id, PLACE_MISSING)
    assert desk.waiting() == [other, case_id]
    resident.say("翠湖小区3栋")
    case = resident.case()
    assert (case.state, case.grid_id is not None) == (State.NEW, True)
    assert desk.waiting() == [case_id, other]
    with pytest.raises(NotAllowed):
        desk.do(triage.ask, other, PLACE_MISSING)


def test_two_dispatchers_at_once(desk: Desk) -> None:
    """Of dispatchers who decide one case at once one does; the others hear that it is gone, and it moved once."""
    case_id = desk.put("占道", **guesses("order/vendor"))

    def decide(at: int) -> str:
        try:
            desk.decide(case_id, ("dispatcher", "dispatcher2")[at % 2], kind=("order/vendor", "facility/road")[at % 2])
        except Gone:
            return "gone"
        return "done"

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(decide, range(8)))
    assert answers.count("done") == 1
    with desk.house.store.read() as book:
        assert [row.action for row in book.history(case_id)].count("send") == 1


def test_a_slip_is_put_right(desk: Desk) -> None:
    """Until it is accepted, who sent a case may send it elsewhere at once, and the label follows; nobody else may."""
    case_id = desk.put("占道", **guesses("order/vendor", "traffic/parking"))
    desk.decide(case_id, kind="order/vendor")
    for login in ("dispatcher2",):
        with pytest.raises(Gone):
            desk.decide(case_id, login, kind="traffic/parking", again=True)
    with pytest.raises(Gone):
        desk.decide(case_id, kind="traffic/parking")
    with pytest.raises(NotAllowed):
        desk.decide(case_id, kind="order/vendor", again=True)
    case = desk.decide(case_id, kind="traffic/parking", again=True)
    label = desk.label(case_id)
    assert label is not None
    assert (desk.unit(case), label.label, label.origin) == ("dept-traffic", "traffic/parking", "correction")
    desk.act("traffic", case_id, Action.ACCEPT)
    with pytest.raises(Gone):
        desk.decide(case_id, kind="order/vendor", again=True)


def test_only_dispatchers_decide(desk: Desk, app: Flask) -> None:
    """Whoever is no dispatcher has no way to decide, whatever they may see."""
    case_id = desk.put("占道", **guesses("order/vendor"))
    for login in ("urban", "cuihujd", "leader"):
        with pytest.raises(handling.NoSuchCase):
            desk.decide(case_id, login, kind="order/vendor")
    with pytest.raises(NotAllowed):
        desk.decide(case_id, kind="no/such")
    with pytest.raises(NotAllowed):
        desk.decide(case_id)
    assert desk.waiting() == [case_id]
    assert app
