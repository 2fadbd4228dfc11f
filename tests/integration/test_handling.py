from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot import sweeping
from bot.assembly import House, utc_now
from cases import facts, handling, intake
from cases.access import Actor
from cases.accounts import actor_of
from cases.handling import Inputs, NoSuchCase
from cases.ledger import NotAllowed
from cases.storage.tables import CaseRow, OutboxRow, ResidentRow, StaffRow
from cases.workflow import Action, State
from tests.integration.people import Resident, Staff

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"
VAGUE = "你们来看看吧，我们这儿越来越不像样子了"


@pytest.fixture
def act(house: House) -> Callable[..., CaseRow]:
    """Give a way to act: `act("urban", case, Action.ACCEPT, text=…)`."""

    def do(login: str, case: CaseRow, action: Action, **inputs: str) -> CaseRow:
        with house.store.write() as book:
            city = house.cities.current(book)
            account = book.staff_by_login(login)
            assert account is not None
            actor = actor_of(book, city, account.id)
            assert actor is not None
            return handling.act(book, city, actor, case.id, action, Inputs(**inputs), utc_now())  # type: ignore[arg-type]

    return do


def owed(house: House, case: CaseRow) -> list[str]:
    """Return the texts owed to the resident, oldest first."""
    with house.store.read() as book:
        return [row.text for row in book.owed(case.id)]


def holder(house: House, case: CaseRow) -> str:
    """Return the code of the unit that holds a case."""
    with house.store.read() as book:
        return house.cities.current(book).units[case.holder_id].code


def test_accept_reply_result(house: House, resident: Resident, act: Callable[..., CaseRow]) -> None:
    """Each step of the holder changes the state, the deadline that counts and what the resident is owed."""
    resident.say(MANHOLE)
    case = act("urban", resident.case(), Action.ACCEPT)
    assert (case.state, case.due_at) == (State.ACCEPTED, case.contact_by)
    assert "已经接手" in owed(house, case)[-1]
    case = act("urban", case, Action.REPLY, text="师傅下午两点到")
    assert case.due_at == case.finish_by
    assert "师傅下午两点到" in owed(house, case)[-1]
    case = act("urban", case, Action.REPORT_RESULT, text="已换上新井盖")
    assert (case.state, case.result) == (State.RESOLVED, "已换上新井盖")
    assert "回复 1 解决了" in owed(house, case)[-1]


def test_return_and_send(house: House, resident: Resident, act: Callable[..., CaseRow]) -> None:
    """A return goes to the dispatchers with its reason; they send it on, and correct the kind on the way."""
    resident.say(MANHOLE)
    case = act("urban", resident.case(), Action.RETURN, reason="not_ours", text="这是供水的阀门井")
    assert (case.state, holder(house, case)) == (State.NEW, "dispatch")
    assert owed(house, case) == []
    case = act("dispatcher", case, Action.SEND, unit="dept-water", category="utility/water")
    assert (case.state, holder(house, case)) == (State.ASSIGNED, "dept-water")
    assert (case.category_code, case.category_by) == ("utility/water", "staff")
    assert "已转给水务局" in owed(house, case)[-1]


def test_reject(house: House, resident: Resident, act: Callable[..., CaseRow]) -> None:
    """What is not handled here ends with the reason and where to go told to the resident."""
    resident.say(VAGUE)
    case = act("dispatcher", resident.case(), Action.REJECT, text="这是物业的事", where="物业 0000-1234")
    assert (case.state, case.due_at) == (State.REJECTED, None)
    assert "这是物业的事\n您可以找：物业 0000-1234" in owed(house, case)[-1]


REFUSED: tuple[tuple[str, Action, dict[str, str]], ...] = (
    ("urban", Action.REPLY, {}),
    ("urban", Action.REPORT_RESULT, {"text": "   "}),
    ("urban", Action.SEND, {"unit": "dept-water"}),
    ("urban", Action.SEND, {"unit": "nowhere"}),
    ("urban", Action.REJECT, {"text": "不归我们"}),
    ("urban", Action.REPLY, {"text": "长" * 501}),
    ("urban", Action.RATE, {}),
    ("cuihusq", Action.ACCEPT, {}),
    ("leader", Action.REPLY, {"text": "看看"}),
    ("urban", Action.RETURN, {"text": "不是我们的"}),
    ("urban", Action.RETURN, {"reason": "other"}),
    ("urban", Action.CONTACT, {}),
    ("urban", Action.SETTLE, {"text": "办好了"}),
    ("cuihusq", Action.SEND, {"unit": "grid-cuihu-01"}),
)


def test_what_is_not_allowed(house: House, resident: Resident, act: Callable[..., CaseRow]) -> None:
    """Missing words, foreign targets, foreign roles and over-long texts are refused, and nothing changes."""
    resident.say(MANHOLE)
    for login, action, inputs in REFUSED:
        with pytest.raises(NotAllowed):
            act(login, resident.case(), action, **inputs)
        assert resident.case().state == State.ASSIGNED
    assert owed(house, resident.case()) == []


def test_others_do_not_see_it(resident: Resident, act: Callable[..., CaseRow]) -> None:
    """A case of the city department in one street looks, to everybody else, as if it were not there."""
    resident.say(MANHOLE)
    for login in ("water", "linjiang01", "linjiangjd", "admin"):
        with pytest.raises(NoSuchCase):
            act(login, resident.case(), Action.ACCEPT)


def test_one_of_many_wins(house: House, resident: Resident, act: Callable[..., CaseRow]) -> None:
    """Twelve members of staff accept at once: one does, the others are told who was first."""
    resident.say(MANHOLE)
    case = resident.case()

    def accept(_at: int) -> str:
        try:
            act("urban", case, Action.ACCEPT)
        except NotAllowed as refusal:
            return str(refusal)
        return ""

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(accept, range(12)))
    assert answers.count("") == 1
    with house.store.read() as book:
        account = book.staff_by_login("urban")
        assert account is not None
        assert sum(account.name in answer for answer in answers) == 11
        assert len(book.owed(case.id)) == 1


def test_a_resident_writes_while_staff_act(house: House, resident: Resident, act: Callable[..., CaseRow]) -> None:
    """Messages of the resident and actions of staff on one case at once all succeed, and none is lost."""
    resident.say(MANHOLE)
    case = resident.case()
    with ThreadPoolExecutor(6) as pool:
        said = [pool.submit(resident.say, f"补充：第{at}句话，现场很乱") for at in range(8)]
        done = [pool.submit(act, "urban", case, Action.NOTE, text=f"第{at}条备注") for at in range(8)]
        assert all(each.result() for each in said + done)
    with house.store.read() as book:
        actions = [row.action for row in book.history(case.id)]
    assert actions.count("supplement") == actions.count("note") == 8


def test_nobody_verifies(house: House, resident: Resident, act: Callable[..., CaseRow]) -> None:
    """A result that nobody verified in time closes by default, is announced, and can still be rated."""
    resident.say(MANHOLE)
    case = act("urban", resident.case(), Action.REPORT_RESULT, text="已换上新井盖")
    assert sweeping.sweep(house) >= 0
    assert resident.case().state == State.RESOLVED
    with house.store.write() as book:
        row = book.get(CaseRow, case.id)
        assert row is not None
        row.due_at = utc_now() - timedelta(minutes=1)
    sweeping.sweep(house)
    assert resident.case().state == State.CLOSED
    assert "先按办结处理" in owed(house, case)[-1]
    resident.say("满意")
    assert resident.case().rating == "satisfied"


def test_every_case_is_somebodys(house: House, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """Whoever may open a case's page also finds it in one of their lists, and the other way round."""
    resident.say(MANHOLE)
    case = resident.case()
    with house.store.read() as book:
        city = house.cities.current(book)
        for account in book.staff():
            actor = actor_of(book, city, account.id)
            assert isinstance(actor, Actor)
            listed = any(
                case.id in {row.id for row in book.queue(each.scope).cases} for each in handling.lists_of(city, actor)
            )
            seen = bool(facts.relations(book, city, actor, case))
            assert listed == seen, account.login
    assert staff("urban").open(case).status_code == 200


def test_the_history_is_whole(house: House, resident: Resident, act: Callable[..., CaseRow]) -> None:
    """Every change of state stands in the history with its person, and each link fits the one before."""
    resident.say(MANHOLE)
    case = act("urban", resident.case(), Action.ACCEPT)
    act("urban", case, Action.REPORT_RESULT, text="好了")
    resident.say("没解决")
    with house.store.read() as book:
        rows = [row for row in book.history(case.id) if row.to_state]
        person = book.staff_by_login("urban")
    state = State.NEW
    for row in rows:
        assert row.from_state == state
        state = State(row.to_state or "")
    assert state == State.ASSIGNED == resident.case().state
    assert person is not None
    assert {row.staff_id for row in rows if row.who == "staff"} == {person.id}


def test_a_withdrawn_case_takes_no_urge(house: House, resident: Resident) -> None:
    """What the table does not allow raises, whoever asks."""
    resident.say(MANHOLE)
    resident.say("撤回")
    with house.store.write() as book:
        case = book.lock_case(resident.case().id)
        assert case is not None
        with pytest.raises(NotAllowed):
            intake.urge(book, house.cities.current(book), case, utc_now(), words="催")


def test_staff_who_left_are_nobody(house: House) -> None:
    """An account that is switched off is no actor any more."""
    with house.store.write() as book:
        account = book.staff_by_login("urban")
        assert account is not None
        account.active = False
        book.flush()
        assert actor_of(book, house.cities.current(book), account.id) is None


def test_outbox_rows_belong_to_their_resident(house: House, resident: Resident, act: Callable[..., CaseRow]) -> None:
    """What is owed is owed to the resident who reported, and to nobody else."""
    resident.say(MANHOLE)
    act("urban", resident.case(), Action.ACCEPT)
    with house.store.engine.connect() as connection:
        query = select(ResidentRow.openid).join(OutboxRow, OutboxRow.resident_id == ResidentRow.id)
        assert set(connection.scalars(query)) == {resident.openid}
    with house.store.read() as book:
        assert book.get(StaffRow, resident.case().handler_id or 0) is not None
