import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from bot.assembly import House, utc_now
from cases import intake, triage
from cases.numbers import number_of
from cases.similar import Alike
from cases.storage.tables import CaseRow
from tests.integration.people import TOKEN_FIELD, Resident, Staff
from web.console.board import alike_words, marked, spelt

NUMBER = re.compile(r'id="desk" class="desk" data-number="(\d+)"')


@pytest.fixture
def database_url(tmp_path: object) -> str:
    """Use SQLite: pages do not hang on the database."""
    return f"sqlite:///{tmp_path}/triage.sqlite3"


@pytest.fixture
def put(house: House) -> Callable[..., int]:
    """Give a way to open a case that waits: `put(text, kind, …)`."""

    def case_waits(text: str, *kinds: str, place: str = "翠湖小区3栋", **columns: Any) -> int:
        with house.store.write() as book:
            city = house.cities.current(book)
            report = intake.Report(text, city.locate_text(place) if place else None)
            case = intake.open_imported(book, city, report, utc_now(), source_key=text, channel="import")
            case.guesses = [{"code": kind, "probability": 0.4 / (at + 1)} for at, kind in enumerate(kinds)]
            case.certainty, case.category_code = (0.4, kinds[0]) if kinds else (None, None)
            for name, value in columns.items():
                setattr(case, name, value)
            return case.id

    return case_waits


class Dispatcher(Staff):
    """A dispatcher at the board, with or without a script."""

    def board(self, **query: object) -> str:
        """Open the board."""
        answer = self.client.get("/console/triage", query_string=query)
        assert answer.status_code == 200
        return answer.text

    def do(self, case_id: int, what: str, *, script: bool = True, **form: str) -> TestResponse:
        """Do something with a case; a script gets the next case in the answer itself."""
        token = TOKEN_FIELD.search(self.board())
        assert token
        return self.client.post(
            f"/console/triage/{number_of(case_id)}/{what}",
            data={"csrf_token": token[1], **form},
            headers={"HX-Request": "true"} if script else {},
        )


@pytest.fixture
def dispatcher(app: Flask) -> Dispatcher:
    """Give a dispatcher."""
    return Dispatcher(app, "dispatcher")


def shown(page: str) -> str:
    """Return the number of the case that a board shows; empty without one."""
    found = NUMBER.search(page)
    return found[1] if found else ""


def test_only_dispatchers_see_the_board(staff: Callable[[str], Staff], put: Callable[..., int]) -> None:
    """Everybody else is refused, for looking and for doing, and has no button to it."""
    number = number_of(put("占道", "order/vendor"))
    for login in ("urban", "leader", "admin", "cuihu01"):
        someone = staff(login)
        page = someone.client.get("/console/", follow_redirects=True).text
        assert "逐件派单" not in page
        assert someone.client.get("/console/triage").status_code == 403
        token = TOKEN_FIELD.search(page)
        assert token
        form = {"csrf_token": token[1], "kind": "order/vendor"}
        for what in ("decide", "ask", "place"):
            assert someone.client.post(f"/console/triage/{number}/{what}", data=form).status_code == 403


def test_what_a_dispatcher_sees(dispatcher: Dispatcher, put: Callable[..., int]) -> None:
    """The board has the words with what spoke marked, the place with its map, and choices with where each would go."""
    put("门口<b>占道</b>卖水果", "order/vendor", "sanitation/garbage", evidence=["占道"])
    page = dispatcher.board()
    assert "&lt;b&gt;<mark>占道</mark>&lt;/b&gt;" in page
    for part in ("翠湖小区3栋", 'id="map"', "城市管理局", "翠湖社区第1网格", "40%", "20%", "第 1 件，共 1 件"):
        assert part in page
    assert "逐件派单（1）" in dispatcher.client.get("/console/").text


def test_a_decision_brings_the_next_case(dispatcher: Dispatcher, put: Callable[..., int], house: House) -> None:
    """The answer to a decision says where the case went and shows the next one; after the last there is none."""
    first, second = put("一", "order/vendor"), put("二", "facility/road")
    assert shown(dispatcher.board()) == number_of(first)
    answer = dispatcher.do(first, "decide", kind="order/vendor", next=number_of(second))
    assert answer.status_code == 200
    assert "已派给城市管理局 · 下一件" in answer.text
    assert shown(answer.text) == number_of(second)
    answer = dispatcher.do(second, "decide", unit="dept-water")
    assert "已派给水务局 · 都派完了" in answer.text
    assert "没有要派的单" in answer.text
    with house.store.read() as book:
        assert [getattr(book.get(CaseRow, each), "state", "") for each in (first, second)] == ["assigned"] * 2


def test_without_a_script(dispatcher: Dispatcher, put: Callable[..., int]) -> None:
    """Plain forms do the same over a redirect, and the page that follows says what was done."""
    first, second = put("一", "order/vendor"), put("二", "facility/road")
    answer = dispatcher.do(first, "decide", script=False, kind="order/vendor", next=number_of(second))
    assert answer.status_code == 303
    page = dispatcher.client.get(answer.headers["Location"]).text
    assert "已派给城市管理局" in page
    assert shown(page) == number_of(second)


def test_who_comes_second_is_told(dispatcher: Dispatcher, app: Flask, put: Callable[..., int], house: House) -> None:
    """The second of two dispatchers hears that a colleague was quicker, sees the next case, and moves nothing."""
    first, second = put("一", "order/vendor"), put("二", "facility/road")
    Dispatcher(app, "dispatcher2").do(first, "decide", kind="facility/road")
    wishes: tuple[dict[str, Any], ...] = ({"kind": "order/vendor"}, {"unit": "dept-water"})
    for what in wishes:
        answer = dispatcher.do(first, "decide", next=number_of(second), **what)
        assert answer.status_code == 200
        assert "刚被同事派走" in answer.text
        assert shown(answer.text) == number_of(second)
    assert "刚被同事派走" in dispatcher.do(first, "ask", next=number_of(second)).text
    assert "刚被同事派走" in dispatcher.board(case=number_of(first))
    with house.store.read() as book:
        assert [row.action for row in book.history(first)].count("send") == 1


def test_the_place_is_given(dispatcher: Dispatcher, put: Callable[..., int]) -> None:
    """A kind that needs the place says so and stays; the place written down, its choices name the grid."""
    case_id = put("垃圾没人收", "sanitation/garbage", place="")
    assert "先要有地点" in dispatcher.board()
    answer = dispatcher.do(case_id, "decide", kind="sanitation/garbage")
    assert "要知道在哪里才派得出去" in answer.text
    assert shown(answer.text) == number_of(case_id)
    assert "没有找到这个地方" in dispatcher.do(case_id, "place", place="月球背面").text
    answer = dispatcher.do(case_id, "place", place="翠湖小区3栋")
    assert "地点记下了" in answer.text
    assert "翠湖社区第1网格" in answer.text
    assert shown(answer.text) == number_of(case_id)


def test_the_resident_is_asked_with_one_key(dispatcher: Dispatcher, resident: Resident, house: House) -> None:
    """Asking owes the resident the ready question; the case then waits for the answer, and is not asked about twice."""
    resident.say("你们来看看吧，我们这儿越来越不像样子了")
    case = resident.case()
    assert 'id="ask"' in dispatcher.board()
    page = dispatcher.do(case.id, "ask").text
    assert "已问居民在哪里" in page
    assert "等回话" in page
    assert 'id="ask"' not in page
    with house.store.read() as book:
        assert "请告诉我在哪里" in book.owed(case.id)[-1].text


def test_a_return_says_by_whom_and_why(
    dispatcher: Dispatcher, staff: Callable[[str], Staff], resident: Resident
) -> None:
    """A case that a handler gave back stands on the board with their name, unit and reason."""
    resident.say("翠湖小区3栋楼下井盖坏了，老人差点摔倒")
    staff("urban").act(resident.case(), "return", reason="not_ours", text="这是供水的阀门井")
    page = dispatcher.board()
    assert "城市管理局 翁雅芝退回：超出职责。这是供水的阀门井" in page
    assert "刚被这里退回" in page


def test_a_slip_is_put_right(dispatcher: Dispatcher, put: Callable[..., int]) -> None:
    """The case just sent can be opened again and sent elsewhere, and one is back at the case where one was."""
    first, second = put("一", "order/vendor", "traffic/parking"), put("二", "facility/road")
    page = dispatcher.do(first, "decide", kind="order/vendor", next=number_of(second)).text
    assert f"case={number_of(first)}&amp;again=1" in page
    page = dispatcher.board(case=number_of(first), again=1, back=number_of(second))
    assert shown(page) == number_of(first)
    assert "改派" in page
    answer = dispatcher.do(first, "decide", kind="order/vendor", again="1", next=number_of(second))
    assert "已经在城市管理局了" in answer.text
    answer = dispatcher.do(first, "decide", kind="traffic/parking", again="1", next=number_of(second))
    assert "已派给交警大队" in answer.text
    assert shown(answer.text) == number_of(second)


def test_before_and_after(dispatcher: Dispatcher, put: Callable[..., int], house: House) -> None:
    """From each case one gets to the one before and the one after; after the last comes the first."""
    for at in range(3):
        put(f"第{at}件", "order/vendor")
    with house.store.read() as book:
        ids = triage.waiting(book, house.cities.current(book)).ids
    for at, case_id in enumerate(ids):
        page = dispatcher.board(case=number_of(case_id))
        assert f'data-following="{number_of(ids[(at + 1) % 3])}"' in page
        assert (f'id="previous" rel="prev" data-key="ArrowLeft" href="/console/triage?case={number_of(ids[at - 1])}"'
                in page) == (at > 0)  # fmt: skip
        assert f"第 {at + 1} 件，共 3 件" in page


def test_words() -> None:
    """Words that spoke are marked whole and escaped; kinds are found by pinyin and its initials."""
    assert marked("<井盖>坏了", ["井盖", "坏"]) == "&lt;<mark>井盖</mark>&gt;<mark>坏</mark>了"
    assert marked("a&b", []) == "a&amp;b"
    assert spelt("井盖缺损") == "jinggaiquesun jgqs"


def test_what_is_said_of_similar_cases(house: House, app: Flask) -> None:
    """Similar cases are told as how many went where, those of different grids together, and what half of them were."""
    with house.store.read() as book:
        city = house.cities.current(book)
    urban, one, two = (city.by_code[code].id for code in ("dept-urban", "grid-cuihu-01", "grid-cuihu-02"))
    alike = Alike(12, ((urban, 9), (one, 2), (two, 1)), (("facility/manhole", 9), ("facility/road", 3)))
    assert alike_words(city, alike) == "相似的 12 件里，9 件去了城市管理局，3 件去了各自的网格；9 件是井盖缺损"
    assert alike_words(city, Alike()) == ""
    assert app


def test_a_kind_that_similar_cases_agree_on_is_a_choice(
    dispatcher: Dispatcher, put: Callable[..., int], house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What similar cases agree on stands among the choices, though the classifier did not guess it."""
    put("窨井", "order/vendor")
    with house.store.read() as book:
        urban = house.cities.current(book).by_code["dept-urban"].id
    alike = Alike(5, ((urban, 5),), (("facility/manhole", 5),))
    monkeypatch.setattr(type(house.similar), "to", lambda *_: alike)
    page = dispatcher.board()
    assert "相似的 5 件里，都去了城市管理局；都是井盖缺损" in page
    assert re.search(r'value="facility/manhole" data-key="2"', page)
    assert "相似的多是这一类" in page


def test_faulty_addresses(dispatcher: Dispatcher, put: Callable[..., int]) -> None:
    """Numbers that are none lead to the first case, and acting on them to a page that says so."""
    case_id = put("一", "order/vendor")
    for number in ("", "x", "999999", "1" * 40):
        assert shown(dispatcher.board(case=number)) == number_of(case_id)
    token = TOKEN_FIELD.search(dispatcher.board())
    assert token
    for number in ("x", "1" * 40, number_of(987654)):
        answer = dispatcher.client.post(f"/console/triage/{number}/decide", data={"csrf_token": token[1]})
        assert answer.status_code == 404
